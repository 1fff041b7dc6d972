// SPDX-License-Identifier: MIT
// --anonymous: what tells about the machine or the run has gone, what tells about the program is still there.
#include "trace/anonymous.h"

#include "tests/catch.h"
#include "trace/sink.h"

using namespace nstrace::trace;

namespace {

class Last : public Sink {
 public:
  void event(const Event& given) override { event_ = given; }
  Event event_;
};

Event anonymous(const Event& event) {
  Last last;
  Anonymous writer(last);
  writer.header(Header{});
  Existing process;
  process.pid = event.who.tgid;
  process.born = event.who.born;
  process.followed = true;
  writer.existing(process);
  writer.event(event);
  writer.footer(Footer{});
  return last.event_;
}

Event exec_of(int pid) {
  Event event;
  event.number = 1;
  event.who.tid = event.who.tgid = pid;
  event.what = Exec{};
  return event;
}

}  // namespace

TEST_CASE("the state at an exec: inodes, pids and what is the caller's go; ids, capabilities and paths stay") {
  Event event = exec_of(4711);
  Exec& exec = *event.as<Exec>();
  exec.creds = Creds{.uid = 1000};
  exec.caps = Caps{.permitted = 0xa80425fb};
  exec.seccomp = Seccomp::Filter;
  exec.cwd = Place{51, 128, "/work"};
  exec.root = Place{51, 129, "/run/containerd/0123456789abcdef/rootfs"};
  exec.fds = {{0, "/dev/pts/3"},       {3, "/proc/4711/status"}, {7, "pipe:[51200]"}, {8, "socket:[51201]"},
              {9, "mnt:[4026531999]"}, {14, "pid:4711"},         {15, "pid:99"},      {16, "/dev/null"}};
  const Event out = anonymous(event);
  const Exec& got = *out.as<Exec>();
  CHECK(got.creds == exec.creds);
  CHECK(got.caps == exec.caps);
  CHECK(got.seccomp == Seccomp::Filter);
  CHECK(got.cwd == Place{0, 0, "CWD"});
  CHECK(got.root == Place{0, 0, "/run/containerd/id1/rootfs"});
  const std::vector<OpenFd> fds{{0, ""},        {3, "/proc/100/status"}, {7, "pipe:[INODE]"}, {8, "socket:[INODE]"},
                                {9, "mnt:[1]"}, {14, "pid:100"},         {15, "pid:PID"},     {16, "/dev/null"}};
  CHECK(got.fds == fds);
}

TEST_CASE("groups are the caller's, and go, until they are set; so does the name of nstrace's file, until an exec") {
  class All : public Sink {
   public:
    void existing(const Existing& process) override { comm = process.comm; }
    void event(const Event& given) override { events.push_back(given); }
    std::string comm;
    std::vector<Event> events;
  } all;
  Anonymous writer(all);
  writer.header(Header{.tracer_pid = 40});
  writer.existing({.pid = 41, .parent_pid = 40, .comm = "my-nstrace", .followed = true});
  Event event = exec_of(41);
  event.as<Exec>()->comm_before = "my-nstrace";
  event.as<Exec>()->groups = {4, 5, 6};
  writer.event(event);
  Event call = exec_of(41);
  call.call.name = "setgroups";
  call.call.result = 0;
  call.what = Syscall{};
  writer.event(call);
  Event fork = exec_of(41);
  fork.call.name = "clone";
  fork.call.result = 42;
  Fork child;
  child.child.tid = child.child.tgid = 42;
  child.parent_tgid = 41;
  fork.what = child;
  writer.event(fork);
  event = exec_of(42);
  event.as<Exec>()->comm_before = "sh";
  event.as<Exec>()->groups = {7};
  writer.event(event);
  writer.footer(Footer{});
  REQUIRE(all.events.size() == 4);
  CHECK(all.comm == "nstrace");
  CHECK(all.events[0].as<Exec>()->comm_before == "nstrace");
  CHECK(!all.events[0].as<Exec>()->groups);
  CHECK(all.events[3].as<Exec>()->comm_before == "sh");
  CHECK(all.events[3].as<Exec>()->groups == std::vector<std::uint32_t>{7});
}

TEST_CASE("a move between cgroups: ids in both paths become symbols, the same one for the same id") {
  Event event = exec_of(7);
  event.who.cgroup = 5130;
  event.what = CgroupMove{5104, "/docker/0123456789abcdef/init", "/docker/0123456789abcdef"};
  const Event out = anonymous(event);
  const CgroupMove& move = *out.as<CgroupMove>();
  CHECK(move.path == "/docker/id1/init");
  CHECK(move.from_path == "/docker/id1");
  CHECK(move.from != 5104);
}
