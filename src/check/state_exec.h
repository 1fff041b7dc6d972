// SPDX-License-Identifier: MIT
// The state that a program begins with, as an exec event tells it: ids, rights, folders, descriptors.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "check/ast.h"
#include "check/truth.h"
#include "trace/event.h"

namespace nstrace::check {

struct ExecAnswer {
  Truth truth = Truth::Maybe;
  std::string found;  // "fds is [0</dev/null>, 7</>]"
};

// Whether the line holds at an exec, and with `details`, what was found; absent if the event does not tell what it
// needs. For lines of these kinds only: uid, gid, groups, caps, no_new_privs, seccomp, cwd, root, fds.
std::optional<ExecAnswer> at_exec(const StateLine& line, const trace::Exec& exec, bool details);

// What at_exec() looks at of an exec, without the rest; never nullptr.
std::shared_ptr<const trace::Exec> begun(const trace::Exec& exec);

}  // namespace nstrace::check
