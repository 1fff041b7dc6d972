// SPDX-License-Identifier: MIT
// Takes a Graph, gives DOT. Nodes are HTML-like tables, for only they can hold badges; everything in them goes through
// markup(), everything outside through set_text(), so no traced byte is read as syntax.
#include "vis/dot.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "trace/error.h"
#include "vis/cgraph.h"
#include "vis/style.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

std::string font(std::string_view text, double size, std::string_view colour = {}, std::string_view face = {}) {
  std::string out = fmt::format("<FONT POINT-SIZE=\"{}\"", size);
  if (!colour.empty()) out += fmt::format(" COLOR=\"{}\"", colour);
  if (!face.empty()) out += fmt::format(" FACE=\"{}\"", face);
  return out + '>' + std::string(text) + "</FONT>";
}

std::string badge_fill(const Badge& badge) {
  return badge.kind == Badge::Kind::Own ? family_colour(badge.family, badge.type) : std::string(tone::kHost.light);
}

std::string_view badge_ink(const Badge& badge) {
  return badge.kind == Badge::Kind::Own ? std::string_view("#ffffff") : tone::kHostText.light;
}

std::string badge_cell(const Badge& badge, std::string_view more = {}) {
  return fmt::format("<TD BGCOLOR=\"{}\" CELLPADDING=\"2\"{}>{}</TD>", badge_fill(badge), more,
                     font(markup(badge.text), style::kBadge, badge_ink(badge)));
}

std::string badge_table(const std::vector<Badge>& badges) {
  std::string cells;
  for (const Badge& badge : badges) cells += badge_cell(badge);
  return fmt::format("<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"2\" CELLPADDING=\"0\"><TR>{}</TR></TABLE>",
                     cells);
}

std::string full_row(std::string_view content, std::string_view more = {}) {
  return fmt::format("<TR><TD COLSPAN=\"8\" ALIGN=\"LEFT\"{}>{}</TD></TR>", more, content);
}

std::string row_text(const Row& row) {
  std::string text;
  if (row.last_step > 0) {
    text += fmt::format("<B>{}&#8211;{}</B>&#160; ", row.told.step, row.last_step);
  } else if (row.told.step > 0) {
    text += fmt::format("<B>{}</B>&#160; ", row.told.step);
  }
  switch (row.kind) {
    case Row::Kind::Before:
      text += font("before: ", style::kSmall, tone::kDim.light);
      break;
    case Row::Kind::Exec:
      text += font("<B>exec </B>", style::kSmall);
      break;
    case Row::Kind::Name:
      text += font("named: ", style::kSmall, tone::kDim.light);
      break;
    case Row::Kind::Mark:
    case Row::Kind::Step:
    case Row::Kind::Made:
    case Row::Kind::Ended:
      break;
    case Row::Kind::Note:
      return font(markup(row.text), style::kSmall, tone::kDim.light);
  }
  text += font(markup(row.text), style::kCode, {}, style::kDotMono);
  for (const std::string& line : row.detail) {
    text += "<BR ALIGN=\"LEFT\"/>" + font(markup(line), style::kDetail, tone::kDim.light, style::kDotMono);
  }
  for (const std::string& line : row.words) {
    text += "<BR ALIGN=\"LEFT\"/>" + font(markup(line), style::kDetail, tone::kDim.light);
  }
  if (!row.detail.empty() || !row.words.empty()) text += "<BR ALIGN=\"LEFT\"/>";
  return text;
}

std::string band_rows(const Node& node) {
  if (node.band.empty()) return "";
  if (node.host) {
    return fmt::format("<TR><TD COLSPAN=\"8\" BGCOLOR=\"{}\">{}</TD></TR>", tone::kHost.light,
                       font("the host&#39;s namespaces", style::kBadge, tone::kHostText.light));
  }
  std::string cells;
  for (const Badge& badge : node.band) cells += badge_cell(badge);
  return "<TR>" + cells + "</TR>";
}

std::string node_label(const Node& node) {
  std::string sub = markup(node.subtitle);
  if (!node.ending.empty()) sub += " \u00b7 " + markup(node.ending);
  std::string rows = full_row(font("<B>" + markup(node.title) + "</B>", style::kName) + "<BR ALIGN=\"LEFT\"/>" +
                                  font(sub, style::kSmall, tone::kDim.light) + "<BR ALIGN=\"LEFT\"/>",
                              fmt::format(" BGCOLOR=\"{}\"", tone::kHead.light));
  for (const Row& row : node.rows) {
    rows += full_row(row_text(row));
    if (!row.badges.empty()) rows += full_row(badge_table(row.badges));
  }
  rows += band_rows(node);
  return fmt::format(
      "<TABLE BORDER=\"{}\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"3\" COLOR=\"{}\" "
      "BGCOLOR=\"{}\">{}</TABLE>",
      node.way ? 2 : 1, node.way ? tone::kWay.light : tone::kLine.light, tone::kCard.light, rows);
}

std::string edge_label(const Edge& edge) {
  if (edge.label.empty() && edge.badges.empty()) return "";
  std::string rows;
  for (const std::string& line : edge.label) {
    rows += "<TR><TD>" + font(markup(line), style::kDetail, tone::kDim.light, style::kDotMono) + "</TD></TR>";
  }
  if (!edge.badges.empty()) rows += "<TR><TD>" + badge_table(edge.badges) + "</TD></TR>";
  return "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">" + rows + "</TABLE>";
}

std::string graph_label(const Graph& graph) {
  std::string facts;
  for (const std::string& fact : graph.facts) facts += markup(fact) + " \u00b7 ";
  std::string rows = "<TR><TD><B>" + font(markup(graph.title), style::kTitle) + "</B></TD></TR>";
  rows += "<TR><TD>" + font(facts, style::kFact, tone::kDim.light) +
          font("<B>" + markup(graph.loss) + "</B>", style::kFact, graph.lossy ? tone::kBad.light : tone::kGood.light) +
          "</TD></TR>";
  for (const std::string& note : graph.notes) {
    rows += "<TR><TD>" + font(markup(note), style::kFact, tone::kDim.light) + "</TD></TR>";
  }
  constexpr std::size_t kInRow = 5;
  for (std::size_t i = 0; i < graph.legend.size(); i += kInRow) {
    std::string cells;
    for (std::size_t k = i; k < graph.legend.size() && k < i + kInRow; ++k) {
      cells += badge_cell(graph.legend[k].badge) + "<TD>" +
               font(markup(graph.legend[k].text), style::kBadge, tone::kDim.light) + "</TD>";
    }
    rows += "<TR><TD><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"3\" CELLPADDING=\"1\"><TR>" + cells +
            "</TR></TABLE></TD></TR>";
  }
  return "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"2\" CELLPADDING=\"2\">" + rows + "</TABLE>";
}

void defaults(Agraph_t* graph) {
  set(graph, "rankdir", "TB");
  set(graph, "compound", "true");
  set(graph, "ordering", "out");
  set(graph, "labelloc", "t");
  set(graph, "fontname", std::string(style::kDotSans));
  set(graph, "nodesep", "0.35");
  set(graph, "ranksep", "0.45");
  // Graphviz's own default, which libgvc would add to every graph made after its first use in this process.
  set_default(graph, AGNODE, "label", "\\N");
  set_default(graph, AGNODE, "shape", "plain");
  set_default(graph, AGNODE, "fontname", std::string(style::kDotSans));
  set_default(graph, AGEDGE, "fontname", std::string(style::kDotSans));
  set_default(graph, AGEDGE, "color", std::string(tone::kFork.light));
  set_default(graph, AGEDGE, "arrowsize", "0.7");
}

std::string write(Agraph_t* graph) {
  char* bytes = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&bytes, &size);
  if (!file) throw Error("cannot write the graph: out of memory");
  const int failed = graphviz().agwrite(graph, file);
  std::fclose(file);
  std::string text(bytes, size);
  std::free(bytes);
  if (failed) throw Error("Graphviz cannot write the graph");
  return text;
}

}  // namespace

std::string to_dot(const Graph& graph) {
  const GraphHandle handle = new_digraph("nstrace");
  Agraph_t* root = handle.get();
  defaults(root);
  set_html(root, "label", graph_label(graph));

  std::vector<Agraph_t*> clusters;
  for (const Cluster& cluster : graph.clusters) {
    Agraph_t* sub = new_subgraph(cluster.parent ? clusters[*cluster.parent] : root, "cluster_" + cluster.id);
    clusters.push_back(sub);
    const std::string colour = family_colour(cluster.family);
    std::string label = "<B>" + font(markup(cluster.title), style::kName, colour) + "</B>";
    if (!cluster.subtitle.empty()) label += "  " + font(markup(cluster.subtitle), style::kSmall, colour);
    set_html(sub, "label", label);
    set(sub, "labeljust", "l");
    set(sub, "style", "rounded,filled");
    set(sub, "color", colour);
    set(sub, "fillcolor", colour + "14");
    set(sub, "penwidth", "1.5");
    set(sub, "margin", "12");
    set_text(sub, "tooltip", cluster.tip);
  }
  std::vector<Agnode_t*> nodes;
  for (const Node& node : graph.nodes) {
    Agnode_t* drawn = new_node(node.cluster ? clusters[*node.cluster] : root, node.id);
    nodes.push_back(drawn);
    set_html(drawn, "label", node_label(node));
    std::string tip = node.tip;
    for (const Row& row : node.rows) {
      if (!row.tip.empty()) tip += '\n' + row.tip;
    }
    set_text(drawn, "tooltip", tip);
  }
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const Edge& edge = graph.edges[i];
    Agedge_t* drawn = new_edge(root, nodes[edge.from], nodes[edge.to], fmt::format("e{}", i));
    if (const std::string label = edge_label(edge); !label.empty()) set_html(drawn, "label", label);
    set_text(drawn, "tooltip", edge.tip);
    if (edge.kind == Edge::Kind::Join) {
      set(drawn, "style", "dashed");
      set(drawn, "constraint", "false");
      if (!edge.badges.empty()) set(drawn, "color", badge_fill(edge.badges.front()));
    } else if (edge.way) {
      set(drawn, "color", std::string(tone::kWay.light));
      set(drawn, "penwidth", "2");
    } else if (edge.existed) {
      set(drawn, "style", "dotted");
    }
    if (edge.cluster && graph.nodes[edge.from].cluster != edge.cluster) {
      set(drawn, "lhead", "cluster_" + graph.clusters[*edge.cluster].id);
    }
  }
  return write(root);
}

}  // namespace nstrace::vis
