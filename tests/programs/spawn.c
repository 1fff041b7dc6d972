// SPDX-License-Identifier: MIT
// Trap: none; it measures. posix_spawn and waitpid, again and again; with a third argument vfork and execve instead, which is
// what posix_spawn comes to where the kernel resets the signals (CLONE_CLEAR_SIGHAND: glibc 2.38 and later; before, the child
// asks for each of 64 by a call of its own).
// Trace: a fifth more vforked children, each execs PROGRAM and exits with 0. It prints how long one took, in ns; those of the
// first fifth are not counted.
#include <spawn.h>
#include <time.h>

#include "program.h"

extern char** environ;

static int64_t now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run(const char* program, int spawns) {
  char* const arguments[] = {"spawned", NULL};
  pid_t pid;

  if (spawns) {
    must(posix_spawn(&pid, program, NULL, NULL, arguments, environ) == 0, "posix_spawn");
  } else {
    pid = vfork();
    if (pid == 0) {
      execve(program, arguments, environ);
      _exit(127);
    }
    must(pid > 0, "vfork");
  }
  must(wait_for(pid) == 0, "the program's end");
}

int main(int argc, char** argv) {
  int64_t begin;
  int i, times;

  must(argc == 3 || argc == 4, "usage: spawn TIMES PROGRAM [vfork]");
  times = atoi(argv[1]);
  for (i = 0; i < times / 5; i++) run(argv[2], argc == 3);  // until all memory on the way has been touched
  begin = now();
  for (i = 0; i < times; i++) run(argv[2], argc == 3);
  printf("ns=%lld\n", (long long)((now() - begin) / times));
  return 0;
}
