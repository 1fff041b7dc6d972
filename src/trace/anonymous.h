// SPDX-License-Identifier: MIT
// Anonymous: a trace without what differs from run to run or tells about the machine. Pids, inode numbers, container
// ids, addresses and cgroup ids become symbols in order of first sight; times become the order; kernel and host go.
// Events are sorted canonically: processes by lineage, each one's own events in order. Two runs that did the same give
// the same trace, byte for byte.
#pragma once

#include <memory>

#include "trace/sink.h"

namespace nstrace::trace {

// Takes a whole trace, then gives it on to `next`, made anonymous, when its footer has come.
// Processes that were not followed are left out: who started the daemon is the machine's business.
class Anonymous : public Sink {
 public:
  explicit Anonymous(Sink& next);
  ~Anonymous() override;
  void header(const Header& header) override;
  void existing(const Existing& process) override;
  void event(const Event& event) override;
  void footer(const Footer& footer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nstrace::trace
