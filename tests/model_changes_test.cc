// SPDX-License-Identifier: MIT
// What each call changed about namespaces, as one line each; one trap per test.
#include <linux/sched.h>

#include <algorithm>
#include <functional>

#include "model/changes.h"
#include "tests/catch.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::testing;
using model::Model;
using trace::Ns;

namespace {

// What each event of a scene changed, one line each: "N: net 4026531840 -> 4026532000 (new)".
class Changes : public Model {
 public:
  void event(const trace::Event& event) override {
    Model::event(event);
    for (const model::NsChange& c : model::changes(*this, event)) lines.push_back(model::change_text(*this, c));
  }
  std::vector<std::string> lines;
};
std::vector<std::string> changes(const Scene& scene) {
  Changes model;
  scene.play(model);
  return model.lines;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("changes: a pid namespace is prepared for children, and takes effect at the next fork") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.unshare(100, CLONE_NEWNET | CLONE_NEWPID);
  s.fork(100, 200);
  s.fork(200, 201);  // nothing more
  REQUIRE(changes(s) ==
          Lines{"net 4026531840 -> 4026532000 (new)",
                "pid_for_children 4026531836 -> 4026532001 (new; from its next child on)",
                "pid 4026531836 -> 4026532001 (prepared before, takes effect here: a sandbox of sh)"});
}

TEST_CASE("changes: what clone makes is the child's") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200, CLONE_NEWPID | CLONE_NEWUTS);
  REQUIRE(changes(s) == Lines{"uts 4026531838 -> 4026532000 (new)", "pid 4026531836 -> 4026532001 (new)"});
}

TEST_CASE("changes: joined says whose it is, and back to the host's") {
  Scene s = docker_exec_scene();
  const Lines all = changes(s);
  REQUIRE(std::ranges::count_if(all, [](const std::string& line) {
            return line.find("(joined: container cbab362df10a") != std::string::npos;
          }) == 5);
  REQUIRE(std::ranges::count_if(all, [](const std::string& line) {
            return line.starts_with("pid_for_children ") &&
                   line.ends_with("(joined: container cbab362df10a; from its next child on)");
          }) == 1);
  Scene t;
  t.existing(100, "sh", {"sh"});
  t.unshare(100, CLONE_NEWNET);
  t.setns(100, 3, Ns::Net, host_namespaces()[Ns::Net]);
  REQUIRE(changes(t) ==
          Lines{"net 4026531840 -> 4026532000 (new)", "net 4026532000 -> 4026531840 (joined: the host's)"});
}

TEST_CASE("changes: a number that was empty in between proves nothing, unless something held it or has an id") {
  const auto played = [](const std::function<void(Scene&, std::uint32_t)>& between) {
    Scene s;
    s.existing(100, "dockerd");
    s.existing(50, "sh");
    s.unshare(100, CLONE_NEWNET);
    const auto inode = s.ns(100)[Ns::Net];
    between(s, inode);
    s.setns(100, 3, Ns::Net, host_namespaces()[Ns::Net]);
    s.setns(50, 4, Ns::Net, inode);
    return changes(s).back();
  };
  const std::string joined = "net 4026531840 -> 4026532000 (joined";
  REQUIRE(played([](Scene&, std::uint32_t) {}) == joined + "; same inode, identity not proven)");
  REQUIRE(played([](Scene& s, std::uint32_t) { s.mount(100, "/proc/self/ns/net", "/run/ns", "", 4096); }) ==
          joined + ")");
  REQUIRE(played([](Scene& s, std::uint32_t) { s.mount(50, "/proc/100/ns/net", "/run/ns", "", 4096); }) ==
          joined + ")");
  REQUIRE(played([](Scene& s, std::uint32_t) {
            s.mount(50, "/proc/100/ns/net", "/run/ns", "", 4096);
            s.umount2(50, "/run/ns", 2);
          }) == joined + "; same inode, identity not proven)");
  REQUIRE(played([](Scene& s, std::uint32_t inode) {
            s.namespace_seen(100, {Ns::Net, inode, 71, 0, 0});
          }) == joined + ")");
}

TEST_CASE("changes: a lost call's effect is seen, and that its call was not") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.unseen([&] { s.unshare(100, CLONE_NEWNET); });
  s.rename(100, "later");
  REQUIRE(changes(s) == Lines{"net 4026531840 -> 4026532000 (how is not in this trace)"});
}

TEST_CASE("inode_reuse: a number that is announced again, when nobody is in it, is another namespace") {
  Scene s;
  s.existing(100, "sh");
  s.unshare(100, CLONE_NEWNET);
  const auto inode = s.ns(100)[Ns::Net];
  s.namespace_seen(100, {Ns::Net, inode, 0, 0, 0});
  s.setns(100, 3, Ns::Net, host_namespaces()[Ns::Net]);
  s.namespace_seen(100, {Ns::Net, inode, 0, 0, 0});
  s.setns(100, 4, Ns::Net, inode);
  Model model;
  s.play(model);
  REQUIRE(std::ranges::count(model.namespaces(), inode, &model::Namespace::inode) == 2);
  REQUIRE_FALSE(model.namespace_of(Ns::Net, inode)->maker);
  REQUIRE_FALSE(model.namespace_of(Ns::Net, inode)->doubtful);
}
