// SPDX-License-Identifier: MIT
// crun, written in C: no second program and no threads, so nothing of runc's dance is needed. One clone makes all
// namespaces but the cgroup one, and gives the process that becomes the container. As of crun 1.8.
//
//     crun                    copies its program and executes the copy, clones, waits
//      +- crun                the container's init
//
// With a user namespace that alone is made by the clone; the others come by unshare, once the ids are mapped, and the
// pid namespace then needs one more fork.
//
// crun exec: a child joins the user namespace through a pidfd, and each namespace by its file with setns of type 0
// ("whatever it is"), twice; and forks. As crun 1.8.1 does it, but for two calls that would touch the host: it executes
// itself from a read-only bind mount in /tmp where the lab copies itself into memory, and its clone3 puts the child
// into the container's cgroup (CLONE_INTO_CGROUP), which the lab has not.
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
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
namespace {

// crun executes a sealed copy of itself; what follows runs in that.
First begin_in_copy(First& first, const std::vector<std::string>& argv) {
  Plan& plan = first.plan;
  Stage& copy = plan.stage("crun");
  copy.leads = true;
  const int fd = copy_own_program(first.stage, "crun_cloned:/proc/self/exe");
  first.stage.execveat_self(fd, argv, {"_LIBCONTAINER_CLONED_BINARY=1"}, copy);
  First out{plan, copy, plan.word("copy.pid"), plan.word("copy.status"), plan.word("copy.word")};
  copy.prctl(NAMED(PR_SET_NAME), text("crun"));
  copy.call(CALL(getpid), {});
  copy.keep(out.pid);
  copy.prctl(NAMED(PR_SET_CHILD_SUBREAPER), number(1));
  return out;
}

void make_root(Stage& init, const Spec& spec) {
  init.why("Private: mounts come through in neither direction. runc keeps the one from the host.");
  init.mount(nullptr, "/", nullptr, NAMED(MS_REC | MS_PRIVATE));
  const int host_program = open_host_program(init, spec);
  init.why("(The image. Real containers find it unpacked.)");
  init.mount("tmpfs", kRoot, "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=755,size=16m");
  init.chdir(kRoot);
  fill_root(init, spec, host_program);
  init.mount(nullptr, kRoot, nullptr, NAMED(MS_PRIVATE));
  init.mount(kRoot.c_str(), kRoot, nullptr, NAMED(MS_BIND | MS_REC));
  init.mount(nullptr, kRoot, nullptr, NAMED(MS_REC | MS_PRIVATE));
  Arg flags = NAMED(MS_REMOUNT | MS_BIND);
  if (spec.borrow_devices) flags = NAMED(MS_NOSUID | MS_NODEV | MS_REMOUNT | MS_BIND);
  init.mount(nullptr, kRoot, nullptr, std::move(flags));
}

void make_dev_links(Stage& init) {
  const int dev = init.openat(kRoot + "/dev", NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  const auto link = [&](const char* target, const char* name) {
    init.call(CALL(symlinkat), {text(target), number(dev), text(name)});
  };
  link("/proc/self/fd", "fd");
  link("/proc/self/fd/0", "stdin");
  link("/proc/self/fd/1", "stdout");
  link("/proc/self/fd/2", "stderr");
  link("/proc/kcore", "core");
  link("pts/ptmx", "ptmx");
  init.close(dev);
}

void protect_proc_sys(Stage& init) {
  const int plain = init.openat(kRoot + "/proc/sys", NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
  const std::string path = "/proc/self/fd/" + std::to_string(plain);
  init.mount(path.c_str(), path, nullptr, NAMED(MS_BIND | MS_REC));
  const int bound = init.openat(kRoot + "/proc/sys", NAMED(O_RDONLY | O_CLOEXEC | O_PATH));
  const std::string on_top = "/proc/self/fd/" + std::to_string(bound);
  init.mount(nullptr, on_top, nullptr, NAMED(MS_REC | MS_PRIVATE));
  init.close(plain);
  init.mount(nullptr, on_top, nullptr, NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND));
  init.close(bound);
}

void pivot(Stage& init) {
  const int old_root = init.openat("/", NAMED(O_RDONLY | O_CLOEXEC | O_PATH | O_DIRECTORY));
  const int new_root = init.openat(kRoot, NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.fchdir(new_root);
  init.call(CALL(pivot_root), {text("."), text(".")});
  init.fchdir(old_root);
  init.mount(nullptr, ".", nullptr, NAMED(MS_REC | MS_PRIVATE));
  init.umount(".", NAMED(MNT_DETACH));
  init.why("Until nothing is left: the second time, there is nothing.");
  init.may_fail_with(EINVAL).umount(".", NAMED(MNT_DETACH));
  init.steps.back().shown_result = " = -1 EINVAL (Invalid argument)";
  init.chdir("/");
  init.mount(nullptr, "/", nullptr, NAMED(MS_REC | MS_PRIVATE));
  init.close(old_root);
  init.close(new_root);
}

void drop_rights(Stage& init, const Spec& spec) {
  drop_bounding_set(init, kContainerCapabilities);
  init.prctl(NAMED(PR_SET_KEEPCAPS), number(1));
  init.call(CALL(setresgid), {number(0), number(0), number(0)});
  init.call(CALL(setresuid), {number(0), number(0), number(0)});
  set_capabilities(init, kContainerCapabilities & spec.capabilities);
  init.call(CALL(prctl), {NAMED(PR_CAP_AMBIENT), NAMED(PR_CAP_AMBIENT_CLEAR_ALL), number(0), number(0), number(0)});
  no_new_privileges(init);
  filter_calls(init);
}

// With a user namespace: that by clone, the rest by unshare, and one more process for the pid namespace.
Stage& make_the_rest(First& first, Stage& outer, int wire, const Register& inner) {
  outer.read(wire, first.word, 1);
  outer.call(CALL(setresgid), {number(0), number(0), number(0)});
  outer.call(CALL(setresuid), {number(0), number(0), number(0)});
  outer.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  outer.call(CALL(unshare), {NAMED(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)});
  Stage& init = first.plan.stage("crun");
  outer.clone(NAMED(CLONE_PARENT | SIGCHLD), init, inner);
  outer.write(wire, inner, 1);
  outer.exit(number(0));
  return init;
}

Container run_container(First& first, const Spec& spec) {
  Plan& plan = first.plan;
  Stage& crun = first.stage;
  crun.may_fail_with(ENOSYS);
  crun.call(CALL(keyctl), {NAMED(KEYCTL_JOIN_SESSION_KEYRING), text("lab")});
  crun.expect_any("<keyring>");
  const auto [to_init, to_crun] = crun.socketpair();
  Stage* init = &plan.stage("crun");
  const Register& first_pid = plan.pid("init");
  const Register* init_pid = &first_pid;
  if (spec.user_namespace) {
    const Register& inner = plan.pid("inner");
    init_pid = &inner;
    crun.clone(NAMED(CLONE_NEWUSER | SIGCHLD), *init, first_pid);
    crun.close(to_crun);
    Stage& outer = *init;
    outer.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
    outer.close(to_init);
    outer.write(to_crun, "map\n");
    write_id_maps(crun, to_init, first_pid, first.word, spec);
    init = &make_the_rest(first, outer, to_crun, inner);
    crun.read(to_init, inner, 1);
    crun.wait(first_pid, first.status);
    crun.write(to_init, "run\n");
    init->prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
    init->read(to_crun, first.word, 1);
  } else {
    crun.clone(NAMED(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | SIGCHLD), *init,
               first_pid);
    crun.close(to_crun);
    init->prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
    init->close(to_init);
  }
  init->prctl(NAMED(PR_SET_DUMPABLE), named(0, "SUID_DUMP_DISABLE"));
  if (spec.drop_groups) init->call(CALL(setgroups), {number(0), null()});
  make_root(*init, spec);
  init->why("After the parent has put this process into its cgroup.");
  init->call(CALL(unshare), {NAMED(CLONE_NEWCGROUP)});
  mount_bundle(*init, spec, kRoot, "/proc/self/fd/");
  static constexpr const char* kOrder[6] = {"null", "zero", "full", "tty", "random", "urandom"};
  make_devices_of_bundle(*init, spec, kRoot, kOrder);
  make_dev_links(*init);
  protect_proc_sys(*init);
  init->may_fail_with(EINVAL);
  init->call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  pivot(*init);
  init->chdir("/");
  init->call(CALL(setsid), {});
  init->expect(1);
  init->call(CALL(sethostname), {text(spec.hostname), number(static_cast<std::int64_t>(spec.hostname.size()))});
  init->write(to_crun, "redy");
  init->read(to_crun, first.word, 1);
  crun.read(to_init, first.word, 1);
  crun.write(to_init, "run\n");
  drop_rights(*init, spec);
  if (spec.stays) {
    init->dup3(to_crun, 0, number(0));
    init->execve("/bin/hold", {"hold"}, {"PATH=/bin", "HOME=/"});
    crun.read(to_init, first.word, 1);
  } else {
    init->execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
  }
  return {*init, *init_pid, to_init, to_crun};
}

// What is joined, in crun's order.
constexpr const char* kJoined[] = {"mnt", "net", "ipc", "pid", "uts", "user", "cgroup", "time"};

// Type 0: whatever the descriptor is. The user namespace is entered through the pidfd, if there is another one; then
// all are tried twice, since some can be joined only without, some only with the rights that it brings.
void join_all(Stage& joining, const Spec& spec, const Register& target) {
  joining.why(
      "A pidfd stands for a process as a whole. Where it has no user namespace of its own, there is none to join.");
  const int pidfd = joining.opens(CALL(pidfd_open), {value(target), number(0)});
  joining.call(CALL(setns), {number(pidfd), NAMED(CLONE_NEWUSER)});
  if (spec.user_namespace) {
    joining.call(CALL(setresgid), {number(0), number(0), number(0)});
    joining.call(CALL(setresuid), {number(0), number(0), number(0)});
    joining.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  } else {
    joining.expect_failure(EINVAL);
  }
  joining.close(pidfd);
  std::vector<int> fds;
  for (const char* file : kJoined) {
    fds.push_back(joining.openat(std::string("/proc/%/ns/") + file, target, NAMED(O_RDONLY)));
  }
  joining.why(
      "Type 0: whatever the descriptor is. First all but the user namespace, then all, for those that need it.");
  for (const bool again : {false, true}) {
    for (std::size_t i = 0; i < fds.size(); ++i) {
      const bool user = std::string_view(kJoined[i]) == "user";
      if (user && !again) continue;
      if (spec.user_namespace && std::string_view(kJoined[i]) == "time") joining.may_fail_with(EPERM);  // the host's
      joining.call(CALL(setns), {number(fds[i]), number(0)});
      if (user) joining.expect_failure(EINVAL);  // nobody joins the one that it is in
    }
  }
  joining.why("Once more: it may have failed for the lack of rights that another namespace brought since.");
  joining.call(CALL(setns), {number(fds[5]), number(0)});
  joining.expect_failure(EINVAL);
  for (const int fd : fds) joining.close(fd);
}

}  // namespace

Plan crun_run(const Spec& spec) {
  Plan plan;
  First before = begin(plan, spec, "crun");
  First first = begin_in_copy(before, {"crun", "run", "lab"});
  const Container container = run_container(first, spec);
  end_as(first, container.init);
  return plan;
}

Plan crun_exec(const Spec& spec) {
  Plan plan;
  Spec stays = spec;
  stays.stays = true;
  First before = begin(plan, spec, "crun");
  First first = begin_in_copy(before, {"crun", "run", "lab"});
  const Container container = run_container(first, stays);

  std::vector<std::string> argv = {"crun", "exec", "lab"};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
  Second second = start_second(first, argv, container.init);
  Stage& crun = second.first.stage;
  crun.prctl(NAMED(PR_SET_DUMPABLE), named(0, "SUID_DUMP_DISABLE"));
  crun.prctl(NAMED(PR_SET_CHILD_SUBREAPER), number(1));
  Stage& joining = plan.stage("crun");
  Stage& init = plan.stage("crun");
  const Register& joining_pid = plan.pid("exec.joining");
  const Register& init_pid = plan.pid("exec.init");
  const auto [from_joining, to_crun] = crun.socketpair();
  crun.clone(NAMED(SIGCHLD), joining, joining_pid);
  crun.close(to_crun);
  crun.read(from_joining, init_pid, 1);
  crun.wait(joining_pid, second.first.status);
  crun.write(from_joining, "run\n");
  crun.read(from_joining, second.first.word, 1);
  crun.write(from_joining, "run\n");

  joining.die_with(second.first.pid);
  joining.close(from_joining);
  join_all(joining, spec, second.target);
  joining.call(CALL(setsid), {});
  joining.expect_any("<pid>");
  joining.why("The pid namespace that was joined is for children. When this one ends, the child becomes crun's.");
  joining.clone(NAMED(SIGCHLD), init, init_pid);
  joining.write(to_crun, init_pid, 1);
  joining.exit(number(0));

  init.why(
      "(The lab's own, so that it dies with crun: not before crun is its parent, or it would die with its maker.)");
  init.read(to_crun, second.first.word, 1);
  init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  init.write(to_crun, "redy");
  init.read(to_crun, second.first.word, 1);
  init.chdir("/");
  init.may_fail_with(EINVAL);
  init.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  if (spec.drop_groups) init.call(CALL(setgroups), {number(0), null()});
  drop_rights(init, spec);
  init.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
  end_as(second.first, init_pid);

  const Register& result = plan.word("result");
  first.stage.wait(second.pid, result);
  end_holding(first, container);
  first.stage.exit(status(result));
  return plan;
}

}  // namespace nstrace::lab
