// SPDX-License-Identifier: MIT
// Faults: plans with a mistake in them, as real runtimes had it, for checks to find. None of them harms the host: what
// could (mounts that reach it, a host name that is not the container's) is not among them.
#pragma once

#include <span>
#include <string_view>

#include "lab/plan.h"

namespace nstrace::lab {

struct Fault {
  std::string_view name;        // for --fault
  std::string_view what;        // what is wrong, and what comes of it
  bool (*apply)(Stage&);        // true: the stage had a place for it
  bool keeps_old_root = false;  // not for a container that others enter: they would enter the host's tree
};
std::span<const Fault> faults();

// Puts the fault into every stage that has a place for it; false: there is none. "without CALL" or "without STAGE:
// CALL" leaves out the first step whose text, as `nstrace lab plan` prints it, begins so. `entered`: a second process
// will enter the container. Throws Error for an unknown name or step, and where the host would not be safe.
bool put_fault(Plan&, std::string_view name, bool entered);

}  // namespace nstrace::lab
