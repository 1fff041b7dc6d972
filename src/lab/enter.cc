// SPDX-License-Identifier: MIT
// How a second process gets into a container, call by call. Nothing is made: no namespace, no root, no mount. The same
// three stages as for a new container, with setns in the place of unshare.
//
//     lab:[1:CHILD] opens /proc/<init>/ns/*, joins each with setns, and starts
//     lab:[2:INIT]  which is in the container's pid namespace, gives up rights, and becomes the command
//
// Joining the mount namespace brings its root and working directory along: setns sets both to the container's "/".
#include "lab/enter.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>

#include "lab/rights.h"
#include "lab/root.h"

namespace nstrace::lab {
namespace {

// The order of runc up to 1.2: user first, since it gives the rights to join the others; the rest as they come. (1.3
// first tries the others with the rights of outside: like_runc.cc.)
std::vector<Join> all_namespaces(const Container& container, const Spec& spec) {
  std::vector<Join> all;
  if (spec.user_namespace) all.push_back({CLONE_NEWUSER, "CLONE_NEWUSER", "user", &container.init});
  all.push_back({CLONE_NEWIPC, "CLONE_NEWIPC", "ipc", &container.init});
  all.push_back({CLONE_NEWUTS, "CLONE_NEWUTS", "uts", &container.init});
  all.push_back({CLONE_NEWNET, "CLONE_NEWNET", "net", &container.init});
  all.push_back({CLONE_NEWPID, "CLONE_NEWPID", "pid", &container.init});
  all.push_back({CLONE_NEWNS, "CLONE_NEWNS", "mnt", &container.init});
  all.push_back({CLONE_NEWCGROUP, "CLONE_NEWCGROUP", "cgroup", &container.init});
  return all;
}

}  // namespace

const Register& enter(First& first, const Container& container, const Spec& spec) {
  Plan& plan = first.plan;
  const std::string& name = first.stage.name;
  Stage& lab = first.stage;
  Stage& parent = plan.stage(name + ":[0:PARENT]");
  Stage& child = plan.stage(name + ":[1:CHILD]");
  Stage& entered = plan.stage(name + ":[2:INIT]");
  const Register& parent_pid = plan.pid("exec.parent");
  const Register& child_pid = plan.pid("exec.child");
  const Register& entered_pid = plan.pid("exec.init");

  const auto [to_parent, to_lab] = lab.socketpair();
  lab.clone(NAMED(SIGCHLD), parent, parent_pid);
  lab.close(to_lab);
  lab.read(to_parent, child_pid, 2);
  lab.close(to_parent);
  lab.wait(parent_pid, first.status);
  lab.wait(child_pid, first.status);

  parent.set_name();
  parent.die_with(first.pid);
  parent.close(to_parent);
  parent.why(
      "Nobody in the container may look into, or stop, a process that is half in it and still has rights of the host.");
  parent.prctl(NAMED(PR_SET_DUMPABLE), named(0, "SUID_DUMP_DISABLE"));
  const auto [to_child, to_this_parent] = parent.socketpair();
  parent.clone(NAMED(CLONE_PARENT | SIGCHLD), child, child_pid);
  parent.close(to_this_parent);
  parent.read(to_child, entered_pid, 1);
  parent.write(to_lab, child_pid, 2);
  parent.exit(number(0));

  child.set_name();
  child.die_with(first.pid);
  child.close(to_lab);
  child.close(to_child);
  child.why(
      "A namespace is a file; who opens it holds it. All are opened first: from inside, the host's /proc is out of "
      "sight.");
  const std::vector<Join> joins = all_namespaces(container, spec);
  std::vector<int> fds;
  for (const Join& join : joins) {
    fds.push_back(child.openat("/proc/%/ns/" + join.file, *join.of, NAMED(O_RDONLY | O_CLOEXEC)));
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (joins[i].type == CLONE_NEWPID) child.why("This one, again, is for the children of this process only.");
    child.call(CALL(setns), {number(fds[i]), named(joins[i].type, joins[i].shown)});
    if (joins[i].type == CLONE_NEWUSER) {
      child.call(CALL(setresuid), {number(0), number(0), number(0)});
      child.call(CALL(setresgid), {number(0), number(0), number(0)});
      child.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
    }
  }
  for (const int fd : fds) child.close(fd);
  child.why(
      "runc makes \"the remaining namespaces\" here, in the same code as for a new container. None remain: 0 does "
      "nothing.");
  child.call(CALL(unshare), {number(0)});
  child.clone(NAMED(CLONE_PARENT | SIGCHLD), entered, entered_pid);
  child.write(to_this_parent, entered_pid, 1);
  child.exit(number(0));

  entered.set_name();
  entered.prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  entered.call(CALL(setsid), {});
  entered.expect_any("<pid inside>");
  no_new_privileges(entered);
  drop_bounding_set(entered, kContainerCapabilities);
  if (spec.drop_groups) {
    entered.call(CALL(setgroups), {number(0), null()});
    entered.call(CALL(setgid), {number(0)});
    entered.call(CALL(setuid), {number(0)});
  }
  set_capabilities(entered, kContainerCapabilities & spec.capabilities);
  filter_calls(entered);
  entered.may_fail_with(EINVAL);
  entered.call(CALL(close_range), {number(3), named(~0U, "4294967295"), NAMED(CLOSE_RANGE_CLOEXEC)});
  entered.execve(program_path(spec), spec.argv, {"PATH=/bin", "HOME=/"});
  return entered_pid;
}

}  // namespace nstrace::lab
