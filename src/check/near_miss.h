// SPDX-License-Identifier: MIT
// A `never` that holds, though a call comes so near to it that it may have been meant.
#pragma once

#include <optional>
#include <string>

#include "check/facts.h"

namespace nstrace::check {

// A sentence about the first such call; nothing if there is none.
std::optional<std::string> near_miss(const Facts& facts, const Never& rule);

}  // namespace nstrace::check
