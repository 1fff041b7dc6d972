// SPDX-License-Identifier: MIT
// How many events per second the model takes, and whether streaming keeps its memory flat.
//   model_bench [EVENTS]     rounds of fork, exec, a thread, system calls of both, exit
// One line per kind of stream: events, seconds, events/s, memory grown per process. Then one for each bar, and the exit
// status is 1 where one is not held.
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

bool held = true;

void bar(const char* name, double value, double most) {
  held = held && value <= most;
  fmt::print("{}: {} {:.2f}, bar {}\n", value <= most ? "ok" : "NOT HELD", name, value, most);
}

// What a stream cost.
struct Cost {
  double seconds = 0;
  std::uint64_t bytes = 0;  // more than before
};

// A process that was there before and of which nothing is heard, as a busy host has many.
// In a process of its own, so that no memory is used that was freed before.
std::uint64_t bytes_of_a_silent_process(const std::vector<std::string>& argv) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child != 0) {
    std::uint64_t bytes = 0;
    if (read(ends[0], &bytes, sizeof bytes) != sizeof bytes) std::abort();
    waitpid(child, nullptr, 0);
    return bytes;
  }
  constexpr int kProcesses = 100'000;
  model::Model model;
  trace::Existing process;
  process.comm = "service";
  process.exe = argv[0];
  process.argv = argv;
  process.parent_pid = 1;
  process.cgroup_path = "/system.slice/some.service";
  const std::uint64_t before = memory();
  for (int i = 2; i < kProcesses + 2; ++i) {
    process.pid = i;
    process.born = -1'000'000'000 + i;
    process.pids = {i};
    model.existing(process);
  }
  const std::uint64_t bytes = (memory() - before) / kProcesses;
  _exit(write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
}

Cost play(const char* name, trace::Trace trace, std::uint64_t wanted) {
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
  return {took.count(), grown};
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t silent = bytes_of_a_silent_process({"/usr/sbin/service", "--daemon", "-v"});
  const std::uint64_t shim =
      bytes_of_a_silent_process({"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", std::string(64, 'a'),
                                 "-address", "/run/containerd/containerd.sock"});
  fmt::print("without events: {} bytes a process, {} a containerd-shim with its arguments\n", silent, shim);
  // Twice the calls of as many processes: what more it takes is what an event leaves behind.
  const Cost calls = play("calls", round_of(10'000, false), wanted);
  const Cost more = play("more", round_of(20'000, false), 2 * wanted);
  const Cost all[] = {calls, play("processes", round_of(95, false), wanted), play("forks", round_of(0, false), wanted),
                      play("containers", round_of(20, true), wanted)};
  double slowest = 0;
  for (const Cost& cost : all) slowest = std::max(slowest, cost.seconds);
  bar("seconds for the events", slowest, 2);
  bar("bytes for a process without events", static_cast<double>(silent), 1024);
  const double growth = static_cast<double>(more.bytes) - static_cast<double>(calls.bytes);
  bar("bytes for each call more", growth / static_cast<double>(wanted), 0.5);
  return held ? 0 : 1;
}
