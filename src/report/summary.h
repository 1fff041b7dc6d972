// SPDX-License-Identifier: MIT
// Tables of where the time went: for each container its phases, processes, slowest calls and what all waited for; and
// two traces side by side.
#pragma once

#include <string>

#include "story/story.h"
#include "story/timing.h"

namespace nstrace::report {

struct Summarized {
  std::string name;  // of the trace, for headings
  const story::Story& story;
  const model::Model& model;
  const story::Timing& timing;
};

// Both end in a newline.
std::string summary_text(const Summarized& trace, bool color);
// Chapters are compared in pairs: the first that was made with the first that was made, and so on.
std::string summary_text(const Summarized& a, const Summarized& b, bool color);

}  // namespace nstrace::report
