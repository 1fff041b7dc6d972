// SPDX-License-Identifier: MIT
// Trap: CLONE_PARENT, as runc's stages use it: the new process is its creator's sibling, so creator and real parent
// differ from the first instruction.
// Trace: the program creates the stage; the stage creates (CLONE_PARENT) the sibling, whose real parent is the program;
// exits 1 (stage) and 2 (sibling), both waited for by the program; exit 0.
#include "program.h"

int main(void) {
  int pipes[2];
  pid_t stage, sibling;

  must(pipe(pipes) == 0, "pipe");
  stage = fork();
  if (stage == 0) {
    struct clone_args args = {.flags = CLONE_PARENT};

    sibling = clone3(&args);
    must(sibling >= 0, "clone3(CLONE_PARENT)");
    if (sibling == 0) _exit(2);
    must(write(pipes[1], &sibling, sizeof(sibling)) == sizeof(sibling), "write");
    _exit(1);
  }
  must(read(pipes[0], &sibling, sizeof(sibling)) == sizeof(sibling), "read");
  must(WEXITSTATUS(wait_for(sibling)) == 2, "the sibling");
  must(WEXITSTATUS(wait_for(stage)) == 1, "the stage");
  printf("stage=%d\nsibling=%d\n", stage, sibling);
  return 0;
}
