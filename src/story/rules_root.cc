// SPDX-License-Identifier: MIT
// What is known about the root file system, hooks and the change of the root.
#include <algorithm>

#include "model/runtime.h"
#include "story/rule.h"
#include "trace/text.h"

namespace nstrace::story {
namespace {

using enum Phase;

std::string_view text(const Moment& m, std::size_t index) {
  return index < m.call().args.size() ? std::string_view(m.call().args[index].text) : std::string_view();
}
bool same_place(const Moment& m) {
  return text(m, 0) == text(m, 1) && text(m, 0).size() > 1;
}
bool by_descriptor(std::string_view path) {
  return glob("/proc/self/fd/*|/proc/thread-self/fd/*", path);
}
bool host_users(const Moment& m) {
  return m.event.who.ns[trace::Ns::User] == m.model.header().host[trace::Ns::User];
}
bool pivoted(const Moment& m) {
  return std::ranges::any_of(m.process.marks, [](const model::Mark& mark) { return mark.call == "pivot_root"; });
}
bool kernel_path(const Moment& m) {
  return glob("/proc/*|/sys/*|/newroot/proc/*|/newroot/sys/*|/proc|/sys", text(m, 1));
}

// Something was mounted from the same place before, by the same process.
bool bound_before(const Moment& m) {
  const std::string begin = "mount(" + trace::quote(text(m, 0)) + ",";
  return std::ranges::count_if(m.process.marks, [&](const model::Mark& mark) { return mark.text.starts_with(begin); }) >
         1;  // the last is this call
}
// Before, by the same process.
bool mounted_onto_itself(const Moment& m) {
  const std::string place = trace::quote(text(m, 1), 48);
  const std::string begin = "mount(" + place + ", " + place + ",";
  return std::ranges::any_of(m.process.marks, [&](const model::Mark& mark) { return mark.text.starts_with(begin); });
}
// Its own network namespace, which is the host's.
bool own_host_network(const Moment& m) {
  return glob("/proc/self/ns/net|/proc/thread-self/ns/net", text(m, 0)) &&
         m.event.who.ns[trace::Ns::Net] == m.model.header().host[trace::Ns::Net];
}

// crun sets the propagation of each mount right after it.
bool follows_bind_onto_itself(const Moment& m) {
  const auto& marks = m.process.marks;
  if (marks.size() < 2 || marks.back().event != m.event.number) return false;
  const std::string& before = marks[marks.size() - 2].text;
  const auto comma = before.find(", ");
  return before.starts_with("mount(\"/proc/self/fd/") && comma != std::string::npos &&
         before.compare(comma + 2, comma - 6, before, 6, comma - 6) == 0;
}

constexpr std::uint32_t kMounters = kStage2 | kSetup | kBoxed | kSandbox;

const Rule kRules[] = {
    // --- hide, protect: calls that would also fit the general rules below ---
    {.name = "masked-paths",
     .phase = Security,
     .who = kMounters,
     .call = "mount",
     .args = {"/dev/null", "/proc/*|/sys/*", "", "*MS_BIND*"},
     // In a user namespace no device can be made, so that /dev/null itself comes by a bind mount, and first.
     .when = [](const Moment& m) { return !by_descriptor(text(m, 1)) || host_users(m) || bound_before(m); },
     .sentence = "It hides files of the kernel that tell about the host, by mounting the empty /dev/null over them: "
                 "{each}.",
     .brief = "hides files of the kernel: {each}",
     .references = {"OCI runtime-spec: config-linux.md, maskedPaths", "runc: libcontainer/rootfs_linux.go, maskPath()"},
     .each = "{place}"},
    {.name = "masked-folders",
     .phase = Security,
     .who = kMounters,
     .call = "mount",
     .args = {"tmpfs", "/proc/*|/sys/*", "tmpfs"},
     // crun's is made read-only later.
     .when = [](const Moment& m) { return glob("*MS_RDONLY*", text(m, 3)) || glob("*size=0k*", text(m, 4)); },
     .sentence = "It hides folders of the kernel that tell about the host, by mounting an empty, read-only file system "
                 "over them: {each}.",
     .brief = "hides folders of the kernel: {each}",
     .references = {"OCI runtime-spec: config-linux.md, maskedPaths", "runc: libcontainer/rootfs_linux.go, maskPath()"},
     .each = "{place}"},
    {.name = "readonly-paths",
     .phase = Security,
     .who = kMounters,
     .call = "mount",
     .when =
         [](const Moment& m) {
           if (!glob("*MS_BIND*", text(m, 3)))
             return glob("*MS_PRIVATE*|*MS_SLAVE*", text(m, 3)) && follows_bind_onto_itself(m);
           const bool again = glob("*MS_REMOUNT*", text(m, 3));
           if (again && !glob("*MS_RDONLY*", text(m, 3))) return false;
           return kernel_path(m) && (same_place(m) || (again && mounted_onto_itself(m)));
         },
     .sentence = "It makes switches of the kernel read-only for the container ({each}): each is mounted onto itself, "
                 "since only a mount can be read-only, and then that mount is made so.",
     .brief = "switches of the kernel become read-only: {each}",
     .references = {"OCI runtime-spec: config-linux.md, readonlyPaths",
                    "runc: libcontainer/rootfs_linux.go, readonlyPath()"},
     .each = "{place}"},

    {.name = "masked-by-descriptor",
     .phase = Security,
     .who = kStage2,
     .call = "mount",
     .args = {"/proc/*self/fd/*", "/proc/*self/fd/*", "", "MS_BIND"},
     .when = pivoted,
     .sentence = "It hides files and folders of the kernel that tell about the host ({count}), by mounting something "
                 "empty over each. Both are given by descriptors, so that no path can be exchanged meanwhile; which "
                 "they are, the calls do not tell.",
     .brief = "hides files of the kernel",
     .references = {"OCI runtime-spec: config-linux.md, maskedPaths",
                    "runc: libcontainer/rootfs_linux.go, maskPaths()"},
     .fold = true},

    // --- propagation ---
    {.name = "old-root-slave",
     .phase = Pivot,
     .who = kMounters,
     .call = "mount",
     .args = {"", ".|oldroot", "", "*MS_SLAVE*|*MS_PRIVATE*"},
     .sentence = "Before the old root is taken away it is cut off from the host's: otherwise taking it away here would "
                 "unmount it there too.",
     .brief = "the old root is cut off from the host",
     .references = {"mount_namespaces(7)", "runc: libcontainer/rootfs_linux.go, pivotRoot()"}},
    {.name = "new-root-propagation",
     .phase = Pivot,
     .who = kBuilders,
     .call = "mount",
     .args = {"", "/", "", "*MS_SLAVE*|*MS_PRIVATE*|*MS_SHARED*|*MS_UNBINDABLE*"},
     .when = pivoted,
     .sentence = "It says for its new root with whom later mounts in it are shared ({arg3}).",
     .brief = "who shares later mounts below the new root",
     .references = {"mount(2), MS_PRIVATE, MS_SLAVE", "OCI runtime-spec: config-linux.md, rootfsPropagation"},
     .fold = true},
    {.name = "root-propagation",
     .phase = Root,
     .who = kBuilders,
     .call = "mount",
     .args = {"", "/", "", "*MS_SLAVE*|*MS_PRIVATE*"},
     .sentence = "Mounts made from here on shall not appear on the host: a new mount namespace is a copy that still "
                 "shares changes with the original, and this ends it ({arg3}).",
     .brief = "mounts made here shall not reach the host",
     .references = {"mount_namespaces(7), SHARED SUBTREES", "runc: libcontainer/rootfs_linux.go, prepareRoot()"},
     .fold = true},
    {.name = "mount-propagation",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"", "", "", "*MS_SLAVE*|*MS_PRIVATE*|*MS_SHARED*|*MS_UNBINDABLE*"},
     .when = [](const Moment& m) { return !glob("*MS_BIND*", text(m, 3)); },
     .sentence = "It says for what it has mounted whether later mounts on the host appear in it: {each}.",
     .brief = "who shares later changes of mounts",
     .references = {"mount(2), MS_PRIVATE, MS_SLAVE"},
     .each = "{arg3}"},

    // --- the root file system ---
    {.name = "rootfs-onto-itself",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"", "", "", "*MS_BIND*"},
     .when =
         [](const Moment& m) {
           return same_place(m) && !glob("*MS_REMOUNT*", text(m, 3)) && !glob("/proc/self/fd/*", text(m, 1));
         },
     .sentence = "The folder with the container's files is mounted onto itself. Nothing seems to change, but so it is "
                 "a mount point of its own in any case, as that which becomes the root must be.",
     .brief = "the container's files are a mount point of their own",
     .references = {"pivot_root(2)", "runc: libcontainer/rootfs_linux.go, prepareRoot()"}},
    {.name = "remount",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"", "", "", "*MS_REMOUNT*"},
     .sentence = "Mounts get their restrictions (read-only, no programs, no device files): a bind mount takes none of "
                 "them when it is made, so each needs a second call.",
     .brief = "restrictions for what is mounted",
     .references = {"mount(2), MS_REMOUNT|MS_BIND"},
     .fold = true},
    {.name = "network-files",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"*/resolv.conf|*/hostname|*/hosts", "", "", "*MS_BIND*"},
     .sentence = "The container gets its own {each}: they were written on the host for it alone, and are mounted over "
                 "those of the image.",
     .brief = "its own {each}",
     .references = {"mount(2), MS_BIND", "resolv.conf(5), hosts(5)"},
     .each = "{base0}"},
    {.name = "cgroup-view-whole",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"/sys/fs/cgroup/*", "", "", "*MS_BIND*"},
     .when = [](const Moment& m) { return !glob("/sys/fs/cgroup/*/*", text(m, 0)); },
     .sentence =
         "It gets to see whole hierarchies of cgroups as they are outside, since it has no cgroup of its own in "
         "them: {each}.",
     .brief = "whole hierarchies of cgroups: {each}",
     .references = {"cgroups(7)"},
     .each = "{hierarchy0}"},
    {.name = "cgroup-view",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"/sys/fs/cgroup/*", "", "", "*MS_BIND*"},
     .sentence = "Of each hierarchy of cgroups the container gets to see its own part only, and as its root: {each}.",
     .brief = "its own part of the cgroups",
     .references = {"cgroups(7)", "runc: libcontainer/rootfs_linux.go"},
     .each = "{hierarchy0}"},
    {.name = "bind-mounts",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"", "", "", "*MS_BIND*"},
     .sentence =
         "Files and folders are made to appear at a second place, in the container's root (bind mounts): {each}.",
     .brief = "it sees more files and folders: {each}",
     .references = {"mount(2), MS_BIND", "OCI runtime-spec: config.md, mounts"},
     .each = "{place0}"},
    {.name = "kernel-file-systems",
     .phase = Root,
     .who = kMounters,
     .call = "mount",
     .args = {"", "", "proc|sysfs|tmpfs|devpts|mqueue|cgroup|cgroup2", ""},
     .sentence = "The file systems that every container has are mounted: {each}. They are the kernel's: proc shows "
                 "the processes of the PID namespace, sysfs the network devices of the network namespace, in which "
                 "they are mounted.",
     .brief = "mounts {each}",
     .references = {"OCI runtime-spec: config-linux.md, Default Filesystems", "mount(2)"},
     .each = "{arg2}"},
    {.name = "overlay",
     .phase = Root,
     .call = "mount",
     .args = {"overlay*", "", "overlay", ""},
     .sentence = "The layers of the image are put on top of each other (overlay), with an empty one above that takes "
                 "what the container writes: together they are its root file system.",
     .brief = "the layers of the image become one file system",
     .references = {"kernel: Documentation/filesystems/overlayfs.rst"},
     .fold = true},
    {.name = "keep-host-network",
     .phase = Namespaces,
     .who = kManager | kOther | kHook,
     .call = "mount",
     .args = {"/proc/*/ns/net", "", "", "*MS_BIND*"},
     .when = own_host_network,
     .sentence = "{comm} mounts the host's network namespace onto a file of its own, so that it can be found there as "
                 "that of a container would be: this container gets none of its own.",
     .brief = "a name for the host's network namespace",
     .references = {"namespaces(7)"}},
    {.name = "keep-network-namespace",
     .phase = Namespaces,
     .who = kManager | kOther | kHook,
     .call = "mount",
     .args = {"/proc/*/ns/net", "", "", "*MS_BIND*"},
     .sentence =
         "{comm} mounts the container's network namespace onto a file of its own: so it stays, and can be found "
         "by a name, even when no process is in it.",
     .brief = "keeps the network namespace by a mount",
     .references = {"namespaces(7)"}},
    {.name = "manager-mount",
     .phase = Root,
     .who = kManager | kShim,
     .call = "mount",
     .when = [](const Moment& m) { return !text(m, 0).empty() && !glob("*MS_REMOUNT*", text(m, 3)); },
     .sentence = "{comm} mounts {arg0} on {arg1}.",
     .brief = "mounts {arg1}",
     .references = {"mount(2)"},
     .fold = true},
    {.name = "safe-proc",
     .phase = Root,
     .who = kStages,
     .call = "fsopen|fsconfig|fsmount",
     .when = [](const Moment& m) { return m.actor.runtime == "runc"; },
     .sentence =
         "{runtime} makes a proc file system that is attached nowhere ({each}), and reads and writes there what "
         "it needs of /proc: the one at /proc, or what lies over it, could be the image's doing.",
     .brief = "a proc file system of its own",
     .references = {"runc 1.3: filepath-securejoin, pathrs-lite/procfs", "fsopen(2)",
                    "CVE-2025-52881 (writes to /proc go elsewhere)"},
     .each = "{call}"},
    {.name = "manager-umount",
     .phase = Root,
     .who = kManager | kShim,
     .call = "umount2",
     .sentence = "{comm} takes mounts away: {each}.",
     .brief = "takes mounts away: {each}",
     .references = {"umount2(2)"},
     .each = "{place0}"},
    {.name = "new-mount-calls",
     .phase = Root,
     .who = kMounters | kRuntime,
     .call = "fsopen|fsconfig|fsmount|fspick|open_tree|open_tree_attr|move_mount|mount_setattr",
     .sentence = "It mounts with the newer calls ({each}): the file system is made first, attached to no place, and "
                 "then moved where it belongs, so that no path can be exchanged meanwhile.",
     .brief = "mounts with the newer calls",
     .references = {"fsopen(2), fsmount(2), move_mount(2)"},
     .each = "{call}"},
    {.name = "devices",
     .phase = Root,
     .who = kMounters,
     .call = "mknodat|mknod",
     .args = {"", "", ""},
     .when = [](const Moment& m) { return !glob("*S_IFIFO*", text(m, m.call().name == "mknod" ? 1 : 2)); },
     .sentence = "The few device files that every program may expect are made in the container's /dev: {each}.",
     .brief = "device files: {each}",
     .references = {"OCI runtime-spec: config-linux.md, Default Devices"},
     .each = "{device}"},
    {.name = "dev-links",
     .phase = Root,
     .who = kMounters,
     .call = "symlinkat",
     .args = {"/proc/self/fd*|/proc/kcore|pts/ptmx"},
     .sentence = "The usual names are linked in /dev: {each}.",
     .brief = "usual names in /dev: {each}",
     .references = {"OCI runtime-spec: runtime-linux.md, Dev symbolic links"},
     .each = "{link}"},

    // --- hooks ---
    {.name = "libnetwork-setkey",
     .phase = Hooks,
     .on = On::Exec,
     .when =
         [](const Moment& m) {
           const auto& argv = m.event.as<trace::Exec>()->argv;
           return !argv.empty() && model::base_name(argv[0]) == "libnetwork-setkey";
         },
     .sentence = "{runtime} calls a hook before the container's program begins, and the hook is dockerd's own program "
                 "file under another name: by it the running dockerd learns where the new network namespace is, and "
                 "connects it. Docker 28 and later does without.",
     .brief = "a hook tells dockerd where the network namespace is",
     .references = {"OCI runtime-spec: config.md, prestart", "moby: daemon/libnetwork/sandbox_externalkey_unix.go"}},
    {.name = "hook",
     .phase = Hooks,
     .on = On::Exec,
     .who = kHook,
     .when = [](const Moment& m) { return !(m.before.part & kHook); },
     .sentence =
         "{runtime} calls a hook{hook_kind}, a program that somebody asked to be called at this point: {program}.",
     .brief = "a hook: {name}",
     .references = {"OCI runtime-spec: config.md, POSIX-platform Hooks"}},
    {.name = "hook-fails",
     .phase = Hooks,
     .on = On::Exit,
     .who = kHook,
     .when =
         [](const Moment& m) {
           return m.process.ended && (m.process.ended->code || m.process.ended->signal) &&
                  !m.process.programs.empty() && m.process.programs.back().event;
         },
     .sentence = "The hook ended {ending}, which is a failure.",
     .brief = "the hook fails",
     .references = {"OCI runtime-spec: runtime.md, Lifecycle"}},

    // --- pivot ---
    {.name = "pivot-dot",
     .phase = Pivot,
     .who = kBuilders,
     .call = "pivot_root",
     .args = {".", "."},
     .sentence =
         "The container's files become its root directory. With \".\" for both, the old root is stacked on the "
         "very same place, on top of the new one: so no folder for it is needed inside, and it can be taken off "
         "from there.",
     .brief = "the container's files become its root",
     .references = {"pivot_root(2), pivot_root(\".\", \".\")", "runc: libcontainer/rootfs_linux.go, pivotRoot()"}},
    {.name = "pivot-same-path",
     .phase = Pivot,
     .who = kBuilders,
     .call = "pivot_root",
     .when = [](const Moment& m) { return text(m, 0) == text(m, 1); },
     .sentence =
         "The container's files become its root directory, and the old root is put on the same place, on top of "
         "the new one, from where it can be taken off.",
     .brief = "the container's files become its root",
     .references = {"pivot_root(2)", "youki: crates/libcontainer/src/syscall/linux.rs, pivot_rootfs()"}},
    {.name = "pivot",
     .phase = Pivot,
     .call = "pivot_root",
     .sentence = "The root directory is changed to {arg0}; the old one is still reachable, at {arg1}, as long as "
                 "things are fetched from there.",
     .brief = "the root becomes {arg0}",
     .references = {"pivot_root(2)", "bubblewrap: bubblewrap.c"}},
    {.name = "old-root-away",
     .phase = Pivot,
     .who = kBuilders,
     .call = "umount2",
     .args = {".|/|oldroot", "*MNT_DETACH*"},
     .sentence = "The old root is taken away: from here on a path leads to those of the host's files only that were "
                 "mounted into the new root.",
     .brief = "the old root is out of reach",
     .references = {"umount2(2), MNT_DETACH", "runc: libcontainer/rootfs_linux.go, pivotRoot()"}},
    {.name = "move-root",
     .phase = Pivot,
     .who = kBuilders,
     .call = "mount",
     .args = {"", "/", "", "*MS_MOVE*"},
     .sentence = "The mount with the container's files is moved onto / (MS_MOVE), over the old root, which stays "
                 "mounted below it: so it is done where pivot_root cannot be (--no-pivot).",
     .brief = "the container's files are moved over the old root",
     .references = {"mount(2), MS_MOVE", "runc: libcontainer/rootfs_linux.go, msMoveRoot()"}},
    {.name = "chroot",
     .phase = Pivot,
     .who = kBuilders,
     .call = "chroot",
     .sentence =
         "The root directory is changed for this process only ({arg0}). This is weaker than pivot_root: the old "
         "root stays mounted.",
     .brief = "the root becomes {arg0}, by chroot",
     .references = {"chroot(2)"}},
    {.name = "chroot-alone",
     .phase = Pivot,
     .who = kOther | kManager | kShim,
     .call = "chroot",
     .sentence =
         "{comm} changes the root directory for itself and what it starts from now on ({arg0}). No namespace is "
         "made: all else of the machine is seen as before, and who has the right can come out again.",
     .brief = "the root becomes {arg0}, by chroot",
     .references = {"chroot(2)"}},
    {.name = "host-name",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "sethostname",
     .sentence = "The container gets its host name, {arg0}. It holds in its own UTS namespace only: the host keeps its "
                 "name.",
     .brief = "its host name: {arg0}",
     .references = {"sethostname(2)", "uts_namespaces(7)", "OCI runtime-spec: config.md, hostname"}},
    {.name = "domain-name",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "setdomainname",
     .sentence = "The container gets its domain name, {arg0}.",
     .brief = "its domain name: {arg0}",
     .references = {"uts_namespaces(7)", "OCI runtime-spec: config.md, domainname"}},
};

}  // namespace

std::span<const Rule> rules_root() {
  return kRules;
}

}  // namespace nstrace::story
