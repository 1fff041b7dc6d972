// SPDX-License-Identifier: MIT
// The process tree as text: scenes in, goldens out.
#include "report/tree.h"

#include <fmt/format.h>
#include <linux/sched.h>

#include "model/at.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::testing;
using report::TreeOptions;
using trace::Ns;

namespace {

std::string tree(const Scene& scene, const TreeOptions& options = {}) {
  model::Model model;
  scene.play(model);
  return report::tree_text(model, options);
}

}  // namespace

TEST_CASE("docker run") {
  check_golden("tree/docker_run.txt", tree(docker_run_scene()));
}
TEST_CASE("docker run on a narrow terminal: broken at words and between flags") {
  TreeOptions options;
  options.width = 60;
  check_golden("tree/docker_run_narrow.txt", tree(docker_run_scene(), options));
}
TEST_CASE("docker exec") {
  check_golden("tree/docker_exec.txt", tree(docker_exec_scene()));
}

TEST_CASE("docker run with its ancestors, in ASCII") {
  TreeOptions options;
  options.ancestors = true;
  options.ascii = true;
  options.tables = false;
  check_golden("tree/docker_run_ancestors.txt", tree(docker_run_scene(), options));
}

TEST_CASE("at: the tree as it was before pivot_root, with who lived then and who they were") {
  const Scene scene = docker_run_scene();
  TreeOptions options;
  for (const auto& event : scene.trace().events)
    if (event.call.name == "pivot_root") options.at = event.time - 1;
  REQUIRE(options.at);
  check_golden("tree/docker_run_at.txt", tree(scene, options));
}

TEST_CASE("at: before the first event and after the last") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.unshare(200, CLONE_NEWNET);
  s.exit(200);
  TreeOptions options;
  options.tables = false;
  options.at = 0;
  REQUIRE(tree(s, options) == "100 sh\n");
  options.at = 1'000'000;
  REQUIRE(tree(s, options) == "100 sh\n└─ 200 <sh>\n");
  options.at = 2'000'000;
  REQUIRE(tree(s, options) == "100 sh\n└─ 200 <sh>  makes net#2\n");
  options.at = 3'000'000;
  REQUIRE(tree(s, options) == "100 sh\n");
}

TEST_CASE("at: a child whose creator has ended stands below who made that one") {
  Scene s;
  s.existing(100, "shim", {"shim"});
  s.fork(100, 200);
  s.fork(200, 300);
  s.exit(200);
  TreeOptions options;
  options.tables = false;
  options.at = 3'000'000;
  REQUIRE(tree(s, options) == "100 shim\n└─ 300 <shim>\n");
}

TEST_CASE("made, entered, born in, come back from, made by a thread") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.thread(100, 101);
  s.unshare(101, CLONE_NEWNET);
  s.fork(100, 200);
  s.unshare(200, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWPID);
  s.fork(200, 201);
  s.fork(100, 300);
  s.setns(300, 3, Ns::Uts, s.ns(200)[Ns::Uts]);
  s.setns(300, 4, Ns::Pid, s.ns(201)[Ns::Pid]);
  s.fork(200, 400);
  s.setns(400, 3, Ns::Uts, host_namespaces()[Ns::Uts]);
  check_golden("tree/namespaces.txt", tree(s));
}

TEST_CASE("children that look alike are folded, unless they end otherwise or have children") {
  Scene s;
  s.existing(100, "make", {"make"});
  const auto child = [&](int pid, int code) {
    s.fork(100, pid);
    s.exec(pid, "/usr/bin/cc", {"cc", "-c", "a.c"});
    if (pid == 204) s.fork(pid, 300);
    s.exit(pid, code);
  };
  for (int pid = 201; pid <= 207; ++pid) child(pid, pid == 207 ? 1 : 0);
  TreeOptions options;
  options.tables = false;
  REQUIRE(tree(s, options) ==
          "100 make\n"
          "├─ 201..203 cc -c a.c  exited with 0  x3\n"
          "├─ 204 cc -c a.c  exited with 0\n"
          "│  └─ 300 <cc>\n"
          "├─ 205..206 cc -c a.c  exited with 0  x2\n"
          "└─ 207 cc -c a.c  exited with 1\n");
  options.fold = false;
  REQUIRE_THAT(tree(s, options), !ContainsSubstring("x3"));
}

TEST_CASE("ends: a signal with its name, an end that was not seen") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.exit(200, 0, 9);
  s.fork(100, 300);
  s.unseen([&] { s.exit(300); });
  s.fork(100, 300);
  TreeOptions options;
  options.tables = false;
  REQUIRE(tree(s, options) ==
          "100 sh\n"
          "├─ 200 <sh>  killed by SIGKILL\n"
          "├─ 300 <sh>  end not seen\n"
          "└─ 300 <sh>\n");
}

TEST_CASE("hostile names and arguments come out printable, in one line each") {
  Scene s;
  s.existing(100, "\x1b[31m\n", {"\n\x1b]0;x\x07", "a b", "\"", "$(x)", "\xff", "\xe2\x80\xae"});
  s.fork(100, 200);
  s.rename(200, "a\nb\x1b");
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "b", "id\n\x1b[2J"});
  s.fork(200, 201, CLONE_NEWPID);
  const std::string text = tree(s);
  for (const char c : text) REQUIRE((c == '\n' || static_cast<unsigned char>(c) >= ' '));
  REQUIRE_THAT(text, !ContainsSubstring("\xff"));
  REQUIRE_THAT(text, !ContainsSubstring("\xe2\x80\xae"));
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 3 + 3 + 3 + 4);
}

TEST_CASE("a chain of 20,000 processes") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  int last = 100;
  for (int pid = 1000; pid < 21000; ++pid) {
    s.fork(last, pid);
    last = pid;
  }
  TreeOptions options;
  options.tables = false;
  const std::string text = tree(s, options);
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 20001);
  REQUIRE(text.size() < 20'000'000);
}

TEST_CASE("nothing in, nothing out") {
  REQUIRE(tree(Scene()).empty());
  REQUIRE(report::tree_text(model::Model()).empty());
}

TEST_CASE("names of namespaces: the host's is 1, others by first sight, a used number again has a new name") {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200, CLONE_NEWNET);
  const auto inode = s.ns(200)[Ns::Net];
  s.exit(200);
  s.reuse_inode(inode);
  s.fork(100, 300, CLONE_NEWNET);
  model::Model model;
  s.play(model);
  const report::NamespaceNames names(model);
  REQUIRE(names.name(model.namespace_of(Ns::Net, host_namespaces()[Ns::Net])->id) == "net#1");
  REQUIRE(names.name(model.process_of(200, 0)->ns_id[Ns::Net]) == "net#2");
  REQUIRE(names.name(model.process_of(300, 0)->ns_id[Ns::Net]) == "net#3");
  REQUIRE(names.name(model::kNoNamespace) == "?");
}
