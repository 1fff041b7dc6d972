// SPDX-License-Identifier: MIT
// What nstrace and nstrace show have in common: the options that say which lines are printed and how, in strace's
// letters, and the sink that prints them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/output.h"
#include "report/line_options.h"
#include "trace/sink.h"

namespace nstrace::cli {

struct LineChoices {
  std::vector<std::string> expressions;     // -e
  bool successful = false, failed = false;  // -z -Z
  int times = 0;                            // -t, -tt, -ttt
  std::vector<std::string> stamp_forms;     // --absolute-timestamps
  bool relative = false;                    // -r
  int relative_digits = 6;                  // --relative-timestamps=PRECISION: of a second
  bool durations = false;                   // -T
  int duration_digits = 6;                  // --syscall-times=PRECISION
  long string_limit = -1;                   // -s; -1 = whole
  int column = -1;                          // -a; -1 = what is usual
  bool notes = true;                        // --no-notes
  std::string color = "auto";               // --color
  bool inner_pids = false;                  // --inner-pids
  bool threads = false;                     // --threads: thread clones and exits too
  bool fold = true;                         // --no-fold
  bool explain = false;                     // --explain: in a few words, what each line means
  bool any_call = false;                    // a log has calls that are not in the table: -e may name them
  bool environment = false;                 // -v
  std::vector<std::string> decode_pids;     // --decode-pids
  std::vector<std::string> decode_fds;      // --decode-fds
  int quiet = 0;                            // -q
  std::vector<std::string> quiet_sets;      // --quiet
};

void add_line_options(CLI::App& app, LineChoices& choices);

// The calls that -e chooses, or those of `set` ("story", "lifecycle") when there is no -e. Throws Error.
std::vector<std::string> chosen_calls(const LineChoices& choices, const char* set);
bool no_color();  // the environment asks for none, or the terminal has none
// A comma or blank list of pids, as strace's -p takes it. Throws Error.
std::vector<int> parse_pids(const std::vector<std::string>& lists);

// -z, -Z, -e status=SET: which ends of calls are printed.
struct Statuses {
  bool successful = true, failed = true, unfinished = true;
};
// Throws Error.
Statuses chosen_statuses(const LineChoices& choices);
std::string chosen_results(const LineChoices& choices);  // those to record: "all", "successful", "failed"
// How often -q was given, or what --quiet comes to: 2 and more leave out the ends of processes. Throws Error.
int chosen_quiet(const LineChoices& choices);

// What stands behind pids and descriptors. Throws Error.
struct Decoded {
  bool comms = false, numbers = false;  // --decode-pids
  bool descriptors = true;              // --decode-fds
};
Decoded chosen_decoding(const LineChoices& choices);

// -v, or -e abbrev=none in other words: environments are printed, and so must be recorded.
bool wants_environment(const LineChoices& choices);

// -t, --absolute-timestamps. Throws Error.
struct Stamping {
  report::Stamp stamp = report::Stamp::None;
  int digits = 0;  // of a second
};
Stamping chosen_stamp(const LineChoices& choices);

bool is_signal_set(const std::string& e);  // -e signal=SET, in any of its forms
// The signals that -e signal=SET chooses; none without it. Throws Error.
std::vector<int> chosen_signals(const LineChoices& choices);

// As `strace -ff -o PREFIX`: the lines of each task in a file of its own, PREFIX.TID.
std::unique_ptr<trace::Sink> open_lines_by_task(const std::string& prefix, const LineChoices& choices);

// On a terminal lines are coloured, repeats are folded and thread clones left out; a file gets exactly one line a call.
std::unique_ptr<trace::Sink> open_lines(std::unique_ptr<Output> output, const LineChoices& choices);

}  // namespace nstrace::cli
