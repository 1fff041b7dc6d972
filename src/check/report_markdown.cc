// SPDX-License-Identifier: MIT
// Markdown: the counts in front, then a paragraph for each rule that does not hold.
#include <fmt/format.h>

#include "check/report.h"
#include "check/report_parts.h"

namespace nstrace::check {
namespace {

// In a fence that is longer than any run of backticks inside (CommonMark 4.5).
std::string fenced(const std::string& text) {
  std::size_t longest = 2, run = 0;
  for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(longest + 1, '`');
  return fence + "text\n" + text + fence + "\n";
}

}  // namespace

std::string markdown_report(const Result& result, const ReportOptions& options) {
  std::string out = fmt::format("### nstrace check: {}\n\n", verdict_word(result.verdict));
  out += "| holds | fails | cannot be told | skipped |\n|--:|--:|--:|--:|\n";
  out += fmt::format("| {} | {} | {} | {} |\n", result.holds, result.fails, result.unknown, result.skipped);
  for (const std::string& note : result.notes) out += "\n> " + note + "\n";
  for (const Finding& finding : result.findings) {
    if (finding.verdict == Verdict::Holds) continue;
    std::string text = fmt::format("{}:{}: {}\n", finding.file, finding.line, finding.rule);
    if (!finding.message.empty()) text += finding.message + "\n";
    for (const std::string& line : explanation(finding, options)) text += "  " + line + "\n";
    out += fmt::format("\n**{}**\n\n", finding.verdict == Verdict::Fails ? "Fails" : "Cannot be told") + fenced(text);
  }
  return out;
}

}  // namespace nstrace::check
