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

// A task has a cgroup in each hierarchy (man 7 cgroups): which one is told of. Where the pids controller is version
// 1's, runtimes put containers into that hierarchy for certain, and only maybe into version 2's; where the kernel has
// no such controller, memory's is taken. The same for all of a trace, or a move could lead from one hierarchy into
// another.
enum class CgroupHierarchy { V2, Pids, Memory };                   // as in nstrace.bpf.c
CgroupHierarchy cgroup_hierarchy(const std::string& controllers);  // the text of /proc/cgroups
CgroupHierarchy cgroup_hierarchy();                                // this host's

// The path of a process's cgroup there; empty where /proc does not tell.
std::string cgroup_path(int pid);

}  // namespace nstrace::capture
