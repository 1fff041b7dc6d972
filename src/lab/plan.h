// SPDX-License-Identifier: MIT
// A plan: what each stage of a container's set-up does. Passive data; it can be printed (text_of), flattened (wire.h)
// for the helper to carry out, and asked what a failed step was.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "lab/stage.h"
#include "lab/wire.h"

namespace nstrace::lab {

struct Plan {
  std::deque<Stage> stages;  // the first is carried out by the process that is started
  std::deque<Register> registers;

  Stage& stage(std::string name);
  Register& pid(std::string name);
  Register& word(std::string name);
};

// The helper's form. Throws Error when the plan does not fit (LAB_PLAN_MAX: a command line that is too long).
std::string flatten(const Plan&);

struct PlanText {
  bool reasons = true;                 // a "# why" line above steps that have one
  std::vector<std::string> only = {};  // names of calls, without their reasons: no other steps; empty: all
};
// Per stage its name, then one line per call as strace writes it, indented by two blanks.
std::string text_of(const Plan&, const PlanText& = {});

// "lab:[2:INIT]: mount("proc", ...) = -1 EPERM (Operation not permitted)". Throws Error for a report that fits no step.
std::string failure_text(const Plan&, const lab_report&);

}  // namespace nstrace::lab
