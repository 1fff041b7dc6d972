// SPDX-License-Identifier: MIT
// Hooks: other programs that a runtime calls at the turns of a container's life (OCI runtime-spec, "POSIX-platform
// hooks"). They get the container's state as JSON on standard input. Here the program is the lab itself, which reads
// it.
#pragma once

#include "lab/container.h"

namespace nstrace::lab {

// createRuntime, in the namespaces of the runtime; then createContainer, in those of the container, before the pivot.
void hooks_before_pivot(const First&, Stage& init, int to_init, int init_to_lab, const Register& init_pid);
void hook_before_exec(Plan&, Stage& init);                                                       // startContainer
void hook_of_runtime(const First&, const char* name, const Register& init, const char* status);  // poststart, poststop

}  // namespace nstrace::lab
