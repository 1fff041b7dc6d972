// SPDX-License-Identifier: MIT
// Takes a graph with every step of the story, gives one that still tells it, at a glance.
#include "vis/brief.h"

#include <fmt/format.h>

#include <algorithm>

#include "vis/rows.h"
#include "vis/style.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

bool folds(const Row& row) {
  const bool call = row.kind == Row::Kind::Mark || row.kind == Row::Kind::Step;
  return call && row.words_first && row.badges.empty() && row.told.phase >= 0;
}

// Rows from `begin` up to `end`, of one phase or of two that take turns.
Row fold(const std::vector<Row>& rows, std::size_t begin, std::size_t end, const std::vector<Phase>& phases) {
  std::vector<int> of;
  for (std::size_t i = begin; i < end; ++i) {
    if (std::find(of.begin(), of.end(), rows[i].told.phase) == of.end()) of.push_back(rows[i].told.phase);
  }
  std::string words;
  for (const int phase : of) words += (words.empty() ? "" : " and ") + phases[static_cast<std::size_t>(phase)].title;
  if (of.size() == 1) words += ": " + phases[static_cast<std::size_t>(of[0])].what;
  Row all = rows[begin];
  all.kind = Row::Kind::Step;
  all.until = rows[end - 1].until;
  all.last_step = rows[end - 1].told.step;
  all.told.meaning = words;
  all.words = wrap_to(words, Font::Sans, style::kSmall, style::kCard - style::kIndent - style::kPad - 14, 2);
  all.tip.clear();
  all.calls.clear();
  for (std::size_t i = begin; i < end; ++i) {
    all.last = std::max(all.last, rows[i].last);
    all.tip += fmt::format("{}{}. {}", i == begin ? "" : "\n", rows[i].told.step, rows[i].told.meaning);
    for (const std::pair<std::string, int>& each : rows[i].calls) {
      const auto known =
          std::find_if(all.calls.begin(), all.calls.end(), [&](const auto& c) { return c.first == each.first; });
      if (known == all.calls.end()) {
        all.calls.push_back(each);
      } else {
        known->second += each.second;
      }
    }
  }
  all.text = calls_text(all.calls);
  return all;
}

}  // namespace

Graph brief(Graph graph) {
  constexpr std::size_t kFew = 3;
  for (Node& node : graph.nodes) {
    const std::vector<Row> all = std::move(node.rows);
    node.rows.clear();
    const auto same_until = [&](std::size_t i) {  // the end of the stretch of one phase that begins there
      std::size_t end = i;
      while (end < all.size() && folds(all[end]) && all[end].told.phase == all[i].told.phase) ++end;
      return end;
    };
    for (std::size_t i = 0; i < all.size();) {
      std::size_t end = same_until(i);
      if (end > i && end - i < kFew) {  // two phases that take turns, a step or two each
        const std::size_t next = same_until(end);
        std::size_t both = next;
        if (next > end && next - end < kFew) {
          for (std::size_t more = same_until(both); more > both && more - both < kFew; more = same_until(both)) {
            if (all[both].told.phase != all[i].told.phase && all[both].told.phase != all[end].told.phase) break;
            both = more;
          }
          if (both - i > kFew) end = both;
        }
      }
      if (end >= i + kFew) {
        node.rows.push_back(fold(all, i, end, graph.phases));
        i = end;
      } else {
        node.rows.push_back(all[i++]);
      }
    }
  }
  return graph;
}

}  // namespace nstrace::vis
