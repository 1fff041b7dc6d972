// SPDX-License-Identifier: MIT
// The bookkeeping behind Scene: a small imitation of what the kernel does to tasks and namespaces. Every method changes
// the tasks first and then writes one event with the state after it, as a capture does.
#include "tests/scene.h"

#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <stdexcept>

#include "trace/constants.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nstrace::testing {

using namespace trace;

namespace {

constexpr Time kStep = 1'000'000;

constexpr Constant kCloneFlags[] = {
    {"CLONE_NEWTIME", CLONE_NEWTIME},
    {"CLONE_VM", CLONE_VM},
    {"CLONE_FS", CLONE_FS},
    {"CLONE_FILES", CLONE_FILES},
    {"CLONE_SIGHAND", CLONE_SIGHAND},
    {"CLONE_VFORK", CLONE_VFORK},
    {"CLONE_PARENT", CLONE_PARENT},
    {"CLONE_THREAD", CLONE_THREAD},
    {"CLONE_NEWNS", CLONE_NEWNS},
    {"CLONE_SYSVSEM", CLONE_SYSVSEM},
    {"CLONE_SETTLS", CLONE_SETTLS},
    {"CLONE_PARENT_SETTID", CLONE_PARENT_SETTID},
    {"CLONE_CHILD_CLEARTID", CLONE_CHILD_CLEARTID},
    {"CLONE_CHILD_SETTID", CLONE_CHILD_SETTID},
    {"CLONE_NEWCGROUP", CLONE_NEWCGROUP},
    {"CLONE_NEWUTS", CLONE_NEWUTS},
    {"CLONE_NEWIPC", CLONE_NEWIPC},
    {"CLONE_NEWUSER", CLONE_NEWUSER},
    {"CLONE_NEWPID", CLONE_NEWPID},
    {"CLONE_NEWNET", CLONE_NEWNET},
};
constexpr Constant kMountFlags[] = {
    {"MS_RDONLY", MS_RDONLY},   {"MS_NOSUID", MS_NOSUID}, {"MS_NODEV", MS_NODEV},   {"MS_NOEXEC", MS_NOEXEC},
    {"MS_REMOUNT", MS_REMOUNT}, {"MS_BIND", MS_BIND},     {"MS_MOVE", MS_MOVE},     {"MS_REC", MS_REC},
    {"MS_PRIVATE", MS_PRIVATE}, {"MS_SLAVE", MS_SLAVE},   {"MS_SHARED", MS_SHARED},
};

std::string names(std::uint64_t flags, std::span<const Constant> table) {
  std::string text;
  for (const Constant& constant : table)
    if (flags & constant.value) text += (text.empty() ? "" : "|") + std::string(constant.name);
  return text.empty() ? "0" : text;
}

Arg make_arg(std::string name, Arg::Kind kind, std::int64_t value, std::string text) {
  Arg arg;
  arg.name = std::move(name);
  arg.kind = kind;
  arg.value = value;
  arg.text = std::move(text);
  return arg;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1).substr(0, 15);
}

}  // namespace

Arg integer_arg(std::string name, std::int64_t value) {
  return make_arg(std::move(name), Arg::Kind::Integer, value, "");
}
Arg address_arg(std::string name, std::uint64_t value, std::string comment) {
  Arg arg = make_arg(std::move(name), Arg::Kind::Address, static_cast<std::int64_t>(value), "");
  arg.comment = std::move(comment);
  return arg;
}
Arg flags_arg(std::string name, std::uint64_t value, std::string text) {
  return make_arg(std::move(name), Arg::Kind::Flags, static_cast<std::int64_t>(value), std::move(text));
}
Arg symbol_arg(std::string name, std::int64_t value, std::string text) {
  return make_arg(std::move(name), Arg::Kind::Symbol, value, std::move(text));
}
Arg string_arg(std::string name, std::string text) {
  return make_arg(std::move(name), Arg::Kind::String, 0, std::move(text));
}
Arg strings_arg(std::string name, std::vector<std::string> list) {
  Arg arg = make_arg(std::move(name), Arg::Kind::Strings, 0, "");
  arg.list = std::move(list);
  return arg;
}
Arg fd_arg(std::string name, int fd, std::string target) {
  Arg arg = make_arg(std::move(name), Arg::Kind::Descriptor, fd, "");
  arg.target = std::move(target);
  return arg;
}

std::string clone_text(std::uint64_t flags) {
  return names(flags, kCloneFlags);
}
std::string mount_text(std::uint64_t flags) {
  return names(flags, kMountFlags);
}

NsSet host_namespaces() {
  NsSet ns;
  ns[Ns::Mnt] = 4026531841;
  ns[Ns::Uts] = 4026531838;
  ns[Ns::Ipc] = 4026531839;
  ns[Ns::Net] = 4026531840;
  ns[Ns::Pid] = ns[Ns::PidForChildren] = 4026531836;
  ns[Ns::User] = 4026531837;
  ns[Ns::Cgroup] = 4026531835;
  ns[Ns::Time] = ns[Ns::TimeForChildren] = 4026531834;
  return ns;
}

Scene::Scene() {
  trace_.header.tool = "nstrace test";
  trace_.header.kernel = "6.1.0";
  trace_.header.arch = "x86_64";
  trace_.header.events = {"fork", "exec", "exit", "comm", "syscall", "namespace", "cgroup"};
  trace_.header.calls = {"clone", "clone3",     "fork",   "vfork", "execve",  "execveat", "unshare",
                         "setns", "pivot_root", "chroot", "mount", "umount2", "prctl",    "sethostname"};
  host(host_namespaces());
  existing(1, "init", {"/sbin/init"}, {.parent = 0, .exe = "/sbin/init", .followed = false});
}

void Scene::host(const NsSet& ns) {
  trace_.header.host = ns;
  pid_chain_[ns[Ns::Pid]] = {ns[Ns::Pid]};
  if (const auto init = tasks_.find(1); init != tasks_.end()) {
    init->second.ns = ns;
    trace_.existing.front().ns = ns;
  }
}

Scene::Task& Scene::task(int tid) {
  const auto found = tasks_.find(tid);
  if (found == tasks_.end()) throw std::logic_error("scene: there is no task " + std::to_string(tid));
  return found->second;
}
const Scene::Task& Scene::task(int tid) const {
  return const_cast<Scene*>(this)->task(tid);
}

Who Scene::who(int tid) const {
  const Task& t = task(tid);
  Who who;
  who.tid = tid;
  who.tgid = t.tgid;
  who.born = t.born;
  if (t.ids.size() > 1) who.tids = t.ids;
  who.comm = t.comm;
  who.ns = t.ns;
  who.cgroup = t.cgroup;
  return who;
}

std::uint32_t Scene::new_inode() {
  if (reuse_.empty()) return next_inode_++;
  const std::uint32_t inode = reuse_.front();
  reuse_.erase(reuse_.begin());
  return inode;
}

// What unshare(2) does to the caller: pid and time namespaces are only prepared for its children.
void Scene::make(NsSet& ns, std::uint64_t flags) {
  for (int i = 0; i < kNsCount; ++i) {
    const Ns type = static_cast<Ns>(i);
    if (!(flags & ns_clone_flag(type))) continue;
    const std::uint32_t inode = new_inode();
    if (type == Ns::Pid) {
      std::vector<std::uint32_t> chain = pid_chain_[ns[Ns::Pid]];
      chain.push_back(inode);
      pid_chain_[inode] = chain;
      last_pid_[inode] = 0;
      ns[Ns::PidForChildren] = inode;
    } else if (type == Ns::Time) {
      ns[Ns::TimeForChildren] = inode;
    } else {
      ns[type] = inode;
    }
  }
}

std::vector<int> Scene::numbers(std::uint32_t pid_ns, int tid) {
  std::vector<int> ids;
  for (const std::uint32_t level : pid_chain_[pid_ns]) ids.push_back(ids.empty() ? tid : ++last_pid_[level]);
  if (ids.empty()) ids.push_back(tid);
  return ids;
}

void Scene::write(Event event) {
  now_ += kStep;
  if (!seen_) {
    scratch_ = std::move(event);
    return;
  }
  event.time = now_;
  event.start = now_;
  event.number = trace_.events.size() + 1;
  trace_.events.push_back(std::move(event));
}

void Scene::existing(int pid, const std::string& comm, const std::vector<std::string>& argv) {
  existing(pid, comm, argv, ExistingOptions{});
}

void Scene::existing(int pid, const std::string& comm, const std::vector<std::string>& argv,
                     const ExistingOptions& options) {
  Existing e;
  e.pid = pid;
  e.born = -1'000'000'000'000 + static_cast<Time>(pid) * 1'000'000;
  e.pids = options.pids;
  e.parent_pid = options.parent;
  e.comm = comm;
  e.exe = !options.exe.empty() ? options.exe : argv.empty() ? "" : argv[0];
  e.argv = argv;
  const auto parent = tasks_.find(options.parent);
  e.ns = options.ns ? *options.ns : parent != tasks_.end() ? parent->second.ns : trace_.header.host;
  e.cgroup = options.cgroup;
  e.cgroup_path = options.cgroup_path;
  e.followed = options.followed;

  Task t;
  t.tgid = pid;
  t.born = e.born;
  t.ids = options.pids.empty() ? std::vector<int>{pid} : options.pids;
  t.comm = comm;
  t.ns = e.ns;
  t.cgroup = e.cgroup;
  tasks_[pid] = t;
  processes_[pid] = {options.parent};
  if (!pid_chain_.count(e.ns[Ns::Pid])) {
    std::vector<std::uint32_t> chain = pid_chain_[trace_.header.host[Ns::Pid]];
    chain.push_back(e.ns[Ns::Pid]);
    pid_chain_[e.ns[Ns::Pid]] = chain;
  }
  if (t.ids.size() > 1) last_pid_[e.ns[Ns::Pid]] = std::max(last_pid_[e.ns[Ns::Pid]], t.ids.back());
  if (seen_) trace_.existing.push_back(std::move(e));
}

void Scene::existing_thread(int pid, int tid, const std::string& comm) {
  Task t = task(pid);
  t.ids[0] = tid;
  if (!comm.empty()) t.comm = comm;
  tasks_[tid] = std::move(t);
}

NsSet Scene::new_set(std::initializer_list<Ns> kinds) {
  NsSet ns = trace_.header.host;
  for (const Ns kind : kinds) {
    ns[kind] = new_inode();
    if (kind == Ns::Pid) ns[Ns::PidForChildren] = ns[kind];
    if (kind == Ns::Time) ns[Ns::TimeForChildren] = ns[kind];
  }
  return ns;
}

void Scene::fork(int creator_tid, int child_tid, std::uint64_t flags) {
  fork(creator_tid, child_tid, flags, {});
}

void Scene::fork(int creator_tid, int child_tid, std::uint64_t flags, const ForkOptions& options) {
  const Task creator = task(creator_tid);
  Task child = creator;
  make(child.ns, flags & ~static_cast<std::uint64_t>(CLONE_NEWTIME));
  const bool thread = flags & CLONE_THREAD;
  if (!thread) {
    child.tgid = child_tid;
    child.born = now_ + kStep;
    child.ns[Ns::Pid] = child.ns[Ns::PidForChildren];
    if (!(flags & CLONE_VM)) child.ns[Ns::Time] = child.ns[Ns::TimeForChildren];
  }
  child.ids = !options.ids.empty() ? options.ids : numbers(child.ns[Ns::Pid], child_tid);
  if (!options.ids.empty() && options.ids.size() > 1)
    last_pid_[child.ns[Ns::Pid]] = std::max(last_pid_[child.ns[Ns::Pid]], options.ids.back());
  tasks_[child_tid] = child;

  Event event;
  event.who = who(creator_tid);
  Fork fork;
  fork.flags = flags;
  fork.exit_signal = thread ? 0 : options.exit_signal;
  fork.parent_tgid = options.parent         ? options.parent
                     : flags & CLONE_PARENT ? processes_[creator.tgid].parent
                     : thread               ? processes_[creator.tgid].parent
                                            : creator.tgid;
  if (const auto parent = tasks_.find(fork.parent_tgid); parent != tasks_.end()) fork.parent_born = parent->second.born;
  fork.child = who(child_tid);
  if (!thread) processes_[child_tid] = {fork.parent_tgid};
  event.what = fork;
  if (!options.call.empty()) {
    event.call.name = options.call;
    if (options.call == "clone" || options.call == "clone3") {
      std::string text = flags ? clone_text(flags) : "";
      if (options.call == "clone") {
        if (fork.exit_signal == 17) text += text.empty() ? "SIGCHLD" : "|SIGCHLD";
        if (text.empty()) text = "0";
        event.call.args = {address_arg("child_stack", flags & CLONE_VM ? 0x7f0000001000 : 0),
                           flags_arg("flags", flags | static_cast<std::uint64_t>(fork.exit_signal), text)};
      } else {
        Arg args = make_arg("cl_args", Arg::Kind::Struct, 0, "");
        args.list = {"flags=" + (text.empty() ? "0" : text),
                     "exit_signal=" + std::string(fork.exit_signal ? "SIGCHLD" : "0")};
        event.call.args = {args, integer_arg("size", 88)};
      }
    }
    // What clone returns is the child's number in the caller's own pid namespace.
    event.call.result = child.ids[std::min(creator.ids.size(), child.ids.size()) - 1];
  }
  write(std::move(event));
}

void Scene::thread(int creator_tid, int tid) {
  fork(creator_tid, tid,
       CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS);
}
void Scene::vfork(int creator_tid, int child_tid) {
  fork(creator_tid, child_tid, CLONE_VM | CLONE_VFORK);
}

void Scene::exec(int tid, const std::string& path, const std::vector<std::string>& argv) {
  exec(tid, path, argv, {});
}

void Scene::exec(int tid, const std::string& path, const std::vector<std::string>& argv, const ExecOptions& options) {
  Task t = task(tid);
  Exec exec;
  exec.tid_before = tid;
  exec.comm_before = t.comm;
  exec.path = options.call == "execveat" ? "/dev/fd/8" : path;
  exec.interpreter = options.interpreter;
  exec.device = (8u << 20) | 1;
  exec.inode = 1000 + std::hash<std::string>{}(path) % 100000;
  exec.argv = argv;
  exec.env = options.env;
  exec.env_count = static_cast<std::uint32_t>(options.env.empty() ? 44 : options.env.size());
  t.comm = !options.comm.empty() ? options.comm : base_name(exec.path);
  t.ns[Ns::Time] = t.ns[Ns::TimeForChildren];
  t.ids = task(t.tgid).ids;
  for (auto i = tasks_.begin(); i != tasks_.end();) i = i->second.tgid == t.tgid ? tasks_.erase(i) : std::next(i);
  tasks_[t.tgid] = t;

  Event event;
  event.who = who(t.tgid);
  event.call.name = options.call;
  const Arg envp = address_arg("envp", 0xc0004c8600, std::to_string(exec.env_count) + " vars");
  if (options.call == "execveat")
    event.call.args = {fd_arg("dirfd", 8, path), string_arg("pathname", ""), strings_arg("argv", argv), envp,
                       flags_arg("flags", 0x1000, "AT_EMPTY_PATH")};
  else
    event.call.args = {string_arg("pathname", path), strings_arg("argv", argv), envp};
  event.call.result = 0;
  event.what = std::move(exec);
  write(std::move(event));
}

void Scene::rename(int tid, const std::string& comm) {
  Rename rename{task(tid).comm};
  task(tid).comm = comm;
  Event event;
  event.who = who(tid);
  event.what = rename;
  write(std::move(event));
}

void Scene::exit(int tid, int code, int signal) {
  const int tgid = task(tid).tgid;
  const auto threads =
      std::count_if(tasks_.begin(), tasks_.end(), [&](const auto& t) { return t.second.tgid == tgid; });
  Event event;
  event.who = who(tid);
  event.what = Exit{code, signal, false, threads == 1};
  // A leader that ends first stays as a zombie until the last thread has ended.
  tasks_.erase(tid);
  write(std::move(event));
}

void Scene::exit_group(int pid, int code, int signal) {
  std::vector<int> threads;
  for (const auto& [tid, t] : tasks_)
    if (t.tgid == pid && tid != pid) threads.push_back(tid);
  for (const int tid : threads) exit(tid, code, signal);
  exit(pid, code, signal);
}

void Scene::syscall(int tid, const std::string& name, std::vector<Arg> args, std::int64_t result) {
  Event event;
  event.who = who(tid);
  event.call.name = name;
  event.call.args = std::move(args);
  event.call.result = result;
  write(std::move(event));
}

void Scene::unshare(int tid, std::uint64_t flags, std::int64_t result) {
  if (result == 0) make(task(tid).ns, flags);
  syscall(tid, "unshare", {flags_arg("flags", flags, clone_text(flags))}, result);
}

void Scene::setns(int tid, int fd, Ns type, std::uint32_t inode, std::int64_t result) {
  if (result == 0) {
    NsSet& ns = task(tid).ns;
    if (type == Ns::Pid)
      ns[Ns::PidForChildren] = inode;
    else if (type == Ns::Time)
      ns[Ns::Time] = ns[Ns::TimeForChildren] = inode;
    else
      ns[type] = inode;
  }
  const std::uint64_t flag = ns_clone_flag(type);
  syscall(tid, "setns",
          {fd_arg("fd", fd, std::string(ns_name(type)) + ":[" + std::to_string(inode) + "]"),
           symbol_arg("nstype", static_cast<std::int64_t>(flag), clone_text(flag))},
          result);
}

void Scene::setns_pidfd(int tid, int fd, int target_pid, std::uint64_t flags, std::int64_t result) {
  if (result == 0) {
    NsSet& ns = task(tid).ns;
    const NsSet& target = task(target_pid).ns;
    for (int i = 0; i < kNsCount; ++i) {
      const Ns type = static_cast<Ns>(i);
      if (!(flags & ns_clone_flag(type))) continue;
      if (type == Ns::Pid)
        ns[Ns::PidForChildren] = target[Ns::Pid];
      else
        ns[type] = target[type];
      if (type == Ns::Time) ns[Ns::TimeForChildren] = target[type];
    }
  }
  syscall(tid, "setns",
          {fd_arg("fd", fd, "pid:" + std::to_string(target_pid)), flags_arg("nstype", flags, clone_text(flags))},
          result);
}

void Scene::pivot_root(int tid, const std::string& new_root, const std::string& put_old) {
  syscall(tid, "pivot_root", {string_arg("new_root", new_root), string_arg("put_old", put_old)});
}
void Scene::chroot(int tid, const std::string& path) {
  syscall(tid, "chroot", {string_arg("path", path)});
}

void Scene::mount(int tid, const std::string& source, const std::string& target, const std::string& type,
                  std::uint64_t flags, const std::string& data) {
  const Arg data_arg = data.empty() ? address_arg("data", 0) : string_arg("data", data);
  const Arg type_arg = type.empty() ? address_arg("filesystemtype", 0) : string_arg("filesystemtype", type);
  syscall(tid, "mount",
          {string_arg("source", source), string_arg("target", target), type_arg,
           flags_arg("mountflags", flags, mount_text(flags)), data_arg});
}
void Scene::umount2(int tid, const std::string& target, std::uint64_t flags) {
  syscall(tid, "umount2",
          {string_arg("target", target), flags_arg("flags", flags, flags & MNT_DETACH ? "MNT_DETACH" : "0")});
}
void Scene::sethostname(int tid, const std::string& name) {
  syscall(tid, "sethostname", {string_arg("name", name), integer_arg("len", static_cast<std::int64_t>(name.size()))});
}

void Scene::namespace_seen(int tid, const NamespaceSeen& seen) {
  Event event;
  event.who = who(tid);
  event.what = seen;
  write(std::move(event));
}

void Scene::cgroup(int tid, std::uint64_t id, const std::string& path) {
  const CgroupMove move{task(tid).cgroup, path};
  for (auto& [other, t] : tasks_)
    if (t.tgid == task(tid).tgid) t.cgroup = id;
  Event event;
  event.who = who(tid);
  event.what = move;
  write(std::move(event));
}

void Scene::lost(std::uint64_t count, const std::string& why) {
  Event event;
  event.what = Lost{count, 0, why};
  write(std::move(event));
}

void Scene::unseen(const std::function<void()>& what) {
  seen_ = false;
  what();
  seen_ = true;
}

Trace Scene::trace() const {
  Trace trace = trace_;
  Footer footer;
  footer.events = trace.events.size();
  for (const Event& event : trace.events)
    if (const Lost* lost = event.as<Lost>()) footer.lost += lost->count;
  if (footer.lost) footer.losses = {{"ring buffer full", footer.lost}};
  footer.end_boottime = trace.header.start_boottime + static_cast<std::uint64_t>(now_);
  footer.end = "interrupt";
  trace.footer = footer;
  trace.report.complete = true;
  return trace;
}

void Scene::play(Sink& sink) const {
  const Trace all = trace();
  sink.header(all.header);
  for (const Existing& process : all.existing) sink.existing(process);
  for (const Event& event : all.events) sink.event(event);
  sink.footer(*all.footer);
}

}  // namespace nstrace::testing
