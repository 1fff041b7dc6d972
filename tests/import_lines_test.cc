// SPDX-License-Identifier: MIT
// Lines of strace logs that are broken, cut, or no calls.
#include "tests/catch.h"
#include "tests/imported.h"
#include "trace/error.h"
#include "trace/import.h"

using namespace nstrace;
using namespace nstrace::trace;
using namespace nstrace::testing;

TEST_CASE("a thread that clone3 makes while its creator's line is open is a thread") {
  const Trace trace = imported(
      "100 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, child_tid=0x7f, parent_tid=0x7f, "
      "exit_signal=0, stack=0x7f, stack_size=0x7fff00, tls=0x7f} <unfinished ...>\n"
      "101 rseq(0x7f, 0x20, 0, 0x53053053) = 0\n"
      "100 <... clone3 resumed> => {parent_tid=[101]}, 88) = 101\n"
      "101 +++ exited with 0 +++\n");
  CHECK(trace.report.unread == 0);
  REQUIRE(trace.events.size() == 3);
  REQUIRE(trace.events[0].as<Fork>());
  CHECK(trace.events[0].as<Fork>()->thread());
  CHECK(trace.events[0].call.args[0].text == "parent_tid=[101]");
  CHECK(trace.events[1].who.tgid == 100);
}

TEST_CASE("a line that was cut off takes no other with it") {
  for (const std::string_view next :
       {"101 chdir(\"/\") = 0\n", "101 chdir(\"/\" <unfinished ...>\n101 <... chdir resumed>) = 0\n"}) {
    const Trace trace = imported("100 setns(9<ipc:[40265\n" + std::string(next) + "100 getpid() = 100\n");
    CHECK(trace.report.unread == 1);
    CHECK(trace.report.unread_where == Texts{"line 1"});
    CHECK(calls_of(trace) == Texts{"101 chdir(\"/\") = 0", "100 getpid() = 100"});
  }
  const Trace single = imported("setns(9<ipc:[40265\nchdir(\"/\") = 0\ngetpid() = 100\n");
  CHECK(single.report.unread_where == Texts{"line 1"});
  CHECK(calls_of(single).size() == 2);
}

TEST_CASE("what strace prints beside the calls is no loss: dumps of bytes, tables") {
  const Trace trace = imported(
      "10 write(1, \"hi\\n\", 3) = 3\n"
      " | 00000  68 69 0a                                          hi.              |\n"
      "10 writev(1, [{iov_base=\"a\", iov_len=1}], 1) = 1\n"
      " * 1 bytes in buffer 0\n"
      " | 00000  61                                                a                |\n"
      "10 +++ exited with 0 +++\n"
      "% time     seconds  usecs/call     calls    errors syscall\n"
      "------ ----------- ----------- --------- --------- ------------------\n"
      "  0.00    0.000000           0         1           read\n"
      " 12.50    0.000100          50         2         1 rt_sigaction\n"
      "------ ----------- ----------- --------- --------- ------------------\n"
      "100.00    0.000100          33         3         1 total\n");
  CHECK(trace.report.unread == 0);
  CHECK(trace.events.size() == 3);
}

TEST_CASE("-T without times: each call took what its line says, and -r has nothing to print") {
  const Trace trace = imported(
      "10 chdir(\"/\") = 0 <0.005000>\n"
      "10 chdir(\"/a\") = 0 <0.000002>\n"
      "11 wait4(-1,  <unfinished ...>\n"
      "10 chdir(\"/b\") = 0 <0.000003>\n"
      "11 <... wait4 resumed>NULL, 0, NULL) = 12 <0.700000>\n");
  REQUIRE(trace.header.durations);
  REQUIRE_FALSE(trace.header.times);
  std::vector<Time> took;
  for (const Event& event : trace.events) took.push_back(event.time - event.start);
  CHECK(took == std::vector<Time>{5'000'000, 2'000, 3'000, 700'000'000});
  report::LineOptions options;
  options.relative = true;
  CHECK(lines_of(trace, options).starts_with("[pid 10] chdir(\"/\") = 0\n"));
}

TEST_CASE("-e raw=all: results are hexadecimal, and the pids among them are pids") {
  const Trace trace = imported(
      "10 clone(0x1200011, 0, 0, 0x7f10, 0) = 0x400b\n"
      "16395 +++ exited with 0 +++\n");
  REQUIRE(trace.events[0].as<Fork>());
  CHECK(trace.events[0].as<Fork>()->child.tid == 0x400b);
  CHECK(trace.events[0].as<Fork>()->exit_signal == 17);
  CHECK(trace.events.size() == 2);
}

TEST_CASE("what strace has tampered with says so") {
  constexpr std::string_view kLog =
      "[pid 10] chdir(\"/a\") = 0 (INJECTED)\n"
      "[pid 10] chdir(\"/b\") = -1 EPERM (Operation not permitted) (INJECTED) (DELAYED)\n"
      "[pid 10] chdir(\"/c\") = -1 ENOENT (No such file or directory) (INJECTED: args)\n"
      "[pid 10] chdir(\"/d\") = -1 ENOENT (No such file or directory)\n"
      "[pid 10] openat(AT_FDCWD, \"/e\", O_RDONLY) = 3</e> (DELAYED)\n";
  const Trace trace = imported(kLog);
  Texts notes;
  for (const Event& event : trace.events) notes.push_back(event.call.note);
  CHECK(notes == Texts{"(INJECTED)", "(INJECTED) (DELAYED)", "(INJECTED: args)", "", "(DELAYED)"});
  report::LineOptions options;
  options.column = 0;
  CHECK(lines_of(trace, options) == kLog);
}

TEST_CASE("a call whose end the log does not show stays open") {
  constexpr std::string_view kLog =
      "[pid 10] pivot_root(\".\" <unfinished ...>\n"
      "[pid 10] +++ killed by SIGKILL +++\n"
      "[pid 11] chdir(\"/\" <detached ...>\n"
      "[pid 12] exit_group(0) = ?\n";
  const Trace trace = imported(kLog);
  CHECK(trace.report.unread == 0);
  std::string lines = lines_of(trace, {.column = 0});
  CHECK(lines.find("[pid 10] pivot_root(\".\" <unfinished ...>\n") != std::string::npos);
  CHECK(lines.find("[pid 11] chdir(\"/\" <detached ...>\n") != std::string::npos);
  CHECK(lines.find("[pid 12] exit_group(0) = ?\n") != std::string::npos);
}

TEST_CASE("what a returned descriptor is, is kept; what stands behind a pid is a comm") {
  const Trace trace = imported(
      "10<sh> openat(AT_FDCWD</root>, \"x\", O_RDONLY) = 3</root/x\\76>\n"
      "10<sh> dup(3) = 4</root/x>(deleted) <0.000010>\n"
      "10<sh> socket(AF_UNIX, SOCK_STREAM, 0) = 5<UNIX-STREAM:[7->8]>\n"
      "10<sh> getpid() = 10<sh>\n"
      "10<sh> dup(3) = -1 EBADF (Bad file descriptor)\n");
  CHECK(trace.report.unread == 0);
  Texts targets;
  for (const Event& event : trace.events) targets.push_back(event.call.result_target);
  CHECK(targets == Texts{"/root/x>", "/root/x (deleted)", "UNIX-STREAM:[7->8]", "", ""});
}

TEST_CASE("logs that gzip has compressed, members one behind the other, and cut off") {
  // printf '10 chdir("/") = 0\n' | gzip -n9
  static constexpr std::string_view kPacked(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x33\x34\x50\x48\xce\x48\xc9\x2c"
      "\xd2\x50\xd2\x57\xd2\x54\xb0\x55\x30\xe0\x02\x00\x5d\x8d\x5d\x88\x12\x00"
      "\x00\x00",
      38);
  const Trace once = imported(kPacked);
  CHECK(once.report.log);
  CHECK(calls_of(once) == Texts{"10 chdir(\"/\") = 0"});
  CHECK(calls_of(imported(std::string(kPacked) + std::string(kPacked))).size() == 2);
  CHECK(imported(std::string(kPacked) + std::string(kPacked.substr(0, 30))).report.incomplete_why ==
        "the compressed data are cut off");
  CHECK_THROWS_AS(imported(std::string(kPacked.substr(0, 12)) + std::string(40, '\xff')), Error);
}

TEST_CASE("a byte order mark is no part of the first line") {
  const Trace trace = imported(
      "\xef\xbb\xbf"
      "10 chdir(\"/\") = 0\n");
  CHECK(trace.report.unread == 0);
  CHECK(calls_of(trace) == Texts{"10 chdir(\"/\") = 0"});
}
