// SPDX-License-Identifier: MIT
// What one event changed about the namespaces of a task: "net 4026531840 -> 4026532567 (new)". Takes a model and an
// event, or what the model keeps of one (a mark, a birth); gives one change for each kind of namespace.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace nstrace::model {

// How a task came into a namespace.
enum class How : std::uint8_t {
  New,     // this call made it
  Joined,  // it was there already
  Effect,  // of a child: its creator had prepared or joined it for its children (pid_namespaces(7), time_namespaces(7))
  Unseen,  // between two events of the task: the call that did it is not in the trace
};

struct NsChange {
  Ns slot{};                      // PidForChildren and TimeForChildren: takes effect at the next fork
  std::uint32_t before = 0;       // inode; 0 = not known
  NamespaceId to = kNoNamespace;  // after it
  How how{};
  std::optional<ContainerId> of;  // whose namespace was joined
  bool proven = true;             // else an inode number is all that says that it is the one of before
  bool operator==(const NsChange&) const = default;
};

// Of the event that was applied last, in the order of Ns; of a fork: in what the child differs from its creator.
std::vector<NsChange> changes(const Model& model, const Event& event);
// Of a call that the model keeps.
std::vector<NsChange> changes(const Model& model, const Mark& mark);
// Of the process's birth.
// The container that a namespace is of, as far as the model knows by now; a process that is brought in may tell only
// after it has joined.
std::optional<ContainerId> container_with(const Model& model, NamespaceId id);
std::vector<NsChange> changes_at_birth(const Model& model, const Process& process);

std::string_view how_name(How how);  // "new"
// "net 4026531840 -> 4026532567 (joined: container 68ef93ab12cd)"; printable.
std::string change_text(const Model& model, const NsChange& change);

}  // namespace nstrace::model
