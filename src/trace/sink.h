// SPDX-License-Identifier: MIT
// Sink: whoever takes a trace piece by piece, in order: header, existing processes, events, footer.
// Live capture and the readers push into sinks; writers, the model and the reports are sinks.
#pragma once

#include "trace/event.h"

namespace nstrace::trace {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void header(const Header&) {}
  virtual void existing(const Existing&) {}
  virtual void event(const Event&) {}
  virtual void idle() {}  // live: nothing has come for a while; what is held back should be shown
  virtual void footer(const Footer&) {}  // not called for a trace that was cut short
};

}  // namespace nstrace::trace
