// SPDX-License-Identifier: MIT
// Takes a model and a time, gives who was where. A process's namespaces over time are those of its birth and what its
// leader's marks changed; for the most telling moment all these changes are swept in order of time.
#include "vis/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "trace/error.h"
#include "vis/headline.h"

namespace nstrace::vis {

using model::NsIds;
using model::Process;
using trace::Time;

namespace {

// What a process is in, and what it has prepared for its children: who has is no longer like those who have not.
using Key = std::array<model::NamespaceId, trace::kNsSlots>;

Key key_of(const NsIds& ids) {
  Key key;
  std::copy_n(ids.id.begin(), trace::kNsSlots, key.begin());
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

// Which sets are inhabited, as changes come in.
class Inhabited {
 public:
  explicit Inhabited(const model::Model& model) : model_(model) {}

  void enter(const Process& p, const NsIds& ids) { ++in_[key_of(ids)][p.container.has_value()]; }
  void leave(const Process& p, const NsIds& ids) {
    const auto at = in_.find(key_of(ids));
    --at->second[p.container.has_value()];
    if (at->second[0] + at->second[1] == 0) in_.erase(at);
  }
  bool containers() const { return made().first > 0; }
  // Greater is more telling.
  std::pair<std::size_t, std::ptrdiff_t> worth() const {
    const auto [containers, ways] = made();
    if (containers > 0) return {containers, -static_cast<std::ptrdiff_t>(ways)};
    return {0, static_cast<std::ptrdiff_t>(in_.size())};
  }

 private:
  // Of the sets with a namespace that was made in the trace: those of containers, and the others.
  std::pair<std::size_t, std::size_t> made() const {
    std::pair<std::size_t, std::size_t> count;
    for (const auto& [key, residents] : in_) {
      const bool fresh = std::any_of(key.begin(), key.end(), [&](model::NamespaceId id) {
        return id != model::kNoNamespace && model_.namespaces()[id].made_by != 0;
      });
      if (fresh) ++(residents[1] > 0 ? count.first : count.second);
    }
    return count;
  }

  const model::Model& model_;
  std::map<Key, std::array<std::size_t, 2>> in_;  // processes: in no container, in one
};

struct Telling {
  Time at = 0, last = 0;
  Moment moment = Moment::End;
};

Telling telling_moment(const model::Model& model) {
  struct Step {
    Change change;
    const NsIds* from;
    const Process* process;
  };
  std::vector<Step> steps;
  Telling telling;
  for (const Process& p : model.processes()) {
    telling.last = std::max(telling.last, p.last);
    if (!counted(p)) continue;
    const NsIds* from = nullptr;
    for (const Change& change : changes_of(p)) {
      steps.push_back({change, from, &p});
      from = change.to;
    }
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return std::make_pair(a.change.time, a.change.event) < std::make_pair(b.change.time, b.change.event);
  });
  Inhabited inhabited(model);
  std::pair<std::size_t, std::ptrdiff_t> best{0, 0};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (step.from) inhabited.leave(*step.process, *step.from);
    if (step.change.to) inhabited.enter(*step.process, *step.change.to);
    if (inhabited.worth() < best) continue;
    best = inhabited.worth();
    telling.moment = inhabited.containers() ? Moment::Containers : Moment::Richest;
    // It lasts until the next change: the latest moment of its kind is just before that.
    const bool end = i + 1 == steps.size();
    telling.at = std::max(step.change.time, end ? telling.last : steps[i + 1].change.time - 1);
    if (end) telling.moment = Moment::End;
  }
  return telling;
}

}  // namespace

Snapshot take_snapshot(const model::Model& model, std::optional<Time> at) {
  Snapshot snapshot;
  const Telling telling = telling_moment(model);
  if (at && (*at < 0 || *at > telling.last)) {
    throw Error(fmt::format("--at {}: the trace goes from 0 to {} ms", static_cast<double>(*at) / 1e6,
                            static_cast<double>(telling.last) / 1e6));
  }
  snapshot.at = at.value_or(telling.at);
  snapshot.moment = at ? Moment::Given : telling.moment;
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
