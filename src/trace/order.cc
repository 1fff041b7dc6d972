// SPDX-License-Identifier: MIT
#include "trace/order.h"

#include <algorithm>
#include <limits>

namespace nstrace::trace {

void Orderer::push(Event&& event) {
  const Time time = event.time;
  if (free_.empty()) {
    free_.push_back(events_.size());
    events_.emplace_back();
  }
  const std::size_t place = free_.back();
  events_[place] = std::move(event);
  free_.pop_back();
  heap_.push_back({time, arrivals_++, place});
  std::push_heap(heap_.begin(), heap_.end(), later);
  flush_until(time - window_);
}

void Orderer::flush_until(Time limit) {
  while (!heap_.empty() && heap_.front().time <= limit) emit_first();
}

void Orderer::flush() {
  flush_until(std::numeric_limits<Time>::max());
}

void Orderer::emit_first() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const std::size_t place = heap_.back().place;
  heap_.pop_back();
  Event event = std::move(events_[place]);
  free_.push_back(place);
  event.number = ++emitted_;
  sink_.event(event);
}

}  // namespace nstrace::trace
