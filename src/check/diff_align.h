// SPDX-License-Identifier: MIT
// What became of the calls of one process: two lists of steps, aligned.
#pragma once

#include <vector>

#include "check/diff_side.h"

namespace nstrace::check {

struct Alignment {
  std::vector<CallChange> changes;  // in the order of the calls, those of A before those of B at the same place
  std::uint64_t same = 0;
  bool in_order = true;  // the order was compared, too
};

// `ordered`: whether the order of the calls means something.
Alignment align(const std::vector<CallStep>& a, const std::vector<CallStep>& b, bool ordered);

}  // namespace nstrace::check
