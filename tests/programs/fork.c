// SPDX-License-Identifier: MIT
// Trap: none; the plainest tree, one child, two exits.
// Trace: fork (creator = real parent = the program), exit of the child with 7, exit of the program with 0.
#include "program.h"

int main(void) {
  pid_t child = fork();

  if (child == 0) _exit(7);
  must(WEXITSTATUS(wait_for(child)) == 7, "the child's status");
  printf("child=%d\n", child);
  return 0;
}
