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
//      +- lab:[0:PARENT]  writes the id maps, tells pids   (ends)
//      +- lab:[1:CHILD]   makes the namespaces             (ends)
//      +- lab:[2:INIT]    is pid 1 in them: sets up the root directory, gives up rights, becomes the command
//
// Two are needed because a new pid namespace does not take in the process that made it, only its next child; the third,
// because who is in a new user namespace may map no more than its own id to one inside (so does like_bwrap.cc), and a
// map of many is written by somebody outside, who has the rights for it. Without a user namespace PARENT has no work
// but to start CHILD; it is there all the same, as in runc. CLONE_PARENT makes them brothers instead of a line of
// descendants, so that the first can wait for each, for the container's init too.
//
// How to read the code: a Stage is the list of calls that one process will make, and each line appends one to it:
// `init.chdir("/")` is a chdir("/") that the init will make when its turn comes. why() is the reason of the call after
// it. So the chapters below stand in the order in which things happen, but nothing happens here: the helper carries it
// out (helper.c). What is only known then, a pid say, is a Register, and stands in a text as %. start() and let_go()
// are the table of contents; the chapters follow.
#include "lab/container.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <tuple>

#include "lab/hooks.h"
#include "lab/rights.h"
#include "lab/root.h"

namespace nstrace::lab {
namespace {

// What the stages of one container tell each other, and through which descriptors.
struct Wires {
  const First& first;
  const Register &parent, &child, &init;    // pids; child and init side by side, they travel together
  int to_parent = -1, to_lab = -1;          // lab <-> PARENT
  int to_init = -1, init_to_lab = -1;       // lab <-> INIT
  int to_child = -1, child_to_parent = -1;  // PARENT <-> CHILD
};

// The chapters, in the order in which things happen.
void start_stages(Stage& lab, Stage& parent, Wires& w);   // lab
void start_child(Stage& parent, Stage& child, Wires& w);  // PARENT
void tell_pids(Stage& parent, Wires& w);                  // PARENT
void begin_child(Stage& child, Wires& w);                 // CHILD
void make_user_namespace(Stage& child, Wires& w);         // CHILD
void join_namespaces(Stage& child, const Spec& spec);     // CHILD
void make_namespaces(Stage& child, const Spec& spec);     // CHILD
void start_init(Stage& child, Stage& init, Wires& w);     // CHILD
void become_leader(Stage& init, Wires& w);                // INIT, and so on
void make_root(Stage& init, const Spec& spec);
void mount_kernel_file_systems(Stage& init, const Spec& spec);
void make_devices(Stage& init, const Spec& spec);
void finish_root(Stage& init, const Spec& spec);
void drop_rights(Stage& init, const Spec& spec);

}  // namespace

// ---- the table of contents

First begin(Plan& plan, const Spec& spec, const std::string& name) {
  Stage& lab = plan.stage(name);
  lab.leads = true;
  First first{plan, lab, plan.word("lab"), plan.word("status"), plan.word("word")};
  lab.why("A step that fails is told here; and what is to be done stands there.");
  lab.dup3(spec.report_fd, LAB_REPORT_FD, NAMED(O_CLOEXEC));
  lab.dup3(spec.plan_fd, LAB_PLAN_FD, NAMED(O_CLOEXEC));
  lab.set_name();
  lab.why("Should nstrace end, however it ends, this process is killed, and with it all the others: nothing stays.");
  lab.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  lab.call(CALL(getppid), {});
  lab.expect(spec.caller);
  lab.steps.back().shown_result = " = <caller>";
  lab.call(CALL(getpid), {});
  lab.keep(first.pid);
  lab.why("No descriptor of the caller's may be seen in the container.");
  lab.call(CALL(close_range), {number(LAB_PLAN_FD + 1), named(~0U, "4294967295"), number(0)});
  lab.call(CALL(umask), {NAMED(022)});
  lab.expect_any("<umask>");
  return first;
}

Container start(First& first, const Spec& spec) {
  Plan& plan = first.plan;
  const std::string prefix = spec.id.empty() ? "" : spec.id + '.';
  const std::string& name = first.stage.name;
  Stage& parent = plan.stage(name + ":[0:PARENT]");
  Stage& child = plan.stage(name + ":[1:CHILD]");
  Stage& init = plan.stage(name + ":[2:INIT]");
  const Register& parent_pid = plan.pid(prefix + "parent");
  const Register& child_pid = plan.pid(prefix + "child");
  const Register& init_pid = plan.pid(prefix + "init");
  Wires w{first, parent_pid, child_pid, init_pid};

  start_stages(first.stage, parent, w);

  start_child(parent, child, w);
  if (spec.user_namespace) write_id_maps(parent, w.to_child, w.child, first.word, spec);
  tell_pids(parent, w);

  begin_child(child, w);
  if (!spec.joins.empty()) join_namespaces(child, spec);
  if (spec.user_namespace) make_user_namespace(child, w);
  make_namespaces(child, spec);
  start_init(child, init, w);

  become_leader(init, w);
  make_root(init, spec);
  mount_kernel_file_systems(init, spec);
  make_devices(init, spec);
  if (spec.hooks) hooks_before_pivot(first, init, w.to_init, w.init_to_lab, w.init);
  change_root(init, spec.pivot);
  finish_root(init, spec);
  drop_rights(init, spec);
  init.why(
      "Ready. Should the first process be gone, what is read is the end of file, and the container ends before its "
      "command begins.");
  init.write(w.init_to_lab, "run\n");
  init.read(w.init_to_lab, first.word, 1);
  first.stage.why("Init has everything ready and waits for the word. Here real runtimes apply limits and run hooks.");
  first.stage.read(w.to_init, first.word, 1);
  return {init, w.init, w.to_init, w.init_to_lab};
}

void let_go(First& first, Container& container, const Spec& spec) {
  first.stage.write(container.wire, "run\n");
  Stage& init = container.stage;
  if (spec.hooks) hook_before_exec(first.plan, init);
  if (spec.stays) {
    init.why("Its command holds the container open for others, until the first process closes the other end of this.");
    init.dup3(container.end_of_wire, 0, number(0));
    first.stage.why("The command is up.");
    first.stage.read(container.wire, first.word, 1);
  } else {
    wait_until_executed(first, container);
  }
  init.why("Whatever is still open closes with the last step.");
  init.may_fail_with(EINVAL);  // before Linux 5.11; each descriptor was opened with O_CLOEXEC anyway
  init.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  init.call(CALL(rt_sigprocmask), {NAMED(SIG_SETMASK), data(std::string(8, '\0'), "[]"), null(), number(8)});
  init.why("The container.");
  const std::vector<std::string> environment = {"PATH=/bin", "HOME=/"};
  if (spec.stays) {
    std::vector<std::string> hold = {"hold"};
    if (!spec.id.empty()) hold.push_back(spec.id);
    init.execve("/bin/hold", hold, environment);
  } else {
    init.execve(program_path(spec), spec.argv, environment);
  }
}

namespace {

// ---- lab: starts the stages

void start_stages(Stage& lab, Stage& parent, Wires& w) {
  std::tie(w.to_parent, w.to_lab) = lab.socketpair();
  std::tie(w.to_init, w.init_to_lab) = lab.socketpair();
  lab.clone(NAMED(SIGCHLD), parent, w.parent);
  lab.close(w.to_lab);
  lab.close(w.init_to_lab);
  lab.why(
      "The pids of the other two, which the parent stage learns as their creator. If it failed, nothing comes, and "
      "this is the end.");
  lab.read(w.to_parent, w.child, 2);
  lab.close(w.to_parent);
  lab.wait(w.parent, w.first.status);
  lab.wait(w.child, w.first.status);
}

// ---- lab:[0:PARENT]: stays in the namespaces of the host

void start_child(Stage& parent, Stage& child, Wires& w) {
  parent.set_name();
  parent.die_with(w.first.pid);
  parent.close(w.to_parent);
  parent.close(w.to_init);
  std::tie(w.to_child, w.child_to_parent) = parent.socketpair();
  parent.why("A child whose parent is not its creator but its creator's parent.");
  parent.clone(NAMED(CLONE_PARENT | SIGCHLD), child, w.child);
  parent.close(w.child_to_parent);
}

void tell_pids(Stage& parent, Wires& w) {
  parent.read(w.to_child, w.init, 1);
  parent.write(w.to_lab, w.child, 2);
  parent.exit(number(0));
}

void write_file(Stage& stage, const char* path_with_pid, const Register& pid, const std::string& content) {
  const int fd = stage.openat(path_with_pid, pid, NAMED(O_WRONLY | O_CLOEXEC));
  stage.write(fd, content);
  stage.close(fd);
}

}  // namespace

void write_id_maps(Stage& parent, int wire, const Register& child, const Register& word, const Spec& spec) {
  parent.why("The child is in its new user namespace, where it is nobody yet.");
  parent.read(wire, word, 1);
  if (!spec.drop_groups) {
    parent.why(
        "Who can drop a group can get at files that this group is shut out from: that must be off, without rights.");
    write_file(parent, "/proc/%/setgroups", child, "deny");
  }
  parent.why("Ids inside, ids outside, how many: root in there is an ordinary user out here.");
  write_file(parent, "/proc/%/uid_map", child, spec.uid_map);
  write_file(parent, "/proc/%/gid_map", child, spec.gid_map);
  parent.write(wire, "map\n");
}

namespace {

// ---- lab:[1:CHILD]: makes the namespaces

void begin_child(Stage& child, Wires& w) {
  child.set_name();
  child.die_with(w.first.pid);
  child.close(w.to_lab);
  child.close(w.to_child);
}

void make_user_namespace(Stage& child, Wires& w) {
  child.why(
      "The user namespace comes first: who makes it has all rights in it, and over the namespaces made from within.");
  child.call(CALL(unshare), {NAMED(CLONE_NEWUSER)});
  child.write(w.child_to_parent, "map\n");
  child.read(w.child_to_parent, w.first.word, 1);
  child.call(CALL(setresuid), {number(0), number(0), number(0)});
  child.call(CALL(setresgid), {number(0), number(0), number(0)});
  child.why("The kernel forgets this when a process becomes another user.");
  child.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
}

void join_namespaces(Stage& child, const Spec& spec) {
  std::vector<int> fds;
  child.why(
      "A namespace is a file; who opens it holds it. First all are opened: some are out of sight after a step inside.");
  for (const Join& join : spec.joins) {
    fds.push_back(child.openat("/proc/%/ns/" + join.file, *join.of, NAMED(O_RDONLY | O_CLOEXEC)));
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    child.call(CALL(setns), {number(fds[i]), named(spec.joins[i].type, spec.joins[i].shown)});
  }
  for (const int fd : fds) child.close(fd);
}

struct NamespaceFlag {
  std::uint64_t flag;
  const char* name;
};
constexpr NamespaceFlag kNamespaces[] = {
    {CLONE_NEWNS, "CLONE_NEWNS"},   {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"}, {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"}, {CLONE_NEWPID, "CLONE_NEWPID"},       {CLONE_NEWNET, "CLONE_NEWNET"},
};

void make_namespaces(Stage& child, const Spec& spec) {
  std::uint64_t flags = 0;
  std::string shown;
  for (const NamespaceFlag& ns : kNamespaces) {
    bool joined = false;
    for (const Join& join : spec.joins) joined |= join.type == ns.flag;
    if (joined) continue;
    flags |= ns.flag;
    shown += (shown.empty() ? "" : "|") + std::string(ns.name);
  }
  child.why("All the others at once. This process is in all of them but the pid namespace: that is for its children.");
  child.call(CALL(unshare), {named(flags, shown)});
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
  init.why(
      "As the stages before; but getppid() gives 0 for a parent outside the pid namespace. In its place comes what is "
      "read from lab below: it is the end of file when lab is gone.");
  init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  init.close(w.child_to_parent);
  init.why("A session of its own: what is typed into the caller's terminal, Ctrl-C too, does not reach it.");
  init.call(CALL(setsid), {});
  init.expect(1);
}

void make_root(Stage& init, const Spec& spec) {
  init.why(
      "The new mount namespace is a copy, but linked: a mount made here would appear on the host. Cut that direction.");
  init.mount("", "/", nullptr, NAMED(MS_REC | MS_SLAVE));
  const int host_program = open_host_program(init, spec);
  init.why("The new root directory must be a mount. Only this container sees that /tmp is something else from now on.");
  init.mount("tmpfs", kRoot, "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=755,size=16m");
  init.chdir(kRoot);
  fill_root(init, spec, host_program);
}

// What the kernel offers as file systems, each the instance of the new namespace: /proc shows the pids of the new pid
// namespace, /sys the devices of the new network namespace, /dev/mqueue the queues of the new ipc namespace.
void mount_kernel_file_systems(Stage& init, const Spec& spec) {
  init.mount("proc", "proc", "proc", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC));
  init.mount("tmpfs", "dev", "tmpfs", NAMED(MS_NOSUID | MS_STRICTATIME), "mode=755,size=64k");
  for (const char* path : {"dev/pts", "dev/shm", "dev/mqueue"}) init.mkdir(path, NAMED(0755));
  init.mount("devpts", "dev/pts", "devpts", NAMED(MS_NOSUID | MS_NOEXEC), "newinstance,ptmxmode=0666,mode=0620");
  init.mount("shm", "dev/shm", "tmpfs", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC), "mode=1777,size=16m");
  init.mount("mqueue", "dev/mqueue", "mqueue", NAMED(MS_NOSUID | MS_NODEV | MS_NOEXEC));
  // A user namespace gets a sysfs only where the host's own is not covered in part.
  if (spec.borrow_devices) init.may_fail_with(EPERM);
  init.mount("sysfs", "sys", "sysfs", NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
}

void make_devices(Stage& init, const Spec& spec) {
  for (const Device& device : kDevices) {
    const std::string path = std::string("dev/") + device.name;
    if (spec.borrow_devices) {
      borrow_device(init, device, path);
    } else {
      make_device(init, device, path);
    }
  }
  make_device_links(init, "dev");
}

// Namespaces are not for all of /proc. Runtimes protect more than this: what only some kernels have is not in here, so
// that the trace is the same on all.
void protect_proc(Stage& init) {
  init.why("The kernel's settings, devices and file systems are the host's: to be seen, but not to be written to.");
  for (const char* path : {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"}) {
    init.mount(path, path, nullptr, NAMED(MS_BIND | MS_REC));
    init.mount(path, path, nullptr,
               NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND | MS_REC));
  }
  init.why("And these tell of the host's keys and timers: they are covered, with what reads as an empty file.");
  for (const char* path : {"/proc/keys", "/proc/timer_list"}) {
    init.may_fail_with(ENOENT).mount("/dev/null", path, nullptr, NAMED(MS_BIND));
  }
}

void finish_root(Stage& init, const Spec& spec) {
  bool own_name = true;
  for (const Join& join : spec.joins) own_name &= join.type != CLONE_NEWUTS;
  if (own_name) {
    init.call(CALL(sethostname), {text(spec.hostname), number(static_cast<std::int64_t>(spec.hostname.size()))});
  }
  if (spec.privileged) return;
  protect_proc(init);
}

void drop_rights(Stage& init, const Spec& spec) {
  if (spec.privileged) return;
  init.why("From here on no program can give more rights than its caller has: set-user-ID does nothing.");
  no_new_privileges(init);
  init.why(
      "Root inside is root by name only: all but fourteen capabilities go, first those that could be got back ...");
  drop_bounding_set(init, kContainerCapabilities);
  if (spec.drop_groups) {
    init.why("(groups, then group, then user: after setuid the right to do the others could be gone)");
    init.call(CALL(setgroups), {number(0), null()});
    init.call(CALL(setgid), {number(0)});
    init.call(CALL(setuid), {number(0)});
  }
  init.why("... then those in use.");
  set_capabilities(init, kContainerCapabilities & spec.capabilities);
  init.why("Some calls are denied whatever the rights. Last, since this step is a call that such a list would deny.");
  filter_calls(init);
}

}  // namespace

First begin_inside(Plan& plan, Stage& runtime) {
  runtime.leads = true;
  First first{plan, runtime, plan.word("inner.lab"), plan.word("inner.status"), plan.word("inner.word")};
  runtime.set_name();
  runtime.call(CALL(getpid), {});
  runtime.keep(first.pid);
  return first;
}

void wait_until_executed(First& first, const Container& container) {
  first.stage.why("The other end closes with the execve: from here on the command runs.");
  first.stage.read_end(container.wire, first.word);
  first.stage.close(container.wire);
}

void end_as(First& first, const Register& pid) {
  first.stage.wait(pid, first.status);
  first.stage.exit(status(first.status));
}

void end_holding(First& first, const Container& container) {
  first.stage.close(container.wire);
  first.stage.why("Pid 1 ends; had it left children, the kernel would kill them now.");
  first.stage.wait(container.init, first.status);
}

}  // namespace nstrace::lab
