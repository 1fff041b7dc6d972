// SPDX-License-Identifier: MIT
// Every construct of the language on traces that do not tell all: recorded with -e execve, with -z, cut short, with
// losses, imported. No rule may hold because nothing was looked at, and none may fail for what was not recorded: each
// answer is that of the whole trace, or "cannot tell" with a reason. The table is a golden.
#include <fmt/format.h>

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

const std::string kRoles = R"(
role shim  = exec "*/containerd-shim-runc-v2" without "start"
role runc  = exec "*/runc" with "create" below shim
role child = comm "runc:[1:CHILD]" below runc
role init  = comm "runc:[2:INIT]" below runc
role top   = first exec "*/runc"
role stage = comm "runc:[0:PARENT]" below runc
role gone  = optional exec "*/crun"
)";

struct Construct {
  std::string name;
  std::string rule;
};

const Construct kConstructs[] = {
    {"sequence, found", "sequence { init: pivot_root(\".\", \".\") = 0\n init: umount2(\".\", MNT_DETACH) = 0 }"},
    {"sequence, not found", "sequence { init: umount2(\".\", MNT_DETACH)\n init: chroot(...) }"},
    {"sequence, wrong order", "sequence { init: umount2(\".\", MNT_DETACH)\n init: pivot_root(...) }"},
    {"sequence of execs", "sequence { runc: execve(\"*/runc\", ...) = 0\n init: execve(\"*/sleep\", ...) = 0 }"},
    {"sequence, several roles", "sequence { child: unshare(...) = 0\n init: pivot_root(...) }"},
    {"any", "sequence { any { init: sethostname(...)\n init: umount2(...) } }"},
    {"next, holds", "sequence { init: pivot_root(...)\n next init: mount(...) }"},
    {"next, fails", "sequence { init: pivot_root(...)\n next init: umount2(...) }"},
    {"within, holds", "sequence within 1s { child: unshare(...)\n init: pivot_root(...) }"},
    {"within, fails", "sequence { child: unshare(...)\n init: pivot_root(...) within 1ms }"},
    {"captures", "sequence { shim: execve(_, [..., $id, ...])\n runc: execve(_, [..., $id]) }"},
    {"exited", "sequence { child: exited(0) }"},
    {"renamed", "sequence { init: renamed(\"runc:[2:INIT]\") }"},
    {"moved", "sequence { stage: moved(\"/docker/*\") }"},
    {"clone by flags", "sequence { child: clone(flags=CLONE_PARENT|SIGCHLD, ...) }"},
    {"never, holds", "never init: setns(...)"},
    {"never, violated", "never init: umount2(...)"},
    {"never a failure", "never init: mount(...) = -1"},
    {"never an exec", "never init: execve(\"*/evil\", ...) = 0"},
    {"never before", "never init: sethostname(...) before pivot_root(...)"},
    {"never after", "never init: setns(...) after pivot_root(...)"},
    {"never between", "never init: chroot(...) between pivot_root(...) and execve(\"*/sleep\", ...)"},
    {"never, no such span", "never init: setns(...) after chroot(...)"},
    {"never of a set", "never init: %ns(...)"},
    {"count ==", "count child: unshare(...) == 1"},
    {"count <=", "count init: mount(...) <= 20"},
    {"count >=", "count init: mount(...) >= 10"},
    {"count range, fails", "count init: mount(...) == 1..3"},
    {"count in a span", "count init: mount(...) >= 3 after pivot_root(...)"},
    {"count of processes", "count child == 1"},
    {"count of nobody", "count gone == 0"},
    {"at, ns new", "at init: execve(\"*/sleep\", ...) { ns mnt, pid, net: new }"},
    {"at, ns new fails", "at init: execve(\"*/sleep\", ...) { ns user: new }"},
    {"at, ns host", "at init: execve(\"*/sleep\", ...) { ns user, time: host }"},
    {"at, ns same as", "at init: execve(\"*/sleep\", ...) { ns net: same as child }"},
    {"at, ns joined from", "at init: execve(\"*/sleep\", ...) { ns net: not joined from shim }"},
    {"at first", "at init: first execve(\"*/sleep\", ...) { pid: 1 }"},
    {"at last", "at init: last execve(...) { comm: \"sleep\" }"},
    {"at any", "at init: any mount(...) { comm: \"runc:*\" }"},
    {"at, no such call", "at init: chroot(...) { pid: 1 }"},
    {"at, uid", "at init: execve(\"*/sleep\", ...) { uid: 0 }"},
    {"first role", "sequence { top: exited(0) }"},
};

trace::Trace whole_trace() {
  testing::Scene scene = testing::docker_run_scene();
  trace::Trace trace = scene.trace();
  trace.header.calls = trace::parse_call_set("%lifecycle");
  trace.header.calls.push_back("prctl");
  // A mount that fails.
  trace::Event event = trace.events[44];
  REQUIRE(event.call.name == "mount");
  event.call.args[1].text = "/sys/firmware";
  event.call.result = -2;
  trace.events.insert(trace.events.begin() + 45, event);
  return trace;
}

void number(trace::Trace& trace) {
  for (std::size_t i = 0; i < trace.events.size(); ++i) trace.events[i].number = i + 1;
}

trace::Trace only_execve(trace::Trace trace) {
  trace.header.calls = {"execve"};
  std::erase_if(trace.events,
                [](const trace::Event& event) { return event.as<trace::Syscall>() && event.call.name != "execve"; });
  for (trace::Event& event : trace.events)
    if (event.as<trace::Fork>()) event.call = {};
  return trace;
}

trace::Trace successful(trace::Trace trace) {
  trace.header.results = "successful";
  std::erase_if(trace.events,
                [](const trace::Event& event) { return event.as<trace::Syscall>() && event.call.failed(); });
  return trace;
}

trace::Trace cut_short(trace::Trace trace) {
  trace.events.resize(42);  // after pivot_root
  trace.footer.reset();
  trace.report.complete = false;
  return trace;
}

// What `init` did with mounts is lost.
trace::Trace lossy(trace::Trace trace) {
  std::erase_if(trace.events, [](const trace::Event& event) {
    return event.as<trace::Syscall>() && (event.call.name == "umount2" || event.call.name == "sethostname");
  });
  trace::Event lost;
  lost.what = trace::Lost{2, 0, "ring buffer full"};
  lost.time = trace.events[43].time;
  trace.events.insert(trace.events.begin() + 44, lost);
  trace.footer->lost = 2;
  return trace;
}

trace::Trace imported(trace::Trace trace) {
  trace.header.calls_known = false;
  trace.header.calls.clear();
  trace.header.events = {"fork", "exec", "exit", "syscall"};
  trace.header.host = {};
  std::erase_if(trace.events, [](const trace::Event& event) {
    return event.as<trace::Rename>() || event.as<trace::CgroupMove>() || event.call.name == "mount";
  });
  for (trace::Event& event : trace.events) event.who.ns = {};
  return trace;
}

Result check_trace(const std::string& rule, trace::Trace trace) {
  number(trace);
  Checker checker(parse("poor.expect", kRoles + rule + "\n"));
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const auto& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result();
}

}  // namespace

TEST_CASE("every construct on poor traces: the whole trace's answer, or cannot tell") {
  struct Poor {
    std::string name;
    trace::Trace trace;
  };
  const trace::Trace whole = whole_trace();
  const Poor poors[] = {{"-e execve", only_execve(whole)},
                        {"-z", successful(whole)},
                        {"cut short", cut_short(whole)},
                        {"losses", lossy(whole)},
                        {"imported", imported(whole)}};
  std::string table = fmt::format("{:<24}{:<13}", "", "whole");
  for (const Poor& poor : poors) table += fmt::format("{:<13}", poor.name);
  table += "\n";
  std::string reasons;
  for (const Construct& construct : kConstructs) {
    INFO(construct.rule);
    const Finding full = check_trace(construct.rule, whole).findings.back();
    table += fmt::format("{:<24}{:<13}", construct.name, verdict_word(full.verdict));
    reasons += construct.rule + "\n";
    for (const Poor& poor : poors) {
      const Result result = check_trace(construct.rule, poor.trace);
      const Finding& finding = result.findings.back();
      table += fmt::format("{:<13}", verdict_word(finding.verdict));
      INFO(poor.name << "\n" << text_report(result));
      if (finding.verdict == Verdict::CannotTell) {
        CHECK_FALSE(finding.reasons.empty());
        std::string why;
        for (const Reason& reason : finding.reasons) why += (why.empty() ? "" : "; ") + reason.why;
        reasons += "    " + poor.name + ": " + why + "\n";
      } else if (full.verdict != Verdict::CannotTell) {
        CHECK(finding.verdict == full.verdict);
      }
    }
    table += "\n";
  }
  testing::check_golden("check/poor-traces.txt", table);
  testing::check_golden("check/poor-traces-reasons.txt", reasons);
}
