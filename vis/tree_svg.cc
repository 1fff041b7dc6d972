// SPDX-License-Identifier: MIT
// Takes a Graph, draws its parts, lets Graphviz place them, and puts all on one sheet: head, graph, legend.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "vis/card.h"
#include "vis/layout.h"
#include "vis/rack.h"
#include "vis/svg.h"

namespace nstrace::vis {
namespace {

constexpr double kNarrowest = 640;  // of the whole, so that the legend needs no more than a few lines
constexpr double kGap = 20;
constexpr double kPlateIn = 8, kPlateFree = 7;  // a container's name: from its border, from the edges

struct Parts {
  std::vector<Sheet> nodes, labels, titles;
  Sizes sizes;
};

Parts draw_parts(const Graph& graph) {
  Parts parts;
  for (const Node& node : graph.nodes) {
    parts.nodes.push_back(draw_node(node, node.cluster ? graph.clusters[*node.cluster].family : -1));
  }
  for (const Edge& edge : graph.edges) parts.labels.push_back(draw_edge_label(edge));
  for (const Cluster& cluster : graph.clusters) parts.titles.push_back(draw_cluster_title(cluster));
  const auto size = [](const Sheet& sheet) { return Size{std::ceil(sheet.w), std::ceil(sheet.h)}; };
  for (const Sheet& sheet : parts.nodes) parts.sizes.nodes.push_back(size(sheet));
  for (const Sheet& sheet : parts.labels) parts.sizes.labels.push_back(size(sheet));
  for (const Sheet& sheet : parts.titles) {
    // So wide that there is room beside an edge that comes in at the middle.
    Size whole = size(sheet);
    whole.w = 2 * (whole.w + kPlateIn + kPlateFree);
    parts.sizes.titles.push_back(whole);
  }
  return parts;
}

Paint edge_ink(const Edge& edge) {
  if (edge.kind == Edge::Kind::Join && !edge.badges.empty()) {
    const Badge& badge = edge.badges.front();
    if (badge.kind == Badge::Kind::Own) return Paint(family_colour(badge.family));
  }
  return edge.way ? Paint(tone::kWay) : Paint(tone::kFork);
}

void put_edge(Sheet& sheet, const Edge& edge, const Route& route) {
  if (route.points.empty()) return;
  const auto at = [](Point p) { return number(p.x) + ' ' + number(p.y); };
  std::string data = "M" + at(route.points.front());
  for (std::size_t i = 1; i + 2 < route.points.size(); i += 3) {
    data += fmt::format("C{} {} {}", at(route.points[i]), at(route.points[i + 1]), at(route.points[i + 2]));
  }
  const Paint ink = edge_ink(edge);
  const double line = edge.way ? 2.4 : edge.kind == Edge::Kind::Join ? 1.6 : 1.3;
  const Point from = route.points.back(), tip = route.tip;
  const double dx = tip.x - from.x, dy = tip.y - from.y, length = std::hypot(dx, dy);
  sheet.open(edge.tip, "", edge_data(edge));
  const Dash dash = edge.kind == Edge::Kind::Join ? Dash::Dashed : edge.existed ? Dash::Dotted : Dash::None;
  sheet.path(data, {.stroke = ink, .line = line, .dash = dash});
  if (length > 0.1) {
    const double half = edge.way ? 4.6 : 3.6, nx = -dy / length * half, ny = dx / length * half;
    sheet.path(fmt::format("M{}L{}L{}z", at(tip), at({from.x + nx, from.y + ny}), at({from.x - nx, from.y - ny})),
               {.fill = ink});
  }
  sheet.close();
}

void put_cluster(Sheet& sheet, const Cluster& cluster, const Rect& at) {
  const Paint ink(family_colour(cluster.family));
  sheet.box(at.x, at.y, at.w, at.h, {.fill = ink, .radius = 10, .opacity = 0.08});
  sheet.box(at.x, at.y, at.w, at.h, {.stroke = ink, .radius = 10, .line = 1.6});
}

// Whether an edge, or what is written at it, touches a place.
bool crossed(const Rect& place, const Layout& layout, const std::vector<Size>& labels) {
  const auto inside = [&](Point p) {
    return p.x >= place.x && p.x <= place.x + place.w && p.y >= place.y && p.y <= place.y + place.h;
  };
  for (std::size_t i = 0; i < layout.routes.size(); ++i) {
    const Route& route = layout.routes[i];
    const Rect label{route.label.x, route.label.y, labels[i].w, labels[i].h};
    if (label.w > 0 && label.x < place.x + place.w && place.x < label.x + label.w && label.y < place.y + place.h &&
        place.y < label.y + label.h)
      return true;
    for (std::size_t k = 0; k + 3 < route.points.size(); k += 3) {
      constexpr int kParts = 48;
      for (int part = 0; part <= kParts; ++part) {
        const double t = static_cast<double>(part) / kParts, s = 1 - t;
        const auto at = [&](double a, double b, double c, double d) {
          return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
        };
        const Point* p = &route.points[k];
        if (inside({at(p[0].x, p[1].x, p[2].x, p[3].x), at(p[0].y, p[1].y, p[2].y, p[3].y)})) return true;
      }
    }
    if (!route.points.empty() && inside(route.tip)) return true;
  }
  return false;
}

// The place of a container's name in its upper strip: the leftmost that no edge runs through.
double plate_x(const Rect& cluster, const Sheet& plate, const Layout& layout, const std::vector<Size>& labels) {
  constexpr double kStep = 6;
  const double left = cluster.x + kPlateIn, right = cluster.x + cluster.w - kPlateIn - plate.w;
  for (double x = left; x < right + kStep; x += kStep) {
    const double at = std::min(x, right);
    const Rect wanted{at - kPlateFree, cluster.y + kPlateIn - 2, plate.w + 2 * kPlateFree, plate.h + 4};
    if (!crossed(wanted, layout, labels)) return std::max(at, left);
  }
  return left;
}

Sheet draw_graph(const Graph& graph, const Parts& parts) {
  const Racks racks = make_racks(graph, parts.sizes);
  const Layout layout = lay_out(racks.graph, racks.sizes);
  Sheet drawn;
  drawn.w = layout.size.w;
  drawn.h = layout.size.h;
  for (std::size_t i = 0; i < graph.clusters.size(); ++i) put_cluster(drawn, graph.clusters[i], layout.clusters[i]);
  for (const std::size_t block : racks.blocks) {
    const Rect& at = layout.nodes[block];
    drawn.box(at.x, at.y, at.w, at.h, {.stroke = tone::kFork, .radius = 9, .dash = Dash::Dashed});
  }
  for (std::size_t i = 0; i < racks.edges.size(); ++i) put_edge(drawn, graph.edges[racks.edges[i]], layout.routes[i]);
  for (std::size_t i = 0; i < graph.clusters.size(); ++i) {  // edges that come from above pass below the title
    const Rect& at = layout.clusters[i];
    drawn.place(parts.titles[i], plate_x(at, parts.titles[i], layout, racks.sizes.labels), at.y + kPlateIn);
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Rect& at = layout.nodes[racks.nodes[i].node];
    drawn.place(parts.nodes[i], at.x + racks.nodes[i].x, at.y + racks.nodes[i].y);
  }
  for (std::size_t i = 0; i < racks.edges.size(); ++i) {
    const Sheet& label = parts.labels[racks.edges[i]];
    if (label.w > 0) drawn.place(label, layout.routes[i].label.x, layout.routes[i].label.y);
  }
  return drawn;
}

}  // namespace

std::string to_svg(const Graph& graph, Head wanted) {
  const Sheet drawn = draw_graph(graph, draw_parts(graph));
  const double width = std::max(kNarrowest, drawn.w);
  const Sheet head = wanted == Head::None ? Sheet() : draw_head(graph, width), legend = draw_legend(graph, width);

  Sheet sheet;
  sheet.w = std::max({width, head.w, legend.w});
  sheet.place(head, 0, 0);
  sheet.place(drawn, (width - drawn.w) / 2, head.h + kGap);
  const double below = head.h + kGap + drawn.h + kGap;
  sheet.box(0, below - kGap / 2, sheet.w, 1, {.fill = tone::kLine, .opacity = 0.6});
  sheet.place(legend, 0, below);
  sheet.h = below + legend.h;
  return write_svg(sheet, graph.title);
}

}  // namespace nstrace::vis
