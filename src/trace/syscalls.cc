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
constexpr std::uint32_t kMake = kStory | kLifecycle | kProcess;            // makes or replaces processes
constexpr std::uint32_t kMakeNs = kMake | kNs;                             // makes processes, maybe in new namespaces
constexpr std::uint32_t kEnterNs = kStory | kLifecycle | kNs;              // moves between namespaces
constexpr std::uint32_t kRootfs = 1u << 8;                                 // %rootfs, which only this table needs
constexpr std::uint32_t kMounts = kStory | kLifecycle | kMount | kRootfs;  // changes what a process sees as files
constexpr std::uint32_t kFiles = kLifecycle | kRootfs;                     // makes files of a root, and goes there
constexpr std::uint32_t kName = kStory | kLifecycle;                       // host and domain name
constexpr std::uint32_t kRights = kLifecycle | kCreds;                     // changes what a process may do
constexpr std::uint32_t kHandle = kLifecycle | kProcess;                   // works on processes

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
    {"open_tree", 428, 428, kMounts, {{"dirfd", AtFd}, {"pathname", Path}, {"flags", OpenTreeFlags}}},
    {"open_tree_attr",
     467,
     467,
     kMounts,
     {{"dirfd", AtFd}, {"pathname", Path}, {"flags", OpenTreeFlags}, {"attr", MountAttr}, {"size", Size}}},
    {"move_mount",
     429,
     429,
     kMounts,
     {{"from_dirfd", AtFd},
      {"from_pathname", Path},
      {"to_dirfd", AtFd},
      {"to_pathname", Path},
      {"flags", MoveMountFlags}}},
    {"fsopen", 430, 430, kMounts, {{"fsname", Text}, {"flags", FsopenFlags}}},
    {"fsconfig",
     431,
     431,
     kMounts,
     {{"fs_fd", Fd}, {"cmd", FsconfigCmd}, {"key", Text}, {"value", FsconfigValue}, {"aux", FsconfigAux}}},
    {"fsmount", 432, 432, kMounts, {{"fs_fd", Fd}, {"flags", FsmountFlags}, {"attr_flags", MountAttrFlags}}},
    {"fspick", 433, 433, kMounts, {{"dirfd", AtFd}, {"pathname", Path}, {"flags", FspickFlags}}},
    {"mount_setattr",
     442,
     442,
     kMounts,
     {{"dirfd", AtFd}, {"pathname", Path}, {"flags", SetattrFlags}, {"attr", MountAttr}, {"size", Size}}},
    // The directory, and what set-up puts into the new root
    {"chdir", 80, 49, kFiles, {{"path", Path}}},
    {"fchdir", 81, 50, kFiles, {{"fd", Fd}}},
    {"mknod", 133, kNone, kFiles, {{"pathname", Path}, {"mode", FileMode}, {"dev", Device}}},
    {"mknodat", 259, 33, kFiles, {{"dirfd", AtFd}, {"pathname", Path}, {"mode", FileMode}, {"dev", Device}}},
    {"symlinkat", 266, 36, kFiles, {{"target", Path}, {"newdirfd", AtFd}, {"linkpath", Path}}},
    {"mkdirat", 258, 34, kFiles, {{"dirfd", AtFd}, {"pathname", Path}, {"mode", Octal}}},
    // Names of the machine
    {"sethostname", 170, 161, kName, {{"name", BytesArg}, {"len", Unsigned}}},
    {"setdomainname", 171, 162, kName, {{"name", BytesArg}, {"len", Unsigned}}},
    // Who a process is and what it may do
    {"setuid", 105, 146, kRights, {{"uid", Uid}}},
    {"setgid", 106, 144, kRights, {{"gid", Uid}}},
    {"setreuid", 113, 145, kRights, {{"ruid", Uid}, {"euid", Uid}}},
    {"setregid", 114, 143, kRights, {{"rgid", Uid}, {"egid", Uid}}},
    {"setresuid", 117, 147, kRights, {{"ruid", Uid}, {"euid", Uid}, {"suid", Uid}}},
    {"setresgid", 119, 149, kRights, {{"rgid", Uid}, {"egid", Uid}, {"sgid", Uid}}},
    {"setgroups", 116, 159, kRights, {{"size", Int}, {"list", GidList}}},
    {"setfsuid", 122, 151, kRights, {{"fsuid", Uid}}},
    {"setfsgid", 123, 152, kRights, {{"fsgid", Uid}}},
    {"capset", 126, 91, kRights, {{"hdrp", CapHeader}, {"datap", CapData}}},
    {"prctl",
     157,
     167,
     kRights,
     {{"option", Prctl}, {"arg2", PrctlText}, {"arg3", PrctlFilter}, {"arg4", PrctlArg}, {"arg5", PrctlVmaName}}},
    {"seccomp", 317, 277, kRights, {{"operation", SeccompOp}, {"flags", SeccompFlags}, {"args", SeccompArg}}},
    {"keyctl",
     250,
     219,
     kRights,
     {{"operation", KeyctlOp}, {"arg2", KeyctlName}, {"arg3", KeyctlType}, {"arg4", KeyctlText}, {"arg5", KeyctlArg}}},
    {"setsid", 112, 157, kHandle, {}},
    // Descriptors and signals
    {"pidfd_open", 434, 434, kHandle, {{"pid", Pid}, {"flags", PidfdFlags}}},
    {"pidfd_send_signal", 424, 424, kHandle, {{"pidfd", Fd}, {"sig", Signal}, {"info", Address}, {"flags", Hex}}},
    {"pidfd_getfd", 438, 438, kHandle, {{"pidfd", Fd}, {"targetfd", Int}, {"flags", Hex}}},
    {"memfd_create", 319, 279, kLifecycle, {{"name", MemfdName}, {"flags", MemfdFlags}}},
    {"fcntl", 72, 25, 0, {{"fd", Fd}, {"cmd", FcntlCmd}, {"arg", FcntlArg}}},
    {"close_range", 436, 436, kLifecycle, {{"first", Unsigned}, {"last", Unsigned}, {"flags", CloseRangeFlags}}},
    {"openat2", 437, 437, 0, {{"dirfd", AtFd}, {"pathname", Path}, {"how", OpenHow}, {"size", Size}}},
    {"bind", 49, 200, 0, {{"fd", Fd}, {"addr", SockAddr}, {"addrlen", Int}}},
    {"kill", 62, 129, kHandle, {{"pid", Pid}, {"sig", Signal}}},
    {"tgkill", 234, 131, kProcess, {{"tgid", Pid}, {"tid", Pid}, {"sig", Signal}}},
    // System V IPC
    {"shmget", 29, 194, kIpc, {{"key", IpcKey}, {"size", Size}, {"shmflg", ShmFlags}}},
    {"shmat", 30, 196, kIpc, {{"shmid", Int}, {"shmaddr", Address}, {"shmflg", ShmatFlags}}},
    {"shmdt", 67, 197, kIpc, {{"shmaddr", Address}}},
    {"shmctl", 31, 195, kIpc, {{"shmid", Int}, {"op", ShmCmd}, {"buf", ShmBuf}}},
    {"semget", 64, 190, kIpc, {{"key", IpcKey}, {"nsems", Int}, {"semflg", SemFlags}}},
    {"semop", 65, 193, kIpc, {{"semid", Int}, {"sops", SemOps}, {"nsops", Unsigned}}},
    {"semtimedop", 220, 192, kIpc, {{"semid", Int}, {"sops", SemOps}, {"nsops", Unsigned}, {"timeout", Timespec}}},
    {"semctl", 66, 191, kIpc, {{"semid", Int}, {"semnum", Int}, {"op", SemCmd}, {"arg", SemBuf}}},
    {"msgget", 68, 186, kIpc, {{"key", IpcKey}, {"msgflg", MsgFlags}}},
    {"msgsnd", 69, 189, kIpc, {{"msqid", Int}, {"msgp", Message}, {"msgsz", Size}, {"msgflg", MsgOpFlags}}},
    {"msgrcv",
     70,
     188,
     kIpc,
     {{"msqid", Int}, {"msgp", Message}, {"msgsz", Size}, {"msgtyp", Long}, {"msgflg", MsgOpFlags}}},
    {"msgctl", 71, 187, kIpc, {{"msqid", Int}, {"op", MsgCmd}, {"buf", MsgBuf}}},
};

// In no set: of these only the calls on a gate are recorded, and only where gates are asked for.
constexpr SyscallRow kGates[] = {
    {"write", 1, 64, 0, {{"fd", Fd}, {"buf", Data}, {"count", Size}}},
    {"pwrite64", 18, 68, 0, {{"fd", Fd}, {"buf", Data}, {"count", Size}, {"offset", Long}}},
    {"writev", 20, 66, 0, {{"fd", Fd}, {"iov", Address}, {"iovcnt", Int}}},
    {"open", 2, kNone, 0, {{"pathname", Path}, {"flags", OpenFlags}, {"mode", OpenMode}}},
    {"openat", 257, 56, 0, {{"dirfd", AtFd}, {"pathname", Path}, {"flags", OpenFlags}, {"mode", OpenMode}}},
};

}  // namespace

std::span<const SyscallRow> gate_calls() {
  return kGates;
}

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
  const auto bears = [&](const SyscallRow& c) { return syscall_number(c, arch) == number; };
  if (const auto* it = std::ranges::find_if(kTable, bears); it != std::end(kTable)) return it;
  const auto* gate = std::ranges::find_if(kGates, bears);
  return gate == std::end(kGates) ? nullptr : gate;
}

namespace {

constexpr NamedSet kNamedSets[] = {
    {"story", kStory, "printed by default: processes, programs, namespaces, root, mounts, host name"},
    {"lifecycle", kLifecycle, "recorded by default: what setting a container up, entering and ending it consists of"},
    {"ns", kNs, "make, leave and enter namespaces"},
    {"mount", kMount, "mounts and the root directory"},
    {"rootfs", kRootfs, "make a root file system: %mount, and the folders, devices and links in it"},
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

// The sizes are those of the kernel's structures on 64-bit machines, the larger one where they differ.
bool returns_descriptor(const SyscallRow& call) {
  constexpr std::string_view kCalls[] = {"open",           "openat",       "openat2",    "open_tree",
                                         "open_tree_attr", "fsopen",       "fsmount",    "fspick",
                                         "fcntl",          "memfd_create", "pidfd_open", "pidfd_getfd"};
  return std::ranges::find(kCalls, call.name) != std::end(kCalls);
}

CaptureSpec capture_of(const SyscallRow& call, int arg) {
  if (arg < 0 || arg >= static_cast<int>(std::size(call.args))) return {};
  const auto next = static_cast<std::uint8_t>(arg + 1);
  const auto before = static_cast<std::uint8_t>(arg - 1);
  switch (call.args[arg].type) {
    case Path:
    case Text:
    case MemfdName:
    case FsconfigValue:
    case PrctlText:
      return {Capture::String};
    case KeyctlName:
      return {.what = Capture::String, .first = 1};  // KEYCTL_JOIN_SESSION_KEYRING
    case KeyctlText:
      // of KEYCTL_SEARCH and KEYCTL_RESTRICT_KEYRING; what the others carry may be a secret
      return {.what = Capture::String, .firsts = 1u << 10 | 1u << 29};
    case KeyctlType:
      // of the same, and of KEYCTL_DESCRIBE
      return {.what = Capture::String, .firsts = 1u << 10 | 1u << 29 | 1u << 6};
    case PrctlFilter:
      return {.what = Capture::Bytes, .size = 16, .first = 22};  // PR_SET_SECCOMP, struct sock_fprog
    case PrctlVmaName:
      return {.what = Capture::String, .first = 0x53564d41};  // PR_SET_VMA
    case SeccompArg:
      return {Capture::Bytes, 16};  // struct sock_fprog
    case CapHeader:
      return {Capture::Bytes, 8};
    case CapData:
      return {Capture::Bytes, 24};
    case Timespec:
      return {Capture::Bytes, 16};
    case ShmBuf:
      return {Capture::Bytes, 112};  // struct shmid64_ds
    case SemBuf:
      return {Capture::Bytes, 104};  // struct semid64_ds
    case MsgBuf:
      return {Capture::Bytes, 120};  // struct msqid64_ds
    case Fd:
    case AtFd:
    case FsconfigAux:  // of FSCONFIG_SET_FD and FSCONFIG_SET_PATH; with other commands nobody looks at what was found
      return {Capture::Descriptor};
    case BytesArg:
    case Data:
    case OpenHow:
    case SockAddr:
      return {Capture::BytesOfArg, next};
    case CloneArgs:
      return {.what = Capture::BytesOfArg, .size = next, .fd_at = 80, .fd_bit = 33};  // cgroup, CLONE_INTO_CGROUP
    case MountAttr:
      return {.what = Capture::BytesOfArg, .size = next, .fd_at = 24, .fd_bit = 20};  // userns_fd, MOUNT_ATTR_IDMAP
    case GidList:
      return {Capture::BytesOfArg, before, sizeof(std::uint32_t)};
    case SemOps:
      return {Capture::BytesOfArg, next, 6};  // struct sembuf
    case Message:
      return {Capture::BytesOfArg, next, 1, 8};  // the text and its type
    case None:
    case Int:
    case Unsigned:
    case Size:
    case Long:
    case Hex:
    case Address:
    case Octal:
    case FileMode:
    case Device:
    case Uid:
    case Signal:
    case Pid:
    case Argv:  // read by ways of its own, as Envp is
    case Envp:
    case CloneFlags:
    case NsFlags:
    case NsType:
    case MountFlags:
    case UmountFlags:
    case OpenTreeFlags:
    case MoveMountFlags:
    case FsopenFlags:
    case FsconfigCmd:
    case FsmountFlags:
    case MountAttrFlags:
    case FspickFlags:
    case AtFlags:
    case SetattrFlags:
    case Prctl:
    case PrctlArg:
    case SeccompOp:
    case SeccompFlags:
    case KeyctlOp:
    case KeyctlArg:
    case MemfdFlags:
    case PidfdFlags:
    case CloseRangeFlags:
    case FcntlCmd:
    case FcntlArg:
    case OpenFlags:
    case OpenMode:
    case IpcKey:
    case ShmFlags:
    case SemFlags:
    case MsgFlags:
    case ShmatFlags:
    case MsgOpFlags:
    case ShmCmd:
    case SemCmd:
    case MsgCmd:
      return {};
  }
  return {};
}

}  // namespace nstrace::trace
