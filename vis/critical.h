// SPDX-License-Identifier: MIT
// The critical path: what a moment waited for, followed back through the processes. The kernel tells no wake-ups here,
// so it is read from the moments alone: where a process did nothing for a while, whoever acted last before it went on
// is taken for the one that it waited for.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "trace/event.h"

namespace nstrace::vis {

// Something that a process (a node) did.
struct Beat {
  trace::Time time = 0;
  std::size_t node = 0;
  std::optional<std::size_t> makes = {};  // a fork: the node that it makes
  bool ends = false;                      // the process ends
};

// A node carries the path from one beat to a later one; from == to where it is left at once.
struct Stretch {
  std::size_t node = 0;
  std::size_t from = 0, to = 0;  // indices of beats
};

// Back from beats[target] to the first; the latest stretch comes first. Beats in order of events.
std::vector<Stretch> critical_path(const std::vector<Beat>& beats, std::size_t target);

}  // namespace nstrace::vis
