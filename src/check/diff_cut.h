// SPDX-License-Identifier: MIT
// What strace has cut: a string of which a log shows the beginning ("abc"..., strace's -s) and a list that goes on
// ("...") equal whatever begins so, and a descriptor of which it shows the number alone equals any.
#pragma once

#include <vector>

#include "check/diff_side.h"

namespace nstrace::check {

// Whether two parts of one name are the same, as far as both are known.
bool same_part(const CallPart& a, const CallPart& b);

// Gives steps that are the same as far as both are known the same text: what is cut in one is taken from the other.
void match_cut(std::vector<CallStep>& a, std::vector<CallStep>& b);

}  // namespace nstrace::check
