// SPDX-License-Identifier: MIT
// One call of a trace against one call of an expectation file.
#pragma once

#include "check/truth.h"
#include "trace/event.h"

namespace nstrace::check {

// Every way in which the call fits, with its captures bound while `found` runs. Stops and gives true when that does.
// Names are not looked at.
bool solve(const CallPattern& pattern, const trace::Call& call, Bindings& bindings, Budget& budget,
           FunctionRef<bool(Truth)> found);

// The best answer over all bindings of the captures: what is No here is No whatever they are.
Truth possible(const CallPattern& pattern, const trace::Call& call, std::size_t captures, Budget& budget);

// One value against one argument, without captures.
Truth value_fits(const Value& value, const trace::Arg& arg);

// A value against text, as it stands in a structure or a list ("CLONE_NEWNS|CLONE_FS", "\"/proc\"", "3").
bool solve_text(const Value& value, std::string_view text, Bindings& bindings, Budget& budget,
                FunctionRef<bool(Truth)> found);

// How near a call that does not fit comes: the arguments that fit, and the first thing that does not.
struct Nearness {
  std::size_t fits = 0;     // arguments that do
  std::size_t differs = 0;  // arguments that do not
  bool result_fits = true;
  std::string what;             // "flags", "argument 2", "the result"
  std::string expected, found;  // of it
  std::string detail;           // of flags: "CLONE_NEWNET is too much"
};
Nearness nearness(const CallPattern& pattern, const trace::Call& call, const Bindings& bindings);

// The name of a call as a pattern's names may match it.
bool name_fits(const CallPattern& pattern, std::string_view name);

// What a capture takes from an argument; absent when it is not known.
std::optional<std::string> captured(const trace::Arg& arg);

}  // namespace nstrace::check
