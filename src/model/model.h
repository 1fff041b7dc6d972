// SPDX-License-Identifier: MIT
// The model: what the events of a trace say about processes, namespaces and containers. It applies Events in their
// final order and holds passive data; lines, pictures and checks are functions of it.
// A process is an object of its own, handed out at first sight; its pid may be used again by another one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
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

// A namespace object for each slot of an NsSet: inode numbers are used again, these are not.
inline constexpr NamespaceId kNoNamespace = UINT32_MAX;
struct NsIds {
  std::array<NamespaceId, trace::kNsSlots> id;
  NsIds() { id.fill(kNoNamespace); }
  NamespaceId operator[](Ns ns) const { return id[static_cast<std::size_t>(ns)]; }
  NamespaceId& operator[](Ns ns) { return id[static_cast<std::size_t>(ns)]; }
};

// One program that a process ran: from a successful exec to the next.
struct Program {
  std::uint64_t event = 0;  // number of the exec event; 0 = it ran before the trace
  Time since = 0;
  std::string path;               // what was executed
  std::string comm;               // after the exec
  std::vector<std::string> argv;  // of an inherited program: empty when it is longer than kInheritedArgv
  std::vector<std::string> env;   // as recorded by policy; not kept with an inherited program
};
inline constexpr std::size_t kInheritedArgv = 512;  // bytes

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
  std::string call;     // name
  std::string text;     // short and printable: "unshare(CLONE_NEWNS|CLONE_NEWPID)", "setns(mnt)"
  NsSet before, after;  // of the calling thread
  NsIds after_id;
};

struct Ended {
  Time time = 0;
  std::uint64_t event = 0;
  int code = 0, signal = 0;
  bool core = false;
};

struct Process {
  ProcessId id = 0;
  int pid = 0;  // tgid as the tracer sees it
  Time born = 0;
  std::vector<int> pids;             // its number in each pid namespace, the host's first; at least one element
  std::optional<ProcessId> creator;  // who called clone
  // Whose child it became; another one from when an event tells so. When a parent ends, its children get the nearest
  // subreaper or init as parent; no event says which, so this stays until a CLONE_PARENT or CLONE_THREAD shows it.
  std::optional<ProcessId> parent;
  std::optional<ProcessId> parent_at_birth;
  std::uint64_t fork_event = 0;  // 0 = existed before, or its creation was not seen
  std::uint64_t fork_flags = 0;
  int exit_signal = 0;
  bool existed = false;  // was there before the trace
  bool followed = false;
  Time first = 0, last = 0;       // first and last event
  std::vector<CommSpan> comms;    // at least one
  std::vector<Program> programs;  // what it inherited first (event 0, if known), then its own execs
  std::vector<Mark> marks;
  NsSet creator_ns;  // of the thread that made it, then
  NsSet ns_at_birth;
  NsSet ns;  // of the leader, now
  NsIds ns_id_at_birth;
  NsIds ns_id;
  std::uint64_t cgroup = 0;
  std::string cgroup_path;
  std::optional<Ended> ended;
  bool end_unseen = false;  // it has ended, since its pid went to another; when and how is not known
  std::uint32_t threads_made = 0;
  std::vector<ProcessId> children;  // by creator, in order of creation
  std::optional<ContainerId> container;

  const std::string& comm() const { return comms.back().comm; }
  int inner_pid() const { return pids.back(); }  // in the innermost pid namespace
};

struct Namespace {
  NamespaceId id = 0;
  Ns type{};
  std::uint32_t inode = 0;
  bool host = false;  // one of Header::host
  Time first = 0;
  std::uint64_t event = 0;         // at which it was first seen; 0 = before the trace
  std::optional<ProcessId> maker;  // whose clone, clone3 or unshare made it; absent = it was there before, or not seen
  std::uint64_t made_by = 0;       // number of that event
  std::uint64_t kernel_id = 0;     // the kernel's unique id, where it has one
  // The user namespace that owns it: as the kernel told, else its maker's at that moment (user_namespaces(7)).
  std::optional<NamespaceId> owner;
  std::optional<NamespaceId> parent;  // of pid and user namespaces
  std::uint32_t inside = 0;           // threads and processes known to be in it, or to have it for their children
  // When the last of those left. A mount or a descriptor may hold it longer, and others may enter it again: then
  // absent.
  std::optional<Time> left;
  std::vector<std::string> mounts;  // paths at which a mount holds it, as far as this trace has such
  bool announced = false;           // by a NamespaceSeen
  // All had left it, nothing in the trace held it, and then it was entered again, on a kernel without unique ids: the
  // number is all that says that it is the same.
  bool doubtful = false;
};

// A container: the processes inside one set of new namespaces, hung on the pid namespace of its init (or, where the
// pid namespace is the host's, on the mount namespace it pivoted in).
struct Container {
  ContainerId id = 0;
  std::string name;     // what the argv of the runtime calls it (a container id), "lab" for the mini runtime's, else ""
  std::string runtime;  // "runc", "crun", "nstrace lab", ...; "" = not known
  std::string image_name;  // docker's or podman's name for it, if known
  NsSet ns;                // of its init when it began its program, or last seen
  NsIds ns_id;
  std::optional<ProcessId> init;
  std::vector<ProcessId> members;
  NamespaceId hung_on = kNoNamespace;  // the pid or mount namespace that makes it one
  std::optional<ContainerId> parent;   // the container that it was made in
  std::uint64_t program_event = 0;     // the exec with which init began its program; 0 = not seen
  bool began = false;                  // init began its program, in this trace or before
};

// Records are missing from this trace.
struct Losses {
  std::uint64_t count = 0;
  std::uint64_t first_event = 0, last_event = 0;  // numbers of the first and the last event that told so; 0 = none
};

// Whether processes keep their marks. The model itself does without, who shows what a process did does not, nor at().
enum class Marks : std::uint8_t { Kept, Left };

class Model : public trace::Sink {
 public:
  explicit Model(Marks marks = Marks::Kept) : marks_(marks) {}
  void header(const trace::Header& header) override;
  void existing(const trace::Existing& process) override;
  void event(const Event& event) override;
  void footer(const trace::Footer& footer) override;

  const trace::Header& header() const { return header_; }
  const std::optional<trace::Footer>& footer() const { return footer_; }
  const std::vector<Process>& processes() const { return processes_; }
  const std::vector<Namespace>& namespaces() const { return namespaces_; }
  const std::vector<Container>& containers() const { return containers_; }

  const Losses& losses() const { return losses_; }
  // All that were lost: the footer also counts those that no event could tell any more.
  std::uint64_t lost() const { return std::max(losses_.count, footer_ ? footer_->lost : 0); }

  // The creator, or for processes whose creation was not seen their parent.
  std::optional<ProcessId> origin(const Process& process) const;
  // Whose process it is: by identity, or with born = 0 the one that bears the pid now; nullptr if never seen.
  const Process* process_of(int tgid, Time born) const;
  // The namespace that bears (type, inode) now; nullptr if never seen. An inode of 0 is never found.
  const Namespace* namespace_of(Ns type, std::uint32_t inode) const;
  const Namespace* namespace_of(NamespaceId id) const { return id == kNoNamespace ? nullptr : &namespaces_[id]; }
  // The thread's namespaces as of the events applied so far: what it had at its last event, else its process's.
  // nullptr if neither was seen. Ask before event() for the state before that event, or ns_before() after it.
  const NsSet* last_ns(int tid) const;
  const NsSet* last_ns(const trace::Who& who) const;
  const NsIds* last_ns_ids(const trace::Who& who) const;
  // The namespaces of the last applied event's thread before that event.
  const NsSet& ns_before() const { return before_; }
  // Whether the process is known to have no thread but its leader now.
  bool single_threaded(ProcessId id) const;

 private:
  // A thread other than its process's leader.
  struct Thread {
    ProcessId process = 0;
    NsSet ns;
    NsIds id;
  };

  // model.cc
  void find_parents();
  void settle_existing();
  ProcessId add_process(int pid, Time born, const Event* event);
  std::optional<ProcessId> find(int tgid, Time born) const;
  ProcessId meet(const trace::Who& who, const Event& event);
  void apply(ProcessId id, const trace::Fork& fork, const Event& event);
  void apply(ProcessId id, const trace::Exec& exec, const Event& event, const NsSet& after);
  void apply(ProcessId id, const trace::Exit& exit, const Event& event);
  void apply_call(ProcessId id, const Event& event, const NsSet& after);
  void remember_tree(ProcessId id, const Event& event, const NsSet& after);
  void remember_cgroup(ProcessId id, const trace::CgroupMove& move, const Event& event);
  void remember_mount(ProcessId id, const Event& event, const NsIds& ids);
  void rename(ProcessId id, const trace::Who& who, const Event& event);
  void add_thread(int tid, ProcessId process, const NsSet& ns, const Event& event);
  void drop_threads(ProcessId id);
  void drop_thread(int tid, Time now);

  // namespaces.cc
  NamespaceId add_namespace(Ns type, std::uint32_t inode, const Event* event);
  NamespaceId see(Ns type, std::uint32_t inode, const Event* event);
  void made(const NsSet& before, const NsSet& after, std::uint64_t flags, ProcessId maker, const Event& event);
  void apply(const trace::NamespaceSeen& seen, const Event& event);
  void move(NsIds& ids, const NsSet& to, const Event* event, bool counts);
  void leave(NamespaceId id, Time now);
  void leave(const NsIds& ids, Time now);
  void set_leader_ns(ProcessId id, const NsSet& to, const Event* event);
  bool is_host(NamespaceId id) const { return id == kNoNamespace || namespaces_[id].host; }

  // containers.cc
  enum class Moment : std::uint8_t { Birth, Entered, Rooted, Program };
  void place(ProcessId id, Moment moment, const Event* event);
  std::optional<ContainerId> container_at_birth(const Process& process) const;
  std::optional<ContainerId> container_of(NamespaceId id) const;
  void place_by_mount(ProcessId id, Moment moment);
  ContainerId add_container(NamespaceId hung_on, ProcessId first, Moment moment);
  void join(ContainerId container, ProcessId id);
  void set_init(ContainerId container, ProcessId id);
  void name_container(ContainerId container, ProcessId member, ProcessId from, Moment moment);

  Marks marks_;
  trace::Header header_;
  std::optional<trace::Footer> footer_;
  std::vector<Process> processes_;
  std::vector<Namespace> namespaces_;
  std::vector<Container> containers_;
  Losses losses_;

  bool started_ = false;                            // an event was applied
  std::vector<bool> holds_;                         // by ProcessId: its leader counts in Namespace::inside
  std::vector<std::pair<ProcessId, int>> waiting_;  // existing processes and their parents' pids
  NsSet before_;
  std::unordered_map<int, ProcessId> by_pid_;  // who bears it now, or bore it last
  std::vector<ProcessId> bearer_before_;       // by ProcessId: who bore its pid before, or itself
  std::unordered_map<std::uint64_t, NamespaceId> namespace_by_inode_;
  std::unordered_map<int, Thread> threads_;                       // by tid
  std::unordered_map<ProcessId, std::vector<int>> threads_of_;    // tids of those
  std::unordered_map<ProcessId, Ended> leader_ended_;             // leaders that ended before their threads
  std::unordered_map<NamespaceId, ContainerId> container_by_ns_;  // what it hangs on, and its init's mount namespace
  std::unordered_map<ProcessId, ContainerId> visitors_;  // entered a container's mount namespace, not a member yet
  // By who opened it: the descriptor of a mount namespace that open_tree made, and that event's number.
  std::unordered_map<ProcessId, std::pair<std::int64_t, std::uint64_t>> trees_;
  std::unordered_map<std::string, NamespaceId> mounted_;         // namespaces by the path at which a mount holds them
  std::unordered_map<std::uint64_t, std::string> cgroup_paths_;  // as far as a move or a process there before told
  std::unordered_map<std::string, bool> marking_;                // names of calls: is it in the sets ns or mount
};

}  // namespace nstrace::model
