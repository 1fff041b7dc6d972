// SPDX-License-Identifier: MIT
// What every picture says about its trace: title, what was followed, kernel, losses.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"

namespace nstrace::vis {

struct Facts {
  std::string title;
  std::vector<std::string> facts;
  std::string loss;
  bool lossy = false;  // events are missing, or nobody knows
};

// Whether the trace has times at all: strace logs without -t and anonymous traces have only an order.
bool has_times(const model::Model& model);

// `title`: raw bytes, empty = the traced command or what was followed.
Facts facts_of(const model::Model& model, const std::string& title);

}  // namespace nstrace::vis
