// SPDX-License-Identifier: MIT
// Brings an expectation file up to what traces show: the least that must change for its rules to hold.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check/checker.h"
#include "check/parse.h"
#include "trace/file.h"

namespace nstrace::check {

struct Updated {
  std::map<std::string, std::string> before, after;  // by path, the texts of the files that were changed
  std::vector<std::string> left;                     // rules that still fail, as findings call them
  Verdict verdict = Verdict::Holds;                  // of the new files, on all traces together
};

// Edits the file and what it includes, rule by rule, until they hold on all traces or nothing helps: a call's arguments
// become what the nearest call has, a call moves to where it stands now, a line goes, a count becomes what was counted,
// a namespace's state what it is, a `never` that is no longer true becomes a comment. Roles are left as they are.
// Writes nothing. Throws ParseError, and Error when a file cannot be read.
Updated update(const std::string& path, const std::vector<trace::Trace>& traces, const Loader& load = load_file);

// How two texts differ, line by line, as diff -u shows it.
std::string line_diff(const std::string& path, const std::string& before, const std::string& after);

}  // namespace nstrace::check
