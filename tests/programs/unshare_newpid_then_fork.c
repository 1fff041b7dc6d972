// SPDX-License-Identifier: MIT
// Trap: unshare(CLONE_NEWPID) does not move the caller, it only prepares for its children: pid stays, pid_for_children
// changes. The first child is number 1; when it has ended, no further child can be made there.
// Trace: unshare(CLONE_NEWPID) = 0 with pid unchanged and pid_for_children new; fork of a child in the new pid
// namespace with numbers [P, 1]; its exec of ./true; a fork that fails with ENOMEM, as a syscall; exit 0.
#include "program.h"

int main(int argc, char** argv) {
  char* const arguments[] = {"true", NULL};
  pid_t child;

  must(argc == 2, "usage: unshare_newpid_then_fork PATH_OF_TRUE");
  must(unshare(CLONE_NEWPID) == 0, "unshare(CLONE_NEWPID)");
  child = fork();
  if (child == 0) {
    execv(argv[1], arguments);
    _exit(98);
  }
  must(wait_for(child) == 0, "true");
  printf("child=%d\n", child);
  fflush(stdout);
  must(fork() < 0 && errno == ENOMEM, "a second fork should have failed with ENOMEM");
  return 0;
}
