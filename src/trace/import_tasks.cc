// SPDX-License-Identifier: MIT
// Each item finds its task, changes what is known of it and becomes one Event, whose memory is used again.
#include "trace/import_tasks.h"

#include <fmt/format.h>
#include <linux/sched.h>

#include <algorithm>
#include <charconv>

#include "trace/constants.h"
#include "trace/import_names.h"
#include "trace/import_scan.h"
#include "trace/text.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nstrace::trace::log {
namespace {

constexpr std::size_t kCommSize = 15;  // TASK_COMM_LEN - 1

constexpr bool has(std::uint64_t flags, std::uint64_t flag) {
  return (flags & flag) != 0;
}

// What the kernel makes the comm after an execve (fs/exec.c, begin_new_exec).
std::string_view comm_of_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path.substr(0, kCommSize);
}

// "mnt:[4026533533]"
bool namespace_of(std::string_view target, Ns& ns, std::uint32_t& inode) {
  const std::size_t colon = target.find(":[");
  if (colon == std::string_view::npos || target.back() != ']') return false;
  const auto known = ns_from_name(target.substr(0, colon));
  if (!known) return false;
  const std::string_view digits = target.substr(colon + 2, target.size() - colon - 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), inode);
  ns = *known;
  return error == std::errc() && end == digits.data() + digits.size();
}

Ns slot_of(Ns ns) {  // what setns and unshare change: children's pid and time namespaces
  if (ns == Ns::Pid) return Ns::PidForChildren;
  if (ns == Ns::Time) return Ns::TimeForChildren;
  return ns;
}

// Stages of runtimes that name themselves, and what their maker is called.
struct Stage {
  std::string_view comm, maker;
};
constexpr Stage kStages[] = {
    {"runc:[1:CHILD]", "runc:[0:PARENT]"},
    {"runc:[2:INIT]", "runc:[1:CHILD]"},
    {"youki:[1:INTER]", "youki"},
    {"youki:[2:INIT]", "youki:[1:INTER]"},
};

bool is_exec(std::string_view name) {
  return name == "execve" || name == "execveat";
}

}  // namespace

// The value of "flags=..." in clone's arguments or in clone3's structure, and the exit signal.
void Tasks::clone_flags_of(const Call& call, std::uint64_t& flags, int& signal) {
  const std::string_view name = call.name;
  flags = 0;
  signal = name == "clone" || name == "clone3" ? 0 : 17;
  if (name == "vfork") flags = CLONE_VFORK | CLONE_VM;
  for (const Arg& arg : call.args) {
    if (std::string_view(arg.name) == "flags") {
      flags = static_cast<std::uint64_t>(arg.value) & ~std::uint64_t{0xff};
      signal = static_cast<int>(arg.value & 0xff);
    }
    if (arg.kind != Arg::Kind::Struct) continue;
    for (const std::string& field : arg.list) {
      if (begins(field, "exit_signal=")) signal = signal_of(std::string_view(field).substr(12));
      if (!begins(field, "flags=")) continue;
      if (field != last_flags_) {
        last_flags_ = field;
        last_flags_worth_ = worth(std::string_view(field).substr(6));
      }
      flags |= last_flags_worth_;
    }
  }
}

// --- who ---

Time Tasks::unique_birth(Time at) {
  last_born_ = std::max(at, last_born_ + 1);
  return last_born_;
}

Tasks::Task& Tasks::add(int pid, Time born, int tgid) {
  if (const Task* old = find(pid)) {  // its end was not logged
    if (old->tid != old->tgid) --alive_[old->tgid];
    forget(pid);
  }
  Task& t = enter(pid);
  t.tid = pid;
  t.tgid = tgid;
  t.born = born;
  if (tgid == pid) {
    alive_[pid] = 1;
  } else {
    alive_.erase(pid);
    ++alive_[tgid];
  }
  return t;
}

void Tasks::set_comm(Task& t, std::string_view comm, bool guessed) {
  t.comm_guessed = guessed;
  if (t.comm == comm && !comm.empty()) return;
  t.comm.assign(comm);
  if (!comms_shown_ || t.tid != t.tgid || comm.empty()) return;
  std::vector<int>& bearers = by_comm_[t.comm];
  if (bearers.size() >= 1024 && (bearers.size() & (bearers.size() - 1)) == 0)  // most of them are gone
    std::erase_if(bearers, [&](int pid) {
      const Task* bearer = find(pid);
      return !bearer || bearer->comm != comm;
    });
  bearers.push_back(t.tid);
}

// The living process that took the comm last; 0 if there is none.
int Tasks::last_with(const std::string& comm) {
  const auto found = by_comm_.find(comm);
  if (found == by_comm_.end()) return 0;
  std::vector<int>& bearers = found->second;
  while (!bearers.empty()) {
    const Task* t = find(bearers.back());
    if (t && t->comm == comm) return bearers.back();
    bearers.pop_back();
  }
  return 0;
}

int Tasks::creator_by_comm(const std::string& comm) {
  if (const int same = last_with(comm)) return same;
  for (const Stage& stage : kStages) {
    if (stage.comm != comm) continue;
    if (const int maker = last_with(std::string(stage.maker))) return maker;
    if (stage.comm != "runc:[1:CHILD]") return 0;
    // Its first stage is named by a prctl that may not be in the log.
    int latest = 0;
    Time born = INT64_MIN;
    for (const auto& [pid, t] : tasks_)
      if (t.runc_init && (t.born > born || (t.born == born && pid > latest))) latest = pid, born = t.born;
    return latest;
  }
  return 0;
}

void Tasks::inherit(Task& child, const Task& creator, std::uint64_t flags) {
  child.ns = creator.ns;
  child.ns[Ns::Pid] = creator.ns[Ns::PidForChildren] ? creator.ns[Ns::PidForChildren] : 0;
  if (!creator.children_own_pids && !child.ns[Ns::Pid]) child.ns[Ns::Pid] = creator.ns[Ns::Pid];
  if (creator.ns[Ns::TimeForChildren]) child.ns[Ns::Time] = creator.ns[Ns::TimeForChildren];
  for (int i = 0; i < kNsCount; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (has(flags, ns_clone_flag(ns))) child.ns[ns] = 0;
  }
  child.ns[Ns::PidForChildren] = child.ns[Ns::Pid];
  child.ns[Ns::TimeForChildren] = child.ns[Ns::Time];
  child.own_pids = creator.own_pids || creator.children_own_pids || has(flags, CLONE_NEWPID);
}

void Tasks::meet(const Item& item) {
  std::string comm;
  unescape(item.comm, comm);
  if (!comm.empty()) comms_shown_ = true;
  const int creator_pid = !comm.empty() ? creator_by_comm(comm) : 0;
  if (!creator_pid) {
    Task& t = add(item.pid, gone_.contains(item.pid) ? unique_birth(std::max(item.start, Time{1})) : 0, item.pid);
    set_comm(t, comm, comm.empty());
    return;
  }
  creator_ = task(creator_pid);
  const Task& creator = creator_;
  // Only who shares its directories with others has a use for this: a thread.
  const bool thread =
      item.kind == Item::Kind::Call && item.text.starts_with("unshare(CLONE_FS)") && creator.comm == comm;
  Task& child = add(item.pid, thread ? creator.born : unique_birth(std::max(item.start, Time{1})),
                    thread ? creator.tgid : item.pid);
  child.parent_tgid = creator.tgid;
  child.parent_born = creator.born;
  inherit(child, creator, 0);
  set_comm(child, comm, false);
  begin(item, &task(creator_pid));
  event_.time = event_.start = std::max(item.start, last_);
  no_call();
  Fork& fork = event_.what.emplace<Fork>();
  fork.inferred = true;
  fork.flags = thread ? CLONE_THREAD : 0;
  fork.parent_tgid = creator.tgid;
  fork.parent_born = creator.born;
  fill(fork.child, child);
  give();
}

// --- events ---

void Tasks::fill(Who& who, const Task& t) const {
  who.tid = t.tid;
  who.tgid = t.tgid;
  who.born = t.born;
  who.tids = t.tids;
  who.comm = t.comm;
  who.ns = t.ns;
}

void Tasks::begin(const Item& item, Task* t) {
  event_.time = std::max(item.end, last_);
  // Without times the order counts, and how long the call took (-T).
  event_.start = times_ ? std::min(item.start, event_.time) : event_.time - (item.end - item.start);
  if (t)
    fill(event_.who, *t);
  else
    event_.who = Who{};
}

void Tasks::no_call() {
  event_.call.name.clear();
  if (!event_.call.args.empty()) args_.swap(event_.call.args);
  event_.call.args.clear();
  event_.call.result.reset();
  event_.call.result_target.clear();
  event_.call.note.clear();
}

bool Tasks::read(const Item& item) {
  CallEnd end;
  if (event_.call.args.empty()) args_.swap(event_.call.args);
  return read_call(item.text, event_.call, end);
}

void Tasks::give() {
  last_ = event_.time;
  event_.number = ++number_;
  sink_.event(event_);
}

void Tasks::see_comm(Task& t, const Item& item) {
  if (item.comm.empty()) return;
  comms_shown_ = true;
  if (t.comm == item.comm) {
    t.comm_guessed = false;
    return;
  }
  std::string comm;
  unescape(item.comm, comm);
  if (t.comm == comm || t.comm_guessed) {
    set_comm(t, comm, false);
    return;
  }
  std::string before = t.comm;
  set_comm(t, comm, false);
  begin(item, &t);
  event_.time = event_.start = std::max(item.start, last_);
  no_call();
  event_.what.emplace<Rename>().comm_before = std::move(before);
  give();
}

bool Tasks::fork(const Item& item, int child_pid, Time at) {
  see_comm(task(item.pid), item);
  if (!read(item)) return false;
  std::uint64_t flags = 0;
  int signal = 0;
  clone_flags_of(event_.call, flags, signal);
  creator_ = task(item.pid);
  const Task& creator = creator_;
  const bool thread = has(flags, CLONE_THREAD);
  Task& child =
      add(child_pid, thread ? creator.born : unique_birth(std::max(at, Time{1})), thread ? creator.tgid : child_pid);
  const bool sibling = has(flags, CLONE_PARENT | CLONE_THREAD);
  child.parent_tgid = sibling ? creator.parent_tgid : creator.tgid;
  child.parent_born = sibling ? creator.parent_born : creator.born;
  inherit(child, creator, flags);
  set_comm(child, creator.comm, creator.comm_guessed);
  // Its numbers: what the call gave is that of the creator's namespace, the first in a namespace is 1.
  const bool init = has(flags, CLONE_NEWPID) || creator.first_child_is_init;
  const std::int64_t told = *event_.call.result;
  if (told != child_pid) child.tids = {child_pid, static_cast<int>(told)};
  if (init) {
    if (child.tids.empty()) child.tids = {child_pid};
    child.tids.push_back(1);
  }
  Task& parent = task(item.pid);
  if (!thread) parent.first_child_is_init = false;
  begin(item, &parent);
  event_.time = std::max(at, last_);
  event_.start = times_ ? std::min(item.start, event_.time) : event_.time - (item.end - item.start);
  Fork& fork = event_.what.emplace<Fork>();
  fork.flags = flags;
  fork.exit_signal = signal;
  fork.parent_tgid = child.parent_tgid;
  fork.parent_born = child.parent_born;
  fill(fork.child, child);
  ++forks_;
  give();
  return true;
}

void Tasks::lost(const Item& item) {
  ++unread_;
  begin(item, nullptr);
  no_call();
  Lost& lost = event_.what.emplace<Lost>();
  lost.count = 1;
  lost.why = fmt::format("line {} of the log could not be read: {}", item.line, item.text);
  give();
}

void Tasks::apply(const Item& item) {
  if (item.kind == Item::Kind::Unread) return lost(item);
  Task& t = task(item.pid);
  see_comm(t, item);
  switch (item.kind) {
    case Item::Kind::Call:
      return call(item);
    case Item::Kind::Begun:
      read_begun(item.text, item.mark, event_.call);
      begin(item, &t);
      event_.what.emplace<Syscall>();
      return give();
    case Item::Kind::Signal: {
      begin(item, &t);
      no_call();
      Signal& signal = event_.what.emplace<Signal>();
      signal.number = signal_of(item.signal);
      const std::size_t open = item.text.find('{');
      if (open != std::string_view::npos) {  // its fields, by the way in which a call's are read
        Call info;
        CallEnd end;
        if (read_call(fmt::format("x({}) = 0", item.text.substr(open)), info, end) && !info.args.empty())
          signal.info = std::move(info.args[0].list);
      }
      if (signal.number) give();
      return;
    }
    case Item::Kind::Exited:
    case Item::Kind::Killed:
      return ended(item);
    case Item::Kind::Superseded: {
      if (item.other != item.pid) forget(item.other);
      t.superseded = item.other;
      return;
    }
    case Item::Kind::Unread:
      return;
  }
}

void Tasks::call(const Item& item) {
  if (!read(item)) return lost(item);
  Task& t = task(item.pid);
  const Call& call = event_.call;
  const bool done = call.result && !call.failed();
  begin(item, &t);
  const std::string_view name = call.name;
  if (done && is_exec(name)) return executed(item.pid);
  if (done && name == "setns") entered(t);
  if (done && name == "unshare") unshared(t);
  if (done && begins(name, "readlink")) read_link(t);
  const bool named = done && name == "prctl" && call.args.size() > 1 && call.args[0].text == "PR_SET_NAME" &&
                     call.args[1].kind == Arg::Kind::String;
  event_.who.ns = t.ns;
  event_.what.emplace<Syscall>();
  give();
  if (!named) return;
  const std::string comm = event_.call.args[1].text.substr(0, kCommSize);
  if (comm == t.comm) return;
  no_call();
  event_.start = event_.time;
  event_.what.emplace<Rename>().comm_before = t.comm;
  set_comm(t, comm, false);
  fill(event_.who, t);
  give();
}

void Tasks::executed(int pid) {
  Task* t = &task(pid);
  const int before = t->superseded ? t->superseded : t->tid;
  if (t->tid != t->tgid) {  // all other threads are gone, and whoever called it is the leader
    Task moved = *t;
    forget(pid);
    moved.tid = moved.tgid;
    t = &(enter(moved.tid) = std::move(moved));
  }
  t->superseded = 0;
  alive_[t->tgid] = 1;
  Exec& exec = event_.what.emplace<Exec>();
  exec.tid_before = before;
  exec.comm_before = t->comm;
  const Arg* argv = nullptr;
  const Arg* envp = nullptr;
  for (const Arg& arg : event_.call.args) {
    if (arg.kind == Arg::Kind::String && exec.path.empty()) exec.path = arg.text;
    if (arg.kind == Arg::Kind::Strings) (argv ? envp : argv) = &arg;
    if (arg.kind == Arg::Kind::Address && arg.comment.find(" var") != std::string::npos)
      std::from_chars(arg.comment.data(), arg.comment.data() + arg.comment.size(), exec.env_count);
  }
  if (argv) exec.argv = argv->list;
  // What a program is called is most often its path; so a cut name that the path goes on is the path.
  if (argv && !argv->list.empty() && !argv->cut_elements.empty() && argv->cut_elements[0] == 0 &&
      exec.path.starts_with(argv->list[0]))
    exec.argv[0] = exec.path;
  if (envp) {
    exec.env = envp->list;
    exec.env_count = static_cast<std::uint32_t>(envp->list.size());
  }
  t->runc_init = exec.argv.size() == 2 && exec.argv[1] == "init" && comm_of_path(exec.argv[0]) == "runc";
  if (!exec.path.empty()) set_comm(*t, comm_of_path(exec.path), true);
  fill(event_.who, *t);
  give();
}

void Tasks::entered(Task& t) {
  const Call& call = event_.call;
  if (call.args.empty()) return;
  Ns ns{};
  std::uint32_t inode = 0;
  if (namespace_of(call.args[0].target, ns, inode)) {
    t.ns[slot_of(ns)] = inode;
    if (ns == Ns::Pid) t.children_own_pids = true;
    if (ns == Ns::Pid) t.first_child_is_init = false;
    return;
  }
  // A pidfd, or a descriptor of which the log does not say more.
  const auto flags = call.args.size() > 1 ? static_cast<std::uint64_t>(call.args[1].value) : 0;
  const Task* from = nullptr;
  if (call.args[0].target.starts_with("pid:")) from = find(std::atoi(call.args[0].target.c_str() + 4));
  for (int i = 0; i < kNsCount; ++i) {
    ns = static_cast<Ns>(i);
    if (!has(flags, ns_clone_flag(ns))) continue;
    t.ns[slot_of(ns)] = from ? from->ns[ns] : 0;
    if (ns == Ns::Pid) t.children_own_pids = true;
    if (ns == Ns::Pid) t.first_child_is_init = false;
  }
}

void Tasks::unshared(Task& t) {
  const auto flags = event_.call.args.empty() ? 0 : static_cast<std::uint64_t>(event_.call.args[0].value);
  for (int i = 0; i < kNsCount; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (has(flags, ns_clone_flag(ns))) t.ns[slot_of(ns)] = 0;
  }
  if (has(flags, CLONE_NEWPID)) t.children_own_pids = t.first_child_is_init = true;
}

// readlink("/proc/self/ns/mnt") shows where a task is.
void Tasks::read_link(Task& t) {
  const Arg* path = nullptr;
  const Arg* value = nullptr;
  for (const Arg& arg : event_.call.args)
    if (arg.kind == Arg::Kind::String) (path ? value : path) = &arg;
  if (!path || !value || !path->text.starts_with("/proc/")) return;
  Ns ns{};
  std::uint32_t inode = 0;
  if (!path->text.starts_with("/proc/self/ns/") && !path->text.starts_with("/proc/thread-self/ns/")) return;
  if (namespace_of(value->text, ns, inode)) t.ns[ns] = inode;
}

void Tasks::ended(const Item& item) {
  Task& t = task(item.pid);
  begin(item, &t);
  no_call();
  Exit& exit = event_.what.emplace<Exit>();
  exit.code = item.code;
  exit.signal = item.kind == Item::Kind::Killed ? signal_of(item.signal) : 0;
  exit.core = item.core;
  int& threads = alive_[t.tgid];
  exit.process = --threads <= 0;
  if (exit.process) {
    alive_.erase(t.tgid);
    if (!t.born) gone_.insert(t.tgid);
  }
  forget(item.pid);
  give();
}

}  // namespace nstrace::trace::log
