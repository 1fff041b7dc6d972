// SPDX-License-Identifier: MIT
// An expectation file, and behind a line "====" what is done to a recorded docker run: pairs of bytes, what and where.
// It is judged and reported in every format; what holds with a part of the trace missing must not be said to fail with
// all of it, and the other way round.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::check;

namespace {

Result judge(const Expectations& expectations, const trace::Trace& trace) {
  Checker checker(expectations, {.budget = 20'000});
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const auto& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result();
}

void harm(trace::Trace& trace, std::string_view bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size() && !trace.events.empty(); i += 2) {
    const auto at = static_cast<std::uint8_t>(bytes[i + 1]) % trace.events.size();
    trace::Event& event = trace.events[at];
    switch (static_cast<std::uint8_t>(bytes[i]) % 6) {
      case 0:
        trace.events.erase(trace.events.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        if (event.as<trace::Syscall>()) event.call.result = -1;
        break;
      case 2:
        for (trace::Arg& arg : event.call.args) arg.cut = true;
        break;
      case 3: {
        trace::Event copy = event;
        if (copy.as<trace::Syscall>())
          trace.events.insert(trace.events.begin() + static_cast<std::ptrdiff_t>(at), copy);
        break;
      }
      case 4:
        event.call.result.reset();
        break;
      case 5:
        if (event.call.args.size() > 1) event.call.args.pop_back();
        break;
    }
  }
  for (std::size_t i = 0; i < trace.events.size(); ++i) trace.events[i].number = i + 1;
}

// As --payload=no records it: nobody is followed beyond an exec in a pid namespace of its own.
trace::Trace without_programs(trace::Trace trace) {
  trace.header.payload = false;
  std::set<int> left;
  std::erase_if(trace.events, [&](const trace::Event& event) {
    if (left.contains(event.who.tgid)) {
      if (const auto* fork = event.as<trace::Fork>()) left.insert(fork->child.tgid);
      return true;
    }
    const std::uint32_t pid = event.who.ns[trace::Ns::Pid];
    if (event.as<trace::Exec>() && pid && pid != trace.header.host[trace::Ns::Pid]) left.insert(event.who.tgid);
    return false;
  });
  return trace;
}

bool contradict(const Result& one, const Result& other) {
  return (one.verdict == Verdict::Holds && other.verdict == Verdict::Fails) ||
         (one.verdict == Verdict::Fails && other.verdict == Verdict::Holds);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 12) return 0;
  static const trace::Trace recorded = testing::docker_run_scene().trace();
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t mark = input.find("\n====\n");
  const std::string text = input.substr(0, mark == std::string::npos ? mark : mark + 1);
  Expectations expectations;
  try {
    expectations = parse("x.expect", text, [](const std::string& path) -> std::string { throw Error(path); });
  } catch (const Error&) {
    return 0;
  }
  trace::Trace trace = recorded;
  if (mark != std::string::npos) harm(trace, std::string_view(input).substr(mark + 6));
  Result result = judge(expectations, trace);
  const ReportOptions options{.trace = "x.jsonl", .verbose = true};
  for (const std::string& report :
       {text_report(result, options), json_report(result, options), junit_report(result, options),
        tap_report(result, options), github_report(result, options)})
    for (const char c : report)
      if (static_cast<unsigned char>(c) < ' ' && c != '\n') std::abort();
  // The same trace without its end: nothing that fails may hold, nothing that holds may fail.
  trace::Trace cut = trace;
  cut.footer.reset();
  if (contradict(result, judge(expectations, cut))) std::abort();
  if (contradict(result, judge(expectations, without_programs(trace)))) std::abort();
  return 0;
}
