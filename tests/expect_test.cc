// SPDX-License-Identifier: MIT
// nstrace expect: what it writes, and that it holds on what it was written from.
#include "check/expect.h"

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"

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
