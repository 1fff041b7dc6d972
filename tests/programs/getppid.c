// SPDX-License-Identifier: MIT
// Trap: none; it measures. A system call that nobody records, again and again.
// Trace: nothing but its own exec and exit. It prints how long one call took, in ns.
#include <time.h>

#include "program.h"

static int64_t now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char** argv) {
  int64_t begin;
  int i, times;

  must(argc == 2, "usage: getppid TIMES");
  times = atoi(argv[1]);
  begin = now();
  for (i = 0; i < times; i++) syscall(SYS_getppid);
  printf("ns=%lld\n", (long long)((now() - begin) / times));
  return 0;
}
