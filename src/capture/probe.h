// SPDX-License-Identifier: MIT
// Probe: the eBPF programs, loaded and attached. It takes which calls and whom to follow, and gives raw records
// (bpf/events.h) in the order of the ring buffer. The only code that sees libbpf, beside doctor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpf/events.h"

namespace nstrace::capture {

struct ProbeOptions {
  std::vector<std::string> calls;  // names of the system calls to record
  std::size_t buffer = 16u << 20;  // bytes of the ring buffer: a power of two, at least a page
  std::size_t wake_up = 1u << 18;  // bytes that wait before the reader is woken; 0 = any
  bool environment = true;         // ship environments to user space
  std::string backend = "raw";     // "raw" or "fentry"
  bool durations = true;           // false: see calls at their end only, which costs all others on the machine half
  std::vector<int> signals;        // numbers of the signals to record; none: their programs are not loaded
  bool gates = false;              // record calls on gates (trace::gate_calls())
  bool containers = false;         // watch_container() will be called
  bool payload = true;             // false: leave a container's program when it has begun
};

// Sums over all CPUs since load.
struct ProbeCounters {
  std::uint64_t attempted = 0, sent = 0, dropped = 0, map_full = 0, unread = 0;
  std::uint64_t signals_lost = 0;
  std::uint64_t missed = 0;             // runs of a program that the kernel skipped (bpf_prog_info.recursion_misses)
  std::vector<std::uint64_t> next_seq;  // by CPU
};

class Probe {
 public:
  // Loads. Throws Error with the sentence of doctor's first failing line when the kernel refuses.
  explicit Probe(const ProbeOptions& options);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  void attach();
  void detach();

  // Pids are those that the tracer sees.
  void follow(int tgid, std::uint64_t born_boottime);
  void forget(int tgid);
  // Whoever moves into this cgroup or one below it, or enters one of these namespaces, is followed from then on.
  void watch_container(std::uint64_t cgroup, const std::vector<std::uint32_t>& namespaces);
  // A program's base name, from its next exec on.
  void follow_name(const std::string& name);
  bool follows_names() const;
  std::vector<int> followed();

  // While seeding, descendants of followed processes enter the set: those that exist by existing(), new ones at once.
  void set_seeding(bool on);
  // Every process that exists now, from the kernel's task iterator, followed or not.
  std::vector<nst_rec_task> existing();

  // A descriptor that poll(2) finds ready when as much as `wake_up` waits, once: until consume().
  int ready_fd() const;
  // Takes what was sent until `until` (CLOCK_BOOTTIME, ns), which is not ahead, and may take more: of each processor and
  // each thread in order. UINT64_MAX: all that there is, when nothing is sent any more.
  using Take = std::function<void(const void* data, std::size_t size)>;
  void consume(const Take& take, std::uint64_t until);

  ProbeCounters counters() const;
  // What carries the calls: "tp_btf" (the raw pair of tracepoints), "fentry" or "fentry.multi".
  std::string backend() const;
  // Is the begin of calls seen? Not without durations, but where tracepoints can be preempted (bpf/preempt.bpf.h).
  bool durations() const;
  // Can the programs lose their processor (bpf/preempt.bpf.h)?
  bool preemptible() const;
  // Calls that this backend cannot see on this kernel.
  std::vector<std::string> uncovered() const;
  // Is the tracer in a pid namespace of its own? Then pids are those of this namespace.
  bool nested() const;

 private:
  void find_level();

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nstrace::capture
