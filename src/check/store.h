// SPDX-License-Identifier: MIT
// The calls of a trace that some rule may look at, kept small: each different call once, and for each event a few
// numbers. From the trace's end on it is only read.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "check/hash_index.h"
#include "check/match.h"
#include "model/model.h"

namespace nstrace::check {

using EventIndex = std::uint32_t;
using NameId = std::uint32_t;  // of a call
inline constexpr NameId kNoName = UINT32_MAX;
inline constexpr EventIndex kNoEvent = UINT32_MAX;

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
  EventIndex again = kNoEvent;  // the next event of the process with the same call
  EventIndex other = kNoEvent;  // of the first with its call: that of the next different call of that name
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
  bool name_fits_pattern(const CallPattern& pattern, const Stored& event) const;
  // Numbers of the events that `next` looks at; only kept if a rule has `next`.
  const std::vector<std::uint64_t>& steps_of(model::ProcessId process) const;
  bool uncertain(const Stored& event) const { return calls_[event.call].uncertain; }
  std::size_t events() const { return events_.size(); }
  std::size_t calls() const { return calls_.size(); }  // different ones
  std::size_t patterns() const { return patterns_.size(); }
  std::size_t captures() const { return expectations_.captures.size(); }

  // The different calls of a process that have one name: the events that come first with each, from `first` on along
  // Stored::other.
  struct Named {
    NameId name = 0;
    EventIndex first = kNoEvent, last = kNoEvent;
  };
  const std::vector<Named>& named(model::ProcessId process) const;
  // Whether the process makes a call whose name the pattern fits.
  bool may_make(model::ProcessId process, const CallPattern& pattern) const;
  // The only name in the trace that the pattern fits; kNoName if there are several, or none.
  NameId only_name(const CallPattern& pattern) const;
  // Which of the patterns that fit the name it is; -1 = none.
  std::int32_t slot(const CallPattern& pattern, NameId name) const {
    return names_[name].patterns[static_cast<std::size_t>(pattern.id)];
  }
  // How many answers there are to whether a call fits a pattern, for all that may; and where those of a call begin.
  std::size_t answers() const { return answers_; }
  std::size_t answers_of(const Stored& event) const { return answers_of_[event.call]; }

 private:
  struct Name {
    std::string text;
    bool wanted = false;                 // a pattern may fit
    bool state = false;                  // one of an `at` rule
    bool step = false;                   // one that `next` looks at: the wanted ones, too
    std::vector<std::int32_t> patterns;  // by pattern id: which of those that may fit it is, -1 = none
    std::size_t fitting = 0;             // how many may
  };
  struct Known {
    trace::Call call;
    NameId name = 0;
    bool uncertain = false;      // which call it was, or its arguments, are not known
    EventIndex last = kNoEvent;  // event with it
  };
  struct OfProcess {
    std::vector<EventIndex> all;
    std::vector<Named> by_name;
    std::vector<std::uint64_t> steps;
  };
  NameId name(const std::string& text);
  bool looked_at(const char* name) { return names_[this->name(name)].step; }
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
  HashIndex call_by_hash_;
  std::vector<Stored> events_;
  std::vector<StateAt> states_;
  std::vector<OfProcess> processes_;
  std::vector<std::size_t> answers_of_;  // by call
  std::size_t answers_ = 0;
};

}  // namespace nstrace::check
