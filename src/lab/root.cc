// SPDX-License-Identifier: MIT
// The directory that becomes the container's "/". A real runtime is given one, unpacked from an image; this one is made
// anew each time in memory, and has but one program, which is all the commands in /bin under their names. The devices
// are the six that every program may count on: made with mknod by root, borrowed from the host in a user namespace.
#include "lab/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

namespace nstrace::lab {
namespace {

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

const std::vector<std::string>& commands() {
  static const std::vector<std::string> names = {"hello",    "true", "false", "echo",  "cat",
                                                 "hostname", "id",   "ls",    "sleep", "pause"};
  return names;
}

std::string program_path(const Spec& spec) {
  return "/bin/" + base_name(spec.argv[0]);
}

int open_host_program(Stage& init, const Spec& spec) {
  if (spec.host_program.empty()) return -1;
  init.why("The program to run, while the host's directories are still to be seen.");
  return init.openat(spec.host_program, NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
}

void fill_root(Stage& init, const Spec& spec, int host_program) {
  for (const char* path : {"bin", "dev", "proc", "sys", "tmp"}) init.mkdir(path, NAMED(0755));

  init.why("/bin: this program itself, which is all commands in one, told apart by name.");
  const int self = init.openat("/proc/self/exe", NAMED(O_RDONLY | O_CLOEXEC));
  const int copy = init.openat("bin/lab", NAMED(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), NAMED(0755));
  init.call(CALL(sendfile), {number(copy), number(self), null(), number(1 << 22)});
  init.expect_any("<size>");
  init.close(copy);
  init.close(self);
  const std::string base = base_name(spec.host_program);
  for (const std::string& name : commands()) {
    if (host_program < 0 || name != base) init.symlink("lab", "bin/" + name);
  }
  if (spec.stays) init.symlink("lab", "bin/hold");

  if (host_program < 0) return;
  init.why("A bind mount: the host's file is seen at a second place, then made read-only there.");
  init.create_empty("bin/" + base, NAMED(0755));
  const std::string source = "/proc/self/fd/" + std::to_string(host_program);
  init.mount(source.c_str(), "bin/" + base, nullptr, NAMED(MS_BIND));
  Arg flags = NAMED(MS_RDONLY | MS_REMOUNT | MS_BIND);
  flags.number |= spec.host_mount_flags;  // what is locked on the host's mount must stay
  init.mount(nullptr, "bin/" + base, nullptr, std::move(flags));
  init.close(host_program);
}

const Device kDevices[6] = {
    {"null", 1, 3, "makedev(0x1, 0x3)"},   {"zero", 1, 5, "makedev(0x1, 0x5)"},    {"full", 1, 7, "makedev(0x1, 0x7)"},
    {"random", 1, 8, "makedev(0x1, 0x8)"}, {"urandom", 1, 9, "makedev(0x1, 0x9)"}, {"tty", 5, 0, "makedev(0x5, 0)"},
};

void make_device(Stage& init, const Device& device, const std::string& path) {
  init.call(CALL(mknodat), {NAMED(AT_FDCWD), text(path), NAMED(S_IFCHR | 0666),
                            named(makedev(device.major, device.minor), device.shown)});
  init.call(CALL(fchmodat), {NAMED(AT_FDCWD), text(path), NAMED(0666)});
}

void make_device_at(Stage& init, const Device& device, int dev) {
  init.call(CALL(mknodat), {number(dev), text(device.name), NAMED(S_IFCHR | 0666),
                            named(makedev(device.major, device.minor), device.shown)});
  init.call(CALL(fchmodat), {number(dev), text(device.name), NAMED(0666)});
}

void borrow_device(Stage& init, const Device& device, const std::string& path) {
  init.create_empty(path, NAMED(0666));
  init.mount((std::string("/dev/") + device.name).c_str(), path, nullptr, NAMED(MS_BIND));
}

static constexpr std::pair<const char*, const char*> kLinks[] = {{"pts/ptmx", "ptmx"},
                                                                 {"/proc/self/fd", "fd"},
                                                                 {"/proc/self/fd/0", "stdin"},
                                                                 {"/proc/self/fd/1", "stdout"},
                                                                 {"/proc/self/fd/2", "stderr"}};

void make_device_links(Stage& init, const std::string& dev) {
  for (const auto& [target, name] : kLinks) init.symlink(target, dev + '/' + name);
}

void make_device_links_at(Stage& init, int dev) {
  for (const auto& [target, name] : kLinks) init.call(CALL(symlinkat), {text(target), number(dev), text(name)});
}

}  // namespace nstrace::lab
