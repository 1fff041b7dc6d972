// SPDX-License-Identifier: MIT
#include "check/diff_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace nstrace::check {
namespace {

constexpr std::size_t kFoldFrom = 3;

// What must be the same for two changes to be folded: what changed, and into what; of paths, only that they did.
std::string manner(const CallChange& change) {
  std::string text = change.call;
  for (const ValueChange& value : change.values) {
    text += "\n" + value.name;
    if (!value.before.starts_with('"') || !value.after.starts_with('"') || value.name == "data")
      text += "\n" + value.before + "\n" + value.after;
  }
  return text;
}

}  // namespace

std::vector<DiffGroup> groups(const ProcessDiff& process, Phase phase, bool fold) {
  std::vector<DiffGroup> out;
  std::map<std::pair<Change, std::string>, std::vector<const CallChange*>> alike;
  for (const CallChange& change : process.changes)
    if (change.phase == phase) alike[{change.change, manner(change)}].push_back(&change);
  for (const CallChange& change : process.changes) {
    if (change.phase != phase) continue;
    const auto& members = alike[{change.change, manner(change)}];
    const bool same = std::ranges::all_of(members, [&](const CallChange* member) {
      return member->before == change.before && member->after == change.after;
    });
    const bool folded = fold && members.size() >= (same ? 2 : kFoldFrom);
    if (folded && members.front() != &change) continue;
    out.push_back({change.change, phase, change.call, folded ? members : std::vector<const CallChange*>{&change}});
  }
  return out;
}

std::string plural(std::uint64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : noun.ends_with("s") ? "es" : "s");
}

std::string counts_text(const Counts& counts) {
  std::string text;
  for (const auto& [count, change] :
       {std::pair(counts.added, Change::New), std::pair(counts.gone, Change::Gone),
        std::pair(counts.changed, Change::Changed), std::pair(counts.moved, Change::Moved)})
    if (count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, change_name(change));
  return text;
}

Counts counts_of(const ProcessDiff& process) {
  Counts counts;
  for (const CallChange& change : process.changes) {
    switch (change.change) {
      case Change::New:
        ++counts.added;
        break;
      case Change::Gone:
        ++counts.gone;
        break;
      case Change::Changed:
        ++counts.changed;
        break;
      case Change::Moved:
        ++counts.moved;
        break;
    }
  }
  return counts;
}

std::string process_title(const ProcessDiff& process) {
  switch (process.where) {
    case ProcessDiff::Where::OnlyA:
      return process.name_a;
    case ProcessDiff::Where::OnlyB:
      return process.name_b;
    case ProcessDiff::Where::Both:
      break;
  }
  return process.name_a == process.name_b ? process.name_a : process.name_a + " -> " + process.name_b;
}

std::string headline(const Diff& diff) {
  switch (diff.verdict) {
    case Diff::Verdict::Same:
      return fmt::format("no difference: {}, {}", plural(diff.processes_a, "process"), plural(diff.calls_a, "call"));
    case Diff::Verdict::CannotTell:
      if (diff.calls_a == 0) return "cannot tell: nothing was compared";
      return fmt::format("cannot tell: no difference in the {} that were compared; others were not",
                         plural(diff.calls_a, "call"));
    case Diff::Verdict::Differs:
      break;
  }
  std::string text;
  if (const std::string counts = counts_text(diff.calls); !counts.empty()) text = "calls: " + counts;
  const Counts processes{diff.processes_new, diff.processes_gone, diff.processes_changed, 0};
  if (const std::string counts = counts_text(processes); !counts.empty())
    text += (text.empty() ? "" : "; ") + ("processes: " + counts);
  return text;
}

}  // namespace nstrace::check
