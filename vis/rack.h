// SPDX-License-Identifier: MIT
// Racks: the leaves below one node would stand side by side and make a picture a mile wide. They are set in a column or,
// where they are many, in a block of rows, and to the layout the block is one node.
#pragma once

#include <cstddef>
#include <vector>

#include "vis/graph.h"
#include "vis/layout.h"

namespace nstrace::vis {

struct Racks {
  // The graph as the layout should see it: edges into a rack are one edge to it.
  Graph graph;
  Sizes sizes;
  struct Place {
    std::size_t node = 0;  // in `graph`
    double x = 0, y = 0;   // of the upper left corner, from that node's
  };
  std::vector<Place> nodes;         // by node of the whole graph
  std::vector<std::size_t> edges;   // by edge of `graph`: the edge it was
  std::vector<std::size_t> blocks;  // nodes of `graph` that are racks
};

// Two or more leaves of one node become a rack. Only places and sizes in the result's graph are of use.
Racks make_racks(const Graph& graph, const Sizes& sizes);

}  // namespace nstrace::vis
