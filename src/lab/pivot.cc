// SPDX-License-Identifier: MIT
// How the directory becomes "/", and what becomes of the host's files. pivot_root changes the root of the whole mount
// namespace, so that the old one can be let go of. Where it cannot be had (on a root that is an initramfs, or with
// runc's --no-pivot), the old root stays mounted below the new one, or even beside it.
#include "lab/pivot.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "lab/root.h"

namespace nstrace::lab {
namespace {

void swap_in_place(Stage& init) {
  init.why("Hold on to both roots, so that they can be reached when names no longer lead there.");
  const int old_root = init.openat("/", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  const int new_root = init.openat(".", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.fchdir(new_root);
  init.why("The swap. Both names are the new root: the old one comes to lie on top of it, at the same place.");
  init.call(CALL(pivot_root), {text("."), text(".")});
  init.fchdir(old_root);
  init.why("Taking down the old root's mounts must not reach the host ...");
  init.mount("", ".", nullptr, NAMED(MS_REC | MS_SLAVE));
  init.why("... and now the host's whole tree is let go of. There is no way back from here.");
  init.umount(".", NAMED(MNT_DETACH));
  init.chdir("/");
  init.close(old_root);
  init.close(new_root);
}

// As the manual page has it, and as runtimes did before they knew the other one: the old root needs a directory.
void swap_by_paths(Stage& init) {
  const std::string old_root = "/oldroot";
  init.why("The old root will be mounted here; inside the new one, as pivot_root demands.");
  init.mkdir(kRoot + old_root, NAMED(0700));
  init.why("The swap.");
  init.call(CALL(pivot_root), {text(kRoot), text(kRoot + old_root)});
  init.chdir("/");
  init.why("Taking down the old root's mounts must not reach the host ...");
  init.mount("", old_root, nullptr, NAMED(MS_REC | MS_SLAVE));
  init.why("... and now the host's whole tree is let go of. There is no way back from here.");
  init.umount(old_root, NAMED(MNT_DETACH));
  init.call(CALL(unlinkat), {NAMED(AT_FDCWD), text(old_root), NAMED(AT_REMOVEDIR)});
}

void move_over(Stage& init) {
  init.why("The new root is moved over the old one, which stays mounted below it.");
  init.mount(".", "/", nullptr, NAMED(MS_MOVE));
  init.why("\"/\" is still the old one for this process; its current directory has come along, and becomes \"/\".");
  init.call(CALL(chroot), {text(".")});
  init.chdir("/");
}

void only_chroot(Stage& init) {
  init.why(
      "For this process, and what it starts, \"/\" is another directory. All that the host has mounted stays mounted "
      "beside it: who may chroot gets out.");
  init.call(CALL(chroot), {text(".")});
  init.chdir("/");
}

}  // namespace

std::span<const PivotName> pivots() {
  static constexpr PivotName kPivots[] = {
      {Pivot::Dot, "dot", "pivot_root(\".\", \".\"), as runc and crun"},
      {Pivot::Path, "path", "pivot_root to a directory for the old root, as its manual page"},
      {Pivot::Move, "move", "mount(MS_MOVE) and chroot, as runc with --no-pivot"},
      {Pivot::None, "none", "chroot alone"},
  };
  return kPivots;
}

void change_root(Stage& init, Pivot pivot) {
  switch (pivot) {
    case Pivot::Dot:
      return swap_in_place(init);
    case Pivot::Path:
      return swap_by_paths(init);
    case Pivot::Move:
      return move_over(init);
    case Pivot::None:
      return only_chroot(init);
  }
}

}  // namespace nstrace::lab
