// SPDX-License-Identifier: MIT
// Which processes a rule is about, together. Roles that stand below one another go by families: the processes of one
// `docker run` are not mixed with those of another.
#pragma once

#include <optional>
#include <vector>

#include "check/facts.h"
#include "check/search.h"

namespace nstrace::check {

enum class Verdict : std::uint8_t { Holds, Fails, CannotTell };

// How a rule fared with one process in each role.
struct Case {
  Assignment assignment;
  Answer answer;
  RoleId missing = -1;  // nobody fills this role in the family; then `answer` says nothing
};

// How it fared with all of them.
struct Outcome {
  std::size_t holds = 0, fails = 0, unknown = 0;
  // The first case for each rule of the group that decided it; of an `any` role that fails, the one that came furthest.
  std::vector<Case> failed, untold;
  bool passed = false;  // there are too many combinations to look at
  Verdict verdict() const { return fails ? Verdict::Fails : unknown || passed ? Verdict::CannotTell : Verdict::Holds; }
  std::size_t looked_at() const { return holds + fails + unknown; }
};

class Families {
 public:
  Families(const Facts& facts, const std::vector<RoleId>& named);
  // Asks every searcher about every combination that belongs together; an outcome for each.
  std::vector<Outcome> run(std::vector<Searcher>& searchers);

 private:
  struct Place {
    RoleId role = 0;
    bool named = false;
    bool top = false;           // of its family
    std::vector<RoleId> needs;  // the named roles from here down
    std::vector<char> useful;   // by process: some named role is filled below it
  };
  using Outcomes = std::vector<Outcome>;
  bool any() const;
  void at(std::size_t index, Outcomes& out);
  void missing(const Place& place, Outcomes& out);
  static void add(Outcome& to, Outcome from);

  const Facts& facts_;
  std::vector<Searcher>* searchers_ = nullptr;
  std::vector<Place> places_;  // from the top down
  Assignment assignment_;
  std::size_t combinations_ = 0;
};

}  // namespace nstrace::check
