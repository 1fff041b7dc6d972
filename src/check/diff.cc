// SPDX-License-Identifier: MIT
// What both traces recorded is compared; what only one could have recorded is left out of both, and said.
#include "check/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "check/diff_align.h"
#include "check/diff_cut.h"
#include "check/diff_noise.h"
#include "check/diff_roles.h"
#include "check/diff_side.h"

namespace nstrace::check {
namespace {

using trace::Trace;

// What a trace could have in it.
struct Recorded {
  std::set<std::string> calls, kinds;
  bool successful = true, failed = true;
};

Recorded recorded(const Trace& trace) {
  Recorded out;
  const trace::Header& header = trace.header;
  if (header.calls_known) {
    out.calls.insert(header.calls.begin(), header.calls.end());
  }
  // An imported log does not say what was recorded; what is in it was.
  for (const trace::Event& event : trace.events)
    if (!event.call.name.empty()) out.calls.insert(event.call.name);
  for (const char* kind : {"exec", "fork", "exit", "comm", "cgroup"})
    if (header.events.empty() || std::ranges::count(header.events, kind)) out.kinds.insert(kind);
  out.successful = header.results != "failed";
  out.failed = header.results != "successful";
  return out;
}

// Whether the trace has the environments of its execs: a log has them only with strace's -v.
bool has_env(const Trace& trace) {
  return trace.header.calls_known || std::ranges::none_of(trace.events, [](const trace::Event& event) {
           const auto* exec = event.as<trace::Exec>();
           return exec && exec->env_count && exec->env.empty();
         });
}

std::string listed(const std::set<std::string>& words) {
  constexpr std::size_t kShown = 8;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& word : words) {
    if (shown++ == kShown) return text + fmt::format(" and {} more", words.size() - kShown);
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

// The words that only one of them records, with a note for each side; where the other one has events of that kind, they
// are left out, and what they would show cannot be told.
void note_gap(Diff& diff, const Trace& a, const Trace& b, const Recorded& in_a, const Recorded& in_b, bool calls) {
  const auto tell = [&](const char* name, const Recorded& has_not, const char* other, const Recorded& has,
                        const Trace& trace) {
    const auto& words = calls ? has.calls : has.kinds;
    const auto& known = calls ? has_not.calls : has_not.kinds;
    std::set<std::string> gap, made;
    std::ranges::set_difference(words, known, std::inserter(gap, gap.end()));
    if (gap.empty()) return;
    std::size_t count = 0;
    for (const trace::Event& event : trace.events) {
      const std::string word = calls ? event.call.name : std::string(trace::kind_name(event));
      if (!gap.contains(word) || is_noise(event)) continue;
      made.insert(word);
      ++count;
    }
    const char* what = calls ? "the calls" : "events of kind";
    if (made.empty()) {
      diff.notes.push_back(fmt::format("{} does not record {} {}; left out", name, what, listed(gap)));
      return;
    }
    diff.doubts.push_back(fmt::format("{} does not record {} {}: {} event{} of {} could not be compared", name, what,
                                      listed(made), count, count == 1 ? "" : "s", other));
  };
  tell("A", in_a, "B", in_b, b);
  tell("B", in_b, "A", in_a, a);
}

// `name` records one kind of result only; of the other one the failed or the successful calls are left out.
void note_results(Diff& diff, const char* name, const Trace& other, bool failed) {
  const auto left_out = [&](const trace::Event& event) {
    return !event.call.name.empty() && event.call.failed() == failed && !is_noise(event);
  };
  const auto count = std::ranges::count_if(other.events, left_out);
  const std::string what = fmt::format("{} records {} calls only", name, failed ? "successful" : "failed");
  if (count)
    diff.doubts.push_back(fmt::format("{}: {} {} call{} of the other could not be compared", what, count,
                                      failed ? "failed" : "successful", count == 1 ? "" : "s"));
  else
    diff.notes.push_back(fmt::format("{}; {} calls are left out", what, failed ? "failed" : "successful"));
}

void doubt(Diff& diff, const char* name, const Trace& trace) {
  if (!trace.footer) {
    const std::string& why = trace.report.incomplete_why;
    diff.doubts.push_back(fmt::format("{} is incomplete{}{}", name, why.empty() ? "" : ": ", why));
  }
  std::uint64_t lost = 0;
  for (const trace::Event& event : trace.events)
    if (const auto* loss = event.as<trace::Lost>()) lost += loss->count;
  if (trace.footer) lost = std::max(lost, trace.footer->lost);
  if (lost)
    diff.doubts.push_back(
        fmt::format("{} lost {} record{}; record it again with a larger --buffer", name, lost, lost == 1 ? "" : "s"));
}

struct Comparison {
  const Side& a;
  const Side& b;
  Diff& diff;
  std::vector<std::optional<std::size_t>> to_b = {}, to_a = {};
  std::map<std::string, std::size_t> left_out = {};  // by why

  void compare(std::optional<std::size_t> i, std::optional<std::size_t> j, int depth) {
    ProcessDiff out;
    out.depth = depth;
    const Actor* x = i ? &a.actors[*i] : nullptr;
    const Actor* y = j ? &b.actors[*j] : nullptr;
    if (x) out.name_a = x->name, out.calls_a = x->steps.size();
    if (y) out.name_b = y->name, out.calls_b = y->steps.size();
    const Side& side = x ? a : b;
    if (const auto creator = (x ? x : y)->creator) out.below = side.actors[*creator].name;
    if (x && y) {
      std::vector<CallStep> steps_x = comparable(*x, *y), steps_y = comparable(*y, *x);
      match_cut(steps_x, steps_y);
      Alignment aligned = align(steps_x, steps_y, !x->daemon && !y->daemon);
      for (CallChange& change : aligned.changes) {
        const std::string why = incidental(change);
        if (!why.empty()) ++left_out[why];
        (why.empty() ? out.changes : out.incidental).push_back(std::move(change));
      }
      out.same = aligned.same;
      out.in_order = aligned.in_order;
      for (int k = 0; k < trace::kNsCount; ++k)
        if (!x->lives[k].empty() && !y->lives[k].empty() && x->lives[k] != y->lives[k])
          out.lives.push_back({std::string(trace::ns_name(static_cast<trace::Ns>(k))), x->lives[k], y->lives[k]});
      if (x->kind == "init" && y->kind == "init" && x->started && y->started) out.start = start(*x, *y);
      for (const CallChange& change : out.changes) count(change);
      if (out.differs()) ++diff.processes_changed;
    } else {
      out.where = x ? ProcessDiff::Where::OnlyA : ProcessDiff::Where::OnlyB;
      ++(x ? diff.processes_gone : diff.processes_new);
      out.changes = align(x ? x->steps : std::vector<CallStep>(), y ? y->steps : std::vector<CallStep>(), true).changes;
    }
    diff.processes.push_back(std::move(out));
  }

  // What only one of them has is "no" in the other: both recorded the calls that tell, and came to the end of them.
  static std::vector<ValueChange> start(const Actor& x, const Actor& y) {
    std::vector<ValueChange> out;
    std::set<std::string> names;
    for (const auto* actor : {&x, &y})
      for (const auto& [name, value] : actor->start) names.insert(name);
    const auto of = [](const Actor& actor, const std::string& name) {
      const auto at = actor.start.find(name);
      return at == actor.start.end() ? std::string("no") : at->second;
    };
    // What only an exec tells is not known of a trace that does not record it.
    constexpr std::string_view kOfExec[] = {"ambient capabilities", "bounding capabilities", "user and group",
                                            "working directory", "open descriptors"};
    for (const std::string& name : names)
      if (std::ranges::find(kOfExec, name) == std::end(kOfExec) || (x.start.contains(name) && y.start.contains(name)))
        out.push_back({name, of(x, name), of(y, name)});
    return out;
  }

  // Whether a process that the other trace still saw running has ended is a matter of when tracing stopped.
  static std::vector<CallStep> comparable(const Actor& actor, const Actor& other) {
    std::vector<CallStep> steps = actor.steps;
    if (!other.ended) std::erase_if(steps, [](const CallStep& step) { return step.call == "exit"; });
    return steps;
  }

  void count(const CallChange& change) {
    switch (change.change) {
      case Change::New:
        ++diff.calls.added;
        break;
      case Change::Gone:
        ++diff.calls.gone;
        break;
      case Change::Changed:
        ++diff.calls.changed;
        break;
      case Change::Moved:
        ++diff.calls.moved;
        break;
    }
  }

  // A's processes, each with what is below it in either trace.
  void below(std::optional<std::size_t> i, std::optional<std::size_t> j, int depth) {
    compare(i, j, depth);
    if (i)
      for (const std::size_t child : a.actors[*i].children) below(child, to_b[child], depth + 1);
    if (j)
      for (const std::size_t child : b.actors[*j].children)
        if (!to_a[child]) below(std::nullopt, child, depth + 1);
  }

  void run() {
    to_b = match_actors(a, b);
    to_a.resize(b.actors.size());
    for (std::size_t i = 0; i < to_b.size(); ++i)
      if (to_b[i]) to_a[*to_b[i]] = i;
    for (const std::size_t root : a.roots) below(root, to_b[root], 0);
    for (const std::size_t root : b.roots)
      if (!to_a[root]) below(std::nullopt, root, 0);
  }
};

}  // namespace

std::string_view change_name(Change change) {
  switch (change) {
    case Change::New:
      return "new";
    case Change::Gone:
      return "gone";
    case Change::Changed:
      return "changed";
    case Change::Moved:
      return "reordered";
  }
  return "";
}

bool ProcessDiff::differs() const {
  const auto other = [](const ValueChange& value) { return value.before != value.after; };
  return where != Where::Both || !changes.empty() || !lives.empty() || std::ranges::any_of(start, other);
}

Diff diff(const Trace& a, const Trace& b) {
  Diff out;
  const Recorded in_a = recorded(a), in_b = recorded(b);
  note_gap(out, a, b, in_a, in_b, true);
  note_gap(out, a, b, in_a, in_b, false);
  Scope scope;
  scope.call = [&](const std::string& name) { return in_a.calls.count(name) && in_b.calls.count(name); };
  const auto both = [&](const char* kind) { return in_a.kinds.count(kind) && in_b.kinds.count(kind); };
  scope.exec = both("exec"), scope.fork = both("fork"), scope.exit = both("exit");
  scope.comm = both("comm"), scope.cgroup = both("cgroup");
  scope.successful = in_a.successful && in_b.successful;
  scope.failed = in_a.failed && in_b.failed;
  if (in_a.failed != in_b.failed) note_results(out, in_a.failed ? "B" : "A", in_a.failed ? a : b, true);
  if (in_a.successful != in_b.successful)
    note_results(out, in_a.successful ? "B" : "A", in_a.successful ? a : b, false);

  scope.env = has_env(a) && has_env(b);
  scope.payload = a.header.payload && b.header.payload;
  if (a.header.payload != b.header.payload)
    out.notes.push_back(fmt::format("{} does not record what containers' programs do (--payload=no); left out",
                                    a.header.payload ? "B" : "A"));

  const Side side_a = read_side(a, scope), side_b = read_side(b, scope);
  Comparison comparison{side_a, side_b, out};
  comparison.run();
  for (const auto& [why, count] : comparison.left_out)
    out.notes.push_back(fmt::format("{}: {} call{} left out", why, count, count == 1 ? "" : "s"));
  out.processes_a = side_a.actors.size(), out.processes_b = side_b.actors.size();
  for (const Actor& actor : side_a.actors) out.calls_a += actor.steps.size();
  for (const Actor& actor : side_b.actors) out.calls_b += actor.steps.size();

  doubt(out, "A", a);
  doubt(out, "B", b);
  if (out.calls_a + out.calls_b == 0)
    out.doubts.push_back("there is nothing to compare: neither trace has an event of a kind that both record");
  const bool differs = std::ranges::any_of(out.processes, [](const ProcessDiff& p) { return p.differs(); });
  out.verdict = differs ? Diff::Verdict::Differs : out.doubts.empty() ? Diff::Verdict::Same : Diff::Verdict::CannotTell;
  return out;
}

}  // namespace nstrace::check
