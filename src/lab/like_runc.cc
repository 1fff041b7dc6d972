// SPDX-License-Identifier: MIT
// runc, the reference runtime; what Docker, containerd and Kubernetes use. Written in Go, which starts threads before
// main() and so cannot make namespaces; hence `runc init`: the program executes itself, and C code that runs before
// Go's runtime (libcontainer/nsenter/nsexec.c) does the stages. The Go part then goes on in the last of them.
//
//     runc                         (Go) Docker calls it `runc create` and `runc start`; `runc run` is both
//      +- runc init = runc:[0:PARENT]   (C)
//      +- runc:[1:CHILD]                (C)
//      +- runc:[2:INIT]                 (C, then Go: libcontainer/standard_init_linux.go)
//
// How the versions differ:
//   1.1  the stage 0 copies its own program into memory and executes it from there: two execs of `runc init`. (Real
//        ones first try a read-only bind mount of it, where the caller may mount, and execute that.) The cgroup
//        namespace is made by the last stage, after the others.
//   1.2  the copy is made before, by `runc` itself: one exec, of /proc/self/fd/N. The cgroup namespace comes with the
//        others. A thread of `runc` joins the container's mount namespace to open mount sources: unshare(CLONE_FS),
//        since threads that share their root directory may not, and setns.
//   1.3  as 1.2; exec joins the user namespace after those that it may join without it. From 1.3.3 on no path is walked
//        twice: what is mounted, made and linked in the new root is named by the descriptor of its directory, and /proc
//        is read in a mount of runc's own, since somebody could have mounted other things over the one at /proc
//        (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881). That is what is played here.
//
// The chapter on the root directory is like_runc_root.cc.
#include "lab/like_runc.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <tuple>

#include "lab/like.h"
#include "lab/rights.h"
#include "lab/root.h"

namespace nstrace::lab {

using runc::by_descriptors;
using runc::open_own_proc;
using runc::Runc;
using runc::set_up_root;
using runc::Version;

namespace {

std::vector<std::string> init_environment(const Runc& r) {
  std::vector<std::string> out = {"GOMAXPROCS=1", "_LIBCONTAINER_INITPIPE=" + std::to_string(r.init_pipe)};
  if (!r.exec) out.push_back("_LIBCONTAINER_FIFOFD=" + std::to_string(r.gate));
  out.push_back(r.exec ? "_LIBCONTAINER_INITTYPE=setns" : "_LIBCONTAINER_INITTYPE=standard");
  out.push_back("_LIBCONTAINER_LOGLEVEL=4");
  return out;
}

// ---- runc (Go), and the Go part of its init

void close_on_exec(Stage& stage) {
  stage.why("Whatever is open by mistake closes with the exec (CVE-2024-21626).");
  stage.may_fail_with(EINVAL);  // before Linux 5.11
  stage.call(CALL(close_range), {number(3), named(0x7fffffff, "2147483647"), NAMED(CLOSE_RANGE_CLOEXEC)});
}

void prepare(Stage& runc, Runc& r) {
  // (Who has no rights over the host's mounts gets none, and runc goes on with /proc as it is.)
  if (by_descriptors(r) && !r.spec.user_namespace) runc.close(open_own_proc(runc, false));
  runc.why("Children of children come to this process, not to the host's init, when their parent ends.");
  runc.prctl(NAMED(PR_SET_CHILD_SUBREAPER), number(1));
  if (!r.exec) {
    runc.why("The gate: init opens it, and waits for the other side. In runc a fifo in the container's state folder.");
    int writer;
    std::tie(r.gate_reader, writer) = runc.pipe();
    runc.call(CALL(fchmod), {number(writer), NAMED(0622)});
    r.gate = runc.openat("/proc/self/fd/" + std::to_string(writer), NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
    runc.close(writer);
  }
  std::tie(r.to_init, r.init_pipe) = runc.socketpair();
}

// Since 1.2, runc does not copy its program where it can lay a read-only overlay over the folder that the program lies
// in, and take it from there (libcontainer/exeseal/overlay_linux.go); a copy in memory is for where it cannot. The
// lab's program lies in no folder, so it makes one first.
int overlay_own_program(Stage& runc) {
  runc.why("The mini runtime's program lies in no folder: it gets one, in a file system that no path leads to.");
  const std::string lower = "/proc/self/fd/" + std::to_string(runc.fsmount(runc.fsopen("tmpfs"), number(0)));
  runc.mkdir(lower + "/program", NAMED(0755));
  runc.mkdir(lower + "/nothing", NAMED(0755));
  const int program = runc.openat(lower + "/program/runc", NAMED(O_WRONLY | O_CREAT | O_CLOEXEC), NAMED(0755));
  const int own = runc.openat("/proc/self/exe", NAMED(O_RDONLY | O_CLOEXEC));
  runc.call(CALL(sendfile), {number(program), number(own), null(), number(1 << 22)});
  runc.expect_any("<size>");
  runc.close(own);
  runc.close(program);
  runc.why("A read-only overlay over that folder: who writes to what it shows writes to nothing that the host has.");
  const int context = runc.fsopen("overlay");
  runc.fsconfig(context, "lowerdir", (lower + "/program:" + lower + "/nothing").c_str());
  runc.fsconfig(context, "xino", "off");
  const int overlay = runc.fsmount(context, NAMED(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  const int copy =
      runc.openat("/proc/self/fd/" + std::to_string(overlay) + "/runc", NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
  runc.close(overlay);
  runc.close(std::stoi(lower.substr(lower.rfind('/') + 1)));
  return copy;
}

// Go's way to start a program: vfork, so that memory is not copied.
void start_runc_init(Stage& runc, Runc& r, Stage& init_program) {
  Stage& starting = r.first.plan.stage("runc");
  int copy = -1;
  if (r.version != Version::v1_1) {
    copy = r.spec.overlays ? overlay_own_program(runc) : copy_own_program(runc, "runc_cloned:/proc/self/exe");
  }
  if (r.version != Version::v1_1) close_on_exec(runc);
  runc.clone(NAMED(CLONE_VM | CLONE_VFORK | SIGCHLD), starting, r.parent);
  starting.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  starting.keep_across_exec(r.init_pipe);
  if (!r.exec) starting.keep_across_exec(r.gate);
  const std::string path = copy < 0 ? "/proc/self/exe" : "/proc/self/fd/" + std::to_string(copy);
  starting.execve_self(text(path), {"runc", "init"}, init_environment(r), init_program);
  runc.close(r.init_pipe);
  if (copy >= 0) runc.close(copy);
  runc.why("The bootstrap message: which namespaces to make or join. Here a pid to live with, and one to join.");
  runc.write(r.to_init, r.first.pid, r.exec ? 2 : 1);
  runc.read(r.to_init, r.child, 2);
  runc.wait(r.parent, r.first.status);
  runc.wait(r.child, r.first.status);
}

// Since 1.2: a thread that visits the container's mount namespace, to open what is to be mounted with runc's rights.
void visit_mount_namespace(Stage& runc, Runc& r) {
  Stage& thread = r.first.plan.stage("runc");
  const auto [from_thread, to_runc] = runc.socketpair();
  const Register& tid = r.first.plan.word("thread");
  runc.clone(NAMED(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM), thread, tid);
  thread.why("Only for a root and working directory of its own, which setns demands. No namespace is made.");
  thread.call(CALL(unshare), {NAMED(CLONE_FS)});
  const int ns = thread.openat("/proc/%/ns/mnt", r.init, NAMED(O_RDONLY | O_CLOEXEC));
  thread.call(CALL(setns), {number(ns), NAMED(CLONE_NEWNS)});
  thread.close(ns);
  thread.write(to_runc, "done");
  thread.call(CALL(exit), {number(0)});
  thread.steps.back().expect = LAB_NO_RETURN;
  thread.steps.back().shown_result = " = ?";
  runc.read(from_thread, r.first.word, 1);
  runc.wait_for_thread(tid);
  runc.close(from_thread);
  runc.close(to_runc);
}

// ---- runc:[0:PARENT] (C)

void be_parent(Stage& init, Runc& r, Stage& parent, Stage& child) {
  Stage* stage = &init;
  if (r.version == Version::v1_1) {
    init.why("Were this the host's file, a program in the container could write to it through /proc/PID/exe.");
    const int copy = copy_own_program(init, "runc_cloned:/proc/self/exe");
    std::vector<std::string> environment = init_environment(r);
    environment.push_back("_LIBCONTAINER_CLONED_BINARY=1");
    init.execveat_self(copy, {"runc", "init"}, environment, parent);
    stage = &parent;
  }
  stage->read(r.init_pipe, r.first.pid, r.exec ? 2 : 1);
  stage->call(CALL(getppid), {});
  stage->expect(r.first.pid);
  if (r.exec) {
    stage->why("Nobody in the container may look into a process that is half in it and still has rights of the host.");
    stage->prctl(NAMED(PR_SET_DUMPABLE), named(0, "SUID_DUMP_DISABLE"));
  }
  stage->prctl(NAMED(PR_SET_NAME), text("runc:[0:PARENT]"));
  std::tie(r.to_child, r.child_to_parent) = stage->socketpair();
  std::tie(r.to_grandchild, r.grandchild_to_parent) = stage->socketpair();
  stage->clone(NAMED(CLONE_PARENT | SIGCHLD), child, r.child);
  stage->close(r.child_to_parent);
  stage->close(r.grandchild_to_parent);
  if (r.spec.user_namespace && !r.exec) write_id_maps(*stage, r.to_child, r.child, r.first.word, r.spec);
  stage->read(r.to_child, r.init, 1);
  stage->write(r.init_pipe, r.child, 2);
  stage->why("The last stage may begin, now that runc knows of it; and this one ends when that has.");
  stage->write(r.to_grandchild, std::string("D\0\0\0", 4));
  stage->read(r.to_grandchild, r.first.word, 1);
  stage->exit(number(0));
}

// ---- runc:[1:CHILD] (C)

struct Namespace {
  std::uint64_t type;
  const char* shown;
  const char* file;
};
constexpr Namespace kUser = {CLONE_NEWUSER, "CLONE_NEWUSER", "user"};
constexpr Namespace kJoined[] = {
    {CLONE_NEWIPC, "CLONE_NEWIPC", "ipc"}, {CLONE_NEWUTS, "CLONE_NEWUTS", "uts"},
    {CLONE_NEWNET, "CLONE_NEWNET", "net"}, {CLONE_NEWPID, "CLONE_NEWPID", "pid"},
    {CLONE_NEWNS, "CLONE_NEWNS", "mnt"},   {CLONE_NEWCGROUP, "CLONE_NEWCGROUP", "cgroup"},
};

void become_root_inside(Stage& child) {
  child.call(CALL(setresuid), {number(0), number(0), number(0)});
  child.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
}

void join(Stage& child, Runc& r) {
  std::vector<Namespace> order;
  if (r.spec.user_namespace) order.push_back(kUser);
  order.insert(order.end(), std::begin(kJoined), std::end(kJoined));
  std::vector<int> fds;
  child.why("All are opened first: from inside, the host's /proc is out of sight.");
  for (const Namespace& ns : order) {
    fds.push_back(child.openat(std::string("/proc/%/ns/") + ns.file, *r.target, NAMED(O_RDONLY | O_CLOEXEC)));
  }
  if (r.spec.user_namespace && r.version == Version::v1_3) {
    child.why("First without the rights that the user namespace brings, should rights of the outside be needed.");
    for (std::size_t i = 1; i < order.size(); ++i) {
      child.may_fail_with(EPERM).call(CALL(setns), {number(fds[i]), named(order[i].type, order[i].shown)});
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    child.call(CALL(setns), {number(fds[i]), named(order[i].type, order[i].shown)});
    if (order[i].type == CLONE_NEWUSER) become_root_inside(child);
  }
  for (const int fd : fds) child.close(fd);
}

void make(Stage& child, Runc& r) {
  if (r.spec.user_namespace) {
    child.call(CALL(unshare), {NAMED(CLONE_NEWUSER)});
    child.write(r.child_to_parent, "map\n");
    child.read(r.child_to_parent, r.first.word, 1);
    become_root_inside(child);
  }
  if (r.version == Version::v1_1) {
    child.call(CALL(unshare), {NAMED(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)});
  } else {
    child.call(CALL(unshare),
               {NAMED(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)});
  }
}

void be_child(Stage& child, Runc& r, Stage& init) {
  child.prctl(NAMED(PR_SET_NAME), text("runc:[1:CHILD]"));
  child.die_with(r.first.pid);
  child.close(r.to_child);
  child.close(r.to_grandchild);
  if (r.exec) {
    join(child, r);
    child.why(
        "\"The remaining namespaces\" are made in the same code as for a new container. None remain: 0 does nothing.");
    child.call(CALL(unshare), {number(0)});
  } else {
    make(child, r);
  }
  child.clone(NAMED(CLONE_PARENT | SIGCHLD), init, r.init);
  child.write(r.child_to_parent, r.init, 1);
  child.exit(number(0));
}

// ---- runc:[2:INIT] (C)

void be_init(Stage& init, Runc& r) {
  init.prctl(NAMED(PR_SET_NAME), text("runc:[2:INIT]"));
  init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  init.close(r.child_to_parent);
  init.read(r.grandchild_to_parent, r.first.word, 1);
  init.call(CALL(setsid), {});
  if (r.exec) {
    init.expect_any("<pid inside>");
  } else {
    init.expect(1);
  }
  init.call(CALL(setuid), {number(0)});
  init.call(CALL(setgid), {number(0)});
  if (r.spec.user_namespace) {
    init.why(
        "Once more: the stage before became root, but in no group; and a process that changes one is let live on.");
    init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  }
  if (r.version == Version::v1_1 && !r.exec) {
    init.why("Only now, since the process must be in its cgroup first: that one becomes the root of what it can see.");
    init.call(CALL(unshare), {NAMED(CLONE_NEWCGROUP)});
  }
  init.write(r.grandchild_to_parent, std::string("E\0\0\0", 4));
  init.close(r.grandchild_to_parent);
  init.why("Keys that the caller holds in the kernel are not for the container. Here the Go part begins.");
  init.may_fail_with(ENOSYS);
  init.call(CALL(keyctl), {NAMED(KEYCTL_JOIN_SESSION_KEYRING), text("_ses.lab")});
  init.expect_any("<keyring>");
  if (r.exec) return;
  init.may_fail_with(ENOSYS);
  init.call(CALL(keyctl), {NAMED(KEYCTL_SETPERM), NAMED(KEY_SPEC_SESSION_KEYRING),
                           named(0x3f1b0000,
                                 "KEY_POS_VIEW|KEY_POS_READ|KEY_POS_WRITE|KEY_POS_SEARCH|KEY_POS_LINK|"
                                 "KEY_POS_SETATTR|KEY_USR_VIEW|KEY_USR_READ|KEY_USR_SEARCH|KEY_USR_LINK")});
}

// ---- runc:[2:INIT] (Go): the rights

void finish(Stage& init, Runc& r) {
  if (by_descriptors(r)) close_on_exec(init);
  init.chdir("/");
  drop_bounding_set(init, kContainerCapabilities);
  init.prctl(NAMED(PR_SET_KEEPCAPS), number(1));
  if (r.spec.drop_groups) init.call(CALL(setgroups), {number(0), null()});
  init.call(CALL(setgid), {number(0)});
  init.call(CALL(setuid), {number(0)});
  init.prctl(NAMED(PR_SET_KEEPCAPS), number(0));
  drop_bounding_set(init, kContainerCapabilities);
  set_capabilities(init, kContainerCapabilities & r.spec.capabilities);
  if (by_descriptors(r)) {
    clear_ambient_set(init);
    filter_calls(init, NAMED(SECCOMP_FILTER_FLAG_SPEC_ALLOW));
  } else {
    lower_ambient_set(init);
    filter_calls(init);
  }
}

void become_command(Stage& init, const Runc& r, const std::vector<std::string>& argv, const std::string& path) {
  if (!by_descriptors(r)) {
    init.may_fail_with(EINVAL);
    init.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  }
  init.execve(path, argv, {"PATH=/bin", "HOME=/"});
}

// ---- the commands

// Up to the container's init that runs; `stays`: it holds itself open for others.
Container run_container(First& first, const Spec& spec, Version version) {
  Plan& plan = first.plan;
  Stage& runc = first.stage;
  Runc r{first, spec, version, false, plan.pid("parent"), plan.pid("child"), plan.pid("init")};
  prepare(runc, r);
  Stage& program = plan.stage("runc");
  Stage& parent = version == Version::v1_1 ? plan.stage("runc:[0:PARENT]") : program;
  Stage& child = plan.stage("runc:[1:CHILD]");
  Stage& init = plan.stage("runc:[2:INIT]");
  start_runc_init(runc, r, program);
  be_parent(program, r, parent, child);
  be_child(child, r, init);
  be_init(init, r);
  if (version != Version::v1_1 && spec.drop_groups) visit_mount_namespace(runc, r);  // (not rootless)

  set_up_root(init, r);
  init.prctl(NAMED(PR_GET_PDEATHSIG), place(first.word, "[<word>]"));
  no_new_privileges(init);
  init.why("Ready; runc writes down the container's state.");
  init.write(r.init_pipe, "redy");
  init.read(r.init_pipe, first.word, 1);
  runc.read(r.to_init, first.word, 1);
  runc.write(r.to_init, "run\n");
  finish(init, r);

  init.why("The container is created. It goes on when the other side of the gate is opened: that is `runc start`.");
  const int gate = init.openat("/proc/self/fd/" + std::to_string(r.gate), NAMED(O_WRONLY | O_CLOEXEC));
  init.write(gate, std::string("0\0\0\0", 4));
  init.close(gate);
  init.write(r.init_pipe, "gate");
  runc.read(r.to_init, first.word, 1);
  runc.read(r.gate_reader, first.word, 1);
  runc.close(r.gate_reader);
  runc.close(r.gate);
  if (spec.stays) {
    init.dup3(r.init_pipe, 0, number(0));
    become_command(init, r, {"hold"}, "/bin/hold");
    runc.read(r.to_init, first.word, 1);
  } else {
    become_command(init, r, spec.argv, program_path(spec));
  }
  return {init, r.init, r.to_init, r.init_pipe};
}

Plan run(const Spec& spec, Version version) {
  Plan plan;
  First first = begin(plan, spec, "runc");
  const Container container = run_container(first, spec, version);
  end_as(first, container.init);
  return plan;
}

Plan exec(const Spec& spec, Version version) {
  Plan plan;
  First first = begin(plan, spec, "runc");
  Spec stays = spec;
  stays.stays = true;
  const Container container = run_container(first, stays, version);

  std::vector<std::string> argv = {"runc", "exec", "lab"};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
  Second second = start_second(first, argv, container.init);
  Stage& runc = second.first.stage;
  Runc r{second.first, spec, version, true, plan.pid("exec.parent"), plan.pid("exec.child"), plan.pid("exec.init")};
  r.target = &second.target;
  std::tie(r.to_init, r.init_pipe) = runc.socketpair();
  Stage& program = plan.stage("runc");
  Stage& parent = version == Version::v1_1 ? plan.stage("runc:[0:PARENT]") : program;
  Stage& child = plan.stage("runc:[1:CHILD]");
  Stage& init = plan.stage("runc:[2:INIT]");
  start_runc_init(runc, r, program);
  be_parent(program, r, parent, child);
  be_child(child, r, init);
  be_init(init, r);
  no_new_privileges(init);
  finish(init, r);
  become_command(init, r, spec.argv, program_path(spec));
  end_as(second.first, r.init);

  const Register& result = plan.word("result");
  first.stage.wait(second.pid, result);
  end_holding(first, container);
  first.stage.exit(status(result));
  return plan;
}

}  // namespace

Plan runc_1_1_run(const Spec& spec) {
  return run(spec, Version::v1_1);
}
Plan runc_1_2_run(const Spec& spec) {
  return run(spec, Version::v1_2);
}
Plan runc_1_3_run(const Spec& spec) {
  return run(spec, Version::v1_3);
}
Plan runc_1_1_exec(const Spec& spec) {
  return exec(spec, Version::v1_1);
}
Plan runc_1_2_exec(const Spec& spec) {
  return exec(spec, Version::v1_2);
}
Plan runc_1_3_exec(const Spec& spec) {
  return exec(spec, Version::v1_3);
}

}  // namespace nstrace::lab
