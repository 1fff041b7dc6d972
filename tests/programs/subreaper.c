// SPDX-License-Identifier: MIT
// Trap: as in double_fork, but the orphan's new parent is a process of the trace (as with containerd-shim), and the
// orphan forks after the move.
// Trace: the program creates the middle, the middle creates the orphan and exits with 0; the orphan creates the last
// one; exits 4 (last), 3 (orphan), 0. The orphan's creator is the middle, though its parent is the program.
#include <sys/prctl.h>

#include "program.h"

int main(void) {
  pid_t middle, orphan;
  int status;

  must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "PR_SET_CHILD_SUBREAPER");
  middle = fork();
  if (middle == 0) {
    pid_t top = getppid();

    if (fork() > 0) _exit(0);
    while (getppid() != top) sched_yield();
    pid_t last = fork();

    if (last == 0) _exit(4);
    must(WEXITSTATUS(wait_for(last)) == 4, "the last one");
    _exit(3);
  }
  wait_for(middle);
  orphan = wait(&status);
  must(orphan > 0 && WEXITSTATUS(status) == 3, "the orphan");
  printf("middle=%d\norphan=%d\n", middle, orphan);
  return 0;
}
