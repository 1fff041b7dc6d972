// SPDX-License-Identifier: MIT
// Trap: the creator's call returns only after the child's execve, so pairing by order of return puts the child's exec
// before its creation.
// Trace: fork (CLONE_VM|CLONE_VFORK), then exec of the child with ["vfork", "child"], exit 3, exit 0.
#include "program.h"

int main(int argc, char** argv) {
  char* const again[] = {argv[0], "child", NULL};
  pid_t child;

  if (argc > 1) return 3;
  child = vfork();
  if (child == 0) {
    execv("/proc/self/exe", again);
    _exit(98);
  }
  must(WEXITSTATUS(wait_for(child)) == 3, "the child's status");
  printf("child=%d\n", child);
  return 0;
}
