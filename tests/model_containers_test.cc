// SPDX-License-Identifier: MIT
// Which container a process is in: a short scene in, containers out; one trap each.
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mount.h>

#include "model/model.h"
#include "tests/catch.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::testing;
using model::Model;
using trace::Ns;
using trace::NsSet;

namespace {

Model play(const Scene& scene) {
  Model model;
  scene.play(model);
  return model;
}

// "runc abc init=200 members=200,201 in=0": one line per container.
std::string containers(const Model& model) {
  std::string out;
  for (const auto& c : model.containers()) {
    std::string members;
    for (const auto id : c.members)
      members += fmt::format("{}{}", members.empty() ? "" : ",", model.processes()[id].pid);
    out += fmt::format("{} {} init={} members={}{}{}\n", c.runtime.empty() ? "?" : c.runtime,
                       c.name.empty() ? "-" : c.name, c.init ? model.processes()[*c.init].pid : 0, members,
                       c.parent ? fmt::format(" in={}", *c.parent) : "",
                       c.image_name.empty() ? "" : " image=" + c.image_name);
    for (const auto id : c.members) REQUIRE(model.processes()[id].container == c.id);
  }
  for (const auto& p : model.processes())
    if (p.container) {
      const auto& members = model.containers()[*p.container].members;
      REQUIRE(std::count(members.begin(), members.end(), p.id) == 1);
    }
  return out;
}

constexpr std::uint64_t kAll = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET;

// runc's way in few lines: command `pid` (made here, below `shim`), stages pid+1 (1:CHILD) and pid+2 (2:INIT).
void runc_create(Scene& s, int shim, int pid, const std::string& id, std::uint64_t flags = kAll) {
  s.fork(shim, pid);
  s.exec(pid, "/usr/bin/runc", {"runc", "--root", "/run/runc", "create", "--bundle", "/b", id});
  s.fork(pid, pid + 1);
  s.exec(pid + 1, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=standard"}});
  s.rename(pid + 1, "runc:[1:CHILD]");
  s.unshare(pid + 1, flags);
  s.fork(pid + 1, pid + 2, CLONE_PARENT);
  s.exit(pid + 1);
  s.rename(pid + 2, "runc:[2:INIT]");
  s.pivot_root(pid + 2);
  s.exit(pid);
  s.exec(pid + 2, "/bin/sleep", {"sleep", "1"});
}

void runc_exec(Scene& s, int shim, int pid, const std::string& id, const NsSet& ns) {
  s.fork(shim, pid);
  s.exec(pid, "/usr/bin/runc", {"runc", "exec", "--process", "/p", id});
  s.fork(pid, pid + 1);
  s.exec(pid + 1, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=setns"}});
  s.rename(pid + 1, "runc:[1:CHILD]");
  if (ns[Ns::Pid] != s.header().host[Ns::Pid]) s.setns(pid + 1, 3, Ns::Pid, ns[Ns::Pid]);
  s.setns(pid + 1, 4, Ns::Mnt, ns[Ns::Mnt]);
  s.unshare(pid + 1, 0);
  s.fork(pid + 1, pid + 2, CLONE_PARENT);
  s.exec(pid + 2, "/bin/sh", {"sh"});
}

}  // namespace

TEST_CASE("docker run: one container, named, with its init; runtime and hook stay outside") {
  const Model model = play(docker_run_scene());
  REQUIRE(containers(model) == fmt::format("runc {} init=2032 members=2032\n", kDockerId));
  const auto& c = model.containers()[0];
  REQUIRE(c.began);
  REQUIRE(c.program_event);
  REQUIRE(c.ns[Ns::Mnt] != host_namespaces()[Ns::Mnt]);
  REQUIRE(c.ns[Ns::User] == host_namespaces()[Ns::User]);
}

TEST_CASE("docker exec: into a container that was there before") {
  const Model model = play(docker_exec_scene());
  REQUIRE(containers(model) == fmt::format("runc {} init=2032 members=2032,2650,2651\n", kDockerId));
}

TEST_CASE("two containers") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  runc_create(s, 100, 300, "two");
  s.fork(202, 400);
  s.fork(302, 500);
  REQUIRE(containers(play(s)) ==
          "runc one init=202 members=202,400\n"
          "runc two init=302 members=302,500\n");
}

TEST_CASE("helper_thread_not_an_entry: runc's own thread that joins the mount namespace") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  s.fork(100, 300);
  s.exec(300, "/usr/bin/runc", {"runc", "create", "other"});
  s.thread(300, 301);
  s.unshare(301, CLONE_FS);
  s.setns(301, 14, Ns::Mnt, s.ns(202)[Ns::Mnt]);
  s.fork(301, 302);  // a thread's child takes the thread's namespaces with it
  s.exec(302, "/bin/true", {"true"});
  const Model model = play(s);
  REQUIRE(model.containers().size() == 1);
  REQUIRE_FALSE(model.process_of(300, 0)->container);
}

TEST_CASE("helper_thread_not_an_entry: the leader itself, while it has other threads") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  s.existing(50, "dockerd", {"dockerd"});
  s.fork(50, 300);
  s.thread(300, 301);
  s.unshare(300, CLONE_FS);
  s.setns(300, 14, Ns::Mnt, s.ns(202)[Ns::Mnt]);
  s.setns(300, 15, Ns::Mnt, host_namespaces()[Ns::Mnt]);
  s.fork(300, 302);
  REQUIRE(containers(play(s)) == "runc one init=202 members=202\n");
}

TEST_CASE("exec into a container made in this trace: who entered and its child are members") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  runc_exec(s, 100, 300, "one", s.ns(202));
  REQUIRE(containers(play(s)) == "runc one init=202 members=202,301,302\n");
}

TEST_CASE("exec into an old container of which nobody is known: named by the command") {
  Scene s;
  s.existing(100, "containerd-shim");
  const NsSet inside = s.new_set({Ns::Mnt, Ns::Pid});
  s.unseen([&] { s.existing(150, "sleep", {}, {.parent = 100, .pids = {150, 1}, .ns = inside}); });
  runc_exec(s, 100, 300, "old", inside);
  REQUIRE(containers(play(s)) == "runc old init=0 members=302\n");
}

TEST_CASE("nsenter without a fork enters with its program") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  runc_create(s, 100, 200, "one");
  s.fork(100, 300);
  s.exec(300, "/usr/bin/nsenter", {"nsenter", "-m", "-t", "202", "sh"});
  s.setns(300, 3, Ns::Mnt, s.ns(202)[Ns::Mnt]);
  REQUIRE(containers(play(s)) == "runc one init=202 members=202\n");
  s.exec(300, "/bin/sh", {"sh"});
  s.fork(300, 301);
  REQUIRE(containers(play(s)) == "runc one init=202 members=202,300,301\n");
}

TEST_CASE("nested pid namespaces: the inner container is one of its own, in the outer one") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "outer");
  s.fork(202, 210);
  s.exec(210, "/usr/bin/containerd-shim-runc-v2", {"containerd-shim-runc-v2", "-id", "inner"});
  runc_create(s, 210, 300, "inner");
  s.fork(302, 310);
  const Model model = play(s);
  REQUIRE(containers(model) ==
          "runc outer init=202 members=202,210,300,301\n"
          "runc inner init=302 members=302,310 in=0\n");
  REQUIRE(model.process_of(310, 0)->pids.size() == 3);
}

TEST_CASE("nested: an unknown tool in a container is not called by the container's own name") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "outer");
  runc_exec(s, 100, 300, "outer", s.ns(202));
  s.fork(302, 310);
  s.exec(310, "/opt/chrome", {"chrome"});
  s.fork(310, 311, CLONE_NEWPID | CLONE_NEWUSER);
  REQUIRE(containers(play(s)) ==
          "runc outer init=202 members=202,301,302,310\n"
          "chrome - init=311 members=311 in=0\n");
}

TEST_CASE("the host's pid namespace: a container hangs on the mount namespace that it pivoted in") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "hostpid", kAll & ~static_cast<std::uint64_t>(CLONE_NEWPID));
  s.fork(202, 400);
  runc_exec(s, 100, 300, "hostpid", s.ns(202));
  const Model model = play(s);
  REQUIRE(containers(model) == "runc hostpid init=202 members=202,400,301,302\n");
  REQUIRE(model.containers()[0].began);
}

TEST_CASE("another container's pid namespace: two containers") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  s.fork(100, 300);
  s.exec(300, "/usr/bin/runc", {"runc", "create", "two"});
  s.fork(300, 301);
  s.rename(301, "runc:[1:CHILD]");
  s.setns(301, 3, Ns::Pid, s.ns(202)[Ns::Pid]);
  s.unshare(301, CLONE_NEWNS | CLONE_NEWNET);
  s.fork(301, 302, CLONE_PARENT);
  s.pivot_root(302);
  s.exec(302, "/bin/sleep", {"sleep"});
  s.fork(302, 303);
  REQUIRE(containers(play(s)) ==
          "runc one init=202 members=202\n"
          "runc two init=302 members=302,303\n");  // not in the other: it shares a pid namespace with it, no more
}

TEST_CASE("another container's pid namespace: it does not get the new one's name") {
  Scene s;
  s.existing(100, "containerd-shim");
  s.existing(150, "sleep", {"sleep"}, {.parent = 100, .pids = {150, 1}, .ns = s.new_set({Ns::Mnt, Ns::Pid})});
  s.fork(100, 300);
  s.exec(300, "/usr/bin/runc", {"runc", "create", "two"});
  s.fork(300, 301);
  s.exec(301, "/proc/self/exe", {"runc", "init"});
  s.setns(301, 3, Ns::Pid, s.ns(150)[Ns::Pid]);
  s.unshare(301, CLONE_NEWNS);
  s.fork(301, 302, CLONE_PARENT);
  s.pivot_root(302);
  REQUIRE(containers(play(s)) ==
          "? - init=150 members=150\n"
          "runc two init=302 members=302\n");
}

TEST_CASE("crun: namespaces come by clone, the mount namespace later; the command is executed twice") {
  Scene s;
  s.existing(100, "conmon", {"/usr/bin/conmon", "-c", "cafe", "-n", "web", "-r", "/usr/bin/crun"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/crun",
         {"/usr/bin/crun", "--systemd-cgroup", "--log-format=json", "create", "-b", "/b", "cafe"});
  s.exec(200, "/crun_cloned:/proc/self/exe",
         {"/usr/bin/crun", "--systemd-cgroup", "--log-format=json", "create", "-b", "/b", "cafe"},
         {.call = "execveat"});
  s.fork(200, 201, CLONE_NEWPID | CLONE_NEWNET, {.call = "clone3"});
  s.unshare(201, CLONE_NEWNS);
  s.pivot_root(201);
  s.exec(201, "/bin/sh", {"sh"});
  const Model model = play(s);
  REQUIRE(containers(model) == "crun cafe init=201 members=201 image=web\n");
  REQUIRE(model.containers()[0].ns[Ns::Mnt] == s.ns(201)[Ns::Mnt]);
}

TEST_CASE("a runtime behind a wrapper script, and one of an unknown name") {
  Scene s;
  s.existing(100, "containerd-shim");
  s.fork(100, 200);
  s.exec(200, "/var/lib/docker/runtimes/debug", {"debug", "create", "--bundle", "/b", "--pid-file", "/p", "abc"});
  s.exec(200, "/usr/bin/runc", {"runc", "--debug", "create", "--bundle", "/b", "--pid-file", "/p", "abc"});
  s.fork(200, 201, kAll);
  s.fork(100, 300);
  s.exec(300, "/opt/oci", {"/opt/oci", "--root=/r", "create", "--bundle", "/b", "--pid-file", "/p", "def"});
  s.fork(300, 301, kAll);
  REQUIRE(containers(play(s)) ==
          "runc abc init=201 members=201\n"
          "oci def init=301 members=301\n");
}

TEST_CASE("unshare --pid --fork: a sandbox without a name; who unshared stays outside") {
  Scene s;
  s.existing(100, "runc", {"runc", "create", "not-me"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/unshare", {"unshare", "-mpf", "sh"});
  s.unshare(200, CLONE_NEWNS | CLONE_NEWPID);
  s.fork(200, 201);
  s.exec(201, "/bin/sh", {"sh"});
  s.fork(201, 202);
  REQUIRE(containers(play(s)) == "unshare - init=201 members=201,202\n");
}

TEST_CASE("unshare --mount: a sandbox from when it runs its program") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/unshare", {"unshare", "-m", "sh"});
  s.unshare(200, CLONE_NEWNS);
  s.exec(200, "/bin/sh", {"sh"});
  s.fork(200, 201);
  const Model model = play(s);
  REQUIRE(containers(model) == "unshare - init=200 members=200,201\n");
  REQUIRE(model.containers()[0].began);
}

TEST_CASE("bwrap: two pivot_roots are one sandbox, its init never executes") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/bwrap", {"bwrap", "--unshare-all", "sh"});
  s.fork(200, 201, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER);
  s.pivot_root(201, "/tmp", "oldroot");
  s.pivot_root(201);
  s.fork(201, 202);
  s.exec(202, "/bin/sh", {"sh"});
  const Model model = play(s);
  REQUIRE(containers(model) == "bwrap - init=201 members=201,202\n");
  REQUIRE_FALSE(model.containers()[0].began);
}

TEST_CASE("host processes are never members: a service's private mounts, rootless podman's own namespaces") {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.existing(90, "chronyd", {"chronyd"}, {.ns = s.new_set({Ns::Mnt})});
  s.fork(90, 91);
  s.fork(100, 200);
  s.exec(200, "/usr/bin/podman", {"podman", "run", "busybox"});
  s.fork(200, 201, CLONE_NEWUSER | CLONE_NEWNS);
  s.exec(201, "/proc/self/exe", {"podman", "run", "busybox"});
  REQUIRE(containers(play(s)).empty());
}

TEST_CASE("a daemon's worker that pivots with threads of its own is no container") {
  Scene s;
  s.existing(50, "dockerd", {"dockerd"});
  s.fork(50, 300);
  s.exec(300, "/proc/self/exe", {"docker-untar", "/"});
  s.thread(300, 301);
  s.unshare(300, CLONE_NEWNS);
  s.pivot_root(300, "/layer", "/layer/.pivot");
  s.fork(300, 302);
  REQUIRE(containers(play(s)).empty());
}

TEST_CASE("the mini runtime") {
  Scene s;
  s.existing(100, "nstrace", {"nstrace", "lab", "run"});
  s.fork(100, 200);
  s.exec(200, "/memfd:nstrace-lab", {"nstrace-lab"}, {.call = "execveat"});
  s.fork(200, 201);
  s.rename(201, "lab:[1:CHILD]");
  s.unshare(201, kAll);
  s.fork(201, 202, CLONE_PARENT);
  s.rename(202, "lab:[2:INIT]");
  s.pivot_root(202);
  s.exec(202, "/bin/sleep", {"sleep", "1"});
  REQUIRE(containers(play(s)) == "nstrace lab lab init=202 members=202\n");
}

TEST_CASE("the mini runtime's containers bear the ids that it is called with, a pod's in their order") {
  Scene s;
  s.existing(100, "nstrace", {"nstrace", "lab", "pod"});
  for (const int first : {200, 300}) {  // twice the same: the second pod begins with its first id again
    s.fork(100, first);
    s.exec(first, "/memfd:nstrace-lab", {"nstrace-lab", "pod", "pause", "app"}, {.call = "execveat"});
    for (const int stage : {first + 1, first + 11}) {
      s.fork(first, stage);
      s.rename(stage, "lab:[1:CHILD]");
      s.unshare(stage, kAll);
      s.fork(stage, stage + 1, CLONE_PARENT);
      s.rename(stage + 1, "lab:[2:INIT]");
      s.pivot_root(stage + 1);
      s.exec(stage + 1, "/bin/sleep", {"sleep", "1"});
    }
  }
  REQUIRE(containers(play(s)) ==
          "nstrace lab pause init=202 members=202\n"
          "nstrace lab app init=212 members=212\n"
          "nstrace lab pause init=302 members=302\n"
          "nstrace lab app init=312 members=312\n");
}

TEST_CASE("the mini runtime in a container of its own: each bears the id of the command that made it") {
  Scene s;
  s.existing(100, "nstrace", {"nstrace", "lab", "nested"});
  s.fork(100, 200);
  s.exec(200, "/memfd:nstrace-lab", {"nstrace-lab", "nested", "outer"}, {.call = "execveat"});
  s.unshare(200, CLONE_NEWPID);
  s.fork(200, 201);
  s.unshare(201, CLONE_NEWNS);
  s.pivot_root(201);
  s.exec(201, "/bin/lab", {"nstrace-lab", "run", "inner"});
  s.fork(201, 202);
  s.unshare(202, CLONE_NEWNS | CLONE_NEWPID);
  s.fork(202, 203);
  s.pivot_root(203);
  s.exec(203, "/bin/hello", {"hello"});
  REQUIRE(containers(play(s)) ==
          "nstrace lab outer init=201 members=201,202\n"
          "nstrace lab inner init=203 members=203 in=0\n");
}

TEST_CASE("fork_lost: init is known by its number inside, the runtime by its comm") {
  Scene s;
  s.existing(100, "containerd-shim");
  s.unseen([&] { s.fork(100, 200, kAll); });
  s.lost(1);
  s.unseen([&] { s.rename(200, "runc:[2:INIT]"); });
  s.pivot_root(200);
  REQUIRE(containers(play(s)) == "runc - init=200 members=200\n");
}

TEST_CASE("an existing container is named by its cgroup, or by its monitor") {
  Scene s;
  const std::string id(64, 'a');
  s.existing(100, "conmon", {"/usr/bin/conmon", "-c", "cafe", "-n", "web", "-r", "/usr/bin/crun"});
  s.existing(101, "sh", {"sh"}, {.parent = 100, .pids = {101, 1}, .ns = s.new_set({Ns::Mnt, Ns::Pid})});
  s.existing(200, "containerd-shim", {"containerd-shim-runc-v2", "-id", "shim-id"});
  s.existing(201, "sh", {"sh"},
             {.parent = 200,
              .pids = {201, 1},
              .ns = s.new_set({Ns::Mnt, Ns::Pid}),
              .cgroup_path = "/system.slice/docker-" + id + ".scope"});
  s.rename(100, "x");
  const Model model = play(s);
  REQUIRE(containers(model) == "crun cafe init=101 members=101 image=web\n? " + id + " init=201 members=201\n");
}

TEST_CASE("pid_reuse of an inode: a container in a recycled pid namespace number is another container") {
  Scene s;
  s.existing(100, "containerd-shim");
  runc_create(s, 100, 200, "one");
  const NsSet old = s.ns(202);
  s.exit(202);
  for (const Ns ns : {Ns::Mnt, Ns::Uts, Ns::Ipc, Ns::Net, Ns::Pid}) s.reuse_inode(old[ns]);
  runc_create(s, 100, 300, "two");
  REQUIRE(s.ns(302)[Ns::Pid] == old[Ns::Pid]);
  REQUIRE(containers(play(s)) ==
          "runc one init=202 members=202\n"
          "runc two init=302 members=302\n");
}
