// SPDX-License-Identifier: MIT
// What the checker says beyond the plain failures of check_test.cc: remarks, reasons why something cannot be told, and
// the cure for each. And that no sentence of the parser, the checker, expect or diff is without a golden.
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mount.h>

#include <fstream>
#include <functional>
#include <regex>
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

std::string report(const std::string& rules, const trace::Trace& trace, CheckOptions options = {}) {
  Checker checker(parse("x.expect", rules), options);
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  std::uint64_t number = 0;
  for (trace::Event event : trace.events) {
    event.number = ++number;
    checker.event(event);
  }
  if (trace.footer) checker.footer(*trace.footer);
  Result result = checker.result();
  CHECK(result.verdict != Verdict::Holds);
  return text_report(result, {.trace = "run.jsonl"});
}

trace::Trace docker(const std::function<void(trace::Trace&)>& harm = [](trace::Trace&) {}) {
  trace::Trace trace = testing::docker_run_scene().trace();
  harm(trace);
  return trace;
}

trace::Event& call_of(trace::Trace& trace, int pid, const std::string& name) {
  for (trace::Event& event : trace.events)
    if (event.who.tid == pid && event.call.name == name) return event;
  FAIL("no " << name << " of " << pid);
  return trace.events.front();
}

void lose(trace::Trace& trace, std::size_t at) {
  trace::Event lost;
  lost.what = trace::Lost{2, 0, "ring buffer full"};
  lost.time = trace.events[at].time;
  trace.events.insert(trace.events.begin() + static_cast<std::ptrdiff_t>(at), lost);
  trace.footer->lost = 2;
}

Scene two_namespaces() {
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.rename(200, "maker");
  s.unshare(200, CLONE_NEWNET);
  s.fork(100, 300);
  s.rename(300, "joiner");
  s.setns(300, 3, trace::Ns::Net, s.ns(200)[trace::Ns::Net]);
  s.exec(300, "/bin/x", {"x"});
  s.fork(100, 400);
  s.rename(400, "late");
  return s;
}

std::vector<std::string> golden_lines() {
  std::vector<std::string> lines;
  for (const char* name :
       {"check/errors-words.txt", "check/errors-rules.txt", "check/errors-calls.txt", "check/errors-files.txt",
        "check/errors-hopeless.txt", "check/failures.txt", "check/remarks.txt", "check/poor-traces-reasons.txt",
        "check/report.txt", "check/report.json", "check/expect-remarks.txt", "check/expect-docker-run.expect",
        "check/expect-docker-exec.expect", "diff/sentences.txt", "diff/runc.txt", "diff/runc.md", "diff/crun.md"}) {
    std::ifstream file(std::string(NSTRACE_SOURCE_DIR) + "/tests/golden/" + name);
    REQUIRE(file);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  return lines;
}

// The texts in quotes of a source, those that stand behind each other joined, without escapes.
std::vector<std::string> texts_of(const std::string& source) {
  std::vector<std::string> texts;
  bool joined = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (source.compare(i, 2, "//") == 0 || c == '#') {
      i = source.find('\n', i);
    } else if (c == '\'') {
      i = source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2));
      joined = false;
    } else if (c == '"') {
      if (!joined) texts.emplace_back();
      for (++i; source[i] != '"'; ++i) {
        const bool escaped = source[i] == '\\';
        if (escaped) ++i;
        if (escaped && source[i] == 'n')
          texts.emplace_back();  // goldens are looked at line by line
        else
          texts.back() += source[i];
      }
      joined = true;
    } else if (!std::isspace(static_cast<unsigned char>(c))) {
      joined = false;
    }
  }
  return texts;
}

// What a text has between its holes ("{}", "{:.3f}").
std::vector<std::string> pieces_of(const std::string& text) {
  static const std::regex hole("\\{[^{}]*\\}");
  const std::string plain =
      std::regex_replace(std::regex_replace(text, std::regex("\\{\\{"), "\x01"), std::regex("\\}\\}"), "\x02");
  std::vector<std::string> pieces;
  for (std::sregex_token_iterator it(plain.begin(), plain.end(), hole, -1), none; it != none; ++it) {
    pieces.push_back(*it);
    for (char& c : pieces.back()) c = c == '\x01' ? '{' : c == '\x02' ? '}' : c;
  }
  return pieces;
}

// Whether a line has the pieces in this order, with anything between them.
bool has(const std::string& line, const std::vector<std::string>& pieces) {
  std::size_t at = 0;
  for (const std::string& piece : pieces) {
    at = line.find(piece, at);
    if (at == std::string::npos) return false;
    at += piece.size();
  }
  return true;
}

}  // namespace

TEST_CASE("remarks and reasons") {
  std::string all;
  const auto add = [&](const char* trap, const std::string& text) { all += fmt::format("== {}\n{}\n", trap, text); };
  const std::string families = "role r = exec \"*/runc\"\nrole i = comm \"runc:[2:INIT]\" below r\n";

  // roles
  add("one of two families lacks a role",
      report(families + "sequence { r: execve(...)\n i: pivot_root(...) }\n", docker()));
  add("a role below a role that nobody fills",
      report("role a = exec \"*/crun\"\nrole b = comm \"runc:[2:INIT]\" below a\nnever b: setns(...)\n", docker()));
  add("a role below another process",
      report("role a = exec \"*/sleep\"\nrole b = exec \"*/runc\" below a\nnever b: setns(...)\n", docker()));
  add("who made a process is not known", report(kRoles + "never init: setns(...)\n", [] {
        Scene s;
        s.unseen([&] {
          s.existing(500, "sh", {"sh"});
          s.fork(500, 600);
        });
        s.rename(600, "runc:[2:INIT]");
        return s.trace();
      }()));
  add("roles that only others fill together",
      report("role p = exec \"*/runc\"\nrole a = optional comm \"runc:[2:INIT]\" below p\n"
             "role b = optional exec \"*/runc\" with \"start\"\nrole c = optional comm \"nobody\"\n"
             "never c: setns(...)\n",
             docker()));
  add("optional roles in different families",
      report("role p = exec \"*/runc\"\nrole a = optional comm \"runc:[2:INIT]\" below p\n"
             "role b = optional comm \"helper\" below p\nnever a: setns(...) after b: mount(...)\n",
             [] {
               Scene s = testing::docker_run_scene();
               s.existing(900, "sh", {"sh"});
               s.fork(900, 901);
               s.exec(901, "/usr/sbin/runc", {"runc", "kill"});
               s.fork(901, 902);
               s.rename(902, "helper");
               return s.trace();
             }()));
  add("first and last with losses", report("role x = last exec \"*/runc\"\nsequence { x: execve(...) }\n",
                                           docker([](trace::Trace& t) { lose(t, t.events.size() - 1); })));
  add("how many processes, with losses",
      report(kRoles + "count child >= 2\n", docker([](trace::Trace& t) { lose(t, 50); })));
  add("too many combinations", [] {
    Scene s;
    s.existing(10, "sh", {"sh"});
    for (int i = 0; i < 500; ++i) {
      s.fork(10, 1000 + i), s.rename(1000 + i, "a");
      s.fork(10, 3000 + i), s.rename(3000 + i, "b");
    }
    return report("role a = comm \"a\"\nrole b = comm \"b\"\nnever a: setns(...) after b: renamed(...)\n", s.trace());
  }());

  // sequences
  add("two of an any", report(kRoles + "sequence { any { init: chroot(...)\n init: setns(...) } }\n", docker()));
  add("several calls stand between",
      report(kRoles + "sequence { init: mount(_, \"/\", ...)\n next init: umount2(...) }\n", docker()));
  add("the sequence takes too long",
      report(kRoles + "sequence within 1ms { init: mount(_, \"/\", ...)\n init: umount2(...) }\n", docker()));
  add("another result", report(kRoles + "sequence { init: pivot_root(...) = -1 EPERM }\n", docker()));
  add("named arguments without the others",
      report(kRoles + "sequence { child: clone(child_stack=NULL, flags=CLONE_PARENT|SIGCHLD) }\n",
             docker([](trace::Trace& t) {
               call_of(t, 2031, "clone").call.args.push_back(testing::address_arg("child_tidptr", 0x7f1234567890));
             })));
  add("a long sequence", report(
                             kRoles + "sequence {\n" +
                                 [] {
                                   std::string lines;
                                   for (int i = 0; i < 10; ++i) lines += "  init: mount(...)\n";
                                   return lines;
                                 }() +
                                 "  init: chroot(...)\n}\n",
                             docker()));
  add("the budget is passed",
      report(kRoles + "sequence { runc: execve(_, [..., $a, ..., $b, ..., $c, ...])\n init: sethostname($c, _) }\n",
             docker(), {.budget = 200}));
  add("an argument was cut",
      report(kRoles + "sequence { init: sethostname(\"cbab362df10aXYZ\", _) }\n",
             docker([](trace::Trace& t) { call_of(t, 2032, "sethostname").call.args[0].cut = true; })));
  add("more combinations", report("role x = exec \"*/runc\"\nsequence { x: chroot(...) }\n", docker()));

  // rules that share a capture
  const std::string capture =
      "sequence { init: sethostname($name, _)\n init: chroot(...) }\nnever init: mount($name, ...)\n";
  add("another rule fails", report(kRoles + capture, docker()));
  add("another rule cannot be told", report(kRoles + capture, docker([](trace::Trace& t) { lose(t, 50); })));

  // never and count
  add("a call that may have been made",
      report(kRoles + "never init: sethostname(\"cbab362df10aXYZ\", _)\n",
             docker([](trace::Trace& t) { call_of(t, 2032, "sethostname").call.args[0].cut = true; })));
  add("a never that only further flags keep from being broken",
      report(kRoles + "never init: mount(_, _, _, MS_REC, _)\nsequence { init: chroot(...) }\n", docker()));
  add("a never that one argument keeps from being broken",
      report(kRoles + "never init: mount(\"proc\", \"/elsewhere\", ...)\nsequence { init: chroot(...) }\n", docker()));
  add("at least so many",
      report(kRoles + "count init: mount(...) == 12\n", docker([](trace::Trace& t) { lose(t, 50); })));

  // at
  const std::string at = kRoles + "at init: execve(\"*/sleep\", ...) ";
  add("state that is not recorded", report(at + "{\n uid: 0\n gid: 0\n groups: [0]\n caps: 0\n no_new_privs: 1\n "
                                                "seccomp: \"filter\"\n cwd: \"/\"\n root: \"/\"\n fds: [0]\n}\n",
                                           docker()));
  add("state at another call", report(kRoles + "at init: pivot_root(...) {\n uid: 0\n cwd: \"/\"\n}\n", docker()));
  add("state that a loss may have changed",
      report(kRoles + "at init: pivot_root(...) {\n cgroup: \"/docker/*\"\n exe: \"*/runc\"\n}\n",
             docker([](trace::Trace& t) { lose(t, 20); })));
  add("calls that may be missing",
      report(kRoles + "at init: mount(...) {\n pid: 1\n}\n", docker([](trace::Trace& t) { lose(t, 50); })));
  add("many descriptors", report(at + "{\n fds: [0, 1, 2]\n}\n", docker([](trace::Trace& t) {
                                   for (trace::Event& e : t.events)
                                     if (auto* exec = e.as<trace::Exec>(); exec && e.who.tid == 2032) {
                                       exec->fds.emplace();
                                       for (int i = 0; i < 15; ++i) exec->fds->push_back({i, "/dev/null"});
                                     }
                                 })));
  add("more descriptors than were recorded", report(at + "{\n fds: [0, ..., 0]\n}\n", docker([](trace::Trace& t) {
                                                      for (trace::Event& e : t.events)
                                                        if (auto* exec = e.as<trace::Exec>();
                                                            exec && e.who.tid == 2032) {
                                                          exec->fds = std::vector<trace::OpenFd>{{0, "/dev/null"}};
                                                          exec->fds_more = 3;
                                                        }
                                                    })));
  const std::string joiner =
      "role maker = comm \"maker\"\nrole joiner = comm \"joiner\"\nrole late = comm \"late\"\nat joiner: execve(...) ";
  add("a namespace of another lineage", report(joiner + "{ ns net: new }\n", two_namespaces().trace()));
  add("a namespace that was inherited", report(joiner + "{ ns uts: joined from maker }\n", two_namespaces().trace()));
  add("a process that comes later", report(joiner + "{ ns net: same as late }\n", two_namespaces().trace()));
  add("a namespace that was there before",
      report("role sh = comm \"sh\"\nat sh: execve(...) { ns net: new }\n", testing::docker_exec_scene().trace()));
  add("the host's namespaces are not known",
      report(at + "{ ns user: host }\n", docker([](trace::Trace& t) { t.header.host = {}; })));

  // what a trace does not record
  add("no kinds of events",
      report(kRoles + "sequence { init: exited(0) }\nsequence { init: moved(\"/x\") }\n", docker([](trace::Trace& t) {
               t.header.events = {"syscall"};
               t.events.resize(10);
             })));
  add("no ends", report(kRoles + "sequence { init: exited(0) }\n", docker([](trace::Trace& t) {
                          std::erase(t.header.events, "exit");
                          std::erase_if(t.events, [](const trace::Event& e) { return e.as<trace::Exit>() != nullptr; });
                        })));
  add("a call that nstrace does not know", report(kRoles + "never init: getpid(...)\n", docker()));
  const auto results = [](const char* which) { return [=](trace::Trace& t) { t.header.results = which; }; };
  add("without failures", report(kRoles + "never init: mount(...) = -1\n", docker(results("successful"))));
  add("without successes", report(kRoles + "never init: mount(...) = 1\n", docker(results("failed"))));
  const auto imported = [](trace::Trace& t) {
    t.header.calls_known = false;
    t.header.calls.clear(), t.header.events.clear();
  };
  add("an imported log", report(kRoles + "role x = comm \"nobody\"\nnever init: mount(...) = -1\nnever x: mount(...)\n",
                                docker(imported)));
  add("a process that is not followed", report("role sh = comm \"sh\"\nnever sh: mount(...)\n", [] {
        Scene s;
        Scene::ExistingOptions options;
        options.followed = false;
        s.existing(10, "sh", {"sh"}, options);
        s.existing(20, "bash", {"bash"});
        s.fork(20, 30);
        return s.trace();
      }()));
  add("a process that is followed from its exec on", report("role x = exec \"*/runc\"\nnever x: mount(...)\n", [] {
        Scene s;
        s.existing(10, "sh", {"sh"});
        s.fork(10, 20);
        s.unseen([&] {
          s.existing(500, "sh", {"sh"});
          s.fork(500, 600);
        });
        s.exec(600, "/usr/sbin/runc", {"runc", "create"});
        return s.trace();
      }()));
  const auto left = [](trace::Trace& t) { t.header.payload = false; };
  add("a program that was left",
      report(kRoles + "role final = last exec \"*/runc\"\nrole none = exec \"*/crun\"\n" +
                 "never init: chroot(...)\nnever none: mount(...)\nsequence { final: execve(...) }\n",
             docker(left)));
  add("supplementary groups beyond those listed", report(at + "{\n groups: [1, 2, 3]\n}\n", docker([](trace::Trace& t) {
                                                           for (trace::Event& e : t.events)
                                                             if (auto* exec = e.as<trace::Exec>();
                                                                 exec && e.who.tid == 2032)
                                                               exec->groups = {1, 2}, exec->groups_more = 3;
                                                         })));
  add("no end", report(kRoles + "never init: chroot(...)\n", docker([](trace::Trace& t) { t.footer.reset(); })));
  testing::check_golden("check/remarks.txt", all);
}

TEST_CASE("every sentence of the parser, the checker, expect and diff stands in a golden") {
  const std::vector<std::string> lines = golden_lines();
  std::size_t sentences = 0;
  for (const char* name : {"lexer",     "parse",       "parser",     "parser_call", "parser_moves",  "parser_state",
                           "fit",       "near_miss",   "checker",    "explain",     "explain_roles", "judge",
                           "match",     "search",      "families",   "roles",       "state",         "state_exec",
                           "recording", "report_text", "blame",      "window",      "expect",        "expect_run",
                           "diff",      "diff_groups", "diff_noise", "diff_side",   "diff_text",     "diff_markdown"}) {
    std::ifstream file(std::string(NSTRACE_SOURCE_DIR) + "/src/check/" + name + ".cc");
    REQUIRE(file);
    std::ostringstream source;
    source << file.rdbuf();
    for (const std::string& text : texts_of(source.str())) {
      static const std::regex words("[a-z`]+ [a-z`{]");
      // what is written is checked; nothing is known that would not hold
      if (text.find("that did not hold on all traces") != std::string::npos) continue;
      if (text == "standard input" || !std::regex_search(text, words)) continue;
      ++sentences;
      INFO(name << ": " << text);
      const std::vector<std::string> pieces = pieces_of(text);
      CHECK(std::ranges::any_of(lines, [&](const std::string& line) { return has(line, pieces); }));
    }
  }
  CHECK(sentences > 150);
}
