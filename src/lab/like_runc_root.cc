// SPDX-License-Identifier: MIT
// runc's way, the chapter on the root directory: runc:[2:INIT], the Go part (libcontainer/rootfs_linux.go). By paths up
// to 1.3.2, by descriptors since.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cerrno>

#include "lab/like.h"
#include "lab/like_runc.h"
#include "lab/root.h"

namespace nstrace::lab::runc {
namespace {

const Arg kNoPrograms = NAMED(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

// The folder of the image; gives it as runc finds it, unpacked.
std::string unpack_image(Stage& init, Runc& r) {
  const int host_program = open_host_program(init, r.spec);
  init.why("(The image. Real containers find it unpacked.)");
  init.mount("tmpfs", kRoot, "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=755,size=16m");
  const std::string root = by_descriptors(r) ? kRoot + "/rootfs" : kRoot;
  if (root != kRoot) init.mkdir(root, NAMED(0755));
  init.chdir(root);
  fill_root(init, r.spec, host_program);
  if (root != kRoot) init.chdir("/");
  return root;
}

// The same steps by paths, as up to 1.3.2 ...
void fill_by_paths(Stage& init, Runc& r, const std::string& root) {
  mount_bundle(init, r.spec, root, r.version == Version::v1_1 ? "/proc/self/fd/" : "/proc/thread-self/fd/");
  static constexpr const char* kOrder[6] = {"null", "random", "full", "tty", "zero", "urandom"};
  make_devices_of_bundle(init, r.spec, root, kOrder);
  make_device_links(init, root + "/dev");
  init.chdir(root);
}

// ... and by descriptors. Gives that of the root.
int fill_by_descriptors(Stage& init, Runc& r, const std::string& root) {
  const Arg directory = NAMED(O_RDONLY | O_CLOEXEC | O_PATH | O_DIRECTORY);
  const int rootfs = init.openat(root, directory);
  if (!r.spec.user_namespace) init.close(open_own_proc(init, false));
  const auto open_below = [&](int at, const char* name) {
    return init.opens(CALL(openat), {number(at), text(name), directory});
  };
  const auto onto = [&](int fd, const char* source, const char* type, Arg flags, const char* options) {
    init.mount(source, "/proc/thread-self/fd/" + std::to_string(fd), type, std::move(flags), options);
    init.close(fd);
  };
  onto(open_below(rootfs, "proc"), "proc", "proc", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), nullptr);
  onto(open_below(rootfs, "dev"), "tmpfs", "tmpfs", NAMED(MS_NOSUID | MS_STRICTATIME),
       "mode=0755,mode=755,size=65536k");
  const int dev = open_below(rootfs, "dev");
  const auto below_dev = [&](const char* name) {
    init.call(CALL(mkdirat), {number(dev), text(name), NAMED(0755)});
    return open_below(dev, name);
  };
  onto(below_dev("pts"), "devpts", "devpts", NAMED(MS_NOSUID | MS_NOEXEC), "newinstance,ptmxmode=0666,mode=0620");
  onto(below_dev("shm"), "shm", "tmpfs", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), "mode=1777,size=65536k");
  onto(below_dev("mqueue"), "mqueue", "mqueue", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), nullptr);
  const int sys = open_below(rootfs, "sys");
  if (r.spec.borrow_devices) init.may_fail_with(EPERM);
  onto(sys, "sysfs", "sysfs", NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC), nullptr);
  for (const char* name : {"null", "random", "full", "tty", "zero", "urandom"}) {
    for (const Device& device : kDevices) {
      if (std::string_view(device.name) != name) continue;
      if (r.spec.borrow_devices) {
        borrow_device(init, device, root + "/dev/" + name);
      } else {
        make_device_at(init, device, dev);
      }
    }
  }
  make_device_links_at(init, dev);
  init.close(dev);
  init.fchdir(rootfs);
  return rootfs;
}

}  // namespace

int open_own_proc(Stage& stage, bool known) {
  if (!known) {
    stage.why("Does the kernel have the new mount calls?");
    stage.close(stage.opens(CALL(open_tree),
                            {named(static_cast<std::uint64_t>(-9), "-9"), text("/"), NAMED(OPEN_TREE_CLOEXEC)}));
    stage.why("/proc may be covered with other things; this one is not, since no directory leads to it.");
  }
  const int context = stage.fsopen("proc");
  if (!known) {
    const int asked = stage.fsopen("proc");
    stage.fsconfig(asked, "subset", "pid");
    stage.close(asked);
    stage.fsconfig(context, "hidepid", "ptraceable");
    stage.fsconfig(context, "subset", "pid");
  }
  return stage.fsmount(context, kNoPrograms);
}

void set_up_root(Stage& init, Runc& r) {
  init.mount("", "/", nullptr, NAMED(MS_REC | MS_SLAVE));
  const std::string root = unpack_image(init, r);
  if (by_descriptors(r)) {
    init.why(
        "pivot_root wants the mount that the new root lies in to be private: which one that is, is tried upwards.");
    init.mount("", root, nullptr, NAMED(MS_PRIVATE));
    init.expect_failure(EINVAL);
    init.mount("", kRoot, nullptr, NAMED(MS_PRIVATE));
  }
  init.why("An image is a mere folder; this makes a mount of it, as pivot_root demands.");
  init.mount(root.c_str(), root, nullptr, NAMED(MS_BIND | MS_REC));
  int new_root = -1;
  if (by_descriptors(r)) {
    new_root = fill_by_descriptors(init, r, root);
  } else {
    fill_by_paths(init, r, root);
  }
  const int old_root = init.openat("/", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (new_root < 0) new_root = init.openat(root, NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.fchdir(new_root);
  init.call(CALL(pivot_root), {text("."), text(".")});
  init.fchdir(old_root);
  init.mount("", ".", nullptr, NAMED(MS_REC | MS_SLAVE));
  init.umount(".", NAMED(MNT_DETACH));
  init.chdir("/");
  init.close(new_root);
  init.close(old_root);
  init.call(CALL(sethostname), {text(r.spec.hostname), number(static_cast<std::int64_t>(r.spec.hostname.size()))});
  if (by_descriptors(r) && !r.spec.user_namespace) {
    init.why("All of the container's proc this time, since what is below /proc/sys is looked at.");
    init.close(open_own_proc(init, true));
  }
  init.mount("/proc/sys", "/proc/sys", nullptr, NAMED(MS_BIND | MS_REC));
  init.mount("/proc/sys", "/proc/sys", nullptr,
             NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND));
}

}  // namespace nstrace::lab::runc
