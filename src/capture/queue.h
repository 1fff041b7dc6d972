// SPDX-License-Identifier: MIT
// Queue: records on their way from the ring buffer to the thread that decodes and writes. A slow output fills it up to
// its bound; then the ring buffer is left alone, fills too, and what finds no room is counted by the kernel side.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>

#include "bpf/events.h"

namespace nstrace::capture {

class Queue {
 public:
  explicit Queue(std::size_t bound) : bound_(bound) {}

  void push(const std::string& records) {
    {
      const std::lock_guard lock(mutex_);
      records_ += records;
    }
    arrived_.notify_one();
  }

  // Whoever waits in pop() waits no longer.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    arrived_.notify_one();
  }

  // Waits up to `timeout` for records, and takes all there are.
  template <typename Duration>
  std::string pop(Duration timeout) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, timeout, [&] { return !records_.empty() || woken_; });
    woken_ = false;
    std::string out;
    out.swap(records_);
    return out;
  }

  // How full it is: 1 is at its bound.
  double filled() const {
    const std::lock_guard lock(mutex_);
    return static_cast<double>(records_.size()) / static_cast<double>(bound_);
  }

 private:
  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  bool woken_ = false;
  std::string records_;  // whole records, one after the other, each padded to 8
};

}  // namespace nstrace::capture
