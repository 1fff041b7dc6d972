// SPDX-License-Identifier: MIT
// Event: one thing that happened to a process, decoded, in the form that everything right of the capture works on.
// A live run, a recorded trace and an imported strace log all give Events, in final order, numbered from 1.
// Strings hold the bytes of the traced process as they are: they are hostile, and whoever prints them must quote.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nstrace::trace {

// Nanoseconds since the trace began (Header::start); negative for what was there before.
using Time = std::int64_t;

// The eight kinds of namespace (namespaces(7)), and the two that a process only prepares for its children.
enum class Ns : std::uint8_t { Mnt, Uts, Ipc, Net, Pid, User, Cgroup, Time, PidForChildren, TimeForChildren };
inline constexpr int kNsCount = 8;       // the kinds proper
inline constexpr int kNsSlots = 10;      // with the two _for_children
std::string_view ns_name(Ns ns);         // "mnt", "pid_for_children": the names in /proc/PID/ns
std::optional<Ns> ns_from_name(std::string_view name);
std::uint64_t ns_clone_flag(Ns ns);      // CLONE_NEWNS ... ; 0 for the _for_children slots

// Inode numbers by Ns; 0 = not known.
struct NsSet {
  std::array<std::uint32_t, kNsSlots> inode{};
  std::uint32_t operator[](Ns ns) const { return inode[static_cast<std::size_t>(ns)]; }
  std::uint32_t& operator[](Ns ns) { return inode[static_cast<std::size_t>(ns)]; }
  bool operator==(const NsSet&) const = default;
};

// A task at the end of an event. A process is (tgid, born), never a pid alone: born is the start of its thread group
// leader, which survives an execve by another thread (fs/exec.c, de_thread).
struct Who {
  int tid = 0;
  int tgid = 0;
  Time born = 0;
  std::vector<int> tids;  // the thread's number in each pid namespace, the host's first; empty = only the host's
  std::string comm;
  NsSet ns;
  std::uint64_t cgroup = 0;  // kernfs id of its cgroup (v2; on v1 the pids controller's); 0 = not known
  bool operator==(const Who&) const = default;
};

// One argument of a call, decoded. What stands where depends on the kind.
struct Arg {
  enum class Kind : std::uint8_t {
    Integer,     // value; text = as strace writes it where that is not plain decimal (octal modes, sizes)
    Address,     // value; 0 is NULL
    Flags,       // value; text = "CLONE_NEWNS|CLONE_NEWUTS|0x8", "0" when empty
    Symbol,      // value; text = one name: "AT_FDCWD", "CLONE_NEWNS"
    String,      // text = the bytes; cut = there were more
    Strings,     // list = the elements (an argv); cut = there were more
    Descriptor,  // value = fd; target = what it refers to: "mnt:[4026533533]", "pid:812", a path
    Struct,      // list = "field=value", each as strace writes it; text = the fields that the call stored, likewise;
                 // target = what the one that is a descriptor refers to
    Unread,      // value = address of memory that could not be read
  };
  std::string name;
  Kind kind = Kind::Integer;
  bool cut = false;
  std::int64_t value = 0;
  std::string text;
  std::vector<std::string> list;
  std::vector<int> cut_elements;  // of a list of strings: the indices of those of which there was more
  std::string target;
  std::string comment;  // what strace puts between /* and */, such as "44 vars"
  bool operator==(const Arg&) const = default;
};

// A system call with its arguments and result. fork, exec and syscall events carry one.
struct Call {
  std::string name;  // empty = the event has no call
  std::vector<Arg> args;
  std::optional<std::int64_t> result;  // as the kernel returns it: -errno on failure; absent = not known or never returned
  std::string result_target;  // what a returned descriptor refers to, as Arg::target; empty = not known, or it is none
  std::string abi;  // "i386": made as a 32-bit program does (also from a 64-bit one); empty = the kernel's own
  // What the log that it comes from adds, as it is written there: "(INJECTED)", "(INJECTED: args) (DELAYED)" of one that
  // strace has tampered with (-e inject), "<unfinished ...>" of one whose end it does not show. Empty = nothing.
  std::string note;
  bool failed() const { return result && *result < 0 && *result >= -4095; }
};

// A task was made (tracepoint task:task_newtask). Event::who is the creator; Event::call, the call that did it.
struct Fork {
  std::uint64_t flags = 0;  // CLONE_*, without the exit signal
  int exit_signal = 0;
  int parent_tgid = 0;      // real parent: with CLONE_PARENT not the creator
  Time parent_born = 0;
  bool inferred = false;  // an imported log does not show it: told from names, and flags are not known
  Who child;
  bool thread() const { return child.tid != child.tgid; }
};

// The ids of a process, as the first user namespace has them (man 7 credentials): what ps on the host shows.
struct Creds {
  std::uint32_t uid = 0, euid = 0, suid = 0, fsuid = 0;
  std::uint32_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
  bool operator==(const Creds&) const = default;
};

// The five sets of capabilities (man 7 capabilities), a bit for each: 1 << CAP_*.
struct Caps {
  std::uint64_t inheritable = 0, permitted = 0, effective = 0, bounding = 0, ambient = 0;
  bool operator==(const Caps&) const = default;
};

// /proc/PID/status, "Seccomp": the numbers are the kernel's.
enum class Seccomp : std::uint8_t { None = 0, Strict = 1, Filter = 2 };
std::string_view seccomp_word(Seccomp mode);  // "none", "strict", "filter"
std::optional<Seccomp> seccomp_from_word(std::string_view word);

// A folder: what it is, and where. The path begins with "(unreachable)" where it does not lie below the process's root
// (as getcwd(2) says it), and ends with " (deleted)" where it is gone; empty = not known.
struct Place {
  std::uint64_t device = 0;  // as Exec::device
  std::uint64_t inode = 0;
  std::string path;
  bool operator==(const Place&) const = default;
};

// An open descriptor. target as /proc/PID/fd has it: a path as the process sees it (see Place), "pipe:[5]",
// "socket:[7]", "anon_inode:[eventpoll]", "mnt:[4026531841]"; and "pid:812" for a pidfd.
struct OpenFd {
  int fd = 0;
  std::string target;
  bool operator==(const OpenFd&) const = default;
};

// What the scheduler has counted of a task since it was made. It counts when the task is switched off its CPU and at
// each tick, so that what runs at that moment may be short by a tick. -1 = not recorded.
struct CpuTime {
  Time on = -1;      // on a CPU (task_struct.se.sum_exec_runtime)
  Time waited = -1;  // ready to run, but waiting for a CPU (task_struct.sched_info.run_delay)
  std::int64_t blocked = -1;  // a count: how often it has gone to sleep (task_struct.nvcsw)
};

// A successful execve or execveat (tracepoint sched:sched_process_exec). Event::call has the arguments as called,
// Event::who the state after.
struct Exec {
  int tid_before = 0;         // another thread than the leader may exec; it then takes the leader's tid
  std::string comm_before;
  std::string path;           // what the kernel opened, as named by the caller (linux_binprm.filename)
  std::string interpreter;    // what it loaded for it, where that differs ("#!" scripts: linux_binprm.interp)
  std::uint64_t device = 0;   // of the executable's file: (major << 20) | minor
  std::uint64_t inode = 0;
  std::vector<std::string> argv;  // of the new image, whole
  std::uint32_t env_count = 0;
  std::vector<std::string> env;   // "NAME" or "NAME=value", by policy (Header::env)
  bool argv_from_image = false;   // the arguments as called could not be read: Event::call shows the image's
  // The state that the new image begins with. Absent = not recorded.
  std::optional<Creds> creds;
  std::optional<Caps> caps;
  std::optional<std::vector<std::uint32_t>> groups;  // supplementary, as Creds has ids
  std::uint32_t groups_more = 0;                     // how many there are beyond those listed
  std::optional<bool> no_new_privs;
  std::optional<Seccomp> seccomp;
  std::optional<Place> cwd;                // the path as the process sees it
  std::optional<Place> root;               // the path from the root of its mount namespace: "/" unless it is a chroot
  std::optional<std::vector<OpenFd>> fds;  // those that stay open, by number
  std::uint32_t fds_more = 0;              // how many there are beyond those listed
  CpuTime cpu;                             // of the task that called it
};

// A task ended (tracepoint sched:sched_process_exit).
struct Exit {
  int code = 0;          // exit status, when signal == 0
  int signal = 0;        // the signal that ended it
  bool core = false;
  bool process = false;  // the last thread: the process is gone
  CpuTime cpu;           // of this task
};

// A task changed its comm other than by exec (tracepoint task:task_rename). Event::who has the new one.
struct Rename {
  std::string comm_before;
};

// A call that is none of the above: Event::call has all of it.
struct Syscall {
  CpuTime cpu;  // of the task, at its end
};

// A namespace at first sight.
struct NamespaceSeen {
  Ns ns{};
  std::uint32_t inode = 0;
  std::uint64_t id = 0;            // the kernel's unique id (NS_GET_ID), 0 where it has none
  std::uint32_t owner_user = 0;    // inode of the owning user namespace
  std::uint32_t parent = 0;        // pid and user namespaces
};

// A move to another cgroup. Event::who has the new id.
struct CgroupMove {
  std::uint64_t from = 0;
  std::string path;
  std::string from_path;  // empty = not known
};

// A signal was delivered to a task.
struct Signal {
  int number = 0;
  std::vector<std::string> info;  // its siginfo, "field=value" as strace writes them; empty = not known
};

// Records are missing before this point.
struct Lost {
  std::uint64_t count = 0;
  int cpu = -1;
  std::string why;
};

struct Event {
  std::uint64_t number = 0;  // its place in the final order, from 1
  Time time = 0;             // its end (fork: creation; exec: success)
  Time start = 0;            // its begin; equal to time where durations were not recorded
  Who who;
  Call call;
  std::variant<Syscall, Fork, Exec, Exit, Rename, NamespaceSeen, CgroupMove, Lost, Signal> what;

  template <typename T>
  const T* as() const { return std::get_if<T>(&what); }
  template <typename T>
  T* as() { return std::get_if<T>(&what); }
};

// The word for an event's kind, as it stands in the trace file: "fork", "exec", "exit", "comm", "syscall", ...
std::string_view kind_name(const Event& event);

// A process that was there before the trace: followed from the beginning, or an ancestor of such a one.
struct Existing {
  int pid = 0;
  Time born = 0;
  std::vector<int> pids;  // as Who::tids
  int parent_pid = 0;     // 0 = none
  std::string comm;
  std::string exe;                 // readlink /proc/PID/exe; empty = not known
  std::vector<std::string> argv;   // /proc/PID/cmdline; empty = not known, or a kernel thread
  NsSet ns;
  std::uint64_t cgroup = 0;
  std::string cgroup_path;
  bool followed = false;
};

// What is true of a trace as a whole, known when it begins.
struct Header {
  int version = 1;                  // of the format; a reader refuses others
  std::string tool;                 // "nstrace 0.1.0", or "strace" for an import
  std::string kernel;               // uname -r
  std::string arch;                 // uname -m
  std::string boot_id;
  std::uint64_t start_boottime = 0;  // ns, CLOCK_BOOTTIME at Time 0
  std::uint64_t start_realtime = 0;  // ns since 1970 at Time 0; 0 = not known
  std::uint64_t start_of_day = 0;    // ns since midnight at Time 0, of a log whose times have no date; 0 = not known
  std::vector<std::string> command;  // COMMAND, if any
  std::vector<std::string> follow;   // the --follow targets as given
  bool calls_known = true;           // false for imports: `calls` then says nothing
  std::vector<std::string> calls;    // names of the system calls that are recorded
  std::vector<std::string> events;   // kinds of event that are recorded: "fork", "exec", ...
  bool gates = false;                // of the calls of trace::gate_calls(), those that pass a gate are recorded
  bool payload = true;               // false: containers' own programs are not followed beyond their exec
  std::string results = "all";       // "all", "successful", "failed": which results of calls are recorded
  std::string env = "names";         // "names", "all", "none"
  std::string backend;               // how it was captured
  bool durations = true;
  bool times = true;                 // false: times only tell the order (a log without them)
  NsSet host;                        // the namespaces of pid 1, as the tracer sees it
  int tracer_pid = 0;
};

// What is true of a trace as a whole, known when it ends.
struct Footer {
  std::uint64_t events = 0;
  std::uint64_t lost = 0;
  std::vector<std::pair<std::string, std::uint64_t>> losses;  // by reason, only those that are not 0
  std::uint64_t attempted = 0;       // records that the kernel side made, those without room included; 0 = not known
  std::uint64_t sent = 0;            // those that found room
  std::uint64_t unread = 0;          // times that memory of a process could not be read
  std::uint64_t end_boottime = 0;
  std::uint64_t end_realtime = 0;
  std::string end;                   // why it ended: "command", "interrupt", "processes gone"
  std::optional<int> status;         // COMMAND's wait status as an exit code (128+n when a signal ended it)
};

}  // namespace nstrace::trace
