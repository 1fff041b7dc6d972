// SPDX-License-Identifier: MIT
// Trap: the same pid twice, for two processes that have nothing in common. clone3(set_tid) forces the number, which
// makes it certain (needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE). The second also gets the number 42 in a pid
// namespace of its own, and so does a third after it: reuse at the inner level.
// Trace: two processes with the host pid P, one exits with 1 and one with 2, one named "first", one "second"; in the
// nested namespace two processes with the number 42 and different host pids, exits 3 and 4.
#include <sys/prctl.h>

#include "program.h"

static pid_t start(pid_t number, const char* name, int code) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  pid_t child;

  if (number) {
    args.set_tid = (uintptr_t)&number;
    args.set_tid_size = 1;
  }
  child = clone3(&args);
  if (child == 0) {
    prctl(PR_SET_NAME, name);
    _exit(code);
  }
  return child;
}

int main(void) {
  pid_t first, second, init;

  // Another process may take the number between the two; then the whole is played again.
  do {
    first = start(0, "first", 1);
    wait_for(first);
    second = start(first, "second", 2);
  } while (second < 0 && errno == EEXIST);
  must(WEXITSTATUS(wait_for(second)) == 2 && first == second, "clone3(set_tid)");

  must(unshare(CLONE_NEWPID) == 0, "unshare(CLONE_NEWPID)");
  init = fork();
  if (init == 0) {
    must(WEXITSTATUS(wait_for(start(42, "third", 3))) == 3, "third");
    must(WEXITSTATUS(wait_for(start(42, "fourth", 4))) == 4, "fourth");
    _exit(0);
  }
  must(WEXITSTATUS(wait_for(init)) == 0, "the nested init");
  printf("reused=%d\ninit=%d\n", first, init);
  return 0;
}
