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

// What an argument is. capture_of() says what must be read from the process for it; decode.cc, how it is written.
enum class ArgType : std::uint8_t {
  None,
  Int,        // signed decimal
  Unsigned,
  Address,    // pointer, never followed
  Octal,      // mode_t
  Device,     // dev_t: makedev(0x1, 0x3)
  Uid,        // uid_t or gid_t: decimal, -1 for "leave as it is"
  Signal,     // SIGTERM
  Pid,
  Path,       // char *, up to PATH_MAX
  Text,       // char *, up to a page
  Argv,       // char *const []
  Envp,       // char *const [], written as an address and a count
  Fd,         // file descriptor, written with its target
  AtFd,       // file descriptor or AT_FDCWD
  BytesArg,   // buffer whose length is the next argument
  GidList,    // gid_t[], its length is the argument before
  CloneFlags,   // flags and exit signal of clone(2)
  CloneArgs,    // struct clone_args *, its size is the next argument
  NsFlags,      // CLONE_NEW* and what else unshare(2) takes
  NsType,       // setns(2): one CLONE_NEW*, or several for a pidfd
  MountFlags, UmountFlags,
  OpenTreeFlags, MoveMountFlags, FsopenFlags, FsconfigCmd, FsmountFlags, MountAttrFlags, FspickFlags,
  MountAttr,    // struct mount_attr *, its size is the next argument
  AtFlags,      // AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW
  Prctl,        // option; the following arguments depend on it
  PrctlArg,     // an argument whose meaning is set by the option
  SeccompOp, SeccompFlags, SeccompArg,
  CapHeader, CapData,
  KeyctlOp,
  MemfdFlags, PidfdFlags, CloseRangeFlags,
  FcntlCmd, FcntlArg,
  IpcKey, IpcFlags, IpcCmd,
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
};

inline constexpr int kNoNumber = -1;

struct Syscall {
  std::string_view name;
  int x86_64 = kNoNumber;
  int arm64 = kNoNumber;  // kNoNumber: the architecture does not have it
  std::uint32_t sets = 0;
  ArgSpec args[6];
  bool named_args = false;  // strace writes "flags=..., ..." (clone)
};

std::span<const Syscall> syscalls();
const Syscall* find_syscall(std::string_view name);
// arch: "x86_64" or "aarch64", as uname -m says.
const Syscall* find_syscall(int number, std::string_view arch);
int syscall_number(const Syscall& call, std::string_view arch);

// Names of the sets with their bits, for -e, help texts and docs: {"story", kStory}, ...
struct NamedSet {
  std::string_view name;
  std::uint32_t bit;
  std::string_view what;  // one phrase
};
std::span<const NamedSet> named_sets();

// Reads an expression as strace's -e takes it: "trace=a,b", "%ns,execve", "!mount", "all", "none"; several are unions.
// Gives the names of the calls chosen, in the table's order. Throws Error with near names for what it does not know.
std::vector<std::string> parse_call_set(std::string_view expression);

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
  std::uint8_t size = 0;
  std::uint8_t scale = 1;
};
CaptureSpec capture_of(const Syscall& call, int arg);

}  // namespace nstrace::trace
