// SPDX-License-Identifier: MIT
// A guess at what a process is busy with, from its calls so far.
#pragma once

#include <string>

#include "check/diff.h"
#include "trace/event.h"

namespace nstrace::check {

class PhaseGuess {
 public:
  explicit PhaseGuess(const std::string& kind) : in_container_(kind == "init" || kind == "stage 2") {}
  // The phase that this event of the process belongs to.
  Phase next(const trace::Event& event);

 private:
  bool in_container_;
  bool pivoted_ = false;
  bool detached_ = false;  // the old root
};

}  // namespace nstrace::check
