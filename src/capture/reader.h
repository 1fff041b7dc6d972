// SPDX-License-Identifier: MIT
// Reader: from the ring to the queue, in a thread of its own, so that no output can stall it.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "capture/probe.h"
#include "capture/queue.h"

namespace nstrace::capture {

class Reader {
 public:
  // poll: how late a record may be seen; no wake-up is paid for it
  Reader(Probe& probe, Queue& queue, std::chrono::milliseconds poll)
      : probe_(probe), queue_(queue), poll_(poll), thread_([this] { run(); }) {}
  ~Reader() { stop(); }

  // Takes what the ring still holds, and ends.
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::string batch;
    const Probe::Take take = [&](const void* data, std::size_t size) {
      const std::size_t padded = (size + 7) & ~std::size_t{7};
      batch.append(static_cast<const char*>(data), size);
      batch.append(padded - size, '\0');
      if (batch.size() >= kBatch) {
        queue_.push(batch);
        batch.clear();
      }
    };
    for (;;) {
      // who asks for the end does not empty the queue any more: then it takes what there is, full or not
      while (!stopping_ && queue_.full()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const bool last = stopping_;
      probe_.poll(last ? 0 : static_cast<int>(poll_.count()), take);
      if (!batch.empty()) queue_.push(batch);
      batch.clear();
      if (last) return;
    }
  }

  static constexpr std::size_t kBatch = 1 << 20;
  Probe& probe_;
  Queue& queue_;
  const std::chrono::milliseconds poll_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it begins when all else is there
};

}  // namespace nstrace::capture
