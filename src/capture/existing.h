// SPDX-License-Identifier: MIT
// What existed before the trace: from the task iterator's records and /proc to the followed processes and all their
// ancestors.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf/events.h"
#include "trace/event.h"

namespace nstrace::capture {

// Sorted by pid. /proc is asked for executables, arguments and cgroup paths; what it does not tell stays empty.
std::vector<trace::Existing> existing_processes(const std::vector<nst_rec_task>& tasks, std::uint64_t start_boottime);

// The namespaces of pid 1, as far as the records have it.
trace::NsSet host_namespaces(const std::vector<nst_rec_task>& tasks);

// The path of a process's cgroup in version 2, or where that is the root, in version 1's pids or memory hierarchy.
std::string cgroup_path(int pid);

}  // namespace nstrace::capture
