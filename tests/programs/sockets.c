// SPDX-License-Identifier: MIT
// Binds sockets to addresses of each family that is shown in words, and opens files as openat2 lets one say.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void bind_to(const void* address, socklen_t size) {
  const int fd = socket(((const struct sockaddr*)address)->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bind(fd, address, size);
  close(fd);
}

static void open_how(const char* path, __u64 flags, __u64 mode, __u64 resolve) {
  const struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  const long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (fd >= 0) close((int)fd);
}

int main(void) {
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  struct sockaddr_nl netlink = {.nl_family = AF_NETLINK};

  strcpy(local.sun_path, "sockets-test.sock");
  bind_to(&local, sizeof local);
  unlink(local.sun_path);
  strcpy(local.sun_path + 1, "nstrace/test");
  local.sun_path[0] = 0;
  bind_to(&local, offsetof(struct sockaddr_un, sun_path) + 13);
  bind_to(&local, sizeof(sa_family_t));
  bind_to(&local, 1);
  memset(local.sun_path, 'x', sizeof local.sun_path);
  memcpy(local.sun_path, "/nonexistent/", 13);
  bind_to(&local, sizeof local);
  bind_to(&inet, sizeof inet);
  bind_to(&inet, 5);
  bind_to(&inet6, sizeof inet6);
  bind_to(&netlink, sizeof netlink);
  netlink.nl_groups = 1;
  bind_to(&netlink, sizeof netlink);

  open_how("/", O_PATH | O_CLOEXEC | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  open_how("..", O_RDONLY | O_CLOEXEC, 0, RESOLVE_BENEATH);
  open_how("/proc/self/exe", O_RDONLY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
  open_how("/nonexistent/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600, 0);
  open_how("/", O_RDONLY | O_CLOEXEC, 0, 1 << 20);
  return 0;
}
