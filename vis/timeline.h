// SPDX-License-Identifier: MIT
// The view "timeline": time runs down, each process has a line; its stripes are the namespaces it is in.
#pragma once

#include <string>

#include "vis/graph.h"
#include "vis/sheet.h"

namespace nstrace::vis {

// From the graph of the view "tree" (vis/tree.h). Silence is cut short, and the picture says by how much.
Sheet draw_timeline(const Graph& graph);
std::string timeline_svg(const Graph& graph);

}  // namespace nstrace::vis
