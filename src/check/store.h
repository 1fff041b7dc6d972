// SPDX-License-Identifier: MIT
// The calls of a trace that some rule may look at, kept small: each different call once, and for each event a few
// numbers. Who looks for calls that fit a pattern gets them one after the other, no further than needed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "check/match.h"
#include "model/model.h"

namespace nstrace::check {

using EventIndex = std::uint32_t;
using NameId = std::uint32_t;  // of a call
inline constexpr NameId kNoName = UINT32_MAX;

// The state of a process at a call that an `at` rule looks at.
struct StateAt {
  model::NsIds ns;
  std::vector<int> pids;
  std::string comm, exe, cgroup;
  std::shared_ptr<const trace::Exec> exec;  // of an exec that tells what its program begins with
};

struct Stored {
  std::uint64_t number = 0;
  trace::Time time = 0;
  int tid = 0;
  model::ProcessId process = 0;
  std::uint32_t call = 0;
  std::uint32_t state = UINT32_MAX;
  EventIndex again = UINT32_MAX;  // the next event of the process with the same call
};

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
  friend class Store;
  class Store* store_ = nullptr;
  const CallPattern* pattern_ = nullptr;
  model::ProcessId process_ = UINT32_MAX;
  // First events of the process's different calls, by name, those that the pattern may fit.
  struct Source {
    const std::vector<EventIndex>* firsts = nullptr;
    std::size_t looked = 0;
    std::size_t slot = 0;  // of the pattern, among those that may fit the name
  };
  std::vector<Source> sources_;
  NameId name_ = kNoName;         // the only one in the trace that the pattern may fit
  std::vector<Candidate> ahead_;  // a heap, the earliest first: the next event of each call that fits
  std::vector<Candidate> found_;
};

class Store {
 public:
  explicit Store(const Expectations& expectations);

  // An event that was just applied to the model.
  void add(const trace::Event& event, const model::Model& model, const model::Process& process);

  const Stored& event(EventIndex index) const { return events_[index]; }
  const trace::Call& call(const Stored& event) const { return calls_[event.call].call; }
  const StateAt* state(const Stored& event) const {
    return event.state == UINT32_MAX ? nullptr : &states_[event.state];
  }
  const std::vector<EventIndex>& of(model::ProcessId process) const;
  std::size_t processes() const { return processes_.size(); }
  // Valid until the same pattern is asked for in another process.
  Candidates& candidates(const CallPattern& pattern, model::ProcessId process);
  bool name_fits_pattern(const CallPattern& pattern, const Stored& event) const;
  // Numbers of the events that `next` looks at; only kept if a rule has `next`.
  const std::vector<std::uint64_t>& steps_of(model::ProcessId process) const;
  bool uncertain(const Stored& event) const { return calls_[event.call].uncertain; }

 private:
  friend class Candidates;
  struct Name {
    std::string text;
    bool wanted = false;                 // a pattern may fit
    bool state = false;                  // one of an `at` rule
    bool step = false;                   // one that `next` looks at
    std::vector<std::int32_t> patterns;  // by pattern id: which of those that may fit it is, -1 = none
    std::size_t fitting = 0;             // how many may
  };
  struct Known {
    trace::Call call;
    NameId name = 0;
    bool uncertain = false;        // which call it was, or its arguments, are not known
    EventIndex last = UINT32_MAX;  // event with it
  };
  struct OfProcess {
    std::vector<EventIndex> all;
    std::vector<std::pair<NameId, std::vector<EventIndex>>> by_name;  // where a different call comes
    std::vector<std::uint64_t> steps;
  };
  // Whether the call of an event fits, leaving aside what captures were bound to.
  Truth fits(const CallPattern& pattern, std::size_t slot, EventIndex event);
  NameId name(const std::string& text);
  std::uint32_t intern(const trace::Call& call, NameId name, bool uncertain);
  OfProcess& of_process(model::ProcessId process);
  void keep(const trace::Event& event, const trace::Call& call, bool uncertain, const model::Model& model,
            const model::Process& process);

  const Expectations& expectations_;
  bool any_next_ = false;
  std::vector<const CallPattern*> patterns_;  // by id
  std::vector<char> state_patterns_;
  std::vector<std::string> step_names_;
  std::unordered_map<std::string, NameId> name_ids_;
  std::vector<Name> names_;
  std::deque<Known> calls_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> call_by_hash_;
  std::vector<Stored> events_;
  std::vector<StateAt> states_;
  std::vector<OfProcess> processes_;
  std::vector<std::size_t> memo_of_;    // by call: where its answers begin
  std::vector<std::uint8_t> memo_;      // by call and pattern of its name: 0 = not asked, else Truth + 1
  std::vector<Candidates> candidates_;  // by pattern: of the process that was asked for last
};

}  // namespace nstrace::check
