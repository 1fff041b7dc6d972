// SPDX-License-Identifier: MIT
// What the tiny programs share: ending with a sentence, waiting. They print "name=value" lines: the truth that the live
// tests compare a trace with.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>  // struct clone_args
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Ends the program, naming the call that failed, or what else is wrong.
static inline void must(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  _exit(99);
}

// Waits for one child (0 = a failed fork is fatal too); returns its wait status.
static inline int wait_for(pid_t pid) {
  int status = 0;

  must(pid > 0, "fork");
  while (waitpid(pid, &status, __WALL) < 0) must(errno == EINTR, "waitpid");
  return status;
}

// clone3(2), which glibc does not wrap. Returns like fork(2).
static inline pid_t clone3(struct clone_args* args) {
  return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

// Starts the program `path` with nothing but its name as argv, by vfork(2) and execve(2).
static __attribute__((noinline, unused)) pid_t start_program(const char* path) {
  char* const arguments[] = {(char*)path, NULL};
  pid_t child = vfork();

  if (child == 0) {
    execv(path, arguments);
    _exit(98);
  }
  return child;
}
