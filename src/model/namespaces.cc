// SPDX-License-Identifier: MIT
// Namespaces as objects. A number (inode) names one only as long as it lives; a call that creates one always makes a
// new object, whatever the number was before. Who is inside is counted, so that one knows when the last has left.
#include <algorithm>
#include <charconv>

#include "model/model.h"

namespace nstrace::model {

using namespace trace;

namespace {

Ns plain(Ns slot) {
  if (slot == Ns::PidForChildren) return Ns::Pid;
  if (slot == Ns::TimeForChildren) return Ns::Time;
  return slot;
}

std::uint64_t key(Ns type, std::uint32_t inode) {
  return static_cast<std::uint64_t>(plain(type)) << 32 | inode;
}

}  // namespace

const Namespace* Model::namespace_of(Ns type, std::uint32_t inode) const {
  if (!inode) return nullptr;
  const auto found = namespace_by_inode_.find(key(type, inode));
  return found == namespace_by_inode_.end() ? nullptr : &namespaces_[found->second];
}

NamespaceId Model::add_namespace(Ns type, std::uint32_t inode, const Event* event) {
  const auto id = static_cast<NamespaceId>(namespaces_.size());
  Namespace& ns = namespaces_.emplace_back();
  ns.id = id;
  ns.type = plain(type);
  ns.inode = inode;
  if (event) {
    ns.first = event->time;
    ns.event = event->number;
  }
  namespace_by_inode_[key(type, inode)] = id;
  return id;
}

NamespaceId Model::see(Ns type, std::uint32_t inode, const Event* event) {
  if (!inode) return kNoNamespace;
  const auto found = namespace_by_inode_.find(key(type, inode));
  return found != namespace_by_inode_.end() ? found->second : add_namespace(type, inode, event);
}

// A successful unshare, clone or clone3 with CLONE_NEW* in `flags` gave these: each that changed is new.
void Model::made(const NsSet& before, const NsSet& after, std::uint64_t flags, ProcessId maker, const Event& event) {
  // The user namespace first: it owns the others that the same call makes (kernel/nsproxy.c).
  static constexpr Ns kOrder[] = {Ns::User, Ns::Mnt, Ns::Uts, Ns::Ipc, Ns::Net, Ns::Pid, Ns::Cgroup, Ns::Time};
  if (!flags) return;
  NamespaceId user = see(Ns::User, before[Ns::User], &event);
  for (const Ns type : kOrder) {
    if (!(flags & ns_clone_flag(type))) continue;
    const Ns slot = type == Ns::Pid ? Ns::PidForChildren : type == Ns::Time ? Ns::TimeForChildren : type;
    const std::uint32_t inode = after[slot] ? after[slot] : after[type];
    if (!inode || inode == before[slot]) continue;
    const Namespace* known = namespace_of(type, inode);
    // Announced by an event of its own just before, or first seen by one who was in it before the call returned.
    const bool announced = known && !known->host && !known->maker && !known->left &&
                           (known->inside == 0 || (known->event && known->first >= event.start));
    const NamespaceId parent = type == Ns::User  ? user
                               : type == Ns::Pid ? see(Ns::Pid, before[Ns::Pid], &event)
                                                 : kNoNamespace;
    const NamespaceId id = announced ? known->id : add_namespace(type, inode, &event);
    Namespace& ns = namespaces_[id];
    ns.maker = maker;
    ns.made_by = event.number;
    if (!ns.owner && user != kNoNamespace) ns.owner = user;
    if (!ns.parent && parent != kNoNamespace) ns.parent = parent;
    if (type == Ns::User) user = id;
  }
}

void Model::apply(const NamespaceSeen& seen, const Event& event) {
  if (!seen.inode) return;
  NamespaceId id = see(seen.ns, seen.inode, &event);
  // The same number, but another namespace: by the kernel's unique id, or, where it has none, since each object is
  // announced once. One that somebody is in cannot be replaced.
  const Namespace& bearer = namespaces_[id];
  const bool another = seen.id && bearer.kernel_id ? bearer.kernel_id != seen.id
                                                   : !seen.id && bearer.announced && !bearer.inside && !bearer.host;
  if (another) id = add_namespace(seen.ns, seen.inode, &event);
  const NamespaceId owner = see(Ns::User, seen.owner_user, &event);
  const NamespaceId parent = see(seen.ns, seen.parent, &event);
  Namespace& ns = namespaces_[id];
  ns.announced = true;
  if (seen.id) ns.kernel_id = seen.id;
  if (owner != kNoNamespace) ns.owner = owner;
  if (parent != kNoNamespace) ns.parent = parent;
}

void Model::move(NsIds& ids, const NsSet& to, const Event* event, bool counts) {
  for (int i = 0; i < kNsSlots; ++i) {
    const Ns slot = static_cast<Ns>(i);
    NamespaceId& id = ids[slot];
    // The object stays while the number does: one that somebody is in cannot be replaced.
    if (id != kNoNamespace && namespaces_[id].inode == to[slot]) continue;
    const NamespaceId next = see(slot, to[slot], event);
    if (next == id) continue;
    if (counts && next != kNoNamespace) {
      Namespace& entered = namespaces_[next];
      ++entered.inside;
      if (entered.left && !entered.kernel_id && entered.mounts.empty()) entered.doubtful = true;
      entered.left.reset();
    }
    if (counts && id != kNoNamespace) leave(id, event ? event->time : 0);
    id = next;
  }
}

// A bind mount of /proc/PID/ns/TYPE holds a namespace until it is taken away again (namespaces(7)).
void Model::remember_mount(ProcessId id, const Event& event, const NsIds& ids) {
  constexpr std::int64_t kMsBind = 4096;
  const Call& call = event.call;
  if (call.args.empty()) return;
  if (call.name == "umount2") {
    const auto held = mounted_.find(call.args[0].text);
    if (held == mounted_.end()) return;
    std::erase(namespaces_[held->second].mounts, held->first);
    mounted_.erase(held);
    return;
  }
  if (call.name != "mount" || call.args.size() < 4 || !(call.args[3].value & kMsBind)) return;
  const std::string_view source = call.args[0].text;
  const auto at = source.rfind("/ns/");
  if (!source.starts_with("/proc/") || at == source.npos) return;
  const auto type = ns_from_name(source.substr(at + 4));
  if (!type) return;
  const std::string_view who = source.substr(0, at);
  const NsIds* of = nullptr;
  if (who == "/proc/self" || who == "/proc/thread-self" || who.starts_with("/proc/self/task/")) {
    of = &ids;  // libnetwork names the thread that calls
  } else if (is_host(processes_[id].ns_id[Ns::Pid])) {
    int pid = 0;
    std::from_chars(who.data() + 6, who.data() + who.size(), pid);
    if (const Process* other = process_of(pid, 0)) of = &other->ns_id;
  }
  const NamespaceId held = of ? (*of)[*type] : kNoNamespace;
  if (held == kNoNamespace) return;
  const std::string& path = call.args[1].text;
  if (const auto before = mounted_.find(path); before != mounted_.end())
    std::erase(namespaces_[before->second].mounts, path);
  mounted_[path] = held;
  std::vector<std::string>& mounts = namespaces_[held].mounts;
  if (std::ranges::find(mounts, path) == mounts.end()) mounts.push_back(path);
}

void Model::leave(NamespaceId id, Time now) {
  if (id == kNoNamespace) return;
  Namespace& ns = namespaces_[id];
  if (ns.inside && --ns.inside == 0 && !ns.host) ns.left = now;
}

void Model::leave(const NsIds& ids, Time now) {
  for (const NamespaceId id : ids.id) leave(id, now);
}

void Model::set_leader_ns(ProcessId id, const NsSet& to, const Event* event) {
  processes_[id].ns = to;
  move(processes_[id].ns_id, to, event, holds_[id]);
}

}  // namespace nstrace::model
