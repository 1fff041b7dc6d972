// SPDX-License-Identifier: MIT
// Outputs: what a live trace is written to. One that fails (a full disk, a pipe that nobody reads) drops out, and the
// others go on: neither a recording nor COMMAND depends on whether somebody still reads the lines.
#pragma once

#include <memory>

#include "trace/tee.h"

namespace nstrace::cli {

class Outputs {
 public:
  // command: its end is the trace's end, even when nothing is left to write to.
  explicit Outputs(bool command) : command_(command) {}
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  // Before the first event a failure goes through to the caller: nothing was started yet. Afterwards it is told, and
  // goes through only when this was the last output and there is no COMMAND. In the end it is told alone.
  void add(trace::Tee& to, std::unique_ptr<trace::Sink> sink);
  // A sink that cannot fail, and is reason enough to go on.
  void add_sure(trace::Tee& to, trace::Sink& sink);

  bool failed() const { return failed_; }  // one could not be written; a pipe that nobody reads is no failure

 private:
  enum class Stage { Start, Trace, End };
  class Guarded;
  void dropped_out(Stage stage);  // called with the exception in flight
  int living_ = 0;
  bool command_;
  bool failed_ = false;
};

}  // namespace nstrace::cli
