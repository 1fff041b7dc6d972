// SPDX-License-Identifier: MIT
// nstrace expect: what it writes, and that it holds on what it was written from.
#include "check/expect.h"

#include <functional>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "trace/error.h"
#include "trace/syscalls.h"

using namespace nstrace;
using namespace nstrace::check;

namespace {

Result check_on(const std::string& text, const trace::Trace& trace) {
  Checker checker(parse("written.expect", text));
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const auto& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result();
}

std::string example(const std::string& name) {
  return std::string(NSTRACE_SOURCE_DIR) + "/examples/" + name;
}

}  // namespace

TEST_CASE("expectations from hand-made traces") {
  for (const bool exec : {false, true}) {
    const trace::Trace trace = (exec ? testing::docker_exec_scene() : testing::docker_run_scene()).trace();
    const std::string text = write_expectations({{"scene.jsonl", trace}});
    testing::check_golden(exec ? "check/expect-exec.expect" : "check/expect-run.expect", text);
    const Result result = check_on(text, trace);
    INFO(text_report(result));
    CHECK(result.verdict == Verdict::Holds);
  }
}

TEST_CASE("expectations from recorded traces") {
  for (const char* name : {"docker-run", "docker-exec"}) {
    const trace::Trace trace = trace::load_trace(example(std::string(name) + ".jsonl"));
    const std::string text = write_expectations({{std::string(name) + ".jsonl", trace}});
    testing::check_golden(std::string("check/expect-") + name + ".expect", text);
    const Result result = check_on(text, trace);
    INFO(text_report(result));
    CHECK(result.verdict == Verdict::Holds);
  }
}

TEST_CASE("a runtime's temporary name is one even where it looks like a word") {
  for (const char* name : {"runc.s9dalf", "crun.abcdef", "runc.OjdCO7"}) {
    testing::Scene s;
    s.existing(900, "shell", {"sh"});
    s.fork(900, 1000);
    s.exec(1000, "/usr/sbin/runc", {"runc", "delete", "x"});
    s.mount(1000, "/proc/self/exe", std::string("/tmp/") + name, "", 4096 /* MS_BIND */);
    s.exit(1000);
    INFO(name);
    CHECK(write_expectations({{"a.jsonl", s.trace()}}).find(name) == std::string::npos);
  }
}

TEST_CASE("of a command that failed it says so") {
  testing::Scene s;
  s.existing(100, "nstrace", {"nstrace"});
  s.exec(100, "/usr/bin/crun", {"crun", "run", "box"});
  s.fork(100, 101, 0x20000000);  // CLONE_NEWPID
  s.exec(101, "/bin/true", {"true"});
  s.exit(101);
  s.exit(100, 1);
  const std::string text = write_expectations({{"x.jsonl", s.trace()}});
  CHECK_THAT(text, ContainsSubstring("# In x.jsonl, crun ended with 1: did it do all that is to be expected?\n"));
  CHECK(check_on(text, s.trace()).verdict == Verdict::Holds);
}

TEST_CASE("what it says where it writes nothing, or leaves something out") {
  std::string all;
  const auto add = [&](const char* trap, const std::vector<NamedTrace>& runs, const ExpectOptions& options = {}) {
    all += std::string("== ") + trap + "\n";
    try {
      const std::string text = write_expectations(runs, options);
      for (std::size_t at = 0; at < text.size();) {  // its remarks
        const std::size_t end = text.find('\n', at);
        if (text.substr(at, end - at).find("# ") != std::string::npos || text.substr(at, 6) == "count ")
          all += text.substr(at, end - at) + "\n";
        at = end + 1;
      }
    } catch (const Error& error) {
      all += error.what() + std::string("\n");
    }
  };
  const auto container = [](const std::function<void(testing::Scene&)>& more) {
    testing::Scene s;
    s.existing(100, "nstrace", {"nstrace"});
    s.exec(100, "/usr/bin/crun", {"crun", "run", "box"});
    more(s);
    s.fork(100, 101, 0x20000000);  // CLONE_NEWPID
    s.exec(101, "/bin/true", {"true"});
    s.exit(101);
    return s;
  };
  const auto nothing = [](testing::Scene&) {};
  const auto ended = [&](int code, int signal) {
    testing::Scene s = container(nothing);
    s.exit(100, code, signal);
    return s.trace();
  };
  const trace::Trace whole = ended(0, 0);
  trace::Trace cut = whole, lossy = whole;
  cut.footer.reset();
  lossy.footer->lost = 1;
  add("no trace", {});
  add("no end", {{"whole.jsonl", whole}, {"cut.jsonl", cut}});
  add("losses", {{"lossy.jsonl", lossy}});
  add("nobody did anything", {{"x.jsonl", [] {
                                 testing::Scene s;
                                 s.existing(100, "sh", {"sh"});
                                 return s.trace();
                               }()}});
  add("other programs", {{"x.jsonl", whole}, {"y.jsonl", [] {
                                                testing::Scene s;
                                                s.existing(100, "nstrace", {"nstrace"});
                                                s.exec(100, "/usr/bin/bwrap", {"bwrap", "true"});
                                                s.unshare(100, 0x20000);
                                                s.exit(100);
                                                return s.trace();
                                              }()}});
  add("ended by a signal", {{"x.jsonl", ended(0, 9)}});
  add("ended with a code", {{"x.jsonl", ended(1, 0)}});
  add("processes without a name of their own", {{"x.jsonl", [&] {
                                                   testing::Scene s = container([](testing::Scene& scene) {
                                                     scene.fork(100, 300), scene.fork(100, 301);
                                                     scene.unshare(300, 0x20000), scene.unshare(301, 0x20000);
                                                   });
                                                   s.exit(100);
                                                   return s.trace();
                                                 }()}});
  add("one process without a name of its own", {{"x.jsonl", [&] {
                                                   testing::Scene s = container([](testing::Scene& scene) {
                                                     scene.fork(100, 300);
                                                     scene.unshare(300, 0x20000);
                                                   });
                                                   s.exit(100);
                                                   return s.trace();
                                                 }()}});
  const auto with_mounts = [&](int mounts) {
    testing::Scene s = container([&](testing::Scene& scene) {
      for (int i = 0; i < mounts; ++i) scene.mount(100, "a", "/mnt/" + std::string(1, char('a' + i)), "tmpfs", 0);
    });
    s.exit(100);
    return s.trace();
  };
  const auto with_unshares = [&](int unshares) {
    testing::Scene s = container([&](testing::Scene& scene) {
      for (int i = 0; i < unshares; ++i) scene.unshare(100, 0x20000);
    });
    s.exit(100);
    return s.trace();
  };
  for (const int made : {1, 2})
    add("what a program made", {{"x.jsonl", [&] {
                                   testing::Scene s;
                                   s.existing(100, "nstrace", {"nstrace"});
                                   s.exec(100, "/usr/bin/crun", {"crun", "run", "box"});
                                   s.fork(100, 101, 0x20000000);
                                   s.exec(101, "/bin/sh", {"sh"});
                                   for (int i = 0; i < made; ++i) s.fork(101, 102 + i);
                                   s.exit(101);
                                   s.exit(100);
                                   return s.trace();
                                 }()}});
  add("a call that only one made", {{"x.jsonl", with_mounts(1)}, {"y.jsonl", with_mounts(0)}});
  add("calls that vary", {{"x.jsonl", with_mounts(3)}, {"y.jsonl", with_mounts(1)}});
  add("how often a process moves", {{"x.jsonl", with_unshares(1)}, {"y.jsonl", with_unshares(3)}});
  add("what some of many runs have",
      {{"a.jsonl", with_unshares(2)}, {"b.jsonl", with_unshares(2)}, {"c.jsonl", with_mounts(2)}});
  const auto with_helper = [&](bool helper) {
    testing::Scene s = container([&](testing::Scene& scene) {
      if (!helper) return;
      scene.fork(100, 300);
      scene.exec(300, "/usr/bin/helper", {"helper"});
      scene.unshare(300, 0x20000);
    });
    s.exit(100);
    return s.trace();
  };
  for (const std::string which : {"-++", "--+", "+----", "++++----"}) {
    std::vector<NamedTrace> runs;
    for (std::size_t i = 0; i < which.size(); ++i)
      runs.push_back({std::string(1, static_cast<char>('a' + i)) + ".jsonl", with_helper(which[i] == '+')});
    add("a role that some runs have", runs);
  }
  const auto plain = [](bool mounts) {
    testing::Scene s;
    s.existing(100, "nstrace", {"nstrace"});
    s.exec(100, "/bin/sh", {"sh"});
    if (mounts) s.mount(100, "a", "/b", "tmpfs", 0);
    s.exit(100);
    return s.trace();
  };
  trace::Trace less = plain(true);
  less.header.calls_known = true;
  less.header.calls = {"execve", "mount"};
  add("a call that was not recorded", {{"x.jsonl", less}}, {.calls = {"openat2"}, .only = "openat2"});
  add("nothing in common", {{"x.jsonl", plain(true)}, {"y.jsonl", plain(false)}},
      {.calls = {"mount"}, .only = "mount"});
  testing::check_golden("check/expect-remarks.txt", all);
}

TEST_CASE("what a container's program does itself is not expected, and need not be recorded") {
  const auto run = [](bool busy) {
    testing::Scene s;
    s.existing(100, "nstrace", {"nstrace"});
    s.exec(100, "/usr/bin/crun", {"crun", "run", "box"});
    s.fork(100, 101, 0x20020000);  // CLONE_NEWPID|CLONE_NEWNS
    s.pivot_root(101);
    s.exec(101, "/bin/sh", {"sh"});
    if (busy) {
      s.unshare(101, 0x20000);
      s.chroot(101, "/srv");
      s.fork(101, 102);
      s.exec(102, "/bin/true", {"true"});
      s.exit(102);
    }
    s.exit(101);
    s.exit(100);
    return s.trace();
  };
  const std::string text = write_expectations({{"x.jsonl", run(true)}});
  CHECK_THAT(text, ContainsSubstring("never init: chroot(...) = 0 before execve(\"/bin/sh\", [\"sh\"]) = 0\n") &&
                       !ContainsSubstring("init: chroot(\"/srv\")") && !ContainsSubstring("/true"));
  CHECK_THAT(text, ContainsSubstring("# 1 process that a container's program made is left out.\n"));
  CHECK(check_on(text, run(true)).verdict == Verdict::Holds);
  CHECK(check_on(text, run(false)).verdict == Verdict::Holds);
  trace::Trace left = run(false);
  left.header.payload = false;
  std::erase_if(left.events, [](const trace::Event& e) { return e.as<trace::Exit>() && e.who.tgid == 101; });
  INFO(text_report(check_on(text, left)));
  CHECK(check_on(text, left).verdict == Verdict::Holds);
  CHECK(write_expectations({{"x.jsonl", left}}) == write_expectations({{"x.jsonl", run(false)}}));
}

TEST_CASE("only some calls: those of the root file system") {
  const trace::Trace trace = trace::load_trace(example("podman-run.jsonl"));
  ExpectOptions options;
  options.calls = trace::parse_call_set("%ns,%rootfs");
  const std::string text = write_expectations({{"podman-run.jsonl", trace}}, options);
  CHECK_THAT(text, ContainsSubstring("pivot_root(") && ContainsSubstring("mkdirat(") && ContainsSubstring("clone(") &&
                       !ContainsSubstring("sethostname("));
  CHECK(check_on(text, trace).verdict == Verdict::Holds);
}
