// SPDX-License-Identifier: MIT
#include "trace/file.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/json_schema.h"
#include "tests/scene.h"
#include "trace/error.h"
#include "trace/file_fields.h"
#include "trace/input.h"

using namespace nstrace;
using namespace nstrace::trace;
using nstrace::testing::Scene;

namespace {

std::string as_text(const Trace& trace) {
  std::string text;
  JsonWriter writer([&](std::string_view line) { text += line; });
  writer.header(trace.header);
  for (const Existing& process : trace.existing) writer.existing(process);
  for (const Event& event : trace.events) writer.event(event);
  if (trace.footer) writer.footer(*trace.footer);
  return text;
}

// A file that is gone when the test is over.
class TempFile {
 public:
  explicit TempFile(std::string_view bytes) {
    char name[] = "/tmp/nstrace-file-test-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Trace parsed(std::string_view text) {
  const TempFile file(text);
  return load_trace(file.path());
}

// The sentence that reading `text` fails with; the file's name is FILE in it.
std::string complaint(std::string_view text) {
  const TempFile file(text);
  try {
    load_trace(file.path());
  } catch (const Error& error) {
    std::string sentence = error.what();
    const std::size_t at = sentence.find(file.path());
    if (at != sentence.npos) sentence.replace(at, file.path().size(), "FILE");
    return sentence;
  }
  return "no error";
}

std::string packed(std::string_view text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  return bytes;
}

const std::string kHeader = "{\"type\":\"header\",\"format\":\"nstrace\",\"version\":1}\n";
const std::string kFooter = "{\"type\":\"footer\",\"events\":0,\"lost\":0,\"losses\":[]}\n";
const std::string kExit =
    "{\"type\":\"exit\",\"n\":1,\"t\":5,\"tid\":7,\"tgid\":7,\"born\":-9,\"comm\":\"a\",\"code\":3}\n";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string source_file(const std::string& name) {
  return testing::read_file(NSTRACE_SOURCE_DIR "/" + name);
}

// The examples of FORMAT.md, in their order.
std::string documented_trace() {
  std::string text;
  for (const std::string& line : split(source_file("src/trace/FORMAT.md")))
    if (line.rfind("{\"type\":", 0) == 0) text += line + "\n";
  return text;
}

nlohmann::json schema() {
  return nlohmann::json::parse(source_file("src/trace/schema.json"));
}

// Every kind of line, with every field in it.
Trace everything() {
  Trace trace;
  Header& header = trace.header;
  header.tool = "nstrace 0.1.0";
  header.kernel = "6.1.0-27-amd64";
  header.arch = "x86_64";
  header.boot_id = "3f1a9c5e-6b0d-4b1c-9b55-0f6f7d1f4a10";
  header.start_boottime = 86400000000000;
  header.start_realtime = 1700000000123456789;
  header.command = {"docker", "run", "busybox", "true"};
  header.follow = {"@containerd"};
  header.calls = {"clone", "execve", "setns", "unshare"};
  header.events = {"fork", "exec", "exit", "comm", "syscall", "namespace", "cgroup", "lost"};
  header.backend = "raw tracepoints";
  header.host = testing::host_namespaces();
  header.tracer_pid = 700;

  Existing existing;
  existing.pid = 829;
  existing.born = -5000000000;
  existing.pids = {829, 12};
  existing.parent_pid = 1;
  existing.comm = "containerd";
  existing.exe = "/usr/bin/containerd";
  existing.argv = {"containerd", "--log-level", "info"};
  existing.ns = testing::host_namespaces();
  existing.cgroup = 4711;
  existing.cgroup_path = "/system.slice/containerd.service";
  existing.followed = true;
  trace.existing.push_back(existing);

  Event event;
  event.number = 1;
  event.time = 2500;
  event.start = 1000;
  event.who = {2031, 2028, 500, {2031, 14}, "runc:[1:CHILD]", testing::host_namespaces(), 4711};
  event.who.ns[Ns::PidForChildren] = 4026532567;
  event.call.name = "clone";
  event.call.args = {testing::address_arg("child_stack", 0x7ffd5a60),
                     testing::flags_arg("flags", CLONE_PARENT | 17, "CLONE_PARENT|SIGCHLD")};
  event.call.result = 2032;
  Fork fork;
  fork.flags = CLONE_PARENT;
  fork.exit_signal = 17;
  fork.parent_tgid = 2020;
  fork.parent_born = 300;
  fork.child = {2032, 2032, 2400, {2032, 1}, "runc:[1:CHILD]", testing::host_namespaces(), 4711};
  fork.child.ns[Ns::Pid] = fork.child.ns[Ns::PidForChildren] = 4026532567;
  event.what = fork;
  trace.events.push_back(event);

  event = Event{};
  event.number = 2;
  event.time = event.start = 3000;
  event.who = {2032, 2032, 2400, {}, "sleep", testing::host_namespaces(), 0};
  event.call.name = "execve";
  event.call.args = {testing::string_arg("pathname", "/bin/sleep"), testing::strings_arg("argv", {"sleep", "100"}),
                     testing::address_arg("envp", 0xc0000243a0, "3 vars")};
  event.call.args[1].cut = true;
  event.call.result = 0;
  Exec exec;
  exec.tid_before = 2040;
  exec.comm_before = "runc:[2:INIT]";
  exec.path = "/bin/sleep";
  exec.interpreter = "/bin/sh";
  exec.device = 8ull << 20 | 17;
  exec.inode = 131;
  exec.argv = {"sleep", "100"};
  exec.argv_from_image = true;
  exec.env_count = 3;
  exec.env = {"PATH", "_LIBCONTAINER_FIFOFD=7", "HOME"};
  exec.creds = Creds{1000, 1001, 1002, 1003, 100, 101, 102, 4294967295};
  exec.caps = Caps{0x1, 0xa80425fb, 0x2, 0x1ffffffffff, 0x4};
  exec.no_new_privs = false;
  exec.seccomp = Seccomp::Filter;
  exec.cwd = Place{51, 128, "(unreachable)/sys/fs/cgroup"};
  exec.root = Place{8ull << 20 | 17, 2, "/srv/j\xe9il (deleted)"};
  exec.fds = {{0, "/dev/null"}, {3, "mnt:[4026531841]"}, {4, "/\xff"}, {9, ""}};
  exec.fds_more = 17;
  exec.cpu = {1204117, 0};
  event.what = exec;
  trace.events.push_back(event);

  event = Event{};
  event.number = 3;
  event.time = event.start = 4000;
  event.who = {2032, 2032, 2400, {}, "sleep", testing::host_namespaces(), 0};
  event.call.name = "everything";
  event.call.abi = "i386";
  event.call.args = {testing::integer_arg("mode", 493), testing::symbol_arg("dirfd", -100, "AT_FDCWD"),
                     testing::fd_arg("fd", 14, "mnt:[4026533533]"), Arg{}, Arg{}};
  event.call.args[0].text = "0755";
  event.call.args[3].name = "attr";
  event.call.args[3].kind = Arg::Kind::Struct;
  event.call.args[3].value = 0x7ffd1000;
  event.call.args[3].list = {"attr_set=MOUNT_ATTR_RDONLY", "attr_clr=0"};
  event.call.args[4].name = "path";
  event.call.args[4].kind = Arg::Kind::Unread;
  event.call.args[4].value = 0x1000;
  event.call.result = -ENOENT;
  event.what = Syscall{};
  trace.events.push_back(event);

  const auto add = [&](auto what) {
    const Who who = trace.events.back().who;
    event = Event{};
    event.number = trace.events.size() + 1;
    event.time = event.start = static_cast<Time>(event.number) * 1000 + 1000;
    event.who = who;
    event.what = what;
    trace.events.push_back(event);
  };
  add(Rename{"sleep"});
  add(CgroupMove{4711, "/docker/cbab362d", "/docker"});
  add(NamespaceSeen{Ns::Mnt, 4026532566, 12884901889, 4026531837, 4026531836});
  add(Exit{0, 9, true, true, {52000, 7}});
  add(Signal{17, {"si_signo=SIGCHLD", "si_pid=2033"}});
  add(Lost{12, 1, "ring buffer full"});
  trace.events.back().who = Who{};

  Footer footer;
  footer.events = 9;
  footer.lost = 12;
  footer.losses = {{"ring buffer full", 12}};
  footer.attempted = 20;
  footer.sent = 8;
  footer.unread = 1;
  footer.end_boottime = 86400000009000;
  footer.end_realtime = 1700000000123465789;
  footer.end = "command";
  footer.status = 137;
  trace.footer = footer;
  return trace;
}

}  // namespace

TEST_CASE("every kind of line, with every field") {
  testing::check_golden("file/every_kind.jsonl", as_text(everything()));
}

TEST_CASE("what was written is read, and written again byte for byte") {
  for (const Trace& trace : {everything(), testing::docker_run_scene().trace(), testing::docker_exec_scene().trace()}) {
    const std::string text = as_text(trace);
    const Trace again = parsed(text);
    REQUIRE(as_text(again) == text);
    REQUIRE(again.report.complete);
    REQUIRE(again.report.unknown == 0);
    REQUIRE(again.report.lines == trace.existing.size() + trace.events.size() + 2);
  }
}

TEST_CASE("all that an event holds comes back") {
  const Trace trace = parsed(as_text(everything()));
  const Event& fork = trace.events[0];
  CHECK(fork.start == 1000);
  CHECK(fork.who.tids == std::vector<int>{2031, 14});
  CHECK(fork.who.ns[Ns::PidForChildren] == 4026532567);
  CHECK(fork.who.ns[Ns::TimeForChildren] == fork.who.ns[Ns::Time]);
  CHECK(fork.as<Fork>()->child.tids.back() == 1);
  CHECK(fork.call.args == everything().events[0].call.args);
  const Exec& exec = *trace.events[1].as<Exec>();
  CHECK(exec.device == (8ull << 20 | 17));
  CHECK(exec.inode == 131);
  CHECK(exec.tid_before == 2040);
  CHECK(exec.env.size() == 3);
  const Trace whole = everything();
  const Exec& written = *whole.events[1].as<Exec>();
  CHECK(exec.creds == written.creds);
  CHECK(exec.caps == written.caps);
  CHECK(exec.no_new_privs == false);
  CHECK(exec.seccomp == Seccomp::Filter);
  CHECK(exec.cwd == written.cwd);
  CHECK(exec.root == written.root);
  CHECK(exec.fds == written.fds);
  CHECK(exec.fds_more == 17);
  CHECK(exec.cpu.on == 1204117);
  CHECK(exec.cpu.waited == 0);
  CHECK(trace.events[2].call.abi == "i386");
  CHECK(trace.events[4].as<CgroupMove>()->from_path == "/docker");
  CHECK(trace.footer->attempted == 20);
  CHECK(trace.footer->sent == 8);
  CHECK(trace.footer->unread == 1);
  const Call& call = trace.events[2].call;
  CHECK(call.args == everything().events[2].call.args);
  CHECK(call.result == -ENOENT);
  CHECK(trace.events[6].as<Exit>()->core);
  CHECK(trace.events[6].as<Exit>()->cpu.on == 52000);
  CHECK(trace.events[6].as<Exit>()->cpu.waited == 7);
  CHECK(trace.footer->losses == everything().footer->losses);
  CHECK(trace.footer->status == 137);
  CHECK(trace.header.host == testing::host_namespaces());
}

TEST_CASE("bytes that are not UTF-8 come back exactly, beside what is shown") {
  const std::string bytes = std::string("a\0b\xff\xc3(", 6) +
                            "\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf"
                            "\xe2\x82";
  Trace trace;
  Event event;
  event.who = {1,
               1,
               0,
               {},
               "\x80"
               "zevil",
               {},
               0};
  event.call.name = "execve";
  event.call.args = {testing::string_arg("pathname", bytes), testing::strings_arg("argv", {"ok", bytes, "", "\xff"})};
  event.what = Syscall{};
  trace.events.push_back(event);
  const std::string text = as_text(trace);
  CHECK_THAT(text, ContainsSubstring("\"comm\":\"\xef\xbf\xbd"
                                     "zevil\",\"comm_b64\":\"gHpldmls\""));
  CHECK_THAT(text, ContainsSubstring("\"list_b64\":[null,\""));
  const Trace again = parsed(text);
  CHECK(again.events[0].who.comm == event.who.comm);
  CHECK(again.events[0].call.args == event.call.args);
  CHECK(as_text(again) == text);
}

TEST_CASE("valid text stays as it is, also U+FFFD itself; control characters are escaped") {
  Trace trace;
  Event event;
  event.who = {1, 1, 0, {}, "\xef\xbf\xbd \xf0\x9f\x90\xb3 \"\\\x1b[2J\x7f\xc2\x9b\n", {}, 0};
  event.what = Syscall{};
  trace.events.push_back(event);
  const std::string text = as_text(trace);
  CHECK_THAT(text,
             ContainsSubstring("\"comm\":\"\xef\xbf\xbd \xf0\x9f\x90\xb3 \\\"\\\\\\u001b[2J\\u007f\\u009b\\n\"}"));
  CHECK(text.find("_b64") == text.npos);
  CHECK(parsed(text).events[0].who.comm == event.who.comm);
}

TEST_CASE("base64 of every length") {
  for (std::size_t length = 1; length <= 9; ++length) {
    Trace trace;
    Event event;
    event.who.tid = 1;
    event.who.comm = std::string(length, '\xff');
    trace.events.push_back(event);
    REQUIRE(parsed(as_text(trace)).events[0].who.comm == event.who.comm);
  }
}

TEST_CASE("the reader forgets one event before the next") {
  const Trace trace =
      parsed(kHeader +
             "{\"type\":\"syscall\",\"n\":1,\"t\":5,\"start\":2,\"tid\":7,\"tgid\":7,\"born\":-9,\"tids\":[7,1],"
             "\"comm\":\"a\",\"ns\":{\"mnt\":1,\"pid\":5},\"cgroup\":\"9\",\"call\":\"mount\",\"args\":[{\"name\":"
             "\"x\",\"kind\":\"string\",\"value\":\"0x1\",\"text\":\"t\",\"cut\":true},{\"name\":\"y\",\"kind\":"
             "\"integer\",\"value\":\"1\"}],\"result\":0,\"abi\":\"i386\"}\n"
             "{\"type\":\"syscall\",\"call\":\"umount2\",\"args\":[{\"name\":\"x\",\"kind\":\"integer\"}]}\n"
             "{\"type\":\"lost\",\"count\":1}\n");
  REQUIRE(trace.events.size() == 3);
  CHECK(trace.events[0].who.ns[Ns::PidForChildren] == 5);
  CHECK(trace.events[1].start == 0);
  CHECK(trace.events[1].who.tids.empty());
  CHECK(trace.events[1].who.comm.empty());
  CHECK(trace.events[1].who.ns == NsSet{});
  CHECK(trace.events[1].who.cgroup == 0);
  REQUIRE(trace.events[1].call.args.size() == 1);
  CHECK(trace.events[1].call.args[0].text.empty());
  CHECK(trace.events[1].call.args[0].value == 0);
  CHECK_FALSE(trace.events[1].call.args[0].cut);
  CHECK_FALSE(trace.events[1].call.result);
  CHECK(trace.events[2].call.args.empty());
  CHECK(trace.events[2].call.name.empty());
  CHECK(trace.events[1].call.abi.empty());
}

TEST_CASE("the state at an exec that was not recorded is not there, which is not the same as nothing") {
  const Trace trace = parsed(kHeader + R"({"type":"exec","n":1,"t":1,"fds":[],"no_new_privs":true})" + "\n" +
                             R"({"type":"exec","n":2,"t":2})" + "\n");
  const Exec& known = *trace.events[0].as<Exec>();
  CHECK(known.fds->empty());
  CHECK(known.no_new_privs == true);
  const Exec& unknown = *trace.events[1].as<Exec>();
  CHECK_FALSE(unknown.creds);
  CHECK_FALSE(unknown.caps);
  CHECK_FALSE(unknown.no_new_privs);
  CHECK_FALSE(unknown.seccomp);
  CHECK_FALSE(unknown.cwd);
  CHECK_FALSE(unknown.root);
  CHECK_FALSE(unknown.fds);
}

TEST_CASE("many sets of namespaces, seen again after others") {
  Trace trace;
  for (std::uint32_t i = 0; i < 60; ++i) {
    Event event;
    event.who.tid = 1;
    event.who.ns[Ns::Mnt] = 4026532000 + i * 7 % 20;
    event.who.ns[Ns::Pid] = event.who.ns[Ns::PidForChildren] = 4026531836 + i % 2;
    if (i % 3 == 0) event.who.ns[Ns::PidForChildren] = i % 9 == 0 ? 0 : 4026532999;
    trace.events.push_back(event);
  }
  const Trace again = parsed(as_text(trace));
  for (std::size_t i = 0; i < trace.events.size(); ++i) REQUIRE(again.events[i].who.ns == trace.events[i].who.ns);
}

TEST_CASE("no list of calls means that it is not known which are recorded") {
  CHECK_FALSE(parsed(kHeader).header.calls_known);
  Trace trace;
  trace.header.calls_known = true;
  CHECK(parsed(as_text(trace)).header.calls_known);
}

TEST_CASE("unknown fields are ignored, unknown types counted, blank lines passed over") {
  const Trace trace = parsed(kHeader + "{\"type\":\"weather\",\"x\":{\"y\":[1,{}]}}\n\n\r\n" +
                             "{\"type\":\"exit\",\"a_name_longer_than_any_that_is_known\":1,\"\":2,\"_b64\":3,"
                             "\"t\\u0069d\":9,\"new\":{\"tid\":9,\"a\":[1,2]},\"tid\":7,\"nul\":null,\"code\":3}\r\n" +
                             kFooter);
  CHECK(trace.report.unknown == 1);
  REQUIRE(trace.events.size() == 1);
  CHECK(trace.events[0].who.tid == 7);
  CHECK(trace.events[0].as<Exit>()->code == 3);
  CHECK(trace.report.complete);
}

TEST_CASE("fields may come in any order, as jq -S sorts them") {
  const Trace trace = parsed(
      "{\"format\":\"nstrace\",\"type\":\"header\",\"version\":1}\n"
      "{\"code\":3,\"comm\":\"a\",\"tid\":7,\"type\":\"exit\"}\n");
  REQUIRE(trace.events.size() == 1);
  CHECK(trace.events[0].as<Exit>()->code == 3);
}

TEST_CASE("whole numbers as jq 1.6 writes them") {
  CHECK(parsed("{\"type\":\"header\",\"format\":\"nstrace\",\"version\":1,\"start_realtime\":1.7000000001234568e+18}\n")
            .header.start_realtime == 1700000000123456768);
}

TEST_CASE("bad input: cannot be opened") {
  REQUIRE_THROWS_WITH(load_trace("/nonexistent/x.jsonl"),
                      "cannot open /nonexistent/x.jsonl: No such file or directory");
  REQUIRE_THROWS_WITH(load_trace("/tmp"), "cannot read /tmp: Is a directory");
}

TEST_CASE("bad input: each has its sentence") {
  CHECK(complaint("") == "FILE is empty: a trace begins with a header line");
  CHECK(complaint("\n\n") == "FILE is empty: a trace begins with a header line");
  CHECK(complaint(std::string("\x7f"
                              "ELF\x02\x01\0\0\n\x1b[2J",
                              13)) ==
        "FILE is neither an nstrace trace nor a log of strace: its first line is \"\\u007fELF\\u0002\\u0001\\u0000\\u0000\"");
  CHECK(complaint("[1,2]\n") == "FILE is neither an nstrace trace nor a log of strace: its first line is \"[1,2]\"");
  CHECK(complaint("{\"type\":\"header\",\"name\":\"other\"}\n") ==
        "FILE is neither an nstrace trace nor a log of strace: its first line is "
        "\"{\\\"type\\\":\\\"header\\\",\\\"name\\\":\\\"other\\\"}\"");
  CHECK_THAT(complaint(kExit), ContainsSubstring("FILE is neither an nstrace trace"));
  CHECK(complaint("{\"type\":\"header\",\"format\":\"nstrace\",\"version\":2,\"events\":17}\n") ==
        "FILE is a trace of format version 2, and this nstrace reads version 1: use the nstrace that wrote it, or a "
        "newer "
        "one");
  CHECK(complaint("{\"type\":\"header\",\"form") ==
        "FILE is cut off within its first line, the header: nothing of the trace is there");
  CHECK_THAT(complaint(kHeader + kExit + "{\"type\":\"exit\",\"n\n" + kFooter),
             ContainsSubstring("FILE, line 3: the file is damaged here: \"{\\\"type\\\":\\\"exit\\\",\\\"n\""));
  CHECK_THAT(complaint(kHeader + "\n\n" + "garbage\n" + kFooter),
             ContainsSubstring("FILE, line 4: the file is damaged"));
  CHECK_THAT(complaint(kHeader + "{\"no\":\"type\"}\n"), ContainsSubstring("FILE, line 2: the file is damaged"));
  CHECK(complaint(kHeader + "{\"type\":\"exit\",\"tid\":\"seven\"}\n") == "FILE, line 2: \"tid\" is not a number");
  CHECK(complaint(kHeader + "{\"type\":\"exit\",\"tid\":4294967296}\n") ==
        "FILE, line 2: \"tid\" is a number that is out of range");
  CHECK(complaint(kHeader + "{\"type\":\"exit\",\"comm\":7}\n") == "FILE, line 2: \"comm\" is not a string");
  CHECK(complaint(kHeader + "{\"type\":\"exit\",\"cgroup\":\"7x\"}\n") ==
        "FILE, line 2: \"cgroup\" is not a number: \"7x\"");
  CHECK(complaint(kHeader + "{\"type\":\"exit\",\"comm\":\"\",\"comm_b64\":\"a\"}\n") ==
        "FILE, line 2: \"comm\" is not base64");
  CHECK_THAT(complaint(kHeader + "{\"type\":\"exit\"} trailing\n" + kFooter), ContainsSubstring("FILE, line 2: "));
  CHECK_THAT(complaint(kHeader + "{\"type\":\"exit\",\"comm\":\"\xff\"}\n" + kFooter),
             ContainsSubstring("FILE, line 2: "));
  CHECK_THAT(complaint(kHeader + kFooter + kHeader + kFooter),
             ContainsSubstring("FILE, line 3: it stands behind the footer"));
  CHECK_THAT(complaint(kHeader + kHeader), ContainsSubstring("FILE, line 2: a second header"));
}

TEST_CASE("a file that ends early is read to its last whole line") {
  const Trace no_footer = parsed(kHeader + kExit);
  CHECK_FALSE(no_footer.report.complete);
  CHECK(no_footer.report.incomplete_why == "there is no footer");
  CHECK(no_footer.events.size() == 1);

  // Wherever it is cut, within the event or the footer.
  const std::string whole = kHeader + kExit + kFooter;
  for (std::size_t length = kHeader.size() + 1; length + 1 < whole.size(); ++length) {
    const Trace trace = parsed(whole.substr(0, length));
    INFO(length);
    REQUIRE_FALSE(trace.report.complete);
    REQUIRE_FALSE(trace.footer);
    REQUIRE(trace.events.size() == (length + 1 >= kHeader.size() + kExit.size() ? 1 : 0));
  }
  const Trace cut = parsed(whole.substr(0, whole.size() - 5));
  CHECK(cut.report.incomplete_why == "the last line is cut off");
}

TEST_CASE("a last line that is whole but for its newline counts") {
  const std::string whole = kHeader + kExit + kFooter;
  CHECK(parsed(whole.substr(0, whole.size() - 1)).report.complete);
}

TEST_CASE("zstd is told by its first bytes, frames may follow each other") {
  CHECK(parsed(packed(kHeader + kExit + kFooter)).report.complete);
  const Trace two = parsed(packed(kHeader) + packed(kExit + kFooter));
  CHECK(two.report.complete);
  CHECK(two.events.size() == 1);
  // A frame may end in the middle of a line.
  const Trace split = parsed(packed(kHeader + kExit.substr(0, 20)) + packed(kExit.substr(20) + kFooter));
  CHECK(split.events.size() == 1);
}

TEST_CASE("a compressed trace that is cut off behaves as a plain one") {
  std::string text = kHeader;
  std::uint32_t noise = 1;
  for (int i = 0; i < 20000; ++i) {  // more than one block of zstd
    noise = noise * 1664525 + 1013904223;
    text += "{\"type\":\"exit\",\"n\":" + std::to_string(i + 1) + ",\"t\":" + std::to_string(noise) + ",\"tid\":7}\n";
  }
  text += kFooter;
  const std::string bytes = packed(text);
  const Trace trace = parsed(bytes.substr(0, bytes.size() * 2 / 3));
  CHECK_FALSE(trace.report.complete);
  CHECK(trace.events.size() > 1000);
  CHECK(trace.events.size() < 20000);
  CHECK_FALSE(trace.report.incomplete_why.empty());
  // Only the checksum or the end mark of the frame is missing: all lines are there, but nobody knows.
  const Trace all = parsed(packed(kHeader + kExit) + bytes.substr(0, 3));
  CHECK(all.report.incomplete_why == "the compressed data are cut off");
}

TEST_CASE("damaged compressed data are an error, not an end") {
  std::string bytes = packed(kHeader + kExit + kFooter);
  CHECK_THAT(complaint(bytes + "garbage"), ContainsSubstring("FILE: the compressed data are damaged"));
}

TEST_CASE("lines longer than the read buffer, in the middle and at the end") {
  for (const std::size_t size : {std::size_t{1} << 20, (std::size_t{2} << 20) + 17, std::size_t{70} << 20}) {
    Trace trace;
    Event event;
    event.who.tid = 1;
    event.what = Exec{};
    event.as<Exec>()->argv = {"a", std::string(size, 'x'), "\xff"};
    trace.events.push_back(event);
    event.what = Exit{};
    trace.events.push_back(event);
    trace.footer = Footer{};
    const Trace again = parsed(as_text(trace));
    REQUIRE(again.events.size() == 2);
    REQUIRE(again.events[0].as<Exec>()->argv == trace.events[0].as<Exec>()->argv);
    REQUIRE(again.report.complete);
  }
}

TEST_CASE("peek shows the beginning and consumes nothing") {
  const TempFile file(packed(kHeader + kExit));
  LineInput input(file.path());
  CHECK(input.peek(7) == "{\"type\"");
  std::string_view line;
  REQUIRE(input.next(line));
  CHECK(line == kHeader.substr(0, kHeader.size() - 1));
}

TEST_CASE("stdin is read for -") {
  const TempFile file(kHeader + kExit + kFooter);
  const int kept = ::dup(STDIN_FILENO);
  const int fd = ::open(file.path().c_str(), O_RDONLY);
  ::dup2(fd, STDIN_FILENO);
  ::close(fd);
  const Trace trace = load_trace("-");
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  CHECK(trace.report.complete);
}

TEST_CASE("the examples of FORMAT.md are a whole trace, in the writer's own words, each kind of line once") {
  const std::string text = documented_trace();
  const Trace trace = parsed(text);
  CHECK(as_text(trace) == text);
  CHECK(trace.report.complete);
  CHECK(trace.report.unknown == 0);
  std::multiset<std::string> documented, written;
  for (const std::string& line : split(text)) documented.insert(nlohmann::json::parse(line)["type"]);
  for (const std::string& line : split(as_text(everything()))) written.insert(nlohmann::json::parse(line)["type"]);
  CHECK(documented == written);
}

TEST_CASE("FORMAT.md names every field that is read") {
  const std::string text = source_file("src/trace/FORMAT.md");
  for (const std::string_view name : kFieldNames) {
    INFO(name);
    CHECK((name.empty() || name == "type" || text.find("`" + std::string(name) + "`") != text.npos));
  }
}

TEST_CASE("every line that is written holds against schema.json, and has no field that it does not name") {
  const nlohmann::json rules = schema();
  Trace hostile = everything();
  for (Event& event : hostile.events) {
    if (event.who.tid != 0) event.who.comm = "\xff";
    for (Arg& arg : event.call.args) {
      if (!arg.text.empty()) arg.text += "\xff";
      if (!arg.list.empty()) arg.list[0] += "\xff";
      arg.comment = arg.target = "\xff";
    }
  }
  hostile.existing[0].argv[1] = hostile.existing[0].exe = hostile.header.command[0] = "\xff";
  for (const std::string& text :
       {as_text(everything()), as_text(hostile), documented_trace(), as_text(testing::docker_run_scene().trace()),
        as_text(testing::docker_exec_scene().trace())}) {
    for (const std::string& line : split(text)) {
      INFO(line);
      REQUIRE(testing::schema_complaint(rules, nlohmann::json::parse(line)) == "");
    }
  }
}

TEST_CASE("schema.json refuses what is wrong") {
  const nlohmann::json rules = schema();
  for (const std::string& line : split(as_text(everything()))) {
    const nlohmann::json whole = nlohmann::json::parse(line);
    // any field of another type, nested ones too
    for (const auto& [name, value] : whole.items()) {
      INFO(line << name);
      nlohmann::json wrong = whole;
      wrong[name] = value.is_string() ? nlohmann::json(7) : nlohmann::json("7 ");
      CHECK(testing::schema_complaint(rules, wrong) != "");
    }
    nlohmann::json more = whole;
    more["surprise"] = 1;
    CHECK(testing::schema_complaint(rules, more) != "");
    if (whole.contains("ns")) {
      nlohmann::json wrong = whole;
      wrong["ns"]["pid"] = "4026531836";
      CHECK(testing::schema_complaint(rules, wrong) != "");
    }
    if (whole.contains("n")) {
      nlohmann::json wrong = whole;
      wrong.erase("n");
      CHECK(testing::schema_complaint(rules, wrong) != "");
    }
  }
}
