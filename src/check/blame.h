// SPDX-License-Identifier: MIT
// Which line of a sequence that does not hold is the one to name.
#pragma once

#include <optional>
#include <vector>

#include "check/facts.h"
#include "check/search.h"

namespace nstrace::check {

// The calls of the lines before the one to blame, in order; so the blamed line is the one behind them. As many lines as
// can be are found, so that one missing call blames its own line, even if another call fits it elsewhere. Absent where
// lines cannot be looked at one by one (`any`, `next`, `within`, captures), where there are too many calls, or where
// all lines are found.
std::optional<std::vector<Found>> before_blamed(const Facts& facts, const Sequence& sequence,
                                                const Assignment& assignment);

}  // namespace nstrace::check
