// SPDX-License-Identifier: MIT
// Trap: the way daemons start: the child ends at once, and its own child is handed to init (or the nearest subreaper).
// Whoever builds the tree from parent pids loses it.
// Trace: the program creates the middle, the middle creates the daemon; the middle exits with 0; only then does the
// daemon exec ["daemon", ...] and exit with 6. The daemon's creator is the middle for ever.
#include "program.h"

int main(int argc, char** argv) {
  char* const again[] = {"daemon", "body", NULL};
  int pipes[2], result = -1;
  pid_t middle, daemon_pid;

  (void)argv;
  if (argc > 1) return 6;
  must(pipe(pipes) == 0, "pipe");
  middle = fork();
  if (middle == 0) {
    pid_t mine = getpid();

    if (fork() > 0) _exit(0);
    while (getppid() == mine) sched_yield();
    result = getpid();
    must(write(pipes[1], &result, sizeof(result)) == sizeof(result), "write");
    execv("/proc/self/exe", again);
    _exit(98);
  }
  wait_for(middle);
  must(read(pipes[0], &daemon_pid, sizeof(daemon_pid)) == sizeof(daemon_pid), "read");
  close(pipes[1]);
  // The daemon holds the writing end until it has ended.
  must(read(pipes[0], &result, sizeof(result)) == 0, "waiting for the daemon");
  printf("middle=%d\ndaemon=%d\n", middle, daemon_pid);
  return 0;
}
