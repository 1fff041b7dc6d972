// SPDX-License-Identifier: MIT
// NamespaceSigns: the sign of every namespace of a model, the same one wherever it is shown: a number among those of
// its type (the host's is 1), and a family of colours. Namespaces of one container share a family; the others share one
// with those that the same call made.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/model.h"
#include "vis/graph.h"

namespace nstrace::vis {

// The kinds in the order in which pictures show them.
inline constexpr trace::Ns kBandOrder[] = {trace::Ns::Mnt, trace::Ns::Uts,  trace::Ns::Ipc,    trace::Ns::Net,
                                           trace::Ns::Pid, trace::Ns::User, trace::Ns::Cgroup, trace::Ns::Time};

class NamespaceSigns {
 public:
  explicit NamespaceSigns(const model::Model& model);

  // The sign of what bears (type, inode) at that time: an inode number can be used again by a later namespace.
  // The two _for_children slots give signs of their plain type.
  Badge badge(trace::Ns type, std::uint32_t inode, trace::Time at) const;
  // All eight in kBandOrder; empty when none is known.
  std::vector<Badge> band(const trace::NsSet& ns, trace::Time at) const;
  // Those that differ, `after` as badges. A pid or time namespace for the children counts as the plain one.
  std::vector<Badge> changed(const trace::NsSet& before, const trace::NsSet& after, trace::Time at) const;

  // The model's namespace with that inode at that time; nullptr if there is none.
  const model::Namespace* find(trace::Ns type, std::uint32_t inode, trace::Time at) const;
  Badge badge(const model::Namespace& ns) const;
  int family(const model::Container& container) const { return container_family_[container.id]; }

 private:
  const model::Model* model_;
  std::map<std::pair<trace::Ns, std::uint32_t>, std::vector<model::NamespaceId>> by_inode_;
  std::vector<int> number_;            // by NamespaceId
  std::vector<int> family_;            // by NamespaceId, -1 = the host's
  std::vector<int> container_family_;  // by ContainerId
};

}  // namespace nstrace::vis
