// SPDX-License-Identifier: MIT
#include "check/diff.h"

#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <functional>

#include "check/diff_report.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "trace/symbols.h"

using namespace nstrace;
using namespace nstrace::check;
using namespace nstrace::testing;

namespace {

// `runc run ID` of one container, in few calls. What a test varies is an option.
struct Run {
  int pid = 2000;  // the first
  std::string id = "box-17";
  std::string temp = "runc.4sco4z";
  std::uint64_t unshare = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
  std::string dev_data = "mode=755,size=65536k";
  bool mqueue = true;
  bool swap = false;  // two mounts in the other order
  bool hook = false;
  bool stage = true;  // false: as crun, the init is made by `crun run` itself
  int threads = 2;
  int status = 0;
  std::string runtime = "runc";
};

Scene scene(const Run& run) {
  Scene s;
  int pid = run.pid;
  const int runc = pid++;
  s.existing(900, "shell", {"sh"});
  s.fork(900, runc);
  s.exec(runc, "/usr/sbin/" + run.runtime,
         {run.runtime, "--root", "/run/" + run.id, "run", "--bundle", "/tmp/b", run.id});
  for (int i = 0; i < run.threads; ++i) s.thread(runc, pid++);
  int init = 0;
  if (run.stage) {
    const int zero = pid++, one = pid++;
    init = pid++;
    s.vfork(runc, zero);
    s.exec(zero, "/proc/self/exe", {"runc", "init"},
           {.env = {"_LIBCONTAINER_INITTYPE=standard", "_LIBCONTAINER_LOGPIPE=4"}});
    s.mount(zero, "/proc/self/exe", "/run/" + run.id + "/" + run.temp, "", MS_BIND);
    s.rename(zero, "runc:[0:PARENT]");
    s.fork(zero, one, CLONE_PARENT);
    s.rename(one, "runc:[1:CHILD]");
    s.unshare(one, run.unshare);
    s.fork(one, init, CLONE_PARENT);
    s.exit(one);
    s.exit(zero);
    s.rename(init, "runc:[2:INIT]");
  } else {
    init = pid++;
    s.fork(runc, init, run.unshare);
  }
  s.mount(init, "proc", "/proc/self/fd/" + std::to_string(6 + run.pid % 7), "proc", 0);
  if (run.swap) s.mount(init, "sysfs", "/proc/self/fd/6", "sysfs", MS_RDONLY);
  s.mount(init, "tmpfs", "/proc/self/fd/6", "tmpfs", MS_NOSUID, run.dev_data);
  if (run.mqueue) s.mount(init, "mqueue", "/proc/self/fd/6", "mqueue", MS_NOSUID);
  if (!run.swap) s.mount(init, "sysfs", "/proc/self/fd/6", "sysfs", MS_RDONLY);
  if (run.hook) {
    const int hook = pid++;
    s.vfork(runc, hook);
    s.exec(hook, "/usr/bin/setkey", {"setkey", run.id});
    s.exit(hook);
  }
  s.pivot_root(init);
  s.umount2(init, ".", MNT_DETACH);
  s.sethostname(init, run.id);
  s.exec(init, "/bin/true", {"true"});
  s.exit(init, run.status);
  s.exit_group(runc);
  return s;
}

Diff compare(const Run& a, const Run& b) {
  return diff(scene(a).trace(), scene(b).trace());
}

const ProcessDiff& process(const Diff& diff, const std::string& name) {
  const auto found =
      std::ranges::find_if(diff.processes, [&](const ProcessDiff& p) { return p.name_a == name || p.name_b == name; });
  REQUIRE(found != diff.processes.end());
  return *found;
}

}  // namespace

TEST_CASE("pids, ids, temporary names, descriptors and thread counts do not differ") {
  const Diff d = compare({}, {.pid = 5000, .id = "box-18", .temp = "runc.Zk2aa9", .threads = 5});
  INFO(diff_text(d));
  CHECK(d.verdict == Diff::Verdict::Same);
  CHECK(exit_code(d.verdict) == 0);
  CHECK(d.processes_a == 5);  // with the shell
}

TEST_CASE("close_range of one descriptor does not differ by its number, of a range it does") {
  const auto closing = [](int first, int last) {
    Scene s;
    s.existing(900, "shell", {"sh"});
    s.fork(900, 1000);
    s.exec(1000, "/usr/sbin/runc", {"runc", "list"});
    std::vector<trace::Arg> args = {testing::string_arg("first", ""), testing::string_arg("last", "")};
    for (trace::Arg& arg : args) arg.kind = trace::Arg::Kind::Integer;
    args[0].value = static_cast<std::uint64_t>(first);
    args[1].value = static_cast<std::uint64_t>(last);
    s.syscall(1000, "close_range", args, 0);
    s.exit(1000);
    return s.trace();
  };
  CHECK(diff(closing(21, 21), closing(20, 20)).verdict == Diff::Verdict::Same);
  CHECK(diff(closing(21, 30), closing(20, 30)).verdict == Diff::Verdict::Differs);
}

TEST_CASE("a mount that is gone is one gone call in the container's init, and nothing else") {
  const Diff d = compare({}, {.mqueue = false});
  CHECK(exit_code(d.verdict) == 1);
  CHECK(d.calls.gone == 1);
  CHECK(d.calls.added + d.calls.changed + d.calls.moved == 0);
  const ProcessDiff& init = process(d, "container init");
  REQUIRE(init.changes.size() == 1);
  CHECK(init.changes[0].phase == Phase::Root);
  CHECK(init.changes[0].event_a != 0);
  CHECK(init.changes[0].event_b == 0);
}

TEST_CASE("the same difference the other way round is new") {
  const Diff d = compare({.mqueue = false}, {});
  CHECK(d.calls.added == 1);
  CHECK(d.calls.gone == 0);
}

TEST_CASE("a changed argument is told by its name, before and after") {
  const Diff d = compare({}, {.dev_data = "mode=700"});
  CHECK(d.calls.changed == 1);
  const ProcessDiff& init = process(d, "container init");
  REQUIRE(init.changes.size() == 1);
  REQUIRE(init.changes[0].values.size() == 1);
  CHECK(init.changes[0].values[0] == ValueChange{"data", "\"mode=755,size=65536k\"", "\"mode=700\""});
}

TEST_CASE("a new flag of unshare is a changed call, and the namespace the container now lives in") {
  const Diff d = compare({}, {.unshare = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP});
  CHECK(d.calls.changed == 1);
  CHECK(process(d, "runc:[1:CHILD]").changes.at(0).call == "unshare");
  const auto& lives = process(d, "container init").lives;
  REQUIRE(lives.size() == 1);
  CHECK(lives[0] == ValueChange{"cgroup", "host", "new"});
}

TEST_CASE("a call in another place is reordered, not gone and new") {
  const Diff d = compare({}, {.swap = true});
  CHECK(d.calls.moved == 1);
  CHECK(d.calls.added + d.calls.gone + d.calls.changed == 0);
}

TEST_CASE("a failed exit status is a changed result") {
  const Diff d = compare({}, {.status = 3});
  const ProcessDiff& init = process(d, "container init");
  REQUIRE(init.changes.size() == 1);
  CHECK(init.changes[0].values.at(0) == ValueChange{"result", "0", "3"});
}

TEST_CASE("a hook is a new process, and shifts no symbol of the others") {
  const Diff d = compare({}, {.hook = true});
  CHECK(d.processes_new == 1);
  CHECK(process(d, "hook setkey").where == ProcessDiff::Where::OnlyB);
  CHECK(process(d, "container init").changes.empty());
}

TEST_CASE("the container's init is matched between runtimes that make it in different places") {
  const Diff d = compare({}, {.stage = false, .runtime = "crun"});
  CHECK(process(d, "container init").where == ProcessDiff::Where::Both);
  CHECK(process(d, "runc run").name_b == "crun run");
  CHECK(process(d, "runc:[1:CHILD]").where == ProcessDiff::Where::OnlyA);
  CHECK(d.processes_gone == 2);
}

TEST_CASE("a lossy trace without a difference cannot be told, with one it differs") {
  trace::Trace lossy = scene({}).trace();
  lossy.footer->lost = 3;
  const Diff same = diff(scene({}).trace(), lossy);
  CHECK(exit_code(same.verdict) == 3);
  REQUIRE(same.doubts.size() == 1);
  CHECK_THAT(same.doubts[0], ContainsSubstring("B lost 3 records"));
  CHECK(exit_code(diff(scene({.mqueue = false}).trace(), lossy).verdict) == 1);
}

TEST_CASE("a trace without its end cannot be told to be the same") {
  trace::Trace cut = scene({}).trace();
  cut.footer.reset();
  CHECK(exit_code(diff(cut, scene({}).trace()).verdict) == 3);
}

TEST_CASE("two traces of nothing are not the same, they cannot be told") {
  CHECK(exit_code(diff(Scene().trace(), Scene().trace()).verdict) == 3);
}

TEST_CASE("where much of one trace could not be compared, it cannot be told that nothing differs") {
  trace::Trace less = scene({}).trace(), more = scene({}).trace();
  less.header.calls = {"execve", "clone", "vfork", "unshare", "pivot_root", "umount2", "sethostname"};
  more.header.calls = less.header.calls;
  more.header.calls.push_back("mount");
  std::erase_if(less.events, [](const trace::Event& e) { return e.call.name == "mount"; });
  const Diff d = diff(less, more);
  INFO(diff_text(d));
  CHECK(exit_code(d.verdict) == 3);
  REQUIRE(d.doubts.size() == 1);
  CHECK(d.doubts[0] == "A does not record the calls mount: 5 events of B could not be compared");
  CHECK_THAT(diff_text(d), ContainsSubstring("cannot tell: no difference in the "));
  // a difference is one, whatever else there is
  CHECK(exit_code(diff(less, scene({.status = 1}).trace()).verdict) == 1);
}

TEST_CASE("a call that one trace could have recorded, and that was not made, is a note") {
  trace::Trace less = scene({}).trace(), more = scene({}).trace();
  less.header.calls = {"execve", "clone", "vfork", "unshare", "pivot_root", "umount2", "sethostname", "mount"};
  more.header.calls = less.header.calls;
  more.header.calls.push_back("move_mount");
  const Diff d = diff(less, more);
  CHECK(d.verdict == Diff::Verdict::Same);
  CHECK(d.notes == std::vector<std::string>{"A does not record the calls move_mount; left out"});
}

TEST_CASE("a program that never started starts with nothing else") {
  const auto run = [](bool starts) {
    Scene s;
    s.existing(900, "shell", {"sh"});
    s.fork(900, 2000);
    s.exec(2000, "/usr/sbin/runc", {"runc", "run", "box"});
    s.fork(2000, 2001, CLONE_NEWPID | CLONE_NEWNS);
    s.pivot_root(2001);
    if (starts) {
      s.syscall(2001, "prctl", {symbol_arg("option", 38, "PR_SET_NO_NEW_PRIVS"), integer_arg("arg2", 1)}, 0);
      s.exec(2001, "/bin/true", {"true"});
    }
    s.exit(2001, starts ? 0 : 1);
    return s.trace();
  };
  const Diff d = diff(run(true), run(false));
  INFO(diff_text(d));
  CHECK(d.verdict == Diff::Verdict::Differs);
  for (const ProcessDiff& one : d.processes) CHECK(one.start.empty());
}

TEST_CASE("how much room a key's description has follows from names") {
  const auto run = [](int room) {
    Scene s;
    s.existing(900, "shell", {"sh"});
    s.fork(900, 2000);
    s.exec(2000, "/usr/sbin/runc", {"runc", "run", "box"});
    s.syscall(2000, "keyctl",
              {symbol_arg("operation", 6, "KEYCTL_DESCRIBE"), integer_arg("arg2", 123456789),
               address_arg("arg3", 0xc000123456), integer_arg("arg4", room)},
              31);
    return s.trace();
  };
  CHECK(diff(run(31), run(32)).verdict == Diff::Verdict::Same);
}

TEST_CASE("what a container's program does is left out where one trace leaves it") {
  Scene busy;
  busy.existing(900, "shell", {"sh"});
  busy.fork(900, 2000);
  busy.exec(2000, "/usr/sbin/runc", {"runc", "run", "box"});
  busy.fork(2000, 2001, CLONE_NEWPID);
  busy.exec(2001, "/bin/sh", {"sh"});
  const trace::Trace at_exec = busy.trace();
  busy.mount(2001, "a", "/b", "tmpfs", 0);
  busy.fork(2001, 2002);
  busy.exec(2002, "/bin/true", {"true"});
  busy.exit(2002);
  busy.exit(2001);
  trace::Trace whole = busy.trace(), left = at_exec;
  left.header.payload = false;
  left.footer = whole.footer;
  const Diff d = diff(whole, left);
  INFO(diff_text(d));
  CHECK(d.verdict == Diff::Verdict::Same);
  CHECK(d.notes == std::vector<std::string>{"B does not record what containers' programs do (--payload=no); left out"});
  CHECK(d.processes_a == d.processes_b);
  left.header.payload = true;
  CHECK(diff(whole, left).verdict == Diff::Verdict::Differs);
}

TEST_CASE("hostile bytes reach neither the terminal nor the markup") {
  const std::string evil = "a\x1b[31m`</code><script>``\n# heading\xff";
  const Diff d = compare({}, {.dev_data = evil});
  for (const std::string& text : {diff_text(d), diff_markdown(d), diff_json(d)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(text.find("\n# heading") == std::string::npos);
  }
  CHECK_THAT(diff_markdown(d), ContainsSubstring("```\"a"));  // a fence longer than what is inside
}

TEST_CASE("text and Markdown for people") {
  const Run after{.unshare = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP,
                  .dev_data = "mode=700",
                  .mqueue = false,
                  .swap = true,
                  .hook = true};
  const Diff d = compare({}, after);
  const DiffReportOptions options{.a = "before.jsonl", .b = "after.jsonl"};
  check_golden("diff/runc.txt", diff_text(d, options));
  check_golden("diff/runc.md", diff_markdown(d, options));
  check_golden("diff/crun.md", diff_markdown(compare({}, {.stage = false, .runtime = "crun"}), options));
}

TEST_CASE("sentences on what could not be compared, and on what is left aside") {
  std::string all;
  const auto add = [&](const char* trap, const Diff& d) {
    const DiffReportOptions options{.a = "before.jsonl", .b = "after.jsonl"};
    all += std::string("== ") + trap + "\n" + diff_text(d, options) + "\n";
    if (d.verdict == Diff::Verdict::Differs) all += diff_markdown(d, options) + "\n";
  };
  const auto changed = [](const std::function<void(trace::Trace&)>& change, const Run& run = {}) {
    trace::Trace trace = scene(run).trace();
    change(trace);
    return trace;
  };
  const trace::Trace whole = scene({}).trace();
  add("losses", diff(whole, changed([](trace::Trace& t) { t.footer->lost = 3; })));
  add("one loss", diff(changed([](trace::Trace& t) { t.footer->lost = 1; }), whole));
  add("no end", diff(whole, changed([](trace::Trace& t) {
                       t.footer.reset();
                       t.report.incomplete_why = "it ends within a line";
                     })));
  add("no end, why is not known", diff(changed([](trace::Trace& t) { t.footer.reset(); }), whole));
  add("nothing at all", diff(Scene().trace(), Scene().trace()));
  add("kinds of events", diff(whole, changed([](trace::Trace& t) {
                                t.header.events = {"fork", "exec", "syscall"};
                                std::erase_if(t.events, [](const trace::Event& e) {
                                  return e.as<trace::Exit>() || e.as<trace::Rename>();
                                });
                              })));
  add("-z", diff(whole, changed([](trace::Trace& t) { t.header.results = "successful"; })));
  add("-Z", diff(whole, changed([](trace::Trace& t) {
                   t.header.results = "failed";
                   std::erase_if(t.events,
                                 [](const trace::Event& e) { return e.as<trace::Syscall>() && !e.call.failed(); });
                 })));
  add("--payload=no", diff(changed([](trace::Trace& t) { t.header.payload = false; }), whole));
  add("killed", diff(whole, changed([](trace::Trace& t) {
                       for (trace::Event& e : t.events)
                         if (auto* exit = e.as<trace::Exit>(); exit && e.who.comm == "true") exit->signal = 9;
                     })));
  add("binds in another order, and a folder", [] {
    const auto binds = [](bool swap) {
      const auto folder = [](Scene& s, std::int64_t result) {
        s.syscall(2000, "mkdirat",
                  {integer_arg("dirfd", -100), string_arg("pathname", "/run/crun"), integer_arg("mode", 0700)}, result);
      };
      Scene s;
      s.existing(900, "shell", {"sh"});
      s.fork(900, 2000);
      s.exec(2000, "/usr/bin/crun", {"crun", "run", "box"});
      folder(s, swap ? -17 : 0);
      if (swap) s.cgroup(2000, 7, "/box");
      for (const char* name : {"x", "y", "z"}) s.sethostname(2000, name);
      if (!swap) s.cgroup(2000, 7, "/box");
      s.fork(2000, 2001, CLONE_NEWPID | CLONE_NEWNS);
      s.mount(2001, swap ? "/etc/b" : "/etc/a", "/proc/self/fd/6", "", MS_BIND);
      s.mount(2001, swap ? "/etc/a" : "/etc/b", "/proc/self/fd/6", "", MS_BIND);
      s.pivot_root(2001);
      s.exec(2001, "/bin/true", {"true"});
      s.exit(2001);
      return s.trace();
    };
    return diff(binds(false), binds(true));
  }());
  add("a value that is too long for a line",
      compare({},
              {.dev_data = "mode=700,size=65536k,nr_inodes=1000000,uid=100000,gid=100000,huge=never,mpol=interleave"}));
  add("another runtime", compare({}, {.stage = false, .runtime = "crun"}));
  add("calls that changed alike", [] {
    const auto mounts = [](std::uint64_t flags) {
      Scene s = scene({});
      for (const char* path : {"a", "b", "c"}) s.mount(900, "tmpfs", std::string("/x/") + path, "tmpfs", flags);
      return s.trace();
    };
    return diff(mounts(MS_NOSUID), mounts(MS_NODEV));
  }());
  add("another beginning", [] {
    const auto begins = [](bool filter) {
      Scene s = scene({});
      trace::Trace trace = s.trace();
      for (trace::Event& e : trace.events)
        if (auto* exec = e.as<trace::Exec>(); exec && e.who.comm == "true") {
          exec->seccomp = filter ? trace::Seccomp::Filter : trace::Seccomp::None;
          exec->no_new_privs = true;
          const std::uint64_t caps = filter ? 0 : 1;
          exec->caps =
              trace::Caps{.inheritable = caps, .permitted = caps, .effective = caps, .bounding = caps, .ambient = caps};
          exec->creds = trace::Creds{.uid = 0, .euid = filter ? 1000u : 0u, .gid = 0, .egid = 0};
        }
      return trace;
    };
    return diff(begins(true), begins(false));
  }());
  check_golden("diff/sentences.txt", all);
}

TEST_CASE("symbols: names that a runtime makes up") {
  trace::Symbols symbols;
  CHECK(symbols.scrub("/run/x/runc.5tVmvv") == "/run/x/runc.XXXXXX");
  CHECK(symbols.scrub("/run/x/runc.abcdef") == "/run/x/runc.XXXXXX");
  CHECK(symbols.scrub("/tmp/runc-process123456789") == "/tmp/runc-processNNN");
  CHECK(symbols.scrub("/etc/my.config") == "/etc/my.config");
  CHECK(symbols.scrub("mode=1777,size=67108864") == "mode=1777,size=67108864");
}
