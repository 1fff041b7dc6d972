// SPDX-License-Identifier: MIT
// Trap: a child executes a script with arguments that lie in pages which it has not touched yet: at the call's begin
// they cannot be read, and in the new image they are the interpreter's.
// Trace: the execve with the arguments as called (since Linux 6.10; else those of the image, marked), exit with 3.
#include <sys/stat.h>

#include "program.h"

int main(int argc, char** argv) {
  char path[] = "/tmp/nstrace-literals.XXXXXX";
  int fd = mkstemp(path), status;
  pid_t child;

  (void)argc, (void)argv;
  must(fd >= 0 && fchmod(fd, 0700) == 0 && write(fd, "#!/bin/sh -e\nexit 3\n", 20) == 20 && close(fd) == 0, path);
  child = fork();
  if (child == 0) {
    execl(path, "called", "with this", (char*)NULL);
    _exit(98);
  }
  status = wait_for(child);
  unlink(path);
  printf("child=%d\nscript=%s\n", child, path);
  must(WIFEXITED(status) && WEXITSTATUS(status) == 3, "the script's status");
  return 0;
}
