// SPDX-License-Identifier: MIT
// For each failing rule there are some edits that may help. One is taken if the files still parse and less fails than
// before; so an edit is never a guess.
#include "check/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "check/expect_calls.h"
#include "check/update_call.h"

namespace nstrace::check {
namespace {

using trace::Trace;

constexpr int kMostEdits = 1000;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// `text` with `to` for its only `from`; empty if it is not there once.
std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = from.empty() ? std::string::npos : text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) return "";
  return text.substr(0, at) + to + text.substr(at + from.size());
}

std::string indent_of(const std::string& line) {
  return line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
}

class Updater {
 public:
  Updater(const std::string& path, const std::vector<Trace>& traces, const Loader& load)
      : path_(path), traces_(traces), load_(load) {}

  Updated run() {
    state_ = judge(texts_, true);
    const auto begun = texts_;
    for (int edits = 0; edits < kMostEdits && edit(); ++edits) continue;
    Updated out;
    for (const auto& [path, text] : texts_)
      if (const auto before = begun.find(path); before != begun.end() && before->second != text)
        out.before[path] = before->second, out.after[path] = text;
    for (const State::Failing& failing : state_->failing)
      if (std::ranges::find(out.left, failing.finding.rule) == out.left.end()) out.left.push_back(failing.finding.rule);
    out.verdict = !state_->failing.empty() ? Verdict::Fails : state_->unknown ? Verdict::CannotTell : Verdict::Holds;
    return out;
  }

 private:
  using Texts = std::map<std::string, std::string>;
  struct State {
    struct Failing {
      std::size_t trace = 0;
      Finding finding;
      const Rule* rule = nullptr;  // absent: a role that nobody fills
      std::string path;
    };
    Expectations expectations;
    std::vector<Failing> failing;
    std::size_t unknown = 0;
    std::size_t weight = 0;  // how much fails
  };
  using StateRef = std::shared_ptr<const State>;

  // What fails with these texts; nullptr if they do not parse. `texts` gets the files that are included.
  StateRef judge(Texts& texts, bool must_parse) const {
    auto state = std::make_shared<State>();
    const Loader load = [&](const std::string& path) {
      const auto at = texts.find(path);
      if (at != texts.end()) return at->second;
      return texts[path] = load_(path);
    };
    try {
      state->expectations = parse(path_, load(path_), load);
    } catch (const ParseError&) {
      if (must_parse) throw;
      return nullptr;
    }
    for (std::size_t i = 0; i < traces_.size(); ++i) {
      Checker checker(state->expectations);
      checker.header(traces_[i].header);
      for (const auto& process : traces_[i].existing) checker.existing(process);
      for (const auto& event : traces_[i].events) checker.event(event);
      if (traces_[i].footer) checker.footer(*traces_[i].footer);
      for (const Finding& finding : checker.result().findings) {
        state->unknown += finding.verdict == Verdict::CannotTell;
        // It is behind a rule with which it shares a capture: as bad as failing at its first line, so that to mend the
        // one in front is better whatever is found here.
        if (finding.blocked) state->weight += 2 * kRule;
        if (finding.verdict != Verdict::Fails) continue;
        State::Failing failing{i, finding, nullptr, ""};
        for (const Rule& rule : state->expectations.rules)
          if (rule.place.line == finding.line && rule.place.column == finding.column && rule_name(rule) == finding.rule)
            failing.rule = &rule;
        if (failing.rule) failing.path = state->expectations.sources.file(failing.rule->place.file).path;
        state->weight += weight(failing);
        state->failing.push_back(std::move(failing));
      }
    }
    return state;
  }

  // More than one step of any edit for the rule, so that to hold is always better.
  static constexpr std::size_t kRule = 100000;

  static std::size_t weight(const State::Failing& failing) {
    if (!failing.rule) return kRule;
    if (const auto* sequence = std::get_if<Sequence>(&failing.rule->what)) {
      std::size_t calls = 0;
      for (const Step& step : sequence->steps) calls += step.items.size();
      return kRule + calls - std::min(calls, failing.finding.matched.size());
    }
    if (const auto* at = std::get_if<At>(&failing.rule->what)) {
      std::size_t kinds = 0;
      for (const StateLine& line : at->state)
        if (line.place.line == failing.finding.expected_line) kinds = line.ns.size();
      return kRule + 100 * failing.finding.details.size() + kinds;
    }
    return kRule;
  }

  // Takes one edit for the first rule that one helps; false if none does.
  bool edit() {
    for (const State::Failing& failing : state_->failing) {
      // Where nobody fills a role, nothing was looked at: no line is at fault.
      if (!failing.rule || failing.finding.unfilled || stuck_.contains(failing.finding.rule)) continue;
      // Of the ways to take a state apart the best counts; else the one that changes least stands in front.
      const bool all = std::holds_alternative<At>(failing.rule->what);
      std::optional<Texts> best;
      StateRef best_state = state_;
      for (const std::string& text : edits(failing)) {
        Texts texts = texts_;
        if (text.empty() || texts[failing.path] == text) continue;
        texts[failing.path] = text;
        const StateRef state = judge(texts, false);
        if (!state || state->weight >= best_state->weight) continue;
        best = std::move(texts);
        best_state = state;
        if (!all) break;
      }
      if (best) {
        texts_ = std::move(*best);
        state_ = best_state;
        return true;
      }
      stuck_.insert(failing.finding.rule);
    }
    return false;
  }

  // New texts of the rule's file, the one to try first in front.
  std::vector<std::string> edits(const State::Failing& failing) const {
    const std::vector<std::string> lines = lines_of(texts_.at(failing.path));
    const Rule& rule = *failing.rule;
    const int number = failing.finding.expected_line ? failing.finding.expected_line : failing.finding.line;
    const auto at = static_cast<std::size_t>(number) - 1;
    if (at >= lines.size()) return {};
    if (const auto* sequence = std::get_if<Sequence>(&rule.what)) return for_sequence(failing, *sequence, lines, at);
    if (const auto* count = std::get_if<Count>(&rule.what)) return for_count(failing, *count, lines, at);
    if (const auto* state = std::get_if<At>(&rule.what)) return for_state(failing, *state, lines, at);
    return {
        with(lines, at, indent_of(lines[at]) + "# no longer holds: " + lines[at].substr(indent_of(lines[at]).size()))};
  }

  static std::string with(std::vector<std::string> lines, std::size_t at, const std::string& line) {
    lines[at] = line;
    return text_of(lines);
  }
  static std::string without(std::vector<std::string> lines, std::size_t at) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    return text_of(lines);
  }

  std::vector<std::string> for_sequence(const State::Failing& failing, const Sequence& sequence,
                                        const std::vector<std::string>& lines, std::size_t at) const {
    std::vector<std::string> out;
    const Item* item = nullptr;
    for (const Step& step : sequence.steps)
      for (const Item& one : step.items)
        if (one.place.line == failing.finding.expected_line) item = item ? nullptr : &one;
    if (!item || item->source.find('\n') != std::string::npos) return out;
    const auto& near = failing.finding.nearest;
    const bool own = near && near->remark.find("who is not") == std::string::npos;
    if (own && !near->what.empty()) {
      // what differs of the arguments; what differs at first, as it was; the whole call, as expect writes it
      const auto& events = traces_[failing.trace].events;
      const auto event = std::ranges::find(events, near->call.event, &trace::Event::number);
      const std::size_t colon = item->source.find(':');
      if (event != events.end()) {
        const std::size_t captures = state_->expectations.captures.size();
        if (const std::string line = mended_line(lines[at], *item, event->call, captures); !line.empty())
          out.push_back(with(lines, at, line));
      }
      if (const std::string line = replaced(lines[at], near->expected, near->found); !line.empty())
        out.push_back(with(lines, at, line));
      if (event != events.end() && colon != std::string::npos) {
        const auto none = [](std::string_view) { return std::string(); };
        const std::string call = call_pattern(event->call, none, false).write();
        const std::string source = item->source.substr(0, colon + 1) + " " + call;
        if (const std::string line = replaced(lines[at], item->source, source); !line.empty())
          out.push_back(with(lines, at, line));
      }
    }
    if (own && near->what.empty()) {
      // where it stands now
      for (const Step& step : sequence.steps) {
        const auto to = static_cast<std::size_t>(step.place.line) - 1;
        if (to == at || to >= lines.size() || step.any) continue;
        std::vector<std::string> moved = lines;
        moved.erase(moved.begin() + static_cast<std::ptrdiff_t>(at));
        moved.insert(moved.begin() + static_cast<std::ptrdiff_t>(to), lines[at]);
        out.push_back(text_of(moved));
      }
    }
    out.push_back(without(lines, at));
    return out;
  }

  // What was counted; with several traces, from the least to the most.
  std::vector<std::string> for_count(const State::Failing& failing, const Count& count,
                                     const std::vector<std::string>& lines, std::size_t at) const {
    const std::size_t bound = lines[at].rfind(count.bound);
    if (!failing.finding.counted || bound == std::string::npos) return {};
    const auto n = static_cast<std::int64_t>(*failing.finding.counted);
    std::vector<std::string> out;
    const auto put = [&](const std::string& text) {
      std::string line = lines[at];
      out.push_back(with(lines, at, line.replace(bound, count.bound.size(), text)));
    };
    put(fmt::format("== {}", n));
    if (count.high != kHighest) put(fmt::format("in {}..{}", std::min(n, count.low), std::max(n, count.high)));
    put(fmt::format("<= {}", n));
    put(fmt::format(">= {}", n));
    return out;
  }

  // A namespace's state becomes another; other states go.
  static std::vector<std::string> for_state(const State::Failing&, const At& rule,
                                            const std::vector<std::string>& lines, std::size_t at) {
    std::vector<std::string> out;
    const auto found = std::ranges::find_if(
        rule.state, [&](const StateLine& line) { return line.place.line == static_cast<int>(at) + 1; });
    if (found == rule.state.end()) return out;
    const std::string indent = indent_of(lines[at]);
    for (std::size_t i = 0; found->kind == StateLine::Kind::Ns && i < found->ns.size(); ++i) {
      std::string others;
      for (std::size_t k = 0; k < found->ns.size(); ++k)
        if (k != i) others += (others.empty() ? "" : ", ") + std::string(trace::ns_name(found->ns[k]));
      const std::size_t colon = lines[at].find(':');
      for (const char* state : {"new", "host", "not new"}) {
        std::vector<std::string> split = lines;
        split[at] = fmt::format("{}ns {}: {}", indent, trace::ns_name(found->ns[i]), state);
        if (!others.empty())
          split.insert(split.begin() + static_cast<std::ptrdiff_t>(at),
                       indent + "ns " + others + lines[at].substr(colon));
        out.push_back(text_of(split));
      }
    }
    out.push_back(without(lines, at));
    return out;
  }

  const std::string& path_;
  const std::vector<Trace>& traces_;
  const Loader& load_;
  Texts texts_;
  StateRef state_;
  std::set<std::string> stuck_;  // rules that no edit helps
};

}  // namespace

Updated update(const std::string& path, const std::vector<Trace>& traces, const Loader& load) {
  return Updater(path, traces, load).run();
}

std::string line_diff(const std::string& path, const std::string& before, const std::string& after) {
  constexpr std::size_t kContext = 2;
  const std::vector<std::string> a = lines_of(before), b = lines_of(after);
  std::vector<std::vector<std::uint32_t>> same(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t k = b.size(); k-- > 0;)
      same[i][k] = a[i] == b[k] ? 1 + same[i + 1][k + 1] : std::max(same[i + 1][k], same[i][k + 1]);
  struct Line {
    char sign;
    std::string text;
    std::size_t a, b;  // numbers of the lines, from 0
  };
  std::vector<Line> all;
  for (std::size_t i = 0, k = 0; i < a.size() || k < b.size();) {
    if (i < a.size() && k < b.size() && a[i] == b[k])
      all.push_back({' ', a[i], i, k}), ++i, ++k;
    else if (i < a.size() && (k == b.size() || same[i + 1][k] >= same[i][k + 1]))
      all.push_back({'-', a[i], i, k}), ++i;
    else
      all.push_back({'+', b[k], i, k}), ++k;
  }
  std::string out = fmt::format("--- {}\n+++ {}\n", path, path);
  for (std::size_t at = 0; at < all.size();) {
    if (all[at].sign == ' ') {
      ++at;
      continue;
    }
    const std::size_t begin = at - std::min(at, kContext);
    std::size_t end = at, quiet = 0;  // behind the last change, with what stands after it
    for (std::size_t i = at; i < all.size() && quiet <= 2 * kContext; ++i) {
      quiet = all[i].sign == ' ' ? quiet + 1 : 0;
      if (!quiet) end = i + 1;
    }
    end = std::min(end + kContext, all.size());
    std::size_t in_a = 0, in_b = 0;
    std::string body;
    for (std::size_t i = begin; i < end; ++i) {
      in_a += all[i].sign != '+';
      in_b += all[i].sign != '-';
      body += all[i].sign + all[i].text + "\n";
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n", all[begin].a + 1, in_a, all[begin].b + 1, in_b) + body;
    at = end;
  }
  return out;
}

}  // namespace nstrace::check
