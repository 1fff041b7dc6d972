// SPDX-License-Identifier: MIT
// Signals: SIGINT, SIGTERM and SIGHUP only leave a mark; the session looks at it between two batches of records.
#pragma once

namespace nstrace::capture {

struct Signals {
  int count = 0;      // how many wishes for the end there were
  int last = 0;       // number of the last one
  bool sent = false;  // it came from kill(2), not from the terminal
};

// Takes the three for the rest of the process's life: one that comes when the trace has just ended by itself must not
// cut off its outputs. A third is for an output that hangs: it has its usual effect.
void take_signals();
Signals signals_so_far();

}  // namespace nstrace::capture
