// SPDX-License-Identifier: MIT
// Trap: a comm changes without exec: by the thread itself, and by another thread of the process through /proc.
// Trace: comm rename -> "renamed-main" by the leader; the thread's comm -> "renamed-other" though the leader writes it;
// comm of the child is "renamed-main" from its first event; exit 0.
#include <pthread.h>
#include <sys/prctl.h>

#include "program.h"

static pthread_barrier_t barrier;
static long tid;

static void* body(void* unused) {
  (void)unused;
  tid = syscall(SYS_gettid);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return NULL;
}

int main(void) {
  pthread_t thread;
  char path[64];
  pid_t child;
  int fd;

  must(prctl(PR_SET_NAME, "renamed-main") == 0, "PR_SET_NAME");
  pthread_barrier_init(&barrier, NULL, 2);
  must(pthread_create(&thread, NULL, body, NULL) == 0, "pthread_create");
  pthread_barrier_wait(&barrier);
  snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", tid);
  fd = open(path, O_WRONLY | O_CLOEXEC);
  must(fd >= 0 && write(fd, "renamed-other", 13) == 13, path);
  pthread_barrier_wait(&barrier);
  pthread_join(thread, NULL);
  child = fork();
  if (child == 0) _exit(0);
  wait_for(child);
  printf("thread=%ld\nchild=%d\n", tid, child);
  return 0;
}
