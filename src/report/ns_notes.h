// SPDX-License-Identifier: MIT
// NsNotes: what an event changed about the namespaces of its task, as strace 6.14 writes it behind a result:
// "mnt:[4026532567], pid_for_children:[4026532570]". It keeps the last set of every thread.
#pragma once

#include <string>
#include <unordered_map>

#include "trace/event.h"

namespace nstrace::report {

class NsNotes {
 public:
  void existing(const trace::Existing& process);
  // To be called for every event, in order. The note: namespaces that are new for the task, or for a fork those in
  // which the child differs from its creator; empty if there are none, or it is not known what was before.
  std::string event(const trace::Event& event);

 private:
  std::unordered_map<int, trace::NsSet> last_;  // by tid
};

}  // namespace nstrace::report
