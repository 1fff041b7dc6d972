// SPDX-License-Identifier: MIT
// Depth-first, twice: first with what is certain only, then with everything that may be. Where a later choice cannot
// help (nothing behind it depends on which of the calls it was), only the earliest call is tried, so that sequences
// without captures, `next` and `within` take one walk over the calls. States that led nowhere are remembered.
#include "check/search.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

namespace nstrace::check {
namespace {

constexpr std::uint64_t kBeyond = UINT64_MAX;  // a position behind the end of an incomplete trace

enum class Mode { Certain, Possible };

struct Position {
  std::uint64_t number = 0;  // of the call before; kBeyond = after the end
  trace::Time time = 0;
  trace::Time start = 0;  // of the sequence's first call
  bool started = false;
  bool blurred = false;  // the call before is not known, so neither is the distance to it
};

class Search {
 public:
  Search(const Facts& facts, const std::vector<const Rule*>& group, std::uint64_t steps)
      : facts_(facts), group_(group), steps_(steps), budget_(steps), bindings_(0), solution_(group.size()) {
    for (const Rule* rule : group) captures_ = captures_ || !rule->captures.empty();
    if (captures_) bindings_ = Bindings(facts.expectations.captures.size());
  }

  bool run(const Assignment& assignment, Mode mode) {
    assignment_ = &assignment;
    mode_ = mode;
    budget_ = Budget(steps_);
    bindings_.undo(0);
    for (auto& calls : solution_) calls.clear();
    if (!failed_.empty()) failed_.clear();
    if (noted_) best_ = Progress{};
    noted_ = false;
    at_ = nullptr;
    return rule(0);
  }

  Progress& best() { return best_; }
  const Item* at() const { return at_; }

 private:
  bool certain() const { return mode_ == Mode::Certain; }
  bool good(Truth t) const { return certain() ? t == Truth::Yes : t != Truth::No; }

  bool rule(std::size_t r) {
    if (r == group_.size()) return true;
    if (const auto* sequence = std::get_if<Sequence>(&group_[r]->what)) {
      solution_[r].clear();
      return step(r, *sequence, 0, {});
    }
    if (!good(holds(facts_, *group_[r], *assignment_, bindings_, budget_))) return note(r, 0);
    return rule(r + 1);
  }

  // Remembers how far the search came, where that is further than before. Always false: it was not far enough.
  bool note(std::size_t r, std::size_t s) {
    const std::size_t found = solution_[r].size();
    if (noted_ && std::tie(r, s, found) <= std::tuple(best_.rule, best_.step, best_.found.size())) return false;
    noted_ = true;
    best_.rule = r;
    best_.step = s;
    best_.found = solution_[r];
    best_.bindings = bindings_.values();
    return false;
  }

  bool step(std::size_t r, const Sequence& sequence, std::size_t s, const Position& before) {
    if (s == sequence.steps.size()) return rule(r + 1);
    budget_.step();
    const Step& step = sequence.steps[s];
    at_ = &step.items.front();
    if (step.any) return any(r, sequence, s, 0, before);
    const bool remember = captures_ || alternatives(sequence, s);
    std::string key;
    if (remember && !failed_.empty()) {
      key = state(r, s, 0, before);
      if (failed_.contains(key)) return false;
    }
    if (item(r, sequence, s, before)) return true;
    note(r, s);
    if (remember) failed_.insert(key.empty() ? state(r, s, 0, before) : std::move(key));
    return false;
  }

  // What a search from here on depends on.
  std::string state(std::size_t r, std::size_t s, std::uint64_t mask, const Position& p) const {
    std::string key;
    const auto put = [&](std::uint64_t n) { key.append(reinterpret_cast<const char*>(&n), sizeof n); };
    put(r), put(s), put(mask), put(p.number), put(static_cast<std::uint64_t>(p.start)), put(p.started | p.blurred << 1);
    if (captures_)
      for (const auto& value : bindings_.values()) {
        put(value ? value->size() : kBeyond);
        if (value) key += *value;
      }
    return key;
  }

  // Whether a later call for this step may help where the earliest does not.
  static bool alternatives(const Sequence& sequence, std::size_t s) {
    if (sequence.within && s == 0) return true;
    if (s + 1 >= sequence.steps.size()) return false;
    const Item& next = sequence.steps[s + 1].items.front();
    return !sequence.steps[s + 1].any && (next.next || next.within);
  }

  // Whether the call may have been made unseen.
  bool free(const Item& item) const {
    const ProcessId process = facts_.who(*assignment_, item.role);
    return !certain() && (facts_.gap(item.call) || facts_.touched(process));
  }

  bool reachable(const Sequence& sequence, const Item& item, const Position& before, trace::Time time) const {
    if (item.within && !before.blurred && time - before.time > *item.within) return false;
    return !(sequence.within && before.started && time - before.start > *sequence.within);
  }

  // Nothing of the process stands between.
  bool adjacent(const Item& item, const Position& before, const Stored& event) const {
    if (!item.next || before.blurred) return true;
    if (certain() && (facts_.gap_of_next || before.number < facts_.blind_until(event.process))) return false;
    const auto& steps = facts_.store.steps_of(event.process);
    const auto first = std::upper_bound(steps.begin(), steps.end(), before.number);
    return first == steps.end() || *first >= event.number;
  }

  Position behind(const Position& before, const Stored& event) const {
    Position after;
    after.number = event.number;
    after.time = event.time;
    after.start = before.started ? before.start : event.time;
    after.started = true;
    return after;
  }

  bool item(std::size_t r, const Sequence& sequence, std::size_t s, const Position& before) {
    const Item& item = sequence.steps[s].items.front();
    const auto go_on = [&](const Position& p) { return step(r, sequence, s + 1, p); };
    if (try_calls(r, sequence, item, before, alternatives(sequence, s), go_on)) return true;
    return unseen(sequence, item, before, go_on);
  }

  // The calls behind `before` that fit the item, one after the other, until `go_on(position)` is content.
  template <typename F>
  bool try_calls(std::size_t r, const Sequence& sequence, const Item& item, const Position& before, bool every,
                 F go_on) {
    const ProcessId process = facts_.who(*assignment_, item.role);
    Candidates& candidates = facts_.candidates(item.call, process);
    for (std::size_t i = candidates.after(before.number); candidates.has(i); ++i) {
      budget_.step();
      at_ = &item;
      const Candidate candidate = candidates[i];
      const Stored event = facts_.store.event(candidate.event);
      if (!reachable(sequence, item, before, event.time)) break;
      if (!adjacent(item, before, event)) break;
      if (item.call.captures.empty() || facts_.store.uncertain(event)) {
        if (!good(candidate.truth)) continue;
        solution_[r].push_back({&item, candidate.event});
        if (go_on(behind(before, event))) return true;
        solution_[r].pop_back();
        // Without bindings every later call leads to less.
        if (!every) return false;
        continue;
      }
      const bool stop = solve(item.call, facts_.store.call(event), bindings_, budget_, [&](Truth t) {
        if (!good(t)) return false;
        solution_[r].push_back({&item, candidate.event});
        if (go_on(behind(before, event))) return true;
        solution_[r].pop_back();
        return false;
      });
      if (stop) return true;
    }
    return false;
  }

  // Goes on as if the item's call had been made without being seen.
  template <typename F>
  bool unseen(const Sequence& sequence, const Item& item, const Position& before, F go_on) {
    if (certain()) return false;
    if (free(item)) {
      Position after = before;
      after.blurred = true;
      return go_on(after);
    }
    const ProcessId process = facts_.who(*assignment_, item.role);
    if (!facts_.open(process)) return false;
    Position after = beyond(before, process);
    if (!reachable(sequence, item, before, after.time)) return false;
    return go_on(after);
  }

  // Behind all that was recorded of the process: somewhere after the end of the trace, or after it was left.
  Position beyond(const Position& before, ProcessId process) const {
    Position after = before;
    const Watched& watched = facts_.watched[process];
    const bool left = facts_.left(process);
    after.number = std::max(before.number, left ? watched.until : kBeyond);
    after.time = std::max(before.time, left ? watched.until_time : facts_.end);
    after.blurred = true;
    return after;
  }

  // Each item that is not in `mask` may still find a call behind `p`; else taking this one now leads nowhere.
  bool rest_ahead(const Step& step, std::uint64_t mask, const Position& p) {
    for (std::size_t k = 0; k < step.items.size(); ++k) {
      if (mask >> k & 1) continue;
      const Item& item = step.items[k];
      const ProcessId process = facts_.who(*assignment_, item.role);
      if (!certain() && (free(item) || facts_.open(process))) continue;
      budget_.step();
      Candidates& candidates = facts_.candidates(item.call, process);
      if (!candidates.has(candidates.after(p.number))) return false;
    }
    return true;
  }

  // The items of an `any` that are not in `mask`, in the order in which their calls stand.
  bool any(std::size_t r, const Sequence& sequence, std::size_t s, std::uint64_t mask, const Position& before) {
    const Step& step_ = sequence.steps[s];
    const std::uint64_t all = step_.items.size() == 64 ? UINT64_MAX : (std::uint64_t{1} << step_.items.size()) - 1;
    if (mask == all) return step(r, sequence, s + 1, before);
    const bool last_needed = captures_ || alternatives(sequence, s) || sequence.within;
    if (mask == 0 && !last_needed)
      return matched(r, sequence, s, before, false) || (!certain() && matched(r, sequence, s, before, true));
    budget_.step();
    std::string key;
    if (!failed_.empty()) {
      key = state(r, s, mask, before);
      if (failed_.contains(key)) return false;
    }
    for (std::size_t i = 0; i < step_.items.size(); ++i) {
      if (mask >> i & 1) continue;
      const auto go_on = [&](const Position& p) {
        const std::uint64_t done = mask | std::uint64_t{1} << i;
        return rest_ahead(step_, done, p) && any(r, sequence, s, done, p);
      };
      if (try_calls(r, sequence, step_.items[i], before, true, go_on)) return true;
      if (unseen(sequence, step_.items[i], before, go_on)) return true;
    }
    note(r, s);
    failed_.insert(key.empty() ? state(r, s, mask, before) : std::move(key));
    return false;
  }

  // An `any` without anything that depends on which calls are taken: the earliest end at which each item has a call of
  // its own, by augmenting paths, one call after the other. `open_too`: what may come after the end of the trace does.
  bool matched(std::size_t r, const Sequence& sequence, std::size_t s, const Position& before, bool open_too) {
    const std::vector<Item>& items = sequence.steps[s].items;
    struct Cursor {
      Candidates* candidates;
      std::size_t index;
    };
    std::vector<Cursor> cursors;
    std::vector<std::size_t> needed;  // items whose call must be seen
    std::vector<ProcessId> later;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (free(items[i])) continue;
      if (const ProcessId process = facts_.who(*assignment_, items[i].role); open_too && facts_.open(process)) {
        later.push_back(process);
        continue;
      }
      Candidates& c = facts_.candidates(items[i].call, facts_.who(*assignment_, items[i].role));
      cursors.push_back({&c, c.after(before.number)});
      needed.push_back(i);
    }
    std::vector<EventIndex> events;
    std::vector<std::vector<std::size_t>> takers;             // by event: the needed items that it fits
    std::vector<std::size_t> owner(needed.size(), SIZE_MAX);  // needed item -> event
    std::vector<char> visited;
    const auto augment = [&](const auto& self, std::size_t event) -> bool {
      for (const std::size_t n : takers[event]) {
        if (visited[n]) continue;
        visited[n] = 1;
        if (owner[n] == SIZE_MAX || self(self, owner[n])) {
          owner[n] = event;
          return true;
        }
      }
      return false;
    };
    std::size_t matches = 0;
    Position after = before;
    const auto next_number = [&](const Cursor& c) {
      return c.candidates->has(c.index) ? facts_.store.event((*c.candidates)[c.index].event).number : kBeyond;
    };
    while (matches < needed.size()) {
      std::uint64_t number = kBeyond;
      for (const Cursor& c : cursors) number = std::min(number, next_number(c));
      if (number == kBeyond) break;
      budget_.step();
      std::vector<std::size_t> fits;
      EventIndex index = 0;
      for (std::size_t n = 0; n < needed.size(); ++n) {
        Cursor& c = cursors[n];
        while (next_number(c) == number) {
          index = (*c.candidates)[c.index].event;
          if (good((*c.candidates)[c.index].truth)) fits.push_back(n);
          ++c.index;
        }
      }
      if (fits.empty()) continue;
      events.push_back(index);
      takers.push_back(std::move(fits));
      visited.assign(needed.size(), 0);
      if (!augment(augment, events.size() - 1)) continue;
      ++matches;
      after = behind(after, facts_.store.event(index));
    }
    if (open_too && later.empty()) return false;
    std::vector<Found> found;
    for (std::size_t n = 0; n < needed.size(); ++n)
      if (owner[n] != SIZE_MAX) found.push_back({&items[needed[n]], events[owner[n]]});
    std::ranges::sort(found, {}, &Found::event);
    if (needed.size() < items.size()) after.blurred = true;
    for (const ProcessId process : later) after = beyond(after, process);
    const std::size_t size = solution_[r].size();
    solution_[r].insert(solution_[r].end(), found.begin(), found.end());
    if (matches < needed.size()) {
      note(r, s);
      solution_[r].resize(size);
      return false;
    }
    if (step(r, sequence, s + 1, after)) return true;
    solution_[r].resize(size);
    return false;
  }

  const Facts& facts_;
  const std::vector<const Rule*>& group_;
  const Assignment* assignment_ = nullptr;
  Mode mode_ = Mode::Certain;
  std::uint64_t steps_;
  Budget budget_;
  Bindings bindings_;
  std::vector<std::vector<Found>> solution_;
  bool captures_ = false;
  std::unordered_set<std::string> failed_;
  Progress best_;
  bool noted_ = false;
  const Item* at_ = nullptr;
};

}  // namespace

struct Searcher::State {
  State(const Facts& facts, std::vector<const Rule*> rules, std::uint64_t steps)
      : group(std::move(rules)), search(facts, group, steps) {}
  std::vector<const Rule*> group;
  Search search;
};

Searcher::Searcher(const Facts& facts, std::vector<const Rule*> group, std::uint64_t steps)
    : state_(std::make_unique<State>(facts, std::move(group), steps)) {}
Searcher::Searcher(Searcher&&) noexcept = default;
Searcher& Searcher::operator=(Searcher&&) noexcept = default;
Searcher::~Searcher() = default;

Answer Searcher::run(const Assignment& assignment) {
  Search& search = state_->search;
  Answer answer;
  try {
    if (search.run(assignment, Mode::Certain)) return answer;
    answer.best = search.best();
    answer.truth = search.run(assignment, Mode::Possible) ? Truth::Maybe : Truth::No;
  } catch (const BudgetPassed&) {
    if (answer.best.bindings.empty()) answer.best = search.best();
    answer.passed = search.at();
    answer.truth = Truth::Maybe;
  }
  return answer;
}

}  // namespace nstrace::check
