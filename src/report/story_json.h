// SPDX-License-Identifier: MIT
// A story for machines: one JSON document with chapters, phases and steps.
#pragma once

#include <string>

#include "story/story.h"

namespace nstrace::report {

// Ends in a newline. Times are nanoseconds since the trace began; absent means not known.
std::string story_json(const story::Story& story, const model::Model& model);

}  // namespace nstrace::report
