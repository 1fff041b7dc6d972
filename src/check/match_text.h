// SPDX-License-Identifier: MIT
// Values against text as strace writes it inside structures: flags, fields, nested lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check/truth.h"

namespace nstrace::check {

// "a, b=[c, d]" at its outermost commas.
std::vector<std::string> split_list(std::string_view text);

// The flags "A|B|0x8" against a pattern of flags.
bool flags_fit(const Value& pattern, std::string_view text);
// What is wrong with them, in words; empty if they fit.
std::string flags_difference(const Value& pattern, std::string_view text);

// "name=value" entries against {name=VALUE, ...}.
bool solve_fields(const Value& pattern, const std::vector<std::string>& fields, bool cut, Bindings& bindings,
                  Budget& budget, FunctionRef<bool(Truth)> found);

}  // namespace nstrace::check
