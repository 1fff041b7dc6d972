// SPDX-License-Identifier: MIT
// Entering a container that runs, as `docker exec` does: a process made beside it joins its namespaces, one by one.
#pragma once

#include "lab/container.h"

namespace nstrace::lab {

// Gives the pid of the process that became `spec.argv` in there.
const Register& enter(First&, const Container&, const Spec&);

}  // namespace nstrace::lab
