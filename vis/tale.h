// SPDX-License-Identifier: MIT
// Takes a chapter of the story, tells someone who is new to all this what came of it: what the container has to itself,
// and what runs in it.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "story/story.h"

namespace nstrace::vis {

// Whether a program came into a container in it, or was to.
bool has_tale(const story::Chapter& chapter);

// Lines; none where the program was not seen to begin.
std::vector<std::string> tale(const model::Model& model, const story::Story& story, const story::Chapter& chapter);

}  // namespace nstrace::vis
