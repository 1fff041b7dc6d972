// SPDX-License-Identifier: MIT
// Moments: what the view over time tells, in its order: each fork, row, end and loss of a graph, with the words for it.
#pragma once

#include <string>
#include <vector>

#include "vis/graph.h"
#include "vis/sheet.h"

namespace nstrace::vis {

struct Instant {
  enum class Kind { Fork, Row, End, Lost };
  Kind kind = Kind::Row;
  std::uint64_t event = 0;
  trace::Time time = 0;
  std::size_t node = 0;        // whose lane it is on
  const Row* row = nullptr;    // Kind::Row
  const Edge* edge = nullptr;  // Kind::Fork
  const Gap* gap = nullptr;    // Kind::Lost
  int phase = -1;              // of the story: its own, else the one before
  double y = 0;                // where the view puts it, and its words as drawn
  Sheet said;
};

// In order of events; processes only, what is folded is left out.
std::vector<Instant> moments_of(const Graph& graph);

// What the story says of it; empty words where it says nothing.
const Told& told(const Graph& graph, const Instant& moment);
// Of a fork, naming the child by what it becomes: "makes runc create (pid 510)".
std::string makes_text(const Node& child);

std::string tip_of(const Graph& graph, const Instant& moment);
// What a process was called before an event.
const std::string& name_before(const Node& node, std::uint64_t event);

// The words for a moment, from (0, 0) on, not wider than `room`. Its height is what it needs beyond one line.
Sheet say(const Graph& graph, const Instant& moment, double room);

}  // namespace nstrace::vis
