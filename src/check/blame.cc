// SPDX-License-Identifier: MIT
// The longest common subsequence of lines and calls; the first line that is not in it is to blame. A search from the
// front alone would take a call that belongs to a later line, and then blame the line behind it.
#include "check/blame.h"

#include <algorithm>
#include <map>

namespace nstrace::check {
namespace {

constexpr std::size_t kMostCells = 8'000'000;

bool plain(const Sequence& sequence) {
  if (sequence.within) return false;
  return std::ranges::all_of(sequence.steps, [](const Step& step) {
    const Item& item = step.items.front();
    return step.items.size() == 1 && !step.any && !item.next && !item.within && item.call.captures.empty();
  });
}

}  // namespace

std::optional<std::vector<Found>> before_blamed(const Facts& facts, const Sequence& sequence,
                                                const Assignment& assignment) {
  if (!plain(sequence)) return std::nullopt;
  const std::size_t lines = sequence.steps.size();
  std::map<EventIndex, std::vector<std::size_t>> fits;  // events are numbered in their order
  std::size_t looked = 0;
  for (std::size_t line = 0; line < lines; ++line) {
    const Item& item = sequence.steps[line].items.front();
    Candidates& candidates = facts.candidates(item.call, facts.who(assignment, item.role));
    for (std::size_t i = 0; candidates.has(i); ++i) {
      if (++looked > kMostCells) return std::nullopt;
      if (candidates[i].truth == Truth::Yes) fits[candidates[i].event].push_back(line);
    }
  }
  const std::size_t events = fits.size();
  if ((lines + 1) * (events + 1) > kMostCells) return std::nullopt;

  // best[e][l]: how many of the lines from l on can be found in the events from e on
  std::vector<EventIndex> order;
  std::vector<std::vector<char>> fit;
  for (const auto& [event, which] : fits) {
    order.push_back(event);
    fit.emplace_back(lines);
    for (const std::size_t line : which) fit.back()[line] = 1;
  }
  std::vector<std::vector<std::uint32_t>> best(events + 1, std::vector<std::uint32_t>(lines + 1));
  for (std::size_t e = events; e-- > 0;)
    for (std::size_t l = lines; l-- > 0;) {
      best[e][l] = std::max(best[e + 1][l], best[e][l + 1]);
      if (fit[e][l]) best[e][l] = std::max(best[e][l], 1 + best[e + 1][l + 1]);
    }
  std::vector<Found> found;
  std::size_t e = 0, l = 0;
  while (l < lines && e < events) {
    if (fit[e][l] && best[e][l] == 1 + best[e + 1][l + 1]) {
      found.push_back({&sequence.steps[l].items.front(), order[e]});
      ++e, ++l;
    } else if (best[e][l] == best[e + 1][l]) {
      ++e;
    } else {
      break;
    }
  }
  if (l == lines) return std::nullopt;
  return found;
}

}  // namespace nstrace::check
