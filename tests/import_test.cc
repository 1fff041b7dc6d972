// SPDX-License-Identifier: MIT
// Logs of strace in all its styles: what is read of them stands in the goldens (the tree, then the calls that make and
// change processes), and no line may stay unread. Logs: tests/logs/README.md.
#include "trace/import.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "model/model.h"
#include "report/lines.h"
#include "report/tree.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/imported.h"
#include "trace/error.h"
#include "trace/file.h"
#include "trace/import_call.h"
#include "trace/import_line.h"
#include "trace/text.h"

using namespace nstrace;
using namespace nstrace::trace;
using namespace nstrace::testing;

namespace {

std::string tree_of(const Trace& trace) {
  model::Model model;
  model.header(trace.header);
  for (const Event& event : trace.events) model.event(event);
  if (trace.footer) model.footer(*trace.footer);
  return report::tree_text(model, {});
}

void check_log(const std::string& name, const std::vector<std::string>& unread = {}) {
  INFO(name);
  const Trace trace = load_trace(data_path("logs/" + name));
  REQUIRE(trace.report.log);
  CHECK(trace.report.unread_where == unread);
  REQUIRE(trace.footer);
  CHECK(trace.footer->events == trace.events.size());
  report::LineOptions options;
  options.show_pidns = true;
  options.durations = trace.header.durations;
  options.stamp = report::Stamp::None;
  check_golden("import/" + name + ".txt", tree_of(trace) + "\n" + lines_of(trace, options));
  // Written as a trace and read again it is the same.
  std::string json;
  JsonWriter writer([&](std::string_view line) { json += line; });
  writer.header(trace.header);
  for (const Event& event : trace.events) writer.event(event);
  writer.footer(*trace.footer);
  const Trace again = imported(json);
  CHECK_FALSE(again.report.log);
  CHECK(lines_of(again, options) == lines_of(trace, options));
}

}  // namespace

TEST_CASE("every style of strace's lines") {
  for (const char* name :
       {"plain.log", "t.log", "tt-T.log", "ttt.log", "r.log", "t-r.log", "comm-pidns-y.log", "verbose.log",
        "const-verbose.log", "const-raw.log", "hex-strings.log", "n-i-k.log", "signals.log", "thread-exec.log",
        "threads.log", "inject.log", "strace-4.log", "strace-7.log", "ff", "ff-ttt"})
    check_log(name);
  // What the traced programs printed stands among the lines.
  check_log("brackets.log", {"line 12", "line 38"});
  check_log("brackets-comm.log", {"line 12"});
}

TEST_CASE("real runtimes: docker, podman, runc, crun") {
  for (const char* name : {"docker-run.log", "docker-exec.log", "podman.log", "runc.log", "crun.log"}) check_log(name);
}

TEST_CASE("listings with comms and without the calls that make processes give the tree") {
  for (const char* name : {"listing-run.log", "listing-exec.log"}) check_log(name);
}

TEST_CASE("all styles of one run give the same tree") {
  // But for pids, which differ from run to run: the tree without numbers.
  const auto shape = [](const std::string& name) {
    std::string text = tree_of(load_trace(data_path("logs/" + name)));
    // what the programs printed among the lines is a loss, of which the tree tells first
    if (text.find(" lost: ") < text.find('\n')) text.erase(0, text.find('\n') + 1);
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text.substr(0, text.find("\nnamespaces"));
  };
  const std::string plain = shape("plain.log");
  CHECK(plain.find("unshare") != std::string::npos);
  for (const char* name :
       {"t.log", "tt-T.log", "ttt.log", "r.log", "t-r.log", "const-verbose.log", "brackets.log", "ff", "ff-ttt"}) {
    INFO(name);
    CHECK(shape(name) == plain);
  }
}

TEST_CASE("a child's lines before its creator's clone returns stand behind the fork") {
  const Trace trace = imported(
      "10 execve(\"/bin/sh\", [\"sh\"], 0x1 /* 1 var */) = 0\n"
      "10 vfork( <unfinished ...>\n"
      "11 execve(\"/bin/true\", [\"true\"], 0x1 /* 1 var */ <unfinished ...>\n"
      "11 <... execve resumed>) = 0\n"
      "10 <... vfork resumed>) = 11\n"
      "11 +++ exited with 0 +++\n");
  REQUIRE(trace.events.size() == 4);
  CHECK(kind_name(trace.events[1]) == "fork");
  CHECK(trace.events[1].as<Fork>()->child.tid == 11);
  CHECK(kind_name(trace.events[2]) == "exec");
}

TEST_CASE("two creations at once: each child goes to the call that gave its pid") {
  const Trace trace = imported(
      "1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
      "2 clone(child_stack=NULL, flags=CLONE_PARENT|SIGCHLD <unfinished ...>\n"
      "12 getpid() = 12\n"
      "11 getpid() = 11\n"
      "2 <... clone resumed>) = 12\n"
      "1 <... clone resumed>) = 11\n");
  std::map<int, int> creators;
  for (const Event& event : trace.events)
    if (const Fork* fork = event.as<Fork>()) creators[fork->child.tid] = event.who.tid;
  CHECK(creators == std::map<int, int>{{11, 1}, {12, 2}});
  CHECK(trace.events.size() == 4);
}

TEST_CASE("in a pid namespace a clone gives the inner number") {
  SECTION("told by strace") {
    const Trace trace = imported(
        "10<sh> clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 11<sh>\n"
        "11<sh> clone(child_stack=NULL, flags=SIGCHLD) = 2<sh> /* 12 in strace's PID NS */\n"
        "12<sh> execve(\"/bin/a\", [\"a\"], 0x1 /* 0 vars */) = 0\n");
    REQUIRE(trace.events.size() == 3);
    CHECK(trace.events[0].as<Fork>()->child.tids == std::vector<int>{11, 1});
    CHECK(trace.events[1].as<Fork>()->child.tid == 12);
    CHECK(trace.events[1].as<Fork>()->child.tids == std::vector<int>{12, 2});
  }
  SECTION("not told: the next unknown pid is the child's") {
    const Trace trace = imported(
        "10 unshare(CLONE_NEWPID) = 0\n"
        "10 clone(child_stack=NULL, flags=SIGCHLD) = 11\n"
        "11 clone(child_stack=NULL, flags=SIGCHLD) = 2\n"
        "11 getpid() = 1\n"
        "12 execve(\"/bin/a\", [\"a\"], 0x1 /* 0 vars */) = 0\n");
    REQUIRE(trace.events.size() == 5);
    CHECK(trace.events[2].as<Fork>()->child.tids == std::vector<int>{12, 2});
  }
  SECTION("the child is not in the log: it stays a call") {
    const Trace trace = imported(
        "10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 11\n"
        "11 clone(child_stack=NULL, flags=SIGCHLD) = 2\n"
        "11 getpid() = 1\n");
    REQUIRE(trace.events.size() == 3);
    CHECK(kind_name(trace.events[1]) == "syscall");
    CHECK(*trace.events[1].call.result == 2);
  }
}

TEST_CASE("a pid that is used again is another process") {
  const Trace trace = imported(
      "10 fork() = 11\n"
      "11 +++ exited with 0 +++\n"
      "10 fork() = 11\n"
      "11 +++ killed by SIGKILL +++\n");
  model::Model model;
  for (const Event& event : trace.events) model.event(event);
  REQUIRE(model.processes().size() == 3);
  CHECK(model.processes()[1].ended->code == 0);
  CHECK(model.processes()[2].ended->signal == 9);
}

TEST_CASE("an execve by a thread takes the leader's pid") {
  const Trace trace = imported(
      "10 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 11\n"
      "11 execve(\"/bin/a\", [\"a\"], 0x1 /* 0 vars */ <pid changed to 10 ...>\n"
      "10 +++ superseded by execve in pid 11 +++\n"
      "10 <... execve resumed>) = 0\n"
      "10 +++ exited with 0 +++\n");
  REQUIRE(trace.events.size() == 3);
  const Exec* exec = trace.events[1].as<Exec>();
  REQUIRE(exec);
  CHECK(exec->tid_before == 11);
  CHECK(trace.events[1].who.tid == 10);
  CHECK(trace.events[2].as<Exit>()->process);
}

TEST_CASE("namespaces are known where the log shows their numbers, and nowhere else") {
  const Trace trace = imported(
      "10 setns(3<mnt:[4026533533]>, CLONE_NEWNS) = 0\n"
      "10 setns(4<pid:[4026533536]>, CLONE_NEWPID) = 0\n"
      "10 clone(child_stack=NULL, flags=SIGCHLD) = 11\n"
      "10 unshare(CLONE_NEWNS) = 0\n"
      "10 setns(5, CLONE_NEWNET) = 0\n"
      "11 readlink(\"/proc/self/ns/user\", \"user:[4026531837]\", 64) = 17\n");
  REQUIRE(trace.events.size() == 6);
  CHECK(trace.events[0].who.ns[Ns::Mnt] == 4026533533);
  CHECK(trace.events[1].who.ns[Ns::Pid] == 0);
  CHECK(trace.events[1].who.ns[Ns::PidForChildren] == 4026533536);
  CHECK(trace.events[2].as<Fork>()->child.ns[Ns::Pid] == 4026533536);
  CHECK(trace.events[3].who.ns[Ns::Mnt] == 0);  // a new one, whose number nobody knows
  CHECK(trace.events[4].who.ns[Ns::Net] == 0);
  CHECK(trace.events[5].who.ns[Ns::User] == 4026531837);
  CHECK(trace.events[5].who.ns[Ns::Mnt] == 4026533533);
  CHECK(trace.header.host == NsSet{});
  model::Model model;
  model.header(trace.header);
  for (const Event& event : trace.events) model.event(event);
  CHECK(model.processes()[0].ns[Ns::Mnt] == 0);
}

TEST_CASE("lines that cannot be read are kept, counted and named") {
  const Trace trace = imported(
      "10 getpid() = 10\n"
      "Segmentation fault\n"
      "10 +++ exited with 0 +++\n"
      "\xff\x00 garbage\n");
  CHECK(trace.report.unread == 2);
  CHECK(trace.report.unread_where == Texts{"line 2", "line 4"});
  CHECK(trace.footer->lost == 2);
  REQUIRE(trace.events.size() == 4);
  REQUIRE(trace.events[1].as<Lost>());
  CHECK(trace.events[1].as<Lost>()->why == "line 2 of the log could not be read: Segmentation fault");
}

TEST_CASE("a traced program's output in the middle of a line is no loss") {
  const Trace trace = imported(
      "strace: Process 11 attached\n"
      "[pid    10] write(1, \"hi\\n\", 3hi\n"
      ")      = 3\n"
      "no newline[pid    11] getpid()      = 11\n"
      "clone(child_stack=NULL, flags=SIGCHLDstrace: Process 12 attached\n"
      ", child_tidptr=0x7f) = 12\n");
  CHECK(trace.report.unread == 0);
  CHECK(calls_of(trace).size() == 3);
}

TEST_CASE("calls that never return, and those that began before the log") {
  const Trace trace = imported(
      "10 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 12\n"
      "10 exit_group(0 <unfinished ...>\n"
      "11 wait4(-1,  <unfinished ...>\n"
      "10 <... exit_group resumed>) = ?\n"
      "10 +++ exited with 0 +++\n"
      "11 <... wait4 resumed> <unfinished ...>\n"
      "11 +++ killed by SIGKILL +++\n"
      "13 pause( <detached ...>\n");
  const Texts calls = calls_of(trace);
  REQUIRE(calls.size() == 4);
  CHECK(calls[1] == "10 exit_group(0) = ?");
  CHECK(calls[2] == "11 wait4(-1) = ? <unfinished ...>");
  CHECK(calls[3] == "13 pause() = ? <detached ...>");
}

TEST_CASE("arguments are read back as strace wrote them") {
  for (const char* text :
       {"execve(\"/bin/a\", [\"a\", \"b \\\"c\\\"\\n\"], 0x7ffc /* 44 vars */) = 0",
        "execve(\"/bin/a\", [\"a\"..., \"b\", ...], [\"A=1\", \"B=\"]) = -1 ENOENT (No such file or directory)",
        "execve(\"/bin/a\", NULL, NULL) = -1 EFAULT (Bad address)",
        "unshare(0) = 0",
        "unshare(CLONE_NEWNS|CLONE_NEWPID) = -1 EPERM (Operation not permitted)",
        "unshare(0x8000 /* CLONE_??? */) = -1 EINVAL (Invalid argument)",
        "setns(14<mnt:[4026533533]>, CLONE_NEWNS) = 0",
        "setns(3<pid:812>, CLONE_NEWNS|CLONE_NEWPID) = 0",
        "openat(AT_FDCWD</root>, \"a, b) = 3\", O_RDONLY|O_CLOEXEC) = 3",
        "read(3</etc/a,b (c>, \"\\177ELF\\2\"..., 832) = 832",
        "clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f10) = 8044",
        "clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f, stack_size=0x9000}, 88) = 5",
        "mount(\"a\", \"/b\", 0x55, MS_RDONLY|MS_BIND, NULL) = 0",
        "mknodat(AT_FDCWD, \"/x\", S_IFCHR|0666, makedev(0x1, 0x3)) = 0",
        "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_KILL, permitted=0, "
        "inheritable=0}) = 0",
        "prctl(PR_SET_NAME, \"runc:[2:INIT]\") = 0",
        "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 3",
        "exit_group(0) = ?",
        "kill(-1, SIGTERM) = 0",
        "kill(12, SIGRTMIN) = 0",
        "pause() = ? ERESTARTNOHAND (To be restarted if no handler)",
        "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)",
        "fcntl(3, F_GETFD) = 0",
        "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)",
        "fcntl(3, F_GETLEASE) = 0x2 (F_UNLCK)",
        "fcntl(3, F_GETSIG) = 10 (SIGUSR1)",
        "fcntl(3, F_GET_SEALS) = 0x3 (seals F_SEAL_SEAL|F_SEAL_SHRINK)",
        "prctl(PR_GET_DUMPABLE) = 1 (SUID_DUMP_USER)",
        "prctl(PR_GET_SECUREBITS) = 0x21 (SECBIT_NOROOT|SECBIT_KEEP_CAPS_LOCKED)",
        "prctl(PR_GET_SECUREBITS) = 0",
        "prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) = 2 (PR_MCE_KILL_DEFAULT)",
        "fchdir(3</tmp/q\\\"uote>) = -1 ENOTDIR (Not a directory)",
        "fork() = 12",
        "setns(-1, CLONE_NEWNS) = -1 EBADF (Bad file descriptor)",
        "chroot(0x5<fault>) = -1 EFAULT (Bad address)"}) {
    INFO(text);
    Call call;
    log::CallEnd end;
    REQUIRE(log::read_call(text, call, end));
    CHECK(call_text(call) + " = " + result_text(call) == text);
  }
}

TEST_CASE("values of flags, results and times") {
  Call call;
  log::CallEnd end;
  REQUIRE(log::read_call("unshare(0x20000 /* CLONE_NEWNS */)      = 0 <0.000123>", call, end));
  CHECK(call.args[0].value == 0x20000);
  CHECK(call.args[0].text == "CLONE_NEWNS");
  CHECK(end.duration == 123'000);
  REQUIRE(log::read_call("unshare(flags=CLONE_NEWNS|CLONE_NEWPID) = -1 (errno 999)", call, end));
  CHECK(call.args[0].value == 0x20020000);
  CHECK(*call.result == -999);
  REQUIRE(log::read_call("wait4(-1, NULL, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", call, end));
  CHECK(*call.result == -512);
  REQUIRE(log::read_call("exit_group(0) = ?", call, end));
  CHECK_FALSE(call.result);
  REQUIRE(log::read_call("close(4<TCP:[127.0.0.1:80->127.0.0.1:4000]>) = 0", call, end));
  CHECK(call.args[0].target == "TCP:[127.0.0.1:80->127.0.0.1:4000]");
  REQUIRE(log::read_call("getpid() = 3 /* 812 in strace's PID NS */", call, end));
  CHECK(end.outer == 812);
}

TEST_CASE("hostile logs") {
  SECTION("bytes of all kinds never throw") {
    std::string log = "10 getpid() = 10\n";
    std::uint32_t seed = 1;
    static constexpr std::string_view kPieces[] = {"10 ",
                                                   "[pid 3] ",
                                                   "clone(",
                                                   "\"",
                                                   "\\",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "(",
                                                   ")",
                                                   ", ",
                                                   " = ",
                                                   "<",
                                                   ">",
                                                   "...",
                                                   "unfinished",
                                                   " <unfinished ...>",
                                                   "<... clone resumed>",
                                                   "+++ exited with 0 +++",
                                                   "--- SIGCHLD {",
                                                   "/*",
                                                   "*/",
                                                   "0x",
                                                   "\xff",
                                                   "\x01",
                                                   "11",
                                                   "-1 ENOENT",
                                                   "execve(\"/a\", [\"",
                                                   "strace: Process 7 attached",
                                                   "\r",
                                                   "fork() = 5",
                                                   "clone3({flags="};
    for (int i = 0; i < 20000; ++i) {
      seed = seed * 1664525 + 1013904223;
      log += kPieces[(seed >> 16) % std::size(kPieces)];
      if ((seed >> 8) % 5 == 0) log += '\n';
    }
    const Trace trace = imported(log);
    CHECK(trace.report.unread > 100);
    lines_of(trace);
    tree_of(trace);
  }
  SECTION("every byte value comes through a string") {
    std::string bytes, text;
    for (int i = 1; i < 256; ++i) {
      bytes += static_cast<char>(i);
      text += fmt::format("\\{:03o}", i);
    }
    const Trace trace = imported("10 chroot(\"" + text + "\") = 0\n10 chroot(\"\\x41\\x4a\\n\") = 0\n");
    CHECK(trace.events[0].call.args[0].text == bytes);
    CHECK(trace.events[1].call.args[0].text == "AJ\n");
  }
  SECTION("numbers without end") {
    const Trace trace = imported(
        "99999999999999999999 getpid() = 1\n"
        "10 getpid() = 99999999999999999999999999999999\n"
        "10 close(99999999999999999999) = 0\n"
        "10 +++ exited with 4000000000 +++\n"
        "99999999999999999999.99999999999999 getpid() = 1\n"
        "10 getpid() = 10 <99999999999999999999.0>\n");
    CHECK(trace.report.unread >= 2);
  }
}

TEST_CASE("what is a strace log is told by content") {
  CHECK(looks_like_strace("execve(\"/bin/a\", [\"a\"], 0x1 /* 1 var */) = 0\n"));
  CHECK(looks_like_strace("output of a program\n[pid  12] close(3)                 = 0\n"));
  CHECK(looks_like_strace("strace: Process 812 attached with 9 threads\n"));
  CHECK(looks_like_strace("12 1700000000.123456 +++ exited with 0 +++\n"));
  CHECK_FALSE(looks_like_strace("{\"type\":\"header\",\"format\":\"nstrace\"}\n"));
  CHECK_FALSE(looks_like_strace("#include <stdio.h>\nint main(void) { return f(1); }\n"));
  CHECK_FALSE(
      looks_like_strace("\x7f"
                        "ELF\x02\x01\x01"));
  CHECK_FALSE(looks_like_strace(""));
}

TEST_CASE("times of day go on past midnight; without a date there is none") {
  const Trace trace = imported(
      "10 23:59:59.500000 getpid() = 10\n"
      "10 00:00:00.250000 getpid() = 10\n");
  CHECK(trace.header.start_realtime == 0);
  CHECK(trace.events[0].time == 0);
  CHECK(trace.events[1].time == 750'000'000);
  std::string text;
  report::LineOptions options;
  options.stamp = report::Stamp::Day;
  options.stamp_digits = 6;
  report::LinePrinter printer([&](std::string_view line) { text += line; }, options);
  printer.header(trace.header);
  for (const Event& event : trace.events) printer.event(event);
  CHECK(text ==
        "[pid 10] 23:59:59.500000 getpid() = 10\n"
        "[pid 10] 00:00:00.250000 getpid() = 10\n");
}

TEST_CASE("lines without a pid are of the process that strace started") {
  const Trace trace = imported(
      "execve(\"/bin/sh\", [\"sh\"], 0x1 /* 1 var */) = 0\n"
      "clone(child_stack=NULL, flags=SIGCHLDstrace: Process 21 attached\n"
      ") = 21\n"
      "[pid    20] wait4(-1,  <unfinished ...>\n"
      "[pid    21] +++ exited with 3 +++\n"
      "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 21\n"
      "+++ exited with 0 +++\n");
  CHECK(trace.report.unread == 0);
  for (const Event& event : trace.events)
    if (event.who.tid != 21) CHECK(event.who.tid == 20);
  CHECK(trace.events.size() == 5);
}
