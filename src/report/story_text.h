// SPDX-License-Identifier: MIT
// A story for people: chapters with their phases, numbered steps, each with the line it rests on and where to read
// more.
#pragma once

#include <string>

#include "story/story.h"

namespace nstrace::report {

struct StoryOptions {
  bool color = false;
  std::size_t width = 80;  // columns; text is wrapped to it
  bool references = true;  // where to read more
  bool lines = true;       // what each step rests on
};

// Ends in a newline.
std::string story_text(const story::Story& story, const model::Model& model, const StoryOptions& options = {});

}  // namespace nstrace::report
