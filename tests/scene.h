// SPDX-License-Identifier: MIT
// Scene: a builder for short hand-made traces. Each call is one thing that happens to a task; the scene keeps what the
// kernel would keep (threads, namespaces of every thread, numbers in nested pid namespaces, comms, parents) and writes
// the Events a capture would give, 1 ms apart, numbered from 1, with arguments as the decoder writes them.
//
//   Scene s;
//   s.existing(100, "containerd", {"/usr/bin/containerd"});
//   s.fork(100, 200, CLONE_NEWPID);
//   s.exec(200, "/usr/bin/runc", {"runc", "create", "abc"});
//   s.unshare(200, CLONE_NEWNS);
//   s.exit(200);
//   s.play(model);
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trace/event.h"
#include "trace/file.h"
#include "trace/sink.h"

namespace nstrace::testing {

// Arguments as the decoder would give them.
trace::Arg integer_arg(std::string name, std::int64_t value);
trace::Arg address_arg(std::string name, std::uint64_t value, std::string comment = "");
trace::Arg flags_arg(std::string name, std::uint64_t value, std::string text);
trace::Arg symbol_arg(std::string name, std::int64_t value, std::string text);
trace::Arg string_arg(std::string name, std::string text);
trace::Arg strings_arg(std::string name, std::vector<std::string> list);
trace::Arg fd_arg(std::string name, int fd, std::string target = "");

// "CLONE_NEWNS|CLONE_NEWPID"; "0" for 0.
std::string clone_text(std::uint64_t flags);
std::string mount_text(std::uint64_t flags);

// The namespaces of pid 1 in every scene, unless host() sets others: the numbers of a real kernel.
trace::NsSet host_namespaces();

class Scene {
 public:
  struct ExistingOptions {
    int parent = 1;
    std::string exe = {};                 // empty = argv[0]
    std::vector<int> pids = {};           // numbers in nested pid namespaces, the host's first
    std::optional<trace::NsSet> ns = {};  // empty = the parent's, or the host's
    bool followed = true;
    std::uint64_t cgroup = 0;
    std::string cgroup_path = {};
  };
  struct ForkOptions {
    int parent = 0;              // tgid of the real parent; 0 = by the flags: the creator, or its parent
    std::vector<int> ids = {};   // numbers in nested pid namespaces; empty = handed out by the scene
    std::string call = "clone";  // "clone3", "fork", "vfork"; "" = no call is known
    int exit_signal = 17;
  };
  struct ExecOptions {
    std::vector<std::string> env = {};  // as recorded by policy
    std::string comm = {};              // empty = base name of the path, 15 bytes of it
    std::string interpreter = {};
    std::string call = "execve";  // or "execveat": then path is what the fd refers to
  };

  Scene();
  trace::Header& header() { return trace_.header; }
  void host(const trace::NsSet& ns);  // before anything else

  // A process that was there before the trace, and one more thread of it. The scene begins with pid 1, `init`.
  // Give `ns` with inodes of its own for a container's; new_set() makes such.
  void existing(int pid, const std::string& comm, const std::vector<std::string>& argv = {});
  void existing(int pid, const std::string& comm, const std::vector<std::string>& argv, const ExistingOptions& options);
  void existing_thread(int pid, int tid, const std::string& comm = "");
  // The host's namespaces with new ones for the kinds named.
  trace::NsSet new_set(std::initializer_list<trace::Ns> kinds);

  void fork(int creator_tid, int child_tid, std::uint64_t flags = 0);
  void fork(int creator_tid, int child_tid, std::uint64_t flags, const ForkOptions& options);
  void thread(int creator_tid, int tid);       // clone(CLONE_THREAD|...), as pthreads and Go do it
  void vfork(int creator_tid, int child_tid);  // clone(CLONE_VM|CLONE_VFORK|SIGCHLD), as Go does it
  // A thread that is not the leader takes the leader's tid; all other threads of the process are gone.
  void exec(int tid, const std::string& path, const std::vector<std::string>& argv);
  void exec(int tid, const std::string& path, const std::vector<std::string>& argv, const ExecOptions& options);
  void rename(int tid, const std::string& comm);
  void exit(int tid, int code = 0, int signal = 0);        // one thread; the process is gone with the last one
  void exit_group(int pid, int code = 0, int signal = 0);  // all threads, the leader last

  // System calls. A failed one (result < 0) changes nothing.
  void unshare(int tid, std::uint64_t flags, std::int64_t result = 0);
  void setns(int tid, int fd, trace::Ns type, std::uint32_t inode, std::int64_t result = 0);
  void setns_pidfd(int tid, int fd, int target_pid, std::uint64_t flags, std::int64_t result = 0);
  void pivot_root(int tid, const std::string& new_root = ".", const std::string& put_old = ".");
  void chroot(int tid, const std::string& path);
  void mount(int tid, const std::string& source, const std::string& target, const std::string& type,
             std::uint64_t flags, const std::string& data = "");
  void umount2(int tid, const std::string& target, std::uint64_t flags = 0);
  void sethostname(int tid, const std::string& name);
  void syscall(int tid, const std::string& name, std::vector<trace::Arg> args, std::int64_t result = 0);

  void namespace_seen(int tid, const trace::NamespaceSeen& seen);
  void cgroup(int tid, std::uint64_t id, const std::string& path);
  void lost(std::uint64_t count, const std::string& why = "ring buffer full");

  // What happens inside is not in the trace (lost, or before it began).
  void unseen(const std::function<void()>& what);
  void wait(trace::Time ns) { now_ += ns; }
  // The next namespace made gets this inode number (the kernel hands freed numbers out again).
  void reuse_inode(std::uint32_t inode) { reuse_.push_back(inode); }

  const trace::NsSet& ns(int tid) const { return task(tid).ns; }
  trace::Time now() const { return now_; }
  trace::Event& last() { return trace_.events.back(); }  // to alter what was just written

  trace::Trace trace() const;  // with a footer, complete
  void play(trace::Sink& sink) const;

 private:
  struct Task {
    int tgid = 0;
    trace::Time born = 0;  // of the leader
    std::vector<int> ids;
    std::string comm;
    trace::NsSet ns;
    std::uint64_t cgroup = 0;
  };
  struct Process {
    int parent = 0;  // tgid
  };
  Task& task(int tid);
  const Task& task(int tid) const;
  trace::Who who(int tid) const;
  std::uint32_t new_inode();
  void make(trace::NsSet& ns, std::uint64_t flags);
  std::vector<int> numbers(std::uint32_t pid_ns, int tid);  // of a new task in each pid namespace, the host's first
  trace::Event& add(int tid);                               // a new event of this task, at a new time
  void write(trace::Event event);

  trace::Trace trace_;
  std::map<int, Task> tasks_;         // by tid
  std::map<int, Process> processes_;  // by tgid
  std::map<std::uint32_t, std::vector<std::uint32_t>>
      pid_chain_;                          // pid namespace -> itself and those around it, host first
  std::map<std::uint32_t, int> last_pid_;  // in a nested pid namespace
  std::vector<std::uint32_t> reuse_;
  std::uint32_t next_inode_ = 4026532000;
  trace::Time now_ = 0;
  bool seen_ = true;
  trace::Event scratch_;
};

// `docker run -d busybox sleep 100` under `--follow containerd`, runc 1.1 with a network hook (docker 20.10).
// pids: dockerd 810, containerd 829, shim start 2001, shim 2008, runc create 2020, runc init 2028 -> 2031 -> 2032 (the
// container's init, then sleep), hook 2040, runc start 2050.
Scene docker_run_scene();
// `docker exec ID sh` into the same container, which was there before: shim 2008, sleep 2032, runc exec 2639,
// runc init 2648 -> 2650 -> 2651 (sh, 7 inside).
Scene docker_exec_scene();
inline constexpr const char* kDockerId = "cbab362df10ada42d7055a2029f1ff0420aa3e1945de248445200a3145cb21ec";

}  // namespace nstrace::testing
