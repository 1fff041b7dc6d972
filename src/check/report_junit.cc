// SPDX-License-Identifier: MIT
// The result of a check as JUnit's XML: one test suite for each expectation file, one test case for each rule.
#include <fmt/format.h>

#include <map>

#include "check/report_parts.h"

namespace nstrace::check {
namespace {

// XML 1.0 has no way to write control characters; they were escaped before, but a path is not the trace's.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

// In the body of an element, where lines stay lines.
std::string xml_body(std::string_view text) {
  std::string out = xml(text);
  for (std::size_t at = 0; (at = out.find("&#10;", at)) != std::string::npos;) out.replace(at, 5, "\n");
  return out;
}

}  // namespace

std::string junit_report(const Result& result, const ReportOptions& options) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Finding*>> files;
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
  for (const Finding& finding : result.findings) {
    if (!files.contains(finding.file)) order.push_back(finding.file);
    files[finding.file].push_back(&finding);
    ++tests;
    failures += finding.verdict == Verdict::Fails;
    errors += finding.verdict == Verdict::CannotTell;
    skipped += finding.skipped;
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites name=\"nstrace check\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
                     tests, failures, errors, skipped);
  for (const std::string& file : order) {
    std::size_t n_failures = 0, n_errors = 0, n_skipped = 0;
    for (const Finding* finding : files[file]) {
      n_failures += finding->verdict == Verdict::Fails;
      n_errors += finding->verdict == Verdict::CannotTell;
      n_skipped += finding->skipped;
    }
    out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
                       xml(file), files[file].size(), n_failures, n_errors, n_skipped);
    for (const Finding* finding : files[file]) {
      out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"", xml(file),
                         xml(fmt::format("{}: {}", finding->line, finding->rule)), xml(file), finding->line);
      if (finding->verdict == Verdict::Holds && !finding->skipped) {
        out += "/>\n";
        continue;
      }
      out += ">\n";
      if (finding->skipped) {
        out += "      <skipped message=\"its optional role is filled by nobody\"/>\n";
      } else {
        const std::string_view element = finding->verdict == Verdict::Fails ? "failure" : "error";
        out += fmt::format("      <{} message=\"{}\">", element, xml(sentence(*finding)));
        for (const std::string& line : explanation(*finding, options)) out += xml_body(line) + "\n";
        out += fmt::format("</{}>\n", element);
      }
      out += "    </testcase>\n";
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace nstrace::check
