// SPDX-License-Identifier: MIT
// Takes a fold, gives the node that stands for its processes: how many they are, what they are called, what they did.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "story/story.h"
#include "vis/graph.h"
#include "vis/namespaces.h"
#include "vis/select.h"

namespace nstrace::vis {

using StepsOf = std::vector<std::vector<const story::Step*>>;  // by ProcessId

// Refers to what it is made of.
class FoldWords {
 public:
  FoldWords(const model::Model& model, const NamespaceSigns& signs, const Selection& selection, const StepsOf& steps)
      : model_(model), signs_(signs), selection_(selection), steps_(steps) {}

  // Without an id and a cluster.
  Node node(const Fold& fold) const;
  // Of one that is followed, but nothing in the picture comes from it.
  std::string note(const Fold& fold) const;

 private:
  std::string steps_in(const Fold& fold) const;
  void list_containers(const Fold& fold, Node& node) const;

  const model::Model& model_;
  const NamespaceSigns& signs_;
  const Selection& selection_;
  const StepsOf& steps_;
};

}  // namespace nstrace::vis
