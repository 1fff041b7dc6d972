// SPDX-License-Identifier: MIT
// Trap: seccomp refuses calls, of which the kernel shows the end (sys_exit) and no begin (sys_enter).
// Trace: clone3 and execve with EPERM, setns with EPERM and what its descriptor was; exit with 0.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "program.h"

int main(void) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  char* const arguments[] = {"refused", "argument", NULL};
  int ns = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setns, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
  must(clone3(&args) == -1 && errno == EPERM, "clone3 was not refused");
  must(execv("/proc/self/exe", arguments) == -1 && errno == EPERM, "execve was not refused");
  must(syscall(SYS_setns, ns, CLONE_NEWUTS) == -1 && errno == EPERM, "setns was not refused");
  return 0;
}
