// SPDX-License-Identifier: MIT
#include "trace/compat.h"

#if defined(__x86_64__)
#include <asm/unistd_32.h>  // here __NR_* are the numbers of 32-bit programs
#endif

#include <algorithm>

#include "tests/catch.h"
#include "trace/syscalls.h"

using namespace nstrace::trace;

TEST_CASE("32-bit numbers: in order, each once, each of a call in the table") {
  int last = 0;
  for (const CompatCall& call : compat_calls()) {
    INFO(call.number << " " << call.call);
    REQUIRE(call.number > last);
    last = call.number;
    REQUIRE(find_syscall(call.call));
    REQUIRE(find_compat(call.number) == &call);
  }
  REQUIRE(!find_compat(0));
  REQUIRE(!find_compat(165));  // getresuid; mount for a 64-bit program
  REQUIRE(!find_compat(1 << 20));
}

TEST_CASE("32-bit numbers: every call of the table has one, but semop, which goes by way of ipc(2)") {
  for (const SyscallRow& row : syscalls()) {
    INFO(row.name);
    const bool known = std::ranges::any_of(compat_calls(), [&](const CompatCall& c) { return c.call == row.name; });
    REQUIRE(known == (row.name != "semop"));
  }
}

#if defined(__x86_64__)
TEST_CASE("32-bit numbers are those of the kernel's headers") {
  const auto is = [](int number, std::string_view call, bool narrow = false) {
    INFO(call);
    REQUIRE(find_compat(number));
    REQUIRE(find_compat(number)->call == call);
    REQUIRE(find_compat(number)->narrow_ids == narrow);
  };
#define IS(name) is(__NR_##name, #name)
  IS(fork), IS(execve), IS(chdir), IS(mknod), IS(mount), IS(kill), IS(umount2), IS(fcntl), IS(chroot), IS(setsid);
  IS(sethostname), IS(clone), IS(setdomainname), IS(fchdir), IS(prctl), IS(capset), IS(vfork), IS(pivot_root);
  IS(exit_group), IS(tgkill), IS(keyctl), IS(mkdirat), IS(mknodat), IS(symlinkat), IS(unshare), IS(setns), IS(seccomp);
  IS(memfd_create), IS(execveat), IS(semget), IS(semctl), IS(shmget), IS(shmctl), IS(shmat), IS(shmdt), IS(msgget);
  IS(msgsnd), IS(msgrcv), IS(msgctl), IS(pidfd_send_signal), IS(open_tree), IS(move_mount), IS(fsopen), IS(fsconfig);
  IS(fsmount), IS(fspick), IS(pidfd_open), IS(clone3), IS(close_range), IS(pidfd_getfd), IS(mount_setattr);
  IS(openat2), IS(bind);
  is(__NR_fcntl64, "fcntl"), is(__NR_semtimedop_time64, "semtimedop");
#define IDS(name) is(__NR_##name, #name, true), is(__NR_##name##32, #name)
  IDS(setuid), IDS(setgid), IDS(setreuid), IDS(setregid), IDS(setgroups), IDS(setfsuid), IDS(setfsgid);
  IDS(setresuid), IDS(setresgid);
}
#endif
