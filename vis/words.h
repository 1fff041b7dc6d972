// SPDX-License-Identifier: MIT
// What a call does, in a few plain words, for readers who never heard of it.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "vis/graph.h"

namespace nstrace::vis {

// "" where nothing is to be said. `badges`: the namespaces that it gave; `after_pivot`: the process changed its root
// before.
std::string words_for(const model::Mark& mark, const std::vector<Badge>& badges, bool after_pivot);

// Of mounts in a row: "proc, tmpfs x2, devpts, 18 binds, 6 read-only". From the marks' texts.
std::string words_for_mounts(const std::vector<model::Mark>& marks, std::size_t begin, std::size_t end);

}  // namespace nstrace::vis
