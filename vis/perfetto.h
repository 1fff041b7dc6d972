// SPDX-License-Identifier: MIT
// A trace as Chrome's trace events (JSON), which ui.perfetto.dev and other profilers open.
#pragma once

#include <string>

#include "vis/recording.h"
#include "vis/tree.h"

namespace nstrace::vis {

// A track for each process: what it was called and what it ran as slices, with the eight namespaces as arguments; its
// calls in them; threads that made calls below. Flows lead from each fork to the child, from each setns to the init of
// the container that was entered. Times are microseconds since the trace began.
std::string to_perfetto(const Recording& recording, const DrawOptions& options = {});

}  // namespace nstrace::vis
