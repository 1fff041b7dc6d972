// SPDX-License-Identifier: MIT
// Takes a model, gives each of its namespaces a number and a family of colours, by rule and in order of first sight, so
// that the same trace always gets the same ones.
#include "vis/namespaces.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "vis/text.h"

namespace nstrace::vis {

using model::kNoNamespace;
using model::NamespaceId;
using trace::Ns;

Ns slot_for_children(Ns type) {
  if (type == Ns::Pid) return Ns::PidForChildren;
  if (type == Ns::Time) return Ns::TimeForChildren;
  return type;
}

model::NsIds namespaces_of(const model::Model& model, const model::Container& container) {
  if (container.init) return model.processes()[*container.init].ns_id;
  if (!container.members.empty()) return model.processes()[container.members.front()].ns_id;
  return {};
}

NamespaceSigns::NamespaceSigns(const model::Model& model)
    : model_(&model),
      number_(model.namespaces().size(), 0),
      family_(model.namespaces().size(), -1),
      container_family_(model.containers().size(), 0) {
  std::array<int, trace::kNsSlots> last{};  // number given out
  last.fill(1);                             // which is kept for the host's
  for (const model::Namespace& ns : model.namespaces()) {
    number_[ns.id] = ns.host ? 1 : ++last[static_cast<std::size_t>(ns.type)];
  }
  int families = 0;
  const auto open = [&](NamespaceId id) {
    return id != kNoNamespace && !model.namespaces()[id].host && family_[id] < 0;
  };
  for (const model::Container& container : model.containers()) {
    int mine = -1;
    const model::NsIds ids = namespaces_of(model, container);
    for (const Ns type : kBandOrder) {
      if (!open(ids[type])) continue;
      if (mine < 0) mine = families++;
      family_[ids[type]] = mine;
    }
    container_family_[container.id] = mine < 0 ? families++ : mine;
  }
  std::map<std::uint64_t, int> by_event;
  for (const model::Namespace& ns : model.namespaces()) {
    if (!open(ns.id)) continue;
    if (ns.made_by == 0) {
      family_[ns.id] = families++;
    } else {
      const auto [at, fresh] = by_event.try_emplace(ns.made_by, families);
      if (fresh) ++families;
      family_[ns.id] = at->second;
    }
  }
}

Badge NamespaceSigns::badge(Ns type, NamespaceId id) const {
  Badge badge;
  badge.type = type;
  const std::string_view name = ns_name(type);
  if (id == kNoNamespace) {
    badge.text = fmt::format("{} ?", name);
    badge.tip = fmt::format("{}: not known", name);
    return badge;
  }
  const model::Namespace& ns = model_->namespaces()[id];
  badge.number = number_[id];
  badge.kind = ns.host ? Badge::Kind::Host : Badge::Kind::Own;
  badge.family = family_[id];
  badge.text = ns.host ? std::string(name) : fmt::format("{} {}", name, badge.number);
  badge.tip = fmt::format("{}:[{}]", name, ns.inode);
  if (ns.host) badge.tip += ", the host's";
  if (ns.maker) {
    const model::Process& maker = model_->processes()[*ns.maker];
    badge.tip += fmt::format(", made by {} (pid {})", display_whole(maker.comm()), maker.pid);
  }
  return badge;
}

std::vector<Badge> NamespaceSigns::band(const model::NsIds& ids) const {
  std::vector<Badge> band;
  bool known = false;
  for (const Ns type : kBandOrder) {
    band.push_back(badge(type, ids[type]));
    known = known || ids[type] != kNoNamespace;
    const NamespaceId next = ids[slot_for_children(type)];
    if (next == kNoNamespace || next == ids[type]) continue;
    const Badge prepared = badge(type, next);
    band.back().children = prepared.number;
    band.back().tip += "\nits children get " + prepared.tip;
  }
  if (!known) band.clear();
  return band;
}

std::vector<NamespaceSigns::Change> NamespaceSigns::changes(const model::Mark& mark) const {
  std::vector<Change> out;
  for (const Ns type : kBandOrder) {
    const Ns later = slot_for_children(type);
    if (mark.after[type] != 0 && mark.after[type] != mark.before[type]) {
      out.push_back({badge(type, mark.after_id[type]), mark.after_id[type]});
    } else if (mark.after[later] != 0 && mark.after[later] != mark.before[later]) {
      out.push_back({badge(type, mark.after_id[later]), mark.after_id[later]});
      out.back().badge.tip += ", for its children";
    }
  }
  return out;
}

}  // namespace nstrace::vis
