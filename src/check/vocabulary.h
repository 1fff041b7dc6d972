// SPDX-License-Identifier: MIT
// The words that an expectation file may use for calls, flags and errors, to tell a slip from a name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"

namespace nstrace::check {

// exited, killed, renamed, moved: what happens to a process without a call.
bool is_pseudo_call(std::string_view name);
bool is_call(std::string_view name);  // a system call of Linux, or a pseudo call
// All names of calls, for suggestions.
const std::vector<std::string>& call_names();

// The calls that nstrace can record which a glob ("clone*") or a set ("%ns") stands for.
std::vector<std::string> calls_of_set(std::string_view set);  // empty if there is no such set
std::vector<std::string> set_names();                         // "%ns", ...

// close_range(7, 7, ...): of one descriptor, whose number depends on what a Go program's threads have open.
bool closes_one(const trace::Call& call);
// keyctl(KEYCTL_DESCRIBE, ..., ADDR, 31): how much there is room for follows from names, such as the container's.
bool sizes_buffer(const trace::Call& call, const trace::Arg& arg);
// Calls whose arguments are fewer with some of the first ones: prctl(PR_SET_NAME, "x").
bool takes_fewer(std::string_view call);
std::optional<int> errno_number(std::string_view name);
std::vector<std::string> errno_names();

}  // namespace nstrace::check
