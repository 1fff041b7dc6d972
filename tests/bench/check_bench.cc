// SPDX-License-Identifier: MIT
// How long a check takes: 1,000,000 events against 200 expectations, in memory.
//   check_bench [EVENTS]
// One line per kind of trace: events, rules, seconds to take the events (of which the model), seconds to judge, each
// on the clock and, in brackets, of processors; verdict. And a line per bar.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "model/model.h"
#include "tests/scene.h"
#include "trace/syscalls.h"

using namespace nstrace;
using namespace nstrace::testing;

namespace {

// Seconds on the clock, and of all processors together, which do not count other work on the machine.
struct Seconds {
  double wall = 0, cpu = 0;
  Seconds operator+(const Seconds& other) const { return {wall + other.wall, cpu + other.cpu}; }
  Seconds operator-(const Seconds& other) const { return {wall - other.wall, cpu - other.cpu}; }
};

Seconds now() {
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now().time_since_epoch();
  return {wall.count(), static_cast<double>(std::clock()) / CLOCKS_PER_SEC};
}

std::string text(const Seconds& time) {
  return fmt::format("{:.2f} s ({:.2f} s)", time.wall, time.cpu);
}

const std::string kRoles = R"(
role shim  = exec "*/containerd-shim-runc-v2" without "start"
role runc  = exec "*/runc" with "create" below shim
role child = comm "runc:[1:CHILD]" below runc
role init  = comm "runc:[2:INIT]" below runc
)";

// 200 rules: 20 times ten kinds, all different.
std::string rules() {
  std::string text = kRoles;
  for (int i = 0; i < 20; ++i) {
    text += fmt::format(R"(
sequence "set-up {0}" {{
  child: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET|?CLONE_NEWCGROUP) = 0
  init: pivot_root(".", ".") = 0
  init: umount2(".", MNT_DETACH) = 0
  init: execve("*/sleep", ["sleep", "10{0}" or "100"]) = 0
}}
sequence "identity {0}" {{
  runc: execve("*/runc", [..., "create", "--bundle", "*/$id{0}", ...])
  init: execve("/bin/sleep", ...)
}}
sequence "mounts {0}" {{
  init: mount(_, "/", NULL, MS_REC|MS_SLAVE, NULL)
  any {{
    init: mount("proc", _, "proc", _, _)
    init: mount("sysfs", _, "sysfs", MS_RDONLY|..., _)
    init: mount("tmpfs", _, "tmpfs", ...)
  }}
  init: pivot_root(...) within 10{0}s
}}
never init: setns(_, CLONE_NEWNS) = {0}
never init: mount("/proc/{0}*", ...) after pivot_root(...)
never child: mount(...) = {0}
never init: mount(_, "/etc/{0}/*", ...) between pivot_root(...) and execve(...)
count child: unshare(...) == 1..{1}
count init: mount(...) <= 10{0}
at init: execve("*/sleep", ...) {{
  ns mnt, pid, uts, ipc, net: new
  ns user, time: host
  pid: 1..{1}
}}
)",
                        i, i + 1);
  }
  return text;
}

// The rules for one process that makes all calls.
std::string busy_rules() {
  std::string text = "role busy = comm \"busy\"\n";
  for (int i = 0; i < 50; ++i)
    text += fmt::format(
        "never busy: mount(\"/nowhere/{0}\", ...)\ncount busy: prctl(PR_CAPBSET_DROP, {0}) >= 1\n"
        "sequence {{ busy: prctl(_, {0})\n next busy: mount(\"/somewhere/{0}\", ...)\n busy: chroot(\"/end\") }}\n"
        "never busy: umount2(_, MNT_DETACH) = {1} before chroot(\"/end\")\n",
        i, i + 1);
  return text;
}

// Gives what both together took.
Seconds judge(const char* name, const std::string& rules, const std::function<void(trace::Sink&)>& play) {
  struct Nobody : trace::Sink {
    void header(const trace::Header&) override {}
    void existing(const trace::Existing&) override {}
    void event(const trace::Event&) override {}
    void footer(const trace::Footer&) override {}
  } nobody;
  Seconds start = now();
  play(nobody);
  const Seconds made = now() - start;  // the events alone
  start = now();
  {
    model::Model model{model::Marks::Left};
    play(model);
  }
  const Seconds modelled = now() - start - made;
  check::Expectations expectations = check::parse("bench.expect", rules);
  const std::size_t count = expectations.rules.size();
  check::Checker checker(std::move(expectations));
  start = now();
  play(checker);
  const Seconds took = now() - start - made;
  start = now();
  const check::Result result = checker.result();
  const Seconds judged = now() - start;
  fmt::print("{:<12} {:>9} events {:>4} rules  taken in {} (model {})  judged in {}  {}\n", name, result.events, count,
             text(took), text(modelled), text(judged), verdict_word(result.verdict));
  if (result.verdict != check::Verdict::Holds) fmt::print("{}", text_report(result).substr(0, 2000));
  return took + judged;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;

  // docker run, again and again: other processes, other ids.
  trace::Trace run = docker_run_scene().trace();
  const Seconds run_again = judge("docker run", rules(), [&](trace::Sink& sink) {
    run.header.calls.emplace_back("prctl");
    sink.header(run.header);
    for (const auto& process : run.existing) sink.existing(process);
    std::uint64_t number = 0;
    trace::Time time = 0;
    for (std::uint64_t round = 0; number < events; ++round) {
      std::vector<trace::Event> these = run.events;
      for (trace::Event& event : these) {
        event.number = ++number;
        time += 1000;
        const auto shift = [&](trace::Who& who) {
          if (who.born >= 0) who.born += static_cast<trace::Time>(round) * 1'000'000'000;
        };
        event.time = event.start = time;
        shift(event.who);
        if (auto* fork = event.as<trace::Fork>()) {
          shift(fork->child);
          if (fork->parent_born >= 0) fork->parent_born += static_cast<trace::Time>(round) * 1'000'000'000;
        }
        if (event.call.name == "execve")
          for (std::string& arg : event.call.args[1].list)
            if (const auto at = arg.find(kDockerId); at != std::string::npos)
              arg.replace(at, 8, fmt::format("{:08x}", round));
        sink.event(event);
      }
    }
    sink.footer({});
  });

  // One process that makes every call.
  const Seconds one = judge("one process", busy_rules(), [&](trace::Sink& sink) {
    Scene s;
    s.header().calls = trace::parse_call_set("%lifecycle");
    s.header().calls.emplace_back("prctl");
    s.existing(100, "sh", {"sh"});
    s.fork(100, 200);
    s.rename(200, "busy");
    for (int i = 0; i < 60; ++i) {
      s.syscall(200, "prctl", {symbol_arg("option", 24, "PR_CAPBSET_DROP"), integer_arg("arg2", i)});
      s.mount(200, "/somewhere/" + std::to_string(i), "/to", "", 0);
      s.umount2(200, "/to", 2);
    }
    const trace::Trace part = s.trace();
    sink.header(part.header);
    for (const auto& process : part.existing) sink.existing(process);
    std::uint64_t number = 0;
    for (std::uint64_t round = 0; number < events; ++round)
      for (std::size_t i = round ? 2 : 0; i < part.events.size(); ++i) {
        trace::Event event = part.events[i];
        event.number = ++number;
        event.time = static_cast<trace::Time>(number) * 1000;
        sink.event(event);
      }
    s.chroot(200, "/end");
    trace::Event event = s.last();
    event.number = ++number;
    event.time = static_cast<trace::Time>(number) * 1000;
    sink.event(event);
    sink.footer({});
  });

  bool held = true;
  for (const auto& [name, seconds] : {std::pair("docker run", run_again.wall), std::pair("one process", one.wall)}) {
    constexpr double kMost = 3;
    fmt::print("{}: {}, taken in and judged, s {:.2f}, bar {}\n", seconds <= kMost ? "ok" : "NOT HELD", name, seconds,
               kMost);
    held = held && seconds <= kMost;
  }
  return held ? 0 : 1;
}
