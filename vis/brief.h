// SPDX-License-Identifier: MIT
// A Graph for the views that show processes rather than time: several steps of one phase in a row become one.
#pragma once

#include "vis/graph.h"

namespace nstrace::vis {

// Three or more rows in a row that a process has in the same phase, none of which gives namespaces or is a call worth
// knowing by name, become one row that names the phase, says what it is for, and counts the calls.
Graph brief(Graph graph);

}  // namespace nstrace::vis
