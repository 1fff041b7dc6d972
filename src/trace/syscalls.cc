// SPDX-License-Identifier: MIT
// The table of system calls, one line each: name, number on x86_64 and arm64, sets, arguments. What the kernel side
// reads of an argument follows from its type (capture_of); how it is written, in decode.cc. Expressions over the table
// (-e) are in call_set.cc.
//
// Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
#include "trace/syscalls.h"

#include <algorithm>
#include <array>

namespace nstrace::trace {
namespace {

using enum ArgType;

constexpr int kNone = kNoNumber;

// Combinations that most lines of a group share.
constexpr std::uint32_t kMake = kStory | kLifecycle | kProcess;  // makes or replaces processes
constexpr std::uint32_t kMakeNs = kMake | kNs;                   // makes processes, maybe in new namespaces
constexpr std::uint32_t kEnterNs = kStory | kLifecycle | kNs;    // moves between namespaces
constexpr std::uint32_t kMounts = kStory | kLifecycle | kMount;  // changes what a process sees as files
constexpr std::uint32_t kName = kStory | kLifecycle;             // host and domain name
constexpr std::uint32_t kRights = kLifecycle | kCreds;           // changes what a process may do
constexpr std::uint32_t kHandle = kLifecycle | kProcess;         // works on processes

constexpr SyscallRow kTable[] = {
    // Processes
    {"execve", 59, 221, kMake, {{"pathname", Path}, {"argv", Argv}, {"envp", Envp}}},
    {"execveat",
     322,
     281,
     kMake,
     {{"dirfd", AtFd}, {"pathname", Path}, {"argv", Argv}, {"envp", Envp}, {"flags", AtFlags}}},
    {"fork", 57, kNone, kMake, {}},
    {"vfork", 58, kNone, kMake, {}},
    {"clone",
     56,
     220,
     kMakeNs,
     {{"flags", CloneFlags},
      {"child_stack", Address},
      {"parent_tid", Address},
      {"child_tidptr", Address},
      {"tls", Address}},
     true},
    {"clone3", 435, 435, kMakeNs, {{"cl_args", CloneArgs}, {"size", Size}}},
    {"exit_group", 231, 94, kHandle, {{"status", Int}}},
    // Namespaces
    {"setns", 308, 268, kEnterNs, {{"fd", Fd}, {"nstype", NsType}}},
    {"unshare", 272, 97, kEnterNs, {{"flags", NsFlags}}},
    // The root and the mounts
    {"pivot_root", 155, 41, kMounts, {{"new_root", Path}, {"put_old", Path}}},
    {"chroot", 161, 51, kMounts, {{"path", Path}}},
    {"mount",
     165,
     40,
     kMounts,
     {{"source", Path}, {"target", Path}, {"filesystemtype", Text}, {"mountflags", MountFlags}, {"data", Text}}},
    {"umount2", 166, 39, kMounts, {{"target", Path}, {"flags", UmountFlags}}},
    // Names of the machine
    {"sethostname", 170, 161, kName, {{"name", BytesArg}, {"len", Unsigned}}},
};

}  // namespace

std::span<const SyscallRow> syscalls() {
  return kTable;
}

const SyscallRow* find_syscall(std::string_view name) {
  const auto* it = std::ranges::find(kTable, name, &SyscallRow::name);
  return it == std::end(kTable) ? nullptr : it;
}

int syscall_number(const SyscallRow& call, std::string_view arch) {
  if (arch == "x86_64") return call.x86_64;
  if (arch == "aarch64") return call.arm64;
  return kNoNumber;
}

const SyscallRow* find_syscall(int number, std::string_view arch) {
  if (number == kNoNumber) return nullptr;
  const auto* it = std::ranges::find_if(kTable, [&](const SyscallRow& c) { return syscall_number(c, arch) == number; });
  return it == std::end(kTable) ? nullptr : it;
}

namespace {

constexpr NamedSet kNamedSets[] = {
    {"story", kStory, "printed by default: processes, programs, namespaces, root, mounts, host name"},
    {"lifecycle", kLifecycle, "recorded by default: what setting a container up, entering and ending it consists of"},
    {"ns", kNs, "make, leave and enter namespaces"},
    {"mount", kMount, "mounts and the root directory"},
    {"process", kProcess, "make, replace, signal and end processes"},
    {"creds", kCreds, "user and group ids, capabilities, seccomp, keys"},
    {"ipc", kIpc, "System V IPC"},
    {"all", kEverything, "every call of the table"},
};

}  // namespace

std::span<const NamedSet> named_sets() {
  return kNamedSets;
}

bool in_set(const SyscallRow& call, std::uint32_t bit) {
  return bit == kEverything || (call.sets & bit) != 0;
}

CaptureSpec capture_of(const SyscallRow& call, int arg) {
  if (arg < 0 || arg >= static_cast<int>(std::size(call.args))) return {};
  const auto size_from = [](int which) { return static_cast<std::uint8_t>(which); };
  switch (call.args[arg].type) {
    case Path:
    case Text:
      return {Capture::String};
    case Fd:
    case AtFd:
      return {Capture::Descriptor};
    case BytesArg:
    case CloneArgs:
    case MountAttr:
      return {Capture::BytesOfArg, size_from(arg + 1)};
    case GidList:
      return {Capture::BytesOfArg, size_from(arg - 1), sizeof(std::uint32_t)};
    default:
      return {};
  }
}

}  // namespace nstrace::trace
