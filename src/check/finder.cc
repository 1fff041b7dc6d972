// SPDX-License-Identifier: MIT
// How a call fits a pattern is remembered for each different call; the candidates of a pattern, for the process that
// was asked for last: families are gone through one after the other.
#include "check/finder.h"

#include <algorithm>

namespace nstrace::check {

std::size_t Candidates::after(std::uint64_t number) {
  const auto beyond = [&](const Candidate& c) { return finder_->store_.event(c.event).number > number; };
  const auto found = std::partition_point(found_.begin(), found_.end(), [&](const Candidate& c) { return !beyond(c); });
  if (found != found_.end()) return static_cast<std::size_t>(found - found_.begin());
  const std::size_t known = found_.size();
  for (std::size_t index = known; has(index); ++index)
    if (beyond(found_[index])) return index;
  return kNone;
}

bool Candidates::has(std::size_t index) {
  const auto later = [](const Candidate& a, const Candidate& b) { return a.event > b.event; };
  while (index >= found_.size()) {
    // Calls that begin before the earliest that is known to fit.
    for (Source& source : sources_)
      while (source.next != kNoEvent && (ahead_.empty() || source.next < ahead_.front().event)) {
        const EventIndex first = source.next;
        source.next = finder_->store_.event(first).other;
        const Truth truth = finder_->fits(*pattern_, source.slot, first);
        if (truth == Truth::No) continue;
        ahead_.push_back({first, truth});
        std::ranges::push_heap(ahead_, later);
      }
    if (ahead_.empty()) return false;
    std::ranges::pop_heap(ahead_, later);
    found_.push_back(ahead_.back());
    EventIndex& next = ahead_.back().event;
    next = finder_->store_.event(next).again;
    if (next == kNoEvent)
      ahead_.pop_back();
    else
      std::ranges::push_heap(ahead_, later);
  }
  return true;
}

Finder::Finder(const Store& store) : store_(store), memo_(store.answers()), candidates_(store.patterns()) {}

Truth Finder::fits(const CallPattern& pattern, std::size_t slot, EventIndex event) {
  const Stored& stored = store_.event(event);
  std::uint8_t& known = memo_[store_.answers_of(stored) + slot];
  if (known) return static_cast<Truth>(known - 1);
  Truth answer = Truth::Maybe;
  if (!store_.uncertain(stored)) {
    Budget budget(1000000);  // past that, the search that asks for it decides under its own
    try {
      answer = possible(pattern, store_.call(stored), store_.captures(), budget);
    } catch (const BudgetPassed&) {
      answer = Truth::Maybe;
    }
  }
  known = static_cast<std::uint8_t>(answer) + 1;
  return answer;
}

Candidates& Finder::candidates(const CallPattern& pattern, model::ProcessId process) {
  const auto id = static_cast<std::size_t>(pattern.id);
  Candidates& c = candidates_[id];
  if (c.process_ == process) return c;
  if (!c.finder_) {
    c.finder_ = this;
    c.pattern_ = &pattern;
    c.name_ = store_.only_name(pattern);
  }
  c.process_ = process;
  c.sources_.clear();
  c.ahead_.clear();
  c.found_.clear();
  for (const Store::Named& calls : store_.named(process)) {
    if (c.name_ != kNoName && calls.name != c.name_) continue;
    const std::int32_t slot = store_.slot(pattern, calls.name);
    if (slot >= 0) c.sources_.push_back({calls.first, static_cast<std::size_t>(slot)});
  }
  return c;
}

}  // namespace nstrace::check
