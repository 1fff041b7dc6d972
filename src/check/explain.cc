// SPDX-License-Identifier: MIT
// What a finding says about a rule. Everything that comes from the trace is escaped here.
#include "check/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "check/blame.h"
#include "check/match.h"
#include "check/vocabulary.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kWindow = 3;

std::string milliseconds(trace::Time ns) {
  return fmt::format("{:.3f} ms", static_cast<double>(ns) / 1e6);
}

std::string times(std::uint64_t n) {
  return n == 1 ? "once" : fmt::format("{} times", n);
}

void bind(Bindings& bindings, const std::vector<std::optional<std::string>>& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i]) bindings.set(static_cast<CaptureId>(i), *values[i]);
}

// "before execve(...)".
std::string span_words(const Span& span) {
  const auto call = [](const Anchor& anchor) { return (anchor.last ? "last " : "") + anchor.call.source; };
  if (span.after && span.before) return fmt::format(" between {} and {}", call(*span.after), call(*span.before));
  if (span.after) return " after " + call(*span.after);
  if (span.before) return " before " + call(*span.before);
  return "";
}

}  // namespace

std::string person(const model::Process& process) {
  return fmt::format("pid {} ({})", process.pid, trace::escape(process.comm(), ""));
}

void add_reason(std::vector<Reason>& reasons, const Reason& reason) {
  if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
}

std::string call_line(const trace::Call& call) {
  trace::TextOptions options;
  options.string_limit = 64;
  options.list_limit = 12;
  const std::string text = trace::call_text(call, options);
  return is_pseudo_call(call.name) ? text : text + " = " + trace::result_text(call);
}

std::string event_text(const trace::Event& event) {
  if (const auto* exit = event.as<trace::Exit>()) {
    if (!exit->process) return {};
    return exit->signal ? fmt::format("killed({})", trace::signal_name(exit->signal))
                        : fmt::format("exited({})", exit->code);
  }
  if (event.as<trace::Rename>()) return "renamed(" + trace::quote(event.who.comm) + ")";
  if (const auto* move = event.as<trace::CgroupMove>()) return "moved(" + trace::quote(move->path) + ")";
  if (const auto* fork = event.as<trace::Fork>(); fork && fork->thread()) return {};
  if (event.call.name.empty()) return {};
  return call_line(event.call);
}

SeenCall Explainer::seen(EventIndex event, const Assignment& assignment) const {
  const Stored& stored = facts_.store.event(event);
  const model::Process& process = facts_.process(stored.process);
  SeenCall call;
  call.event = stored.number;
  call.time = stored.time;
  call.pid = process.pid;
  call.tid = stored.tid;
  const std::string* comm = &process.comms.front().comm;
  for (const model::CommSpan& span : process.comms)
    if (span.event <= stored.number) comm = &span.comm;
  call.comm = trace::escape(*comm, "");
  for (std::size_t i = 0; i < assignment.size(); ++i)
    if (assignment[i] == stored.process) call.role = facts_.expectations.roles[i].name;
  call.text = call_line(facts_.store.call(stored));
  return call;
}

MatchedLine Explainer::matched(int line, const std::string& source, EventIndex event,
                               const Assignment& assignment) const {
  return {line, source, seen(event, assignment)};
}

void Explainer::explain(const std::vector<const Rule*>& group, std::size_t index, const Case& one,
                        Finding& finding) const {
  const Rule& rule = *group[index];
  for (const RoleId role : rule.roles) {
    const ProcessId process = one.assignment[static_cast<std::size_t>(role)];
    if (process == kNoProcess) continue;
    const model::Process& p = facts_.process(process);
    finding.processes.push_back({facts_.role(role).name, p.pid, p.id, trace::escape(p.comm(), "")});
  }
  if (one.missing >= 0) {
    const Role& role = facts_.role(one.missing);
    std::string where;
    for (const RoleId above : facts_.roles.chain(one.missing)) {
      const ProcessId process = one.assignment[static_cast<std::size_t>(above)];
      if (process == kNoProcess) continue;
      where = " below " + person(facts_.process(process)) + ", who is `" + facts_.role(above).name + "`,";
      break;
    }
    finding.message = fmt::format("no process{} is `{}`", where, role.name);
    finding.unfilled = true;
    if (finding.verdict == Verdict::CannotTell) finding.reasons = empty_reasons(one.missing);
    return;
  }
  if (const auto* sequence = std::get_if<Sequence>(&rule.what)) {
    this->sequence(*sequence, one, finding);
  } else {
    Bindings bindings(facts_.expectations.captures.size());
    bind(bindings, one.answer.best.bindings);
    Budget budget(10'000'000);
    Judgement judgement;
    try {
      judgement = judge(facts_, rule, one.assignment, bindings, budget);
    } catch (const BudgetPassed&) {
      judgement.truth = Truth::Maybe;
    }
    if (finding.verdict == Verdict::CannotTell)
      for (const Reason& reason : judgement.reasons) add_reason(finding.reasons, reason);
    if (judgement.missing) {
      finding.message = fmt::format("`{}: {}` was never called{}", facts_.role(judgement.missing_role).name,
                                    judgement.missing->source,
                                    std::holds_alternative<At>(rule.what) ? "" : ", so the span does not exist");
      Item item;
      item.role = judgement.missing_role;
      item.call = *judgement.missing;
      nearest(Sequence{}, item, one, finding);
    } else if (const auto* never_rule = std::get_if<Never>(&rule.what)) {
      never(*never_rule, one, judgement, finding);
    } else if (const auto* count_rule = std::get_if<Count>(&rule.what)) {
      count(*count_rule, one, judgement, finding);
    } else if (const auto* at_rule = std::get_if<At>(&rule.what)) {
      at(*at_rule, one, judgement, finding);
    }
  }
  // What was found may have been made earlier, too, or with other values.
  if (finding.verdict == Verdict::CannotTell && finding.reasons.empty())
    for (const Rule* other : group)
      if (const auto* sequence = std::get_if<Sequence>(&other->what)) sequence_reasons(*sequence, one, 0, finding);
  if (one.answer.passed) {
    finding.reasons.clear();
    finding.reasons.push_back({fmt::format("the search passed its step budget at `{}` in line {}",
                                           one.answer.passed->source, one.answer.passed->place.line),
                               "make the calls before it fit fewer calls of the trace"});
  }
  window(one, finding);
}

void Explainer::sequence(const Sequence& sequence, const Case& given, Finding& finding) const {
  Case one = given;
  Progress& best = one.answer.best;
  if (finding.verdict == Verdict::Fails && !one.answer.passed) {
    if (auto found = before_blamed(facts_, sequence, one.assignment)) {
      best.step = found->size();
      best.found = std::move(*found);
    }
  }
  std::uint64_t after = 0;
  for (const Found& found : best.found) {
    finding.matched.push_back(matched(found.item->place.line, found.item->source, found.event, one.assignment));
    after = std::max(after, facts_.store.event(found.event).number);
  }
  for (const Step& step : sequence.steps)
    for (const Item& item : step.items)
      finding.calls.insert(finding.calls.end(), item.call.names.begin(), item.call.names.end());
  finding.centre = after;
  if (best.step >= sequence.steps.size()) return;
  const Step& step = sequence.steps[best.step];
  const auto was_found = [&](const Item& item) {
    return std::ranges::any_of(best.found, [&](const Found& found) { return found.item == &item; });
  };
  const Item* expected = nullptr;
  for (const Item& item : step.items) {
    if (step.any && was_found(item)) continue;
    if (!expected)
      expected = &item;
    else if (step.any)
      finding.details.push_back(fmt::format("nor was `{}` in line {}", item.source, item.place.line));
  }
  if (!expected) expected = &step.items.back();
  if (finding.details.size() > 5) finding.details.resize(5);
  finding.expected = expected->source;
  finding.expected_line = expected->place.line;
  finding.message =
      expected->next && after
          ? fmt::format("`{}` does not stand directly behind event {}", expected->source, after)
          : fmt::format("`{}` was not found{}", expected->source, after ? fmt::format(" after event {}", after) : "");
  nearest(sequence, *expected, one, finding);
  if (finding.verdict == Verdict::CannotTell) sequence_reasons(sequence, one, best.step, finding);
}

void Explainer::sequence_reasons(const Sequence& sequence, const Case& one, std::size_t from, Finding& finding) const {
  for (std::size_t s = from; s < sequence.steps.size(); ++s)
    for (const Item& item : sequence.steps[s].items) {
      const ProcessId process = facts_.who(one.assignment, item.role);
      for (const Reason& reason : blind_spots(facts_, &item.call, process)) add_reason(finding.reasons, reason);
      if (item.next && facts_.gap_of_next) add_reason(finding.reasons, *facts_.gap_of_next);
    }
  if (!finding.reasons.empty()) return;
  // Calls that may fit: what they have was not recorded whole.
  for (std::size_t s = from; s < sequence.steps.size(); ++s)
    for (const Item& item : sequence.steps[s].items) {
      Candidates& candidates = facts_.candidates(item.call, facts_.who(one.assignment, item.role));
      for (std::size_t i = 0; candidates.has(i); ++i) {
        if (candidates[i].truth != Truth::Maybe) continue;
        add_reason(finding.reasons, {fmt::format("an argument at event {} was not recorded whole",
                                                 facts_.store.event(candidates[i].event).number),
                                     "record it again, if it was cut by strace with -s 4096"});
        return;
      }
    }
}

void Explainer::nearest(const Sequence& sequence, const Item& item, const Case& one, Finding& finding) const {
  const ProcessId process = facts_.who(one.assignment, item.role);
  if (nearest_in(process, sequence, item, one, false, finding)) return;
  // Somebody else may have made it.
  std::size_t looked = 0;
  for (ProcessId other = 0; other < facts_.store.processes() && looked < 10000; ++other) {
    if (other == process) continue;
    looked += facts_.store.of(other).size();
    if (!nearest_in(other, sequence, item, one, true, finding)) continue;
    finding.nearest->remark =
        fmt::format("made by {}, who is not `{}`", person(facts_.process(other)), facts_.role(item.role).name);
    return;
  }
}

// What `next` found between two events of a process.
std::string Explainer::between(ProcessId process, std::uint64_t after, std::uint64_t before) const {
  const auto& steps = facts_.store.steps_of(process);
  const auto first = std::ranges::upper_bound(steps, after);
  const auto last = std::ranges::lower_bound(steps, before);
  if (first >= last) return "";
  if (last - first == 1) return fmt::format("event {} stands between", *first);
  return fmt::format("{} calls stand between, from event {} on", last - first, *first);
}

// The nearest call of a process; with `whole`, only one that fits.
bool Explainer::nearest_in(ProcessId process, const Sequence& sequence, const Item& item, const Case& one, bool whole,
                           Finding& finding) const {
  constexpr std::size_t kMost = 20000;
  const auto& found_before = one.answer.best.found;
  std::uint64_t after = 0;
  trace::Time after_time = 0;
  for (const Found& found : found_before) {
    const Stored& event = facts_.store.event(found.event);
    if (event.number > after) after = event.number, after_time = event.time;
  }
  Bindings bindings(facts_.expectations.captures.size());
  bind(bindings, one.answer.best.bindings);
  struct Best {
    std::size_t differs = SIZE_MAX;
    bool before = false;
    std::uint64_t distance = 0;
    EventIndex event = 0;
    Nearness near;
  } best;
  std::size_t looked = 0;
  for (const EventIndex index : facts_.store.of(process)) {
    const Stored& event = facts_.store.event(index);
    if (!facts_.store.name_fits_pattern(item.call, event)) continue;
    if (std::ranges::any_of(found_before, [&](const Found& f) { return f.event == index; })) continue;
    if (++looked > kMost) break;
    Nearness near = nearness(item.call, facts_.store.call(event), bindings);
    const bool before = event.number <= after;
    const std::uint64_t distance = before ? after - event.number : event.number - after;
    if (std::tie(near.differs, before, distance) >= std::tie(best.differs, best.before, best.distance)) continue;
    best = {near.differs, before, distance, index, std::move(near)};
  }
  if (best.differs == SIZE_MAX || (whole && best.differs != 0)) return false;
  NearCall call;
  call.call = seen(best.event, one.assignment);
  if (best.differs) {
    call.what = best.near.what;
    call.expected = trace::escape(best.near.expected, "");
    call.found = best.near.found;
    call.detail = trace::escape(best.near.detail, "");
    // What a capture stands for.
    if (call.expected.starts_with('$'))
      for (const auto& [name, value] : captures_of(bindings))
        if (call.expected == "$" + name) call.expected += ", which is " + trace::quote(value, 80);
  }
  if (!whole && best.before) call.remark = fmt::format("it stands before event {}", after);
  if (!whole && !best.before && best.differs == 0 && after) {
    const Stored& event = facts_.store.event(best.event);
    const trace::Time since = event.time - after_time;
    if (item.within && since > *item.within)
      call.remark = fmt::format("it comes {} after event {}, not within {}", milliseconds(since), after,
                                milliseconds(*item.within));
    else if (item.next)
      call.remark = between(process, after, event.number);
    else if (sequence.within)
      call.remark = fmt::format("the sequence takes longer than {}", milliseconds(*sequence.within));
  }
  finding.nearest = std::move(call);
  if (finding.centre == 0 || (!best.before && best.differs == 0)) finding.centre = finding.nearest->call.event;
  return true;
}

std::vector<std::pair<std::string, std::string>> Explainer::captures_of(const Bindings& bindings) const {
  std::vector<std::pair<std::string, std::string>> list;
  for (std::size_t i = 0; i < facts_.expectations.captures.size(); ++i)
    if (const std::string* value = bindings.get(static_cast<CaptureId>(i)))
      list.emplace_back(facts_.expectations.captures[i], *value);
  return list;
}

void Explainer::never(const Never& rule, const Case& one, const Judgement& judgement, Finding& finding) const {
  finding.calls = rule.call.names;
  for (const EventIndex event : judgement.events)
    finding.matched.push_back(matched(rule.call.place.line, rule.call.source, event, one.assignment));
  if (!judgement.events.empty()) finding.centre = facts_.store.event(judgement.events.front()).number;
  const std::string who = facts_.role(rule.role).name;
  if (finding.verdict == Verdict::Fails)
    finding.message = fmt::format("`{}` made the call{}", who, span_words(rule.span));
  else if (!judgement.events.empty())
    finding.message = fmt::format("`{}` may have made the call{}", who, span_words(rule.span));
  else
    finding.message = fmt::format("`{}: {}` was not seen{}, which does not tell that it did not happen", who,
                                  rule.call.source, span_words(rule.span));
}

void Explainer::count(const Count& rule, const Case& one, const Judgement& judgement, Finding& finding) const {
  if (!rule.call) return;
  finding.calls = rule.call->names;
  for (const EventIndex event : judgement.events)
    finding.matched.push_back(matched(rule.call->place.line, rule.call->source, event, one.assignment));
  if (!judgement.events.empty()) finding.centre = facts_.store.event(judgement.events.back()).number;
  if (!judgement.unlimited && judgement.high == judgement.low) finding.counted = judgement.low;
  std::string number = judgement.low ? times(judgement.low) : "never";
  if (judgement.unlimited)
    number = fmt::format("at least {}", times(judgement.low));
  else if (judgement.high != judgement.low)
    number = fmt::format("{} to {}", judgement.low, times(judgement.high));
  finding.message =
      fmt::format("`{}` was {}{}; the rule wants {}", rule.call->source,
                  number == "never" ? "never called" : "called " + number, span_words(rule.span), rule.bound);
  if (judgement.low == 0) {
    Item item;
    item.role = rule.role;
    item.call = *rule.call;
    nearest(Sequence{}, item, one, finding);
  }
}

void Explainer::at(const At& rule, const Case& one, const Judgement& judgement, Finding& finding) const {
  finding.calls = rule.call.names;
  for (const EventIndex event : judgement.events) {
    finding.matched.push_back(matched(rule.call.place.line, rule.call.source, event, one.assignment));
    finding.centre = facts_.store.event(event).number;
  }
  const Truth wanted = finding.verdict == Verdict::Fails ? Truth::No : Truth::Maybe;
  for (const StateAnswer& answer : judgement.state) {
    if (answer.truth > wanted) continue;
    const bool known = answer.truth == Truth::No;
    std::string text = known ? fmt::format("`{}` does not hold: {}", answer.line->source, answer.found)
                             : fmt::format("`{}` cannot be told: {}", answer.line->source, answer.unknown);
    if (finding.message.empty()) {
      finding.message = std::move(text);
      finding.expected = answer.line->source;
      finding.expected_line = answer.line->place.line;
    } else {
      finding.details.push_back(std::move(text));
    }
  }
  if (finding.message.empty())
    finding.message = fmt::format("it is not certain that every `{}` was seen", rule.call.source);
}

// Calls of the rule's processes around the centre, as far as rules name them.
void Explainer::window(const Case& one, Finding& finding) const {
  if (!finding.centre) return;
  std::vector<EventIndex> calls;
  std::vector<ProcessId> seen_processes;
  for (const Person& person : finding.processes) {
    if (std::ranges::find(seen_processes, person.process) != seen_processes.end()) continue;
    seen_processes.push_back(person.process);
    const auto& of = facts_.store.of(person.process);
    const auto middle =
        std::ranges::lower_bound(of, finding.centre, {}, [&](EventIndex i) { return facts_.store.event(i).number; });
    const auto from = middle - std::min<std::ptrdiff_t>(middle - of.begin(), kWindow);
    const auto to = middle + std::min<std::ptrdiff_t>(of.end() - middle, kWindow + 1);
    calls.insert(calls.end(), from, to);
  }
  std::ranges::sort(calls);
  const auto middle =
      std::ranges::lower_bound(calls, finding.centre, {}, [&](EventIndex i) { return facts_.store.event(i).number; });
  const auto from = middle - std::min<std::ptrdiff_t>(middle - calls.begin(), kWindow);
  const auto to = middle + std::min<std::ptrdiff_t>(calls.end() - middle, kWindow + 1);
  for (auto it = from; it != to; ++it) {
    finding.window.push_back(seen(*it, one.assignment));
    finding.window.back().marked = finding.window.back().event == finding.centre;
  }
}

}  // namespace nstrace::check
