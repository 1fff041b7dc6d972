// SPDX-License-Identifier: MIT
// The text report, and the sentences that the other formats share with it.
#include <fmt/format.h>

#include <algorithm>

#include "check/report.h"
#include "check/report_parts.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

std::string seconds(trace::Time time) {
  return fmt::format("{:.6f}", static_cast<double>(time) / 1e9);
}

std::string_view heading(const Finding& finding) {
  if (finding.skipped) return "skipped";
  switch (finding.verdict) {
    case Verdict::Holds:
      return "holds";
    case Verdict::Fails:
      return "FAILS";
    case Verdict::CannotTell:
      return "CANNOT TELL";
  }
  return "";
}

constexpr std::size_t kIndent = 6;

// Its beginning and its end: who called what, and the result.
std::string fitted(std::string line, std::size_t columns) {
  constexpr std::size_t kLeast = 40;
  if (columns == 0 || kIndent + line.size() <= std::max(columns, kLeast)) return line;
  const auto inside = [&](std::size_t at) { return (static_cast<unsigned char>(line[at]) & 0xc0u) == 0x80; };
  const std::size_t room = std::max(columns, kLeast) - kIndent - 3;
  const std::size_t result = line.rfind(") = ");
  const bool whole = result != std::string::npos && line.size() - result <= room / 2;
  std::size_t tail = whole ? result : line.size() - room / 4;
  std::size_t head = room - (line.size() - tail);
  while (head > 0 && inside(head)) --head;
  while (tail < line.size() && inside(tail)) ++tail;
  return line.substr(0, head) + "..." + line.substr(tail);
}

// Where there is little room, times and names make way for the call: the processes are named above it.
std::string shown_call(const SeenCall& call, std::size_t columns) {
  constexpr std::size_t kRoomy = 120;
  if (columns == 0 || columns >= kRoomy) return call_text(call);
  const std::size_t failed = call.text.rfind(") = -1 ");  // the error's name without what it means
  const std::size_t meaning = failed == std::string::npos ? failed : call.text.find(" (", failed);
  return fmt::format("event {:<4} pid {} {}", call.event, call.pid, call.text.substr(0, meaning));
}

std::string plural(std::size_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

std::string shell_word(const std::string& text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kSafe) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return trace::escape(out + "'", "");
}

std::string call_text(const SeenCall& call) {
  const std::string who =
      call.tid == call.pid ? fmt::format("pid {}", call.pid) : fmt::format("pid {}/{}", call.pid, call.tid);
  return fmt::format("event {:<5} {} {} <{}> {}", call.event, seconds(call.time), who, call.comm, call.text);
}

std::string difference(const NearCall& near) {
  if (near.what.empty()) return {};
  return fmt::format("{} is {}, not {}", near.what, near.found, near.expected);
}

std::string more_command(const Finding& finding, const ReportOptions& options) {
  if (finding.processes.empty()) return {};
  std::string pids;
  for (const Person& person : finding.processes) {
    const std::string pid = fmt::format("{}", person.pid);
    if (pids == pid || pids.ends_with("," + pid)) continue;
    pids += (pids.empty() ? "" : ",") + pid;
  }
  return fmt::format("nstrace show {} -p {}", shell_word(options.trace), pids);
}

std::string sentence(const Finding& finding) {
  std::string out = finding.message;
  for (const Reason& reason : finding.reasons) {
    out += (&reason == &finding.reasons.front() ? ": " : "; ") + reason.why;
    if (!reason.cure.empty()) out += " (" + reason.cure + ")";
  }
  return out;
}

std::vector<std::string> explanation(const Finding& finding, const ReportOptions& options) {
  std::vector<std::string> lines;
  const auto shown_line = [&](int line) { return line ? fmt::format("line {}: ", line) : std::string(); };
  if (!finding.expected.empty() && finding.expected_line != finding.line)
    lines.push_back(fmt::format("expected   {}{}", shown_line(finding.expected_line), finding.expected));
  for (const std::string& detail : finding.details) lines.push_back("also       " + detail);
  for (const Reason& reason : finding.reasons)
    lines.push_back("since      " + reason.why + (reason.cure.empty() ? "" : "; to tell: " + reason.cure));
  if (!finding.processes.empty()) {
    std::string who;
    for (const Person& person : finding.processes)
      who += fmt::format("{}{} = pid {} <{}>", who.empty() ? "" : ", ", person.role, person.pid, person.comm);
    lines.push_back("processes  " + who);
  }
  // The last calls that were found say where one is; the first ones are of little use.
  constexpr std::size_t kShown = 8;
  const std::size_t from = finding.matched.size() > kShown ? finding.matched.size() - kShown : 0;
  if (from) lines.push_back(fmt::format("found      {} calls before these", from));
  for (std::size_t i = from; i < finding.matched.size(); ++i) {
    const MatchedLine& line = finding.matched[i];
    lines.push_back(
        fitted(fmt::format("found      {}{}", shown_line(line.line), shown_call(line.call, options.columns)),
               options.columns));
  }
  if (finding.nearest) {
    const NearCall& near = *finding.nearest;
    lines.push_back(fitted("nearest    " + shown_call(near.call, options.columns), options.columns));
    const std::string differs = difference(near);
    if (!differs.empty()) lines.push_back("           " + differs);
    if (!near.detail.empty()) lines.push_back("           " + near.detail);
    if (!near.remark.empty()) lines.push_back("           " + near.remark);
  }
  for (const SeenCall& call : finding.window) {
    const std::string_view label = &call == &finding.window.front() ? "around it" : "";
    const std::string role = call.role.empty() ? "" : call.role + ": ";
    lines.push_back(
        fitted(fmt::format("{:<9} {} {}{}", label, call.marked ? ">" : " ", role, shown_call(call, options.columns)),
               options.columns));
  }
  if (finding.others)
    lines.push_back(
        fmt::format("also       {} of processes", plural(finding.others, "more combination", "more combinations")));
  if (const std::string more = more_command(finding, options); !more.empty()) lines.push_back("more       " + more);
  return lines;
}

std::string text_report(const Result& result, const ReportOptions& options) {
  std::string out;
  for (const Finding& finding : result.findings) {
    if (finding.verdict == Verdict::Holds) {
      if (options.verbose)
        out += fmt::format("{}: {}: {}\n", fmt::format("{}:{}", finding.file, finding.line), heading(finding),
                           finding.rule);
      continue;
    }
    out += fmt::format("{}:{}: {}: {}\n", finding.file, finding.line, heading(finding), finding.rule);
    if (!finding.message.empty()) out += "    " + finding.message + "\n";
    for (const std::string& line : explanation(finding, options)) out += std::string(kIndent, ' ') + line + "\n";
    out += "\n";
  }
  for (const std::string& note : result.notes) out += "note: " + note + "\n";
  out += fmt::format("{}, {}, {}", plural(result.holds, "rule holds", "rules hold"),
                     plural(result.fails, "fails", "fail"), plural(result.unknown, "cannot be told", "cannot be told"));
  if (result.skipped) out += fmt::format(", {} skipped", result.skipped);
  return out + fmt::format(" ({})\n", plural(result.events, "event", "events"));
}

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::Holds:
      return 0;
    case Verdict::Fails:
      return 1;
    case Verdict::CannotTell:
      return 3;
  }
  return 3;
}

}  // namespace nstrace::check
