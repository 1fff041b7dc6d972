// SPDX-License-Identifier: MIT
// The model: what the events of a trace say about processes, namespaces and containers. It applies Events in their
// final order and holds passive data; lines, pictures and checks are functions of it.
// A process is an object of its own, handed out at first sight; its pid may be used again by another one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/sink.h"

namespace nstrace::model {

using trace::Event;
using trace::Ns;
using trace::NsSet;
using trace::Time;

using ProcessId = std::uint32_t;    // index into Model::processes()
using NamespaceId = std::uint32_t;  // index into Model::namespaces()
using ContainerId = std::uint32_t;  // index into Model::containers()

// One program that a process ran: from a successful exec to the next.
struct Program {
  std::uint64_t event = 0;  // number of the exec event; 0 = it ran before the trace
  Time since = 0;
  std::string path;         // what was executed
  std::string comm;         // after the exec
  std::vector<std::string> argv;
  std::vector<std::string> env;  // as recorded by policy
};

// A comm that a process (its leader) bore from a moment on.
struct CommSpan {
  Time since = 0;
  std::uint64_t event = 0;
  std::string comm;
};

// A call by one of the process's threads that changes where it lives: unshare, setns, pivot_root, chroot, sethostname,
// mount, umount2, ... (everything successful in the sets ns and mount).
struct Mark {
  std::uint64_t event = 0;
  Time time = 0;
  int tid = 0;
  std::string call;         // name
  std::string text;         // short: "unshare(CLONE_NEWNS|CLONE_NEWPID)", "setns(mnt)"
  NsSet before, after;      // of the calling thread
};

struct Ended {
  Time time = 0;
  std::uint64_t event = 0;
  int code = 0, signal = 0;
  bool core = false;
};

struct Process {
  ProcessId id = 0;
  int pid = 0;              // tgid as the tracer sees it
  Time born = 0;
  std::vector<int> pids;    // its number in each pid namespace, the host's first; at least one element
  std::optional<ProcessId> creator;  // who called clone
  std::optional<ProcessId> parent;   // whose child it became
  std::uint64_t fork_event = 0;      // 0 = existed before, or its creation was not seen
  std::uint64_t fork_flags = 0;
  int exit_signal = 0;
  bool existed = false;     // was there before the trace
  bool followed = false;
  Time first = 0, last = 0;            // first and last event
  std::vector<CommSpan> comms;         // at least one
  std::vector<Program> programs;       // what it inherited first (event 0, if known), then its own execs
  std::vector<Mark> marks;
  NsSet ns_at_birth;
  NsSet ns;                 // of the leader, now
  std::uint64_t cgroup = 0;
  std::string cgroup_path;
  std::optional<Ended> ended;
  std::uint32_t threads_made = 0;
  std::vector<ProcessId> children;     // by creator, in order of creation
  std::optional<ContainerId> container;

  const std::string& comm() const { return comms.back().comm; }
  int inner_pid() const { return pids.back(); }   // in the innermost pid namespace
};

struct Namespace {
  NamespaceId id = 0;
  Ns type{};
  std::uint32_t inode = 0;
  bool host = false;        // one of Header::host
  Time first = 0;
  std::uint64_t event = 0;  // at which it was first seen; 0 = before the trace
  std::optional<ProcessId> maker;  // whose clone, clone3 or unshare made it; absent = it was there before, or not seen
  std::uint64_t made_by = 0;       // number of that event
};

// A container: the processes inside one set of new namespaces, hung on the pid namespace of its init (or, where the
// pid namespace is the host's, on the mount namespace it pivoted in).
struct Container {
  ContainerId id = 0;
  std::string name;         // what the argv of the runtime calls it (a container id), else ""
  std::string runtime;      // "runc", "crun", "nstrace lab", ...; "" = not known
  std::string image_name;   // docker's or podman's name for it, if known
  NsSet ns;                 // of its init when it began its program, or last seen
  std::optional<ProcessId> init;
  std::vector<ProcessId> members;
};

class Model : public trace::Sink {
 public:
  void header(const trace::Header& header) override;
  void existing(const trace::Existing& process) override;
  void event(const Event& event) override;
  void footer(const trace::Footer& footer) override;

  const trace::Header& header() const { return header_; }
  const std::optional<trace::Footer>& footer() const { return footer_; }
  const std::vector<Process>& processes() const { return processes_; }
  const std::vector<Namespace>& namespaces() const { return namespaces_; }
  const std::vector<Container>& containers() const { return containers_; }

  // The process that an event of the one being applied (or the last applied) belongs to; nullptr if never seen.
  const Process* process_of(int tgid, Time born) const;
  // The namespace that bears (type, inode) now; nullptr if never seen. An inode of 0 is never found.
  const Namespace* namespace_of(Ns type, std::uint32_t inode) const;
  // The thread's namespaces before the event being applied: what it had at its last event, else its process's.
  const NsSet* last_ns(int tid) const;

 private:
  struct State;  // bookkeeping per thread, see model.cc
  trace::Header header_;
  std::optional<trace::Footer> footer_;
  std::vector<Process> processes_;
  std::vector<Namespace> namespaces_;
  std::vector<Container> containers_;
  std::map<std::pair<int, Time>, ProcessId> by_identity_;
  std::unordered_map<int, ProcessId> by_pid_;
  std::unordered_map<std::uint64_t, NamespaceId> namespace_by_inode_;
  std::unordered_map<int, NsSet> thread_ns_;
};

}  // namespace nstrace::model
