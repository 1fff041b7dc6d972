// SPDX-License-Identifier: MIT
// Takes a model and a time, gives who was where. A process's namespaces over time are those of its birth and what its
// leader's marks changed; for the moment of most variety all these changes are swept in order of time.
#include "vis/snapshot.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "vis/headline.h"

namespace nstrace::vis {

using model::NsIds;
using model::Process;
using trace::Time;

namespace {

// Only what a process is in; what it prepares for its children does not part it from others.
using Key = std::array<model::NamespaceId, trace::kNsCount>;

Key key_of(const NsIds& ids) {
  Key key;
  std::copy_n(ids.id.begin(), trace::kNsCount, key.begin());
  return key;
}

bool known(const Key& key) {
  return std::any_of(key.begin(), key.end(), [](model::NamespaceId id) { return id != model::kNoNamespace; });
}

bool counted(const Process& p) {
  return p.followed || !p.existed;
}

struct Change {
  Time time = 0;
  std::uint64_t event = 0;
  const NsIds* to = nullptr;  // nullptr = it ended
};

// From its birth to its end.
std::vector<Change> changes_of(const Process& p) {
  std::vector<Change> changes{{p.existed ? std::min<Time>(p.born, 0) : p.born, p.fork_event, &p.ns_id_at_birth}};
  for (const model::Mark& mark : p.marks) {
    if (mark.tid == p.pid && !(mark.before == mark.after)) changes.push_back({mark.time, mark.event, &mark.after_id});
  }
  if (p.ended) changes.push_back({p.ended->time, p.ended->event, nullptr});
  return changes;
}

// The end, or, where only one set is left then, the last moment of the most.
std::pair<Time, Moment> telling_moment(const model::Model& model) {
  struct Step {
    Change change;
    const NsIds* from;
  };
  std::vector<Step> steps;
  for (const Process& p : model.processes()) {
    if (!counted(p)) continue;
    const NsIds* from = nullptr;
    for (const Change& change : changes_of(p)) {
      steps.push_back({change, from});
      from = change.to;
    }
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return std::make_pair(a.change.time, a.change.event) < std::make_pair(b.change.time, b.change.event);
  });
  std::map<Key, std::size_t> inhabited;
  std::size_t best = 0;
  Time at = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].from) {
      const auto left = inhabited.find(key_of(*steps[i].from));
      if (--left->second == 0) inhabited.erase(left);
    }
    if (steps[i].change.to) ++inhabited[key_of(*steps[i].change.to)];
    if (inhabited.size() < best) continue;
    // It lasts until the next change: the latest moment with the most is just before that.
    best = inhabited.size();
    const Time next = i + 1 < steps.size() ? steps[i + 1].change.time - 1 : steps[i].change.time;
    at = std::max(steps[i].change.time, next);
  }
  Time last = steps.empty() ? 0 : steps.back().change.time;
  for (const Process& p : model.processes()) last = std::max(last, p.last);
  if (inhabited.size() > 1) return {last, Moment::End};
  return {at, Moment::Richest};
}

}  // namespace

Snapshot take_snapshot(const model::Model& model, std::optional<Time> at) {
  Snapshot snapshot;
  std::tie(snapshot.at, snapshot.moment) = at ? std::make_pair(*at, Moment::Given) : telling_moment(model);
  std::map<Key, std::size_t> place;
  for (const Process& p : model.processes()) {
    if (!counted(p)) continue;
    const NsIds* ids = nullptr;
    for (const Change& change : changes_of(p)) {
      if (change.time <= snapshot.at) ids = change.to;
    }
    if (!ids || !known(key_of(*ids))) continue;
    const auto [found, fresh] = place.try_emplace(key_of(*ids), snapshot.households.size());
    if (fresh) snapshot.households.push_back({*ids, {}});
    Resident resident{p.id, ""};
    for (const Called& called : names_of(p, false)) {
      if (called.since <= snapshot.at || resident.name.empty()) resident.name = called.name;
    }
    snapshot.households[found->second].residents.push_back(std::move(resident));
  }
  return snapshot;
}

}  // namespace nstrace::vis
