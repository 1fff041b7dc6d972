// SPDX-License-Identifier: MIT
// Says when it began, for the measurement of how long a tracer takes to be ready.
// Trace: exit 0.
#include <time.h>

#include "program.h"

int main(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("now=%lld\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
  return 0;
}
