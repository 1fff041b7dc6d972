// SPDX-License-Identifier: MIT
// A diff as text for people, as Markdown for a pull request, and as JSON. Everything printed is safe: bytes of traced
// processes are escaped, and no backtick of theirs ends a code span.
#pragma once

#include <string>

#include "check/diff.h"

namespace nstrace::check {

struct DiffReportOptions {
  std::string a = "A", b = "B";  // names of the traces
  bool all = false;              // every call, and processes that are the same
  int columns = 100;             // of the text; longer calls are cut, unless `all`
};

std::string diff_text(const Diff& diff, const DiffReportOptions& options = {});
std::string diff_markdown(const Diff& diff, const DiffReportOptions& options = {});
// One JSON object, ending in a newline; it always has everything.
std::string diff_json(const Diff& diff, const DiffReportOptions& options = {});

// 0 no difference, 1 differs, 3 cannot tell.
int exit_code(Diff::Verdict verdict);

}  // namespace nstrace::check
