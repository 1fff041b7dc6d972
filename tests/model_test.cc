// SPDX-License-Identifier: MIT
// Processes and namespaces: a short scene in, what the model holds out; one trap each.
#include "model/model.h"

#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "tests/catch.h"
#include "tests/scene.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

using namespace nstrace;
using namespace nstrace::testing;
using model::Model;
using model::Process;
using trace::Ns;

namespace {

Model play(const Scene& scene) {
  Model model;
  scene.play(model);
  return model;
}

// The process that bore this pid last.
const Process& last_of(const Model& model, int pid) {
  const Process* found = model.process_of(pid, 0);
  REQUIRE(found);
  return *found;
}

std::vector<int> pids(const Model& model, const std::vector<model::ProcessId>& ids) {
  std::vector<int> out;
  for (const auto id : ids) out.push_back(model.processes()[id].pid);
  return out;
}

int pid_of(const Model& model, const std::optional<model::ProcessId>& id) {
  return id ? model.processes()[*id].pid : 0;
}

}  // namespace

TEST_CASE("existing: parents are found although children come first") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"}, {.parent = 50});
  s.existing(50, "login", {"/bin/login"});
  s.fork(100, 101);
  const Model model = play(s);
  REQUIRE(pid_of(model, last_of(model, 100).parent) == 50);
  REQUIRE(pid_of(model, last_of(model, 50).parent) == 1);
  REQUIRE_FALSE(last_of(model, 100).creator);
  REQUIRE(last_of(model, 100).existed);
  REQUIRE_FALSE(last_of(model, 101).existed);
  REQUIRE(last_of(model, 100).programs[0].argv == std::vector<std::string>{"/bin/sh"});
}

TEST_CASE("existing: a birth time in clock ticks is the same process as the exact one") {
  Model model;
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 101);
  trace::Trace t = s.trace();
  t.existing.back().born += 9'000'000;
  model.header(t.header);
  for (const auto& e : t.existing) model.existing(e);
  for (const auto& e : t.events) model.event(e);
  REQUIRE(model.processes().size() == 3);  // init, sh, its child
}

TEST_CASE("pid_reuse: two processes of one pid are two") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200);
  s.exec(200, "/bin/true", {"true"});
  s.exit(200, 3);
  s.fork(100, 200);
  s.exec(200, "/bin/false", {"false"});
  const Model model = play(s);
  std::vector<const Process*> both;
  for (const Process& p : model.processes())
    if (p.pid == 200) both.push_back(&p);
  REQUIRE(both.size() == 2);
  REQUIRE(both[0]->comm() == "true");
  REQUIRE(both[0]->ended->code == 3);
  REQUIRE(both[1]->comm() == "false");
  REQUIRE_FALSE(both[1]->ended);
  REQUIRE(model.process_of(200, both[0]->born) == both[0]);
  REQUIRE(model.process_of(200, both[1]->born) == both[1]);
}

TEST_CASE("pid_reuse with the exit lost: the first one has ended, unseen") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200, CLONE_NEWNS);
  const auto inode = s.ns(200)[Ns::Mnt];
  s.unseen([&] { s.exit(200); });
  s.lost(1);
  s.fork(100, 200);
  const Model model = play(s);
  REQUIRE(model.losses().count == 1);
  const Process* first = nullptr;
  for (const Process& p : model.processes())
    if (p.pid == 200 && !first) first = &p;
  REQUIRE(first->end_unseen);
  REQUIRE_FALSE(first->ended);
  REQUIRE(model.namespace_of(Ns::Mnt, inode)->left);
  REQUIRE_FALSE(last_of(model, 200).end_unseen);
}

TEST_CASE("pid_reuse without birth times: after its exit a pid is another process") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200);
  s.exit(200);
  s.unseen([&] { s.fork(100, 200); });
  s.rename(200, "other");
  trace::Trace t = s.trace();
  Model model;
  model.header(t.header);
  for (auto& e : t.existing) {
    e.born = 0;
    model.existing(e);
  }
  for (auto& e : t.events) {
    e.who.born = 0;
    if (auto* fork = e.as<trace::Fork>()) fork->child.born = fork->parent_born = 0;
    model.event(e);
  }
  REQUIRE(model.processes().size() == 4);
  REQUIRE(last_of(model, 200).comm() == "other");
  REQUIRE(last_of(model, 200).creator == std::nullopt);
}

TEST_CASE("exec_in_thread: the process stays, its other threads are gone") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200);
  s.exec(200, "/usr/bin/go", {"go"});
  s.thread(200, 201);
  s.thread(200, 202);
  s.exec(202, "/bin/true", {"true"});
  s.exit(200, 0);
  const Model model = play(s);
  const Process& p = last_of(model, 200);
  REQUIRE(model.processes().size() == 3);
  REQUIRE(p.comm() == "true");
  REQUIRE(p.threads_made == 2);
  REQUIRE(p.programs.size() == 2);  // sh is not known to be a program: no argv, no exe
  REQUIRE(p.ended);
  REQUIRE_FALSE(model.last_ns(202));
}

TEST_CASE("exec_in_thread: the namespaces are those of the thread that executed") {
  Scene s;
  s.existing(100, "go");
  s.thread(100, 101);
  s.unshare(101, CLONE_NEWNET);
  const auto inode = s.ns(101)[Ns::Net];
  Model before;
  s.play(before);
  REQUIRE(last_of(before, 100).ns[Ns::Net] == host_namespaces()[Ns::Net]);
  s.exec(101, "/bin/true", {"true"});
  const Model model = play(s);
  REQUIRE(last_of(model, 100).ns[Ns::Net] == inode);
  REQUIRE(model.namespace_of(Ns::Net, inode)->inside == 1);
}

TEST_CASE("the leader ends before its threads: the process ends with the last one and has the leader's status") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200);
  s.thread(200, 201);
  s.exit(200, 7);
  Model between;
  s.play(between);
  REQUIRE_FALSE(last_of(between, 200).ended);
  s.exit(201, 0);
  const Model model = play(s);
  REQUIRE(last_of(model, 200).ended->code == 7);
}

TEST_CASE("clone_parent: the creator is who called, the parent is its parent") {
  Scene s;
  s.existing(100, "runc");
  s.fork(100, 101);
  s.fork(101, 102, CLONE_PARENT);
  const Model model = play(s);
  REQUIRE(pid_of(model, last_of(model, 102).creator) == 101);
  REQUIRE(pid_of(model, last_of(model, 102).parent) == 100);
  REQUIRE(pids(model, last_of(model, 101).children) == std::vector<int>{102});
  REQUIRE(pids(model, last_of(model, 100).children) == std::vector<int>{101});
}

TEST_CASE("reparent_to_subreaper: the parent stays as at birth until an event shows another") {
  Scene s;
  s.existing(50, "shim");
  s.fork(50, 100);
  s.fork(100, 200);
  s.exit(100);
  REQUIRE(pid_of(play(s), last_of(play(s), 200).parent) == 100);
  s.thread(200, 201);  // a thread's parent is its process's
  s.last().as<trace::Fork>()->parent_tgid = 50;
  s.last().as<trace::Fork>()->parent_born = 0;
  const Model model = play(s);
  REQUIRE(pid_of(model, last_of(model, 200).parent) == 50);
  REQUIRE(pid_of(model, last_of(model, 200).parent_at_birth) == 100);
  REQUIRE(pid_of(model, last_of(model, 200).creator) == 100);
}

TEST_CASE("fork_lost: a child that is seen without its creation is a process of unknown creator") {
  Scene s;
  s.existing(100, "sh");
  s.unseen([&] { s.fork(100, 200, CLONE_NEWNS); });
  s.lost(1);
  s.exec(200, "/bin/true", {"true"});
  const Model model = play(s);
  const Process& p = last_of(model, 200);
  REQUIRE_FALSE(p.creator);
  REQUIRE_FALSE(p.existed);
  REQUIRE(p.fork_event == 0);
  REQUIRE(p.programs.size() == 1);
  const auto* mnt = model.namespace_of(Ns::Mnt, s.ns(200)[Ns::Mnt]);
  REQUIRE(mnt);
  REQUIRE_FALSE(mnt->maker);  // made, but not seen by whom
}

TEST_CASE("a child's own event before its fork event: one process, with its creator") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200, CLONE_NEWNS);
  s.rename(200, "early");
  trace::Trace t = s.trace();
  std::swap(t.events[0], t.events[1]);
  Model model;
  model.header(t.header);
  for (const auto& e : t.existing) model.existing(e);
  for (const auto& e : t.events) model.event(e);
  REQUIRE(model.processes().size() == 3);
  REQUIRE(pid_of(model, last_of(model, 200).creator) == 100);
  REQUIRE(last_of(model, 200).comm() == "early");
}

TEST_CASE("vfork: the child executes while its creator waits") {
  Scene s;
  s.existing(100, "sh", {"sh", "-c", "true"});
  s.vfork(100, 200);
  s.exec(200, "/bin/true", {"true"});
  s.exit(200);
  const Model model = play(s);
  const Process& p = last_of(model, 200);
  REQUIRE(p.fork_flags & CLONE_VFORK);
  REQUIRE(p.programs.size() == 2);
  REQUIRE(p.programs[0].event == 0);
  REQUIRE(p.programs[0].argv == std::vector<std::string>{"sh", "-c", "true"});
  REQUIRE(p.programs[1].path == "/bin/true");
  REQUIRE(last_of(model, 100).programs.size() == 1);
}

TEST_CASE("a long argv is not copied to every child") {
  Scene s;
  s.existing(100, "ld", {"ld", std::string(100000, 'x')});
  s.fork(100, 200);
  const Model model = play(s);
  REQUIRE(last_of(model, 200).programs[0].path == "ld");
  REQUIRE(last_of(model, 200).programs[0].argv.empty());
}

TEST_CASE("comm: spans of the leader, not of its threads") {
  Scene s;
  s.existing(100, "dockerd");
  s.thread(100, 101);
  s.rename(101, "worker");
  s.rename(100, "main");
  const Model model = play(s);
  const Process& p = last_of(model, 100);
  REQUIRE(p.comms.size() == 2);
  REQUIRE(p.comms[1].comm == "main");
  REQUIRE(p.comms[1].event == 3);
}

TEST_CASE("unshare_newpid_then_fork: the pid namespace takes effect at the next fork") {
  Scene s;
  s.existing(100, "sh");
  s.unshare(100, CLONE_NEWPID);
  s.fork(100, 101);
  const Model model = play(s);
  const Process& caller = last_of(model, 100);
  const auto* made = model.namespace_of(Ns::Pid, caller.ns[Ns::PidForChildren]);
  REQUIRE(caller.ns[Ns::Pid] == host_namespaces()[Ns::Pid]);
  REQUIRE(made->type == Ns::Pid);
  REQUIRE(pid_of(model, made->maker) == 100);
  REQUIRE(made->made_by == 1);
  REQUIRE_FALSE(caller.container);
  REQUIRE(last_of(model, 101).ns[Ns::Pid] == made->inode);
  REQUIRE(last_of(model, 101).inner_pid() == 1);
  REQUIRE(last_of(model, 101).container);
}

TEST_CASE("time namespaces take effect at the next fork too, with a vfork at exec") {
  Scene s;
  s.existing(100, "sh");
  s.unshare(100, CLONE_NEWTIME);
  const auto inode = s.ns(100)[Ns::TimeForChildren];
  s.vfork(100, 101);
  s.exec(101, "/bin/true", {"true"});
  const Model model = play(s);
  REQUIRE(last_of(model, 100).ns[Ns::Time] == host_namespaces()[Ns::Time]);
  REQUIRE(last_of(model, 101).ns_at_birth[Ns::Time] == host_namespaces()[Ns::Time]);
  REQUIRE(last_of(model, 101).ns[Ns::Time] == inode);
  REQUIRE(pid_of(model, model.namespace_of(Ns::Time, inode)->maker) == 100);
}

TEST_CASE("setns_join_vs_new: a joined namespace has no other maker for it") {
  Scene s;
  s.existing(100, "a");
  s.existing(200, "b");
  s.unshare(100, CLONE_NEWNET);
  const auto inode = s.ns(100)[Ns::Net];
  s.setns(200, 5, Ns::Net, inode);
  s.setns(200, 6, Ns::Uts, 4026539999);  // held by a mount, not made here
  const Model model = play(s);
  REQUIRE(pid_of(model, model.namespace_of(Ns::Net, inode)->maker) == 100);
  REQUIRE(model.namespace_of(Ns::Net, inode)->inside == 2);
  REQUIRE_FALSE(model.namespace_of(Ns::Uts, 4026539999)->maker);
  REQUIRE(model.namespace_of(Ns::Uts, 4026539999)->event == 3);
  const Process& b = last_of(model, 200);
  REQUIRE(b.marks.size() == 2);
  REQUIRE(b.marks[0].text == "setns(net)");
  REQUIRE(b.marks[0].before[Ns::Net] == host_namespaces()[Ns::Net]);
  REQUIRE(b.marks[0].after[Ns::Net] == inode);
}

TEST_CASE("inode_reuse: a namespace made with the number of a dead one is another") {
  Scene s;
  s.existing(100, "sh");
  s.fork(100, 200, CLONE_NEWNET);
  const auto inode = s.ns(200)[Ns::Net];
  s.exit(200);
  s.reuse_inode(inode);
  s.fork(100, 300, CLONE_NEWNET);
  const Model model = play(s);
  std::vector<const model::Namespace*> both;
  for (const auto& ns : model.namespaces())
    if (ns.inode == inode) both.push_back(&ns);
  REQUIRE(both.size() == 2);
  REQUIRE(both[0]->left == 2'000'000);
  REQUIRE(both[0]->made_by == 1);
  REQUIRE(both[1]->made_by == 3);
  REQUIRE_FALSE(both[1]->left);
  REQUIRE(model.namespace_of(Ns::Net, inode) == both[1]);
  REQUIRE(model.processes()[*both[1]->maker].pid == 100);
  REQUIRE(last_of(model, 200).ns_id[Ns::Net] == both[0]->id);
  REQUIRE(last_of(model, 300).ns_id[Ns::Net] == both[1]->id);
}

TEST_CASE("inode_reuse: the kernel's unique id tells two of one number apart") {
  Scene s;
  s.existing(100, "sh");
  s.namespace_seen(100, {Ns::Net, 4026539999, 71, host_namespaces()[Ns::User], 0});
  s.namespace_seen(100, {Ns::Net, 4026539999, 71, 0, 0});
  s.namespace_seen(100, {Ns::Net, 4026539999, 72, 0, 0});
  const Model model = play(s);
  std::vector<std::uint64_t> ids;
  for (const auto& ns : model.namespaces())
    if (ns.inode == 4026539999) ids.push_back(ns.kernel_id);
  REQUIRE(ids == std::vector<std::uint64_t>{71, 72});
}

TEST_CASE("a namespace that is announced before the call that made it is one namespace") {
  Scene s;
  s.existing(100, "sh");
  s.namespace_seen(100, {Ns::Net, 4026532000, 71, 0, 0});
  s.unshare(100, CLONE_NEWNET);
  const Model model = play(s);
  REQUIRE(model.namespace_of(Ns::Net, 4026532000)->kernel_id == 71);
  REQUIRE(pid_of(model, model.namespace_of(Ns::Net, 4026532000)->maker) == 100);
}

TEST_CASE("a namespace that a mount holds is entered again: it did not end") {
  Scene s;
  s.existing(100, "dockerd");
  s.thread(100, 101);
  s.unshare(101, CLONE_NEWNET);
  const auto inode = s.ns(101)[Ns::Net];
  s.setns(101, 3, Ns::Net, host_namespaces()[Ns::Net]);
  REQUIRE(play(s).namespace_of(Ns::Net, inode)->left);
  s.setns(101, 4, Ns::Net, inode);
  const Model model = play(s);
  REQUIRE_FALSE(model.namespace_of(Ns::Net, inode)->left);
  REQUIRE(pid_of(model, model.namespace_of(Ns::Net, inode)->maker) == 100);
}

TEST_CASE("user namespaces: the new one owns what the same call makes") {
  Scene s;
  s.existing(100, "sh");
  s.unshare(100, CLONE_NEWUSER | CLONE_NEWNET);
  const Model model = play(s);
  const auto* user = model.namespace_of(Ns::User, s.ns(100)[Ns::User]);
  const auto* net = model.namespace_of(Ns::Net, s.ns(100)[Ns::Net]);
  REQUIRE(model.namespace_of(*net->owner) == user);
  REQUIRE(model.namespace_of(*user->owner)->host);
  REQUIRE(model.namespace_of(*user->parent)->host);
}

TEST_CASE("marks: successful calls only, unshare(0) and unshare(CLONE_FS) among them") {
  Scene s;
  s.existing(100, "runc");
  s.unshare(100, CLONE_NEWNS, -22);
  s.unshare(100, 0);
  s.unshare(100, CLONE_FS);
  s.pivot_root(100);
  s.mount(100, "proc", "/proc", "proc", MS_NOSUID);
  s.umount2(100, ".", MNT_DETACH);
  s.sethostname(100, "h");
  s.syscall(100, "prctl", {symbol_arg("option", 38, "PR_SET_NO_NEW_PRIVS")});
  const Model model = play(s);
  std::vector<std::string> texts;
  for (const auto& mark : last_of(model, 100).marks) texts.push_back(mark.text);
  REQUIRE(texts == std::vector<std::string>{"unshare(0)", "unshare(CLONE_FS)", "pivot_root(\".\", \".\")",
                                            "mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID, NULL)",
                                            "umount2(\".\", MNT_DETACH)", "sethostname(\"h\", 1)"});
  REQUIRE(model.namespaces().size() == 8);  // the host's
}

TEST_CASE("marks: hostile bytes come out printable") {
  Scene s;
  s.existing(100, "x");
  s.mount(100, "\x1b[2J\n\"", "<script>", "tmpfs", 0);
  const Model model = play(s);
  const std::string& text = last_of(model, 100).marks[0].text;
  for (const char c : text) REQUIRE(static_cast<unsigned char>(c) >= ' ');
  REQUIRE_THAT(text, ContainsSubstring("\\33[2J\\n\\\""));
}

TEST_CASE("a thread's unshare is the thread's alone") {
  Scene s;
  s.existing(100, "dockerd");
  s.thread(100, 101);
  s.unshare(101, CLONE_NEWNET);
  const Model model = play(s);
  const Process& p = last_of(model, 100);
  REQUIRE(p.ns[Ns::Net] == host_namespaces()[Ns::Net]);
  REQUIRE(p.marks[0].tid == 101);
  REQUIRE(p.marks[0].after[Ns::Net] == s.ns(101)[Ns::Net]);
  REQUIRE(model.last_ns(101)->inode == s.ns(101).inode);
  REQUIRE(*model.last_ns(100) == host_namespaces());
}

TEST_CASE("the state before an event: ask before it, or ns_before after it") {
  Scene s;
  s.existing(100, "sh");
  s.existing_thread(100, 105);
  s.unshare(105, CLONE_NEWNET);
  const trace::Trace t = s.trace();
  Model model;
  model.header(t.header);
  for (const auto& e : t.existing) model.existing(e);
  REQUIRE_FALSE(model.last_ns(105));
  REQUIRE(*model.last_ns(t.events[0].who) == host_namespaces());
  model.event(t.events[0]);
  REQUIRE(model.ns_before() == host_namespaces());
  REQUIRE(*model.last_ns(105) == s.ns(105));
}

TEST_CASE("lost events: namespaces are what the next event says") {
  Scene s;
  s.existing(100, "sh");
  s.unseen([&] { s.unshare(100, CLONE_NEWNS); });
  s.lost(12);
  s.chroot(100, "/tmp");
  const Model model = play(s);
  REQUIRE(last_of(model, 100).ns[Ns::Mnt] == s.ns(100)[Ns::Mnt]);
  REQUIRE_FALSE(model.namespace_of(Ns::Mnt, s.ns(100)[Ns::Mnt])->maker);
  REQUIRE(model.losses().count == 12);
  REQUIRE(model.losses().first_event == 1);
}

TEST_CASE("a trace without namespaces (an import): processes, but no containers") {
  Scene s = docker_run_scene();
  trace::Trace t = s.trace();
  Model model;
  t.header.host = {};
  model.header(t.header);
  for (auto& e : t.events) {
    e.who.ns = {};
    e.who.tids.clear();
    if (auto* fork = e.as<trace::Fork>()) fork->child.ns = {}, fork->child.tids.clear();
    model.event(e);
  }
  REQUIRE(model.containers().empty());
  REQUIRE(model.namespaces().empty());
  REQUIRE(pid_of(model, last_of(model, 2032).creator) == 2031);
}

TEST_CASE("a mount namespace made by open_tree: the maker is who opened it, not who else enters") {
  Scene s;
  s.existing(100, "crun");
  s.syscall(100, "open_tree", {fd_arg("dfd", 4), string_arg("filename", ""), flags_arg("flags", 2, "0x2")}, 9);
  s.setns(100, 9, Ns::Mnt, 4026539990);
  s.setns(100, 8, Ns::Mnt, 4026539991);  // by another descriptor
  const Model model = play(s);
  REQUIRE(pid_of(model, model.namespace_of(Ns::Mnt, 4026539990)->maker) == 100);
  REQUIRE(model.namespace_of(Ns::Mnt, 4026539990)->made_by == 1);
  REQUIRE_FALSE(model.namespace_of(Ns::Mnt, 4026539991)->maker);
}

TEST_CASE("events that no kernel would give: the model stays whole") {
  // Any order of any kind of event with few pids, births and inodes, so that everything collides with everything.
  std::uint32_t state = 1;
  const auto pick = [&](std::uint32_t n) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
  };
  const auto pids = [&] { return static_cast<int>(1 + pick(12)); };
  const auto number_of_ns = [&] { return 4026531830u + pick(9); };
  const auto ns = [&] {
    trace::NsSet set;
    for (auto& inode : set.inode) inode = pick(4) ? number_of_ns() : 0;
    return set;
  };
  const auto who = [&] {
    trace::Who w;
    w.tid = pids();
    w.tgid = pick(3) ? w.tid : static_cast<int>(pick(12));
    w.born = static_cast<trace::Time>(pick(4)) * 50'000'000 - 50'000'000;
    for (std::uint32_t i = 0; i < pick(4); ++i) w.tids.push_back(pids());
    w.comm = pick(2) ? "runc:[1:CHILD]" : "sh";
    w.ns = ns();
    return w;
  };
  for (int round = 0; round < 40; ++round) {
    Model model;
    trace::Header header;
    header.host = ns();
    model.header(header);
    for (int i = 0; i < 8; ++i) {
      trace::Existing e;
      e.pid = pids();
      e.parent_pid = pids();
      e.born = static_cast<trace::Time>(pick(3)) * -50'000'000;
      e.ns = ns();
      if (pick(2)) e.argv = {"conmon", "-c"};
      model.existing(e);
    }
    for (std::uint64_t number = 1; number <= 2000; ++number) {
      trace::Event e;
      e.number = number;
      e.time = e.start = static_cast<trace::Time>(number);
      e.who = who();
      switch (pick(9)) {
        case 0: {
          trace::Fork fork;
          fork.flags = pick(2) ? CLONE_NEWPID | CLONE_NEWNS : pick(2) ? CLONE_THREAD : CLONE_PARENT;
          fork.parent_tgid = pids();
          fork.child = who();
          if (!fork.child.tgid) fork.child.tgid = fork.child.tid;
          e.what = fork;
          break;
        }
        case 1: {
          trace::Exec exec;
          exec.tid_before = pids();
          if (pick(2)) exec.argv = {"runc", "create", "x"};
          if (pick(2)) exec.path = "unshare";
          e.what = exec;
          break;
        }
        case 2:
          e.what = trace::Exit{1, 0, false, pick(2) == 0};
          break;
        case 3:
          e.what = trace::Rename{"x"};
          break;
        case 4:
          e.what = trace::NamespaceSeen{static_cast<Ns>(pick(10)), number_of_ns(), pick(3), number_of_ns(),
                                        pick(2) ? number_of_ns() : 0};
          break;
        case 5:
          e.what = trace::CgroupMove{1, "/a"};
          break;
        case 6:
          e.what = trace::Lost{1, 0, "x"};
          break;
        default:
          e.call.name = std::array{"unshare", "setns", "pivot_root", "chroot", "open_tree", "mount"}[pick(6)];
          if (pick(5)) e.call.result = static_cast<std::int64_t>(pick(3)) - 1;
          for (std::uint32_t i = 0; i < pick(4); ++i)
            e.call.args.push_back(flags_arg("f", pick(2) ? CLONE_NEWNS : 2, "?"));
      }
      model.event(e);
      if (number == 1000) model.existing({});
    }
    model.footer({});
    for (const Process& p : model.processes()) {
      REQUIRE_FALSE(p.comms.empty());
      REQUIRE_FALSE(p.pids.empty());
      if (!p.container) continue;
      const auto& members = model.containers()[*p.container].members;
      REQUIRE(std::count(members.begin(), members.end(), p.id) == 1);
    }
    for (const auto& c : model.containers())
      for (const auto id : c.members) REQUIRE(model.processes()[id].container == c.id);
    for (const auto& n : model.namespaces()) REQUIRE(n.inside <= 10 * 40);
  }
}
