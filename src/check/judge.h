// SPDX-License-Identifier: MIT
// Rules that need no search: never, count and at, for one process in each role.
#pragma once

#include <string>
#include <vector>

#include "check/facts.h"
#include "check/truth.h"

namespace nstrace::check {

// A line of an `at` rule that does not hold, or cannot be told.
struct StateAnswer {
  const StateLine* line = nullptr;
  Truth truth = Truth::Yes;
  std::string found;    // "net is the host's (4026531840)"
  std::string unknown;  // why it cannot be told
  std::string cure;
};

struct Judgement {
  Truth truth = Truth::Yes;              // whether the rule holds
  std::vector<EventIndex> events;        // that decide it: calls that must not be, calls counted, the call looked at
  std::vector<EventIndex> bounds;        // that bound the span
  std::uint64_t low = 0, high = 0;       // count: how many there are for sure, and at most
  bool unlimited = false;                // count: `high` is not known
  const CallPattern* missing = nullptr;  // a call that must be there for the rule to mean something, and is not
  RoleId missing_role = -1;
  std::vector<StateAnswer> state;
  std::vector<Reason> reasons;  // why it cannot be told
};

Judgement judge(const Facts& facts, const Rule& rule, const Assignment& assignment, Bindings& bindings, Budget& budget);

// Only whether it holds.
Truth holds(const Facts& facts, const Rule& rule, const Assignment& assignment, Bindings& bindings, Budget& budget);

// How a call fits with these bindings. A capture of a sequence that is not bound (since the sequence could not be told)
// leaves it open.
Truth fits_now(const Facts& facts, const CallPattern& pattern, const Candidate& candidate, Bindings& bindings,
               Budget& budget);

// Why the calls of a pattern that are not seen in the process may have been made all the same.
std::vector<Reason> blind_spots(const Facts& facts, const CallPattern* pattern, ProcessId process);

}  // namespace nstrace::check
