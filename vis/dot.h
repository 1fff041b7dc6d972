// SPDX-License-Identifier: MIT
// A Graph as text in Graphviz's language, to be laid out and drawn by whoever reads it (`dot -Tsvg`).
#pragma once

#include <string>

#include "vis/graph.h"

namespace nstrace::vis {

// The same graph gives the same bytes. Throws Error when libcgraph cannot build it (memory).
std::string to_dot(const Graph& graph);

}  // namespace nstrace::vis
