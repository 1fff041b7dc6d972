// SPDX-License-Identifier: MIT
// The expectations in examples/ hold on the recordings there, and each rule fails where what it guards against is done:
// the recordings are broken on purpose, one call at a time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "tests/catch.h"
#include "trace/file.h"

using namespace nstrace;
using namespace nstrace::check;
using trace::Event;
using trace::Trace;

namespace {

std::string example(const std::string& name) {
  return std::string(NSTRACE_SOURCE_DIR) + "/examples/" + name;
}

Trace recording(const std::string& name) {
  struct Keep : trace::Sink {
    Trace trace;
    void header(const trace::Header& header) override { trace.header = header; }
    void existing(const trace::Existing& process) override { trace.existing.push_back(process); }
    void event(const Event& event) override { trace.events.push_back(event); }
    void footer(const trace::Footer& footer) override { trace.footer = footer; }
  } keep;
  trace::read_trace(example(name), keep);
  return std::move(keep.trace);
}

Result run(const Expectations& expectations, const Trace& trace) {
  Checker checker(expectations);
  checker.header(trace.header);
  for (const auto& process : trace.existing) checker.existing(process);
  for (const Event& event : trace.events) checker.event(event);
  if (trace.footer) checker.footer(*trace.footer);
  return checker.result();
}

// What fails: the line that was not found, or the rule.
std::vector<std::string> failing(const Result& result) {
  std::vector<std::string> lines;
  for (const Finding& finding : result.findings)
    if (finding.verdict != Verdict::Holds) lines.push_back(finding.expected.empty() ? finding.rule : finding.expected);
  return lines;
}

using Match = std::function<bool(const Event&)>;

Match call(const std::string& name, const std::string& first = "") {
  return [=](const Event& event) {
    if (event.call.name != name || event.who.comm.find("INIT") == std::string::npos) return false;
    return first.empty() || (!event.call.args.empty() && event.call.args[0].text == first);
  };
}

// By a process in a pid namespace of its own.
Match made_inside(const std::string& name) {
  return
      [=](const Event& event) { return event.call.name == name && !event.call.failed() && event.who.tids.size() > 1; };
}

Event& last(Trace& trace, const Match& match) {
  const auto it = std::find_if(trace.events.rbegin(), trace.events.rend(), match);
  REQUIRE(it != trace.events.rend());
  return *it;
}

void remove(Trace& trace, const Match& match) {
  const auto before = trace.events.size();
  std::erase_if(trace.events, match);
  REQUIRE(trace.events.size() < before);
}

// Has the calls of `two` change places with those of `one`.
void swap(Trace& trace, const Match& one, const Match& two) {
  std::swap(last(trace, one).call, last(trace, two).call);
}

}  // namespace

TEST_CASE("the examples hold on the recordings") {
  const std::pair<const char*, const char*> kPairs[] = {
      {"docker-runc.expect", "docker-run.jsonl"}, {"docker-exec.expect", "docker-exec.jsonl"},
      {"podman-crun.expect", "podman-run.jsonl"}, {"lab.expect", "lab-run.jsonl"},
      {"lab-rules.expect", "lab-run.jsonl"},      {"userns.expect", "lab-userns.jsonl"},
      {"crun.expect", "crun-run.jsonl.zst"},      {"shim.expect", "docker-shim.jsonl.zst"},
  };
  for (const auto& [expect, trace] : kPairs) {
    const Result result = run(parse_file(example(expect)), recording(trace));
    INFO(expect << " on " << trace << "\n" << text_report(result));
    CHECK(result.verdict == Verdict::Holds);
    CHECK(result.skipped == 0);
    CHECK(result.holds >= 2);
  }
}

TEST_CASE("the examples do not hold on another runtime's recording") {
  CHECK(run(parse_file(example("docker-runc.expect")), recording("podman-run.jsonl")).verdict == Verdict::Fails);
  CHECK(run(parse_file(example("podman-crun.expect")), recording("docker-run.jsonl")).verdict == Verdict::Fails);
  CHECK(run(parse_file(example("userns.expect")), recording("lab-run.jsonl")).verdict == Verdict::Fails);
}

// Each call of the runtime's and the container's processes is left out, and made to fail: the line that asks for it is
// the one, and the only one, that is named.
TEST_CASE("a broken call of the mini runtime makes exactly its line fail") {
  const Expectations expectations = parse_file(example("lab.expect"));
  const Trace whole = recording("lab-run.jsonl");
  std::size_t broken = 0;
  const auto expect_line = [&](const Trace& trace, const Event& event, const std::string& what) {
    const std::vector<std::string> lines = failing(run(expectations, trace));
    INFO(what << " event " << event.number << ", " << event.call.name << ": "
              << fmt::format("{}", fmt::join(lines, "\n")));
    REQUIRE(lines.size() == 1);
    // the line names the call, and its first text
    CHECK(lines[0].find(event.call.name + "(") != std::string::npos);
    for (const trace::Arg& arg : event.call.args)
      if (arg.kind == trace::Arg::Kind::String && arg.text.find("/fd/") == std::string::npos && !arg.text.empty()) {
        CHECK(lines[0].find('"' + arg.text + '"') != std::string::npos);
        break;
      }
    ++broken;
  };
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    const Event& event = whole.events[i];
    if (!event.as<trace::Syscall>() || event.who.comm == "hello") continue;
    // an unshare that fails leaves no new namespaces either, which another line asks for
    if (event.call.name == "exit_group" || event.call.name == "unshare") continue;
    // the name of a stage is what its role is known by
    if (!event.call.args.empty() && event.call.args[0].text == "PR_SET_NAME" && event.who.comm != "lab") continue;
    Trace without = whole;
    without.events.erase(without.events.begin() + static_cast<std::ptrdiff_t>(i));
    expect_line(without, event, "without");
    Trace failed = whole;
    failed.events[i].call.result = -1;
    expect_line(failed, event, "failed");
  }
  CHECK(broken > 140);
}

// What is only recorded when it is asked for.
TEST_CASE("rules about calls that were not recorded cannot be told, and say how to record them") {
  const auto told = [](const std::string& expect, const Trace& trace) {
    const Result result = run(parse_file(example(expect)), trace);
    CHECK(result.verdict == Verdict::CannotTell);
    return text_report(result);
  };
  CHECK_THAT(told("shim.expect", recording("docker-run.jsonl")), ContainsSubstring("record with -e %lifecycle,bind"));
  Trace crun = recording("crun-run.jsonl.zst");
  std::erase(crun.header.calls, "openat2");
  remove(crun, [](const Event& e) { return e.call.name == "openat2"; });
  CHECK_THAT(told("crun.expect", crun), ContainsSubstring("record with -e %lifecycle,openat2"));
}

TEST_CASE("each rule fails where what it guards against is done") {
  struct Breach {
    const char* trap;
    const char* expect;
    const char* trace;
    std::function<void(Trace&)> harm;
    const char* line;  // what must be among the failing lines
  };
  const Breach kBreaches[] = {
      {"no sealed self-exec (CVE-2019-5736)", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, [](const Event& e) { return e.call.name == "execveat"; }); }, "execveat"},
      {"the copy can be written to", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         remove(t, [](const Event& e) {
           return e.call.name == "mount" && e.call.args[1].text.find("/runc.") != std::string::npos &&
                  e.call.args[3].text.find("MS_RDONLY") != std::string::npos;
         });
       },
       "MS_RDONLY|MS_REMOUNT|MS_BIND"},
      {"crun without a sealed self-exec", "podman-crun.expect", "podman-run.jsonl",
       [](Trace& t) { remove(t, [](const Event& e) { return e.call.name == "execveat"; }); }, "execveat"},
      {"descriptors are left open (CVE-2024-21626)", "podman-crun.expect", "podman-run.jsonl",
       [](Trace& t) { remove(t, [](const Event& e) { return e.call.name == "close_range"; }); }, "close_range"},
      {"mounts before the root is private", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         const Match slave = [](const Event& e) { return e.call.name == "mount" && e.call.args[1].text == "/"; };
         const Match proc = [](const Event& e) { return e.call.name == "mount" && e.call.args[0].text == "proc"; };
         swap(t, slave, proc);
       },
       "never init: mount(...) = 0 before"},
      {"the old root is unmounted while it is shared", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, [](const Event& e) { return e.call.name == "mount" && e.call.args[1].text == "."; }); },
       "mount(_, \".\""},
      {"the old root stays", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, call("umount2", ".")); }, "umount2(\".\", MNT_DETACH)"},
      {"the working directory is outside", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, call("chdir", "/")); }, "chdir(\"/\")"},
      {"supplementary groups are kept (CVE-2022-36109)", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, call("setgroups")); }, "setgroups"},
      {"user before group", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { swap(t, call("setgid"), call("setuid")); }, "never init: setgroups|setgid|setresgid"},
      {"capabilities before user", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { swap(t, call("capset"), call("setuid")); }, "init: capset"},
      {"inheritable capabilities (CVE-2022-24769)", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         for (std::string& field : last(t, call("capset")).call.args[1].list)
           if (field.starts_with("inheritable=")) field = "inheritable=1<<CAP_CHOWN";
       },
       "never init: capset"},
      {"no filter", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { remove(t, call("prctl", "PR_SET_SECCOMP")); }, "seccomp|prctl"},
      {"a filter before no_new_privs", "lab-rules.expect", "lab-run.jsonl",
       [](Trace& t) { swap(t, call("seccomp"), call("prctl", "PR_SET_NO_NEW_PRIVS")); }, "seccomp|prctl"},
      {"no_new_privs is not set", "lab-rules.expect", "lab-run.jsonl",
       [](Trace& t) { remove(t, call("prctl", "PR_SET_NO_NEW_PRIVS")); }, "PR_SET_NO_NEW_PRIVS"},
      {"the user namespace comes last", "userns.expect", "lab-userns.jsonl",
       [](Trace& t) {
         std::vector<Event*> calls;
         for (Event& e : t.events)
           if (e.call.name == "unshare") calls.push_back(&e);
         REQUIRE(calls.size() == 2);
         std::swap(calls[0]->call, calls[1]->call);
       },
       "never child: unshare(CLONE_NEWNS|...) before"},
      {"/proc/sys can be written to", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         remove(t, [](const Event& e) { return e.call.name == "mount" && e.call.args[1].text == "/proc/sys"; });
       },
       "/proc/sys"},
      {"a mount by a path", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { last(t, call("mount", "sysfs")).call.args[1].text = "/run/box/rootfs/sys"; },
       "never init: mount(\"proc\" or"},
      {"a mount by a path, crun", "podman-crun.expect", "podman-run.jsonl",
       [](Trace& t) {
         last(t, [](const Event& e) { return e.call.name == "mount" && e.call.args[2].text == "devpts"; })
             .call.args[1]
             .text = "/run/box/rootfs/dev/pts";
       },
       "never init: mount(\"proc\" or"},
      {"a bind below /proc before /proc", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) { swap(t, call("mount", "/proc/sys"), call("mount", "proc")); },
       "never init: mount(_, \"/proc/sys*\""},
      {"the program begins too late", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         last(t, [](const Event& e) { return e.as<trace::Exec>() && e.who.comm == "sleep"; }).time += 60'000'000'000;
       },
       "init: execve(...) = 0"},
      {"exec: runc can be looked into", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) {
         remove(t, [](const Event& e) {
           return e.call.name == "prctl" && e.call.args[0].text == "PR_SET_DUMPABLE" && e.who.comm == "runc";
         });
       },
       "PR_SET_DUMPABLE"},
      {"exec: no sealed copy", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) { last(t, [](const Event& e) { return e.call.name == "execveat"; }).call.name = "execve"; },
       "execveat"},
      {"exec: the host's network", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) {
         remove(t, [](const Event& e) { return e.call.name == "setns" && e.call.args[1].text == "CLONE_NEWNET"; });
       },
       "CLONE_NEWNET"},
      {"exec: the files are entered first", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) {
         const auto setns = [](const char* flag) {
           return [=](const Event& e) { return e.call.name == "setns" && e.call.args[1].text == flag; };
         };
         swap(t, setns("CLONE_NEWNS"), setns("CLONE_NEWIPC"));
       },
       "CLONE_NEWNS) = 0"},
      {"exec: a namespace is made", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) {
         trace::Arg& flags = last(t, [](const Event& e) { return e.call.name == "unshare"; }).call.args[0];
         flags.value = 0x20000, flags.text = "CLONE_NEWNS";
       },
       "never child: unshare(!0)"},
      {"exec: supplementary groups are kept", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) { remove(t, call("setgroups")); }, "setgroups"},
      {"exec: no filter", "docker-exec.expect", "docker-exec.jsonl",
       [](Trace& t) { remove(t, call("prctl", "PR_SET_SECCOMP")); }, "seccomp|prctl"},
      {"a path may lead anywhere (CVE-2021-30465)", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) { last(t, made_inside("openat2")).call.args[2].list.back() = "resolve=0"; }, "never init: openat2"},
      {"paths are followed without openat2", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) { remove(t, [](const Event& e) { return e.call.name == "openat2"; }); }, "init: openat2"},
      {"a folder is made by a path of the host's (CVE-2024-45310)", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         trace::Call& made = last(t, made_inside("mkdirat")).call;
         REQUIRE(made.args[0].value != -100);
         made.args[0].value = -100, made.args[0].text = "AT_FDCWD", made.args[0].target.clear();
         made.args[1].text = "/run/box/rootfs/dev";
       },
       "never init: mkdirat|mknodat"},
      {"a link is made by a path of the host's", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         trace::Call& made = last(t, made_inside("symlinkat")).call;
         made.args[1].value = -100, made.args[1].text = "AT_FDCWD", made.args[1].target.clear();
         made.args[2].text = "/run/box/rootfs/dev/fd";
       },
       "never init: symlinkat"},
      {"the cgroup namespace is made before the cgroup is entered", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         const auto move =
             std::ranges::find_if(t.events, [](const Event& e) { return e.as<trace::CgroupMove>() != nullptr; });
         REQUIRE(move != t.events.end());
         const auto unshare =
             std::find_if(move, t.events.end(), [](const Event& e) { return e.call.name == "unshare"; });
         REQUIRE(unshare != t.events.end());
         std::rotate(move, move + 1, unshare + 1);
       },
       "maker: unshare(CLONE_NEWCGROUP|...) = 0"},
      {"the cgroup is left behind its namespace", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         const auto move =
             std::ranges::find_if(t.events, [](const Event& e) { return e.as<trace::CgroupMove>() != nullptr; });
         const Event again = *move;
         const auto unshare =
             std::find_if(move, t.events.end(), [](const Event& e) { return e.call.name == "unshare"; });
         t.events.insert(unshare + 1, again);
       },
       "never maker: moved"},
      {"programs of /sys may be executed", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         trace::Arg& flags = last(t, [](const Event& e) {
                               return e.call.name == "mount" && e.call.args[0].text == "sysfs";
                             }).call.args[3];
         flags.text = "MS_NOSUID|MS_NODEV", flags.value = 6;
       },
       "mount(\"sysfs\""},
      {"/dev/shm is only root's", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         last(t, [](const Event& e) { return e.call.name == "mount" && e.call.args[0].text == "shm"; })
             .call.args[4]
             .text = "mode=755,size=65536k";
       },
       "mount(\"shm\""},
      {"/sys is not read-only", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         trace::Arg& flags = last(t, call("mount", "sysfs")).call.args[3];
         flags.text = "MS_NOSUID|MS_NODEV|MS_NOEXEC", flags.value = 14;
       },
       "mount(\"sysfs\""},
      {"supplementary groups are there at the exec", "crun.expect", "crun-run.jsonl.zst",
       [](Trace& t) {
         last(t, [](const Event& e) { return e.as<trace::Exec>() && e.who.comm == "true"; }).as<trace::Exec>()->groups =
             {0, 27};
       },
       "groups: []"},
      {"an abstract socket (CVE-2020-15257)", "shim.expect", "docker-shim.jsonl.zst",
       [](Trace& t) {
         for (Event& e : t.events)
           if (e.call.name == "bind") e.call.args[1].list.back() = "sun_path=@\"/containerd-shim/moby/1.sock\"";
       },
       "never shim: bind"},
      {"a namespace is made twice", "docker-runc.expect", "docker-run.jsonl",
       [](Trace& t) {
         const auto it = std::ranges::find_if(t.events, [](const Event& e) { return e.call.name == "unshare"; });
         REQUIRE(it != t.events.end());
         t.events.insert(it, *it);
       },
       "count child: unshare(...) == 1"},
  };
  for (const Breach& breach : kBreaches) {
    Trace trace = recording(breach.trace);
    breach.harm(trace);
    for (std::size_t i = 0; i < trace.events.size(); ++i) trace.events[i].number = i + 1;
    const Result result = run(parse_file(example(breach.expect)), trace);
    const std::vector<std::string> lines = failing(result);
    INFO(breach.trap << ": " << fmt::format("{}", fmt::join(lines, "\n")));
    CHECK(result.verdict == Verdict::Fails);
    CHECK(std::ranges::any_of(lines, [&](const std::string& l) { return l.find(breach.line) != std::string::npos; }));
    CHECK(lines.size() <= 4);
  }
}

TEST_CASE("what a program may begin with") {
  const Expectations expectations = parse("x.expect", "role init = comm \"lab:[2:INIT]\"\ninclude \"start.expect\"\n",
                                          [](const std::string& path) { return load_file(example(path)); });
  const Trace recorded = recording("lab-run.jsonl");
  const auto verdict = [&](const std::function<void(trace::Exec&)>& harm) {
    Trace trace = recorded;
    for (Event& event : trace.events)
      if (auto* exec = event.as<trace::Exec>()) {
        exec->caps = trace::Caps{.permitted = 1, .effective = 1};
        exec->seccomp = trace::Seccomp::Filter;
        exec->cwd = trace::Place{.path = "/"}, exec->root = trace::Place{.path = "/"};
        exec->fds = std::vector<trace::OpenFd>{{0, "/dev/null"}, {1, "pipe:[1]"}, {2, "pipe:[2]"}};
        exec->fds_more = 0;
        harm(*exec);
      }
    return run(expectations, trace).verdict;
  };
  CHECK(verdict([](trace::Exec&) {}) == Verdict::Holds);
  CHECK(verdict([](trace::Exec& e) { e.fds->push_back({7, "/"}); }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.cwd->path = "(unreachable)/"; }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.root->path = "/var/lib/x"; }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.caps->inheritable = 1; }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.caps->effective = 1u << 21; }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.seccomp = trace::Seccomp::None; }) == Verdict::Fails);
  CHECK(verdict([](trace::Exec& e) { e.fds.reset(); }) == Verdict::CannotTell);
}
