// SPDX-License-Identifier: MIT
// Trap: strings in pages that were never touched cannot be read when the call is entered, only when it returns; and
// some can never be read. Neither is an empty string. The strings stand in a file mapping, 1 MiB apart, so that the
// kernel's fault-around does not bring them in. Trace: unshare(CLONE_NEWNS) = 0, mount(NULL, "/", NULL,
// MS_REC|MS_PRIVATE, NULL) = 0, mount("unread-source", "FOLDER", "tmpfs", 0, "size=64k") = 0, umount2("FOLDER",
// MNT_DETACH) = 0, mount(0x10<fault>, "FOLDER", "tmpfs", 0, NULL) = -1 EFAULT, execve("/unread/program",
// ["unread-argument"]) = -1 ENOENT; exit 0.
#include <sys/mman.h>
#include <sys/mount.h>

#include "program.h"

enum { APART = 1 << 20 };

static int file;
static char* base;
static int used;

// The address of a copy of `text` in a page that this process has not touched.
static char* unread(const char* text) {
  off_t at = (off_t)used++ * APART;

  must(pwrite(file, text, strlen(text) + 1, at) > 0, "pwrite");
  return base + at;
}

int main(void) {
  char folder[] = "/tmp/nstrace-unread_strings.XXXXXX";
  char* arguments[2] = {NULL, NULL};

  must(mkdtemp(folder) != NULL, folder);
  file = memfd_create("strings", MFD_CLOEXEC);
  must(file >= 0 && ftruncate(file, 16 * APART) == 0, "memfd_create");
  base = mmap(NULL, 16 * APART, PROT_READ, MAP_PRIVATE, file, 0);
  must(base != MAP_FAILED, "mmap");
  printf("folder=%s\n", folder);
  fflush(stdout);

  must(unshare(CLONE_NEWNS) == 0, "unshare(CLONE_NEWNS)");
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount /");
  must(mount(unread("unread-source"), unread(folder), unread("tmpfs"), 0, unread("size=64k")) == 0, "mount tmpfs");
  must(umount2(folder, MNT_DETACH) == 0, "umount2");
  must(mount((char*)(uintptr_t)0x10, folder, "tmpfs", 0, NULL) < 0 && errno == EFAULT, "mount of 0x10");
  arguments[0] = unread("unread-argument");
  must(execv(unread("/unread/program"), arguments) < 0 && errno == ENOENT, "execv");
  rmdir(folder);
  return 0;
}
