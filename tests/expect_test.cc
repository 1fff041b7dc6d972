// SPDX-License-Identifier: MIT
// nstrace expect: what it writes, and that it holds on what it was written from.
#include "check/expect.h"

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
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

TEST_CASE("only some calls: those of the root file system") {
  const trace::Trace trace = trace::load_trace(example("podman-run.jsonl"));
  ExpectOptions options;
  options.calls = trace::parse_call_set("%ns,%rootfs");
  const std::string text = write_expectations({{"podman-run.jsonl", trace}}, options);
  CHECK_THAT(text, ContainsSubstring("pivot_root(") && ContainsSubstring("mkdirat(") && ContainsSubstring("clone(") &&
                       !ContainsSubstring("sethostname("));
  CHECK(check_on(text, trace).verdict == Verdict::Holds);
}
