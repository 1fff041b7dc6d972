// SPDX-License-Identifier: MIT
// Takes beats in their order, walks back from the target. At each step: a process that acted just before carries on;
// one that has just been made leads to its maker; one that was silent leads to whoever acted in the meantime.
#include "vis/critical.h"

#include <unordered_map>

namespace nstrace::vis {
namespace {

constexpr trace::Time kSilence = 1'000'000;  // ns; below that a process is taken to be busy

}  // namespace

std::vector<Stretch> critical_path(const std::vector<Beat>& beats, std::size_t target) {
  std::vector<Stretch> path;
  if (target >= beats.size()) return path;
  std::unordered_map<std::size_t, std::size_t> maker;  // node -> beat that made it
  std::vector<std::optional<std::size_t>> before(beats.size());
  std::unordered_map<std::size_t, std::size_t> last;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    if (const auto at = last.find(beats[i].node); at != last.end()) before[i] = at->second;
    last[beats[i].node] = i;
    if (beats[i].makes) maker.emplace(*beats[i].makes, i);
  }
  const auto made_by = [&](std::size_t node, std::size_t ancestor) {
    for (int depth = 0; depth < 64; ++depth) {
      const auto at = maker.find(node);
      if (at == maker.end()) return false;
      node = beats[at->second].node;
      if (node == ancestor) return true;
    }
    return false;
  };
  std::size_t node = beats[target].node, at = target;
  while (path.size() < 2 * beats.size()) {
    // What this process did last before, or its birth.
    std::optional<std::size_t> own;
    if (beats[at].node == node) {
      own = before[at];
    } else {
      for (std::size_t i = at; i-- > 0;) {
        if (beats[i].node == node) {
          own = i;
          break;
        }
      }
    }
    const auto birth = maker.find(node);
    const bool born = birth != maker.end() && birth->second < at && (!own || *own < birth->second);
    const std::size_t begin = born ? birth->second : own.value_or(0);
    std::optional<std::size_t> other;
    if (beats[at].time - beats[begin].time > kSilence) {
      for (std::size_t i = at; i-- > begin + 1;) {
        if (beats[i].ends && made_by(node, beats[i].node)) continue;  // an end wakes no one below
        if (beats[i].node == node) continue;
        other = i;
        break;
      }
    }
    if (other) {
      path.push_back({node, *other, at});
      node = beats[*other].node;
      at = *other;
    } else if (born) {
      path.push_back({node, begin, at});
      node = beats[begin].node;
      at = begin;
    } else if (own) {
      path.push_back({node, *own, at});
      at = *own;
    } else {
      path.push_back({node, at, at});
      break;
    }
  }
  return path;
}

}  // namespace nstrace::vis
