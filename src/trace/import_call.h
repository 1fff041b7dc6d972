// SPDX-License-Identifier: MIT
// A call as strace wrote it, "name(args) = result <0.000012>", read back into a Call. Internal to the importer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace/event.h"
#include "trace/syscalls.h"

namespace nstrace::trace::log {

struct CallEnd {
  std::int64_t duration = -1;  // ns (-T); -1 = the log does not say
  int outer = 0;               // of a result with a comment "/* 2558511 in strace's PID NS */": that pid
};

// Fills `call`, whose memory is used again. An argument that is of no kind that Arg knows is kept as it stands, as a
// symbol. False: the text is no whole call; then `call` is not to be used.
bool read_call(std::string_view text, Call& call, CallEnd& end);

// A call that never returned: "name(args", as far as it was written, and the log's word for that: "<unfinished ...>".
void read_begun(std::string_view text, std::string_view mark, Call& call);

// The result alone, without looking at the arguments: for "fork() = 12", "clone(...) = 2 /* 12 in strace's PID NS */"
// the pid that strace's own namespace knows the child by, or 0. The last " = " of the text counts.
struct Created {
  std::int64_t result = 0;
  int outer = 0;
};
Created creation(std::string_view text);

// The table's line for a call, found quickly.
const SyscallRow* find_row(std::string_view name);

}  // namespace nstrace::trace::log
