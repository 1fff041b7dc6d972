// SPDX-License-Identifier: MIT
// Logs that `strace -f` wrote, read as traces: what strace 4 to 7 print with the options that people use. What the log
// does not tell is not known in the trace: Header::calls_known is false, there are no namespaces but those whose
// numbers stand in the log, and a line that cannot be read becomes a Lost event that has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace/file.h"
#include "trace/sink.h"

namespace nstrace::trace {

class LineInput;

// Whether the first lines of a text are those of a strace log.
bool looks_like_strace(std::string_view head);

// The files of `strace -ff -o PREFIX`: PREFIX.PID, by pid; empty if there are none.
std::vector<std::string> strace_files(const std::string& prefix);

// Reads a log into `sink`, streaming. Throws Error where read_trace() does.
ReadReport import_strace(LineInput& input, Sink& sink);
// The files of one `strace -ff`, PREFIX.PID each, as one trace: in the order of their times, or where they have none,
// each process behind the call that made it.
ReadReport import_strace(const std::vector<std::string>& files, Sink& sink);

}  // namespace nstrace::trace
