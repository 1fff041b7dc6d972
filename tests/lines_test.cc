// SPDX-License-Identifier: MIT
#include "report/lines.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include <cerrno>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::report;
using namespace nstrace::trace;
using nstrace::testing::Scene;

namespace {

std::string lines(const Scene& scene, const LineOptions& options = {}) {
  std::string text;
  LinePrinter printer([&](std::string_view line) { text += line; }, options);
  scene.play(printer);
  return text;
}

// A scene with one process, pid 100, comm "runc".
Scene one() {
  Scene s;
  s.existing(100, "runc", {"runc", "init"});
  return s;
}

void drop_capabilities(Scene& s, int tid, int count) {
  for (int i = 0; i < count; ++i)
    s.syscall(tid, "prctl",
              {testing::symbol_arg("option", 24, "PR_CAPBSET_DROP"),
               testing::symbol_arg("arg2", i, "CAP_" + std::to_string(i))});
}

}  // namespace

TEST_CASE("docker run and docker exec, as in the write-up") {
  testing::check_golden("lines/docker_run.txt", lines(testing::docker_run_scene()));
  testing::check_golden("lines/docker_exec.txt", lines(testing::docker_exec_scene()));
}

TEST_CASE("an exec shows the comm before it") {
  Scene s = one();
  s.exec(100, "/bin/sleep", {"sleep", "100"});
  s.chroot(100, "/");
  const std::string text = lines(s);
  CHECK_THAT(text, ContainsSubstring("[pid 100<runc>] execve(\"/bin/sleep\", [\"sleep\", \"100\"], "));
  CHECK_THAT(text, ContainsSubstring("[pid 100<sleep>] chroot(\"/\") = 0\n"));
}

TEST_CASE("an exec whose arguments were read from the image says so") {
  Scene s = one();
  s.exec(100, "/bin/sleep", {"sleep"});
  s.last().as<Exec>()->argv_from_image = true;
  CHECK_THAT(lines(s), ContainsSubstring(" = 0 /* argv of the new image */\n"));
}

TEST_CASE("an exec without a call is written from the image") {
  Scene s = one();
  s.exec(100, "/bin/sleep", {"sleep", "1"});
  s.last().call = Call{};
  CHECK(lines(s) == "[pid 100<runc>] execve(\"/bin/sleep\", [\"sleep\", \"1\"]) = 0 /* argv of the new image */\n");
}

TEST_CASE("an exec by another thread bears that thread's tid and says what became of it") {
  Scene s = one();
  s.existing_thread(100, 105);
  s.exec(105, "/bin/sh", {"sh"});
  LineOptions options;
  options.text.comments = false;
  CHECK_THAT(lines(s, options), ContainsSubstring("[pid 105<runc>] execve("));
  CHECK_THAT(lines(s, options), ContainsSubstring(" = 0 /* now pid 100 */\n"));
}

TEST_CASE("a creation is written as its call, with the child's pid") {
  Scene s = one();
  s.fork(100, 200, 0);
  CHECK_THAT(lines(s), ContainsSubstring("[pid 100<runc>] clone("));
  CHECK_THAT(lines(s), ContainsSubstring(" = 200\n"));
}

TEST_CASE("--decode-pids: a number of another pid namespace is looked up among those of the caller's") {
  Scene s = one();
  s.fork(100, 200, CLONE_NEWPID);
  s.fork(100, 400, CLONE_NEWPID);  // another 1, in another namespace
  s.fork(200, 300);
  const auto kill = [&](int who, int whom) {
    trace::Arg pid{.name = "pid", .kind = trace::Arg::Kind::Integer, .value = whom};
    s.syscall(who, "kill", {pid, testing::flags_arg("sig", 15, "SIGTERM")});
  };
  kill(300, 1);
  kill(400, 1);
  kill(100, 200);
  kill(300, 77);
  LineOptions options;
  CHECK_THAT(lines(s, options), ContainsSubstring("[pid 300<runc>] kill(1, SIGTERM) = 0\n"));
  options.pid_comms = options.pid_numbers = true;
  const std::string text = lines(s, options);
  CHECK_THAT(text, ContainsSubstring("[pid 300<runc>] kill(1<runc> /* 200 in strace's PID NS */, SIGTERM) = 0\n"));
  CHECK_THAT(text, ContainsSubstring("[pid 400<runc>] kill(1<runc> /* 400 in strace's PID NS */, SIGTERM) = 0\n"));
  CHECK_THAT(text, ContainsSubstring("[pid 100<runc>] kill(200<runc>, SIGTERM) = 0\n"));
  CHECK_THAT(text, ContainsSubstring("[pid 300<runc>] kill(77, SIGTERM) = 0\n"));
}

TEST_CASE("a creation in a nested pid namespace: what the creator was told, and the pid that the child's lines bear") {
  Scene s = one();
  s.fork(100, 200, CLONE_NEWPID);
  s.fork(200, 300);
  s.last().call.result = 2;
  CHECK_THAT(lines(s), ContainsSubstring(" = 2 /* 300 in strace's PID NS */\n"));
}

TEST_CASE("a creation whose call is not known") {
  Scene s = one();
  s.fork(100, 200, CLONE_NEWNS);
  s.last().call = Call{};
  LineOptions options;
  options.namespace_notes = false;
  CHECK(lines(s, options) == "[pid 100<runc>] --- new process 200 (CLONE_NEWNS) ---\n");
}

TEST_CASE("failed calls carry the error") {
  Scene s = one();
  s.unshare(100, CLONE_NEWNS, -EPERM);
  CHECK(lines(s) == "[pid 100<runc>] unshare(CLONE_NEWNS) = -1 EPERM (Operation not permitted)\n");
}

TEST_CASE("a call that never returned has no result") {
  Scene s = one();
  s.syscall(100, "exit_group", {testing::integer_arg("status", 0)});
  s.last().call.result.reset();
  CHECK(lines(s) == "[pid 100<runc>] exit_group(0) = ?\n");
}

TEST_CASE("hostile comm: no control byte, no forged brackets") {
  Scene s = one();
  s.rename(100, "a\x1b[31m>\n");
  s.chroot(100, "\x1b]0;x\x07");
  CHECK(lines(s) ==
        "[pid 100<runc>] --- comm \"runc\" -> \"a\\33[31m>\\n\" ---\n"
        "[pid 100<a\\33[31m\\76\\n>] chroot(\"\\33]0;x\\7\") = 0\n");
}

TEST_CASE("a rename is wrapped between the names") {
  Scene s = one();
  s.rename(100, "runc:[1:CHILD]");
  LineOptions options;
  options.width = 50;
  CHECK(lines(s, options) == "[pid 100<runc>] --- comm \"runc\"\n        -> \"runc:[1:CHILD]\" ---\n");
}

TEST_CASE("a rename shows the comm before in front") {
  Scene s = one();
  s.rename(100, "runc:[1:CHILD]");
  CHECK(lines(s) == "[pid 100<runc>] --- comm \"runc\" -> \"runc:[1:CHILD]\" ---\n");
}

TEST_CASE("notes: what unshare made, once") {
  Scene s = one();
  s.reuse_inode(4026532999);
  s.unshare(100, CLONE_NEWUTS);
  s.unshare(100, 0);
  s.chroot(100, "/");
  CHECK(lines(s) ==
        "[pid 100<runc>] unshare(CLONE_NEWUTS) = 0 (uts:[4026532999])\n"
        "[pid 100<runc>] unshare(0) = 0\n"
        "[pid 100<runc>] chroot(\"/\") = 0\n");
}

TEST_CASE("notes: a new pid namespace is the children's first, then the child's own") {
  Scene s = one();
  s.reuse_inode(4026532999);
  s.unshare(100, CLONE_NEWPID);
  s.fork(100, 200);
  const std::string text = lines(s);
  CHECK_THAT(text, ContainsSubstring("unshare(CLONE_NEWPID) = 0 (pid_for_children:[4026532999])\n"));
  CHECK_THAT(text, ContainsSubstring(" = 200 (pid:[4026532999])\n"));
}

TEST_CASE("notes: setns already names what it enters") {
  Scene s = one();
  s.unseen([&] { s.unshare(100, CLONE_NEWNET); });
  const std::uint32_t made = s.ns(100)[Ns::Net];
  Scene again = one();
  again.setns(100, 7, Ns::Net, made);
  CHECK(lines(again) == "[pid 100<runc>] setns(7<net:[" + std::to_string(made) + "]>, CLONE_NEWNET) = 0\n");
}

TEST_CASE("notes: setns with a pidfd enters several") {
  Scene s;
  s.existing(50, "sleep", {"sleep"}, {.ns = s.new_set({Ns::Mnt, Ns::Net})});
  s.existing(100, "nsenter", {"nsenter"});
  s.setns_pidfd(100, 3, 50, CLONE_NEWNS | CLONE_NEWNET);
  CHECK_THAT(lines(s), ContainsSubstring(" = 0 (mnt:["));
  CHECK_THAT(lines(s), ContainsSubstring("], net:["));
}

TEST_CASE("notes: nothing is claimed where it is not known what was before") {
  Scene s;
  s.unseen([&] { s.fork(1, 100); });
  s.unshare(100, CLONE_NEWUTS);
  CHECK_THAT(lines(s), ContainsSubstring("unshare(CLONE_NEWUTS) = 0\n"));
}

TEST_CASE("notes: a pid that is used again does not inherit") {
  Scene s = one();
  s.fork(100, 200, CLONE_NEWUTS);
  s.exit(200);
  s.fork(100, 200);
  s.chroot(200, "/");
  CHECK_THAT(lines(s), ContainsSubstring("[pid 200<runc>] chroot(\"/\") = 0\n"));
}

TEST_CASE("ends: code, signal, core; threads only when asked for") {
  Scene s = one();
  s.fork(100, 200);
  s.fork(100, 201);
  s.thread(100, 105);
  s.exit(200, 3);
  s.exit(201, 0, 11);
  s.last().as<Exit>()->core = true;
  s.exit(105);
  LineOptions options;
  options.calls = {"none"};
  CHECK(lines(s, options) ==
        "[pid 200<runc>] +++ exited with 3 +++\n"
        "[pid 201<runc>] +++ killed by SIGSEGV (core dumped) +++\n");
  options.thread_exits = true;
  CHECK_THAT(lines(s, options), ContainsSubstring("[pid 105<runc>] +++ exited with 0 +++\n"));
  options.exits = options.thread_exits = false;
  CHECK(lines(s, options).empty());
}

TEST_CASE("the end of a process bears its pid, whichever thread was the last") {
  Scene s = one();
  s.fork(100, 200);
  s.thread(200, 205);
  s.exit(200);
  s.exit(205, 4);
  LineOptions options;
  options.calls = {"none"};
  CHECK(lines(s, options) == "[pid 200<runc>] +++ exited with 4 +++\n");
}

TEST_CASE("loss is shown whatever is filtered") {
  Scene s = one();
  s.lost(12);
  s.last().as<Lost>()->cpu = 1;
  s.lost(1, "");
  s.last().as<Lost>()->cpu = -1;
  LineOptions options;
  options.calls = {"none"};
  options.results = Results::Failed;
  options.exits = options.renames = options.cgroup_moves = false;
  CHECK(lines(s, options) ==
        "--- LOST 12 records on cpu 1 (ring buffer full) ---\n"
        "--- LOST 1 record ---\n");
}

TEST_CASE("cgroup moves and namespaces at first sight") {
  Scene s = one();
  s.cgroup(100, 4712, "/docker/\x1b");
  s.namespace_seen(100, {Ns::Pid, 4026532570, 0, 4026531837, 4026531836});
  LineOptions options;
  options.namespaces_seen = true;
  CHECK_THAT(lines(s, options), ContainsSubstring("--- cgroup \"/docker/\\33\" ---\n"));
  CHECK_THAT(lines(s, options), ContainsSubstring("--- namespace pid:[4026532570], owner user:[4026531837], parent "
                                                  "pid:[4026531836] ---\n"));
}

TEST_CASE("filters: names, -z, -Z") {
  Scene s = one();
  s.chroot(100, "/");
  s.unshare(100, CLONE_NEWNS, -EPERM);
  s.syscall(100, "exit_group", {});
  s.last().call.result.reset();
  LineOptions options;
  options.calls = {"unshare", "chroot"};
  CHECK(lines(s, options) ==
        "[pid 100<runc>] chroot(\"/\") = 0\n"
        "[pid 100<runc>] unshare(CLONE_NEWNS) = -1 EPERM (Operation not permitted)\n");
  options.calls = {};
  options.results = Results::Successful;
  options.unfinished = false;
  CHECK(lines(s, options) == "[pid 100<runc>] chroot(\"/\") = 0\n");
  options.results = Results::Failed;
  CHECK(lines(s, options) == "[pid 100<runc>] unshare(CLONE_NEWNS) = -1 EPERM (Operation not permitted)\n");
}

TEST_CASE("filters: what is not printed changes the notes even so") {
  Scene s = one();
  s.unshare(100, CLONE_NEWUTS);
  s.chroot(100, "/");
  LineOptions options;
  options.calls = {"chroot"};
  CHECK(lines(s, options) == "[pid 100<runc>] chroot(\"/\") = 0\n");
}

TEST_CASE("thread clones can be left out") {
  Scene s = one();
  s.thread(100, 105);
  s.fork(100, 200);
  LineOptions options;
  CHECK_THAT(lines(s, options), ContainsSubstring(" = 105\n"));
  options.thread_clones = false;
  CHECK(lines(s, options).find(" = 105\n") == std::string::npos);
  CHECK_THAT(lines(s, options), ContainsSubstring(" = 200\n"));
}

TEST_CASE("strings are cut at the limit") {
  Scene s = one();
  s.chroot(100, "/var/lib/docker");
  LineOptions options;
  options.text.string_limit = 4;
  CHECK(lines(s, options) == "[pid 100<runc>] chroot(\"/var\"...) = 0\n");
}

TEST_CASE("times are those of the call's begin, as strace has them") {
  ::setenv("TZ", "UTC-2", 1);
  ::tzset();
  Scene s = one();
  s.header().start_realtime = 1700000000123456789;  // 22:13:20 UTC
  s.wait(1'000'000'000);
  s.chroot(100, "/");
  Event& event = s.last();
  event.time = 2'000'042'999;
  event.start = 2'000'000'000;
  s.chroot(100, "/x");
  s.last().time = s.last().start = 1'999'000'000;
  const std::string rest = "chroot(\"/\") = 0\n";
  LineOptions options;
  const auto first = [&] {
    const std::string text = lines(s, options);
    return text.substr(0, text.find('\n'));
  };
  options.stamp = Stamp::Day;
  options.stamp_digits = 0;
  CHECK(first() == "[pid 100<runc>] 00:13:22 chroot(\"/\") = 0");
  options.stamp = Stamp::Day;
  options.stamp_digits = 6;
  CHECK(first() == "[pid 100<runc>] 00:13:22.123456 chroot(\"/\") = 0");
  options.stamp = Stamp::Unix;
  CHECK(first() == "[pid 100<runc>] 1700000002.123456 chroot(\"/\") = 0");
  options.stamp = Stamp::None;
  options.relative = true;
  CHECK(lines(s, options) ==
        "[pid 100<runc>]      0.000000 chroot(\"/\") = 0\n"
        "[pid 100<runc>]     -0.001000 chroot(\"/x\") = 0\n");
  options.relative_digits = 3;
  CHECK(lines(s, options).ends_with("    -0.001 chroot(\"/x\") = 0\n"));
  options.relative_digits = 0;
  CHECK(first() == "[pid 100<runc>]      0 chroot(\"/\") = 0");
  options.stamp = Stamp::Unix;
  options.stamp_digits = 9;
  options.relative_digits = 6;
  CHECK(first() == "[pid 100<runc>] 1700000002.123456789 (+     0.000000) chroot(\"/\") = 0");
  options.stamp = Stamp::None;
  options.relative = false;
  options.durations = true;
  options.duration_digits = 9;
  CHECK(first() == "[pid 100<runc>] chroot(\"/\") = 0 <0.000042999>");
  options.duration_digits = 6;
  options.column = 40;
  CHECK(first() == "[pid 100<runc>] chroot(\"/\")             = 0 <0.000042>");
  options.column = 20;
  CHECK(first() == "[pid 100<runc>] chroot(\"/\") = 0 <0.000042>");
  s.header().durations = false;
  CHECK(first() == "[pid 100<runc>] chroot(\"/\") = 0 <unavailable>");
  s.header().start_realtime = 0;
  options.durations = false;
  options.stamp = Stamp::Day;
  options.stamp_digits = 0;
  CHECK(first() == "[pid 100<runc>] 00:00:02 chroot(\"/\") = 0");
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("pids inside of nested pid namespaces") {
  Scene s = one();
  s.fork(100, 200, CLONE_NEWPID);
  s.chroot(200, "/");
  LineOptions options;
  options.show_pidns = true;
  options.namespace_notes = false;
  CHECK_THAT(lines(s, options), ContainsSubstring(" = 200 /* 1 in its own PID NS */\n"));
  CHECK_THAT(lines(s, options), ContainsSubstring("[pid 200<runc>/1] chroot(\"/\") = 0\n"));
}

TEST_CASE("fold: repeats of one task that differ in arguments become one line") {
  Scene s = one();
  drop_capabilities(s, 100, 27);
  s.chroot(100, "/");
  LineOptions options;
  options.fold = true;
  CHECK(lines(s, options) ==
        "[pid 100<runc>] prctl(PR_CAPBSET_DROP, ...) = 0 x27\n"
        "[pid 100<runc>] chroot(\"/\") = 0\n");
}

TEST_CASE("fold: one is a line like any other; what comes last is not forgotten") {
  Scene s = one();
  drop_capabilities(s, 100, 1);
  LineOptions options;
  options.fold = true;
  CHECK(lines(s, options) == "[pid 100<runc>] prctl(PR_CAPBSET_DROP, CAP_0) = 0\n");
}

TEST_CASE("fold: another task, option or result begins anew") {
  Scene s = one();
  s.existing(101, "runc");
  drop_capabilities(s, 100, 2);
  drop_capabilities(s, 101, 2);
  s.syscall(101, "prctl", {testing::symbol_arg("option", 38, "PR_SET_NO_NEW_PRIVS"), testing::integer_arg("arg2", 1)});
  s.syscall(101, "prctl", {testing::symbol_arg("option", 24, "PR_CAPBSET_DROP"), testing::integer_arg("arg2", 1)},
            -EPERM);
  drop_capabilities(s, 101, 1);
  LineOptions options;
  options.fold = true;
  CHECK(lines(s, options) ==
        "[pid 100<runc>] prctl(PR_CAPBSET_DROP, ...) = 0 x2\n"
        "[pid 101<runc>] prctl(PR_CAPBSET_DROP, ...) = 0 x2\n"
        "[pid 101<runc>] prctl(PR_SET_NO_NEW_PRIVS, 1) = 0\n"
        "[pid 101<runc>] prctl(PR_CAPBSET_DROP, 1) = -1 EPERM (Operation not permitted)\n"
        "[pid 101<runc>] prctl(PR_CAPBSET_DROP, CAP_0) = 0\n");
}

TEST_CASE("fold: results that differ are not claimed to be one, and loss is never folded over") {
  Scene s = one();
  s.syscall(100, "kill", {testing::integer_arg("pid", 7), testing::integer_arg("sig", 0)}, 1);
  s.syscall(100, "kill", {testing::integer_arg("pid", 7), testing::integer_arg("sig", 9)}, 0);
  s.lost(1);
  s.syscall(100, "kill", {testing::integer_arg("pid", 7), testing::integer_arg("sig", 9)}, 0);
  LineOptions options;
  options.fold = true;
  const std::string text = lines(s, options);
  CHECK(text.substr(0, text.find('\n')) == "[pid 100<runc>] kill(7, ...) x2");
  CHECK_THAT(text, ContainsSubstring("LOST 1 record"));
  CHECK_THAT(text, ContainsSubstring("] kill(7, 9) = 0\n"));
}

TEST_CASE("fold: mounts and execs are never folded") {
  Scene s = one();
  s.mount(100, "a", "/a", "tmpfs", 0);
  s.mount(100, "b", "/b", "tmpfs", 0);
  LineOptions options;
  options.fold = true;
  CHECK(lines(s, options) == lines(s));
}

TEST_CASE("colour changes nothing but escape sequences") {
  LineOptions options;
  options.colour = true;
  std::string coloured = lines(testing::docker_run_scene(), options);
  std::string plain;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\x1b')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  }
  CHECK(coloured.size() > plain.size());
  CHECK(plain == lines(testing::docker_run_scene()));
}

TEST_CASE("wrapping: at arguments, not within strings, and joined again it is the same line") {
  Scene s = one();
  s.exec(
      100, "/bin/sh",
      {"sh", "-c", "echo one, two, three, four, five, six, seven, eight = \\\"9, 10\\\"", "\xc3\xa9\xc3\xa9", "last"});
  LineOptions options;
  options.text.comments = false;
  const std::string whole = lines(s, options);
  options.width = 40;
  const std::string wrapped = lines(s, options);
  testing::check_golden("lines/wrapped.txt", wrapped);
  std::string joined;
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    if (wrapped.compare(i, 9, "\n        ") == 0) {
      joined += ' ';
      i += 8;
    } else {
      joined += wrapped[i];
    }
  }
  CHECK(joined == whole);
}

TEST_CASE("wrapping: long flags break behind a bar") {
  Scene s = one();
  s.syscall(
      100, "unshare",
      {testing::flags_arg("flags", 0x6c020000, "CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET")});
  LineOptions options;
  options.width = 40;
  CHECK(lines(s, options) ==
        "[pid 100<runc>] unshare(CLONE_NEWNS|\n"
        "        CLONE_NEWUTS|CLONE_NEWIPC|\n"
        "        CLONE_NEWPID|CLONE_NEWNET) = 0\n");
}

TEST_CASE("a line that fits is not wrapped") {
  Scene s = one();
  s.chroot(100, "/");  // 34 columns
  LineOptions options;
  for (const std::size_t width : {34, 35, 80}) {
    options.width = width;
    CHECK(lines(s, options) == "[pid 100<runc>] chroot(\"/\") = 0\n");
  }
}

TEST_CASE("the footer text shows every loss") {
  Footer footer;
  footer.events = 431;
  CHECK(footer_text(footer) == "431 events, 0 lost");
  footer.lost = 14;
  CHECK(footer_text(footer) == "431 events, 14 LOST");
  footer.losses = {{"ring buffer full", 12}, {"map full", 2}};
  CHECK(footer_text(footer) == "431 events, 14 LOST (ring buffer full: 12, map full: 2)");
}
