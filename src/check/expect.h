// SPDX-License-Identifier: MIT
// Writes an expectation file from traces: what is the same in all of them, with symbols for what varies.
#pragma once

#include <string>
#include <vector>

#include "trace/file.h"

namespace nstrace::check {

struct ExpectOptions {
  std::vector<std::string> calls;  // names of the calls to write; empty = those of %story
  std::string only = "%story";     // what `calls` were given as
  bool whole_argv = false;         // runtimes' argv word by word, instead of their verb and container only
};

struct NamedTrace {
  std::string name;  // as the heading calls it
  trace::Trace trace;
};

// The text of an expectation file that holds on every one of `runs`. Rules that do not hold on all of them are left
// out, which a comment says. Throws Error if a run is incomplete or lossy, or if there is nothing to write.
std::string write_expectations(const std::vector<NamedTrace>& runs, const ExpectOptions& options = {});

}  // namespace nstrace::check
