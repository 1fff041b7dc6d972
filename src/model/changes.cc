// SPDX-License-Identifier: MIT
// A change is a slot whose number differs before and after. Who made the namespace that it leads to is known to the
// model; so a namespace is new when this very event made it, and joined when it was there before.
#include "model/changes.h"

#include <algorithm>
#include <cctype>

#include "model/runtime.h"
#include "trace/text.h"

namespace nstrace::model {
namespace {

Ns plain(Ns slot) {
  if (slot == Ns::PidForChildren) return Ns::Pid;
  if (slot == Ns::TimeForChildren) return Ns::Time;
  return slot;
}

NsChange change(const Model& model, Ns slot, std::uint32_t before, NamespaceId to, How how) {
  NsChange c{slot, before, to, how, std::nullopt, true};
  if (how == How::New) return c;
  c.of = container_with(model, to);
  c.proven = !model.namespaces()[to].doubtful;
  return c;
}

// What a mark's setns can have joined: "setns(mnt, net)" names it; "setns()" does not, so that it can be any.
bool can_join(std::string_view text, Ns slot) {
  if (!text.starts_with("setns(")) return false;
  std::string_view types = text.substr(6, text.size() - 7);
  if (types.empty()) return true;
  const std::string_view wanted = ns_name(plain(slot));
  while (!types.empty()) {
    const auto comma = std::min(types.find(", "), types.size());
    if (types.substr(0, comma) == wanted) return true;
    types.remove_prefix(std::min(comma + 2, types.size()));
  }
  return false;
}

// Of a task, by an event of its own; `call`: the text of its mark, if the event is a call that has one.
std::vector<NsChange> of_task(const Model& model, std::string_view call, std::uint64_t event, const NsSet& before,
                              const NsSet& after, const NsIds& after_id) {
  std::vector<NsChange> all;
  for (int i = 0; i < trace::kNsSlots; ++i) {
    const Ns slot = static_cast<Ns>(i);
    const NamespaceId to = after_id[slot];
    if (before[slot] == after[slot] || to == kNoNamespace) continue;
    const bool joined = can_join(call, slot);
    if (!before[slot] && !joined) continue;  // it was not known before
    // A task that is in it has children in it.
    const Ns own = plain(slot);
    if (own != slot && after[own] == after[slot] && before[own] != after[own]) continue;
    const bool made = model.namespaces()[to].made_by == event;
    all.push_back(change(model, slot, before[slot], to, made ? How::New : joined ? How::Joined : How::Unseen));
  }
  return all;
}

std::string short_id(std::string_view id) {
  const bool hex = id.size() >= 32 && std::ranges::all_of(id, [](unsigned char c) { return std::isxdigit(c) != 0; });
  return trace::escape(hex ? id.substr(0, 12) : id);
}

std::string name_of(const Container& c) {
  if (!c.name.empty()) return "container " + short_id(c.name);
  const std::string kind = "a " + std::string(kind_of(c));
  return c.runtime.empty() ? kind : kind + " of " + trace::escape(c.runtime);
}

}  // namespace

std::optional<ContainerId> container_with(const Model& model, NamespaceId id) {
  if (model.namespaces()[id].host) return std::nullopt;
  for (const Container& c : model.containers())
    if (c.ns_id[model.namespaces()[id].type] == id || c.hung_on == id) return c.id;
  return std::nullopt;
}

std::vector<NsChange> changes_at_birth(const Model& model, const Process& p) {
  std::vector<NsChange> all;
  if (!p.creator || !p.fork_event) return all;
  for (int i = 0; i < trace::kNsCount; ++i) {
    const Ns type = static_cast<Ns>(i);
    const NamespaceId to = p.ns_id_at_birth[type];
    const std::uint32_t before = p.creator_ns[type];
    if (to == kNoNamespace || !before || before == p.ns_at_birth[type]) continue;
    const bool new_one = model.namespaces()[to].made_by == p.fork_event;
    all.push_back(change(model, type, before, to, new_one ? How::New : How::Effect));
  }
  return all;
}

std::vector<NsChange> changes(const Model& model, const Mark& mark) {
  return of_task(model, mark.text, mark.event, mark.before, mark.after, mark.after_id);
}

std::vector<NsChange> changes(const Model& model, const Event& event) {
  const Process* p = model.process_of(event.who.tgid, event.who.born);
  if (!p) return {};
  if (const auto* fork = event.as<trace::Fork>()) {
    const Process* child = fork->thread() ? nullptr : model.process_of(fork->child.tgid, fork->child.born);
    return child ? changes_at_birth(model, *child) : std::vector<NsChange>();
  }
  const NsIds* ids = model.last_ns_ids(event.who);
  const NsSet* after = model.last_ns(event.who);
  if (!ids || !after || event.as<trace::Exit>()) return {};
  const bool marked = !p->marks.empty() && p->marks.back().event == event.number;
  std::vector<NsChange> all = of_task(model, marked ? std::string_view(p->marks.back().text) : "", event.number,
                                      model.ns_before(), *after, *ids);
  // At an exec a time namespace that was prepared for children becomes the task's own (fs/exec.c, timens_on_exec).
  if (event.as<trace::Exec>())
    for (NsChange& c : all)
      if (c.slot == Ns::Time && model.ns_before()[Ns::TimeForChildren] == (*after)[Ns::Time]) c.how = How::Effect;
  return all;
}

std::string_view how_name(How how) {
  switch (how) {
    case How::New:
      return "new";
    case How::Joined:
      return "joined";
    case How::Effect:
      return "takes effect";
    case How::Unseen:
      return "unseen";
  }
  return "";
}

std::string change_text(const Model& model, const NsChange& c) {
  const Namespace& ns = model.namespaces()[c.to];
  std::string how(how_name(c.how));
  if (c.how == How::Effect) how = "prepared before, takes effect here";
  if (c.how == How::Unseen) how = "how is not in this trace";
  if (c.how == How::Joined && ns.host)
    how += ": the host's";
  else if (c.of)
    how += ": " + name_of(model.containers()[*c.of]);
  if (c.slot == Ns::PidForChildren || c.slot == Ns::TimeForChildren) how += "; from its next child on";
  if (!c.proven) how += "; same inode, identity not proven";
  const std::string before = c.before ? std::to_string(c.before) : "?";
  return std::string(trace::ns_name(c.slot)) + " " + before + " -> " + std::to_string(ns.inode) + " (" + how + ")";
}

}  // namespace nstrace::model
