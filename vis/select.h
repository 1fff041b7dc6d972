// SPDX-License-Identifier: MIT
// Which processes of a model a picture shows one by one, and which it folds into one node with a count.
#pragma once

#include <optional>
#include <vector>

#include "model/model.h"

namespace nstrace::vis {

// Processes that stand for one node: all of them below `under`, the nearest creator that is shown. Without one they are
// in the picture by themselves, unless there is nothing to tell of them (`quiet`).
struct Fold {
  std::optional<model::ProcessId> under;
  std::vector<model::ProcessId> members;       // tops only; what they created is folded with them
  std::size_t count = 0;                       // of processes, all descendants included
  std::vector<model::ContainerId> containers;  // that they set up, all in the same way as a sibling that is shown
  bool quiet = false;  // nothing but threads, no exec; else: the same as their siblings, or too many of them
};

struct Selection {
  std::vector<bool> shown;                               // by ProcessId
  std::vector<std::optional<model::ProcessId>> creator;  // by ProcessId, of the shown: the creator, if shown
  std::vector<Fold> folds;
};

// The creator as the picture has it: who called clone, for processes from before the trace their parent.
std::optional<model::ProcessId> creator_of(const model::Process& process);

// Folded are: from three siblings on that set containers up in the same way, all but the first; processes that neither
// exec nor change where they live nor lead to one that does; three or more siblings that do the same and nothing of
// interest (a loop over `true`); beyond eight, all such siblings. `all` folds nothing.
Selection select(const model::Model& model, bool all);

}  // namespace nstrace::vis
