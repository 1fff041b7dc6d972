// SPDX-License-Identifier: MIT
// Who looks for calls that fit a pattern gets them one after the other, no further than needed. The store is only read,
// so that several finders, each with what it has found, can work at once.
#pragma once

#include <vector>

#include "check/store.h"

namespace nstrace::check {

class Finder;

// A call that fits a pattern, leaving aside what captures were bound to before.
struct Candidate {
  EventIndex event = 0;
  Truth truth = Truth::Yes;
};

// The candidates of a pattern in a process, in order. Found as they are asked for: a call that is made again and again
// is compared once, and one that does not fit is passed over with all its repetitions.
class Candidates {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;
  // The first one with a number greater than `number`; kNone if there is none.
  std::size_t after(std::uint64_t number);
  // Whether there is one at `index`, looking further if need be.
  bool has(std::size_t index);
  const Candidate& operator[](std::size_t index) const { return found_[index]; }

 private:
  friend class Finder;
  Finder* finder_ = nullptr;
  const CallPattern* pattern_ = nullptr;
  model::ProcessId process_ = UINT32_MAX;
  // The process's different calls of a name that the pattern may fit.
  struct Source {
    EventIndex next = kNoEvent;  // the first event with the next of them
    std::size_t slot = 0;        // of the pattern, among those that may fit the name
  };
  std::vector<Source> sources_;
  NameId name_ = kNoName;         // the only one in the trace that the pattern may fit
  std::vector<Candidate> ahead_;  // a heap, the earliest first: the next event of each call that fits
  std::vector<Candidate> found_;
};

class Finder {
 public:
  // After the last event was put into the store.
  explicit Finder(const Store& store);
  Finder(const Finder&) = delete;
  Finder& operator=(const Finder&) = delete;

  // Valid until the same pattern is asked for in another process.
  Candidates& candidates(const CallPattern& pattern, model::ProcessId process);

 private:
  friend class Candidates;
  // Whether the call of an event fits, leaving aside what captures were bound to.
  Truth fits(const CallPattern& pattern, std::size_t slot, EventIndex event);

  const Store& store_;
  std::vector<std::uint8_t> memo_;      // by call and pattern of its name: 0 = not asked, else Truth + 1
  std::vector<Candidates> candidates_;  // by pattern: of the process that was asked for last
};

}  // namespace nstrace::check
