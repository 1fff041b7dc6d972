// SPDX-License-Identifier: MIT
// Which processes fill which role, and who belongs together.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "check/ast.h"
#include "check/recording.h"
#include "model/model.h"

namespace nstrace::check {

using model::ProcessId;
inline constexpr ProcessId kNoProcess = UINT32_MAX;

class Roles {
 public:
  // After the last event.
  Roles(const Expectations& expectations, const model::Model& model);

  // Who fills the role, in the order in which they came to do so; first and last are applied.
  const std::vector<ProcessId>& members(RoleId role) const { return roles_[static_cast<std::size_t>(role)].members; }
  bool fills(ProcessId process, RoleId role) const;
  // The nearest creator above that fills the role.
  std::optional<ProcessId> above(ProcessId process, RoleId role) const;
  // The member of `top` that a member of `role` belongs to, going up from role to role along `below`.
  std::optional<ProcessId> belongs_to(ProcessId process, RoleId role, RoleId top) const;
  // The members of `role`, whose `below` role `parent` fills, that belong to it.
  const std::vector<ProcessId>& children(RoleId role, ProcessId parent) const;
  // Whether a process descends from the other, whoever stands between.
  bool descends(ProcessId process, ProcessId from) const;
  // The number of the event at which a member came to fill the role; 0 = before the trace.
  std::uint64_t filled_at(RoleId role, ProcessId member) const;
  // Processes that fill the role but for `below`, whose creators are not all known.
  bool unsure_below(RoleId role) const { return roles_[static_cast<std::size_t>(role)].unsure_below; }
  // The roles from `role` up along `below`, itself first; and the last of those.
  std::vector<RoleId> chain(RoleId role) const;
  RoleId top(RoleId role) const;

 private:
  struct OfRole {
    std::vector<ProcessId> members;
    std::vector<char> is;                                            // by process
    std::unordered_map<ProcessId, std::uint64_t> since;              // of members
    std::vector<ProcessId> parent;                                   // by process: the member of `below` it belongs to
    std::unordered_map<ProcessId, std::vector<ProcessId>> children;  // the other way round, selected members only
    bool done = false;
    bool unsure_below = false;
  };
  void fill(RoleId role);
  std::optional<ProcessId> origin(ProcessId process) const;
  bool origin_unknown(ProcessId process) const;

  const Expectations& expectations_;
  const model::Model& model_;
  std::vector<OfRole> roles_;
};

// The number of the event at which a process came to satisfy the role's own clauses (0 = before the trace), without
// `below`; absent if it never did.
std::optional<std::uint64_t> satisfied_at(const Role& role, const model::Process& process);

}  // namespace nstrace::check
