// SPDX-License-Identifier: MIT
// Orderer: Events that arrive almost in order leave in order, numbered from 1. Records of two CPUs may stand a little
// off in the ring buffer, since one is stamped before it is sent; within the window they are sorted by their time,
// ties in the order of arrival.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trace/sink.h"

namespace nstrace::trace {

class Orderer {
 public:
  // window: nanoseconds that an Event may come later than one with a greater time.
  explicit Orderer(Sink& sink, Time window = 10'000'000) : sink_(sink), window_(window) {}

  void push(Event&& event);
  void flush_until(Time limit);  // gives out what is not younger than `limit`
  void flush();                  // gives out everything
  std::uint64_t emitted() const { return emitted_; }

 private:
  struct Waiting {
    Time time;
    std::uint64_t arrival;
    std::size_t place;  // in events_: the heap moves this, and not what is large
  };
  static bool later(const Waiting& a, const Waiting& b) {
    return a.time != b.time ? a.time > b.time : a.arrival > b.arrival;
  }
  void emit_first();

  Sink& sink_;
  Time window_;
  std::vector<Waiting> heap_;  // the earliest first, by later()
  std::vector<Event> events_;
  std::vector<std::size_t> free_;  // places of events_ that are empty
  std::uint64_t arrivals_ = 0;
  std::uint64_t emitted_ = 0;
};

}  // namespace nstrace::trace
