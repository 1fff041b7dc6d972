// SPDX-License-Identifier: MIT
// Trap: strings of no length, which some kernels report to eBPF programs as if nothing had been read.
// Trace: mount("", "", "", 0, "") that fails with ENOENT, execve("", ["", ""]) that fails with ENOENT; exit 0.
#include <sys/mount.h>

#include "program.h"

int main(void) {
  char* const argv[] = {"", "", NULL};

  must(mount("", "", "", 0, "") < 0, "mount");
  must(execv("", argv) < 0, "execv");
  return 0;
}
