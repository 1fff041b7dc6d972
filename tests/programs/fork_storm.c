// SPDX-License-Identifier: MIT
// Trap: more forks and execs than a slow reader can take. N times fork and exec of PROGRAM, from K parallel trees, as
// fast as possible; every tenth time the exec is a grandchild's whose parent ended, so the followed set must be
// filled in time at every level.
// Trace: forks = "forks" events, execs = "execs" events (beside the program's own), as many ends; nothing lost.
#include "program.h"

static void tree(char* program, long times) {
  char* const arguments[] = {program, NULL};

  for (long i = 0; i < times; i++) {
    pid_t child;

    if (i % 10 == 9) {
      child = fork();
      if (child == 0) {
        if (fork() == 0) {
          execv(program, arguments);
          _exit(98);
        }
        _exit(0);
      }
    } else {
      child = start_program(program);
    }
    must(wait_for(child) == 0, "a child");
  }
}

int main(int argc, char** argv) {
  long times, trees, forks;
  int alive[2], ok = 1;
  char byte;

  must(argc == 4, "usage: fork_storm TIMES TREES PROGRAM");
  times = atol(argv[1]);
  trees = atol(argv[2]);
  must(times > 0 && trees > 0, "TIMES and TREES are numbers above 0");
  forks = trees;
  must(pipe(alive) == 0, "pipe");
  for (long i = 0; i < trees; i++) {
    long part = times / trees + (i < times % trees);
    pid_t child = fork();

    if (child == 0) {
      tree(argv[3], part);
      _exit(0);
    }
    must(child > 0, "fork");
    forks += part + part / 10;
  }
  for (long i = 0; i < trees; i++) {
    int status = 0;

    must(wait(&status) > 0, "wait");
    ok = ok && status == 0;
  }
  close(alive[1]);
  must(read(alive[0], &byte, 1) == 0, "waiting for the grandchildren");
  printf("forks=%ld\nexecs=%ld\n", forks, times);
  return ok ? 0 : 1;
}
