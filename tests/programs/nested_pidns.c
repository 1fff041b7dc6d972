// SPDX-License-Identifier: MIT
// Trap: a process has one number in each pid namespace it is in, here three.
// Trace: two unshare(CLONE_NEWPID) = 0; the innermost process has three numbers, [P, 2, 1]; its pid namespace
// is neither the host's nor the middle one's; exit codes 9 (innermost), 8, 0.
#include "program.h"

static void say_numbers(void) {
  char line[256];
  FILE* status = fopen("/proc/self/status", "re");

  must(status != NULL, "/proc/self/status");
  while (fgets(line, sizeof(line), status))
    if (!strncmp(line, "NSpid:", 6)) printf("innermost=%s", line + 7);
  fclose(status);
  fflush(stdout);
}

static pid_t deeper(void) {
  must(unshare(CLONE_NEWPID) == 0, "unshare(CLONE_NEWPID)");
  return fork();
}

int main(void) {
  pid_t child = deeper();

  if (child == 0) {
    child = deeper();
    if (child == 0) {
      say_numbers();
      _exit(9);
    }
    must(WEXITSTATUS(wait_for(child)) == 9, "the innermost");
    _exit(8);
  }
  must(WEXITSTATUS(wait_for(child)) == 8, "the middle");
  return 0;
}
