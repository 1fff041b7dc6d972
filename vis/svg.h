// SPDX-License-Identifier: MIT
// A Graph, or any Sheet, as a self-contained SVG: no script, no reference to anything outside, light or dark as the
// reader's system is.
#pragma once

#include <string>

#include "vis/graph.h"
#include "vis/sheet.h"

namespace nstrace::vis {

// Lays out with Graphviz, then draws. Throws Error when Graphviz is not to be had. The same graph gives the same bytes
// with the same version of Graphviz.
enum class Head : std::uint8_t { Drawn, None };  // title and facts; None where they stand elsewhere
std::string to_svg(const Graph& graph, Head head = Head::Drawn);

// The drawing with a margin around it, and its title for who cannot see it.
std::string write_svg(const Sheet& sheet, const std::string& title);

}  // namespace nstrace::vis
