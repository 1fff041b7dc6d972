// SPDX-License-Identifier: MIT
// What rules are judged by, once the trace has ended: the calls, the model, who fills which role, and what may be
// missing.
#pragma once

#include <vector>

#include "check/finder.h"
#include "check/recording.h"
#include "check/roles.h"

namespace nstrace::check {

class NsHistory;
// A process for each role that a rule needs, by RoleId.
using Assignment = std::vector<ProcessId>;

// The part of a process's life that was recorded, by numbers of events.
struct Watched {
  std::uint64_t from = 0;            // 0: from its beginning, or that of the trace; UINT64_MAX: it was not followed
  std::uint64_t until = UINT64_MAX;  // left at this exec, with which a container's program began
  trace::Time until_time = 0;
};

inline constexpr std::string_view kCureOfLeft = "record with --payload=yes, the default";

struct Facts {
  const Expectations& expectations;
  const model::Model& model;
  const Recording& recording;
  const Store& store;
  const Roles& roles;
  const NsHistory& history;
  const std::vector<Watched>& watched;           // by process
  Finder* finder;                                // of this thread
  std::uint64_t lost = 0;                        // how many records are missing
  std::uint64_t lost_until = 0;                  // they are missing before this event; UINT64_MAX = anywhere
  bool complete = true;                          // the trace has its end
  trace::Time end = 0;                           // of its last event
  std::vector<std::optional<Reason>> gaps = {};  // by pattern id: calls that it may fit and that were not recorded
  std::optional<Reason> gap_of_next = {};        // calls that `next` looks at and that were not recorded
  bool programs_left = false;                    // some were left, and what they made is not known

  Candidates& candidates(const CallPattern& pattern, ProcessId process) const {
    return finder->candidates(pattern, process);
  }
  const Role& role(RoleId id) const { return expectations.roles[static_cast<std::size_t>(id)]; }
  const model::Process& process(ProcessId id) const { return model.processes()[id]; }
  bool gap(const CallPattern& pattern) const { return gaps[static_cast<std::size_t>(pattern.id)].has_value(); }
  // Records of the process may be missing before this event; 0 = none are.
  std::uint64_t blind_until(ProcessId id) const {
    const std::uint64_t from = watched[id].from;
    return lost_until > first_event(id) && lost_until > from ? lost_until : from;
  }
  bool touched(ProcessId id) const { return blind_until(id) > 0; }
  // It was left when a container's program began.
  bool left(ProcessId id) const { return watched[id].until != UINT64_MAX; }
  // Its life goes on beyond what was recorded: beyond the end of an incomplete trace, or it was left.
  bool open(ProcessId id) const { return left(id) || (!complete && !process(id).ended); }
  std::uint64_t first_event(ProcessId id) const {
    const model::Process& p = process(id);
    return p.existed ? 0 : p.fork_event ? p.fork_event : p.comms.front().event;
  }
  ProcessId who(const Assignment& assignment, RoleId role) const { return assignment[static_cast<std::size_t>(role)]; }
};

}  // namespace nstrace::check
