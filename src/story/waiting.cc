// SPDX-License-Identifier: MIT
// Takes beats in their order, walks back from the target. At each step: an actor that was awake carries on itself; one
// that has just been made leads to its maker; one that slept leads to whoever acted last before it went on.
#include "story/waiting.h"

#include <algorithm>
#include <unordered_map>

namespace nstrace::story {
namespace {

constexpr trace::Time kPause = 200'000;  // ns; a shorter sleep is no waiting for another

class Walk {
 public:
  explicit Walk(const std::vector<Beat>& beats) : beats_(beats), before_(beats.size()) {
    std::unordered_map<std::size_t, std::size_t> last;
    for (std::size_t i = 0; i < beats.size(); ++i) {
      if (const auto at = last.find(beats[i].actor); at != last.end()) before_[i] = at->second;
      last[beats[i].actor] = i;
      if (beats[i].makes) maker_.emplace(*beats[i].makes, i);
    }
  }

  std::vector<Stretch> back(std::size_t at) const {
    std::vector<Stretch> path;
    for (;;) {
      const std::size_t actor = beats_[at].actor;
      const std::optional<std::size_t> next = cause(at);
      path.push_back({actor, next.value_or(at), at});
      if (!next) return path;
      at = *next;  // always less than before
    }
  }

 private:
  std::optional<std::size_t> cause(std::size_t at) const {
    const Beat& now = beats_[at];
    std::optional<std::size_t> own = before_[at];
    if (const auto birth = maker_.find(now.actor); !own && birth != maker_.end() && birth->second < at)
      own = birth->second;
    if (!own) return other(at, 0);
    // Sleep within the call itself is the kernel's, not another's.
    const trace::Time outside = std::min(now.begin, now.time) - beats_[*own].time;
    if (std::min(now.slept.value_or(outside), outside) < kPause) return own;
    const std::optional<std::size_t> last = other(at, *own + 1);
    return last ? last : own;
  }

  // Who did something last before a beat's begin, from `first` on.
  std::optional<std::size_t> other(std::size_t at, std::size_t first) const {
    for (std::size_t i = at; i-- > first;) {
      if (beats_[i].actor == beats_[at].actor || beats_[i].time > beats_[at].begin) continue;
      if (beats_[i].ends && made_by(beats_[at].actor, beats_[i].actor)) continue;  // an end wakes no one below
      return i;
    }
    return std::nullopt;
  }

  bool made_by(std::size_t actor, std::size_t ancestor) const {
    for (int depth = 0; depth < 64; ++depth) {
      const auto at = maker_.find(actor);
      if (at == maker_.end()) return false;
      actor = beats_[at->second].actor;
      if (actor == ancestor) return true;
    }
    return false;
  }

  const std::vector<Beat>& beats_;
  std::vector<std::optional<std::size_t>> before_;      // the same actor's beat before
  std::unordered_map<std::size_t, std::size_t> maker_;  // actor -> the beat that made it
};

}  // namespace

std::vector<Stretch> waited_for(const std::vector<Beat>& beats, std::size_t target) {
  if (target >= beats.size()) return {};
  return Walk(beats).back(target);
}

}  // namespace nstrace::story
