// SPDX-License-Identifier: MIT
// The view "tree": lineage from the daemon to the user's program, as a Graph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/model.h"
#include "story/story.h"
#include "story/timing.h"
#include "vis/graph.h"

namespace nstrace::vis {

struct DrawOptions {
  bool all = false;   // show every process, fold none
  std::string title;  // raw bytes; empty = made from the trace's header
  // Gives steps their numbers and words; nullptr, or without a step: execs and marks are numbered in their order.
  const story::Story* story = nullptr;
  const story::Timing* timing = nullptr;  // with it and a story, Graph::path is found
  // View "namespaces" only: the moment that it shows; empty = see vis/snapshot.h.
  std::optional<trace::Time> at;
};

// One node for each process (see vis/select.h for what is folded), forks by true creator, containers as clusters,
// namespaces as badges. Never throws for what a trace says.
Graph build_tree(const model::Model& model, const DrawOptions& options = {});

}  // namespace nstrace::vis
