// SPDX-License-Identifier: MIT
// The system calls that nstrace knows: one table, one line each. Everything about a call follows from its line: what
// the kernel side reads of its arguments, how they are decoded and written, and which sets it belongs to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::trace {

// What an argument is. capture_of() says what must be read from the process for it; decode*.cc, how it is written.
enum class ArgType : std::uint8_t {
  None,
  Int,        // signed decimal
  Unsigned,   // unsigned int, decimal
  Size,       // size_t, decimal
  Long,       // signed long, decimal
  Hex,        // unsigned int in hex: 0, 0x1
  Address,    // pointer, never followed
  Octal,      // mode_t of a new directory
  FileMode,   // mode_t of a new file: S_IFCHR|0666
  Device,     // dev_t: makedev(0x1, 0x3); counts only for device files
  Uid,        // uid_t or gid_t: decimal, -1 for "leave as it is"
  Signal,     // SIGTERM
  Pid,
  Path,       // char *, up to PATH_MAX
  Text,       // char *, up to a page
  Argv,       // char *const []
  Envp,       // char *const [], written as an address and a count
  Fd,         // file descriptor, written with its target
  AtFd,       // file descriptor or AT_FDCWD
  BytesArg,   // host or domain name whose length is the next argument
  Data,         // bytes whose number is the next argument
  OpenFlags,    // O_WRONLY|O_CLOEXEC
  OpenMode,     // mode_t, if the flags before it make a file
  OpenHow,      // struct open_how *, its size is the next argument
  SockAddr,     // struct sockaddr *, its length is the next argument
  GidList,    // gid_t[], its length is the argument before
  CloneFlags,   // flags and exit signal of clone(2)
  CloneArgs,    // struct clone_args *, its size is the next argument
  NsFlags,      // CLONE_NEW* and what else unshare(2) takes
  NsType,       // setns(2): one CLONE_NEW*, or several for a pidfd
  MountFlags, UmountFlags,
  OpenTreeFlags, MoveMountFlags, FsopenFlags, FsconfigCmd, FsconfigValue, FsconfigAux, FsmountFlags, MountAttrFlags,
  FspickFlags,
  MountAttr,    // struct mount_attr *, its size is the next argument
  AtFlags,      // AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW
  SetattrFlags,  // those that mount_setattr(2) takes
  Prctl,        // option; the following arguments depend on it
  PrctlArg,     // an argument whose meaning is set by the option
  PrctlText,    // the same, where an option takes a string
  PrctlFilter,  // the same, where PR_SET_SECCOMP takes a filter
  PrctlVmaName,  // the same, where PR_SET_VMA takes a name
  SeccompOp, SeccompFlags, SeccompArg,
  CapHeader, CapData,
  KeyctlOp, KeyctlArg,
  KeyctlName,   // the same, where KEYCTL_JOIN_SESSION_KEYRING takes a name
  KeyctlText,   // the same, where KEYCTL_SEARCH takes a description
  KeyctlType,   // the same, where KEYCTL_SEARCH takes a type, and KEYCTL_DESCRIBE gives a description
  MemfdName, MemfdFlags, PidfdFlags, CloseRangeFlags,
  FcntlCmd, FcntlArg,
  IpcKey, ShmFlags, SemFlags, MsgFlags,    // of shmget, semget, msgget
  ShmatFlags, MsgOpFlags,                  // of shmat; msgsnd and msgrcv
  ShmCmd, SemCmd, MsgCmd, ShmBuf, SemBuf, MsgBuf,  // of shmctl, semctl, msgctl
  SemOps,       // struct sembuf[], its length is the next argument
  Timespec,     // struct timespec *
  Message,      // struct msgbuf *, the length of its text is the next argument
};

struct ArgSpec {
  std::string_view name;  // as strace -N names it
  ArgType type = ArgType::None;
};

// The sets that a call belongs to, as bits; `-e %name`.
enum Sets : std::uint32_t {
  kStory = 1u << 0,      // %story: what is printed by default
  kLifecycle = 1u << 1,  // %lifecycle: what is recorded by default
  kNs = 1u << 2,         // %ns
  kMount = 1u << 3,      // %mount
  kProcess = 1u << 4,    // %process
  kCreds = 1u << 5,      // %creds
  kIpc = 1u << 6,        // %ipc
  kEverything = ~0u,     // %all
};

inline constexpr int kNoNumber = -1;

// A line of the table. (Syscall, in event.h, is the kind of event.)
struct SyscallRow {
  std::string_view name;
  int x86_64 = kNoNumber;
  int arm64 = kNoNumber;  // kNoNumber: the architecture does not have it
  std::uint32_t sets = 0;
  ArgSpec args[6];
  bool named_args = false;  // strace writes "flags=..., ..." (clone)
};

std::span<const SyscallRow> syscalls();
// Calls by which processes of a set-up pass a gate: write to uid_map, gid_map, setgroups and cgroup.procs, open exec.fifo.
std::span<const SyscallRow> gate_calls();
const SyscallRow* find_syscall(std::string_view name);
// arch: "x86_64" or "aarch64", as uname -m says. By number the calls of gates are found too.
const SyscallRow* find_syscall(int number, std::string_view arch);
int syscall_number(const SyscallRow& call, std::string_view arch);

// Names of the sets with their bits, for -e, help texts and docs: {"story", kStory}, ...
struct NamedSet {
  std::string_view name;
  std::uint32_t bit;
  std::string_view what;  // one phrase
};
std::span<const NamedSet> named_sets();
bool in_set(const SyscallRow& call, std::uint32_t bit);

// Reads an expression as strace's -e takes it: "trace=a,b", "t=%ns,execve", "!mount" (all but these), "all", "none",
// "/regex", "?name" (no error where nstrace does not know it). Beyond strace: "!" before a later item takes it away from
// those before it, as in "%lifecycle,!prctl".
// Gives the names of the calls chosen, in the table's order. Throws Error with near names for what it does not know.
std::vector<std::string> parse_call_set(std::string_view expression);

// The members of each set, generated from the table, as a Markdown list: "- `%ns` (make, ...): `setns`, `unshare`".
std::string sets_markdown();
// The same for a terminal: what `-e help` prints.
std::string sets_help();

// What the kernel side must read of an argument.
enum class Capture : std::uint8_t {
  Nothing,
  String,      // up to the NUL, at most 4096 bytes
  Descriptor,  // what the fd refers to
  Bytes,       // `size` bytes
  BytesOfArg,  // as many bytes as argument number `size` says (times `scale`)
};
struct CaptureSpec {
  Capture what = Capture::Nothing;
  std::uint8_t size = 0;   // Bytes: how many; BytesOfArg: which argument says it
  std::uint8_t scale = 1;  // BytesOfArg: bytes per unit of that argument
  std::uint8_t extra = 0;  // BytesOfArg: bytes beyond those
  std::uint32_t first = 0;   // not 0: only where argument 0 has this value
  std::uint32_t firsts = 0;  // not 0: only where argument 0 is one of these, a bit each
  std::uint8_t fd_at = 0;    // not 0: a descriptor stands there in the structure, ...
  std::uint8_t fd_bit = 0;   // ... where this bit of its first 8 bytes is set
};
// At most this much is read of one argument, whatever the process says.
inline constexpr std::size_t kCaptureMax = 4096;
CaptureSpec capture_of(const SyscallRow& call, int arg);

// Is what it returns a descriptor? (Of fcntl only sometimes.)
bool returns_descriptor(const SyscallRow& call);

}  // namespace nstrace::trace
