// SPDX-License-Identifier: MIT
#include "vis/folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "vis/headline.h"
#include "vis/style.h"
#include "vis/text.h"

namespace nstrace::vis {

using model::Process;
using model::ProcessId;

namespace {

void add_note(Node& node, std::string text) {
  Row row;
  row.text = std::move(text);
  node.rows.push_back(std::move(row));
}

void list_names(const std::vector<std::pair<std::string, std::size_t>>& names, Node& node) {
  constexpr std::size_t kLines = 6;
  for (std::size_t i = 0; i < names.size() && i < kLines; ++i) {
    const auto& [name, count] = names[i];
    add_note(node, shorten(name, style::kCodeColumns - 6) + (count > 1 ? fmt::format(" \u00d7{}", count) : ""));
  }
  if (names.size() > kLines) add_note(node, fmt::format("and {} others", names.size() - kLines));
}

}  // namespace

Node FoldWords::node(const Fold& fold) const {
  Node node;
  node.kind = Node::Kind::Folded;
  std::vector<std::pair<std::string, std::size_t>> names;
  std::map<std::string, std::size_t> place;
  std::size_t ended = 0, first = 0, last = 0;
  for (const ProcessId member : fold.members) {
    const Process& p = model_.processes()[member];
    std::string name = fold.quiet ? display_whole(p.comm(), 60) : headline(p);
    const auto [at, fresh] = place.try_emplace(name, names.size());
    if (fresh) names.emplace_back(std::move(name), 0);
    ++names[at->second].second;
    if (p.ended) ++ended;
    if (first == 0) first = static_cast<std::size_t>(p.pid);
    last = static_cast<std::size_t>(p.pid);
  }
  node.title = names.size() == 1
                   ? card_title(fmt::format("{} \u00d7 {}", fold.members.size(), short_name(names[0].first)))
                   : fmt::format("{} processes", fold.members.size());
  node.subtitle = first == last ? fmt::format("pid {}", first) : fmt::format("pid {} to {}", first, last);
  if (ended == fold.members.size()) node.ending = "ended", node.life = Life::Done;
  if (!fold.containers.empty()) {
    list_containers(fold, node);
  } else if (names.size() > 1) {
    list_names(names, node);
  }
  if (const std::string steps = steps_in(fold); !steps.empty()) node.subtitle += " \u00b7 " + steps;
  if (fold.count > fold.members.size() && fold.containers.empty()) {
    add_note(node, fmt::format("and {} below", fold.count - fold.members.size()));
  }
  if (fold.quiet) add_note(node, "no exec, no change of namespaces");
  node.tip = node.title;
  for (const auto& [name, count] : names) {
    if (node.tip.size() > 2000) break;
    node.tip += fmt::format("\n{} \u00d7 {}", count, name);
  }
  return node;
}

// The numbers that the picture lacks since they are of processes in the fold: "steps 47 to 138".
std::string FoldWords::steps_in(const Fold& fold) const {
  const std::set<ProcessId> tops(fold.members.begin(), fold.members.end());
  int first = 0, last = 0, count = 0;
  for (const Process& p : model_.processes()) {
    if (steps_[p.id].empty() || selection_.shown[p.id]) continue;
    std::optional<ProcessId> at = p.id;
    for (int depth = 0; at && !tops.count(*at) && depth < 64; ++depth) at = creator_of(model_.processes()[*at]);
    if (!at || !tops.count(*at)) continue;
    for (const story::Step* step : steps_[p.id]) {
      first = first == 0 ? step->number : std::min(first, step->number);
      last = std::max(last, step->number);
      ++count;
    }
  }
  if (count == 0) return "";
  if (count == 1) return fmt::format("step {}", first);
  return count == last - first + 1 ? fmt::format("steps {} to {}", first, last)
                                   : fmt::format("{} of the steps {} to {}", count, first, last);
}

// Containers that came about as the one beside them, which is shown: their names, programs and namespaces.
void FoldWords::list_containers(const Fold& fold, Node& node) const {
  constexpr std::size_t kLines = 12;
  node.title = fmt::format("{} more containers, made in the same way", fold.containers.size());
  node.subtitle = fmt::format("{} processes", fold.count);
  for (std::size_t i = 0; i < fold.containers.size() && i < kLines; ++i) {
    const model::Container& container = model_.containers()[fold.containers[i]];
    Row row;
    row.text = headline(container, 24);
    if (container.init) row.text += ": " + shorten(headline(model_.processes()[*container.init]), 24);
    for (const Badge& badge : signs_.band(namespaces_of(model_, container))) {
      if (badge.kind == Badge::Kind::Own) row.badges.push_back(badge);
    }
    node.rows.push_back(std::move(row));
  }
  if (fold.containers.size() > kLines) add_note(node, fmt::format("and {} more", fold.containers.size() - kLines));
}

std::string FoldWords::note(const Fold& fold) const {
  const std::string first = shorten(headline(model_.processes()[fold.members.front()]), 40);
  return fmt::format("followed, without anything to tell: {}{}", first,
                     fold.count > 1 ? fmt::format(" and {} more", fold.count - 1) : "");
}

}  // namespace nstrace::vis
