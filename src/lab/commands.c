// SPDX-License-Identifier: MIT
// The commands of a container's /bin: each is this one program under another name, as in busybox. Enough to look
// around (id, hostname, ls, cat), to end in a known way (true, false) and to stay (sleep, pause).
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <linux/utsname.h>

#include "bare.h"
#include "wire.h"

static void put(int fd, const char* text) {
  SYSCALL(__NR_write, fd, text, text_length(text));
}

static void put_number(int fd, unsigned long number) {
  char digits[21];
  text_number(digits, number);
  put(fd, digits);
}

static const char* host_name(struct new_utsname* uts) {
  return SYSCALL(__NR_uname, uts, 0, 0) == 0 ? uts->nodename : "?";
}

static int complain(const char* command, const char* what, long result) {
  put(2, command);
  put(2, ": ");
  put(2, what);
  put(2, ": error ");
  put_number(2, (unsigned long)-result);
  put(2, "\n");
  return 1;
}

static int hello(void) {
  struct new_utsname uts;
  char line[128] = "hello from pid ";
  unsigned length = (unsigned)text_length(line);
  length += text_number(line + length, (unsigned long)SYSCALL(__NR_getpid, 0, 0, 0));
  for (const char* c = " on "; *c != 0; ++c) line[length++] = *c;
  for (const char* c = host_name(&uts); *c != 0; ++c) line[length++] = *c;
  line[length++] = '\n';
  return SYSCALL(__NR_write, 1, line, length) == (long)length ? 0 : 1;
}

static int echo(char** argv) {
  for (char** word = argv + 1; *word != 0; ++word) {
    if (word != argv + 1) put(1, " ");
    put(1, *word);
  }
  put(1, "\n");
  return 0;
}

static int cat_fd(const char* name, int fd) {
  static char buffer[65536];
  long count;
  while ((count = SYSCALL(__NR_read, fd, buffer, sizeof buffer)) > 0) {
    for (long done = 0; done < count;) {
      const long written = SYSCALL(__NR_write, 1, buffer + done, count - done);
      if (written < 0) return complain("cat", "standard output", written);
      done += written;
    }
  }
  return count < 0 ? complain("cat", name, count) : 0;
}

static int cat(char** argv) {
  if (argv[1] == 0) return cat_fd("standard input", 0);
  int failed = 0;
  for (char** name = argv + 1; *name != 0; ++name) {
    const long fd = system_call(__NR_openat, AT_FDCWD, (long)*name, O_RDONLY, 0, 0, 0);
    failed |= fd < 0 ? complain("cat", *name, fd) : cat_fd(*name, (int)fd);
    if (fd >= 0) SYSCALL(__NR_close, fd, 0, 0);
  }
  return failed;
}

static int hostname(void) {
  struct new_utsname uts;
  put(1, host_name(&uts));
  put(1, "\n");
  return 0;
}

static int id(void) {
  put(1, "uid=");
  put_number(1, (unsigned long)SYSCALL(__NR_getuid, 0, 0, 0));
  put(1, " gid=");
  put_number(1, (unsigned long)SYSCALL(__NR_getgid, 0, 0, 0));
  put(1, "\n");
  return 0;
}

// A directory's names, one a line, in the order of the file system. The kernel's struct linux_dirent64: inode 8 bytes,
// offset 8, length of the entry 2, type 1, name.
static int ls(char** argv) {
  static char buffer[32768] __attribute__((aligned(8)));
  const char* path = argv[1] != 0 ? argv[1] : ".";
  const long fd = system_call(__NR_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY, 0, 0, 0);
  if (fd < 0) return complain("ls", path, fd);
  long count;
  while ((count = SYSCALL(__NR_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < count; at += *(const unsigned short*)(buffer + at + 16)) {
      const char* name = buffer + at + 19;
      if (text_equal(name, ".") || text_equal(name, "..")) continue;
      put(1, name);
      put(1, "\n");
    }
  }
  return count < 0 ? complain("ls", path, count) : 0;
}

// Seconds, with up to nine decimals: sleep 0.5.
static int sleep_for(char** argv) {
  const char* end = argv[1] != 0 ? argv[1] : "";
  if (*end < '0' || *end > '9') {
    put(2, "sleep: say how many seconds: sleep 0.5\n");
    return 2;
  }
  struct __kernel_timespec time = {(long long)number_of(end, &end), 0};
  if (*end == '.') {
    long long unit = 100000000;
    for (++end; *end >= '0' && *end <= '9' && unit > 0; ++end, unit /= 10) time.tv_nsec += (*end - '0') * unit;
  }
  if (*end != 0) {
    put(2, "sleep: not a number of seconds\n");
    return 2;
  }
  return SYSCALL(__NR_nanosleep, &time, 0, 0) == 0 ? 0 : 1;
}

static int pause_until_killed(void) {
  system_call(__NR_ppoll, 0, 0, 0, 0, 0, 0);  // only a signal ends it
  return 1;
}

// For scenes in which others come to a container that runs: says on its standard input, a socket, that it is up, and
// ends when the other side closes.
static int hold(void) {
  char word[4] = "up\n";
  if (SYSCALL(__NR_write, 0, word, sizeof word) != sizeof word) return 1;
  while (SYSCALL(__NR_read, 0, word, sizeof word) > 0) continue;
  return 0;
}

// A hook gets the container's state as JSON on standard input. It reads it, and finds all well.
static int hook(void) {
  static char state[4096];
  long count;
  while ((count = SYSCALL(__NR_read, 0, state, sizeof state)) > 0) continue;
  return count < 0;
}

static int is_hook(const char* name) {
  return text_equal(name, "createRuntime") || text_equal(name, "createContainer") ||
         text_equal(name, "startContainer") || text_equal(name, "poststart") || text_equal(name, "poststop");
}

int small_command(const char* name, char** argv) {
  if (text_equal(name, "hello")) return hello();
  if (text_equal(name, "true")) return 0;
  if (text_equal(name, "false")) return 1;
  if (text_equal(name, "echo")) return echo(argv);
  if (text_equal(name, "cat")) return cat(argv);
  if (text_equal(name, "hostname")) return hostname();
  if (text_equal(name, "id")) return id();
  if (text_equal(name, "ls")) return ls(argv);
  if (text_equal(name, "sleep")) return sleep_for(argv);
  if (text_equal(name, "pause")) return pause_until_killed();
  if (text_equal(name, "hold")) return hold();
  if (is_hook(name)) return hook();
  put(2, name);
  put(2, ": no such command; there are hello true false echo cat hostname id ls sleep pause\n");
  return 127;
}
