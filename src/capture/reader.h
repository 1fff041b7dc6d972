// SPDX-License-Identifier: MIT
// Reader: a thread that empties the ring buffer into the queue, so that no output can stall it. It does little, and
// goes before all others: what it does not take in time is lost. Whoever takes from the queue decodes and writes, and
// yields to what is traced as long as the queue has room.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "capture/probe.h"
#include "capture/queue.h"

namespace nstrace::capture {

class Reader {
 public:
  // Starts. The thread that calls it is the one that takes from the queue, and is woken there when `end` is ready.
  // interval: how late a record may be seen; each look takes a processor from what is traced.
  Reader(Probe& probe, Queue& queue, std::chrono::milliseconds interval, int end);
  ~Reader();

  // A point in time, which has passed when all that the ring held then is in the queue.
  std::uint64_t mark();
  bool passed(std::uint64_t mark) const { return passed_ >= mark; }

  // CLOCK_BOOTTIME, ns: what was sent until then is in the queue. 0 before the first look.
  std::uint64_t taken_until() const { return taken_until_; }

  // Takes what the ring still holds, full queue or not, and ends.
  void stop();

 private:
  void run();
  void wait();
  void wake();
  void balance();

  Probe& probe_;
  Queue& queue_;
  const std::chrono::milliseconds interval_;
  int end_;
  const int wake_;  // an eventfd
  const pid_t writer_;
  bool goes_first_ = false;  // it may set priorities
  int nice_ = 0;             // the writer's
  std::atomic<std::uint64_t> marks_{0}, passed_{0}, taken_until_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace nstrace::capture
