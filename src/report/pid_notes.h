// SPDX-License-Identifier: MIT
// PidNotes: what strace's --decode-pids writes behind a pid that a call takes or gives: the comm of that process, and
// its number as the tracer sees it where the caller, in a pid namespace, knows it by another: "kill(1<sh> /* 20144 in
// strace's PID NS */, SIGWINCH) = 0". It keeps the numbers and comms of all that is followed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "trace/event.h"

namespace nstrace::report {

class PidNotes {
 public:
  void existing(const trace::Existing& process);
  // To be called for every event, in order, after its line was written: until then comms are those of before.
  void event(const trace::Event& event);

  // The number that the tracer knows a process by which `who` calls `number`; nothing where that is not known.
  std::optional<int> seen_from_outside(const trace::Who& who, int number) const;
  // Empty where it is not known.
  std::string comm(int tid) const;

 private:
  struct Task {
    std::vector<int> tids;    // from the tracer's pid namespace inwards
    std::uint32_t space = 0;  // its pid namespace, the innermost
    std::string comm;
  };
  void take(const trace::Who& who);
  bool below(std::uint32_t space, std::size_t levels, std::uint32_t top) const;

  std::unordered_map<int, Task> tasks_;                      // by tid
  std::multimap<std::pair<std::size_t, int>, int> inside_;   // level and number there -> tid
  std::unordered_map<std::uint32_t, std::uint32_t> parent_;  // of pid namespaces
};

}  // namespace nstrace::report
