// SPDX-License-Identifier: MIT
// The checker on hand-made traces: what holds, what fails, and what it says.
#include <sstream>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::check;
using nstrace::testing::Scene;

namespace {

const std::string kRoles = R"(role runc  = exec "*/runc" with "create"
role child = comm "runc:[1:CHILD]" below runc
role init  = comm "runc:[2:INIT]" below runc
)";

Result run(const std::string& expectations, const Scene& scene) {
  Checker checker(parse("docker.expect", expectations));
  scene.play(checker);
  Result result = checker.result();
  add_windows(result, [&](trace::Sink& sink) { scene.play(sink); });
  return result;
}

}  // namespace

TEST_CASE("the example of the design holds on docker run") {
  const Result result = run(kRoles + R"(
sequence "container set-up" {
  child: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET|?CLONE_NEWCGROUP) = 0
  init:  pivot_root(".", ".") = 0
  init:  umount2(".", MNT_DETACH) = 0
  init:  execve("*/sleep", ["sleep", ...]) = 0
}
never init: setns(...)
count child: unshare(...) == 1
at init: execve("*/sleep", ...) {
  ns mnt, pid, uts, ipc, net: new
  ns user, time: host
}
)",
                            testing::docker_run_scene());
  INFO(text_report(result));
  CHECK(result.verdict == Verdict::Holds);
  CHECK(result.holds == 4);
}

TEST_CASE("failures explain themselves") {
  const Result result = run(kRoles + R"(
role gone = exec "*/crun" with "create"
role gona = exec "*/runc" with "delete" below runc
sequence "umount of the wrong place" {
  child: unshare(CLONE_NEWNS|...) = 0
  init:  pivot_root(".", ".") = 0
  init:  umount2("/", MNT_DETACH) = 0
}
sequence "wrong order" {
  init:  umount2(".", MNT_DETACH) = 0
  init:  pivot_root(".", ".") = 0
}
sequence "flags" {
  child: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID) = 0
}
sequence "by somebody else" {
  init: unshare(CLONE_NEWNS|...)
}
sequence "next" {
  init: pivot_root(...)
  next init: umount2(...)
}
sequence "within" {
  child: unshare(...)
  init: execve("/bin/sleep", ...) within 5ms
}
sequence "captures" {
  runc: execve("*/runc", [..., "create", "--bundle", ..., $id])
  init: sethostname($id, _)
}
never init: mount(...) after pivot_root(...)
never init: mount("/proc/*", ...) between pivot_root(...) and execve(...)
never init: mount(...) before chroot(...)
count child: unshare(...) == 2
count init: mount(...) <= 3 before pivot_root(...)
count child == 3
at init: execve("*/sleep", ...) {
  ns mnt, user: new
  ns net: host
  ns pid: same as runc
  pid: 2
  comm: "sh"
}
at init: first setns(...) { ns pid: new }
sequence "nobody" { gone: setns(...) }
)",
                            testing::docker_run_scene());
  CHECK(result.verdict == Verdict::Fails);
  testing::check_golden("check/failures.txt", text_report(result, {.trace = "run.jsonl", .verbose = true}));
}

TEST_CASE("every format tells what holds, fails, cannot be told and is skipped") {
  Scene scene = testing::docker_run_scene();
  scene.header().calls = {"execve", "pivot_root"};
  const Result result = run(kRoles + R"(
role other = optional exec "*/crun"
sequence "holds" { init: pivot_root(".", ".") = 0 }
sequence "fails: 100%, <&>" { init: pivot_root("# a", "\\") = 0 }
never init: setns(...)
never other: setns(...)
)",
                            scene);
  CHECK(result.holds == 1);
  CHECK(result.fails == 1);
  CHECK(result.unknown == 1);
  CHECK(result.skipped == 1);
  CHECK(result.verdict == Verdict::Fails);
  const ReportOptions options{.trace = "run 1.jsonl", .verbose = true};
  testing::check_golden("check/report.txt", text_report(result, options));
  testing::check_golden("check/report.md", markdown_report(result, options));
  testing::check_golden("check/report.json", json_report(result, options));
  testing::check_golden("check/report.xml", junit_report(result, options));
  testing::check_golden("check/report.tap", tap_report(result, options));
  testing::check_golden("check/report.github", github_report(result, options));
}

TEST_CASE("on a narrow terminal a call keeps its beginning and its result") {
  const Result result = run(kRoles + "sequence { init: pivot_root(\".\", \"x\") }\n", testing::docker_run_scene());
  const std::string whole = text_report(result), narrow = text_report(result, {.columns = 80});
  CHECK(whole != narrow);
  std::istringstream lines(narrow);
  std::size_t calls = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" event ") == std::string::npos) continue;
    ++calls;
    CHECK(line.size() <= 80);
  }
  CHECK(calls > 3);
  CHECK_THAT(narrow, ContainsSubstring(" pivot_root(\".\", \".\") = 0\n") && ContainsSubstring("...) = 0\n"));
}

TEST_CASE("a role that nobody fills, and that no rule names, is counted as what fails") {
  const Result result =
      run(kRoles + "role nobody = comm \"nobody\"\nnever init: chroot(...)\n", testing::docker_run_scene());
  CHECK(result.verdict == Verdict::Fails);
  CHECK(result.holds == 1);
  CHECK(result.fails == 1);
}
