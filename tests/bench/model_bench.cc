// SPDX-License-Identifier: MIT
// How many events per second the model takes, and whether streaming keeps its memory flat.
//   model_bench [EVENTS]     rounds of fork, exec, a thread, system calls of both, exit
// One line per kind of stream: events, seconds, events/s, memory grown per process and per event.
#include <fmt/format.h>
#include <linux/sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "model/model.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::testing;

namespace {

std::uint64_t memory() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// One round's events, to be played again and again as other processes at other times.
trace::Trace round_of(int calls, bool containers) {
  Scene s;
  s.existing(100, "sh", {"/bin/sh", "-c", "loop"});
  s.fork(100, 1000, containers ? CLONE_NEWPID | CLONE_NEWNS : 0);
  s.exec(1000, "/usr/bin/runc", {"runc", "--root", "/run/runc", "create", "--bundle", "/bundle", "abcdef"});
  s.thread(1000, 1001);
  if (containers) s.pivot_root(1000);
  for (int i = 0; i < calls; ++i)
    s.syscall(i % 2 ? 1000 : 1001, "prctl", {symbol_arg("option", 24, "PR_CAPBSET_DROP"), integer_arg("arg2", i)});
  s.exit_group(1000);
  return s.trace();
}

void play(const char* name, trace::Trace trace, std::uint64_t wanted) {
  model::Model model;
  model.header(trace.header);
  for (const auto& e : trace.existing) model.existing(e);
  std::uint64_t number = 0;
  trace::Time time = 0;
  const std::uint64_t before = memory();
  const auto start = std::chrono::steady_clock::now();
  while (number < wanted) {
    const trace::Time shift = time;
    for (trace::Event& event : trace.events) {
      event.number = ++number;
      event.time = ++time;
      if (event.who.tgid == 1000) event.who.born = shift + 1;
      if (auto* fork = event.as<trace::Fork>(); fork && fork->child.tgid == 1000) fork->child.born = shift + 1;
      model.event(event);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const std::uint64_t grown = memory() - before;
  fmt::print(
      "{:10} {} events, {} processes, {} containers: {:.2f} s, {:.0f} events/s, {} KiB more, {} bytes a process\n",
      name, number, model.processes().size(), model.containers().size(), took.count(),
      static_cast<double>(number) / took.count(), grown / 1024, grown / model.processes().size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  play("calls", round_of(10'000, false), wanted);
  play("processes", round_of(95, false), wanted);
  play("forks", round_of(0, false), wanted);
  play("containers", round_of(20, true), wanted);
}
