// SPDX-License-Identifier: MIT
// The result of a check as the Test Anything Protocol, and as annotations of GitHub Actions.
#include <fmt/format.h>

#include "check/report_parts.h"

namespace nstrace::check {
namespace {

// In a TAP description, `#` would begin a directive.
std::string tap(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '#' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

// In the value of a property of a workflow command `,` and `:` are escaped, too.
std::string github(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else if (property && c == ':')
      out += "%3A";
    else if (property && c == ',')
      out += "%2C";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string tap_report(const Result& result, const ReportOptions& options) {
  std::string out = "TAP version 13\n";
  out += fmt::format("1..{}\n", result.findings.size());
  std::size_t number = 0;
  for (const Finding& finding : result.findings) {
    const bool ok = finding.verdict == Verdict::Holds;
    out += fmt::format("{} {} - {}:{}: {}{}\n", ok ? "ok" : "not ok", ++number, tap(finding.file), finding.line,
                       tap(finding.rule), finding.skipped ? " # SKIP its optional role is filled by nobody" : "");
    if (ok) continue;
    if (finding.verdict == Verdict::CannotTell) out += "# cannot tell\n";
    out += "# " + sentence(finding) + "\n";
    for (const std::string& line : explanation(finding, options)) out += "#   " + line + "\n";
  }
  return out;
}

std::string github_report(const Result& result, const ReportOptions& options) {
  std::string out;
  for (const Finding& finding : result.findings) {
    if (finding.verdict == Verdict::Holds) continue;
    std::string body = sentence(finding);
    for (const std::string& line : explanation(finding, options)) body += "\n" + line;
    const int line = finding.expected_line ? finding.expected_line : finding.line;
    out += fmt::format("::{} file={},line={},title={}::{}\n", finding.verdict == Verdict::Fails ? "error" : "warning",
                       github(finding.file, true), line,
                       github(fmt::format("nstrace check: {}: {}", verdict_word(finding.verdict), finding.rule), true),
                       github(body, false));
  }
  return out;
}

}  // namespace nstrace::check
