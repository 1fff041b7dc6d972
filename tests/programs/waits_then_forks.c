// SPDX-License-Identifier: MIT
// Trap: what a tracer that attaches later must find: a process with a thread, a child, a grandchild, and an orphan in
// a session of its own, all asleep. A byte on stdin wakes them; then each of them (the thread too) forks and execs
// PROGRAM.
// Trace (attached to the program once it has printed "ready"): a fork and an exec below each of "leader", "thread",
// "child" and "grandchild", by their pids; the orphan's only where it was followed by itself.
#include <pthread.h>

#include "program.h"

static char* program;
static int wake[2];

static void sleep_then_start(void) {
  char byte;

  close(wake[1]);
  if (read(wake[0], &byte, 1) < 0) _exit(98);
  wait_for(start_program(program));
}

static void* body(void* pipe_of_thread) {
  int* ends = pipe_of_thread;
  char byte;

  printf("thread=%ld\n", syscall(SYS_gettid));
  fflush(stdout);
  must(read(ends[0], &byte, 1) == 0, "read");
  wait_for(start_program(program));
  return NULL;
}

int main(int argc, char** argv) {
  int said[2], for_thread[2], number;
  char byte;
  pthread_t thread;
  pid_t child, middle;

  must(argc == 2, "usage: waits_then_forks PROGRAM");
  program = argv[1];
  must(pipe(wake) == 0 && pipe(said) == 0, "pipe");
  printf("leader=%d\n", getpid());
  fflush(stdout);
  child = fork();
  if (child == 0) {
    pid_t grandchild = fork();

    number = grandchild;
    if (grandchild > 0) must(write(said[1], &number, sizeof(number)) == sizeof(number), "write");
    sleep_then_start();
    if (grandchild > 0) wait_for(grandchild);
    _exit(0);
  }
  must(child > 0 && read(said[0], &number, sizeof(number)) == sizeof(number), "read");
  printf("child=%d\ngrandchild=%d\n", child, number);
  fflush(stdout);
  middle = fork();
  if (middle == 0) {
    if (fork() > 0) _exit(0);
    setsid();
    number = getpid();
    must(write(said[1], &number, sizeof(number)) == sizeof(number), "write");
    sleep_then_start();
    _exit(0);
  }
  wait_for(middle);
  must(read(said[0], &number, sizeof(number)) == sizeof(number), "read");
  printf("orphan=%d\n", number);
  fflush(stdout);
  must(pipe2(for_thread, O_CLOEXEC) == 0, "pipe2");
  must(pthread_create(&thread, NULL, body, for_thread) == 0, "pthread_create");
  usleep(20000);
  printf("ready\n");
  fflush(stdout);

  must(read(STDIN_FILENO, &byte, 1) >= 0, "stdin");
  close(wake[1]);
  close(for_thread[1]);
  pthread_join(thread, NULL);
  sleep_then_start();
  wait_for(child);
  return 0;
}
