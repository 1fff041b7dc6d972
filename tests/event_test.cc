// SPDX-License-Identifier: MIT
#include "trace/event.h"

#include "tests/catch.h"

using namespace nstrace::trace;

TEST_CASE("namespace names are those of /proc/PID/ns, both ways") {
  for (int i = 0; i < kNsSlots; ++i) {
    const Ns ns = static_cast<Ns>(i);
    REQUIRE(ns_from_name(ns_name(ns)) == ns);
  }
  REQUIRE_FALSE(ns_from_name("pids"));
}

TEST_CASE("every namespace proper has its clone flag") {
  REQUIRE(ns_clone_flag(Ns::Mnt) == 0x00020000);
  REQUIRE(ns_clone_flag(Ns::Time) == 0x00000080);
  REQUIRE(ns_clone_flag(Ns::PidForChildren) == 0);
}
