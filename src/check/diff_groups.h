// SPDX-License-Identifier: MIT
// What the text and the Markdown of a diff have in common: changes of one process by phase, with those that are alike
// folded into one.
#pragma once

#include <string>
#include <vector>

#include "check/diff.h"

namespace nstrace::check {

struct DiffGroup {
  Change change = Change::New;
  Phase phase = Phase::Bootstrap;
  std::string call;
  std::vector<const CallChange*> members;  // one, or so many that only their number is of interest
};

// The changes of a phase, in order; `fold`: three and more of one call that changed in the same way become one group.
std::vector<DiffGroup> groups(const ProcessDiff& process, Phase phase, bool fold);

// "3 new, 2 gone, 1 changed"; "" for none.
std::string counts_text(const Counts& counts);
Counts counts_of(const ProcessDiff& process);
// "runc create", "container init (runc:[2:INIT] became crun)"
std::string process_title(const ProcessDiff& process);
// "12 calls new, 3 gone; 1 process gone": the first line.
std::string headline(const Diff& diff);
std::string plural(std::uint64_t count, const std::string& noun);

}  // namespace nstrace::check
