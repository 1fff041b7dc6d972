// SPDX-License-Identifier: MIT
#include "trace/constants.h"

#include "tests/catch.h"

using namespace nstrace::trace;

TEST_CASE("flags: table order, the rest in hex, and a zero that has a name") {
  constexpr Constant table[] = {{"A", 1}, {"B", 4}, {"AB", 3}};
  REQUIRE(flags_text(5, table) == "A|B");
  REQUIRE(flags_text(0, table) == "0");
  REQUIRE(flags_text(13, table) == "A|B|0x8");
  REQUIRE(flags_text(8, table) == "0x8");
  REQUIRE(flags_text(8, table, "X_???") == "0x8 /* X_??? */");
  constexpr Constant with_zero[] = {{"NONE", 0}, {"A", 1}};
  REQUIRE(flags_text(0, with_zero) == "NONE");
  REQUIRE(flags_text(1, with_zero) == "A");
}

TEST_CASE("flags of several bits are named only when all of them are set") {
  constexpr Constant table[] = {{"BOTH", 3}, {"TWO", 2}};
  REQUIRE(flags_text(3, table) == "BOTH");
  REQUIRE(flags_text(2, table) == "TWO");
  REQUIRE(flags_text(1, table) == "0x1");
}

TEST_CASE("symbols: one name or a comment") {
  REQUIRE(symbol_text(4, umount_flags(), "MNT_???") == "MNT_EXPIRE");
  REQUIRE(symbol_text(3, umount_flags(), "MNT_???") == "0x3 /* MNT_??? */");
}

TEST_CASE("errors: names and texts, also those that only a tracer sees") {
  REQUIRE(errno_name(2) == "ENOENT");
  REQUIRE(errno_text(2) == "No such file or directory");
  REQUIRE(errno_name(11) == "EAGAIN");
  REQUIRE(errno_name(95) == "EOPNOTSUPP");
  REQUIRE(errno_name(512) == "ERESTARTSYS");
  REQUIRE(errno_text(512) == "To be restarted if SA_RESTART is set");
  REQUIRE(errno_name(41).empty());
  REQUIRE(errno_name(0).empty());
  REQUIRE(errno_name(-2).empty());
  REQUIRE(errno_name(4000).empty());
}

TEST_CASE("signals: names both ways, real-time ones by their distance") {
  REQUIRE(signal_name(9) == "SIGKILL");
  REQUIRE(signal_name(17) == "SIGCHLD");
  REQUIRE(signal_name(31) == "SIGSYS");
  REQUIRE(signal_name(34) == "SIGRT_2");
  REQUIRE(signal_name(0) == "0");
  REQUIRE(signal_name(65) == "65");
  REQUIRE(signal_name(-1) == "-1");
  for (int i = 1; i <= 64; ++i) REQUIRE(signal_number(signal_name(i)) == i);
  REQUIRE(signal_number("TERM") == 15);
  REQUIRE(signal_number("SIGPOLL") == 29);
  REQUIRE_FALSE(signal_number("SIGNOPE"));
  REQUIRE_FALSE(signal_number(""));
}
