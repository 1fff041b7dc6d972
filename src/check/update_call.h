// SPDX-License-Identifier: MIT
// A line of a sequence, changed to fit a call: only the arguments that differ, the others keep what they were.
#pragma once

#include <cstddef>
#include <string>

#include "check/ast.h"

namespace nstrace::check {

// The line with every argument that does not fit the call written anew; empty where that cannot be done in its place.
std::string mended_line(const std::string& line, const Item& item, const trace::Call& call, std::size_t captures);

}  // namespace nstrace::check
