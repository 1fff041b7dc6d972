// SPDX-License-Identifier: MIT
// Pieces of work that do not depend on one another, shared out among threads.
#pragma once

#include <cstddef>

#include "check/truth.h"

namespace nstrace::check {

// Calls work(worker, piece) once for each piece from 0 on, on up to `workers` threads, of which the caller's is number
// 0. Returns when all are done. What is thrown ends the work and comes out here: of several, that of the first piece.
// Where the system has no more threads, those that there are do all of it.
void share_out(std::size_t pieces, std::size_t workers, FunctionRef<void(std::size_t, std::size_t)> work);

}  // namespace nstrace::check
