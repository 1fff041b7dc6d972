// SPDX-License-Identifier: MIT
// Takes a Graph, gives its moments: the rows of all nodes, the forks, the ends and the losses, merged by event.
#include "vis/moments.h"

#include <fmt/format.h>

#include <algorithm>

#include "vis/card.h"
#include "vis/headline.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using namespace style;

constexpr double kBelow = 15;  // from one line to the next

// What stands in the gutter behind the name.
struct Said {
  std::string_view word;  // in front, bold
  std::string text;
  Font font = Font::Sans;
  Paint ink = tone::kText;
  const std::vector<Badge>* badges = nullptr;
  std::string meaning;  // dim, behind the rest
};

Said said(const Graph& graph, const Instant& moment) {
  Said said;
  said.meaning = told(graph, moment).meaning;
  switch (moment.kind) {
    case Instant::Kind::Fork: {
      const Edge& edge = *moment.edge;
      said.text = makes_text(graph.nodes[edge.to]);
      if (!edge.label.empty()) said.text += ", " + edge.label.front();
      said.badges = &edge.badges;
      break;
    }
    case Instant::Kind::Row: {
      const Row& row = *moment.row;
      said.word = row.kind == Row::Kind::Exec ? "exec" : row.kind == Row::Kind::Name ? "is named" : "";
      said.text = row.kind == Row::Kind::Exec ? row.brief : row.text;
      said.font = row.words_first                                              ? Font::Mono
                  : row.kind == Row::Kind::Mark || row.kind == Row::Kind::Step ? Font::MonoBold
                                                                               : Font::Mono;
      said.badges = &row.badges;
      break;
    }
    case Instant::Kind::End:
      said.text = graph.nodes[moment.node].ending;
      said.ink = graph.nodes[moment.node].life == Life::Failed ? tone::kBad : tone::kDim;
      break;
    case Instant::Kind::Lost:
      said.text = moment.gap->text;
      said.font = Font::Bold;
      said.ink = tone::kBad;
      break;
  }
  return said;
}

}  // namespace

std::vector<Instant> moments_of(const Graph& graph) {
  std::vector<Instant> moments;
  const auto is_lane = [&](std::size_t node) { return graph.nodes[node].kind == Node::Kind::Process; };
  for (const Edge& edge : graph.edges) {
    if (edge.kind != Edge::Kind::Fork || edge.event == 0 || !is_lane(edge.to)) continue;
    moments.push_back(
        {.kind = Instant::Kind::Fork, .event = edge.event, .time = edge.time, .node = edge.from, .edge = &edge});
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!is_lane(i)) continue;
    for (const Row& row : node.rows) {
      if (row.event == 0 || row.kind == Row::Kind::Made || row.kind == Row::Kind::Ended) continue;
      moments.push_back({.event = row.event, .time = row.time, .node = i, .row = &row});
    }
    if (node.ended) {
      moments.push_back({.kind = Instant::Kind::End, .event = node.end_event, .time = *node.ended, .node = i});
    }
  }
  for (const Gap& gap : graph.gaps) {
    if (!moments.empty()) moments.push_back({.kind = Instant::Kind::Lost, .event = gap.event, .gap = &gap});
  }
  std::stable_sort(moments.begin(), moments.end(),
                   [](const Instant& a, const Instant& b) { return a.event < b.event; });
  for (std::size_t i = 0; i < moments.size(); ++i) {
    if (moments[i].kind != Instant::Kind::Lost) continue;
    const std::size_t near = i > 0 ? i - 1 : std::min(i + 1, moments.size() - 1);
    moments[i].time = moments[near].time;
    moments[i].node = moments[near].node;
  }
  return moments;
}

const Told& told(const Graph& graph, const Instant& moment) {
  static const Told kNothing;
  switch (moment.kind) {
    case Instant::Kind::Lost:
      return kNothing;
    case Instant::Kind::Fork:
      return moment.edge->told;
    case Instant::Kind::Row:
      return moment.row->told;
    case Instant::Kind::End:
      break;
  }
  return graph.nodes[moment.node].ended_told;
}

std::string makes_text(const Node& child) {
  return fmt::format("makes {} ({})", short_name(child.title), child.subtitle);
}

std::string tip_of(const Graph& graph, const Instant& moment) {
  switch (moment.kind) {
    case Instant::Kind::Lost:
      return moment.gap->text;
    case Instant::Kind::Fork:
      return moment.edge->tip;
    case Instant::Kind::Row:
      return moment.row->tip;
    case Instant::Kind::End:
      break;
  }
  return graph.nodes[moment.node].title + ": " + graph.nodes[moment.node].ending;
}

const std::string& name_before(const Node& node, std::uint64_t event) {
  const std::string* name = &node.title;
  for (auto called = node.called.rbegin(); called != node.called.rend(); ++called) {
    name = &called->name;
    if (called->event < event) break;
  }
  return *name;
}

Sheet say(const Graph& graph, const Instant& moment, double room) {
  const Said what = said(graph, moment);
  Sheet sheet;
  double x = 0, y = 0;
  const auto put = [&](std::string_view text, Font font, double size, const Paint& ink, double gap) {
    sheet.text(x, y + 3.6, text, {.font = font, .size = size, .fill = ink});
    x += text_width(text, font, size) + gap;
  };
  if (!what.word.empty()) put(what.word, Font::Bold, kSmall, tone::kText, 5);
  if (!what.text.empty()) put(fit(what.text, what.font, kSmall, room - x), what.font, kSmall, what.ink, 7);
  const auto line = [&] {
    x = 0;
    y += kBelow;
  };
  if (what.badges) {
    for (const Badge& badge : *what.badges) {
      const Sheet drawn = draw_badge(badge);
      if (x > 0 && x + drawn.w > room) line();
      sheet.place(drawn, x, y - drawn.h / 2);
      x += drawn.w + 3;
    }
  }
  if (!what.meaning.empty() && x > 0 && x + 4 + text_width(what.meaning, Font::Sans, kSmall) <= room) {
    x += 4;
    put(what.meaning, Font::Sans, kSmall, tone::kDim, 0);
  } else if (!what.meaning.empty()) {
    for (const std::string& words : wrap_to(what.meaning, Font::Sans, kSmall, room, 3)) {
      if (x > 0) line();
      put(words, Font::Sans, kSmall, tone::kDim, 0);
    }
  }
  sheet.h = y;
  return sheet;
}

}  // namespace nstrace::vis
