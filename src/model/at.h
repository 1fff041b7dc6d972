// SPDX-License-Identifier: MIT
// A process as it was at a moment, out of what the model keeps of its life.
#pragma once

#include "model/model.h"

namespace nstrace::model {

struct Snapshot {
  bool alive = false;
  const CommSpan* comm = nullptr;    // nullptr only for a process that has none
  const Program* program = nullptr;  // nullptr = not known
  bool own_program = false;          // it executed it itself; else it was inherited
  NsSet ns;                          // of the leader
  NsIds ns_id;
};

// What held right after `time`. An event at that very moment has happened.
Snapshot at(const Process& process, Time time);

}  // namespace nstrace::model
