// SPDX-License-Identifier: MIT
// How a container comes to be, call by call. Read from top to bottom: this is what every runtime does, in the order and
// with the stages of runc, less what only production needs (limits, security modules, image layers).
//
// The kernel has no containers. It has processes, and for each kind of thing that processes share (mounts, pids, host
// name, network, ...) a namespace that says which instance of it a process sees. A container is a process that was
// given new instances of nearly all of them, a root directory of its own, and fewer rights; and then became another
// program.
//
// It takes three processes to get there, and one that stays to wait:
//
//     lab ----------------------------------------------> waits for the container, ends with its exit code
//      +- lab:[0:PARENT] writes the id maps, tells pids    (ends)
//      +- lab:[1:CHILD]  makes the namespaces              (ends)
//      +- lab:[2:INIT]   is pid 1 in them: sets up the root directory, gives up rights, becomes the command
//
// Two are needed because a new pid namespace does not take in the process that made it, only its next child; the third,
// because the rights to write the id maps of a user namespace are outside it. CLONE_PARENT makes them brothers
// instead of a line of descendants, so that the first process can wait for each, also for the container itself.
#include "lab/container.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "lab/capabilities.h"

namespace nstrace::lab {
namespace {

// What the stages tell each other, and through which descriptors.
struct Wires {
  Register &lab, &parent, &child, &init;    // pids
  Register& status;                         // how the process that was waited for ended
  Register& signal;                         // a word that only says "go on"
  int to_parent = -1, to_lab = -1;          // lab <-> PARENT
  int to_init = -1, init_to_lab = -1;       // lab <-> INIT
  int to_child = -1, child_to_parent = -1;  // PARENT <-> CHILD
};

// ---- lab: starts the stages, waits

void begin(Stage& lab, Wires& w, const Spec& spec) {
  lab.why("A step that fails is told here.");
  lab.call("dup3", SYS_dup3, {number(spec.report_fd), number(LAB_REPORT_FD), NAMED(O_CLOEXEC)});
  lab.expect(LAB_REPORT_FD);
  lab.set_name();
  lab.why(
      "Should nstrace end, however it ends, this process is killed, and with it all the others: nothing stays behind.");
  lab.call("prctl", SYS_prctl, {NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL)});
  lab.call("getppid", SYS_getppid, {});
  lab.expect(spec.caller);
  lab.steps.back().shown_result = " = <caller>";
  lab.call("getpid", SYS_getpid, {});
  lab.keep(w.lab);
  lab.why("No descriptor of the caller's may be seen in the container.");
  lab.call("close_range", SYS_close_range, {number(LAB_REPORT_FD + 1), named(~0U, "4294967295"), number(0)});
  lab.call("umask", SYS_umask, {named(022, "022")});
  lab.expect_any("<umask>");
}

void start_stages(Stage& lab, Stage& parent, Wires& w) {
  std::tie(w.to_parent, w.to_lab) = lab.socketpair();
  std::tie(w.to_init, w.init_to_lab) = lab.socketpair();
  lab.clone(NAMED(SIGCHLD), parent, w.parent);
  lab.close(w.to_lab);
  lab.close(w.init_to_lab);
  lab.why(
      "The pids of the other two, which the parent stage learns as their creator. If it failed, this is the end of "
      "file.");
  lab.read(w.to_parent, w.child, 2);
}

void wait_for_all(Stage& lab, Wires& w) {
  lab.wait(w.parent, w.status);
  lab.wait(w.child, w.status);
  lab.why(
      "Init says that everything is ready and waits for the word to go on: here real runtimes apply limits and run "
      "hooks.");
  lab.read(w.to_init, w.signal, 1);
  lab.write(w.to_init, "run\n");
  lab.why("From here on the container is on its own.");
  lab.wait(w.init, w.status);
  lab.exit(status(w.status));
}

// ---- lab:[0:PARENT]: stays in the namespaces of the host

void start_child(Stage& parent, Stage& child, Wires& w) {
  parent.set_name();
  parent.die_with_parent(w.lab);
  parent.close(w.to_parent);
  parent.close(w.to_init);
  std::tie(w.to_child, w.child_to_parent) = parent.socketpair();
  parent.why("A child whose parent is not its creator but its creator's parent.");
  parent.clone(NAMED(CLONE_PARENT | SIGCHLD), child, w.child);
  parent.close(w.child_to_parent);
}

void write_file(Stage& stage, const char* path_with_pid, const Register& pid, const std::string& content) {
  const int fd = stage.openat(path_with_pid, pid, NAMED(O_WRONLY | O_CLOEXEC));
  stage.write(fd, content);
  stage.close(fd);
}

void write_id_maps(Stage& parent, Wires& w, const Spec& spec) {
  if (!spec.user_namespace) return;
  parent.why("The child is in its new user namespace, where it is nobody yet.");
  parent.read(w.to_child, w.signal, 1);
  parent.why(
      "Who could drop a group could get at files that the group is shut out from: without rights that must be off.");
  write_file(parent, "/proc/%/setgroups", w.child, "deny");
  parent.why("The ids inside, the ids outside, how many: root in there is the calling user out here.");
  write_file(parent, "/proc/%/uid_map", w.child, "0 " + std::to_string(spec.outer_uid) + " 1\n");
  write_file(parent, "/proc/%/gid_map", w.child, "0 " + std::to_string(spec.outer_gid) + " 1\n");
  parent.write(w.to_child, "map\n");
}

void tell_pids(Stage& parent, Wires& w) {
  parent.read(w.to_child, w.init, 1);
  parent.write(w.to_lab, w.child, 2);
  parent.exit(number(0));
}

// ---- lab:[1:CHILD]: makes the namespaces

void make_namespaces(Stage& child, Wires& w, const Spec& spec) {
  child.set_name();
  child.die_with_parent(w.lab);
  child.close(w.to_lab);
  child.close(w.to_child);
  if (spec.user_namespace) {
    child.why(
        "The user namespace comes first: whoever makes it has all rights in it, and over the namespaces made from "
        "within.");
    child.call("unshare", SYS_unshare, {NAMED(CLONE_NEWUSER)});
    child.write(w.child_to_parent, "map\n");
    child.read(w.child_to_parent, w.signal, 1);
    child.call("setresuid", SYS_setresuid, {number(0), number(0), number(0)});
    child.call("setresgid", SYS_setresgid, {number(0), number(0), number(0)});
  }
  child.why("All the others at once. This process is in all of them but the pid namespace: that is for its children.");
  child.call("unshare", SYS_unshare,
             {NAMED(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)});
}

void start_init(Stage& child, Stage& init, Wires& w) {
  child.why(
      "The first process in the new pid namespace: pid 1 in there. When it ends, the kernel kills all others in it.");
  child.clone(NAMED(CLONE_PARENT | SIGCHLD), init, w.init);
  child.write(w.child_to_parent, w.init, 1);
  child.exit(number(0));
}

// ---- lab:[2:INIT]: the container's own first process

void become_leader(Stage& init, Wires& w) {
  init.set_name();
  init.call("prctl", SYS_prctl, {NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL)});
  init.close(w.child_to_parent);
  init.why("A session of its own: what is typed into the caller's terminal, Ctrl-C too, does not reach it.");
  init.call("setsid", SYS_setsid, {});
  init.expect(1);
}

// The root directory. Real runtimes take an unpacked image; here it is an empty tmpfs, filled with one program.
void make_root(Stage& init, const Spec& spec) {
  init.why(
      "The new mount namespace is a copy, but linked: what is mounted here would appear on the host. Cut the link this "
      "way.");
  init.mount("", "/", nullptr, NAMED(MS_REC | MS_SLAVE));

  int host_program = -1;
  if (!spec.host_program.empty()) host_program = init.openat(spec.host_program, NAMED(O_RDONLY | O_CLOEXEC | O_PATH));

  init.why("The new root directory must be a mount. /tmp is there on every host; the host itself does not see this.");
  init.mount("tmpfs", "/tmp", "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=755,size=16m");
  init.chdir("/tmp");
  for (const char* path : {"bin", "dev", "proc", "sys", "tmp"}) init.mkdir(path, NAMED(0755));

  init.why("/bin: this program itself, which is all commands in one, by name.");
  const int self = init.openat("/proc/self/exe", NAMED(O_RDONLY | O_CLOEXEC));
  const int copy = init.openat("bin/lab", NAMED(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), NAMED(0755));
  init.call("sendfile", SYS_sendfile, {number(copy), number(self), null(), number(LAB_PLAN_MAX * 16)});
  init.expect_any("<size>");
  init.close(copy);
  init.close(self);
  const std::string base = spec.host_program.substr(spec.host_program.rfind('/') + 1);
  for (const std::string& name : commands()) {
    if (host_program < 0 || name != base) init.symlink("lab", "bin/" + name);
  }

  if (host_program >= 0) {
    init.why("A bind mount: the host's file is seen at a second place, then made read-only there.");
    init.create_empty("bin/" + base, NAMED(0755));
    const std::string source = "/proc/self/fd/" + std::to_string(host_program);
    init.mount(source.c_str(), "bin/" + base, nullptr, NAMED(MS_BIND));
    Arg flags = NAMED(MS_RDONLY | MS_REMOUNT | MS_BIND);
    flags.number |= spec.host_mount_flags;  // what is locked on the host's mount must stay
    init.mount(nullptr, "bin/" + base, nullptr, std::move(flags));
    init.close(host_program);
  }
}

// What the kernel offers as file systems, each the one of the new namespace: /proc shows the pids of the new pid
// namespace, /sys the devices of the new network namespace, ...
void mount_kernel_file_systems(Stage& init, const Spec& spec) {
  init.mount("proc", "proc", "proc", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC));
  init.mount("tmpfs", "dev", "tmpfs", NAMED(MS_NOSUID | MS_STRICTATIME), "mode=755,size=64k");
  for (const char* path : {"dev/pts", "dev/shm", "dev/mqueue"}) init.mkdir(path, NAMED(0755));
  init.mount("devpts", "dev/pts", "devpts", NAMED(MS_NOSUID | MS_NOEXEC), "newinstance,ptmxmode=0666,mode=0620");
  init.mount("shm", "dev/shm", "tmpfs", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), "mode=1777,size=16m");
  init.mount("mqueue", "dev/mqueue", "mqueue", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (spec.user_namespace) {
    // The kernel gives sysfs to a user namespace only where the host's is not hidden in part.
    init.may_fail_with(EPERM);
  }
  init.mount("sysfs", "sys", "sysfs", NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
}

struct Device {
  const char* name;
  unsigned major, minor;
  const char* shown;
};
constexpr Device kDevices[] = {
    {"null", 1, 3, "makedev(0x1, 0x3)"},   {"zero", 1, 5, "makedev(0x1, 0x5)"},    {"full", 1, 7, "makedev(0x1, 0x7)"},
    {"random", 1, 8, "makedev(0x1, 0x8)"}, {"urandom", 1, 9, "makedev(0x1, 0x9)"}, {"tty", 5, 0, "makedev(0x5, 0)"},
};

void make_devices(Stage& init, const Spec& spec) {
  for (const Device& device : kDevices) {
    const std::string path = std::string("dev/") + device.name;
    if (spec.user_namespace) {  // may not make device nodes: borrows the host's
      init.create_empty(path, NAMED(0666));
      init.mount(("/" + path).c_str(), path, nullptr, NAMED(MS_BIND));
    } else {
      init.call("mknodat", SYS_mknodat,
                {NAMED(AT_FDCWD), text(path), NAMED(S_IFCHR | 0666),
                 named(makedev(device.major, device.minor), device.shown)});
      init.call("fchmodat", SYS_fchmodat, {NAMED(AT_FDCWD), text(path), NAMED(0666)});
    }
  }
  init.symlink("pts/ptmx", "dev/ptmx");
  init.symlink("/proc/self/fd", "dev/fd");
  init.symlink("/proc/self/fd/0", "dev/stdin");
  init.symlink("/proc/self/fd/1", "dev/stdout");
  init.symlink("/proc/self/fd/2", "dev/stderr");
}

void change_root(Stage& init) {
  init.why("Hold on to both roots, so that they can be reached when names no longer lead there.");
  const int old_root = init.openat("/", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  const int new_root = init.openat(".", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.fchdir(new_root);
  init.why("The swap. Both names are the new root: the old one comes to lie on top of it, at the same place.");
  init.call("pivot_root", SYS_pivot_root, {text("."), text(".")});
  init.fchdir(old_root);
  init.why("Undoing the old root's mounts must not reach the host ...");
  init.mount("", ".", nullptr, NAMED(MS_REC | MS_SLAVE));
  init.why("... and now the host's whole tree is let go of. There is no way back from here.");
  init.umount(".", NAMED(MNT_DETACH));
  init.chdir("/");
  init.close(old_root);
  init.close(new_root);
}

void finish_root(Stage& init, const Spec& spec) {
  init.call("sethostname", SYS_sethostname,
            {text(spec.hostname), number(static_cast<std::int64_t>(spec.hostname.size()))});
  init.why("/proc/sys holds the kernel's settings, many of them the host's: visible, but not to be written to.");
  init.mount("/proc/sys", "/proc/sys", nullptr, NAMED(MS_BIND | MS_REC));
  init.mount("/proc/sys", "/proc/sys", nullptr,
             NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND | MS_REC));
}

void drop_rights(Stage& init, const Spec& spec) {
  init.why("From here on no program can give more rights than its caller has: set-user-ID does nothing.");
  init.call("prctl", SYS_prctl, {NAMED(PR_SET_NO_NEW_PRIVS), number(1), number(0), number(0), number(0)});
  init.why(
      "Root inside is root by name only: all but fourteen capabilities go, first those that could ever be got back "
      "...");
  for (const Capability& capability : capabilities()) {
    if ((kContainerCapabilities >> capability.number & 1) != 0) continue;
    init.may_fail_with(EINVAL);  // a kernel that does not know this one
    init.call("prctl", SYS_prctl, {NAMED(PR_CAPBSET_DROP), named(capability.number, capability.name)});
  }
  if (!spec.user_namespace) {
    init.why("(groups, then group, then user: after setuid the rights to do the others could be gone)");
    init.call("setgroups", SYS_setgroups, {number(0), null()});
    init.call("setgid", SYS_setgid, {number(0)});
    init.call("setuid", SYS_setuid, {number(0)});
  }
  init.why("... then those in use.");
  init.call("capset", SYS_capset, {capability_header(), capability_sets(kContainerCapabilities & spec.capabilities)});
}

std::string program_path(const Spec& spec) {
  const std::string& program = spec.host_program.empty() ? spec.argv[0] : spec.host_program;
  return "/bin/" + program.substr(program.rfind('/') + 1);
}

void become_command(Stage& init, Wires& w, const Spec& spec) {
  init.why("Ready. Should the first process be gone, this is the end of file, and the container ends unborn.");
  init.write(w.init_to_lab, "run\n");
  init.read(w.init_to_lab, w.signal, 1);
  init.why("Whatever is still open closes with the next step.");
  init.may_fail_with(EINVAL);  // before Linux 5.11; each descriptor was opened with O_CLOEXEC anyway
  init.call("close_range", SYS_close_range, {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  init.call("rt_sigprocmask", SYS_rt_sigprocmask,
            {NAMED(SIG_SETMASK), data(std::string(8, '\0'), "[]"), null(), number(8)});
  init.why("The container.");
  init.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
}

}  // namespace

const std::vector<std::string>& commands() {
  static const std::vector<std::string> names = {"hello",    "true", "false", "echo",  "cat",
                                                 "hostname", "id",   "ls",    "sleep", "pause"};
  return names;
}

Plan container_plan(const Spec& spec) {
  Plan plan;
  Stage& lab = plan.stage("lab");
  Stage& parent = plan.stage("lab:[0:PARENT]");
  Stage& child = plan.stage("lab:[1:CHILD]");
  Stage& init = plan.stage("lab:[2:INIT]");
  Wires w{plan.word("lab"), plan.pid("parent"),  plan.pid("child"),
          plan.pid("init"), plan.word("status"), plan.word("go")};

  begin(lab, w, spec);
  start_stages(lab, parent, w);
  wait_for_all(lab, w);

  start_child(parent, child, w);
  write_id_maps(parent, w, spec);
  tell_pids(parent, w);

  make_namespaces(child, w, spec);
  start_init(child, init, w);

  become_leader(init, w);
  make_root(init, spec);
  mount_kernel_file_systems(init, spec);
  make_devices(init, spec);
  change_root(init);
  finish_root(init, spec);
  drop_rights(init, spec);
  become_command(init, w, spec);
  return plan;
}

}  // namespace nstrace::lab
