// SPDX-License-Identifier: MIT
// Numbers: arch/x86/entry/syscalls/syscall_32.tbl. Calls that came with 424 and later have one number everywhere. Not
// here: umount (one argument), and ipc(2), by which semop, and before 5.1 all of System V IPC, is called, and socketcall(2).
#include "trace/compat.h"

#include <algorithm>

namespace nstrace::trace {
namespace {

constexpr CompatCall kCalls[] = {
    {2, "fork"},
    {11, "execve"},
    {12, "chdir"},
    {14, "mknod"},
    {21, "mount"},
    {23, "setuid", true},
    {37, "kill"},
    {46, "setgid", true},
    {52, "umount2"},
    {55, "fcntl"},
    {61, "chroot"},
    {66, "setsid"},
    {70, "setreuid", true},
    {71, "setregid", true},
    {74, "sethostname"},
    {81, "setgroups", true},
    {120, "clone"},
    {121, "setdomainname"},
    {133, "fchdir"},
    {138, "setfsuid", true},
    {139, "setfsgid", true},
    {164, "setresuid", true},
    {170, "setresgid", true},
    {172, "prctl"},
    {185, "capset"},
    {190, "vfork"},
    {203, "setreuid"},  // setreuid32, and so on
    {204, "setregid"},
    {206, "setgroups"},
    {208, "setresuid"},
    {210, "setresgid"},
    {213, "setuid"},
    {214, "setgid"},
    {215, "setfsuid"},
    {216, "setfsgid"},
    {217, "pivot_root"},
    {221, "fcntl"},  // fcntl64
    {252, "exit_group"},
    {270, "tgkill"},
    {288, "keyctl"},
    {296, "mkdirat"},
    {297, "mknodat"},
    {304, "symlinkat"},
    {310, "unshare"},
    {346, "setns"},
    {354, "seccomp"},
    {356, "memfd_create"},
    {358, "execveat"},
    {361, "bind"},
    {393, "semget"},
    {394, "semctl"},
    {395, "shmget"},
    {396, "shmctl"},
    {397, "shmat"},
    {398, "shmdt"},
    {399, "msgget"},
    {400, "msgsnd"},
    {401, "msgrcv"},
    {402, "msgctl"},
    {420, "semtimedop"},  // semtimedop_time64
    {424, "pidfd_send_signal"},
    {428, "open_tree"},
    {429, "move_mount"},
    {430, "fsopen"},
    {431, "fsconfig"},
    {432, "fsmount"},
    {433, "fspick"},
    {434, "pidfd_open"},
    {435, "clone3"},
    {436, "close_range"},
    {437, "openat2"},
    {438, "pidfd_getfd"},
    {442, "mount_setattr"},
    {467, "open_tree_attr"},
};

}  // namespace

std::span<const CompatCall> compat_calls() {
  return kCalls;
}

const CompatCall* find_compat(int number) {
  const auto* it = std::ranges::lower_bound(kCalls, number, {}, &CompatCall::number);
  return it == std::end(kCalls) || it->number != number ? nullptr : it;
}

}  // namespace nstrace::trace
