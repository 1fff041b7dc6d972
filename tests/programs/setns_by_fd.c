// SPDX-License-Identifier: MIT
// Trap: what setns joins is behind a descriptor, and the descriptor may be gone or mean something else a moment later;
// its type may be given (CLONE_NEWUTS), left open (0), or several at once through a pidfd.
// Trace: setns(F<uts:[..]>, CLONE_NEWUTS) = 0, setns(F<ipc:[..]>, 0) = 0, setns(F<pid:P>, CLONE_NEWNET|CLONE_NEWUTS) =
// 0, setns(F<net:[..]>, CLONE_NEWUTS) = -1 EINVAL, setns(-1, 0) = -1 EBADF; afterwards uts, ipc and net are those of
// the child.
#include <sys/stat.h>

#include "program.h"

static int open_ns(pid_t pid, const char* type) {
  char path[64];
  struct stat st;
  int fd;

  snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, type);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  must(fd >= 0 && fstat(fd, &st) == 0, path);
  printf("%s=%lu\n", type, (unsigned long)st.st_ino);
  return fd;
}

int main(void) {
  int ready[2], uts, ipc, net, pidfd;
  char byte;
  pid_t child;

  must(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
  child = fork();
  if (child == 0) {
    must(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) == 0, "unshare");
    must(write(ready[1], "x", 1) == 1, "write");
    pause();
  }
  must(child > 0 && read(ready[0], &byte, 1) == 1, "read");
  uts = open_ns(child, "uts");
  ipc = open_ns(child, "ipc");
  net = open_ns(child, "net");
  pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  must(pidfd >= 0, "pidfd_open");
  printf("child=%d\n", child);
  fflush(stdout);

  must(setns(uts, CLONE_NEWUTS) == 0, "setns(uts)");
  must(setns(ipc, 0) == 0, "setns(ipc)");
  must(setns(pidfd, CLONE_NEWNET | CLONE_NEWUTS) == 0, "setns(pidfd)");
  must(setns(net, CLONE_NEWUTS) < 0 && errno == EINVAL, "setns(net as uts)");
  must(setns(-1, 0) < 0 && errno == EBADF, "setns(-1)");
  kill(child, SIGTERM);
  wait_for(child);
  return 0;
}
