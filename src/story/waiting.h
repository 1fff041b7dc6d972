// SPDX-License-Identifier: MIT
// What a moment waited for, followed back through those who acted. The kernel tells no wake-ups here, so it is read
// from the order of what was done: whoever slept before it went on is taken to have waited for who did something last.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "trace/event.h"

namespace nstrace::story {

// Something that an actor (a process) did.
struct Beat {
  trace::Time time = 0;   // its end
  trace::Time begin = 0;  // of a call: from here on the actor was awake, or slept in the kernel for its own sake
  std::size_t actor = 0;
  std::optional<std::size_t> makes = {};  // the actor that it makes
  bool ends = false;                      // the actor ends
  std::optional<trace::Time> slept = {};  // since the same actor's beat before; absent = not known
};

// An actor carries the path from one beat to a later one: what it did, and its sleep up to `to`, begin with what was
// done at `from` (by itself, or by the actor of the next stretch).
struct Stretch {
  std::size_t actor = 0;
  std::size_t from = 0, to = 0;  // places in the beats
};

// Back from beats[target] to the first; the latest stretch comes first. Beats in order. A path that nothing leads on
// ends where its last actor's first beat is. O(beats) where actors do not sleep through long stretches.
std::vector<Stretch> waited_for(const std::vector<Beat>& beats, std::size_t target);

}  // namespace nstrace::story
