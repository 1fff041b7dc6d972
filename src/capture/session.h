// SPDX-License-Identifier: MIT
// Session: one live trace, from attaching to the last drained record. It puts the pieces together in the only order in
// which nothing is lost: attach, fill the followed set, look at what exists, release COMMAND, record, drain.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/launch.h"
#include "trace/sink.h"

namespace nstrace::capture {

struct SessionOptions {
  std::vector<std::string> follow;      // --follow targets
  std::optional<Program> command;       // COMMAND
  std::vector<std::string> containers;  // --container: ids or names
  bool payload = true;                  // false: containers' own programs are left when they begin
  bool durations = true;                // record when calls began
  bool gates = false;                   // record calls on gates too
  bool with_command = false;            // with --follow: follow COMMAND too
  bool wait_for_names = false;          // --wait: a name that nothing bears is waited for
  bool until_exit = false;              // go on until all followed processes are gone
  std::vector<std::string> calls;       // system calls to record
  std::vector<int> signals;             // numbers of the signals to record
  std::string results = "all";          // "all", "successful", "failed"
  std::string env = "names";
  std::string backend = "auto";                  // "auto", "raw", "fentry"
  std::size_t buffer = 16u << 20;                // bytes of the ring buffer
  std::size_t wake_up = 1u << 18;                // as ProbeOptions has it
  std::chrono::milliseconds interval{25};        // how late a record may be seen
  std::chrono::milliseconds linger{200};         // after COMMAND has ended
  std::function<void(const std::string&)> tell;  // sentences for the user, one line each
  std::function<void(const std::string&)> warn;  // the same, for what even -q does not silence
  std::string tool;                              // for the header: "nstrace 0.1.0"
};

struct SessionResult {
  std::optional<int> status;  // COMMAND's exit status, 128+n when a signal ended it
  std::uint64_t events = 0, lost = 0;
  std::chrono::nanoseconds attach{}, detach{};  // how long these took
};

// Runs until COMMAND has ended, the followed processes are gone (--until-exit), or a signal asks for the end: SIGINT,
// SIGTERM or SIGHUP. While COMMAND runs the first one is COMMAND's to answer, and its end is waited for; a second one
// ends at once, and COMMAND is left behind. Throws Error.
SessionResult run_session(const SessionOptions& options, trace::Sink& sink);

}  // namespace nstrace::capture
