// SPDX-License-Identifier: MIT
// What check --update makes of an expectation file when the runtime has changed.
#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <map>

#include "check/update.h"
#include "tests/catch.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::check;
using nstrace::testing::Scene;

namespace {

// A runtime that makes a container in a few calls; `harm` is what the new version does otherwise.
struct Version {
  std::uint64_t flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET;
  std::string data = "mode=755";
  bool umount = true;
  bool mount_first = false;
  int pivots = 1;
  std::string program = "/usr/sbin/runc", name = "runc";
};

trace::Trace run(const Version& version) {
  Scene s;
  s.existing(900, "shell", {"sh"});
  s.fork(900, 1000);
  s.exec(1000, version.program, {version.name, "--root", "/run/r", "run", "box"});
  s.fork(1000, 1001);
  s.rename(1001, "runc:[2:INIT]");
  if (version.mount_first) s.mount(1001, "tmpfs", "/dev", "tmpfs", MS_NOSUID, version.data);
  s.unshare(1001, version.flags);
  if (!version.mount_first) s.mount(1001, "tmpfs", "/dev", "tmpfs", MS_NOSUID, version.data);
  for (int i = 0; i < version.pivots; ++i) s.pivot_root(1001);
  if (version.umount) s.umount2(1001, ".", MNT_DETACH);
  s.sethostname(1001, "box");
  s.exec(1001, "/bin/true", {"true"});
  s.exit(1001);
  s.exit(1000);
  return s.trace();
}

const std::string kFile = R"(# how runc 1 does it
role runc = exec "*/runc" with "run"
role init = comm "runc:[2:INIT]" below runc

sequence "set-up" {
  init: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWNET) = 0
  init: mount("tmpfs", "/dev", _, MS_NOSUID, "mode=755") = 0   # devices
  init: pivot_root(".", ".") = 0
  init: umount2(".", MNT_DETACH) = 0
}
count init: pivot_root(...) == 1
never init: setns(...)
at init: execve(...) {
  ns mnt, uts, net: new
  ns user: host
}
)";

std::string updated(const std::vector<trace::Trace>& traces, const std::string& file = kFile,
                    Verdict verdict = Verdict::Holds) {
  const Updated out = update("x.expect", traces, [&](const std::string&) { return file; });
  CHECK(out.verdict == verdict);
  if (out.before.empty()) return "";
  CHECK(out.before.at("x.expect") == file);
  return line_diff("x.expect", file, out.after.at("x.expect"));
}

}  // namespace

TEST_CASE("what holds stays as it is") {
  CHECK(updated({run({}), run({})}).empty());
}

TEST_CASE("a changed argument is changed where it stands, and nothing else of the line") {
  CHECK(updated({run({.data = "mode=700"})}) ==
        "--- x.expect\n+++ x.expect\n@@ -5,5 +5,5 @@\n sequence \"set-up\" {\n"
        "   init: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWNET) = 0\n"
        "-  init: mount(\"tmpfs\", \"/dev\", _, MS_NOSUID, \"mode=755\") = 0   # devices\n"
        "+  init: mount(\"tmpfs\", \"/dev\", _, MS_NOSUID, \"mode=700\") = 0   # devices\n"
        "   init: pivot_root(\".\", \".\") = 0\n   init: umount2(\".\", MNT_DETACH) = 0\n");
}

TEST_CASE("a changed namespace changes the call and the state at the exec") {
  const std::string diff = updated({run({.flags = CLONE_NEWNS | CLONE_NEWUTS})});
  INFO(diff);
  CHECK(diff.find("+  init: unshare(CLONE_NEWNS|CLONE_NEWUTS) = 0\n") != std::string::npos);
  CHECK(diff.find("-  ns mnt, uts, net: new\n+  ns mnt, uts: new\n+  ns net: host\n") != std::string::npos);
  CHECK(diff.find("ns user") != std::string::npos);  // as context only
}

TEST_CASE("a call that is gone takes its line with it") {
  const std::string diff = updated({run({.umount = false})});
  INFO(diff);
  CHECK(diff.find("-  init: umount2(\".\", MNT_DETACH) = 0\n") != std::string::npos);
  CHECK(std::count(diff.begin(), diff.end(), '+') == 4);  // the heading and the hunk only
}

TEST_CASE("a call in another place moves there") {
  const std::string diff = updated({run({.mount_first = true})});
  INFO(diff);
  CHECK(diff.find("-  init: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWNET) = 0\n   init: mount(") != std::string::npos);
  CHECK(diff.find("\n+  init: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWNET) = 0\n") != std::string::npos);
}

TEST_CASE("a count becomes what was counted; of several runs, all that was") {
  CHECK(updated({run({.pivots = 2})}).find("+count init: pivot_root(...) == 2\n") != std::string::npos);
  CHECK(updated({run({}), run({.pivots = 3})}).find("+count init: pivot_root(...) in 1..3\n") != std::string::npos);
}

TEST_CASE("a never that is no longer true becomes a comment") {
  const std::string file = kFile + "never init: umount2(...)\n";
  CHECK(updated({run({})}, file).find("+# no longer holds: never init: umount2(...)\n") != std::string::npos);
}

TEST_CASE("roles are not updated, and what fails by them is named") {
  const std::string file = "role crun = exec \"crun\"\nnever crun: setns(...)\n";
  const Updated out = update("x.expect", {run({})}, [&](const std::string&) { return file; });
  CHECK(out.verdict == Verdict::Fails);
  CHECK(out.before.empty());
  REQUIRE(out.left.size() == 2);
  CHECK(out.left[0] == "role crun");
}

TEST_CASE("what the traces cannot tell is left as it is") {
  trace::Trace lossy = run({.umount = false});
  lossy.footer.reset();
  std::erase_if(lossy.events, [](const trace::Event& e) { return e.as<trace::Exit>() != nullptr; });
  CHECK(updated({lossy}, kFile, Verdict::CannotTell).empty());
}

// As `nstrace expect` writes it: the id of the container ties the sequences together.
const std::string kTied = R"(role runc = exec "*/runc" with "run"
role init = comm "runc:[2:INIT]" below runc
sequence "runc" {
  runc: execve("/usr/sbin/runc", ["runc", ..., "run", "${id}"]) = 0   # the program
}
sequence "init" {
  init: mount("tmpfs", "/dev", _, MS_NOSUID, "mode=755") = 0
  init: sethostname("${id}", _) = 0
}
sequence "end" {
  init: umount2(".", MNT_DETACH) = 0
  init: sethostname("${id}", _) = 0
}
)";

TEST_CASE("rules that share a capture are mended one after the other, and keep it") {
  const std::string diff =
      updated({run({.data = "mode=700", .umount = false, .program = "/opt/runc", .name = "/opt/runc"})}, kTied);
  INFO(diff);
  CHECK(diff.find("+  runc: execve(\"/opt/runc\", [\"/opt/runc\", ..., \"run\", \"${id}\"]) = 0   # the program\n") !=
        std::string::npos);
  CHECK(diff.find("+  init: mount(\"tmpfs\", \"/dev\", _, MS_NOSUID, \"mode=700\") = 0\n") != std::string::npos);
  CHECK(diff.find("-  init: umount2(\".\", MNT_DETACH) = 0\n") != std::string::npos);
  CHECK(diff.find("-  init: sethostname") == std::string::npos);
}

TEST_CASE("a rule about a role that nobody fills is left as it is") {
  const std::string file =
      "role crun = exec \"crun\"\nrole runc = exec \"runc\"\nrole init = comm \"x\" below runc\n"
      "never crun: setns(...)\nnever init: setns(...)\nnever runc: setns(...)\n";
  const Updated out = update("x.expect", {run({})}, [&](const std::string&) { return file; });
  CHECK(out.verdict == Verdict::Fails);
  CHECK(out.before.empty());
  CHECK(out.left.size() == 4);
}

TEST_CASE("an included file is changed where the rule stands") {
  const std::map<std::string, std::string> files = {
      {"x.expect", "role init = comm \"runc:[2:INIT]\"\ninclude \"rules.expect\"\n"},
      {"rules.expect", "count init: pivot_root(...) == 1\n"}};
  const Updated out = update("x.expect", {run({.pivots = 2})}, [&](const std::string& path) { return files.at(path); });
  CHECK(out.verdict == Verdict::Holds);
  REQUIRE(out.after.size() == 1);
  CHECK(out.after.at("rules.expect") == "count init: pivot_root(...) == 2\n");
}

TEST_CASE("a file that does not parse is refused") {
  CHECK_THROWS_AS(update("x.expect", {run({})}, [](const std::string&) { return "rule\n"; }), ParseError);
}

TEST_CASE("line differences: nothing, all, apart") {
  CHECK(line_diff("p", "a\n", "a\n") == "--- p\n+++ p\n");
  CHECK(line_diff("p", "", "a\n") == "--- p\n+++ p\n@@ -1,0 +1,1 @@\n+a\n");
  CHECK(line_diff("p", "a\n1\n2\n3\n4\n5\nb\n", "A\n1\n2\n3\n4\n5\nB\n") ==
        "--- p\n+++ p\n@@ -1,3 +1,3 @@\n-a\n+A\n 1\n 2\n@@ -5,3 +5,3 @@\n 4\n 5\n-b\n+B\n");
}
