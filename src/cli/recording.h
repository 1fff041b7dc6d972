// SPDX-License-Identifier: MIT
// Reading a recorded trace for a command: what is wrong with it is said on stderr, and an incomplete one still ends.
#pragma once

#include <string>

#include "trace/file.h"
#include "trace/sink.h"

namespace nstrace::cli {

// Pushes the trace into `sink`. A trace without a footer gets one that says so (Footer::end is "cut off").
trace::ReadReport read_recording(const std::string& path, trace::Sink& sink);

// The same without making up a footer: a check must know that the end is missing.
trace::ReadReport read_trace_for_check(const std::string& path, trace::Sink& sink);

// The same, kept whole.
trace::Trace load_trace(const std::string& path);

// What a reader's report has to complain of, on stderr.
void say_what_is_wrong(const std::string& path, const trace::ReadReport& report);

}  // namespace nstrace::cli
