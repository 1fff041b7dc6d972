// SPDX-License-Identifier: MIT
// Trap: what a new image begins with is known for certain only at its exec; a moment later it has changed it, or is gone.
// By the first argument, each ends in an exec of this program as "after", which tells what /proc says of it:
//   open DIR    a file, a folder, a deleted file, a memory file, an eventfd, a pipe, a socket, a namespace, a pidfd, and
//               one that closes on exec; the current folder is DIR/inside
//   rights      capabilities of each set, no_new_privs, a filter of system calls
//   ids         user and group ids that all differ
//   many N      N descriptors
//   jail DIR    chroot(DIR/jail) from outside: the current folder is above the root
// Trace: the last exec has creds, caps, no_new_privs, seccomp, cwd, root, fds and fds_more as printed.
#include <dirent.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "program.h"

static char* const kAfter[] = {(char*)"exec_state", (char*)"after", NULL};

static void tell_status(void) {
  static const char* const names[] = {"Uid:", "Gid:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",
                                      "NoNewPrivs:", "Seccomp:"};
  FILE* status = fopen("/proc/self/status", "re");
  char line[256];

  must(status != NULL, "/proc/self/status");
  while (fgets(line, sizeof(line), status))
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
      if (strncmp(line, names[i], strlen(names[i])) == 0)
        printf("%.*s=%s", (int)strlen(names[i]) - 1, line, line + strlen(names[i]) + 1);
  fclose(status);
}

static void tell_link(const char* name, const char* path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof(target) - 1);

  must(length >= 0, path);
  target[length] = 0;
  printf("%s=%s\n", name, target);
}

static int after(void) {
  struct stat st;
  DIR* fds = opendir("/proc/self/fd");
  struct dirent* entry;
  char path[300], name[300];

  if (!fds) return 0;  // in a jail there is nobody to ask
  while ((entry = readdir(fds))) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(fds)) continue;
    snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
    snprintf(name, sizeof(name), "fd%s", entry->d_name);
    tell_link(name, path);
  }
  closedir(fds);
  tell_link("cwd", "/proc/self/cwd");
  must(stat(".", &st) == 0, "stat");
  printf("cwd_inode=%lu\n", (unsigned long)st.st_ino);
  tell_status();
  return 0;
}

static void open_all(const char* folder) {
  int pipes[2], sockets[2];

  must(chdir(folder) == 0 && mkdir("inside", 0700) == 0 && chdir("inside") == 0, folder);
  must(open("file", O_CREAT | O_RDWR, 0600) >= 0, "file");
  must(open(".", O_RDONLY | O_DIRECTORY) >= 0, "folder");
  must(open("gone", O_CREAT | O_RDWR, 0600) >= 0 && unlink("gone") == 0, "gone");
  must(memfd_create("state", 0) >= 0, "memfd_create");
  must(eventfd(0, 0) >= 0, "eventfd");
  must(pipe(pipes) == 0, "pipe");
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
  must(open("/proc/self/ns/net", O_RDONLY) >= 0, "net");
  // pidfd_open sets O_CLOEXEC: dup(2) takes it off
  must(dup((int)syscall(SYS_pidfd_open, getpid(), 0)) >= 0, "pidfd_open");
  must(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0, "null");
}

static void change_rights(void) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  struct sock_fprog filter = {1, allow};

  must(chdir("/") == 0, "chdir");
  must(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT) == 0, "PR_CAPBSET_DROP");
  must(prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
  must(setresgid(1201, 1201, 1203) == 0, "setresgid");
  must(setresuid(1101, 1101, 1103) == 0, "setresuid");
  data[0].permitted = 1u << CAP_CHOWN | 1u << CAP_KILL | 1u << CAP_NET_RAW;
  data[0].inheritable = 1u << CAP_KILL | 1u << CAP_NET_RAW;
  must(syscall(SYS_capset, &head, data) == 0, "capset");
  must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0, "PR_CAP_AMBIENT");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0, "PR_SET_SECCOMP");
}

static void change_ids(void) {
  must(chdir("/") == 0, "chdir");
  must(setresgid(1201, 1202, 1203) == 0, "setresgid");
  must(setresuid(1101, 1102, 1103) == 0, "setresuid");
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  char* const env[] = {NULL};
  int self;

  if (strcmp(what, "after") == 0) return after();
  self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  must(self >= 0, "/proc/self/exe");
  if (strcmp(what, "open") == 0) open_all(argv[2]);
  if (strcmp(what, "rights") == 0) change_rights();
  if (strcmp(what, "ids") == 0) change_ids();
  if (strcmp(what, "many") == 0)
    for (int i = 0; i < atoi(argv[2]); i++) must(open("/dev/null", O_RDONLY) >= 0, "null");
  if (strcmp(what, "jail") == 0)
    must(chdir(argv[2]) == 0 && mkdir("jail", 0700) == 0 && chroot("jail") == 0, "chroot");
  syscall(SYS_execveat, self, "", kAfter, env, AT_EMPTY_PATH);
  must(0, "execveat");
  return 1;
}
