// SPDX-License-Identifier: MIT
// youki, written in Rust, single-threaded where it matters. Two processes beside the command: the first makes the pid
// namespace, the second, in it, all others, each with an unshare of its own. As of youki 0.4.
//
//     youki                   the command
//      +- youki:[1:INTER]     user namespace, pid namespace
//      +- youki:[2:INIT]      the rest; brother of INTER by CLONE_PARENT, without a signal at its end: clone3 demands
//      that
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <iterator>
#include <tuple>

#include "lab/like.h"
#include "lab/rights.h"
#include "lab/root.h"

namespace nstrace::lab {
namespace {

void clone3(Stage& stage, std::uint64_t flags, const char* shown_flags, std::uint64_t signal, const char* shown_signal,
            Stage& child, const Register& pid) {
  clone_args arguments = {};
  arguments.flags = flags;
  arguments.exit_signal = signal;
  const std::string shown =
      std::string("{flags=") + shown_flags + ", exit_signal=" + shown_signal + ", stack=NULL, stack_size=0}";
  stage.clone3(data({reinterpret_cast<const char*>(&arguments), sizeof arguments}, shown), sizeof arguments, child,
               pid);
}

struct Namespace {
  std::uint64_t type;
  const char* shown;
  const char* file;
};
// youki's order (namespaces.rs, ORDERED_NAMESPACES), without user and pid: those come before.
constexpr Namespace kOrder[] = {{CLONE_NEWUTS, "CLONE_NEWUTS", "uts"},
                                {CLONE_NEWIPC, "CLONE_NEWIPC", "ipc"},
                                {CLONE_NEWNET, "CLONE_NEWNET", "net"},
                                {CLONE_NEWCGROUP, "CLONE_NEWCGROUP", "cgroup"},
                                {CLONE_NEWNS, "CLONE_NEWNS", "mnt"}};

// `target`: the container to join, or null to make one.
struct Youki {
  First& first;
  const Spec& spec;
  const Register* target;
  const Register &inter, &init;
  int to_init = -1, to_youki = -1;
};

void become_root_inside(Stage& inter) {
  inter.prctl(NAMED(PR_SET_KEEPCAPS), number(1));
  inter.call(CALL(setresgid), {number(0), number(0), number(0)});
  inter.call(CALL(setresuid), {number(0), number(0), number(0)});
  inter.prctl(NAMED(PR_SET_KEEPCAPS), number(0));
  inter.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
}

void be_inter(Youki& y, Stage& inter, Stage& init, const std::vector<int>& fds, int user_fd, int pid_fd) {
  inter.prctl(NAMED(PR_SET_NAME), text("youki:[1:INTER]"));
  inter.die_with(y.first.pid);
  inter.close(y.to_init);
  if (y.target != nullptr) {
    if (user_fd >= 0) {
      inter.call(CALL(setns), {number(user_fd), NAMED(CLONE_NEWUSER)});
      become_root_inside(inter);
      inter.close(user_fd);
    }
    inter.call(CALL(setns), {number(pid_fd), NAMED(CLONE_NEWPID)});
    inter.close(pid_fd);
  } else {
    if (y.spec.user_namespace) {
      inter.call(CALL(unshare), {NAMED(CLONE_NEWUSER)});
      inter.prctl(NAMED(PR_SET_DUMPABLE), named(1, "SUID_DUMP_USER"));
      inter.write(y.to_youki, "map\n");
      inter.read(y.to_youki, y.first.word, 1);
      become_root_inside(inter);
    }
    inter.call(CALL(unshare), {NAMED(CLONE_NEWPID)});
  }
  clone3(inter, CLONE_PARENT, "CLONE_PARENT", 0, "0", init, y.init);
  inter.write(y.to_youki, y.init, 1);
  inter.exit(number(0));

  init.prctl(NAMED(PR_SET_NAME), text("youki:[2:INIT]"));
  init.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  init.read(y.to_youki, y.first.word, 1);
  init.call(CALL(setsid), {});
  if (y.target != nullptr) {
    init.expect_any("<pid inside>");
  } else {
    init.expect(1);
    init.why("One by one, where runc and crun make them at once.");
  }
  for (std::size_t i = 0; i < std::size(kOrder); ++i) {
    if (y.target != nullptr) {
      init.call(CALL(setns), {number(fds[i]), named(kOrder[i].type, kOrder[i].shown)});
      init.close(fds[i]);
    } else {
      init.call(CALL(unshare), {named(kOrder[i].type, kOrder[i].shown)});
    }
  }
}

void make_root(Stage& init, const Spec& spec) {
  init.mount(nullptr, "/", nullptr, NAMED(MS_REC | MS_SLAVE));
  const int host_program = open_host_program(init, spec);
  init.why("(The image. Real containers find it unpacked.)");
  init.mount("tmpfs", kRoot, "tmpfs", NAMED(MS_NOSUID | MS_NODEV), "mode=755,size=16m");
  init.chdir(kRoot);
  fill_root(init, spec, host_program);
  init.mount(kRoot.c_str(), kRoot, nullptr, NAMED(MS_BIND | MS_REC));
  mount_bundle(init, spec, kRoot, "/proc/self/fd/");
  make_device_links(init, kRoot + "/dev");
  static constexpr const char* kDeviceOrder[6] = {"null", "zero", "full", "tty", "urandom", "random"};
  make_devices_of_bundle(init, spec, kRoot, kDeviceOrder);
  const int new_root = init.openat(kRoot, NAMED(O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  init.why(
      "By its path, where others stand in it and say \".\": afterwards the old root lies on the new one all the same.");
  init.call(CALL(pivot_root), {text(kRoot), text(kRoot)});
  init.mount(nullptr, "/", nullptr, NAMED(MS_REC | MS_SLAVE));
  init.umount("/", NAMED(MNT_DETACH));
  init.fchdir(new_root);
  init.close(new_root);
  init.mount("/proc/sys", "/proc/sys", nullptr, NAMED(MS_BIND | MS_REC));
  init.mount("/proc/sys", "/proc/sys", nullptr,
             NAMED(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND | MS_REC));
}

void drop_rights(Stage& init, const Spec& spec) {
  init.chdir("/");
  if (spec.drop_groups) init.call(CALL(setgroups), {number(0), null()});
  init.prctl(NAMED(PR_SET_KEEPCAPS), number(1));
  init.call(CALL(setresgid), {number(0), number(0), number(0)});
  init.call(CALL(setresuid), {number(0), number(0), number(0)});
  init.prctl(NAMED(PR_SET_KEEPCAPS), number(0));
  init.may_fail_with(EINVAL);
  init.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  drop_bounding_set(init, kContainerCapabilities);
  set_capabilities(init, kContainerCapabilities & spec.capabilities);
  filter_calls(init);
}

// youki's part, the same for a new container and for one to join.
Stage& start_stages(Youki& y) {
  Plan& plan = y.first.plan;
  Stage& youki = y.first.stage;
  Stage& inter = plan.stage("youki:[1:INTER]");
  Stage& init = plan.stage("youki:[2:INIT]");
  youki.may_fail_with(EINVAL);
  youki.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  std::vector<int> fds;
  int user_fd = -1, pid_fd = -1;
  if (y.target != nullptr) {
    const auto open_ns = [&](const std::string& file) {
      return youki.openat("/proc/%/ns/" + file, *y.target, NAMED(O_RDONLY | O_CLOEXEC));
    };
    if (y.spec.user_namespace) user_fd = open_ns("user");
    pid_fd = open_ns("pid");
    for (const Namespace& ns : kOrder) fds.push_back(open_ns(ns.file));
  }
  std::tie(y.to_init, y.to_youki) = youki.socketpair();
  clone3(youki, 0, "0", SIGCHLD, "SIGCHLD", inter, y.inter);
  youki.close(y.to_youki);
  if (y.spec.user_namespace && y.target == nullptr) {
    write_id_maps(youki, y.to_init, y.inter, y.first.word, y.spec);
  }
  youki.read(y.to_init, y.init, 1);
  youki.wait(y.inter, y.first.status);
  youki.write(y.to_init, "run\n");
  be_inter(y, inter, init, fds, user_fd, pid_fd);
  return init;
}

Container run_container(First& first, const Spec& spec) {
  Youki y{first, spec, nullptr, first.plan.pid("inter"), first.plan.pid("init")};
  Stage& init = start_stages(y);
  init.call(CALL(sethostname), {text(spec.hostname), number(static_cast<std::int64_t>(spec.hostname.size()))});
  no_new_privileges(init);
  make_root(init, spec);
  drop_rights(init, spec);
  init.why("Created. In youki it waits in accept() for who connects to notify.sock: that is `youki start`.");
  init.write(y.to_youki, "redy");
  init.read(y.to_youki, first.word, 1);
  first.stage.read(y.to_init, first.word, 1);
  first.stage.write(y.to_init, "run\n");
  if (spec.stays) {
    init.dup3(y.to_youki, 0, number(0));
    init.execve("/bin/hold", {"hold"}, {"PATH=/bin", "HOME=/"});
    first.stage.read(y.to_init, first.word, 1);
  } else {
    init.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
  }
  return {init, y.init, y.to_init, y.to_youki};
}

}  // namespace

Plan youki_run(const Spec& spec) {
  Plan plan;
  First first = begin(plan, spec, "youki");
  const Container container = run_container(first, spec);
  first.stage.wait_any_kind(container.init, first.status);
  first.stage.exit(status(first.status));
  return plan;
}

Plan youki_exec(const Spec& spec) {
  Plan plan;
  Spec stays = spec;
  stays.stays = true;
  First first = begin(plan, spec, "youki");
  const Container container = run_container(first, stays);

  std::vector<std::string> argv = {"youki", "exec", "lab"};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
  Second second = start_second(first, argv, container.init);
  Youki y{second.first, spec, &second.target, plan.pid("exec.inter"), plan.pid("exec.init")};
  Stage& init = start_stages(y);
  no_new_privileges(init);
  drop_rights(init, spec);
  init.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
  second.first.stage.wait_any_kind(y.init, second.first.status);
  second.first.stage.exit(status(second.first.status));

  const Register& result = plan.word("result");
  first.stage.wait(second.pid, result);
  first.stage.close(container.wire);
  first.stage.wait_any_kind(container.init, first.status);
  first.stage.exit(status(result));
  return plan;
}

}  // namespace nstrace::lab
