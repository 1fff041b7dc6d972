// SPDX-License-Identifier: MIT
// Places for the parts of a Graph. Graphviz finds them; it is told sizes only, so no font of this machine matters.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "vis/graph.h"

namespace nstrace::vis {

struct Point {
  double x = 0, y = 0;
};
struct Size {
  double w = 0, h = 0;
};
struct Rect {
  double x = 0, y = 0, w = 0, h = 0;
};

// Sizes in, in the order of the graph's nodes, edges and clusters.
struct Sizes {
  std::vector<Size> nodes, labels, titles;
};

struct Route {
  std::vector<Point> points;  // cubic Bezier curve: start, then triples
  Point tip;                  // where the arrow ends
  Point label;                // upper left corner of its label
};

// y goes down, (0, 0) is the upper left corner.
struct Layout {
  Size size;
  std::vector<Rect> nodes;
  std::vector<Route> routes;
  std::vector<Rect> clusters;
};

// Throws Error when Graphviz or its dot layout is not there or gives up.
Layout lay_out(const Graph& graph, const Sizes& sizes);

}  // namespace nstrace::vis
