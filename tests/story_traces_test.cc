// SPDX-License-Identifier: MIT
// What is told about recorded traces of real runtimes (tests/traces), whole, begun in the middle, and with losses.
#include <linux/sched.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "report/story_text.h"
#include "story/rule.h"
#include "story/story.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "trace/file.h"

using namespace nstrace;
using story::Phase;
using testing::check_golden;
using testing::Scene;
using trace::Ns;

namespace {

trace::Trace recorded(const std::string& name) {
  return trace::load_trace(std::string(NSTRACE_SOURCE_DIR "/tests/traces/") + name + ".jsonl.zst");
}

struct Told {
  story::TellingModel model;
  explicit Told(const trace::Trace& trace) {
    model.header(trace.header);
    for (const trace::Existing& p : trace.existing) model.existing(p);
    for (const trace::Event& e : trace.events) model.event(e);
    trace::Footer footer;
    footer.events = trace.events.size();
    model.footer(footer);
  }
  const story::Step* step(std::string_view rule) const {
    for (const story::Step& s : model.story().steps())
      if (s.rule == rule) return &s;
    return nullptr;
  }
  std::string text(bool brief) const {
    return report::story_text(model.story(), model, {.width = 100, .references = !brief, .lines = !brief});
  }
};

std::set<std::uint64_t> numbers(const trace::Trace& trace) {
  std::set<std::uint64_t> all;
  for (const trace::Event& e : trace.events) all.insert(e.number);
  return all;
}

}  // namespace

TEST_CASE("recorded runtimes are told") {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(NSTRACE_SOURCE_DIR "/tests/traces"))
    if (entry.path().string().ends_with(".jsonl.zst")) names.push_back(entry.path().stem().stem().string());
  std::ranges::sort(names);
  REQUIRE(names.size() > 30);
  for (const std::string& name : names) {
    INFO(name);
    const bool whole = name == "docker-run" || name == "docker-exec";
    check_golden("story/" + name + ".txt", Told(recorded(name)).text(!whole));
  }
}

TEST_CASE("a step rests on an event that is there, and each event on at most one step") {
  for (const char* name : {"docker-run", "docker-exec", "podman-run-crun", "bwrap"}) {
    INFO(name);
    const trace::Trace trace = recorded(name);
    const auto all = numbers(trace);
    const Told told(trace);
    std::set<std::uint64_t> first;
    int number = 0;
    for (const story::Step& s : told.model.story().steps()) {
      CHECK(all.count(s.event));
      CHECK(all.count(s.last_event));
      CHECK(first.insert(s.event).second);
      CHECK(s.number == ++number);
      CHECK(s.begin <= s.end);
      CHECK(s.sentence.find('{') == std::string::npos);
    }
  }
}

TEST_CASE("nobody acts before the step that tells who made it, and no hook before what it was called for") {
  for (const auto& entry : std::filesystem::directory_iterator(NSTRACE_SOURCE_DIR "/tests/traces")) {
    INFO(entry.path().string());
    const Told told(trace::load_trace(entry.path().string()));
    std::map<std::uint64_t, int> number;  // by first event
    for (const story::Step& s : told.model.story().steps()) number.emplace(s.event, s.number);
    for (const story::Step& s : told.model.story().steps()) {
      const auto made = number.find(told.model.processes()[s.process].fork_event);
      INFO(s.number << " " << s.sentence);
      if (made != number.end()) CHECK(made->second < s.number);
    }
  }
  const Told hooks(recorded("lab-hooks"));
  const story::Step *before = nullptr, *end = nullptr;
  int calls = 0;
  for (const story::Step& s : hooks.model.story().steps()) {
    if (s.rule == "container-end") end = &s;
    if (s.phase != Phase::Hooks) continue;
    if (before) CHECK(before->event < s.event);
    before = &s;
    if (s.brief.starts_with("calls a hook: ")) ++calls;
  }
  CHECK(calls == 3);
  REQUIRE(before);
  REQUIRE(end);
  CHECK(end->number < before->number);  // poststop
}

TEST_CASE("a trace that begins anywhere is told without a word about what came before") {
  const trace::Trace whole = recorded("docker-run");
  for (std::size_t from = 0; from < whole.events.size(); from += 7) {
    trace::Trace late = whole;
    late.events.erase(late.events.begin(), late.events.begin() + static_cast<std::ptrdiff_t>(from));
    const auto all = numbers(late);
    const Told told(late);
    INFO("from event " << from);
    for (const story::Step& s : told.model.story().steps()) CHECK(all.count(s.event));
    // What is told of unshare, of pivot_root and of the program rests on its own event only.
    for (const auto& each : {std::pair("unshare-with-pid", "unshare"), std::pair("pivot-dot", "pivot_root")}) {
      const bool there =
          std::ranges::any_of(late.events, [&](const trace::Event& e) { return e.call.name == each.second; });
      if (!there) CHECK(told.step(each.first) == nullptr);
    }
  }
}

TEST_CASE("a log of strace is told as far as it goes") {
  for (const char* name : {"docker-run", "docker-exec"}) {
    const Told told(trace::load_trace(std::string(NSTRACE_SOURCE_DIR "/examples/") + name + ".strace"));
    const bool exec = std::string_view(name) == "docker-exec";
    CHECK(told.step(exec ? "entered-program" : "program"));
    CHECK(told.step(exec ? "empty-unshare-exec" : "unshare-told-by-flags"));
    CHECK_FALSE(told.step("hook"));
    check_golden(std::string("story/") + name + "-strace.txt", told.text(true));
  }
}

TEST_CASE("a log without names of tasks: stages are known by how they make each other") {
  for (const char* name : {"docker-run", "docker-exec"}) {
    const Told told(trace::load_trace(std::string(NSTRACE_SOURCE_DIR "/tests/logs/") + name + ".log"));
    const bool exec = std::string_view(name) == "docker-exec";
    CHECK(told.step(exec ? "entered-program" : "program"));
    CHECK(told.step("stage-1"));
    CHECK(told.step(exec ? "stage-2-joined" : "pivot-dot"));
    CHECK_FALSE(told.step("hook"));
    CHECK(told.text(true).find("unknown") == std::string::npos);
  }
}

TEST_CASE("a container in a container, and two by one process, are chapters of their own") {
  for (const char* name : {"lab-nested", "lab-pod"}) {
    INFO(name);
    const Told told(recorded(name));
    std::vector<std::string> titles;
    for (const story::Chapter& c : told.model.story().chapters())
      if (c.kind == story::Kind::Made) titles.push_back(c.title.substr(0, c.title.find(" is ")));
    CHECK(titles == std::vector<std::string>{"Container lab", "Container lab-2"});
    // Who made them all ends after them all.
    CHECK(told.model.story().steps().back().brief == "nstrace lab ends");
    for (const story::Step& s : told.model.story().steps()) {
      const auto in = told.model.processes()[s.process].container;
      if (in && s.rule == "pivot-dot") CHECK(s.container == in);
    }
  }
}

TEST_CASE("a trace that begins in the middle says so") {
  trace::Trace late = recorded("docker-run");
  const auto unshare =
      std::ranges::find_if(late.events, [](const trace::Event& e) { return e.call.name == "unshare"; });
  late.events.erase(late.events.begin(), unshare + 1);
  const Told told(late);
  const std::string text = told.text(true);
  CHECK(text.find("It was under way when the trace began") != std::string::npos);
  CHECK(text.find("Not seen in this trace:") != std::string::npos);
  check_golden("story/late.txt", text);
}

TEST_CASE("losses are said where they are") {
  trace::Trace lossy = recorded("docker-run");
  const auto pivot =
      std::ranges::find_if(lossy.events, [](const trace::Event& e) { return e.call.name == "pivot_root"; });
  trace::Event lost;
  lost.number = pivot->number;
  lost.time = pivot->time;
  lost.what = trace::Lost{12, 1, "ring buffer full"};
  lossy.events[static_cast<std::size_t>(pivot - lossy.events.begin())] = lost;
  const Told told(lossy);
  const std::string text = told.text(true);
  CHECK(text.find("12 records were lost") != std::string::npos);
  CHECK(told.step("pivot-dot") == nullptr);
  REQUIRE(told.model.story().gaps().size() == 1);
  check_golden("story/lossy.txt", text);
}

TEST_CASE("losses: a trace without the calls that moved its processes tells that it does not know how they moved") {
  trace::Trace lossy = recorded("docker-exec");
  std::erase_if(lossy.events, [](const trace::Event& e) { return e.call.name == "setns"; });
  trace::Event lost;
  lost.number = lossy.events.front().number;
  lost.time = lossy.events.front().time;
  lost.what = trace::Lost{5, 0, "ring buffer full"};
  lossy.events.front() = lost;
  const Told told(lossy);
  CHECK(told.step("setns-enter") == nullptr);
  const std::string text = told.text(false);
  CHECK(text.find("5 records were lost") != std::string::npos);
  CHECK(text.find("(how is not in this trace: container 8df35371db8d") != std::string::npos);
  check_golden("story/lossy-exec.txt", text);
}

namespace {

// runc VERB demo (200), and its init (201), which bears the comm of a stage.
Scene runtime(const std::string& verb, const std::string& stage = "") {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.vfork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", verb, "--bundle", "/b", "demo"});
  if (stage.empty()) return s;
  s.vfork(200, 201);
  s.exec(201, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=standard"}});
  s.rename(201, stage);
  return s;
}
constexpr std::uint64_t kNewNs = 0x20000, kNewNet = 0x40000000;

// What recorded traces do not have, each in a scene of its own.
std::map<std::string_view, std::function<Scene()>> scenes() {
  using namespace testing;
  std::map<std::string_view, std::function<Scene()>> all;
  all["runtime-other"] = [] { return runtime("update"); };
  all["runtime-pause"] = [] { return runtime("pause"); };
  all["runtime-resume"] = [] { return runtime("resume"); };
  all["runtime-state"] = [] { return runtime("state"); };
  all["runtime-asked"] = [] { return runtime("ps"); };
  all["runtime-kill-all"] = [] {
    Scene s;
    s.exec(1, "/usr/bin/runc", {"runc", "kill", "--all", "demo", "9"});
    return s;
  };
  for (const auto& [rule, verb] :
       {std::pair("kill-fails", "kill"), std::pair("delete-fails", "delete"), std::pair("command-fails", "state")})
    all[rule] = [verb = verb] {
      Scene s = runtime(verb);
      s.exit(200, 1);
      return s;
    };
  all["run-end-detached"] = [] {
    Scene s;
    s.existing(100, "bash", {"bash"});
    s.vfork(100, 200);
    s.exec(200, "/usr/bin/runc", {"runc", "run", "--detach", "demo"});
    s.exit(200);
    return s;
  };
  for (const auto& [rule, tool] : {std::pair("enter-tool", "nsenter"), std::pair("setns-tool", "ip")})
    all[rule] = [tool = tool] {
      Scene s;
      const trace::NsSet inside = s.new_set({trace::Ns::Net});
      s.existing(100, "bash", {"bash"});
      s.existing(300, "sleep", {"sleep"}, {.ns = inside});
      s.vfork(100, 200);
      s.exec(200, std::string("/usr/bin/") + tool, {tool, "netns", "exec", "demo", "true"});
      s.setns(200, 5, trace::Ns::Net, inside[trace::Ns::Net]);
      s.exec(200, "/bin/true", {"true"});
      return s;
    };
  all["signal-passed-on"] = [] {
    Scene s = runtime("run");
    s.fork(200, 201, kNewNs | 0x20000000);
    s.exec(201, "/bin/sleep", {"sleep"});
    s.syscall(200, "kill", {integer_arg("pid", 201), symbol_arg("sig", 15, "SIGTERM")});
    return s;
  };
  all["ends-unknown"] = [] {
    Scene s = runtime("exec");
    s.lost(3);
    s.exit(200, 1);
    return s;
  };
  all["setns-own"] = [] {
    Scene s = runtime("create", "runc:[1:CHILD]");
    s.setns(201, 5, trace::Ns::Net, s.ns(201)[trace::Ns::Net]);
    return s;
  };
  all["stage-2-others-pids"] = [] {
    Scene s;
    s.existing(50, "pause", {"pause"}, {.pids = {50, 1}, .ns = s.new_set({Ns::Mnt, Ns::Pid})});
    s.existing(100, "containerd-shim", {"containerd-shim"});
    s.fork(100, 200);
    s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
    s.fork(200, 201);
    s.exec(201, "/proc/self/exe", {"runc", "init"});
    s.rename(201, "runc:[1:CHILD]");
    s.setns(201, 3, Ns::Pid, s.ns(50)[Ns::Pid]);
    s.unshare(201, kNewNs);
    s.fork(201, 202, CLONE_PARENT, {.ids = {202, 7}});
    return s;
  };
  all["chroot-alone"] = [] {
    Scene s;
    s.chroot(1, "/srv");
    return s;
  };
  all["move-root"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.mount(201, "/rootfs", "/", "", 0x2000);
    return s;
  };
  all["cgroup-view-whole"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.mount(201, "/sys/fs/cgroup/systemd", "/proc/self/fd/7", "", 0x1000);
    return s;
  };
  all["keep-host-network"] = [] {
    Scene s;
    s.existing(100, "dockerd", {"dockerd"});
    s.mount(100, "/proc/self/ns/net", "/run/netns/default", "", 0x1000);
    return s;
  };
  all["self-folder"] = [] {
    Scene s = runtime("create");
    s.syscall(200, "fsopen", {string_arg("fsname", "tmpfs"), flags_arg("flags", 1, "FSOPEN_CLOEXEC")}, 5);
    return s;
  };
  all["empty-unshare"] = [] {
    Scene s = runtime("create", "runc:[1:CHILD]");
    s.unshare(201, 0);
    return s;
  };
  all["into-cgroup"] = [] {
    Scene s = runtime("exec");
    s.fork(200, 201, 0x200000000 | 0x4000 | 0x100);
    return s;
  };
  all["own-fs"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.unshare(201, 0x200);
    return s;
  };
  all["hook-visits"] = [] {
    Scene s = runtime("create", "runc:[1:CHILD]");
    s.unshare(201, kNewNet);
    s.vfork(200, 210);
    s.exec(210, "/opt/cni/bin/bridge", {"bridge"});
    s.setns(210, 5, trace::Ns::Net, s.ns(201)[trace::Ns::Net]);
    return s;
  };
  all["hook-fails"] = [] {
    Scene s = runtime("create");
    s.vfork(200, 210);
    s.exec(210, "/opt/hook", {"hook"});
    s.exit(210, 3);
    return s;
  };
  all["tree-namespace"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.syscall(201, "open_tree",
              {symbol_arg("dirfd", -100, "AT_FDCWD"), string_arg("pathname", "/rootfs"),
               flags_arg("flags", 2, "OPEN_TREE_NAMESPACE")},
              6);
    return s;
  };
  all["setns-pidfd"] = [] {
    Scene s = runtime("exec", "runc:[1:CHILD]");
    const trace::NsSet inside = s.new_set({trace::Ns::Mnt, trace::Ns::Net});
    s.existing(300, "sleep", {"sleep"}, {.ns = inside});
    s.setns_pidfd(201, 5, 300, kNewNs | kNewNet);
    return s;
  };
  all["setns-user"] = [] {
    Scene s = runtime("create", "runc:[1:CHILD]");
    const trace::NsSet inside = s.new_set({trace::Ns::User});
    s.setns(201, 5, trace::Ns::User, inside[trace::Ns::User]);
    return s;
  };
  all["newidmap"] = [] {
    Scene s = runtime("create", "runc:[0:PARENT]");
    s.vfork(201, 205);
    s.exec(205, "/usr/bin/newuidmap", {"newuidmap", "202", "0", "100000", "65536"});
    return s;
  };
  all["new-mount-calls"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.syscall(201, "move_mount", {fd_arg("from_dirfd", 5), string_arg("from_pathname", "")}, 0);
    return s;
  };
  all["chroot"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.chroot(201, ".");
    return s;
  };
  all["domain-name"] = [] {
    Scene s = runtime("create", "runc:[2:INIT]");
    s.syscall(201, "setdomainname", {string_arg("name", "example"), integer_arg("len", 7)}, 0);
    return s;
  };
  all["container-end-shared-pids"] = [] {
    Scene s = runtime("create", "runc:[1:CHILD]");
    s.unshare(201, kNewNs);
    s.fork(201, 202, 0x8000);
    s.rename(202, "runc:[2:INIT]");
    s.pivot_root(202);
    s.exec(202, "/bin/true", {"true"});
    s.exit(202);
    return s;
  };
  return all;
}

}  // namespace

TEST_CASE("every rule tells something: a recorded trace, or a scene of its own") {
  const auto rules_of = [](const trace::Trace& trace) {
    const Told one(trace);
    std::set<std::string_view> rules;
    for (const story::Step& s : one.model.story().steps()) rules.insert(s.rule);
    return rules;
  };
  std::set<std::string_view> told;
  for (const auto& entry : std::filesystem::directory_iterator(NSTRACE_SOURCE_DIR "/tests/traces"))
    told.merge(rules_of(trace::load_trace(entry.path().string())));
  for (const char* name : {"docker-run", "docker-exec"})
    told.merge(rules_of(trace::load_trace(std::string(NSTRACE_SOURCE_DIR "/examples/") + name + ".strace")));
  for (const auto& [name, scene] : scenes()) {
    INFO(name);
    CHECK(told.count(name) == 0);  // else the scene is not needed
    CHECK(rules_of(scene().trace()).count(name) == 1);
  }
  for (const auto& [name, scene] : scenes()) told.insert(name);
  for (const story::Rule* rule : story::all_rules()) {
    INFO(rule->name);
    CHECK(told.count(rule->name) == 1);
  }
}
