// SPDX-License-Identifier: MIT
#include "trace/order.h"

#include <algorithm>
#include <limits>

namespace nstrace::trace {

void Orderer::push(Event&& event) {
  const Time time = event.time;
  heap_.push_back({time, arrivals_++, std::move(event)});
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
  Event event = std::move(heap_.back().event);
  heap_.pop_back();
  event.number = ++emitted_;
  sink_.event(event);
}

}  // namespace nstrace::trace
