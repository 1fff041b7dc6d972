// SPDX-License-Identifier: MIT
// The parts that processes play are the same in every run, or they are optional; what a part does is what its players
// have in common in all runs. What is written is then checked against the runs, and what does not hold is left out.
#include "check/expect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "check/checker.h"
#include "check/expect_run.h"
#include "check/parse.h"
#include "check/roles.h"
#include "trace/error.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kMostCalls = 1000;  // of a sequence

// A part in all runs.
struct Cast {
  Part part;
  std::string path;
  std::string name;                  // unique
  std::optional<std::size_t> below;  // index into the casts
  std::vector<std::string> without;  // verbs of others that run the same program
  bool active = false;               // somebody who plays it made a call that is to be written
  std::vector<Player> players;       // in all runs
  std::set<std::size_t> runs;        // that have it
};

struct Block {
  std::string text;         // of whole lines
  int first = 0, last = 0;  // lines, once placed
  bool rule = false;
};

std::vector<Cast> casts_of(const std::vector<Run>& runs) {
  std::vector<Cast> casts;
  std::map<std::string, std::size_t> by_path;
  for (const Run& run : runs)
    for (const Played& played : run.parts) {
      const auto [it, added] = by_path.emplace(played.path, casts.size());
      if (added) {
        Cast cast;
        cast.part = played.part;
        cast.path = played.path;
        if (played.part.below) cast.below = by_path.at(run.parts[*played.part.below].path);
        casts.push_back(std::move(cast));
      }
      Cast& cast = casts[it->second];
      cast.runs.insert(static_cast<std::size_t>(&run - runs.data()));
      cast.active = cast.active || played.active;
    }
  return casts;
}

// Only those that did something, and those above them.
void keep_active(std::vector<Cast>& casts) {
  std::vector<char> keep(casts.size(), 0);
  for (std::size_t i = 0; i < casts.size(); ++i)
    if (casts[i].active)
      for (std::optional<std::size_t> at = i; at && !keep[*at]; at = casts[*at].below) keep[*at] = 1;
  std::vector<std::size_t> place(casts.size());
  std::vector<Cast> kept;
  for (std::size_t i = 0; i < casts.size(); ++i) {
    if (!keep[i]) continue;
    place[i] = kept.size();
    if (casts[i].below) casts[i].below = place[*casts[i].below];
    kept.push_back(std::move(casts[i]));
  }
  casts = std::move(kept);
}

void name_casts(std::vector<Cast>& casts) {
  const auto program_only = [](const Cast& cast) { return cast.part.comm.empty() && !cast.part.first_inside; };
  std::set<std::string> taken;
  for (Cast& cast : casts) {
    std::string name = cast.part.name;
    const auto same = std::ranges::count_if(casts, [&](const Cast& c) { return c.part.name == cast.part.name; });
    if (same > 1 && program_only(cast) && !cast.part.verb.empty()) {
      std::string verb;
      for (const char c : cast.part.verb)
        if (std::isalnum(static_cast<unsigned char>(c)) || c == '-') verb += c;
      while (verb.ends_with('-')) verb.pop_back();
      if (!verb.empty() && std::isalpha(static_cast<unsigned char>(verb[0]))) name += "-" + verb;
    }
    static const std::set<std::string> kWords = {"role",  "sequence", "any",   "next",     "never",  "count", "at",
                                                 "last",  "first",    "each",  "optional", "within", "with",  "without",
                                                 "below", "before",   "after", "between",  "and",    "not"};
    if (kWords.contains(name)) name += "-process";
    std::string unique = name;
    for (int n = 2; !taken.insert(unique).second; ++n) unique = fmt::format("{}_{}", name, n);
    cast.name = unique;
    // Others that run the same program, with a verb of their own.
    if (!program_only(cast)) continue;
    for (const Cast& other : casts)
      if (&other != &cast && program_only(other) && other.part.program == cast.part.program &&
          !other.part.verb.empty() && cast.part.verb.empty() &&
          std::ranges::find(cast.without, other.part.verb) == cast.without.end())
        cast.without.push_back(other.part.verb);
  }
}

// Where something is that not every run has: "not in run2.jsonl", or the shorter of what can be said.
std::string where(const std::set<std::size_t>& runs, const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 3;
  const std::size_t without = names.size() - runs.size();
  const bool only = runs.size() < without;
  if (std::min(runs.size(), without) > kNamed) return fmt::format("in {} of {} traces", runs.size(), names.size());
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (runs.contains(i) == only) list += (list.empty() ? "" : ", ") + names[i];
  return (only ? "only in " : "not in ") + list;
}

std::string role_line(const Cast& cast, const std::vector<Cast>& casts, const std::vector<std::string>& runs) {
  std::string out = fmt::format("role {} = ", cast.name);
  if (cast.runs.size() < runs.size()) out += "optional ";
  if (!cast.part.comm.empty()) {
    out += fmt::format("comm \"{}\"", cast.part.comm);
  } else if (cast.part.first_inside) {
    out += "pid 1";
  } else {
    out += fmt::format("exec \"{}\"", cast.part.program);
    if (!cast.part.verb.empty()) out += fmt::format(" with \"{}\"", cast.part.verb);
    for (const std::string& verb : cast.without) out += fmt::format(" without \"{}\"", verb);
  }
  if (cast.below) out += " below " + casts[*cast.below].name;
  if (cast.runs.size() < runs.size()) out += "  # " + where(cast.runs, runs);
  return out + "\n";
}

// The calls that all players have in common. `rest`: of a call that they have not, or empty.
std::string sequence_text(const Cast& cast, const std::vector<std::string>& runs, std::string& rest) {
  std::vector<CallText> calls = cast.players.front().calls;
  settle_binds(calls);
  std::size_t most = calls.size();
  std::vector<std::size_t> most_in(runs.size());  // by run
  most_in[cast.players.front().run] = most;
  if (calls.size() > kMostCalls) calls.resize(kMostCalls);
  for (std::size_t i = 1; i < cast.players.size(); ++i) {
    std::vector<CallText> other = cast.players[i].calls;
    settle_binds(other);
    most = std::max(most, other.size());
    most_in[cast.players[i].run] = std::max(most_in[cast.players[i].run], other.size());
    if (other.size() > kMostCalls) other.resize(kMostCalls);
    calls = common(calls, other);
  }
  const std::size_t dropped = most - calls.size();
  if (dropped) {
    std::set<std::size_t> more;  // runs in which somebody made other calls, too
    for (std::size_t run = 0; run < runs.size(); ++run)
      if (most_in[run] > calls.size()) more.insert(run);
    rest = fmt::format(
        "# {} more call{} of {} var{}{}.\n", dropped, dropped == 1 ? "" : "s", cast.name, dropped == 1 ? "ies" : "y",
        more.size() == runs.size() ? ", from process to process or from run to run" : ": " + where(more, runs));
  }
  std::string out;
  constexpr std::size_t kMostAny = 40;  // `any` takes 64
  std::size_t in_any = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const bool any = calls[i].any_order;
    const bool goes_on = any && i + 1 < calls.size() && calls[i + 1].any_order;
    if (any && !in_any && goes_on) out += "  any {\n";
    const bool inside = any && (in_any || goes_on);
    out += fmt::format("{}{}: {}\n", inside ? "    " : "  ", cast.name, calls[i].write());
    in_any = inside ? in_any + 1 : 0;
    if (inside && (!goes_on || in_any == kMostAny)) out += "  }\n", in_any = 0;
  }
  return out;
}

// A capture that stands in one place only is a wildcard.
void drop_single_captures(std::vector<Block>& blocks) {
  for (int n = 1;; ++n) {
    const std::string capture = n == 1 ? "${id}" : fmt::format("${{id{}}}", n);
    std::size_t times = 0;
    for (const Block& block : blocks)
      for (std::size_t at = 0; (at = block.text.find(capture, at)) != std::string::npos; ++at) ++times;
    if (times == 0) return;
    if (times > 1) continue;
    for (Block& block : blocks)
      if (const std::size_t at = block.text.find(capture); at != std::string::npos)
        block.text.replace(at, capture.size(), "*");
  }
}

// The exec with which all players begin the container's program, if they do.
std::optional<CallText> program_of(const Cast& cast) {
  std::optional<CallText> program;
  for (const Player& player : cast.players) {
    if (!player.program) return std::nullopt;
    const auto together = program ? merged(*program, *player.program) : player.program;
    if (!together) return std::nullopt;
    program = together;
  }
  return program;
}

// How often the role moves; where a program begins that is not looked at, until then.
void moves(const Cast& cast, const std::vector<std::string>& runs, std::vector<Block>& blocks) {
  const auto program = program_of(cast);
  const bool left = program && std::ranges::all_of(cast.players, &Player::left);
  const std::string span = left ? " before " + program->write() : "";
  const auto active = [](const Player& p) { return std::ranges::any_of(p.moves, [](int n) { return n > 0; }); };
  const bool inside = std::ranges::any_of(cast.players, [](const Player& p) { return p.program.has_value(); });
  if (!inside && std::ranges::none_of(cast.players, active)) return;
  for (std::size_t i = 0; i < std::size(kMoves); ++i) {
    const auto made = [i](const Player& player) { return player.moves[i]; };
    const auto fewest = std::ranges::min_element(cast.players, {}, made);
    const auto most = std::ranges::max_element(cast.players, {}, made);
    const int low = fewest->moves[i], high = most->moves[i];
    Block block;
    block.rule = true;
    if (high == 0)
      block.text = fmt::format("never {}: {}(...) = 0{}\n", cast.name, kMoves[i], span);
    else if (low == high)
      block.text = fmt::format("count {}: {}(...) = 0 == {}{}\n", cast.name, kMoves[i], low, span);
    else
      block.text = fmt::format("count {}: {}(...) = 0 == {}..{}{}{}\n", cast.name, kMoves[i], low, high, span,
                               fewest->run == most->run
                                   ? ""
                                   : fmt::format("  # fewest in {}, most in {}", runs[fewest->run], runs[most->run]));
    blocks.push_back(std::move(block));
  }
}

// The state when the container's program begins.
void state(const Cast& cast, std::vector<Block>& blocks) {
  const std::optional<CallText> program = program_of(cast);
  if (!program) return;
  std::map<std::string, std::string> kinds;  // what it is -> kinds of namespace
  for (int i = 0; i < trace::kNsCount; ++i) {
    std::string is = cast.players.front().ns[static_cast<std::size_t>(i)];
    for (const Player& player : cast.players)
      if (player.ns[static_cast<std::size_t>(i)] != is) is.clear();
    if (is.empty()) continue;
    std::string& list = kinds[is];
    list += (list.empty() ? "" : ", ") + std::string(trace::ns_name(static_cast<trace::Ns>(i)));
  }
  Block block;
  block.rule = true;
  block.text = fmt::format("at {}: first {} {{\n", cast.name, program->write());
  for (const char* is : {"new", "not host", "host"})
    if (kinds.contains(is)) block.text += fmt::format("  ns {}: {}\n", kinds[is], is);
  if (std::ranges::all_of(cast.players, [](const Player& p) { return p.inner_pid == 1; })) block.text += "  pid: 1\n";
  block.text += "}\n";
  if (!kinds.empty()) blocks.push_back(std::move(block));
}

// Who fills the roles in each run, as the checker sees it.
void fill(std::vector<Cast>& casts, const std::vector<std::unique_ptr<RunReader>>& readers,
          const std::vector<std::string>& names) {
  std::string text;
  for (const Cast& cast : casts) text += role_line(cast, casts, names);
  text += "count " + casts.front().name + " >= 1\n";
  const Expectations expectations = parse("expect", text);
  for (std::size_t run = 0; run < readers.size(); ++run) {
    const RunReader& reader = *readers[run];
    const Roles roles(expectations, reader.model());
    for (std::size_t i = 0; i < casts.size(); ++i) {
      const auto id = std::ranges::find(expectations.roles, casts[i].name, &Role::name) - expectations.roles.begin();
      const auto role = static_cast<RoleId>(id);
      for (const model::ProcessId member : roles.members(role)) {
        const auto top = roles.belongs_to(member, role, roles.top(role));
        casts[i].players.push_back(reader.player(member, top.value_or(member)));
        casts[i].players.back().run = run;
      }
    }
  }
}

// Puts the blocks together and counts their lines.
std::string put_together(std::vector<Block>& blocks) {
  std::string text;
  int line = 1;
  for (Block& block : blocks) {
    block.first = line;
    text += block.text;
    line += static_cast<int>(std::ranges::count(block.text, '\n'));
    block.last = line - 1;
  }
  return text;
}

// A sequence without some of its lines; empty if no call is left in it.
std::string without_lines(const Block& block, const std::set<int>& lines) {
  std::string out;
  int line = block.first, calls = 0;
  for (std::size_t at = 0; at < block.text.size(); ++line) {
    const std::size_t end = block.text.find('\n', at) + 1;
    const std::string_view text = std::string_view(block.text).substr(at, end - at);
    at = end;
    if (lines.contains(line)) continue;
    calls += text.starts_with("  ") && text.find(':') != std::string_view::npos;
    out += text;
  }
  return calls ? out : "";
}

void play(const trace::Trace& trace, trace::Sink& sink) {
  sink.header(trace.header);
  for (const auto& process : trace.existing) sink.existing(process);
  for (const auto& event : trace.events) sink.event(event);
  if (trace.footer) sink.footer(*trace.footer);
}

Result check_run(const std::string& text, const trace::Trace& trace) {
  Checker checker(parse("expect", text));
  play(trace, checker);
  return checker.result();
}

// Of the calls that are asked for, those that a trace does not record, and what would.
std::string unrecorded(const std::vector<NamedTrace>& traces, const ExpectOptions& options) {
  for (const NamedTrace& one : traces) {
    const trace::Header& header = one.trace.header;
    if (!header.calls_known) continue;
    std::string names;
    for (const std::string& call : options.calls)
      if (std::ranges::find(header.calls, call) == header.calls.end()) names += (names.empty() ? "" : ",") + call;
    if (!names.empty())
      return fmt::format("; {} does not record {}: record it with -e %lifecycle,{}", trace::escape(one.name, ""), names,
                         names);
  }
  return "";
}

}  // namespace

std::string write_expectations(const std::vector<NamedTrace>& traces, const ExpectOptions& options) {
  if (traces.empty()) throw Error("there is no trace to write expectations from");
  std::vector<std::unique_ptr<RunReader>> readers;
  std::vector<Run> runs;
  std::vector<std::string> names;
  for (const NamedTrace& one : traces) {
    names.push_back(trace::escape(one.name, ""));
    if (!one.trace.footer)
      throw Error(
          fmt::format("{} is incomplete, and what is missing cannot be expected; record it to its end", one.name));
    if (one.trace.footer->lost)
      throw Error(fmt::format(
          "{} has lost events, and what is missing cannot be expected; record it with a larger --buffer", one.name));
    readers.push_back(std::make_unique<RunReader>(options));
    play(one.trace, *readers.back());
    runs.push_back(readers.back()->run());
  }
  std::vector<Cast> casts = casts_of(runs);
  keep_active(casts);
  if (casts.empty())
    throw Error(
        "no process was made in this trace that did anything to be expected; follow other processes, or name other "
        "calls with --only" +
        unrecorded(traces, options));
  name_casts(casts);
  fill(casts, readers, names);

  std::vector<Block> blocks;
  std::string heading = "# Written by `nstrace expect` from";
  for (const std::string& name : names) heading += " " + name;
  heading += ".\n";
  heading += options.calls.empty() ? "# Of the calls of %story; `--only %lifecycle` writes what sets ids, "
                                     "capabilities, no_new_privs and seccomp, too.\n"
                                   : fmt::format("# Of the calls of {}.\n", trace::escape(options.only, ""));
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (!runs[i].failed.empty())
      heading += fmt::format("# In {}, {}: did it do all that is to be expected?\n", names[i], runs[i].failed);
  std::size_t nameless = 0;
  for (const Run& run : runs) nameless = std::max(nameless, run.nameless);
  if (nameless)
    heading += fmt::format("# {} process{} that nothing tells from {} left out.\n", nameless, nameless == 1 ? "" : "es",
                           nameless == 1 ? "its creator is" : "their creators are");
  std::size_t of_programs = 0;
  for (const Run& run : runs) of_programs = std::max(of_programs, run.of_programs);
  if (of_programs)
    heading += fmt::format("# {} process{} that a container's program made {} left out.\n", of_programs,
                           of_programs == 1 ? "" : "es", of_programs == 1 ? "is" : "are");
  blocks.push_back({heading + "\n"});
  for (const Cast& cast : casts) blocks.push_back({role_line(cast, casts, names)});
  for (const Cast& cast : casts) {
    if (cast.players.empty()) continue;
    std::string rest;
    const std::string calls = sequence_text(cast, names, rest);
    blocks.push_back({"\n" + rest});
    if (!calls.empty()) {
      Block block;
      block.rule = true;
      block.text = fmt::format("sequence \"{}\" {{\n{}}}\n", cast.name, calls);
      blocks.push_back(std::move(block));
    }
    moves(cast, names, blocks);
    state(cast, blocks);
  }
  drop_single_captures(blocks);

  // What does not hold on all of them is left out; that may make others hold, or not.
  std::size_t left_out = 0, calls_left_out = 0;
  for (;;) {
    const std::string text = put_together(blocks);
    if (std::ranges::none_of(blocks, [](const Block& block) { return block.rule; }))
      throw Error("nothing holds on all of these traces; are they of the same thing?");
    std::set<int> bad;    // lines of rules
    std::set<int> calls;  // lines of sequences that were not found
    for (const NamedTrace& one : traces)
      for (const Finding& finding : check_run(text, one.trace).findings) {
        if (finding.verdict == Verdict::Holds) continue;
        if (finding.expected_line)
          calls.insert(finding.expected_line);
        else
          bad.insert(finding.line);
      }
    std::size_t changed = 0;
    const auto in = [](const std::set<int>& lines, const Block& block) {
      const auto at = lines.lower_bound(block.first);
      return block.rule && at != lines.end() && *at <= block.last;
    };
    for (Block& block : blocks)
      if (in(calls, block)) {
        block.text = without_lines(block, calls);
        ++changed;
      }
    calls_left_out += calls.size();
    const std::size_t before = blocks.size();
    std::erase_if(blocks, [&](const Block& block) { return in(bad, block) || (block.rule && block.text.empty()); });
    left_out += before - blocks.size();
    if (blocks.size() != before || changed) continue;
    const auto note = [](std::size_t n, const char* what) {
      return n ? fmt::format("\n# {} {}{} that did not hold on all traces {} left out.\n", n, what, n == 1 ? "" : "s",
                             n == 1 ? "was" : "were")
               : "";
    };
    return text + note(calls_left_out, "call") + note(left_out, "rule");
  }
}

}  // namespace nstrace::check
