// SPDX-License-Identifier: MIT
// Takes a graph and the sizes of its parts, gives a smaller graph of the same shape.
#include "vis/rack.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace nstrace::vis {
namespace {

constexpr std::size_t kFewest = 2;
constexpr std::size_t kColumn = 4;  // up to so many stand in one column
constexpr double kMargin = 12, kGap = 12;
constexpr double kAspect = 1.5;  // width to height that a rack comes near to

// By node: the edge it hangs on, if it is a leaf without anything of its own at it.
std::vector<std::optional<std::size_t>> leaf_edges(const Graph& graph) {
  std::vector<std::size_t> ends(graph.nodes.size());
  for (const Edge& edge : graph.edges) {
    ++ends[edge.from];
    ++ends[edge.to];
  }
  std::vector<std::optional<std::size_t>> leaf(graph.nodes.size());
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const Edge& edge = graph.edges[i];
    const bool plain = edge.kind == Edge::Kind::Fork && edge.badges.empty() && !edge.way;
    if (plain && ends[edge.to] == 1 && !graph.nodes[edge.to].way) leaf[edge.to] = i;
  }
  return leaf;
}

// Sets the members in rows; gives the size of the whole.
Size arrange(const std::vector<std::size_t>& members, const Sizes& sizes, std::vector<Racks::Place>& places) {
  double width = 0, height = 0;
  for (const std::size_t member : members) {
    width = std::max(width, sizes.nodes[member].w);
    height += sizes.nodes[member].h + kGap;
  }
  const auto count = static_cast<double>(members.size());
  const double mean = height / count;
  const double wide = std::clamp(std::round(std::sqrt(kAspect * count * mean / (width + kGap))), 2.0, count);
  const std::size_t across = members.size() <= kColumn ? 1 : static_cast<std::size_t>(wide);
  double y = kMargin;
  for (std::size_t row = 0; row < members.size(); row += across) {
    double tallest = 0;
    for (std::size_t i = row; i < std::min(row + across, members.size()); ++i) {
      places[members[i]].x = kMargin + static_cast<double>(i - row) * (width + kGap);
      places[members[i]].y = y;
      tallest = std::max(tallest, sizes.nodes[members[i]].h);
    }
    y += tallest + kGap;
  }
  return {2 * kMargin + static_cast<double>(across) * (width + kGap) - kGap, y - kGap + kMargin};
}

}  // namespace

Racks make_racks(const Graph& graph, const Sizes& sizes) {
  Racks racks;
  racks.nodes.resize(graph.nodes.size());
  racks.graph.clusters = graph.clusters;
  racks.sizes.titles = sizes.titles;

  // Leaves by what they hang on, the box they stand in, and what is written at their edges.
  const auto leaf = leaf_edges(graph);
  using Place = std::tuple<std::size_t, std::optional<std::size_t>, bool, std::vector<std::string>>;
  std::map<Place, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!leaf[i]) continue;
    const Edge& edge = graph.edges[*leaf[i]];
    groups[{edge.from, graph.nodes[i].cluster, edge.existed, edge.label}].push_back(i);
  }
  std::vector<const std::vector<std::size_t>*> rack_of(graph.nodes.size());
  for (const auto& [at, members] : groups) {
    if (members.size() < kFewest) continue;
    for (const std::size_t member : members) rack_of[member] = &members;
  }
  const auto first = [&](std::size_t node) { return !rack_of[node] || rack_of[node]->front() == node; };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!first(i)) continue;
    const std::size_t at = racks.graph.nodes.size();
    Node node;
    node.id = graph.nodes[i].id;
    node.cluster = graph.nodes[i].cluster;
    racks.graph.nodes.push_back(std::move(node));
    racks.nodes[i].node = at;
    if (!rack_of[i]) {
      racks.sizes.nodes.push_back(sizes.nodes[i]);
      continue;
    }
    racks.sizes.nodes.push_back(arrange(*rack_of[i], sizes, racks.nodes));
    for (const std::size_t member : *rack_of[i]) racks.nodes[member].node = at;
    racks.blocks.push_back(at);
  }
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const Edge& edge = graph.edges[i];
    if (!first(edge.to)) continue;
    Edge kept;
    kept.kind = edge.kind;
    kept.from = racks.nodes[edge.from].node;
    kept.to = racks.nodes[edge.to].node;
    kept.cluster = edge.cluster;
    kept.way = edge.way;
    racks.graph.edges.push_back(std::move(kept));
    racks.sizes.labels.push_back(sizes.labels[i]);
    racks.edges.push_back(i);
  }
  return racks;
}

}  // namespace nstrace::vis
