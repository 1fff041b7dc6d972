// SPDX-License-Identifier: MIT
// The result of a check as text for people, and in the formats that CI systems read. Everything printed is safe: bytes
// of traced processes were escaped before they got into a Result.
#pragma once

#include <string>

#include "check/checker.h"

namespace nstrace::check {

struct ReportOptions {
  std::string trace = "TRACE";  // what commands that show more call the trace
  bool verbose = false;         // what holds, too, one line a rule
  std::size_t columns = 0;      // of the text: longer calls lose their middle; 0 = as long as they are
};

// For people. What holds is counted only, unless verbose.
std::string text_report(const Result& result, const ReportOptions& options = {});
// Markdown, as GitHub and GitLab show it: for a pull request or a job's summary.
std::string markdown_report(const Result& result, const ReportOptions& options = {});
// One JSON object, ending in a newline. The schema stands in LANGUAGE.md.
std::string json_report(const Result& result, const ReportOptions& options = {});
// JUnit's XML: one testcase a rule; what cannot be told is an error, what is skipped is skipped.
std::string junit_report(const Result& result, const ReportOptions& options = {});
// Test Anything Protocol, version 13.
std::string tap_report(const Result& result, const ReportOptions& options = {});
// Workflow commands of GitHub Actions: an annotation at each rule that does not hold.
std::string github_report(const Result& result, const ReportOptions& options = {});

// 0 holds, 1 fails, 3 cannot tell.
int exit_code(Verdict verdict);

}  // namespace nstrace::check
