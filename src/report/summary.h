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

// Both end in a newline. `width`: the columns of the terminal, to which long lines are cut; 0: nothing is cut.
std::string summary_text(const Summarized& trace, bool color, std::size_t width = 0);
// Chapters are compared in pairs: the first that was made with the first that was made, and so on.
std::string summary_text(const Summarized& a, const Summarized& b, bool color, std::size_t width = 0);

}  // namespace nstrace::report
