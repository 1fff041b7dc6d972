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

// Containers: the last at which the most of those that the trace made were there; Richest: at which the most different
// sets were in use; End: one of these, which is also the end.
enum class Moment : std::uint8_t { Given, End, Containers, Richest };

struct Snapshot {
  trace::Time at = 0;
  Moment moment = Moment::Given;
  std::vector<Household> households;  // by their first process
};

// `at` empty: the last moment with the most containers that were made in the trace, of these the one with the fewest
// other processes that are on their way into one; without a container, the last with the most sets in use. Followed
// processes only; those whose namespaces are not known are left out. Throws Error for a time that is not in the trace.
Snapshot take_snapshot(const model::Model& model, std::optional<trace::Time> at);

}  // namespace nstrace::vis
