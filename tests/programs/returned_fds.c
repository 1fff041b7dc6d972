// SPDX-License-Identifier: MIT
// Trap: a call returns a descriptor, and what it refers to is known only when the call ends; fcntl returns other numbers
// too, which are open descriptors by chance.
// Trace: memfd_create, fcntl(F_DUPFD) and pidfd_open with what they returned, fcntl(F_GETFD) = 0 without; exit with 0.
#include <sys/mman.h>

#include "program.h"

int main(void) {
  int memory = memfd_create("returned", 0), twin = fcntl(memory, F_DUPFD, 50);

  must(memory >= 0 && twin == 50, "memfd_create, fcntl");
  must(fcntl(memory, F_GETFD) == 0, "fcntl");
  must(syscall(SYS_pidfd_open, getpid(), 0) >= 0, "pidfd_open");
  return 0;
}
