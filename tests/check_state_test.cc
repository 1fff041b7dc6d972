// SPDX-License-Identifier: MIT
// `at` on what a program begins with: ids, rights, folders, descriptors.
#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::check;
using nstrace::testing::Scene;

namespace {

constexpr std::uint64_t kChown = 1, kKill = 1u << 5, kAdmin = 1u << 21;

// A program with all that an exec event may tell.
trace::Exec full() {
  trace::Exec exec;
  exec.creds = trace::Creds{.uid = 0, .euid = 1000, .gid = 0, .egid = 100};
  exec.caps =
      trace::Caps{.inheritable = 0, .permitted = kChown | kKill, .effective = kKill, .bounding = kChown | kAdmin};
  exec.no_new_privs = true;
  exec.seccomp = trace::Seccomp::Filter;
  exec.cwd = trace::Place{.path = "/work"};
  exec.root = trace::Place{.path = "/"};
  exec.fds = std::vector<trace::OpenFd>{{0, "/dev/null"}, {1, "pipe:[5]"}, {2, "pipe:[6]"}, {7, "/run/a, b]"}};
  exec.groups = std::vector<std::uint32_t>{10, 1000, 4294967294};
  return exec;
}

Result run(const std::string& rules, const trace::Exec& state) {
  Scene s;
  s.existing(900, "shell", {"sh"});
  s.fork(900, 1000);
  s.exec(1000, "/bin/app", {"app"});
  auto& exec = std::get<trace::Exec>(s.last().what);
  trace::Exec merged = state;
  merged.path = exec.path, merged.argv = exec.argv, merged.comm_before = exec.comm_before;
  exec = merged;
  s.exit(1000);
  Checker checker(parse("x.expect", "role app = exec \"app\"\n" + rules));
  s.play(checker);
  return checker.result();
}

Verdict at(const std::string& line, const trace::Exec& state = full()) {
  return run("at app: execve(...) { " + line + "\n}\n", state).verdict;
}

}  // namespace

TEST_CASE("each kind of state holds and fails") {
  const std::pair<const char*, const char*> kLines[] = {
      {"uid: 1000", "uid: 0"},
      {"gid: 100", "gid: 101"},
      {"uid: 1..65535", "uid: >1000"},
      {"groups: [10, 1000, 4294967294]", "groups: [10, 1000]"},
      {"groups: [10, ...]", "groups: [1000, ...]"},
      {"groups: ![..., 0, ...]", "groups: ![..., 1000, ...]"},
      {"groups: [>0, ...]", "groups: []"},
      {"groups: [] or [10, _, _]", "groups: [10, _] or []"},
      {"caps: CAP_KILL", "caps: CAP_CHOWN"},
      {"caps: !CAP_SYS_ADMIN", "caps: 0"},
      {"caps: {inheritable=0, ...}", "caps: {inheritable=!0, ...}"},
      {"caps: {permitted=CAP_CHOWN|CAP_KILL, ambient=0, ...}", "caps: {permitted=CAP_CHOWN, ...}"},
      {"caps: {bounding=CAP_SYS_ADMIN|..., ...}", "caps: {bounding=!CAP_SYS_ADMIN|..., ...}"},
      {"no_new_privs: 1", "no_new_privs: 0"},
      {"seccomp: \"filter\"", "seccomp: \"none\""},
      {"seccomp: 2", "seccomp: 0"},
      {"cwd: \"/work\"", "cwd: \"(unreachable)*\""},
      {"cwd: !\"(unreachable)*\"", "cwd: !\"/w*\""},
      {"root: \"/\"", "root: \"/srv*\""},
      {"fds: [0, 1, 2, 7]", "fds: [0, 1, 2]"},
      {"fds: [0, 1, 2, ...]", "fds: [1, 2, ...]"},
      {"fds: [..., 7]", "fds: [..., 2]"},
      {"fds: [..., 1, ..., 7, ...]", "fds: [..., 7, ..., 1, ...]"},
      {"fds: [_, _, _, _]", "fds: [_, _, _]"},
      {"fds: [0</dev/null>, 1<pipe:*>, 2, _</run/*>]", "fds: [0</dev/null>, 1<pipe:*>, 2, _</etc/*>]"},
      {"fds: [\"/dev/null\", ..., \"/run/a, b]\"]", "fds: [\"/dev/zero\", ...]"},
      {"fds: ![..., \"/etc/*\", ...]", "fds: ![..., \"/run/*\", ...]"},
      {"fds: [0] or [0..7, 1, 2, 7]", "fds: [0] or [1]"},
  };
  for (const auto& [holds, fails] : kLines) {
    INFO(holds << " / " << fails);
    CHECK(at(holds) == Verdict::Holds);
    CHECK(at(fails) == Verdict::Fails);
  }
}

TEST_CASE("what an exec event does not tell cannot be told") {
  for (const char* line : {"uid: 1000", "gid: 0", "caps: 0", "no_new_privs: 0", "seccomp: 0", "cwd: \"/\"",
                           "root: \"/\"", "fds: []", "fds: _", "groups: [0]"}) {
    INFO(line);
    CHECK(at(line, {}) == Verdict::CannotTell);
  }
  const Result result = run("at app: exited(0) { uid: 0\n}\n", full());
  CHECK(result.verdict == Verdict::CannotTell);
  CHECK(text_report(result).find("ask at an exec") != std::string::npos);
}

TEST_CASE("an empty folder is not known, an unreachable one is") {
  trace::Exec exec = full();
  exec.cwd->path.clear();
  CHECK(at("cwd: \"*\"", exec) == Verdict::CannotTell);
  exec.cwd->path = "(unreachable)/host";
  CHECK(at("cwd: !\"(unreachable)*\"", exec) == Verdict::Fails);
}

TEST_CASE("descriptors beyond those listed may be any") {
  trace::Exec exec = full();
  exec.fds_more = 3;
  CHECK(at("fds: [0, 1, 2, 7]", exec) == Verdict::CannotTell);
  CHECK(at("fds: [0, 1, 2, 7, ...]", exec) == Verdict::Holds);
}

TEST_CASE("groups beyond those listed may be any") {
  trace::Exec exec = full();
  exec.groups_more = 3;
  CHECK(at("groups: [10, 1000, 4294967294]", exec) == Verdict::Fails);
  CHECK(at("groups: [10, 1000, 4294967294, ...]", exec) == Verdict::Holds);
  CHECK(at("groups: [10, 1000, 4294967294, 4294967295]", exec) == Verdict::CannotTell);
  CHECK(at("groups: ![..., 0, ...]", exec) == Verdict::CannotTell);
  const std::string text = text_report(run("at app: execve(...) { groups: []\n}\n", exec));
  CHECK(text.find("groups is [10, 1000, 4294967294, and 3 more]") != std::string::npos);
}

TEST_CASE("no supplementary group at all") {
  trace::Exec exec = full();
  exec.groups->clear();
  CHECK(at("groups: []", exec) == Verdict::Holds);
  CHECK(at("groups: [...]", exec) == Verdict::Holds);
  CHECK(at("groups: [0]", exec) == Verdict::Fails);
}

TEST_CASE("no descriptor at all") {
  trace::Exec exec = full();
  exec.fds->clear();
  CHECK(at("fds: []", exec) == Verdict::Holds);
  CHECK(at("fds: [...]", exec) == Verdict::Holds);
  CHECK(at("fds: [0]", exec) == Verdict::Fails);
}

TEST_CASE("a leaked descriptor is named, and hostile bytes of it are not printed raw") {
  trace::Exec exec = full();
  exec.fds->push_back({9, "/host\x1b[31m\n"});
  const std::string text = text_report(run("at app: execve(...) { fds: [0, 1, 2]\n}\n", exec));
  INFO(text);
  CHECK(text.find("9</host\\33[31m\\n>") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}
