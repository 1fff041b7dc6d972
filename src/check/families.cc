// SPDX-License-Identifier: MIT
// The roles of a rule, and those that connect them, form trees by `below`; processes are chosen from the top down, each
// below the one chosen for the role above. For every choice of an `each` role the rule must hold, for an `any` role it
// must for one.
#include "check/families.h"

#include <algorithm>

namespace nstrace::check {
namespace {

constexpr std::size_t kMostCombinations = 200000;

// How far a search came, to tell the nearest of several failures.
std::pair<std::size_t, std::size_t> distance(const Case& c) {
  return {c.answer.best.rule, c.answer.best.step};
}

// Keeps a case, if it is the first that its rule decided.
void keep(std::vector<Case>& cases, Case one) {
  const auto same = [&](const Case& other) {
    return (other.missing >= 0) == (one.missing >= 0) && other.answer.best.rule == one.answer.best.rule;
  };
  if (std::ranges::none_of(cases, same)) cases.push_back(std::move(one));
}

}  // namespace

Families::Families(const Facts& facts, const std::vector<RoleId>& named)
    : facts_(facts), assignment_(facts.expectations.roles.size(), kNoProcess) {
  // Families by their root.
  std::vector<std::pair<RoleId, std::vector<RoleId>>> by_root;
  for (const RoleId role : named) {
    const RoleId root = facts.roles.chain(role).back();
    auto found = std::ranges::find(by_root, root, &std::pair<RoleId, std::vector<RoleId>>::first);
    if (found == by_root.end()) found = by_root.insert(by_root.end(), {root, {}});
    found->second.push_back(role);
  }
  for (const auto& [root, members] : by_root) {
    // The lowest role that is above or among all of them.
    std::vector<RoleId> common = facts.roles.chain(members.front());
    for (const RoleId role : members) {
      const std::vector<RoleId> chain = facts.roles.chain(role);
      std::erase_if(common, [&](RoleId one) { return std::ranges::find(chain, one) == chain.end(); });
    }
    const RoleId top = common.front();
    std::vector<std::pair<std::size_t, RoleId>> sorted;  // by depth
    for (const RoleId role : members) {
      std::vector<RoleId> chain = facts.roles.chain(role);
      const auto depth = [&](std::size_t i) { return chain.size() - i; };
      for (std::size_t i = 0; i < chain.size(); ++i) {
        const std::pair<std::size_t, RoleId> one{depth(i), chain[i]};
        if (std::ranges::find(sorted, one) == sorted.end()) sorted.push_back(one);
        if (chain[i] == top) break;
      }
    }
    std::ranges::stable_sort(sorted, {}, &std::pair<std::size_t, RoleId>::first);
    for (const auto& [depth, role] : sorted) {
      Place place;
      place.role = role;
      place.named = std::ranges::find(members, role) != members.end();
      place.top = role == top;
      place.useful.resize(facts.model.processes().size());
      for (const RoleId need : members) {
        const std::vector<RoleId> chain = facts.roles.chain(need);
        if (std::ranges::find(chain, role) == chain.end()) continue;
        place.needs.push_back(need);
        for (const ProcessId member : facts.roles.members(need))
          if (const auto up = facts.roles.belongs_to(member, need, role)) place.useful[*up] = 1;
      }
      places_.push_back(std::move(place));
    }
  }
}

bool Families::any() const {
  return std::ranges::any_of(places_,
                             [&](const Place& place) { return facts_.role(place.role).select == Select::Any; });
}

std::vector<Outcome> Families::run(std::vector<Searcher>& searchers) {
  searchers_ = &searchers;
  Outcomes outcomes(searchers.size());
  if (!any()) {
    at(0, outcomes);
    return outcomes;
  }
  // An `any` role may be filled by another process for each of them.
  for (std::size_t i = 0; i < searchers.size(); ++i) {
    std::vector<Searcher> one;
    one.push_back(std::move(searchers[i]));
    searchers_ = &one;
    Outcomes outcome(1);
    combinations_ = 0;
    at(0, outcome);
    outcomes[i] = std::move(outcome[0]);
    searchers[i] = std::move(one[0]);
  }
  return outcomes;
}

void Families::add(Outcome& to, Outcome from) {
  to.holds += from.holds;
  to.fails += from.fails;
  to.unknown += from.unknown;
  to.passed = to.passed || from.passed;
  for (Case& one : from.failed) keep(to.failed, std::move(one));
  for (Case& one : from.untold) keep(to.untold, std::move(one));
}

// Nobody fills the role in this family.
void Families::missing(const Place& place, Outcomes& out) {
  const auto required = std::ranges::find_if(place.needs, [&](RoleId role) { return !facts_.role(role).optional; });
  if (required == place.needs.end()) return;
  const RoleId below = *facts_.role(place.role).below;
  const ProcessId parent = assignment_[static_cast<std::size_t>(below)];
  // Those that there are belong to a process nearer to them.
  for (const RoleId role : place.needs)
    for (const ProcessId member : facts_.roles.members(role))
      if (facts_.roles.descends(member, parent)) return;
  const bool unsure = facts_.lost_until || !facts_.complete || facts_.programs_left;
  for (Outcome& one : out) {
    ++(unsure ? one.unknown : one.fails);
    keep(unsure ? one.untold : one.failed, Case{assignment_, {}, *required});
  }
}

void Families::at(std::size_t index, Outcomes& out) {
  if (index == places_.size()) {
    if (++combinations_ > kMostCombinations) {
      for (Outcome& one : out) one.passed = true;
      return;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      Answer answer = (*searchers_)[i].run(assignment_);
      switch (answer.truth) {
        case Truth::Yes:
          ++out[i].holds;
          break;
        case Truth::No:
          ++out[i].fails;
          keep(out[i].failed, Case{assignment_, std::move(answer), -1});
          break;
        case Truth::Maybe:
          ++out[i].unknown;
          keep(out[i].untold, Case{assignment_, std::move(answer), -1});
          break;
      }
    }
    return;
  }
  const Place& place = places_[index];
  const Role& role = facts_.role(place.role);
  ProcessId& chosen = assignment_[static_cast<std::size_t>(place.role)];
  const std::vector<ProcessId>& candidates =
      place.top ? facts_.roles.members(place.role)
                : facts_.roles.children(place.role, assignment_[static_cast<std::size_t>(*role.below)]);
  bool tried = false;
  Outcome of_any;  // of all candidates for an `any` role, none of which holds
  std::vector<Case> failures;
  for (const ProcessId process : candidates) {
    if (!place.named && !place.useful[process]) continue;
    tried = true;
    chosen = process;
    if (role.select != Select::Any) {
      at(index + 1, out);
      if (!out.empty() && out[0].passed) break;
      continue;
    }
    Outcomes one(1);
    at(index + 1, one);
    if (one[0].verdict() == Verdict::Holds && one[0].looked_at()) {
      chosen = kNoProcess;
      add(out[0], std::move(one[0]));
      return;
    }
    for (const Case& c : one[0].failed) failures.push_back(c);
    add(of_any, std::move(one[0]));
  }
  chosen = kNoProcess;
  if (!tried && !place.top) missing(place, out);
  if (role.select != Select::Any || !tried) return;
  // That is one failure, or one that cannot be told.
  if (of_any.unknown || of_any.passed) {
    ++out[0].unknown;
    out[0].passed = out[0].passed || of_any.passed;
    if (!of_any.untold.empty()) keep(out[0].untold, std::move(of_any.untold.front()));
  } else if (of_any.fails) {
    ++out[0].fails;
    const auto furthest = std::ranges::max_element(failures, {}, distance);
    if (furthest != failures.end()) keep(out[0].failed, std::move(*furthest));
  }
}

}  // namespace nstrace::check
