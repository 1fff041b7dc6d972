// SPDX-License-Identifier: MIT
// Trap: the flags and the exit signal stand in a structure in memory; the child is in a new namespace from its first
// instruction without ever having called unshare.
// Trace: fork (clone3, CLONE_NEWUTS|CLONE_PIDFD, exit signal SIGCHLD), the child's uts namespace differs from its
// creator's, sethostname("clone3-child") = 0 in the child, exit 0 twice.
#include "program.h"

int main(void) {
  int pidfd = -1;
  struct clone_args args = {.flags = CLONE_NEWUTS | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  pid_t child = clone3(&args);

  if (child == 0) {
    must(sethostname("clone3-child", 12) == 0, "sethostname");
    _exit(0);
  }
  must(WEXITSTATUS(wait_for(child)) == 0, "the child's status");
  must(pidfd >= 0, "the pidfd");
  printf("child=%d\n", child);
  return 0;
}
