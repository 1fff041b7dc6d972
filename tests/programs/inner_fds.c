// SPDX-License-Identifier: MIT
// Trap: a descriptor can stand in a structure behind an argument, and counts there only with its flag.
// Trace: mount_setattr(-1, "", 0, {attr_set=MOUNT_ATTR_IDMAP, ..., userns_fd=F<user:[..]>}, 32) = -1, the same without
// the flag and without a target, clone3({flags=CLONE_INTO_CGROUP, ..., cgroup=F</>}, 88) = -1 EBADF, and, given the
// folder of a cgroup (of version 2), a child that is born by clone3({..., cgroup=F<FOLDER>}, 88).
#include <sys/stat.h>

#include "program.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define IDMAP 0x00100000        /* MOUNT_ATTR_IDMAP, linux/mount.h */
#define INTO_CGROUP 0x200000000 /* CLONE_INTO_CGROUP, linux/sched.h */

static void set_attr(uint64_t set, int userns) {
  uint64_t attr[4] = {set, 0, 0, (uint64_t)userns};

  must(syscall(SYS_mount_setattr, -1, "", 0, attr, sizeof(attr)) < 0, "mount_setattr of no descriptor");
}

int main(int argc, char** argv) {
  struct clone_args args = {.flags = INTO_CGROUP, .exit_signal = SIGCHLD};
  int userns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  struct stat st;
  pid_t child = 0;

  must(userns >= 0 && fstat(userns, &st) == 0, "/proc/self/ns/user");
  set_attr(IDMAP, userns);
  set_attr(1, userns);  // MOUNT_ATTR_RDONLY
  args.cgroup = (uint64_t)open("/", O_PATH | O_CLOEXEC);
  must(clone3(&args) < 0, "clone3 into no cgroup");
  if (argc > 1) {
    args.cgroup = (uint64_t)open(argv[1], O_PATH | O_CLOEXEC);
    child = clone3(&args);
    if (child == 0) _exit(0);
    must(child > 0, "clone3 into the cgroup");
    wait_for(child);
  }
  printf("user=%lu\nchild=%d\n", (unsigned long)st.st_ino, child);
  return 0;
}
