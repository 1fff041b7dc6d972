// SPDX-License-Identifier: MIT
#include "trace/order.h"

#include "tests/catch.h"

using namespace nstrace::trace;

namespace {

struct Seen : Sink {
  std::vector<std::pair<Time, int>> events;  // time and tid
  std::vector<std::uint64_t> numbers;
  void event(const Event& event) override {
    events.emplace_back(event.time, event.who.tid);
    numbers.push_back(event.number);
  }
};

Event at(Time time, int tid) {
  Event event;
  event.time = time;
  event.who.tid = tid;
  return event;
}

}  // namespace

TEST_CASE("events of two CPUs that stand a little off leave in order, numbered from 1") {
  Seen seen;
  Orderer orderer(seen, 10);
  for (const Time time : {5, 3, 9, 7, 30, 28}) orderer.push(at(time, 1));
  REQUIRE(seen.events.size() == 4);  // 28 and 30 are still within the window
  orderer.flush();
  REQUIRE(seen.events == decltype(seen.events){{3, 1}, {5, 1}, {7, 1}, {9, 1}, {28, 1}, {30, 1}});
  REQUIRE(seen.numbers == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
  REQUIRE(orderer.emitted() == 6);
}

TEST_CASE("ties leave in the order of arrival") {
  Seen seen;
  Orderer orderer(seen, 10);
  for (const int tid : {3, 1, 2}) orderer.push(at(4, tid));
  orderer.flush();
  REQUIRE(seen.events == decltype(seen.events){{4, 3}, {4, 1}, {4, 2}});
}

TEST_CASE("time that passes gives out what waits") {
  Seen seen;
  Orderer orderer(seen, 1000);
  orderer.push(at(5, 1));
  orderer.flush_until(4);
  REQUIRE(seen.events.empty());
  orderer.flush_until(5);
  REQUIRE(seen.events.size() == 1);
}
