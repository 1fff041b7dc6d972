// SPDX-License-Identifier: MIT
// A Graph as a Mermaid sequence diagram, which GitHub and others draw where it stands in Markdown.
#pragma once

#include <string>

#include "vis/graph.h"

namespace nstrace::vis {

std::string to_mermaid(const Graph& graph);

}  // namespace nstrace::vis
