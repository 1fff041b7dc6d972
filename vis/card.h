// SPDX-License-Identifier: MIT
// The parts of a picture, each drawn on a sheet of its own at (0, 0): the layout needs their sizes before their places.
#pragma once

#include "vis/graph.h"
#include "vis/sheet.h"

namespace nstrace::vis {

Sheet draw_node(const Node& node, int family);  // family: its container's; -1 = none
Sheet draw_edge_label(const Edge& edge);        // of size 0 when there is nothing to say
std::string edge_data(const Edge& edge);        // the attribute that tells which event an edge is
Sheet draw_cluster_title(const Cluster& cluster);
Sheet draw_badge(const Badge& badge);

// Title, facts and losses; and what signs mean. Both take the width they may fill and need not.
Sheet draw_head(const Graph& graph, double width);
Sheet draw_legend(const Graph& graph, double width);

}  // namespace nstrace::vis
