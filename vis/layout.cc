// SPDX-License-Identifier: MIT
// Takes a Graph and the sizes of its parts, gives places. A second graph is built for it, of empty boxes: Graphviz
// then measures no text, and its result depends on nothing but the sizes and its version.
#include "vis/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace/error.h"
#include "vis/cgraph.h"

namespace nstrace::vis {
namespace {

constexpr double kPointsPerInch = 72;

struct FreeContext {
  void operator()(GVC_t* context) const { graphviz().gvFreeContext(context); }
};

class LaidOut {
 public:
  LaidOut(GVC_t* context, Agraph_t* graph) : context_(context), graph_(graph) {
    char engine[] = "dot";
    if (graphviz().gvLayout(context, graph, engine) != 0) {
      throw Error(
          "Graphviz could not lay the picture out; its dot layout may be missing (install the package graphviz), or "
          "write .dot instead");
    }
  }
  ~LaidOut() { graphviz().gvFreeLayout(context_, graph_); }
  LaidOut(const LaidOut&) = delete;
  LaidOut& operator=(const LaidOut&) = delete;

 private:
  GVC_t* context_;
  Agraph_t* graph_;
};

// A label of that size and nothing in it.
std::string blank(Size size) {
  return fmt::format(
      "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"{0:.0f}\" "
      "HEIGHT=\"{1:.0f}\"><TR><TD FIXEDSIZE=\"TRUE\" WIDTH=\"{0:.0f}\" HEIGHT=\"{1:.0f}\"></TD></TR></TABLE>",
      size.w, size.h);
}

struct Built {
  GraphHandle graph;
  std::vector<Agraph_t*> clusters;
  std::vector<Agnode_t*> nodes;
  std::vector<Agedge_t*> edges;
};

Built build(const Graph& graph, const Sizes& sizes) {
  Built built;
  built.graph = new_digraph("layout");
  Agraph_t* root = built.graph.get();
  set(root, "rankdir", "TB");
  set(root, "compound", "true");
  set(root, "ordering", "out");
  set(root, "nodesep", "0.36");
  set(root, "ranksep", "0.34");
  set(root, "nslimit", "4");
  set(root, "mclimit", "2");
  set(root, "pad", "0");
  set(root, "label", "");
  set_default(root, AGNODE, "shape", "box");
  set_default(root, AGNODE, "fixedsize", "true");
  set_default(root, AGNODE, "label", "");
  for (std::size_t i = 0; i < graph.clusters.size(); ++i) {
    const auto parent = graph.clusters[i].parent;
    built.clusters.push_back(new_subgraph(parent ? built.clusters[*parent] : root, "cluster_" + graph.clusters[i].id));
    set_html(built.clusters[i], "label", blank(sizes.titles[i]));
    set(built.clusters[i], "labeljust", "l");
    set(built.clusters[i], "margin", "14");
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    built.nodes.push_back(new_node(node.cluster ? built.clusters[*node.cluster] : root, node.id));
    set(built.nodes[i], "width", fmt::format("{:.4f}", sizes.nodes[i].w / kPointsPerInch));
    set(built.nodes[i], "height", fmt::format("{:.4f}", sizes.nodes[i].h / kPointsPerInch));
  }
  // Edges in order of creation go from left to right: the way stands at the left of what branches off it.
  std::vector<std::size_t> order;
  for (const bool way : {true, false}) {
    for (std::size_t i = 0; i < graph.edges.size(); ++i) {
      if (graph.edges[i].way == way) order.push_back(i);
    }
  }
  built.edges.resize(graph.edges.size());
  for (const std::size_t i : order) {
    const Edge& edge = graph.edges[i];
    built.edges[i] = new_edge(root, built.nodes[edge.from], built.nodes[edge.to], fmt::format("e{}", i));
    Agedge_t* drawn = built.edges[i];
    if (sizes.labels[i].w > 0) set_html(drawn, "label", blank(sizes.labels[i]));
    if (edge.kind == Edge::Kind::Join) {
      set(drawn, "constraint", "false");
    } else {
      set(drawn, "weight", edge.way ? "8" : "2");
    }
    if (edge.cluster && graph.nodes[edge.from].cluster != edge.cluster) {
      set(drawn, "lhead", "cluster_" + graph.clusters[*edge.cluster].id);
    }
  }
  return built;
}

// Graphviz counts y from below.
class Reader {
 public:
  explicit Reader(const Built& built) : built_(built), top_(GD_bb(built.graph.get()).UR.y) {}

  Layout read(const Graph& graph, const Sizes& sizes) const {
    Layout layout;
    layout.size = {GD_bb(built_.graph.get()).UR.x, top_};
    for (std::size_t i = 0; i < built_.nodes.size(); ++i) {
      const pointf at = ND_coord(built_.nodes[i]);
      const Size size = sizes.nodes[i];
      layout.nodes.push_back({at.x - size.w / 2, top_ - at.y - size.h / 2, size.w, size.h});
    }
    for (Agraph_t* cluster : built_.clusters) {
      const boxf box = GD_bb(cluster);
      layout.clusters.push_back({box.LL.x, top_ - box.UR.y, box.UR.x - box.LL.x, box.UR.y - box.LL.y});
    }
    for (std::size_t i = 0; i < built_.edges.size(); ++i) layout.routes.push_back(route(i, graph.edges[i], sizes));
    return layout;
  }

 private:
  Point point(pointf p) const { return {p.x, top_ - p.y}; }

  Route route(std::size_t i, const Edge&, const Sizes& sizes) const {
    Route route;
    Agedge_t* edge = built_.edges[i];
    if (const splines* lines = ED_spl(edge); lines && lines->size > 0) {
      const bezier& line = lines->list[0];
      for (int k = 0; k < line.size; ++k) route.points.push_back(point(line.list[k]));
      route.tip = line.eflag ? point(line.ep) : route.points.back();
    }
    if (const textlabel_t* label = ED_label(edge); label && label->set) {
      const Point centre = point(label->pos);
      route.label = {centre.x - sizes.labels[i].w / 2, centre.y - sizes.labels[i].h / 2};
    }
    return route;
  }

  const Built& built_;
  double top_;
};

}  // namespace

Layout lay_out(const Graph& graph, const Sizes& sizes) {
  const QuietGraphviz quiet;
  const std::unique_ptr<GVC_t, FreeContext> context(graphviz().gvContext());
  if (!context) throw Error("Graphviz cannot be started; write .dot instead");
  const Built built = build(graph, sizes);
  const LaidOut laid_out(context.get(), built.graph.get());
  return Reader(built).read(graph, sizes);
}

}  // namespace nstrace::vis
