// SPDX-License-Identifier: MIT
// Takes a graph with every step of the story, gives one that still tells it, at a glance.
#include "vis/brief.h"

#include <fmt/format.h>

#include <algorithm>

#include "vis/style.h"

namespace nstrace::vis {
namespace {

bool folds(const Row& row) {
  const bool call = row.kind == Row::Kind::Mark || row.kind == Row::Kind::Step;
  return call && row.words_first && row.badges.empty() && row.told.phase >= 0;
}

// "mount ×7" -> mount, 7
std::pair<std::string, int> counted(const std::string& text) {
  constexpr std::string_view kTimes = " \u00d7";
  const std::size_t at = text.find(kTimes);
  if (at == std::string::npos) return {text, 1};
  return {text.substr(0, at), std::atoi(text.c_str() + at + kTimes.size())};
}

Row fold(const std::vector<Row>& rows, std::size_t begin, std::size_t end, const Phase& phase) {
  Row all = rows[begin];
  all.kind = Row::Kind::Step;
  all.last = rows[end - 1].last;
  all.until = rows[end - 1].until;
  all.last_step = rows[end - 1].told.step;
  all.told.meaning = phase.what;
  all.words = wrap_to(phase.title + ": " + phase.what, Font::Sans, style::kSmall, style::kCard - style::kIndent - style::kPad - 14, 2);
  all.tip.clear();
  std::vector<std::pair<std::string, int>> calls;
  for (std::size_t i = begin; i < end; ++i) {
    all.last = std::max(all.last, rows[i].last);
    all.tip += fmt::format("{}{}. {}", i == begin ? "" : "\n", rows[i].told.step, rows[i].told.meaning);
    const auto [call, count] = counted(rows[i].text);
    const auto known = std::find_if(calls.begin(), calls.end(), [&](const auto& c) { return c.first == call; });
    if (known == calls.end()) {
      calls.emplace_back(call, count);
    } else {
      known->second += count;
    }
  }
  all.text.clear();
  for (const auto& [call, count] : calls) {
    all.text += (all.text.empty() ? "" : ", ") + call + (count > 1 ? fmt::format(" \u00d7{}", count) : "");
  }
  return all;
}

}  // namespace

Graph brief(Graph graph) {
  for (Node& node : graph.nodes) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < node.rows.size();) {
      std::size_t end = i;
      while (end < node.rows.size() && folds(node.rows[end]) && node.rows[end].told.phase == node.rows[i].told.phase)
        ++end;
      if (end - i >= 3) {
        rows.push_back(fold(node.rows, i, end, graph.phases[static_cast<std::size_t>(node.rows[i].told.phase)]));
        i = end;
      } else {
        rows.push_back(node.rows[i++]);
      }
    }
    node.rows = std::move(rows);
  }
  return graph;
}

}  // namespace nstrace::vis
