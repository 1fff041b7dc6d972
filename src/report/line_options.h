// SPDX-License-Identifier: MIT
// What LinePrinter prints, and how; most of it is what strace's letters of the same meaning say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/text.h"

namespace nstrace::report {

// strace's -t and -tt, and its -ttt. A line bears the time at which its call began, in local time; where the wall clock
// is not known (Header::start_realtime == 0), the time since the trace began.
enum class Stamp : std::uint8_t { None, Day, Unix };

enum class Results : std::uint8_t { All, Successful, Failed, None };  // -z, -Z, -e status=SET

struct LineOptions {
  Stamp stamp = Stamp::None;
  int stamp_digits = 0;     // of a second
  bool relative = false;    // -r: seconds since the beginning of the line before
  int relative_digits = 6;  // of those
  bool durations = false;   // -T: <0.000042>
  int duration_digits = 6;
  std::size_t column = 0;   // of results, where the call ends before it: strace's -a
  trace::TextOptions text;  // -s and what else concerns arguments
  bool show_pidns = false;  // [pid 2558511<sleep>/1]: its number in nested pid namespaces too
  // strace's --decode-pids, of pids that calls take and give (in front of a line the comm always stands)
  bool pid_comms = false;    // kill(20144<sh>, SIGTERM)
  bool pid_numbers = false;  // kill(1 /* 20144 in strace's PID NS */, SIGTERM)
  bool who = true;           // [pid 12<sh>] in front
  bool environment = false;  // -v: execve's environment, as far as it was recorded, instead of its count
  bool colour = false;
  std::size_t width = 0;           // wrap at this column; 0 = one line per event
  bool namespace_notes = true;     // what a call changed: " = 0 (mnt:[4026532567])"
  std::vector<std::string> calls;  // names of the calls that are printed; empty = all
  bool no_calls = false;           // print none
  Results results = Results::All;  // of calls
  bool unfinished = true;          // calls that never return
  bool thread_clones = true;
  bool thread_exits = false;
  bool exits = true;       // of processes
  bool all_deaths = true;  // by signals; false: only by those in `signals`, as in strace
  bool renames = true;
  bool cgroup_moves = true;
  std::vector<int> signals;      // numbers of those that are printed
  bool namespaces_seen = false;  // a line for each namespace at first sight
  bool fold = false;             // repeats of calls that differ in arguments only: prctl(PR_CAPBSET_DROP, ...) = 0 x27
};

}  // namespace nstrace::report
