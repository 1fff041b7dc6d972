// SPDX-License-Identifier: MIT
// Where the time went: how long each process lived, ran and waited, which calls took longest, and the chain of waiting
// from the first command to the user's program. Fed with the events of a trace beside a TellingModel.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "story/story.h"

namespace nstrace::story {

struct ProcessTime {
  model::ProcessId process = 0;
  Time begin = 0, end = 0;  // its life, as far as it lies in the trace
  bool ended = false;
  Time on_cpu = -1;             // of all its threads, up to the last event of each; -1 = not recorded
  Time cpu_wait = -1;           // ready to run, but waiting for a CPU; as above
  std::optional<Time> blocked;  // neither of both; absent for a process with several threads, which can do both at once
  std::uint64_t calls = 0, failed = 0;
  Time in_calls = 0;  // between their begin and their end, where that was recorded
};

// Of all tasks of a phase together, so that it can be more than the phase took.
struct PhaseTime {
  std::uint64_t calls = 0;
  Time in_calls = 0;
  bool measured = false;  // else the following are not known
  Time on_cpu = 0;
  Time blocked = 0;  // neither on a CPU nor waiting for one
};

struct SlowCall {
  model::ProcessId process = 0;
  std::uint64_t event = 0;
  Time time = 0, took = 0;
  std::string text;  // "mount("proc", ...)"; printable
};

// A stretch of the chain of waiting, in which all waited for what this process did.
struct Link {
  model::ProcessId process = 0;
  Time begin = 0, end = 0;
  std::uint64_t first_event = 0, last_event = 0;  // what was done at those times; the first may be another's
  std::string role;                               // "runc create", "containerd-shim"; printable
  std::string longest;                            // its longest single stretch ended with this: "mount(...)"; printable
  Time longest_took = 0;
  bool longest_inside = false;  // most of that stretch was within the call; else before it
};

// A stretch in which a process did nothing but sleep.
struct Sleep {
  model::ProcessId process = 0;
  Time begin = 0, end = 0;
};

class Timing : public trace::Sink {
 public:
  // words = false: only critical_path() is asked for, and the calls in it need no names.
  explicit Timing(const model::Model& model, bool words = true) : model_(model), words_(words) {}
  // After the model has been given the same.
  void event(const trace::Event& event) override;
  void header(const trace::Header&) override {}
  void existing(const trace::Existing&) override {}
  void footer(const trace::Footer&) override {}

  // Of one chapter of the story: who had a part in it, by their begin.
  std::vector<ProcessTime> processes(const Story& story, const Chapter& chapter) const;
  // Empty where neither times nor durations are known.
  std::vector<SlowCall> slowest(const Story& story, const Chapter& chapter, std::size_t how_many) const;
  // From the chapter's first event to its program's exec, without a gap (waiting.h). Empty where no program began,
  // where records were lost in between, or where times are not known.
  std::vector<Link> critical_path(const Story& story, const Chapter& chapter) const;
  // The sleeps of processes, by whatever woke them, that took at least so long; in order of their ends. Only where the
  // scheduler's counts were recorded, and where no other thread of the process did something meanwhile.
  std::vector<Sleep> sleeps(Time least) const;
  // What the processes that have steps in a stretch of a phase did in it.
  PhaseTime between(const Story& story, const PhaseSpan& span) const;

 private:
  struct Point {
    Time begin = 0, time = 0;
    std::uint64_t event = 0;
    model::ProcessId process = 0;
    bool call = false, failed = false, ends = false;
    bool waits = false;  // a call that can last until another does something
    std::optional<model::ProcessId> makes;
    std::string text;
    // Since the task's event before: what it did in between, as the scheduler's counts tell.
    bool measured = false;
    Time since = 0, on_cpu = 0, blocked_for = 0;
  };
  // A task, and what the scheduler had counted of it when it was last asked.
  struct Task {
    model::ProcessId process = 0;
    Time asked = 0;  // 0 = never
    trace::CpuTime cpu;
    Time ran = 0;          // as the count says, or more: who did not sleep ran whenever it did not wait for a CPU
    bool counted = false;  // by an event of its own
  };
  void measure(const trace::Event& event, model::ProcessId process, Point* point);
  std::vector<bool> members(const Story& story, const Chapter& chapter) const;

  const model::Model& model_;
  bool words_;
  std::vector<Point> points_;            // in order
  std::unordered_map<int, Task> tasks_;  // by tid: who bears it now
  std::vector<trace::CpuTime> ended_;    // by ProcessId: the sum of its tasks that have ended
};

// What a process is in the story: "runc create", "runc init", "containerd-shim", "sleep".
std::string role_of(const model::Process& process, Time at);

}  // namespace nstrace::story
