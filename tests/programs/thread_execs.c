// SPDX-License-Identifier: MIT
// Trap: a thread that is not the leader calls execve. The kernel ends the leader, and the caller takes its tid
// (fs/exec.c, de_thread): the leader's exit is not the end of the process, and the exec event bears another tid than
// the call.
// Trace: fork of a thread (CLONE_THREAD), exec with tid = tgid, tid_before = the thread, one process exit with code 5.
#include <pthread.h>

#include "program.h"

static char* const again[] = {"thread_execs", "after", NULL};

static void* body(void* unused) {
  (void)unused;
  printf("thread=%ld\n", syscall(SYS_gettid));
  fflush(stdout);
  execv("/proc/self/exe", again);
  must(0, "execv");
  return NULL;
}

int main(int argc, char** argv) {
  pthread_t thread;

  (void)argv;
  if (argc > 1) return 5;
  printf("process=%d\n", getpid());
  fflush(stdout);
  must(pthread_create(&thread, NULL, body, NULL) == 0, "pthread_create");
  pthread_join(thread, NULL);
  return 97;
}
