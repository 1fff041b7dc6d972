// SPDX-License-Identifier: MIT
// What the reports of a check have in common.
#pragma once

#include <string>

#include "check/report.h"

namespace nstrace::check {

// "event 57  0.031000  pid 2032 (runc:[2:INIT])  pivot_root(\".\", \".\") = 0"
std::string call_text(const SeenCall& call);
// "target is \"/\", not \".\""; empty if nothing of the call differs.
std::string difference(const NearCall& near);
// The lines that explain a finding, without its first; none ends in a newline.
std::vector<std::string> explanation(const Finding& finding, const ReportOptions& options);
// The command that shows more; empty if there is nothing to show.
std::string more_command(const Finding& finding, const ReportOptions& options);
// What happened, in one sentence, with the reasons.
std::string sentence(const Finding& finding);
// `text` quoted for a shell if need be.
std::string shell_word(const std::string& text);

}  // namespace nstrace::check
