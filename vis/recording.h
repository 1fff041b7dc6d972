// SPDX-License-Identifier: MIT
// Recording: a model with its story that also keeps what each event says, for the pictures that show every call (.html,
// .json). Other pictures need no more than the model, and then no call is kept.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "story/story.h"
#include "story/timing.h"

namespace nstrace::vis {

// One event in words. All texts went through display_whole(): harmless, and of bounded length.
struct Call {
  enum class Kind : std::uint8_t { Syscall, Fork, Exec, Exit, Name, Namespace, Cgroup, Lost };
  Kind kind = Kind::Syscall;
  std::uint64_t event = 0;
  trace::Time time = 0, start = 0;          // end and begin
  std::optional<model::ProcessId> process;  // absent: of nobody (losses)
  int tid = 0;
  std::string name;    // "pivot_root", "fork", "exit"
  std::string text;    // "pivot_root(\".\", \".\")"
  std::string result;  // "0", "-1 EPERM (Operation not permitted)"; "" = none
  bool failed = false;
  bool thread = false;  // Fork: made a thread only
};

class Recording : public story::TellingModel {
 public:
  // Times are needed for what programs waited for, which is drawn over time; calls for the pictures that show each.
  explicit Recording(bool keep_calls, bool keep_times = true) : keep_(keep_calls), keep_times_(keep_times) {}
  void event(const trace::Event& event) override;
  const std::vector<Call>& calls() const { return calls_; }
  const story::Timing& timing() const { return timing_; }

 private:
  bool keep_, keep_times_;
  story::Timing timing_{*this, false};
  std::vector<Call> calls_;
};

std::string_view kind_name(Call::Kind kind);  // "syscall", "fork", ...

}  // namespace nstrace::vis
