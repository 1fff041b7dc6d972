// SPDX-License-Identifier: MIT
// Takes a model, gives each of its namespaces a number and a family of colours, by rule and in order of first sight, so
// that the same trace always gets the same ones.
#include "vis/namespaces.h"

#include <fmt/format.h>

#include "vis/text.h"

namespace nstrace::vis {

using trace::Ns;

namespace {

Ns plain(Ns type) {
  if (type == Ns::PidForChildren) return Ns::Pid;
  if (type == Ns::TimeForChildren) return Ns::Time;
  return type;
}

}  // namespace

NamespaceSigns::NamespaceSigns(const model::Model& model)
    : model_(&model),
      number_(model.namespaces().size(), 0),
      family_(model.namespaces().size(), -1),
      container_family_(model.containers().size(), 0) {
  std::map<Ns, int> last;  // number given out; 1 is kept for the host's
  for (const model::Namespace& ns : model.namespaces()) {
    by_inode_[{plain(ns.type), ns.inode}].push_back(ns.id);
    number_[ns.id] = ns.host ? 1 : ++last.try_emplace(plain(ns.type), 1).first->second;
  }
  int families = 0;
  for (const model::Container& container : model.containers()) {
    int mine = -1;
    trace::Time at = 0;
    if (container.init) at = model.processes()[*container.init].last;
    for (const Ns type : kBandOrder) {
      const model::Namespace* ns = find(type, container.ns[type], at);
      if (!ns || ns->host || family_[ns->id] >= 0) continue;
      if (mine < 0) mine = families++;
      family_[ns->id] = mine;
    }
    container_family_[container.id] = mine < 0 ? families++ : mine;
  }
  std::map<std::uint64_t, int> by_event;
  for (const model::Namespace& ns : model.namespaces()) {
    if (ns.host || family_[ns.id] >= 0) continue;
    if (ns.made_by == 0) {
      family_[ns.id] = families++;
    } else {
      const auto [at, fresh] = by_event.try_emplace(ns.made_by, families);
      if (fresh) ++families;
      family_[ns.id] = at->second;
    }
  }
}

const model::Namespace* NamespaceSigns::find(Ns type, std::uint32_t inode, trace::Time at) const {
  if (inode == 0) return nullptr;
  const auto found = by_inode_.find({plain(type), inode});
  if (found == by_inode_.end()) return nullptr;
  const model::Namespace* best = &model_->namespaces()[found->second.front()];
  for (const model::NamespaceId id : found->second) {
    if (model_->namespaces()[id].first <= at) best = &model_->namespaces()[id];
  }
  return best;
}

Badge NamespaceSigns::badge(Ns type, std::uint32_t inode, trace::Time at) const {
  if (const model::Namespace* ns = find(type, inode, at)) return badge(*ns);
  Badge badge;
  badge.type = plain(type);
  badge.text = fmt::format("{} ?", ns_name(badge.type));
  badge.tip = fmt::format("{}: not known", ns_name(badge.type));
  return badge;
}

Badge NamespaceSigns::badge(const model::Namespace& ns) const {
  Badge badge;
  badge.type = plain(ns.type);
  badge.number = number_[ns.id];
  badge.kind = ns.host ? Badge::Kind::Host : Badge::Kind::Own;
  badge.family = family_[ns.id];
  const std::string_view name = ns_name(badge.type);
  badge.text = ns.host ? std::string(name) : fmt::format("{} {}", name, badge.number);
  badge.tip = fmt::format("{}:[{}]", name, ns.inode);
  if (ns.host) badge.tip += ", the host's";
  if (ns.maker) {
    const model::Process& maker = model_->processes()[*ns.maker];
    badge.tip += fmt::format(", made by {} (pid {})", display_whole(maker.comm()), maker.pid);
  }
  return badge;
}

std::vector<Badge> NamespaceSigns::band(const trace::NsSet& set, trace::Time at) const {
  std::vector<Badge> band;
  bool known = false;
  for (const Ns type : kBandOrder) {
    band.push_back(badge(type, set[type], at));
    const Ns prepared = type == Ns::Pid ? Ns::PidForChildren : type == Ns::Time ? Ns::TimeForChildren : type;
    if (set[prepared] != 0 && set[prepared] != set[type]) {
      const Badge next = badge(type, set[prepared], at);
      band.back().children = next.number;
      band.back().tip += "\nits children get " + next.tip;
    }
    known = known || band.back().kind != Badge::Kind::Unknown;
  }
  if (!known) band.clear();
  return band;
}

std::vector<Badge> NamespaceSigns::changed(const trace::NsSet& before, const trace::NsSet& after,
                                           trace::Time at) const {
  std::vector<Badge> out;
  for (const Ns type : kBandOrder) {
    const Ns prepared = type == Ns::Pid ? Ns::PidForChildren : type == Ns::Time ? Ns::TimeForChildren : type;
    if (after[type] != 0 && after[type] != before[type]) {
      out.push_back(badge(type, after[type], at));
    } else if (after[prepared] != 0 && after[prepared] != before[prepared]) {
      out.push_back(badge(type, after[prepared], at));
      out.back().tip += ", for its children";
    }
  }
  return out;
}

}  // namespace nstrace::vis
