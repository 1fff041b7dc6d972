// SPDX-License-Identifier: MIT
// What all live traces have in common (nstrace, nstrace lab run): the options of recording and output, and the run.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "capture/session.h"
#include "cli/check_options.h"
#include "cli/lines.h"

namespace nstrace::cli {

struct LiveOptions {
  capture::SessionOptions session;
  LineChoices lines;
  std::vector<std::string> outputs;  // -o
  std::string title;                 // --title, of pictures
  long linger_ms = 200;
  std::string buffer = "16M";
  std::string wake_up;  // empty = 256 KiB, or a quarter of a small buffer
  std::string payload = "yes";
  std::string check;    // --check: an expectation file
  CheckChoices report;  // how its result is told
  int forks = 0;        // -f; twice: lines go to files by task
  bool strict = false;
  bool anonymous = false;  // files only; the terminal shows what is
};

void add_live_options(CLI::App& app, LiveOptions& options);

// Traces, and gives the exit code: COMMAND's, or 0; with --strict 3 on loss. Throws Error.
int run_live(LiveOptions& options);

}  // namespace nstrace::cli
