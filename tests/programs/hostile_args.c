// SPDX-License-Identifier: MIT
// Every call that nstrace knows (but those that would end or multiply the program), with arguments that nobody means:
// pointers to nothing, descriptors that are none, all bits set, sizes without end, strings of every byte. Each fails.
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static const long kNowhere = 0x10;  // nothing is ever mapped there

int main(void) {
  static const struct {
    long number;
    int fd_first;  // its first argument is a descriptor, or a value of which -1 is enough
  } kCalls[] = {
      {SYS_execve, 0},
      {SYS_execveat, 1},
      {SYS_clone3, 0},
      {SYS_setns, 1},
      {SYS_unshare, 1},
      {SYS_pivot_root, 0},
      {SYS_chroot, 0},
      {SYS_mount, 0},
      {SYS_umount2, 0},
      {428, 1},
      {429, 1},
      {430, 0},
      {431, 1},
      {432, 1},
      {433, 1},
      {437, 1},
      {442, 1},
      {467, 1},
      {SYS_chdir, 0},
      {SYS_fchdir, 1},
#ifdef SYS_mknod
      {SYS_mknod, 0},
#endif
      {SYS_mknodat, 1},
      {SYS_symlinkat, 0},
      {SYS_mkdirat, 1},
      {SYS_sethostname, 0},
      {SYS_setdomainname, 0},
      {SYS_setuid, 1},
      {SYS_setgid, 1},
      {SYS_setgroups, 1},
      {SYS_capset, 0},
      {SYS_prctl, 1},
      {SYS_seccomp, 1},
      {SYS_keyctl, 1},
      {SYS_pidfd_open, 1},
      {SYS_pidfd_send_signal, 1},
      {SYS_pidfd_getfd, 1},
      {SYS_memfd_create, 0},
      {SYS_fcntl, 1},
      {SYS_bind, 1},
      {437, 1},  // openat2
      {SYS_bind, 1},
      {SYS_shmget, 1},
      {SYS_shmat, 1},
      {SYS_shmdt, 0},
      {SYS_shmctl, 1},
      {SYS_semget, 1},
      {SYS_semop, 1},
      {SYS_semtimedop, 1},
      {SYS_semctl, 1},
      {SYS_msgsnd, 1},
      {SYS_msgrcv, 1},
      {SYS_msgctl, 1},
  };
  // Memory of the program's own, with and without an end; always at the same place, since it is taken for flags too.
  char* page =
      mmap((void*)0x7e0000001000, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  char* every = page + 8192;

  mprotect(page + 4096, 4096, PROT_NONE);
  for (int i = 0; i < 255; ++i) every[i] = (char)(i + 1);
  every[255] = 0;
  strcpy(page + 4096 - 8, "string!");
  page[4095] = 'x';  // it runs into what cannot be read

  for (unsigned i = 0; i < sizeof kCalls / sizeof kCalls[0]; ++i) {
    const long n = kCalls[i].number;
    const long first = kCalls[i].fd_first ? -1 : kNowhere;
    syscall(n, first, kNowhere, kNowhere, kNowhere, kNowhere, 0L);
    syscall(n, first, -1L, -1L, -1L, -1L, 0L);
    syscall(n, first, 0x7fffffffffffffffL, 0x8000000000000000L, 0x7fffffff, 0x80000000L, 0L);
    syscall(n, kCalls[i].fd_first ? -2L : (long)(page + 4096 - 8), (long)every, (long)every, (long)every, (long)every,
            0L);
  }
  // Paths and names of every byte.
  syscall(SYS_chroot, every);
  syscall(SYS_umount2, every, 0xffffffffL);
  syscall(SYS_mount, every, every, every, 0xffffffffffffffffL, every);
  syscall(SYS_execve, every, (char*[]){every, every, NULL}, (char*[]){every, NULL});
  syscall(SYS_prctl, 15L, every, 0L, 0L, 0L);
  syscall(SYS_kill, 0x7fffffffL, 0L);
  syscall(SYS_kill, 0x7fffffffL, 64L);
  syscall(SYS_kill, 0x7fffffffL, 65L);
  syscall(SYS_tgkill, -1L, -1L, 1000L);
  syscall(SYS_close_range, 0xffffffffL, 0L, 0xffffffffL);
  // What would succeed with other numbers.
  static const long kIds[] = {SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid};
  for (unsigned i = 0; i < sizeof kIds / sizeof kIds[0]; ++i) {
    syscall(kIds[i], -1L, -1L, -1L);
    syscall(kIds[i], 0xffffffffL, 0x7fffffffffffffffL, 0xabcdffffffffL);
  }
  syscall(SYS_msgget, -1L, 0xfffffffffffffdffL);
  syscall(SYS_msgget, 0x7fffffffffffffffL, 0x8000000000000000L);
  // CLONE_NEWNS and CLONE_FS exclude each other.
  syscall(SYS_clone, 0x20200L, -1L, -1L, -1L, -1L);
  syscall(SYS_clone, 0xffffffff01320211L, kNowhere, kNowhere, kNowhere, kNowhere);
  syscall(SYS_clone, 0x7fffffff000202ffL, every, every, every, every);
#ifdef SYS_fork  // the C library's fork() is a clone(2)
  if (syscall(SYS_fork) == 0) _exit(0);
  wait(NULL);
#endif
  setsid();  // once it may succeed, not twice
  setsid();
  return 0;
}
