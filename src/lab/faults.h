// SPDX-License-Identifier: MIT
// Faults: plans with a mistake in them, as real runtimes had it, for checks to find. None of them harms the host: what
// could (mounts that reach it, a host name that is not the container's) is not among them.
#pragma once

#include <span>
#include <string_view>

#include "lab/plan.h"

namespace nstrace::lab {

struct Fault {
  std::string_view name;  // for --fault
  std::string_view what;  // what is wrong, and what comes of it
  bool (*apply)(Stage&);  // true: the stage had a place for it
};
std::span<const Fault> faults();

// Puts the fault into every stage that has a place for it. "without CALL" or "without STAGE: CALL" leaves out the first
// step whose text, as `nstrace lab plan` prints it, begins so. Throws Error for an unknown name, and where there is none,
// and where the host would not be safe.
void put_fault(Plan&, std::string_view name);

}  // namespace nstrace::lab
