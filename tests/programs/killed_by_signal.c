// SPDX-License-Identifier: MIT
// Trap: an end by signal is not an exit code, and some ends are another's doing. With an argument: ends itself with
// that signal.
// Trace: three children end: SIGKILL (sent by the program), SIGTERM (its own), SIGSEGV (a fault); exit 0.
#include <sys/resource.h>

#include "program.h"

int main(int argc, char** argv) {
  const struct rlimit no_core = {0, 0};
  pid_t child;

  setrlimit(RLIMIT_CORE, &no_core);
  if (argc > 1) {
    raise(atoi(argv[1]));
    return 98;
  }
  child = fork();
  if (child == 0)
    for (;;) pause();
  must(child > 0 && kill(child, SIGKILL) == 0, "kill");
  must(WTERMSIG(wait_for(child)) == SIGKILL, "SIGKILL");
  printf("killed=%d\n", child);
  fflush(stdout);

  child = fork();
  if (child == 0) {
    raise(SIGTERM);
    _exit(98);
  }
  must(WTERMSIG(wait_for(child)) == SIGTERM, "SIGTERM");
  printf("terminated=%d\n", child);
  fflush(stdout);

  child = fork();
  if (child == 0) {
    volatile uintptr_t nowhere = 8;

    *(volatile int*)nowhere = 1;
    _exit(98);
  }
  must(WTERMSIG(wait_for(child)) == SIGSEGV, "SIGSEGV");
  printf("faulted=%d\n", child);
  return 0;
}
