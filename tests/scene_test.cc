// SPDX-License-Identifier: MIT
#include "tests/scene.h"

#include <linux/sched.h>

#include "tests/catch.h"

using namespace nstrace;
using namespace nstrace::testing;
using trace::Ns;

TEST_CASE("a pid namespace made by unshare holds the next child, not the caller") {
  Scene s;
  s.existing(100, "sh");
  s.unshare(100, CLONE_NEWPID);
  REQUIRE(s.ns(100)[Ns::Pid] == host_namespaces()[Ns::Pid]);
  s.fork(100, 101);
  s.fork(101, 102);
  REQUIRE(s.ns(101)[Ns::Pid] == s.ns(100)[Ns::PidForChildren]);
  REQUIRE(s.last().as<trace::Fork>()->child.tids == std::vector<int>{102, 2});
  REQUIRE(s.last().call.result == 2);
}

TEST_CASE("CLONE_PARENT gives the creator's parent") {
  Scene s;
  s.existing(100, "runc");
  s.fork(100, 101);
  s.fork(101, 102, CLONE_PARENT);
  REQUIRE(s.last().as<trace::Fork>()->parent_tgid == 100);
  REQUIRE(s.last().who.tid == 101);
}

TEST_CASE("exec by a thread takes the leader's tid and ends the other threads") {
  Scene s;
  s.existing(100, "go");
  s.thread(100, 101);
  s.thread(100, 102);
  s.exec(101, "/bin/true", {"true"});
  REQUIRE(s.last().who.tid == 100);
  REQUIRE(s.last().as<trace::Exec>()->tid_before == 101);
  REQUIRE_THROWS(s.ns(102));
}

TEST_CASE("the docker scenes have events numbered in the order of time") {
  for (const Scene& scene : {docker_run_scene(), docker_exec_scene()}) {
    const trace::Trace t = scene.trace();
    REQUIRE(t.events.size() > 20);
    for (std::size_t i = 0; i < t.events.size(); ++i) {
      REQUIRE(t.events[i].number == i + 1);
      if (i) REQUIRE(t.events[i].time > t.events[i - 1].time);
    }
  }
}
