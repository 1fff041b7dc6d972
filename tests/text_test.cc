// SPDX-License-Identifier: MIT
#include "trace/text.h"

#include "tests/catch.h"

using namespace nstrace::trace;
using std::string_literals::operator""s;

TEST_CASE("escape: what a terminal would act upon is octal, as strace writes it") {
  REQUIRE(escape("a\x1b[31m") == "a\\33[31m");
  REQUIRE(escape("\0001"s) == "\\0001");
  REQUIRE(escape("\0a"s) == "\\0a");
  REQUIRE(escape("\x7f") == "\\177");
  REQUIRE(escape("\n\t\r\"\\") == "\\n\\t\\r\\\"\\\\");
}

TEST_CASE("escape: UTF-8 stays, broken and deceiving sequences do not") {
  REQUIRE(escape("контейнер") == "контейнер");
  REQUIRE(escape("\xff\xfe") == "\\377\\376");
  REQUIRE(escape("\xc3") == "\\303");
  REQUIRE(escape("\xc0\xaf") == "\\300\\257");           // overlong /
  REQUIRE(escape("\xed\xa0\x80") == "\\355\\240\\200");  // surrogate
  REQUIRE(escape("\xc2\x9b") == "\\302\\233");           // CSI as one character
  REQUIRE(escape("a\xe2\x80\xae"
                 "b") == "a\\342\\200\\256b");  // right-to-left override
}

TEST_CASE("quote: a limit cuts with dots, never within a character") {
  REQUIRE(quote("abcdef", 3) == "\"abc\"...");
  REQUIRE(quote("abc", 3) == "\"abc\"");
  REQUIRE(quote("abc", kNoLimit, true) == "\"abc\"...");
  REQUIRE(quote("aж", 2) == "\"a\"...");
  REQUIRE(quote("", 0) == "\"\"");
}

TEST_CASE("every kind of argument as strace writes it") {
  Arg arg;
  arg.value = -1;
  REQUIRE(arg_text(arg) == "-1");
  arg = {.name = "", .kind = Arg::Kind::Address};
  REQUIRE(arg_text(arg) == "NULL");
  arg = {.name = "", .kind = Arg::Kind::Address, .value = 0xc0004c8600, .comment = "44 vars"};
  REQUIRE(arg_text(arg) == "0xc0004c8600 /* 44 vars */");
  arg = {.name = "", .kind = Arg::Kind::Flags, .value = 0x20000, .text = "CLONE_NEWNS"};
  REQUIRE(arg_text(arg) == "CLONE_NEWNS");
  arg = {.name = "", .kind = Arg::Kind::Strings, .cut = true, .list = {"a", "b"}};
  REQUIRE(arg_text(arg) == "[\"a\", \"b\", ...]");
  arg = {.name = "", .kind = Arg::Kind::Strings, .cut = true, .list = {}};
  REQUIRE(arg_text(arg) == "[...]");
  arg = {.name = "", .kind = Arg::Kind::Descriptor, .value = 14, .target = "mnt:[4026533533]"};
  REQUIRE(arg_text(arg) == "14<mnt:[4026533533]>");
  arg = {.name = "", .kind = Arg::Kind::Descriptor, .value = 3, .target = "/a>\n<"};
  REQUIRE(arg_text(arg) == "3</a\\76\\n\\74>");
  arg = {.name = "", .kind = Arg::Kind::Unread, .value = 0x10};
  REQUIRE(arg_text(arg) == "0x10<fault>");
  arg = {.name = "", .kind = Arg::Kind::Struct, .list = {"flags=CLONE_NEWNS", "exit_signal=SIGCHLD"}};
  REQUIRE(arg_text(arg) == "{flags=CLONE_NEWNS, exit_signal=SIGCHLD}");
}

TEST_CASE("a call with its arguments; clone names them") {
  Call call{.name = "unshare", .args = {{.name = "flags", .kind = Arg::Kind::Flags, .text = "0"}}, .result = 0};
  REQUIRE(call_text(call) == "unshare(0)");
  call.name = "clone";
  REQUIRE(call_text(call) == "clone(flags=0)");
}
