// SPDX-License-Identifier: MIT
// Trap: a failed execve leaves the old image; its arguments can only be read from the caller's memory, and the kernel
// may refuse before it ever looked at argv.
// Trace: execve fails in this order, each with argv ["NAME", "argument of NAME"]: ENOENT, EACCES (no x bit), EACCES (a
// directory), ENOEXEC, ENOTDIR, EFAULT (the path is 0x10); then an execve of ./true that succeeds; exit 0.
#include <sys/stat.h>

#include "program.h"

static char folder[] = "/tmp/nstrace-failed_execve.XXXXXX";

static const char* file(const char* name, const char* text, mode_t mode) {
  static char path[sizeof(folder) + 32];
  int fd;

  snprintf(path, sizeof(path), "%s/%s", folder, name);
  fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  must(fd >= 0 && write(fd, text, strlen(text)) >= 0 && fchmod(fd, mode) == 0, path);
  close(fd);
  return path;
}

static void fails(const char* path, const char* name, int expected) {
  char second[64];
  char* const arguments[] = {(char*)name, second, NULL};

  snprintf(second, sizeof(second), "argument of %s", name);
  must(execv(path, arguments) < 0 && errno == expected, name);
}

int main(int argc, char** argv) {
  char* const arguments[] = {"true", NULL};
  char path[sizeof(folder) + 32];

  must(argc == 2, "usage: failed_execve PATH_OF_TRUE");
  must(mkdtemp(folder) != NULL, folder);
  printf("folder=%s\n", folder);
  fflush(stdout);
  snprintf(path, sizeof(path), "%s/missing", folder);
  fails(path, "enoent", ENOENT);
  fails(file("plain", "x", 0644), "eacces", EACCES);
  fails(folder, "directory", EACCES);
  fails(file("garbage", "neither ELF nor a script\n", 0755), "enoexec", ENOEXEC);
  snprintf(path, sizeof(path), "%s/plain/below", folder);
  fails(path, "enotdir", ENOTDIR);
  fails((const char*)(uintptr_t)0x10, "efault", EFAULT);

  snprintf(path, sizeof(path), "%s/plain", folder);
  unlink(path);
  snprintf(path, sizeof(path), "%s/garbage", folder);
  unlink(path);
  rmdir(folder);
  execv(argv[1], arguments);
  return 98;
}
