// SPDX-License-Identifier: MIT
// Takes a Graph, gives Mermaid: processes are participants, forks are arrows, what a process does is a note over it.
// What Mermaid or the HTML that it makes could read as syntax is written as an entity: all but a list of what is plain.
#include "vis/mermaid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "vis/text.h"

namespace nstrace::vis {
namespace {

// #NNN; is Mermaid's form of a character. A word `end` would end a block.
std::string safe(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool plain =
        std::isalnum(byte) || std::string_view(" ._/-:,()[]=|+*").find(text[at]) != std::string_view::npos;
    if (plain && byte < 0x80) {
      const bool block_end =
          text.substr(at, 3) == "end" && (at == 0 || !std::isalnum(static_cast<unsigned char>(text[at - 1])));
      out += block_end ? std::string("#101;") : std::string(1, text[at]);
      ++at;
      continue;
    }
    if (byte < 0x80) {
      out += fmt::format("#{};", byte);
      ++at;
      continue;
    }
    std::size_t next = at + 1;  // text is valid UTF-8
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    out += text.substr(at, next - at);
    at = next;
  }
  return out;
}

struct Line {
  std::uint64_t event = 0;
  std::string text;
};

std::string join(const std::vector<Badge>& badges) {
  std::string text;
  for (const Badge& badge : badges) text += ' ' + badge.text;
  return text;
}

std::string note(const Node& node, const Row& row) {
  std::string step = row.told.step > 0 ? fmt::format("{} ", row.told.step) : "";
  if (row.last_step > 0) step = fmt::format("{}\u2013{} ", row.told.step, row.last_step);
  std::string words = row.text;
  if (row.kind == Row::Kind::Exec) words = "exec " + row.brief;
  if (row.kind == Row::Kind::Name) words = "is named " + row.text;
  words += join(row.badges);
  if (!row.told.meaning.empty()) words = row.words_first ? row.told.meaning : words + ": " + row.told.meaning;
  return fmt::format("    Note over {}: {}{}\n", node.id, step, safe(words));
}

std::string ending(const Node& node) {
  if (node.ended_told.step == 0) return node.ending;
  return fmt::format("{} {}: {}", node.ended_told.step, node.ending, node.ended_told.meaning);
}

}  // namespace

std::string to_mermaid(const Graph& graph) {
  std::string out = "sequenceDiagram\n";
  out += fmt::format("    accTitle: {}\n", safe(graph.title));
  std::vector<Line> lines;
  std::vector<bool> created(graph.nodes.size());
  for (const Edge& edge : graph.edges) {
    const Node &from = graph.nodes[edge.from], &to = graph.nodes[edge.to];
    if (to.kind != Node::Kind::Process || edge.event == 0) continue;
    std::string label = edge.kind == Edge::Kind::Join ? "setns" : edge.label.empty() ? "fork" : edge.label.front();
    label += join(edge.badges);
    if (edge.told.step > 0) label = fmt::format("{} {}: {}", edge.told.step, label, edge.told.meaning);
    if (edge.kind == Edge::Kind::Fork) created[edge.to] = true;
    const std::string_view arrow = edge.kind == Edge::Kind::Join ? "-->>" : "->>";
    lines.push_back({edge.event, fmt::format("    {}{}{}: {}\n", from.id, arrow, to.id, safe(label))});
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.kind != Node::Kind::Process) continue;
    const std::string where = node.cluster ? ", " + graph.clusters[*node.cluster].title : "";
    out += fmt::format("    participant {} as {}<br/>{}\n", node.id, safe(node.title), safe(node.subtitle + where));
    for (const Row& row : node.rows) {
      if (row.event != 0 && row.kind != Row::Kind::Made && row.kind != Row::Kind::Ended)
        lines.push_back({row.event, note(node, row)});
    }
    if (node.ended) {
      lines.push_back({node.end_event, fmt::format("    Note over {}: {}\n", node.id, safe(ending(node)))});
    }
  }
  // Over all: whoever reads on must know that something is missing.
  std::string first, last;
  for (const Node& node : graph.nodes) {
    if (node.kind != Node::Kind::Process) continue;
    if (first.empty()) first = node.id;
    last = node.id;
  }
  const std::string over = first == last ? first : first + ',' + last;
  if (!over.empty()) {
    if (graph.lossy) out += fmt::format("    Note over {}: {}\n", over, safe(graph.loss));
    for (const Gap& gap : graph.gaps)
      lines.push_back({gap.event, fmt::format("    Note over {}: {}\n", over, safe(gap.text))});
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.event < b.event; });
  for (const Line& line : lines) out += line.text;
  return out;
}

}  // namespace nstrace::vis
