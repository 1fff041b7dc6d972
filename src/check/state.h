// SPDX-License-Identifier: MIT
// The state of a process at a call: its namespaces and where they come from, its name, its pid.
#pragma once

#include <vector>

#include "check/judge.h"

namespace nstrace::check {

// The namespaces of leaders over time.
class NsHistory {
 public:
  // After an event of the process was applied to the model.
  void note(const trace::Event& event, const model::Process& process);
  // What the process had after event `number`; nullptr if it was not there yet.
  const model::NsIds* at(const model::Process& process, std::uint64_t number) const;

 private:
  std::vector<std::vector<std::pair<std::uint64_t, model::NsIds>>> changes_;
};

// Each line of the rule at that call. Without `details`, only whether it holds.
std::vector<StateAnswer> state_at(const Facts& facts, const At& rule, EventIndex event, const Assignment& assignment,
                                  bool details);

}  // namespace nstrace::check
