// SPDX-License-Identifier: MIT
// Finds calls that satisfy the sequences of a group of rules, with one value for each capture, and asks the group's
// other rules with those values. Exact: if there is a way, it is found, unless the budget is passed, which is told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "check/judge.h"

namespace nstrace::check {

struct Found {
  const Item* item = nullptr;
  EventIndex event = 0;
};

// How far a search came.
struct Progress {
  std::size_t rule = 0;      // index into the group: the one that did not hold, or the group's size
  std::size_t step = 0;      // of its sequence
  std::vector<Found> found;  // calls of that rule
  std::vector<std::optional<std::string>> bindings;
};

struct Answer {
  Truth truth = Truth::Yes;
  Progress best;                 // of the search for what is certain
  const Item* passed = nullptr;  // where the budget was used up
};

class Searcher {
 public:
  // `group`: rules that share captures, or one rule. `steps`: the budget for one assignment.
  Searcher(const Facts& facts, std::vector<const Rule*> group, std::uint64_t steps);
  Searcher(Searcher&&) noexcept;
  Searcher& operator=(Searcher&&) noexcept;
  ~Searcher();
  Answer run(const Assignment& assignment);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nstrace::check
