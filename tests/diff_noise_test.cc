// SPDX-License-Identifier: MIT
// What varies from run to run, or by the language of the runtime, is no difference; what only looks so is one.
#include "check/diff_noise.h"

#include <linux/sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "check/diff.h"
#include "check/diff_report.h"
#include "tests/catch.h"
#include "tests/json_schema.h"
#include "tests/scene.h"
#include "trace/file.h"

using namespace nstrace;
using namespace nstrace::check;
using namespace nstrace::testing;

namespace {

constexpr int kRunc = 2000, kInit = 2001;

// `runc run box-17`: what the runtime does, what its container's init does before pivot_root, and behind it.
struct Parts {
  std::function<void(Scene&)> runtime = [](Scene&) {};
  std::function<void(Scene&)> root = [](Scene&) {};
  std::function<void(Scene&)> rights = [](Scene&) {};
  std::string path = "/usr/sbin/runc";
  std::string id = "box-17";
};

trace::Trace run(const Parts& parts) {
  Scene s;
  for (const char* name : {"mkdirat", "kill", "keyctl", "capset", "prctl", "pidfd_open", "pidfd_send_signal", "setgid"})
    s.header().calls.emplace_back(name);
  s.existing(900, "shell", {"sh"});
  s.fork(900, kRunc);
  s.exec(kRunc, parts.path, {parts.path, "--root", "/run/x", "run", "--bundle", "/tmp/b", parts.id});
  parts.runtime(s);
  s.fork(kRunc, kInit, CLONE_NEWNS | CLONE_NEWPID);
  s.mount(kInit, "", "/", "", MS_SLAVE | MS_REC);
  parts.root(s);
  s.pivot_root(kInit);
  parts.rights(s);
  s.exec(kInit, "/bin/true", {"true"});
  s.exit(kInit);
  s.exit(kRunc);
  return s.trace();
}

// How two runs differ that are the same but for one part.
Diff root(std::function<void(Scene&)> a, std::function<void(Scene&)> b) {
  return diff(run({.root = std::move(a)}), run({.root = std::move(b)}));
}
Diff runtime(std::function<void(Scene&)> a, std::function<void(Scene&)> b) {
  return diff(run({.runtime = std::move(a)}), run({.runtime = std::move(b)}));
}
Diff rights(std::function<void(Scene&)> a, std::function<void(Scene&)> b) {
  return diff(run({.rights = std::move(a)}), run({.rights = std::move(b)}));
}
const auto kNothing = [](Scene&) {};

void mkdirat(Scene& s, int tid, const std::string& path, std::int64_t result = 0) {
  s.syscall(tid, "mkdirat", {fd_arg("dirfd", 5), string_arg("pathname", path), integer_arg("mode", 0755)}, result);
}
void capset(Scene& s, const std::string& sets) {
  trace::Arg header{.name = "hdrp", .kind = trace::Arg::Kind::Struct};
  trace::Arg data{.name = "datap", .kind = trace::Arg::Kind::Struct};
  data.list = {"effective=" + sets, "permitted=" + sets, "inheritable=0"};
  s.syscall(kInit, "capset", {header, data});
}

bool same(const Diff& diff) {
  INFO(diff_text(diff, {.a = "A", .b = "B"}));
  return diff.verdict == Diff::Verdict::Same;
}

}  // namespace

TEST_CASE("folders of a first run are no difference, those in the container are") {
  const Diff d = runtime([](Scene& s) { mkdirat(s, kRunc, "/run/x"); }, kNothing);
  CHECK(same(d));
  REQUIRE(d.notes.size() == 1);
  CHECK(d.notes[0] == "folders that a first run makes and later ones find: 1 call left out");
  CHECK(
      same(runtime([](Scene& s) { mkdirat(s, kRunc, "/run/x"); }, [](Scene& s) { mkdirat(s, kRunc, "/run/x", -17); })));
  CHECK_FALSE(same(root([](Scene& s) { mkdirat(s, kInit, "dev"); }, kNothing)));
}

TEST_CASE("single paths may be bound in any order, file systems may not") {
  const auto hosts = [](Scene& s) { s.mount(kInit, "/run/hosts", "/proc/self/fd/6", "", MS_BIND); };
  const auto name = [](Scene& s) { s.mount(kInit, "/run/hostname", "/proc/self/fd/7", "", MS_BIND); };
  CHECK(same(root([&](Scene& s) { hosts(s), name(s); }, [&](Scene& s) { name(s), hosts(s); })));
  CHECK_FALSE(same(root([&](Scene& s) { hosts(s), name(s); }, [&](Scene& s) { hosts(s); })));
  const auto proc = [](Scene& s) { s.mount(kInit, "proc", "/proc", "proc", 0); };
  const auto tmp = [](Scene& s) { s.mount(kInit, "tmpfs", "/dev", "tmpfs", 0); };
  CHECK_FALSE(same(root([&](Scene& s) { proc(s), tmp(s); }, [&](Scene& s) { tmp(s), proc(s); })));
}

TEST_CASE("when a process is put into its cgroup is no difference, that it is is one") {
  const auto cgroup = [](Scene& s) { s.cgroup(kInit, 4711, "/box-17"); };
  const auto name = [](Scene& s) { s.rename(kInit, "runc:[2:INIT]"); };
  CHECK(same(root([&](Scene& s) { cgroup(s), name(s); }, [&](Scene& s) { name(s), cgroup(s); })));
  CHECK_FALSE(same(root([&](Scene& s) { cgroup(s), name(s); }, name)));
}

TEST_CASE("a mount of something else at a descriptor is another mount, not a changed one") {
  const auto mount = [](const char* source, const char* target, std::uint64_t flags) {
    return [=](Scene& s) { s.mount(kInit, source, target, "", flags); };
  };
  const auto changes = [](const Diff& diff) {
    std::vector<Change> all;
    for (const ProcessDiff& process : diff.processes)
      for (const CallChange& change : process.changes) all.push_back(change.change);
    return all;
  };
  const std::vector<Change> other{Change::Gone, Change::New}, changed{Change::Changed};
  CHECK(changes(root(mount("/sys/a", "/proc/self/fd/6", MS_BIND), mount("/dev/null", "/proc/self/fd/6", MS_BIND))) ==
        other);
  CHECK(changes(root(mount("", "/proc/self/fd/6", MS_PRIVATE), mount("", "/proc/self/fd/6", MS_SLAVE))) == other);
  CHECK(changes(root(mount("/sys/a", "/proc/self/fd/6", MS_BIND),
                     mount("/sys/a", "/proc/self/fd/6", MS_BIND | MS_RDONLY))) == changed);
  CHECK(changes(root(mount("/run/a", "/etc/a", MS_BIND), mount("/run/b", "/etc/a", MS_BIND))) == changed);
}

TEST_CASE("what a mount ignores is no difference") {
  const auto mount = [](const char* source, const char* target, std::uint64_t flags, const char* data) {
    return [=](Scene& s) { s.mount(kInit, source, target, "", flags, data); };
  };
  const std::uint64_t remount = MS_REMOUNT | MS_BIND | MS_RDONLY;
  CHECK(same(root(mount("/sys/fs/cgroup", "/x", remount, ""), mount("", "/x", remount, ""))));
  CHECK(same(root(mount("none", "/x", MS_PRIVATE, ""), mount("", "/x", MS_PRIVATE, "x"))));
  CHECK_FALSE(same(root(mount("/a", "/x", MS_BIND, ""), mount("/b", "/x", MS_BIND, ""))));
  CHECK_FALSE(same(root(mount("/a", "/x", MS_REMOUNT, "size=1"), mount("/a", "/x", MS_REMOUNT, "size=2"))));
  CHECK(same(root(mount("proc", "/proc/self/fd/7", 0, ""), mount("proc", "/proc/thread-self/fd/12", 0, ""))));
  CHECK(same(
      root(mount("tmpfs", "/dev", 0, "mode=755,size=64k"), mount("tmpfs", "/dev", 0, "mode=0755,mode=755,size=64k"))));
  CHECK_FALSE(same(root(mount("tmpfs", "/dev", 0, "mode=755"), mount("tmpfs", "/dev", 0, "mode=1755"))));
}

TEST_CASE("options of a mount: twice, leading zeros, none") {
  CHECK(mount_data("mode=0755,mode=755,size=65536k") == "mode=755,size=65536k");
  CHECK(mount_data("a=0,b=00,c") == "a=0,b=0,c");
  CHECK(mount_data("") == "");
  CHECK(mount_data(",,") == "");
  CHECK(mount_data("a,a,b=0x1,b=0x1") == "a,b=0x1");
}

TEST_CASE("Go's trial of pidfds is no difference, a vfork that executes is") {
  const auto probe = [](bool executes) {
    return [=](Scene& s) {
      s.syscall(kRunc, "pidfd_open", {integer_arg("pid", kRunc), integer_arg("flags", 0)}, 22);
      s.syscall(kRunc, "pidfd_send_signal", {fd_arg("pidfd", 22), integer_arg("sig", 0)});
      s.fork(kRunc, 2050, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, {.exit_signal = 0});
      if (executes) s.exec(2050, "/bin/hook", {"hook"});
      s.exit(2050);
    };
  };
  CHECK(same(runtime(kNothing, probe(false))));
  CHECK_FALSE(same(runtime(kNothing, probe(true))));
}

TEST_CASE("ids that each thread sets for its process are no difference, setting them again is") {
  const auto set = [](const std::vector<int>& threads) {
    return [=](Scene& s) {
      s.thread(kInit, 2002), s.thread(kInit, 2003);
      for (const int tid : threads) s.syscall(tid, "setgid", {integer_arg("gid", 0)});
    };
  };
  CHECK(same(rights(set({kInit, 2002}), set({2003, 2002, kInit}))));
  CHECK(same(rights(set({kInit, kInit}), set({2002, kInit, 2003, 2002, kInit}))));
  CHECK_FALSE(same(rights(set({kInit}), set({kInit, kInit}))));
  CHECK_FALSE(same(rights(kNothing, set({2002, kInit}))));
}

TEST_CASE("which of its threads visits a namespace is no difference") {
  const auto visit = [](std::initializer_list<int> threads, int tid) {
    return [=](Scene& s) {
      for (const int thread : threads) s.thread(kRunc, thread);
      s.setns(tid, 9, trace::Ns::Mnt, 4026539999);
    };
  };
  CHECK(same(runtime(visit({2061, 2062}, 2061), visit({2061, 2062}, kRunc))));
  CHECK(same(runtime(visit({2061, 2062}, kRunc), visit({2061, 2062}, 2062))));
}

TEST_CASE("asking whether a process lives is no difference, killing it is") {
  const auto kill = [](int signal) {
    return [=](Scene& s) {
      s.syscall(kRunc, "kill", {integer_arg("pid", kInit), symbol_arg("sig", signal, signal ? "SIGKILL" : "0")});
    };
  };
  CHECK(same(runtime(kNothing, kill(0))));
  CHECK_FALSE(same(runtime(kNothing, kill(9))));
}

TEST_CASE("where the runtime is installed and what the container is called is no difference") {
  CHECK(same(diff(run({}), run({.path = "/opt/new/runc"}))));
  CHECK(same(diff(run({}), run({.id = "other"}))));
  const auto keyring = [](const std::string& id) {
    return Parts{.rights = [=](Scene& s) { s.syscall(kInit, "keyctl", {string_arg("name", "_ses." + id)}); }, .id = id};
  };
  CHECK(same(diff(run(keyring("one")), run(keyring("two")))));
  const auto described = [](const std::string& id) {
    const std::string text = "keyring;0;0;3f130000;_ses." + id;
    return Parts{.rights = [=](Scene& s) { s.syscall(kInit, "keyctl", {string_arg("arg3", text)}); }, .id = id};
  };
  CHECK(same(diff(run(described("one")), run(described("two")))));
}

TEST_CASE("pids that are used again are other processes") {
  const auto twice = [](int first, int second, bool hook) {
    Scene s;
    s.existing(900, "shell", {"sh"});
    for (int i = 0; i < 2; ++i) {
      const int pid = i ? second : first;
      s.fork(900, pid);
      s.exec(pid, "/usr/sbin/runc", {"runc", "--root", "/run/x", "run", "box-17"});
      s.unshare(pid, CLONE_NEWNS);
      if (hook && i) s.sethostname(pid, "here");
      s.exit(pid);
    }
    return s.trace();
  };
  CHECK(same(diff(twice(2000, 2000, false), twice(2000, 3000, false))));
  const Diff d = diff(twice(2000, 3000, false), twice(2000, 2000, true));
  CHECK_FALSE(same(d));
  INFO(diff_text(d, {.a = "A", .b = "B"}));
  CHECK(d.calls.added == 1);
}

TEST_CASE("a log of strace is compared by what is in it") {
  const auto log = [](bool less) {
    trace::Trace trace = run({.root = [=](Scene& s) {
      s.mount(kInit, "proc", "/proc", "proc", 0);
      if (!less) s.mount(kInit, "tmpfs", "/dev", "tmpfs", 0);
    }});
    trace.header.tool = "strace";
    trace.header.calls_known = false;
    trace.header.calls.clear();
    return trace;
  };
  CHECK(same(diff(log(false), log(false))));
  const Diff d = diff(log(false), log(true));
  CHECK_FALSE(same(d));
  CHECK(d.calls.gone == 1);
}

TEST_CASE("a process with very many calls is counted, not aligned, and soon done") {
  const auto busy = [](int calls) {
    return run({.root = [=](Scene& s) {
      for (int i = 0; i < calls; ++i) s.umount2(kInit, "/" + std::string(1 + i % 7, 'x'), 0);
    }});
  };
  CHECK(same(diff(busy(30000), busy(30000))));
  const Diff d = diff(busy(30000), busy(30001));
  CHECK_FALSE(same(d));
  CHECK(d.calls.added == 1);
}

TEST_CASE("what the container's program starts with is told first") {
  const auto full = [](Scene& s) {
    s.syscall(kInit, "prctl", {symbol_arg("option", 38, "PR_SET_NO_NEW_PRIVS"), integer_arg("arg2", 1)});
    capset(s, "1<<CAP_KILL");
  };
  const Diff equal = rights(full, full);
  CHECK(same(equal));
  CHECK(diff_markdown(equal, {.a = "A", .b = "B"})
            .find("starts with the same namespaces, effective capabilities, inheritable capabilities, no_new_privs") !=
        std::string::npos);
  const Diff less = rights(full, [](Scene& s) { capset(s, "1<<CAP_KILL|1<<CAP_SYS_ADMIN"); });
  const std::string text = diff_markdown(less, {.a = "A", .b = "B"});
  INFO(text);
  CHECK(text.find("- **no_new_privs**: `yes` → `no`") != std::string::npos);
  CHECK(text.find("- **effective capabilities**: `CAP_KILL` → `CAP_KILL|CAP_SYS_ADMIN`") != std::string::npos);
}

TEST_CASE("a descriptor that is left open, a folder outside and a user are told where both execs tell them") {
  const auto with = [](std::vector<trace::OpenFd> fds, const std::string& cwd, bool tells = true) {
    trace::Trace trace = run({});
    for (trace::Event& event : trace.events)
      if (auto* exec = event.as<trace::Exec>(); exec && tells) {
        exec->fds = fds;
        exec->cwd = trace::Place{.path = cwd};
        exec->creds = trace::Creds{.euid = 1000, .egid = 100};
      }
    return trace;
  };
  const Diff leak = diff(with({{0, "/dev/null"}}, "/"), with({{0, "/dev/null"}, {7, "/"}}, "(unreachable)/"));
  CHECK(leak.verdict == Diff::Verdict::Differs);
  const std::string text = diff_markdown(leak, {.a = "A", .b = "B"});
  INFO(text);
  CHECK(text.find("- **open descriptors**: `0` → `0, 7`") != std::string::npos);
  CHECK(text.find("- **working directory**: `/` → `(unreachable)/`") != std::string::npos);
  CHECK(text.find("same namespaces, root, user and group") != std::string::npos);
  CHECK(same(diff(with({{0, "/dev/null"}}, "/", false), with({{0, "/dev/null"}}, "/"))));
}

TEST_CASE("the JSON of a diff keeps to its schema") {
  std::ifstream file(std::string(NSTRACE_SOURCE_DIR) + "/src/check/diff.schema.json");
  REQUIRE(file);
  const auto schema = nlohmann::json::parse(file);
  const auto complaint = [&](const Diff& d) {
    return schema_complaint(schema, nlohmann::json::parse(diff_json(d, {.a = "A", .b = "B"})));
  };
  CHECK(complaint(runtime([](Scene& s) { mkdirat(s, kRunc, "/run/x"); }, kNothing)) == "");
  CHECK(complaint(rights([](Scene& s) { capset(s, "0"); }, kNothing)) == "");
  CHECK(complaint(root([](Scene& s) { s.mount(kInit, "a", "b", "tmpfs", 0, "mode=1"); },
                       [](Scene& s) {
                         s.mount(kInit, "a", "b", "tmpfs", 0, "mode=2");
                         s.fork(kInit, 2070), s.exec(2070, "/bin/x", {"x"}), s.exit(2070);
                       })) == "");
  trace::Trace lossy = run({});
  lossy.footer.reset();
  CHECK(complaint(diff(lossy, run({}))) == "");
  CHECK(complaint(diff({}, {})) == "");
}

namespace {

// A strace log as a trace.
trace::Trace log_of(const std::string& text) {
  char name[] = "/tmp/nstrace-diff-noise-XXXXXX";
  const int fd = ::mkstemp(name);
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(name, std::ios::binary) << text;
  trace::Trace trace = trace::load_trace(name);
  ::unlink(name);
  return trace;
}

constexpr std::string_view kCutLog =
    "10 execve(\"/bin/sh\", [\"sh\", \"-c\", \"echo one; echo two; echo th\"...], 0x7f /* 3 vars */) = 0\n"
    "10 mount(\"overlay\", \"/a\", \"overlay\", 0, \"lowerdir=/var/lib/one:/var/lib/t\"...) = 0\n"
    "10 setns(3, CLONE_NEWNS) = 0\n"
    "10 sethostname(\"a\\\"b\", 3) = 0\n"
    "10 +++ exited with 0 +++\n";
constexpr std::string_view kWholeLog =
    "10 execve(\"/bin/sh\", [\"sh\", \"-c\", \"echo one; echo two; echo three\"], [\"_OCI_X=1\", \"B=\", \"C=\"]) = 0\n"
    "10 mount(\"overlay\", \"/a\", \"overlay\", 0, \"lowerdir=/var/lib/one:/var/lib/two,upperdir=/c\") = 0\n"
    "10 setns(3<mnt:[4026533533]>, CLONE_NEWNS) = 0\n"
    "10 sethostname(\"a\\\"b\", 3) = 0\n"
    "10 +++ exited with 0 +++\n";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  out.replace(out.find(from), from.size(), to);
  return out;
}

}  // namespace

TEST_CASE("a string that strace cut equals any that begins so; another does not") {
  const trace::Trace cut = log_of(std::string(kCutLog));
  const Diff same = diff(cut, log_of(std::string(kWholeLog)));
  CHECK(same.verdict == Diff::Verdict::Same);
  CHECK(diff(log_of(std::string(kWholeLog)), cut).verdict == Diff::Verdict::Same);
  for (const auto& [from, to] :
       {std::pair{"echo one; echo two; echo three", "echo one; echo too"},
        std::pair{"/var/lib/one:/var/lib/two", "/var/lib/one"}, std::pair{"CLONE_NEWNS", "0"}}) {
    INFO(from);
    const Diff other = diff(cut, log_of(replaced(kWholeLog, from, to)));
    CHECK(other.verdict == Diff::Verdict::Differs);
    CHECK(other.calls.changed == 1);
    CHECK(other.calls.added + other.calls.gone == 0);
  }
}
