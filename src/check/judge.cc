// SPDX-License-Identifier: MIT
// never and count. Each call is weighed by two questions, whether it fits and whether it stands in the span; the answer
// to both may be "maybe". Calls that the trace may lack count as maybe too.
#include "check/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/explain.h"
#include "check/state.h"

namespace nstrace::check {
namespace {

constexpr std::uint64_t kEndless = UINT64_MAX;
constexpr std::size_t kEventsKept = 8;

// The calls that bound a span: where the first or last of them stands, for sure and perhaps.
struct Bound {
  const Anchor* anchor = nullptr;
  ProcessId process = kNoProcess;
  struct Fitting {
    std::uint64_t number = 0;
    EventIndex event = 0;
    Truth truth = Truth::No;
  };
  std::vector<Fitting> calls;  // those that fit, in order
  bool blind = false;          // there may be others that the trace lacks
  bool open = false;           // there may be others after its end
  std::vector<Reason> reasons;

  std::optional<std::uint64_t> first(Truth least) const {
    for (const Fitting& call : calls)
      if (call.truth >= least) return call.number;
    return std::nullopt;
  }
  std::optional<std::uint64_t> last(Truth least) const {
    for (auto it = calls.rbegin(); it != calls.rend(); ++it)
      if (it->truth >= least) return it->number;
    return std::nullopt;
  }
  bool sure() const { return first(Truth::Yes).has_value(); }
  bool maybe() const { return !calls.empty() || blind || open; }
};

class Judge {
 public:
  // `details`: not only whether the rule holds, but why.
  Judge(const Facts& facts, const Assignment& assignment, Bindings& bindings, Budget& budget, bool details)
      : facts_(facts), assignment_(assignment), bindings_(bindings), budget_(budget), details_(details) {}

  Judgement never(const Never& rule) {
    Judgement out;
    if (!bounds(rule.span, out)) return out;
    const ProcessId process = facts_.who(assignment_, rule.role);
    Truth made = Truth::No;
    each(rule.call, process, [&](const Candidate& candidate, Truth fits) {
      const Truth t = both(fits, inside(facts_.store.event(candidate.event).number));
      if (t == Truth::No) return false;
      if (t > made) out.events.clear();
      made = either(made, t);
      if (details_ && t == made && out.events.size() < kEventsKept) out.events.push_back(candidate.event);
      return made == Truth::Yes && (!details_ || out.events.size() >= kEventsKept);
    });
    if (made != Truth::Yes && unseen(&rule.call, process, out.reasons)) made = either(made, Truth::Maybe);
    out.truth = both(negated(made), span_exists());
    if (out.truth == Truth::Maybe) why(out);
    return out;
  }

  Judgement count(const Count& rule) {
    Judgement out;
    if (!rule.call) return out;  // counted by the checker, which sees all processes
    if (!bounds(rule.span, out)) return out;
    const ProcessId process = facts_.who(assignment_, rule.role);
    std::uint64_t maybe = 0;
    each(*rule.call, process, [&](const Candidate& candidate, Truth fits) {
      const Truth t = both(fits, inside(facts_.store.event(candidate.event).number));
      if (t == Truth::No) return false;
      (t == Truth::Yes ? out.low : maybe) += 1;
      if (details_ && out.events.size() < kEventsKept) out.events.push_back(candidate.event);
      return false;
    });
    out.high = out.low + maybe;
    out.unlimited = unseen(&*rule.call, process, out.reasons);
    const std::uint64_t most = out.unlimited ? kEndless : out.high;
    const auto low = static_cast<std::uint64_t>(rule.low);
    const auto high = rule.high == kHighest ? kEndless : static_cast<std::uint64_t>(rule.high);
    if (out.low >= low && most <= high)
      out.truth = Truth::Yes;
    else if (most < low || out.low > high)
      out.truth = Truth::No;
    else
      out.truth = Truth::Maybe;
    if (rule.inverted) out.truth = negated(out.truth);
    out.truth = both(out.truth, span_exists());
    if (out.truth == Truth::Maybe) why(out);
    return out;
  }

  Judgement at(const At& rule) {
    Judgement out;
    const ProcessId process = facts_.who(assignment_, rule.role);
    std::vector<std::pair<EventIndex, Truth>> calls;
    each(rule.call, process, [&](const Candidate& candidate, Truth fits) {
      calls.emplace_back(candidate.event, fits);
      return false;
    });
    const bool hidden = unseen(&rule.call, process, out.reasons);
    const bool any_sure = std::ranges::any_of(calls, [](const auto& c) { return c.second == Truth::Yes; });
    if (!any_sure && calls.empty() && !hidden) {
      out.truth = Truth::No;
      out.missing = &rule.call;
      out.missing_role = rule.role;
      return out;
    }
    // A call that is not sure to be the one meant decides nothing.
    bool select_unsure = hidden;
    if (rule.select == Select::First && !calls.empty()) {
      const bool known = facts_.gap(rule.call) || facts_.touched(process);
      select_unsure = known || calls.front().second != Truth::Yes;
      calls.resize(1);
    } else if (rule.select == Select::Last && !calls.empty()) {
      select_unsure = hidden || calls.back().second != Truth::Yes;
      calls.erase(calls.begin(), calls.end() - 1);
    }
    const bool any = rule.select == Select::Any;
    Truth all = any ? Truth::No : Truth::Yes;
    for (const auto& [event, fits] : calls) {
      std::vector<StateAnswer> state = state_at(facts_, rule, event, assignment_, details_);
      Truth holds = Truth::Yes;
      for (const StateAnswer& answer : state) holds = both(holds, answer.truth);
      Truth counts = any ? both(holds, fits) : fits == Truth::Yes ? holds : either(holds, Truth::Maybe);
      const bool decides = any ? counts > all : counts < all;
      if (decides || out.events.empty()) {
        out.events = {event};
        out.state = std::move(state);
      }
      all = any ? either(all, counts) : both(all, counts);
    }
    if (calls.empty() || !any_sure) all = any ? either(all, Truth::Maybe) : both(all, Truth::Maybe);
    if (select_unsure)
      all = any ? either(all, Truth::Maybe) : rule.select == Select::Each ? both(all, Truth::Maybe) : Truth::Maybe;
    out.truth = all;
    if (out.truth == Truth::Maybe) {
      for (const StateAnswer& answer : out.state)
        if (answer.truth == Truth::Maybe) out.reasons.push_back({answer.unknown, answer.cure});
      why(out);
    }
    return out;
  }

 private:
  // Calls `f(candidate, how it fits)` until that gives true.
  template <typename F>
  void each(const CallPattern& pattern, ProcessId process, F f) {
    Candidates& candidates = facts_.candidates(pattern, process);
    for (std::size_t i = 0; candidates.has(i); ++i) {
      const Candidate candidate = candidates[i];
      const Truth fits = fits_now(facts_, pattern, candidate, bindings_, budget_);
      if (fits != Truth::No && f(candidate, fits)) return;
    }
  }

  Bound bound(const Anchor& anchor) {
    Bound out;
    out.anchor = &anchor;
    out.process = facts_.who(assignment_, anchor.role);
    each(anchor.call, out.process, [&](const Candidate& candidate, Truth fits) {
      out.calls.push_back({facts_.store.event(candidate.event).number, candidate.event, fits});
      return false;
    });
    if (details_) out.reasons = blind_spots(facts_, &anchor.call, out.process);
    out.blind = facts_.gap(anchor.call) || facts_.touched(out.process);
    out.open = facts_.open(out.process);
    return out;
  }

  // Finds the bounds of the span. False if the rule is decided by their absence.
  bool bounds(const Span& span, Judgement& out) {
    if (span.after) after_ = bound(*span.after);
    if (span.before) before_ = bound(*span.before);
    for (const auto* b : {after_ ? &*after_ : nullptr, before_ ? &*before_ : nullptr}) {
      if (!b) continue;
      if (!b->maybe()) {
        out.truth = Truth::No;
        out.missing = &b->anchor->call;
        out.missing_role = b->anchor->role;
        return false;
      }
      if (!b->calls.empty()) out.bounds.push_back((b->anchor->last ? b->calls.back() : b->calls.front()).event);
    }
    return true;
  }

  // A rule about a span that does not exist fails; one that may not exist cannot hold for sure.
  Truth span_exists() const {
    const bool sure = (!after_ || after_->sure()) && (!before_ || before_->sure());
    return sure ? Truth::Yes : Truth::Maybe;
  }

  Truth inside(std::uint64_t number) const {
    if (after_ && before_) return between(number);
    if (after_) return after_->anchor->last ? after_last(number) : after_first(number);
    if (before_) return before_->anchor->last ? before_last(number) : before_first(number);
    return Truth::Yes;
  }

  Truth after_first(std::uint64_t number) const {
    const auto sure = after_->first(Truth::Yes), perhaps = after_->first(Truth::Maybe);
    if (sure && number > *sure) return Truth::Yes;
    return after_->blind || (perhaps && number > *perhaps) ? Truth::Maybe : Truth::No;
  }
  Truth after_last(std::uint64_t number) const {
    const auto sure = after_->last(Truth::Yes), perhaps = after_->last(Truth::Maybe);
    if (sure && number <= *sure) return Truth::No;
    if (after_->blind || after_->open || !sure || (perhaps && number <= *perhaps)) return Truth::Maybe;
    return Truth::Yes;
  }
  Truth before_first(std::uint64_t number) const {
    const auto sure = before_->first(Truth::Yes), perhaps = before_->first(Truth::Maybe);
    if (sure && number >= *sure) return Truth::No;
    if (before_->blind || !sure || (perhaps && number >= *perhaps)) return Truth::Maybe;
    return Truth::Yes;
  }
  Truth before_last(std::uint64_t number) const {
    const auto sure = before_->last(Truth::Yes), perhaps = before_->last(Truth::Maybe);
    if (sure && number < *sure) return Truth::Yes;
    return before_->blind || before_->open || (perhaps && number < *perhaps) ? Truth::Maybe : Truth::No;
  }
  // After a first call, with no second one since, and with a second one to come.
  Truth between(std::uint64_t number) const {
    std::optional<std::uint64_t> begin_sure, begin_maybe, end_sure, end_maybe;  // the nearest on each side
    for (const auto& [n, event, t] : after_->calls) {
      if (n >= number) break;
      begin_maybe = n;
      if (t == Truth::Yes) begin_sure = n;
    }
    bool closed_sure = false, closed_maybe = false;  // since the nearest beginning
    for (const auto& [n, event, t] : before_->calls) {
      if (n <= number) {
        if (begin_maybe && n > *begin_maybe && t == Truth::Yes) closed_sure = true;
        if (begin_sure && n > *begin_sure) closed_maybe = true;
        continue;
      }
      if (!end_maybe) end_maybe = n;
      if (t == Truth::Yes && !end_sure) end_sure = n;
    }
    const bool blind = after_->blind || before_->blind;
    if (begin_sure && end_sure && !closed_maybe && !blind) return Truth::Yes;
    if (blind) return Truth::Maybe;
    if (!begin_maybe || closed_sure) return Truth::No;
    if (!end_maybe && !before_->open) return Truth::No;
    return Truth::Maybe;
  }

  // Whether calls of the pattern may be missing in the span; adds why.
  bool unseen(const CallPattern* pattern, ProcessId process, std::vector<Reason>& reasons) const {
    // A span that has begun for sure behind the losses, or ended before the trace did, is whole.
    const bool after_losses = after_ && !after_->anchor->last && !after_->blind && after_->sure() &&
                              *after_->first(Truth::Yes) >= facts_.blind_until(process);
    const bool ended = before_ && !before_->anchor->last && before_->sure() && !before_->blind &&
                       before_->first(Truth::Yes) == before_->first(Truth::Maybe) && !after_;
    bool any = false;
    const bool gap = facts_.gap(*pattern), touched = facts_.touched(process), open = facts_.open(process);
    if (!gap && !touched && !open) return false;
    if (gap) {
      reasons.push_back(*facts_.gaps[static_cast<std::size_t>(pattern->id)]);
      any = true;
    }
    for (const Reason& reason : blind_spots(facts_, nullptr, process)) {
      if (open && !touched && ended) continue;
      if (touched && after_losses && !open) continue;
      if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
      any = true;
    }
    return any;
  }

  void why(Judgement& out) const {
    if (!details_) return;
    for (const auto* b : {after_ ? &*after_ : nullptr, before_ ? &*before_ : nullptr})
      if (b)
        for (const Reason& reason : b->reasons)
          if (std::ranges::find(out.reasons, reason) == out.reasons.end()) out.reasons.push_back(reason);
    if (out.reasons.empty()) {
      std::string where;
      const auto& events = out.events.empty() ? out.bounds : out.events;
      if (!events.empty()) where = fmt::format(" at event {}", facts_.store.event(events.front()).number);
      out.reasons.push_back({fmt::format("an argument{} was not recorded whole", where),
                             "record it again, if it was cut by strace with -s 4096"});
    }
  }

  const Facts& facts_;
  const Assignment& assignment_;
  Bindings& bindings_;
  Budget& budget_;
  bool details_;
  std::optional<Bound> after_, before_;
};

}  // namespace

Truth fits_now(const Facts& facts, const CallPattern& pattern, const Candidate& candidate, Bindings& bindings,
               Budget& budget) {
  budget.step();
  if (pattern.captures.empty()) return candidate.truth;
  const Stored& event = facts.store.event(candidate.event);
  if (facts.store.uncertain(event)) return Truth::Maybe;
  const bool unbound = std::ranges::any_of(pattern.captures, [&](CaptureId id) { return bindings.get(id) == nullptr; });
  Truth best = Truth::No;
  solve(pattern, facts.store.call(event), bindings, budget, [&](Truth t) {
    best = either(best, t);
    return best == Truth::Yes;
  });
  return unbound ? both(best, Truth::Maybe) : best;
}

std::vector<Reason> blind_spots(const Facts& facts, const CallPattern* pattern, ProcessId process) {
  std::vector<Reason> reasons;
  if (pattern && facts.gap(*pattern)) reasons.push_back(*facts.gaps[static_cast<std::size_t>(pattern->id)]);
  const model::Process& p = facts.process(process);
  const std::uint64_t from = facts.watched[process].from;
  if (from == UINT64_MAX)
    reasons.push_back({fmt::format("{} was not followed", person(p)), "follow it, too, with --follow"});
  else if (from)
    reasons.push_back({fmt::format("{} was not followed before event {}", person(p), from), "follow who started it"});
  if (facts.lost_until && facts.blind_until(process) == facts.lost_until)
    reasons.push_back({fmt::format("{} event{} lost", facts.lost, facts.lost == 1 ? " was" : "s were"),
                       "record with a larger --buffer"});
  if (facts.left(process))
    reasons.push_back({fmt::format("{} was left at event {}, when a container's program began", person(p),
                                   facts.watched[process].until),
                       std::string(kCureOfLeft)});
  else if (facts.open(process))
    reasons.push_back(
        {fmt::format("the trace ends before pid {} does, and is incomplete", p.pid), "record to the end"});
  return reasons;
}

namespace {

Judgement judge(Judge judge, const Rule& rule) {
  if (const auto* never = std::get_if<Never>(&rule.what)) return judge.never(*never);
  if (const auto* count = std::get_if<Count>(&rule.what)) return judge.count(*count);
  if (const auto* at = std::get_if<At>(&rule.what)) return judge.at(*at);
  return {};
}

}  // namespace

Judgement judge(const Facts& facts, const Rule& rule, const Assignment& assignment, Bindings& bindings,
                Budget& budget) {
  return judge(Judge(facts, assignment, bindings, budget, true), rule);
}

Truth holds(const Facts& facts, const Rule& rule, const Assignment& assignment, Bindings& bindings, Budget& budget) {
  return judge(Judge(facts, assignment, bindings, budget, false), rule).truth;
}

}  // namespace nstrace::check
