// SPDX-License-Identifier: MIT
// NamespaceSigns: the sign of every namespace of a model, the same one wherever it is shown: a number among those of
// its type (the host's is 1), and a family of colours. Namespaces of one container share a family; the others share one
// with those that the same call made.
#pragma once

#include <vector>

#include "model/model.h"
#include "vis/graph.h"

namespace nstrace::vis {

// The kinds in the order in which pictures show them.
inline constexpr trace::Ns kBandOrder[] = {trace::Ns::Mnt, trace::Ns::Uts,  trace::Ns::Ipc,    trace::Ns::Net,
                                           trace::Ns::Pid, trace::Ns::User, trace::Ns::Cgroup, trace::Ns::Time};

// The slot in which a process prepares a namespace for its children; the type itself where it takes effect at once.
trace::Ns slot_for_children(trace::Ns type);

// The namespaces of a container: those of its init as the trace leaves it, else of its first member.
model::NsIds namespaces_of(const model::Model& model, const model::Container& container);

class NamespaceSigns {
 public:
  explicit NamespaceSigns(const model::Model& model);

  Badge badge(trace::Ns type, model::NamespaceId id) const;  // kNoNamespace: "not known"
  // All eight in kBandOrder; empty when none is known.
  std::vector<Badge> band(const model::NsIds& ids) const;
  // What the call gave: the slots that differ, what is for the children included.
  struct Change {
    Badge badge;
    model::NamespaceId id = model::kNoNamespace;
  };
  std::vector<Change> changes(const model::Mark& mark) const;
  int family(const model::Container& container) const { return container_family_[container.id]; }

 private:
  const model::Model* model_;
  std::vector<int> number_;            // by NamespaceId
  std::vector<int> family_;            // by NamespaceId, -1 = the host's
  std::vector<int> container_family_;  // by ContainerId
};

}  // namespace nstrace::vis
