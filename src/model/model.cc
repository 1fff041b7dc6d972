// SPDX-License-Identifier: MIT
// Takes the events of a trace in order and keeps the processes: who made whom, which program runs, when it ended.
// The one idea: each event first finds (or makes) its process by identity, then the thread's namespaces before and
// after it are known, and only then what the event means is applied. Namespaces and containers are in files of their
// own.
#include "model/model.h"

#include <linux/sched.h>

#include <algorithm>

#include "trace/syscalls.h"
#include "trace/text.h"

namespace nstrace::model {

using namespace trace;

namespace {

// A process that existed may be known by the clock ticks of /proc/PID/stat only (10 ms).
constexpr Time kTick = 10'000'000;
// So many bearers of a pid are looked at: a pid is used again only after its bearer was waited for, so events of an
// earlier one can come late, but not by many.
constexpr int kBearers = 8;

// What is not known now stays as it was known.
NsSet merged(NsSet known, const NsSet& seen) {
  for (std::size_t i = 0; i < seen.inode.size(); ++i)
    if (seen.inode[i]) known.inode[i] = seen.inode[i];
  return known;
}

Program inherited(const Program& from, Time since) {
  Program program;
  program.since = since;
  program.path = from.path;
  program.comm = from.comm;
  std::size_t bytes = 0;
  for (const std::string& arg : from.argv) bytes += arg.size() + 1;
  if (bytes <= kInheritedArgv) program.argv = from.argv;
  return program;
}

std::string mark_text(const Call& call) {
  if (call.name == "setns" && !call.args.empty()) {
    const std::string& target = call.args[0].target;
    const auto colon = target.find(":[");
    if (colon != std::string::npos && ns_from_name(target.substr(0, colon)))
      return "setns(" + target.substr(0, colon) + ")";
    std::string types;
    for (int i = 0; i < kNsCount && call.args.size() > 1; ++i)
      if (static_cast<std::uint64_t>(call.args[1].value) & ns_clone_flag(static_cast<Ns>(i)))
        types += (types.empty() ? "" : ", ") + std::string(ns_name(static_cast<Ns>(i)));
    return "setns(" + types + ")";
  }
  TextOptions options;
  options.string_limit = 48;
  options.comments = false;
  return call_text(call, options);
}

}  // namespace

void Model::header(const Header& header) {
  header_ = header;
  for (int i = 0; i < kNsCount; ++i) {
    const Ns type = static_cast<Ns>(i);
    if (const NamespaceId id = see(type, header.host[type], nullptr); id != kNoNamespace) namespaces_[id].host = true;
  }
}

void Model::footer(const Footer& footer) {
  settle_existing();
  footer_ = footer;
}

// --- processes that were there before ---

void Model::existing(const Existing& e) {
  ProcessId id;
  const auto known = find(e.pid, e.born);
  if (known && !(e.born == 0 && processes_[*known].ended)) {
    id = *known;
  } else {
    id = add_process(e.pid, e.born, nullptr);
    Process& p = processes_[id];
    p.existed = true;
    p.comms = {{e.born, 0, e.comm}};
  }
  Process& p = processes_[id];
  p.followed = p.followed || e.followed;
  if (!e.pids.empty()) p.pids = e.pids;
  if (p.programs.empty() && (!e.exe.empty() || !e.argv.empty()))
    p.programs.push_back({0, e.born, e.exe.empty() ? e.argv[0] : e.exe, e.comm, e.argv, {}});
  if (e.cgroup) p.cgroup = e.cgroup;
  if (!e.cgroup_path.empty()) p.cgroup_path = e.cgroup_path;
  if (e.cgroup && !e.cgroup_path.empty()) cgroup_paths_.emplace(e.cgroup, e.cgroup_path);
  if (p.existed && !started_) {
    p.ns_at_birth = e.ns;
    set_leader_ns(id, e.ns, nullptr);
    p.ns_id_at_birth = p.ns_id;
  }
  // The parent may come later: until all are known it is kept as a pid.
  if (e.parent_pid > 0 && !p.parent) waiting_.emplace_back(id, e.parent_pid);
  if (!started_) return;
  find_parents();
  place(id, Moment::Birth, nullptr);
}

void Model::find_parents() {
  for (const auto& [id, parent_pid] : waiting_)
    if (const auto parent = by_pid_.find(parent_pid); parent != by_pid_.end() && parent->second != id)
      processes_[id].parent = processes_[id].parent_at_birth = parent->second;
  waiting_.clear();
}

// From here on parents of existing processes are known, and so is which container they are in.
void Model::settle_existing() {
  if (started_) return;
  started_ = true;
  find_parents();
  for (ProcessId id = 0; id < processes_.size(); ++id) place(id, Moment::Birth, nullptr);
}

// --- identity ---

ProcessId Model::add_process(int pid, Time born, const Event* event) {
  const auto id = static_cast<ProcessId>(processes_.size());
  const auto [before, first] = by_pid_.try_emplace(pid, id);
  bearer_before_.push_back(before->second);
  if (!first) {
    Process& old = processes_[before->second];
    if (!old.ended) {
      old.end_unseen = true;
      drop_threads(old.id);
      if (holds_[old.id]) leave(old.ns_id, event ? event->time : 0);
      holds_[old.id] = false;
    }
    before->second = id;
  }
  Process& p = processes_.emplace_back();
  p.id = id;
  p.pid = pid;
  p.born = born;
  p.pids = {pid};
  if (event) p.first = p.last = event->time;
  holds_.push_back(true);
  return id;
}

std::optional<ProcessId> Model::find(int tgid, Time born) const {
  const auto bearer = by_pid_.find(tgid);
  if (bearer == by_pid_.end()) return std::nullopt;
  ProcessId id = bearer->second;
  for (int back = 0; born && back < kBearers; ++back) {
    if (processes_[id].born == born) return id;
    if (bearer_before_[id] == id) break;
    id = bearer_before_[id];
  }
  const Process& p = processes_[bearer->second];
  if (!born) return p.id;
  if (p.ended || p.end_unseen) return std::nullopt;
  if (!p.born || (p.existed && std::max(p.born, born) - std::min(p.born, born) <= 2 * kTick)) return p.id;
  return std::nullopt;
}

ProcessId Model::meet(const Who& who, const Event& event) {
  if (const auto known = find(who.tgid, who.born)) {
    Process& p = processes_[*known];
    // Without a birth time a pid is all there is: after its end it is another process.
    if (who.born || !p.ended) {
      if (!p.born) p.born = who.born;
      return p.id;
    }
  }
  const ProcessId id = add_process(who.tgid, who.born, &event);
  Process& p = processes_[id];
  p.existed = who.born < 0;
  p.followed = true;
  if (who.tid == who.tgid && !who.tids.empty()) p.pids = who.tids;
  p.comms = {{event.time, event.number, who.comm}};
  p.cgroup = who.cgroup;
  // Where its creation was lost, its cgroup may still tell whose it is.
  if (const auto path = cgroup_paths_.find(who.cgroup); path != cgroup_paths_.end()) p.cgroup_path = path->second;
  p.ns_at_birth = who.ns;
  set_leader_ns(id, who.ns, &event);
  p.ns_id_at_birth = p.ns_id;
  place(id, Moment::Birth, &event);
  return id;
}

const Process* Model::process_of(int tgid, Time born) const {
  const auto id = find(tgid, born);
  return id ? &processes_[*id] : nullptr;
}

std::optional<ProcessId> Model::origin(const Process& process) const {
  return process.creator ? process.creator : process.parent;
}

const NsSet* Model::last_ns(int tid) const {
  if (const auto thread = threads_.find(tid); thread != threads_.end()) return &thread->second.ns;
  if (const auto process = by_pid_.find(tid); process != by_pid_.end()) return &processes_[process->second].ns;
  return nullptr;
}

const NsSet* Model::last_ns(const Who& who) const {
  const auto id = find(who.tgid, who.born);
  if (!id) return nullptr;
  if (who.tid != who.tgid)
    if (const auto thread = threads_.find(who.tid); thread != threads_.end() && thread->second.process == *id)
      return &thread->second.ns;
  return &processes_[*id].ns;
}

const NsIds* Model::last_ns_ids(const Who& who) const {
  const auto id = find(who.tgid, who.born);
  if (!id) return nullptr;
  if (who.tid != who.tgid)
    if (const auto thread = threads_.find(who.tid); thread != threads_.end() && thread->second.process == *id)
      return &thread->second.id;
  return &processes_[*id].ns_id;
}

// --- threads ---

void Model::add_thread(int tid, ProcessId process, const NsSet& ns, const Event& event) {
  drop_thread(tid, event.time);
  Thread& thread = threads_[tid];
  thread.process = process;
  thread.ns = ns;
  move(thread.id, ns, &event, true);
  threads_of_[process].push_back(tid);
}

void Model::drop_thread(int tid, Time now) {
  const auto thread = threads_.find(tid);
  if (thread == threads_.end()) return;
  leave(thread->second.id, now);
  const auto of = threads_of_.find(thread->second.process);
  if (of != threads_of_.end()) {
    std::erase(of->second, tid);
    if (of->second.empty()) threads_of_.erase(of);
  }
  threads_.erase(thread);
}

void Model::drop_threads(ProcessId id) {
  const auto of = threads_of_.find(id);
  if (of == threads_of_.end()) return;
  for (const int tid : of->second)
    if (const auto thread = threads_.find(tid); thread != threads_.end()) {
      leave(thread->second.id, processes_[id].last);
      threads_.erase(thread);
    }
  threads_of_.erase(of);
}

// An existing process may have threads that are not known, until it executes something.
bool Model::single_threaded(ProcessId id) const {
  const Process& p = processes_[id];
  const bool known = !p.existed || (!p.programs.empty() && p.programs.back().event);
  return known && !threads_of_.count(id);
}

// --- events ---

void Model::event(const Event& event) {
  settle_existing();
  if (const Lost* lost = event.as<Lost>()) {
    losses_.count += lost->count;
    if (!losses_.first_event) losses_.first_event = event.number;
    losses_.last_event = event.number;
    return;
  }
  if (const NamespaceSeen* seen = event.as<NamespaceSeen>()) apply(*seen, event);
  if (!event.who.tgid) return;

  const Who& who = event.who;
  const ProcessId id = meet(who, event);
  // From here on the process is known, and before_ holds its thread's namespaces as they were.
  const int tid_before = event.as<Exec>() ? event.as<Exec>()->tid_before : who.tid;
  const bool leader = who.tid == who.tgid;
  const auto thread = tid_before != who.tgid ? threads_.find(tid_before) : threads_.end();
  before_ = thread != threads_.end() && thread->second.process == id ? thread->second.ns : processes_[id].ns;
  // An imported log's events have all that is known: a call may make it unknown again where a task is.
  const NsSet after = header_.calls_known ? merged(before_, who.ns) : who.ns;
  {
    Process& p = processes_[id];
    p.followed = true;
    p.last = event.time;
    if (leader && who.tids.size() > p.pids.size()) p.pids = who.tids;
    if (leader && who.cgroup) p.cgroup = who.cgroup;
  }

  if (const Exit* exit = event.as<Exit>()) return apply(id, *exit, event);
  if (const Exec* exec = event.as<Exec>()) {
    apply(id, *exec, event, after);
    return;
  }
  rename(id, who, event);
  if (event.as<Syscall>() && event.call.result && !event.call.failed() && event.call.name == "unshare" &&
      !event.call.args.empty())
    made(before_, after, static_cast<std::uint64_t>(event.call.args[0].value), id, event);
  if (leader) {
    if (!(after == processes_[id].ns)) set_leader_ns(id, after, &event);
  } else if (const auto known = threads_.find(who.tid); known != threads_.end() && known->second.process == id) {
    if (!(after == known->second.ns)) {
      known->second.ns = after;
      move(known->second.id, after, &event, true);
    }
  } else {
    add_thread(who.tid, id, after, event);
  }

  if (const Fork* fork = event.as<Fork>())
    apply(id, *fork, event);
  else if (const CgroupMove* cgroup = event.as<CgroupMove>())
    remember_cgroup(id, *cgroup, event);
  else if (event.as<Syscall>())
    apply_call(id, event, after);
}

void Model::rename(ProcessId id, const Who& who, const Event& event) {
  Process& p = processes_[id];
  if (who.tid == who.tgid && who.comm != p.comm()) p.comms.push_back({event.time, event.number, who.comm});
}

void Model::apply(ProcessId creator_id, const Fork& fork, const Event& event) {
  made(before_, fork.child.ns, fork.flags, creator_id, event);
  // A thread has its creator's parent, and so has a child made with CLONE_PARENT: this tells who that is now.
  if (fork.parent_tgid && fork.flags & (CLONE_THREAD | CLONE_PARENT))
    if (const auto parent = find(fork.parent_tgid, fork.parent_born); parent && *parent != creator_id)
      processes_[creator_id].parent = *parent;
  if (fork.thread()) {
    ++processes_[creator_id].threads_made;
    add_thread(fork.child.tid, creator_id, fork.child.ns, event);
    return;
  }

  // Usually new; its own first event may have come before this one.
  const auto known = find(fork.child.tgid, fork.child.born);
  const bool early =
      known && !processes_[*known].existed && !processes_[*known].fork_event && !processes_[*known].ended;
  const ProcessId id = early ? *known : add_process(fork.child.tgid, fork.child.born, &event);
  Process& p = processes_[id];
  Process& creator = processes_[creator_id];
  p.creator = creator_id;
  creator.children.push_back(id);
  p.parent = fork.parent_tgid ? find(fork.parent_tgid, fork.parent_born) : creator_id;
  p.parent_at_birth = p.parent;
  p.fork_event = event.number;
  p.fork_flags = fork.flags;
  p.exit_signal = fork.exit_signal;
  p.followed = true;
  if (!fork.child.tids.empty()) p.pids = fork.child.tids;
  if (!creator.programs.empty()) p.programs.insert(p.programs.begin(), inherited(creator.programs.back(), event.time));
  if (early) return;
  p.comms = {{event.time, event.number, fork.child.comm}};
  p.cgroup = fork.child.cgroup;
  if (p.cgroup == creator.cgroup) p.cgroup_path = creator.cgroup_path;
  p.creator_ns = event.who.ns;
  p.ns_at_birth = fork.child.ns;
  set_leader_ns(id, fork.child.ns, &event);
  processes_[id].ns_id_at_birth = processes_[id].ns_id;
  place(id, Moment::Birth, &event);
}

// All other threads are gone; whoever called it is the leader now (fs/exec.c, de_thread).
void Model::apply(ProcessId id, const Exec& exec, const Event& event, const NsSet& after) {
  drop_threads(id);
  leader_ended_.erase(id);
  holds_[id] = true;
  Process& p = processes_[id];
  if (event.who.comm != p.comm()) p.comms.push_back({event.time, event.number, event.who.comm});
  p.programs.push_back({event.number, event.time, exec.path, event.who.comm, exec.argv, exec.env});
  set_leader_ns(id, after, &event);
  place(id, Moment::Program, &event);
}

void Model::apply(ProcessId id, const Exit& exit, const Event& event) {
  Process& p = processes_[id];
  if (p.ended) return;
  Ended ended{event.time, event.number, exit.code, exit.signal, exit.core};
  const bool leader = event.who.tid == event.who.tgid;
  if (!exit.process) {
    if (!leader) return drop_thread(event.who.tid, event.time);
    // The leader waits as a zombie for the other threads; its status is the process's, unless one of them executes.
    leader_ended_[id] = ended;
  } else {
    if (const auto first = leader_ended_.find(id); first != leader_ended_.end()) {
      ended.code = first->second.code;
      ended.signal = first->second.signal;
      ended.core = first->second.core;
      leader_ended_.erase(first);
    }
    p.ended = ended;
    drop_threads(id);
    visitors_.erase(id);
    trees_.erase(id);
  }
  if (holds_[id]) leave(p.ns_id, event.time);
  holds_[id] = false;
}

void Model::apply_call(ProcessId id, const Event& event, const NsSet& after) {
  const Call& call = event.call;
  if (!call.result || call.failed()) return;
  remember_tree(id, event, after);
  auto marking = marking_.find(call.name);
  if (marking == marking_.end()) {
    const SyscallRow* row = find_syscall(call.name);
    const std::uint32_t sets = row ? row->sets : 0;
    // The story without the processes: the host name too.
    marking = marking_.emplace(call.name, sets & (kNs | kMount) || (sets & kStory && !(sets & kProcess))).first;
  }
  if (!marking->second) return;
  const bool leader = event.who.tid == event.who.tgid;
  const auto thread = threads_.find(event.who.tid);
  Process& p = processes_[id];
  const NsIds& after_id = leader || thread == threads_.end() ? p.ns_id : thread->second.id;
  remember_mount(id, event, after_id);
  if (marks_ == Marks::Kept)
    p.marks.push_back({event.number, event.time, event.who.tid, call.name, mark_text(call), before_, after, after_id});
  // Where the process is, is where its leader is: a helper thread that enters a mount namespace enters nothing.
  if (!leader) return;
  if (call.name == "pivot_root" || call.name == "chroot")
    place(id, Moment::Rooted, &event);
  else if (call.name == "setns" || call.name == "unshare")
    place(id, Moment::Entered, &event);
}

void Model::remember_cgroup(ProcessId id, const CgroupMove& move, const Event& event) {
  processes_[id].cgroup_path = move.path;
  if (event.who.cgroup && !move.path.empty()) cgroup_paths_[event.who.cgroup] = move.path;
}

// open_tree with OPEN_TREE_NAMESPACE gives a descriptor of a new mount namespace, which is first seen when somebody
// enters it by that descriptor (include/uapi/linux/mount.h, since 7.0).
void Model::remember_tree(ProcessId id, const Event& event, const NsSet& after) {
  constexpr std::int64_t kOpenTreeNamespace = 1 << 1;
  const Call& call = event.call;
  if (call.name == "open_tree" && call.args.size() > 2 && call.args[2].value & kOpenTreeNamespace) {
    trees_[id] = {*call.result, event.number};
  } else if (call.name == "setns" && !call.args.empty() && after[Ns::Mnt] != before_[Ns::Mnt]) {
    const auto tree = trees_.find(id);
    const Namespace* entered = namespace_of(Ns::Mnt, after[Ns::Mnt]);
    if (tree == trees_.end() || tree->second.first != call.args[0].value || !entered || entered->maker ||
        entered->event != event.number)
      return;
    namespaces_[entered->id].maker = id;
    namespaces_[entered->id].made_by = tree->second.second;
    trees_.erase(tree);
  }
}

}  // namespace nstrace::model
