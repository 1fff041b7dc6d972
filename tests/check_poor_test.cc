// SPDX-License-Identifier: MIT
// Every construct of the language on traces that do not tell all: recorded with -e execve, with -z, cut short, with
// losses, imported. No rule may hold because nothing was looked at, and none may fail for what was not recorded: each
// answer is that of the whole trace, or "cannot tell" with a reason. The table is a golden.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "tests/check_poor_table.h"
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

using Is = std::function<bool(const trace::Event&)>;

Is call_of(int pid, const std::string& name) {
  return [=](const trace::Event& event) { return event.who.tid == pid && event.call.name == name; };
}

std::size_t place_of(const trace::Trace& trace, const Is& is) {
  const auto found = std::ranges::find_if(trace.events, is);
  REQUIRE(found != trace.events.end());
  return static_cast<std::size_t>(found - trace.events.begin());
}

// Puts a call behind the first one of that name.
void insert(trace::Trace& trace, const std::string& behind, const trace::Call& call, int pid = 2032) {
  const std::size_t at = place_of(trace, call_of(pid, behind));
  trace::Event event = trace.events[at];
  event.call = call;
  event.what = trace::Syscall{};
  trace.events.insert(trace.events.begin() + static_cast<std::ptrdiff_t>(at) + 1, event);
}

trace::Arg struct_arg(const char* name, std::vector<std::string> fields) {
  trace::Arg arg;
  arg.name = name;
  arg.kind = trace::Arg::Kind::Struct;
  arg.list = std::move(fields);
  return arg;
}

// docker run, with a mount that fails, a call with a descriptor, one with structures, and what init's program begins
// with.
trace::Trace whole_trace() {
  trace::Trace trace = testing::docker_run_scene().trace();
  trace.header.calls = trace::parse_call_set("%lifecycle");
  for (const char* name : {"prctl", "capset"}) trace.header.calls.emplace_back(name);
  trace::Call mount = trace.events[place_of(trace, call_of(2032, "mount"))].call;
  mount.args[1].text = "/sys/firmware";
  mount.result = -2;
  insert(trace, "sethostname", mount);
  trace::Call fchdir;
  fchdir.name = "fchdir";
  fchdir.args = {testing::fd_arg("fd", 8, "/oldroot")};
  fchdir.result = 0;
  insert(trace, "pivot_root", fchdir);
  trace::Call capset;
  capset.name = "capset";
  capset.args = {struct_arg("hdrp", {"version=_LINUX_CAPABILITY_VERSION_3", "pid=0"}),
                 struct_arg("datap", {"effective=1<<CAP_CHOWN", "permitted=1<<CAP_CHOWN", "inheritable=0"})};
  capset.result = 0;
  insert(trace, "prctl", capset);
  trace::Call exit_group;
  exit_group.name = "exit_group";
  exit_group.args = {testing::integer_arg("error_code", 0)};
  insert(trace, "execve", exit_group, 2020);
  const std::size_t program =
      place_of(trace, [](const trace::Event& e) { return e.who.tid == 2032 && e.as<trace::Exec>(); });
  auto& exec = std::get<trace::Exec>(trace.events[program].what);
  exec.creds = trace::Creds{.uid = 1000, .euid = 1000, .gid = 100, .egid = 100};
  exec.caps = trace::Caps{.permitted = 1, .effective = 1, .bounding = 1};
  exec.no_new_privs = true;
  exec.seccomp = trace::Seccomp::Filter;
  exec.cwd = trace::Place{.path = "/home"}, exec.root = trace::Place{.path = "/"};
  exec.fds = std::vector<trace::OpenFd>{{0, "/dev/null"}, {1, "pipe:[1]"}, {2, "pipe:[2]"}};
  exec.groups = std::vector<std::uint32_t>{100};
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

trace::Trace failed(trace::Trace trace) {
  trace.header.results = "failed";
  std::erase_if(trace.events,
                [](const trace::Event& event) { return event.as<trace::Syscall>() && !event.call.failed(); });
  return trace;
}

trace::Trace cut_short(trace::Trace trace) {
  trace.events.resize(place_of(trace, call_of(2032, "pivot_root")) + 1);
  trace.footer.reset();
  trace.report.complete = false;
  return trace;
}

// Part of what `init` did is lost.
trace::Trace lossy(trace::Trace trace) {
  const std::size_t at = place_of(trace, call_of(2032, "umount2"));
  trace::Event lost;
  lost.what = trace::Lost{2, 0, "ring buffer full"};
  lost.time = trace.events[at].time;
  trace.events.insert(trace.events.begin() + static_cast<std::ptrdiff_t>(at) + 1, lost);
  std::erase_if(trace.events, [](const trace::Event& event) {
    return event.as<trace::Syscall>() && (event.call.name == "umount2" || event.call.name == "sethostname");
  });
  trace.footer->lost = 2;
  return trace;
}

// Only the number of what is missing is known, not the place.
trace::Trace lossy_somewhere(trace::Trace trace) {
  trace = lossy(std::move(trace));
  std::erase_if(trace.events, [](const trace::Event& event) { return event.as<trace::Lost>(); });
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

// The container's program is left when it has begun.
trace::Trace without_payload(trace::Trace trace) {
  trace.header.payload = false;
  const std::size_t program =
      place_of(trace, [](const trace::Event& e) { return e.who.tid == 2032 && e.as<trace::Exec>(); });
  const auto behind = trace.events.begin() + static_cast<std::ptrdiff_t>(program) + 1;
  trace.events.erase(
      std::remove_if(behind, trace.events.end(), [](const trace::Event& e) { return e.who.tgid == 2032; }),
      trace.events.end());
  return trace;
}

// `runc create` is followed from its exec on, by its name.
trace::Trace taken_in(trace::Trace trace) {
  const std::size_t exec =
      place_of(trace, [](const trace::Event& e) { return e.who.tid == 2020 && e.as<trace::Exec>(); });
  const auto end = trace.events.begin() + static_cast<std::ptrdiff_t>(exec);
  trace.events.erase(std::remove_if(trace.events.begin(), end,
                                    [](const trace::Event& e) {
                                      const auto* fork = e.as<trace::Fork>();
                                      return e.who.tgid == 2020 || (fork && fork->child.tgid == 2020);
                                    }),
                     end);
  return trace;
}

// What the last rule says.
Finding last_finding(std::string_view rules, trace::Trace trace) {
  number(trace);
  const Loader more = [](const std::string&) { return "role more = comm \"runc:[2:INIT]\"\n"; };
  Checker checker(parse("poor.expect", kRoles + std::string(rules) + "\n", more));
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const auto& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result().findings.back();
}

std::string shown(std::string_view rules) {
  std::string line(rules);
  std::ranges::replace(line, '\n', ';');
  return line;
}

// "state/uid" for each word or sign in quotes of the grammar, but for brackets and marks that only part.
std::set<std::string> grammar_terminals() {
  std::ifstream file(std::string(NSTRACE_SOURCE_DIR) + "/src/check/LANGUAGE.md");
  std::set<std::string> terminals;
  std::string line, production;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.starts_with("## ")) inside = line == "## Grammar";
    if (!inside || !line.starts_with("    ")) continue;
    static const std::regex begin("^    (\\w+) +=.*"), terminal("\"([^\"]+)\"");
    if (std::smatch match; std::regex_match(line, match, begin)) production = match[1];
    for (std::sregex_iterator it(line.begin(), line.end(), terminal), none; it != none; ++it) {
      const std::string word = (*it)[1];
      const bool parts = word == "," || word == ":" || word == "(" || word == ")";
      const bool block = (word == "{" || word == "}") && production != "fields";
      if (!parts && !block) terminals.insert(production + "/" + word);
    }
  }
  return terminals;
}

}  // namespace

TEST_CASE("the table of constructs has all of the grammar") {
  const std::set<std::string> terminals = grammar_terminals();
  CHECK(terminals.size() > 80);
  std::set<std::string> covered;
  for (const testing::Construct& construct : testing::kConstructs) {
    std::istringstream words{std::string(construct.covers)};
    for (std::string word; words >> word && word[0] != '+';) {
      INFO(word);
      CHECK(terminals.contains(word));
      covered.insert(word);
      const std::string terminal = word.substr(word.find('/') + 1);
      CHECK(construct.holds.find(terminal) != std::string_view::npos);
      CHECK(construct.fails.find(terminal) != std::string_view::npos);
    }
  }
  for (const std::string& terminal : terminals) {
    INFO(terminal << " is in the grammar and not in the table");
    CHECK(covered.contains(terminal));
  }
}

TEST_CASE("every construct on poor traces: the whole trace's answer, or cannot tell") {
  struct Poor {
    std::string name;
    trace::Trace trace;
  };
  const trace::Trace whole = whole_trace();
  const Poor poors[] = {{"-e execve", only_execve(whole)},
                        {"-z", successful(whole)},
                        {"-Z", failed(whole)},
                        {"cut short", cut_short(whole)},
                        {"losses", lossy(whole)},
                        {"losses, where?", lossy_somewhere(whole)},
                        {"imported", imported(whole)},
                        {"--payload=no", without_payload(whole)},
                        {"taken in", taken_in(whole)}};
  std::string table = fmt::format("{:<16}", "whole");
  for (const Poor& poor : poors) table += fmt::format("{:<16}", poor.name);
  table += "\n";
  std::string reasons;
  std::map<std::string, std::size_t> told;
  for (const testing::Construct& construct : testing::kConstructs) {
    for (const bool good : {true, false}) {
      const std::string_view rules = good ? construct.holds : construct.fails;
      INFO(rules);
      const Finding full = last_finding(rules, whole);
      INFO("whole: " << full.message);
      CHECK(full.verdict == (construct.untold ? Verdict::CannotTell : good ? Verdict::Holds : Verdict::Fails));
      CHECK_FALSE(full.skipped);
      table += fmt::format("{:<16}", verdict_word(full.verdict));
      reasons += shown(rules) + "\n";
      for (const Poor& poor : poors) {
        const Finding finding = last_finding(rules, poor.trace);
        table += fmt::format("{:<16}", verdict_word(finding.verdict));
        INFO(poor.name << ": " << finding.message);
        if (finding.verdict == Verdict::CannotTell) {
          CHECK_FALSE(finding.reasons.empty());
          std::string why;
          for (const Reason& reason : finding.reasons)
            why += (why.empty() ? "" : "; ") + reason.why + (reason.cure.empty() ? "" : " (" + reason.cure + ")");
          reasons += "    " + poor.name + ": " + why + "\n";
        } else {
          CHECK(finding.verdict == full.verdict);
          ++told[poor.name];
        }
      }
      table += shown(rules) + "\n";
    }
  }
  // A trace that tells nothing would pass, too.
  for (const Poor& poor : poors) {
    INFO(poor.name);
    CHECK(told[poor.name] > std::size(testing::kConstructs) / 4);
  }
  testing::check_golden("check/poor-traces.txt", table);
  testing::check_golden("check/poor-traces-reasons.txt", reasons);
}

TEST_CASE("what came before a loss may have changed since") {
  trace::Trace trace = whole_trace();
  std::erase_if(trace.events, [](const trace::Event& event) { return event.as<trace::CgroupMove>(); });
  trace::Event lost;
  lost.what = trace::Lost{1, 0, "ring buffer full"};
  trace.events.insert(trace.events.begin() + 30, lost);
  trace.footer->lost = 1;
  for (const char* line : {"cgroup: !\"/docker/*\"", "cgroup: \"/\""})
    CHECK(last_finding(std::string("at init: pivot_root(...) { ") + line + " }", trace).verdict == Verdict::CannotTell);
}

TEST_CASE("a process that is not followed, or not from its beginning, may have made any call") {
  const auto verdict = [](const std::string& rule, bool followed, bool late) {
    testing::Scene s;
    testing::Scene::ExistingOptions options;
    options.followed = followed;
    s.existing(100, "containerd", {"containerd"}, options);
    s.existing(200, "shim", {"shim"});
    s.fork(200, 300);
    s.exec(300, "/usr/sbin/runc", {"runc", "create"});
    s.unshare(300, 0x20000000);
    s.exit(300);
    const trace::Trace trace = s.trace();
    Checker checker(parse("x.expect", "role d = exec \"containerd\"\nrole runc = exec \"runc\"\n" + rule + "\n"));
    checker.header(trace.header);
    for (const auto& process : trace.existing)
      if (!late || process.pid != 100) checker.existing(process);
    for (const auto& event : trace.events) {
      checker.event(event);
      if (late && event.as<trace::Exec>())
        for (const auto& process : trace.existing)
          if (process.pid == 100) checker.existing(process);
    }
    checker.footer(*trace.footer);
    return checker.result();
  };
  const Result whole = verdict("never d: setns(...)", true, false);
  CHECK(whole.verdict == Verdict::Holds);
  const Result unfollowed = verdict("never d: setns(...)", false, false);
  CHECK(unfollowed.verdict == Verdict::CannotTell);
  CHECK_THAT(text_report(unfollowed), ContainsSubstring("pid 100 (containerd) was not followed; to tell: follow it"));
  const Result late = verdict("never d: setns(...)", true, true);
  CHECK(late.verdict == Verdict::CannotTell);
  CHECK_THAT(text_report(late), ContainsSubstring("pid 100 (containerd) was not followed before event "));
  // Others are judged as before.
  CHECK(verdict("never runc: setns(...)", false, true).verdict == Verdict::Holds);
  CHECK(verdict("count runc: unshare(...) == 1", false, true).verdict == Verdict::Holds);
  CHECK(verdict("sequence { d: setns(...) }", false, false).verdict == Verdict::CannotTell);
  CHECK(verdict("count d: setns(...) == 0", false, false).verdict == Verdict::CannotTell);
}

TEST_CASE("--payload=no: the set-up is told, the program's own calls are not") {
  const trace::Trace whole = whole_trace(), left = without_payload(whole);
  for (const char* rule :
       {"sequence { init: pivot_root(...)\n init: umount2(...)\n init: execve(...) = 0 }",
        "never init: chroot(...) before execve(...) = 0", "at init: first execve(...) { pid: 1 }",
        "count child: unshare(...) == 1",
        "sequence { any { init: umount2(...)\n init: sethostname(...) }\n init: execve(...) = 0 }"}) {
    INFO(rule);
    CHECK(last_finding(rule, whole).verdict == Verdict::Holds);
    CHECK(last_finding(rule, left).verdict == Verdict::Holds);
  }
  for (const char* rule :
       {"never init: umount2(...) before execve(...) = 0", "count init: mount(...) before execve(...) == 0",
        "at init: first execve(...) { pid: 2 }", "sequence { init: execve(...) = 0\n child: unshare(...) }"}) {
    INFO(rule);
    CHECK(last_finding(rule, whole).verdict == Verdict::Fails);
    CHECK(last_finding(rule, left).verdict == Verdict::Fails);
  }
  // The program may make these, too, and be followed by others that are seen.
  for (const char* rule :
       {"never init: chroot(...)", "never init: chroot(...) after execve(...)", "count init: execve(...) == 1",
        "at init: execve(...) { pid: 1 }", "never init: chroot(...) between pivot_root(...) and execve(...)",
        "sequence { init: execve(...) = 0\n init: chroot(...) }", "sequence { init: exited(_) }",
        "role start = exec \"*/runc\" with \"start\"\n"
        "sequence { init: execve(...) = 0\n any { init: chroot(...)\n init: exited(0) }\n start: exited(_) }",
        "role start = exec \"*/runc\" with \"start\"\n"
        "sequence { init: execve(...) = 0\n init: chroot(...) within 1ms\n start: exited(_) }",
        "role x = exec \"*/nobody\"\nnever x: mount(...)"}) {
    INFO(rule);
    CHECK(last_finding(rule, left).verdict == Verdict::CannotTell);
  }
  std::string why;
  for (const Reason& reason : last_finding("never init: chroot(...)", left).reasons)
    why += reason.why + "|" + reason.cure;
  CHECK_THAT(why, ContainsSubstring("was left at event ") && ContainsSubstring("--payload=yes"));
}
