// SPDX-License-Identifier: MIT
// While the trace runs, only what rules may ask for is kept. At its end roles are filled, rules that share captures are
// put together, and each group is judged for every family of processes.
#include "check/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <thread>

#include "check/explain.h"
#include "check/near_miss.h"
#include "check/roles.h"
#include "check/share_out.h"
#include "check/state.h"
#include "check/store.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

// Rules that share a capture, transitively; sequences first, since they bind.
std::vector<std::vector<const Rule*>> groups_of(const Expectations& expectations) {
  const auto& rules = expectations.rules;
  std::vector<std::size_t> leader(rules.size());
  std::iota(leader.begin(), leader.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (leader[i] != i) i = leader[i] = leader[leader[i]];
    return i;
  };
  std::map<CaptureId, std::size_t> by_capture;
  for (std::size_t i = 0; i < rules.size(); ++i)
    for (const CaptureId id : rules[i].captures) {
      const auto [it, first] = by_capture.emplace(id, i);
      if (!first) leader[find(i)] = find(it->second);
    }
  std::map<std::size_t, std::vector<const Rule*>> sets;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::size_t at = find(i);
    if (!sets.contains(at)) order.push_back(at);
    sets[at].push_back(&rules[i]);
  }
  std::vector<std::vector<const Rule*>> groups;
  for (const std::size_t at : order) {
    std::stable_partition(sets[at].begin(), sets[at].end(),
                          [](const Rule* rule) { return std::holds_alternative<Sequence>(rule->what); });
    groups.push_back(std::move(sets[at]));
  }
  return groups;
}

bool counts_processes(const Rule& rule) {
  const auto* count = std::get_if<Count>(&rule.what);
  return count && !count->call;
}

}  // namespace

struct Checker::State {
  State(Expectations e, CheckOptions o) : expectations(std::move(e)), options(o), store(expectations) {
    for (const Rule& rule : expectations.rules)
      if (const auto* at = std::get_if<At>(&rule.what))
        for (const StateLine& line : at->state) history_needed = history_needed || line.of >= 0;
  }

  Finding finding_of(const Rule& rule) const {
    Finding finding;
    finding.file = trace::escape(expectations.sources.file(rule.place.file).path, "");
    finding.line = rule.place.line;
    finding.column = rule.place.column;
    finding.rule = rule_name(rule);
    return finding;
  }

  void judge_roles(const Facts& facts, const Explainer& explainer, Result& result);
  void judge_group(const Facts& facts, const Explainer& explainer, const std::vector<const Rule*>& group,
                   std::map<const Rule*, Finding>& findings);
  std::size_t threads() const;
  void judge_together(const Facts& facts, const Explainer& explainer, std::map<const Rule*, Finding>& findings) const;
  void tell(const Explainer& explainer, const std::vector<const Rule*>& group, const Outcome& outcome,
            std::map<const Rule*, Finding>& findings) const;
  std::vector<Watched> watched() const;
  void judge_number(const Facts& facts, const Explainer& explainer, const Rule& rule, Finding& finding);

  Expectations expectations;
  CheckOptions options;
  model::Model model{model::Marks::Left};
  Recording recording;
  Store store;
  NsHistory history;
  bool history_needed = false;
  bool ended = false;
  std::uint64_t events = 0;
  std::uint64_t lost = 0, lost_until = 0;
  std::uint64_t last_number = 0;
  trace::Time end = 0;
  std::map<ProcessId, std::uint64_t> taken_in;  // behind which event
  std::map<ProcessId, Watched> left;
  // Groups about the same roles, which are judged family by family.
  struct Together {
    std::vector<RoleId> roles;
    std::vector<std::vector<const Rule*>> groups;
  };
  std::vector<Together> together;
  std::map<RoleId, Verdict> empty;  // roles that nobody fills, and are not optional
};

Checker::Checker(Expectations expectations, CheckOptions options)
    : state_(std::make_unique<State>(std::move(expectations), options)) {}
Checker::~Checker() = default;

void Checker::header(const trace::Header& header) {
  state_->model.header(header);
  state_->recording.header(header);
}

void Checker::existing(const trace::Existing& process) {
  State& s = *state_;
  s.model.existing(process);
  if (s.events == 0) return;
  // Taken in while the trace ran: of what it did before nothing is known.
  if (const auto* known = s.model.process_of(process.pid, process.born)) s.taken_in.emplace(known->id, s.last_number);
}

void Checker::event(const trace::Event& event) {
  State& s = *state_;
  s.model.event(event);
  ++s.events;
  s.end = event.time;
  s.last_number = event.number;
  if (const auto* lost = event.as<trace::Lost>()) {
    s.lost += lost->count;
    s.lost_until = event.number;
    return;
  }
  if (event.who.tgid == 0) return;
  const model::Process* process = s.model.process_of(event.who.tgid, event.who.born);
  if (!process) return;
  if (s.recording.imported() && !event.call.name.empty()) {
    s.recording.seen(event.call.name);
    if (event.call.failed()) s.recording.seen_failure();
  }
  if (s.recording.imported()) {
    s.recording.seen_kind(trace::kind_name(event));
  }
  s.store.add(event, s.model, *process);
  // A container's own program, in a pid namespace of its own, is left with its exec (--payload=no).
  if (const model::NamespaceId pid = process->ns_id[trace::Ns::Pid];
      !s.model.header().payload && event.as<trace::Exec>())
    if (const auto* ns = s.model.namespace_of(pid); ns && !ns->host)
      s.left[process->id] = {0, event.number, event.time};
  if (!s.history_needed) return;
  s.history.note(event, *process);
}

void Checker::footer(const trace::Footer& footer) {
  State& s = *state_;
  s.model.footer(footer);
  s.ended = true;
  if (footer.lost > s.lost) {  // lost at a place that is not known
    s.lost = footer.lost;
    s.lost_until = UINT64_MAX;
  }
}

void Checker::State::judge_roles(const Facts& facts, const Explainer& explainer, Result& result) {
  for (std::size_t i = 0; i < expectations.roles.size(); ++i) {
    const Role& role = expectations.roles[i];
    const auto id = static_cast<RoleId>(i);
    if (role.optional || !facts.roles.members(id).empty()) continue;
    Finding finding;
    finding.file = trace::escape(expectations.sources.file(role.place.file).path, "");
    finding.line = role.place.line;
    finding.column = role.place.column;
    finding.rule = "role " + role.name;
    finding.reasons = explainer.empty_reasons(id);
    finding.verdict = finding.reasons.empty() ? Verdict::Fails : Verdict::CannotTell;
    explainer.explain_empty(id, finding);
    empty[id] = finding.verdict;
    result.findings.push_back(std::move(finding));
  }
}

// What was recorded of each process.
std::vector<Watched> Checker::State::watched() const {
  std::vector<Watched> out(model.processes().size());
  if (recording.imported()) return out;  // a log does not say whom strace followed
  const bool forks = !recording.gap_of_kind("fork");
  for (const model::Process& process : model.processes()) {
    Watched& one = out[process.id];
    if (const auto found = left.find(process.id); found != left.end()) one = found->second;
    const auto taken = taken_in.find(process.id);
    if (!process.followed)
      one.from = UINT64_MAX;
    else if (taken != taken_in.end())
      one.from = taken->second + 1;
    else if (forks && !process.existed && !process.fork_event)
      one.from = process.comms.front().event;
  }
  return out;
}

// count ROLE == N.
void Checker::State::judge_number(const Facts& facts, const Explainer& explainer, const Rule& rule, Finding& finding) {
  const Count& count = std::get<Count>(rule.what);
  const std::size_t number = facts.roles.members(count.role).size();
  const auto low = static_cast<std::size_t>(count.low);
  const std::size_t high = count.high == kHighest ? SIZE_MAX : static_cast<std::size_t>(count.high);
  finding.looked_at = 1;
  finding.reasons = explainer.empty_reasons(count.role);
  const std::size_t most = finding.reasons.empty() ? number : SIZE_MAX;
  Truth answer = number >= low && most <= high ? Truth::Yes : most < low || number > high ? Truth::No : Truth::Maybe;
  if (count.inverted) answer = negated(answer);
  finding.verdict = answer == Truth::Yes ? Verdict::Holds : answer == Truth::No ? Verdict::Fails : Verdict::CannotTell;
  if (answer != Truth::Maybe) {
    finding.counted = number;
    finding.reasons.clear();
  }
  if (answer == Truth::Yes) return;
  finding.message = fmt::format("{}{} process{} `{}`; the rule wants {}", answer == Truth::Maybe ? "at least " : "",
                                number, number == 1 ? " is" : "es are", facts.role(count.role).name, count.bound);
  for (const ProcessId id : facts.roles.members(count.role)) {
    if (finding.processes.size() == 10) break;
    const model::Process& p = facts.process(id);
    finding.processes.push_back({facts.role(count.role).name, p.pid, id, trace::escape(p.comm(), "")});
  }
}

void Checker::State::judge_group(const Facts& facts, const Explainer& explainer, const std::vector<const Rule*>& group,
                                 std::map<const Rule*, Finding>& findings) {
  std::vector<RoleId> named;
  for (const Rule* rule : group)
    for (const RoleId role : rule->roles)
      if (std::ranges::find(named, role) == named.end()) named.push_back(role);
  std::ranges::sort(named);
  for (const Rule* rule : group) findings.emplace(rule, finding_of(*rule));
  if (group.size() == 1 && counts_processes(*group[0])) {
    judge_number(facts, explainer, *group[0], findings.at(group[0]));
    return;
  }

  // A role that nobody fills decides the rules that name it; the others are judged without them.
  std::vector<const Rule*> filled;
  for (const Rule* rule : group) {
    Finding& finding = findings.at(rule);
    for (const RoleId role : rule->roles) {
      if (!facts.roles.members(role).empty()) continue;
      const auto verdict = empty.find(role);
      if (verdict == empty.end()) {
        if (finding.verdict == Verdict::Holds) finding.skipped = true;
        continue;
      }
      if (finding.verdict == Verdict::Fails) continue;
      finding.verdict = verdict->second;
      finding.skipped = false;
      finding.unfilled = true;
      finding.message = fmt::format("no process is `{}`", facts.role(role).name);
      finding.reasons = explainer.empty_reasons(role);
    }
    if (!finding.skipped && finding.verdict == Verdict::Holds) filled.push_back(rule);
  }
  if (filled.empty()) return;
  if (filled.size() < group.size()) return judge_group(facts, explainer, filled, findings);

  const auto same_roles = [&](const Together& other) { return other.roles == named; };
  auto together_with = std::ranges::find_if(together, same_roles);
  if (together_with == together.end()) together_with = together.insert(together.end(), {named, {}});
  together_with->groups.push_back(group);
}

std::size_t Checker::State::threads() const {
  constexpr std::size_t kMost = 4;
  constexpr std::size_t kSmall = 2'000'000;  // calls times groups: some 30 ms
  if (options.threads) return options.threads;
  std::size_t groups = 0;
  for (const Together& one : together) groups += one.groups.size();
  if (store.events() * groups < kSmall) return 1;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMost);
}

// Groups do not depend on one another: some at a time go through the families, on a thread that has its own finder, and
// what is found is told in their order.
void Checker::State::judge_together(const Facts& facts, const Explainer& explainer,
                                    std::map<const Rule*, Finding>& findings) const {
  constexpr std::size_t kAtATime = 10;
  struct Piece {
    const Together* of = nullptr;
    const Families* families = nullptr;
    std::size_t begin = 0, end = 0;
    std::vector<Outcome> outcomes;
  };
  const std::size_t workers = threads();
  std::deque<Families> families;
  std::vector<Piece> pieces;
  for (const Together& one : together) {
    families.emplace_back(facts, one.roles);
    const std::size_t size = workers == 1 ? one.groups.size() : kAtATime;
    for (std::size_t begin = 0; begin < one.groups.size(); begin += size)
      pieces.push_back({&one, &families.back(), begin, std::min(begin + size, one.groups.size()), {}});
  }
  std::deque<Finder> finders;
  std::vector<Facts> own(workers, facts);
  for (std::size_t i = 1; i < workers; ++i) own[i].finder = &finders.emplace_back(store);
  share_out(pieces.size(), workers, [&](std::size_t worker, std::size_t i) {
    Piece& piece = pieces[i];
    std::vector<Searcher> searchers;
    for (std::size_t g = piece.begin; g < piece.end; ++g)
      searchers.emplace_back(own[worker], piece.of->groups[g], options.budget);
    piece.outcomes = Families(*piece.families).run(searchers);
  });
  for (const Piece& piece : pieces)
    for (std::size_t i = 0; i < piece.outcomes.size(); ++i)
      tell(explainer, piece.of->groups[piece.begin + i], piece.outcomes[i], findings);
}

// What the families of processes say about a group.
void Checker::State::tell(const Explainer& explainer, const std::vector<const Rule*>& group, const Outcome& outcome,
                          std::map<const Rule*, Finding>& findings) const {
  for (std::size_t i = 0; i < group.size(); ++i) {
    Finding& finding = findings.at(group[i]);
    finding.looked_at = outcome.looked_at();
    const auto mine = [&](const Case& one) { return one.missing >= 0 || one.answer.best.rule == i; };
    const auto earlier = [&](const Case& one) { return one.missing < 0 && one.answer.best.rule < i; };
    const auto explain = [&](Verdict verdict, const std::vector<Case>& cases, std::size_t number) {
      const auto one = std::ranges::find_if(cases, mine);
      if (finding.verdict != Verdict::Holds || one == cases.end()) return;
      finding.verdict = verdict;
      finding.others = group.size() == 1 ? number - 1 : 0;
      explainer.explain(group, i, *one, finding);
    };
    explain(Verdict::Fails, outcome.failed, outcome.fails);
    explain(Verdict::CannotTell, outcome.untold, outcome.unknown);
    if (finding.verdict == Verdict::Holds)
      for (const auto* cases : {&outcome.failed, &outcome.untold}) {
        const auto one = std::ranges::find_if(*cases, earlier);
        if (one == cases->end()) continue;
        const Rule& other = *group[one->answer.best.rule];
        finding.verdict = Verdict::CannotTell;
        finding.message = "it was not looked at";
        finding.blocked = true;
        finding.reasons.push_back({fmt::format("the rule in line {}, with which it shares a capture, {}",
                                               other.place.line, cases == &outcome.failed ? "fails" : "cannot be told"),
                                   ""});
        break;
      }
    if (finding.verdict != Verdict::CannotTell) {
      finding.reasons = explainer.selection_reasons(*group[i]);
      if (!finding.reasons.empty()) {
        finding.verdict = Verdict::CannotTell;
        if (finding.message.empty()) finding.message = "it is not certain which process fills its role";
      }
    }
    if (finding.verdict == Verdict::Holds && outcome.passed) {
      finding.verdict = Verdict::CannotTell;
      finding.message = "there are too many combinations of processes to look at all of them";
      finding.reasons.push_back({"its roles are filled by too many processes", "put roles `below` a common one"});
    }
    if (finding.verdict == Verdict::Holds && outcome.looked_at() == 0) {
      finding.verdict = Verdict::CannotTell;
      finding.message = "no processes that belong together fill its roles";
      finding.reasons.push_back({"nothing was looked at", "check the `below` of its roles"});
    }
  }
}

Result Checker::result() {
  State& s = *state_;
  if (!s.ended && s.events == 0) s.model.footer({});  // settles who existed
  const Roles roles(s.expectations, s.model);
  const std::vector<Watched> watched = s.watched();
  Finder finder(s.store);
  Facts facts{s.expectations, s.model, s.recording, s.store, roles, s.history, watched, &finder};
  facts.lost = s.lost;
  facts.lost_until = s.lost_until;
  facts.complete = s.ended;
  facts.end = s.end;
  facts.programs_left = !s.left.empty();
  facts.gaps.resize(static_cast<std::size_t>(s.expectations.calls));
  bool next = false;
  for (const Rule& rule : s.expectations.rules) {
    for_each_call(
        rule, [&](const CallPattern& call) { facts.gaps[static_cast<std::size_t>(call.id)] = s.recording.gap(call); });
    if (const auto* sequence = std::get_if<Sequence>(&rule.what))
      for (const Step& step : sequence->steps)
        for (const Item& item : step.items) next = next || item.next;
  }
  if (next) facts.gap_of_next = s.recording.gap_of_set("%lifecycle");

  Result result;
  result.events = s.events;
  if (!s.ended) result.notes.push_back("the trace is incomplete: it has no end");
  if (s.lost) result.notes.push_back(fmt::format("{} event{} lost", s.lost, s.lost == 1 ? " was" : "s were"));
  const Explainer explainer(facts);
  s.empty.clear();
  s.judge_roles(facts, explainer, result);
  std::map<const Rule*, Finding> findings;
  s.together.clear();
  for (const auto& group : groups_of(s.expectations)) s.judge_group(facts, explainer, group, findings);
  s.judge_together(facts, explainer, findings);
  for (const Rule& rule : s.expectations.rules) {
    Finding& finding = findings.at(&rule);
    if (const auto* never = std::get_if<Never>(&rule.what); never && finding.verdict == Verdict::Holds)
      if (const auto remark = near_miss(facts, *never))
        result.notes.push_back(
            fmt::format("{}:{}: {} holds, but {}", finding.file, finding.line, finding.rule, *remark));
    std::ranges::sort(finding.calls);
    finding.calls.erase(std::unique(finding.calls.begin(), finding.calls.end()), finding.calls.end());
    result.findings.push_back(std::move(finding));
  }
  const auto looked_at = [](const Finding& finding) { return !finding.skipped; };
  if (std::ranges::none_of(result.findings, looked_at)) {
    Finding finding;
    finding.file = trace::escape(s.expectations.sources.file(0).path, "");
    finding.line = finding.column = 1;
    finding.rule = "all rules";
    finding.verdict = Verdict::CannotTell;
    finding.message = "no rule was looked at";
    finding.reasons.push_back({"nobody fills the optional roles that the rules are about", "check the roles"});
    result.findings.push_back(std::move(finding));
  }
  for (const Finding& finding : result.findings) {
    switch (finding.verdict) {
      case Verdict::Holds:
        ++(finding.skipped ? result.skipped : result.holds);
        break;
      case Verdict::Fails:
        ++result.fails;
        break;
      case Verdict::CannotTell:
        ++result.unknown;
        break;
    }
  }
  if (result.unknown) result.verdict = Verdict::CannotTell;
  if (result.fails) result.verdict = Verdict::Fails;
  return result;
}

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::Holds:
      return "holds";
    case Verdict::Fails:
      return "fails";
    case Verdict::CannotTell:
      return "cannot tell";
  }
  return "";
}

}  // namespace nstrace::check
