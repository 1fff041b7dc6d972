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

Outcome Families::run(FunctionRef<Answer(const Assignment&)> leaf) {
  leaf_ = &leaf;
  return at(0);
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
void Families::missing(const Place& place, Outcome& out) {
  const auto required = std::ranges::find_if(place.needs, [&](RoleId role) { return !facts_.role(role).optional; });
  if (required == place.needs.end()) return;
  const RoleId below = *facts_.role(place.role).below;
  const ProcessId parent = assignment_[static_cast<std::size_t>(below)];
  // Those that there are belong to a process nearer to them.
  for (const RoleId role : place.needs)
    for (const ProcessId member : facts_.roles.members(role))
      if (facts_.roles.descends(member, parent)) return;
  Case one;
  one.assignment = assignment_;
  one.missing = *required;
  if (facts_.lost_until || !facts_.complete) {
    ++out.unknown;
    out.untold.push_back(std::move(one));
  } else {
    ++out.fails;
    out.failed.push_back(std::move(one));
  }
}

Outcome Families::at(std::size_t index) {
  Outcome out;
  if (index == places_.size()) {
    if (++combinations_ > kMostCombinations) {
      out.passed = true;
      return out;
    }
    Case one;
    one.assignment = assignment_;
    one.answer = (*leaf_)(assignment_);
    switch (one.answer.truth) {
      case Truth::Yes:
        out.holds = 1;
        break;
      case Truth::No:
        out.fails = 1;
        out.failed.push_back(std::move(one));
        break;
      case Truth::Maybe:
        out.unknown = 1;
        out.untold.push_back(std::move(one));
        break;
    }
    return out;
  }
  const Place& place = places_[index];
  const Role& role = facts_.role(place.role);
  const std::vector<ProcessId>& candidates =
      place.top ? facts_.roles.members(place.role)
                : facts_.roles.children(place.role, assignment_[static_cast<std::size_t>(*role.below)]);
  bool any_tried = false;
  Outcome of_any;
  const Case* furthest = nullptr;
  for (const ProcessId process : candidates) {
    if (!place.named && !place.useful[process]) continue;
    any_tried = true;
    assignment_[static_cast<std::size_t>(place.role)] = process;
    Outcome one = at(index + 1);
    if (role.select != Select::Any) {
      add(out, std::move(one));
      if (out.passed) break;
      continue;
    }
    if (one.verdict() == Verdict::Holds && one.looked_at()) {
      assignment_[static_cast<std::size_t>(place.role)] = kNoProcess;
      return one;
    }
    of_any.fails += one.fails;
    of_any.unknown += one.unknown;
    of_any.passed = of_any.passed || one.passed;
    for (auto* list : {&one.failed, &one.untold})
      for (Case& c : *list) (list == &one.failed ? of_any.failed : of_any.untold).push_back(std::move(c));
  }
  assignment_[static_cast<std::size_t>(place.role)] = kNoProcess;
  if (role.select == Select::Any && any_tried) {
    // None of them holds: that is one failure, or one that cannot be told.
    if (of_any.unknown || of_any.passed) {
      out.unknown = 1;
      if (!of_any.untold.empty()) out.untold.push_back(std::move(of_any.untold.front()));
      out.passed = of_any.passed;
    } else if (of_any.fails) {
      out.fails = 1;
      for (const Case& one : of_any.failed)
        if (!furthest || distance(one) > distance(*furthest)) furthest = &one;
      if (furthest) out.failed.push_back(*furthest);
    }
  }
  if (!any_tried && !place.top) missing(place, out);
  return out;
}

}  // namespace nstrace::check
