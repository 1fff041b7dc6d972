// SPDX-License-Identifier: MIT
// Two scenes that every part is tried on: `docker run` and `docker exec` with runc 1.1, as they look on a host with
// docker 20.10 and cgroup v1: no cgroup namespace, `runc init` executed twice (the second time its sealed copy), stages
// made with CLONE_PARENT, a network hook run by `runc create`.
#include <linux/sched.h>
#include <sys/mount.h>

#include "tests/scene.h"

namespace nstrace::testing {

using namespace trace;

namespace {

const std::string kId = kDockerId;
const std::string kBundle = "/var/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/" + kId;
const std::string kRootfs = "/var/lib/docker/overlay2/9c1e/merged";
const std::vector<std::string> kRuncGlobals = {
    "runc", "--root", "/var/run/docker/runtime-runc/moby", "--log", kBundle + "/log.json", "--log-format", "json"};

std::vector<std::string> runc(const std::vector<std::string>& rest) {
  std::vector<std::string> argv = kRuncGlobals;
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

std::vector<std::string> init_env(const std::string& type, bool fifo) {
  std::vector<std::string> env = {"GOMAXPROCS",
                                  "_LIBCONTAINER_INITPIPE=3",
                                  "_LIBCONTAINER_STATEDIR=/var/run/docker/runtime-runc/moby/" + kId,
                                  "_LIBCONTAINER_LOGPIPE=4",
                                  "_LIBCONTAINER_LOGLEVEL=4",
                                  "_LIBCONTAINER_INITTYPE=" + type};
  if (fifo) env.insert(env.begin() + 3, "_LIBCONTAINER_FIFOFD=5");
  return env;
}

void daemons(Scene& s) {
  s.existing(810, "dockerd", {"/usr/sbin/dockerd", "-H", "unix:///run/docker.sock"}, {.followed = false});
  s.existing(829, "containerd", {"containerd", "--config", "/var/run/docker/containerd/containerd.toml"},
             {.parent = 810, .exe = "/usr/bin/containerd"});
  s.existing_thread(829, 835);
  s.header().follow = {"containerd"};
}

// runc init up to its first stage: exec, the sealed copy, the name.
void init_begins(Scene& s, int pid, const std::string& type, bool fifo) {
  std::vector<std::string> env = init_env(type, fifo);
  s.exec(pid, "/proc/self/exe", {"runc", "init"}, {.env = env});
  env.push_back("_LIBCONTAINER_CLONED_BINARY=1");
  s.exec(pid, "/runc_cloned:/proc/self/exe", {"runc", "init"}, {.env = env, .call = "execveat"});
  s.rename(pid, "runc:[0:PARENT]");
}

void root_file_system(Scene& s, int init) {
  s.mount(init, "", "/", "", MS_REC | MS_SLAVE);
  s.mount(init, "", "/var/lib/docker/overlay2", "", MS_PRIVATE);
  s.mount(init, kRootfs, kRootfs, "bind", MS_BIND | MS_REC);
  const std::string at = "/proc/self/fd/7";
  s.mount(init, "proc", at, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  s.mount(init, "tmpfs", at, "tmpfs", MS_NOSUID, "mode=755,size=65536k");
  s.mount(init, "devpts", at, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  s.mount(init, "sysfs", at, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  s.mount(init, "mqueue", at, "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  s.mount(init, "shm", at, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=67108864");
}

}  // namespace

Scene docker_run_scene() {
  Scene s;
  daemons(s);
  const std::string shim = "/usr/bin/containerd-shim-runc-v2";
  const std::string socket = "/var/run/docker/containerd/containerd.sock";

  s.vfork(835, 2001);
  s.exec(
      2001, shim,
      {shim, "-namespace", "moby", "-address", socket, "-publish-binary", "/usr/bin/containerd", "-id", kId, "start"});
  s.thread(2001, 2002);
  s.vfork(2002, 2008);
  s.exec(2008, shim, {shim, "-namespace", "moby", "-id", kId, "-address", socket});
  s.exit_group(2001);
  s.thread(2008, 2009);
  s.thread(2009, 2011);
  s.syscall(2008, "prctl", {symbol_arg("option", 36, "PR_SET_CHILD_SUBREAPER"), integer_arg("arg2", 1)});

  s.vfork(2011, 2020);
  s.exec(2020, "/usr/sbin/runc", runc({"create", "--bundle", kBundle, "--pid-file", kBundle + "/init.pid", kId}));
  s.thread(2020, 2021);
  s.thread(2020, 2022);
  s.vfork(2022, 2028);
  init_begins(s, 2028, "standard", true);
  s.cgroup(2028, 4711, "/docker/" + kId);
  s.fork(2028, 2031, CLONE_PARENT);
  s.rename(2031, "runc:[1:CHILD]");
  s.unshare(2031, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET);
  s.fork(2031, 2032, CLONE_PARENT);
  s.exit(2031);
  s.exit(2028);
  s.rename(2032, "runc:[2:INIT]");
  s.thread(2032, 2033);
  s.thread(2032, 2034);
  root_file_system(s, 2032);

  s.vfork(2021, 2040);
  s.exec(2040, "/proc/810/exe", {"libnetwork-setkey", "-exec-root=/var/run/docker", kId, "8db4e8bb2b63"},
         {.comm = "exe"});
  s.exit(2040);

  s.pivot_root(2032);
  s.mount(2032, "", ".", "", MS_REC | MS_SLAVE);
  s.umount2(2032, ".", MNT_DETACH);
  s.sethostname(2032, "cbab362df10a");
  s.mount(2032, "/proc/sys", "/proc/sys", "", MS_BIND | MS_REC);
  s.mount(2032, "/proc/sys", "/proc/sys", "", MS_BIND | MS_REC | MS_REMOUNT | MS_RDONLY);
  s.mount(2032, "tmpfs", "/proc/acpi", "tmpfs", MS_RDONLY);
  s.syscall(2032, "prctl", {symbol_arg("option", 24, "PR_CAPBSET_DROP"), symbol_arg("arg2", 2, "CAP_DAC_READ_SEARCH")});
  s.exit_group(2020);

  s.vfork(2011, 2050);
  s.exec(2050, "/usr/sbin/runc", runc({"start", kId}));
  s.thread(2050, 2051);
  s.exec(2032, "/bin/sleep", {"sleep", "100"}, {.env = {"PATH", "HOSTNAME", "HOME"}});
  s.exit_group(2050);
  return s;
}

Scene docker_exec_scene() {
  Scene s;
  daemons(s);
  s.existing(2008, "containerd-shim",
             {"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", kId, "-address",
              "/var/run/docker/containerd/containerd.sock"});
  s.existing_thread(2008, 2011);
  const NsSet inside = s.new_set({Ns::Mnt, Ns::Uts, Ns::Ipc, Ns::Pid, Ns::Net});
  s.existing(2032, "sleep", {"sleep", "100"},
             {.parent = 2008,
              .exe = "/bin/busybox",
              .pids = {2032, 1},
              .ns = inside,
              .cgroup = 4711,
              .cgroup_path = "/docker/" + kId});

  s.vfork(2011, 2639);
  s.exec(2639, "/usr/sbin/runc",
         runc({"exec", "--process", "/tmp/runc-process1234", "--console-socket", "/tmp/pty4321/pty.sock", "--detach",
               "--pid-file", kBundle + "/5b1d.pid", kId}));
  s.thread(2639, 2640);
  s.vfork(2640, 2648);
  init_begins(s, 2648, "setns", false);
  s.cgroup(2648, 4711, "/docker/" + kId);
  s.fork(2648, 2650, CLONE_PARENT);
  s.rename(2650, "runc:[1:CHILD]");
  s.setns(2650, 9, Ns::Ipc, inside[Ns::Ipc]);
  s.setns(2650, 12, Ns::Uts, inside[Ns::Uts]);
  s.setns(2650, 13, Ns::Net, inside[Ns::Net]);
  s.setns(2650, 14, Ns::Pid, inside[Ns::Pid]);
  s.setns(2650, 15, Ns::Mnt, inside[Ns::Mnt]);
  s.unshare(2650, 0);
  s.fork(2650, 2651, CLONE_PARENT, {.ids = {2651, 7}});
  s.exit(2650);
  s.exit(2648);
  s.rename(2651, "runc:[2:INIT]");
  s.thread(2651, 2652);
  s.syscall(2651, "prctl", {symbol_arg("option", 24, "PR_CAPBSET_DROP"), symbol_arg("arg2", 2, "CAP_DAC_READ_SEARCH")});
  s.exec(2651, "/bin/sh", {"sh"}, {.env = {"PATH", "HOSTNAME", "TERM", "HOME"}});
  s.exit_group(2639);
  return s;
}

}  // namespace nstrace::testing
