// SPDX-License-Identifier: MIT
// A moment of a model: which processes were alive, under which name, in which namespaces.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"

namespace nstrace::vis {

struct Resident {
  model::ProcessId process = 0;
  std::string name;  // as it was called then
};

// Processes in exactly the same namespaces.
struct Household {
  model::NsIds ids;
  std::vector<Resident> residents;
};

enum class Moment : std::uint8_t { Given, End, Richest };  // Richest: the most different sets were in use

struct Snapshot {
  trace::Time at = 0;
  Moment moment = Moment::Given;
  std::vector<Household> households;  // by their first process
};

// `at` empty: the end of the trace; where only one set is in use then, the last moment at which the most were. Followed
// processes only; those whose namespaces are not known are left out.
Snapshot take_snapshot(const model::Model& model, std::optional<trace::Time> at);

}  // namespace nstrace::vis
