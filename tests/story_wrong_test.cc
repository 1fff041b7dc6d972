// SPDX-License-Identifier: MIT
// Sentences that were once wrong: each trap is a scene, or a recorded trace of which one thing is asked.
#include <algorithm>

#include "report/story_json.h"
#include "report/story_text.h"
#include "report/tree.h"
#include "story/story.h"
#include "tests/catch.h"
#include "tests/scene.h"
#include "trace/file.h"

using namespace nstrace;
using namespace nstrace::testing;
using story::Kind;
using story::Phase;
using trace::Ns;

namespace {

struct Told {
  story::TellingModel model;
  explicit Told(const Scene& scene) { scene.play(model); }
  explicit Told(const std::string& recorded) : Told(trace::load_trace(file(recorded))) {}
  explicit Told(const trace::Trace& trace) {
    model.header(trace.header);
    for (const trace::Existing& p : trace.existing) model.existing(p);
    for (const trace::Event& e : trace.events) model.event(e);
    model.footer(trace.footer.value_or(trace::Footer{}));
  }
  static std::string file(const std::string& name) { return NSTRACE_SOURCE_DIR "/tests/traces/" + name + ".jsonl.zst"; }
  const story::Step* step(std::string_view rule) const {
    for (const story::Step& s : model.story().steps())
      if (s.rule == rule) return &s;
    return nullptr;
  }
  std::vector<std::string> sentences(std::string_view rule) const {
    std::vector<std::string> all;
    for (const story::Step& s : model.story().steps())
      if (s.rule == rule) all.push_back(s.sentence);
    return all;
  }
  bool says(std::string_view words) const {
    return std::ranges::any_of(model.story().steps(),
                               [&](const story::Step& s) { return s.sentence.find(words) != std::string::npos; });
  }
  std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const story::Chapter& c : model.story().chapters()) all.push_back(c.title);
    return all;
  }
  std::string text() const { return report::story_text(model.story(), model, {.width = 1000}); }
};

bool has(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

// runc VERB demo (200), called by bash (100).
Scene command(const std::vector<std::string>& argv) {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.vfork(100, 200);
  s.exec(200, "/usr/bin/" + argv[0], argv);
  return s;
}
// Its child (201) with namespaces of its own, which is number 1 in there.
void set_up(Scene& s) {
  s.fork(200, 201, 0x20000 | 0x20000000);
  s.pivot_root(201);
}

}  // namespace

TEST_CASE("a throw-away child of Go's runtime is not the end of the runtime's command") {
  for (const char* verb : {"create", "start", "exec", "run", "delete", "kill"}) {
    INFO(verb);
    Scene s = command({"runc", verb, "--bundle", "/b", "demo"});
    s.vfork(200, 210);
    s.exit(210, 0);
    s.vfork(200, 211);
    s.exit(211, 1);
    CHECK(Told(s).model.story().steps().size() == 1);
  }
  for (const char* name : {"docker-run-runc-1.3", "docker-exec-runc-1.3"}) {
    INFO(name);
    const Told told(name);
    const story::Step* end = told.step(std::string_view(name).starts_with("docker-run") ? "create-end" : "exec-end");
    REQUIRE(end);
    for (const story::Step& s : told.model.story().steps())
      if (s.rule == "stage-1" || s.rule == "seccomp-prctl") CHECK(s.event < end->event);
  }
}

TEST_CASE("a shim's throw-away child is not the shim's end") {
  Scene s;
  s.existing(100, "containerd-shim", {"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", kDockerId});
  s.vfork(100, 200);
  s.exit(200);
  CHECK_FALSE(Told(s).step("shim-end"));
}

TEST_CASE("an exec whose runtime's command was not seen is told as one") {
  const Told told("docker-exec-container");
  REQUIRE(told.model.story().chapters().size() == 1);
  CHECK(told.model.story().chapters()[0].kind == Kind::Entered);
  CHECK(told.titles()[0].starts_with("A program is brought into container f319d022a6ca"));
  CHECK(told.step("setns-enter"));
  CHECK(told.step("keyring-joined"));
  CHECK(told.step("entered-program"));
  CHECK_FALSE(told.step("setns-pod"));
  CHECK(has(report::story_json(told.model.story(), told.model), R"("kind": "entered")"));
}

TEST_CASE("runc init tells by its own environment that it enters") {
  Scene s;
  s.existing(100, "runc");
  s.vfork(100, 201);
  s.exec(201, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=setns"}});
  CHECK(Told(s).step("init-enters"));
}

TEST_CASE("a container in a pod is made, though its runtime was not seen") {
  Scene s;
  const trace::NsSet pause = s.new_set({Ns::Net, Ns::Mnt, Ns::Pid});
  s.existing(300, "pause", {"pause"}, {.pids = {300, 1}, .ns = pause});
  s.existing(200, "runc:[1:CHILD]");
  s.setns(200, 5, Ns::Net, pause[Ns::Net]);
  s.unshare(200, 0x20000);
  const Told told(s);
  CHECK(told.step("setns-pod"));
  REQUIRE(told.model.story().chapters().size() == 1);
  CHECK(told.model.story().chapters()[0].kind == Kind::Made);
}

TEST_CASE("hooks below a sandbox are hooks, of the kind that their moment tells") {
  for (const char* name : {"runc-hooks-nested", "crun-hooks-nested"}) {
    INFO(name);
    const Told told(name);
    const auto hooks = told.sentences("hook");
    REQUIRE(hooks.size() == 5);
    CHECK(has(hooks[0], "(createRuntime, or the older prestart)"));
    CHECK(has(hooks[1], "(createContainer)"));
    CHECK(has(hooks[2], "(poststart)"));
    CHECK(has(hooks[3], "(startContainer)"));
    CHECK(has(hooks[4], "(poststop, or poststart)"));
    CHECK(told.sentences("program").size() == 1);
    const auto titles = told.titles();
    CHECK(std::ranges::any_of(titles, [](const std::string& t) { return t.ends_with(": id"); }));
    const story::Step* end = told.step("container-end");
    REQUIRE(end);
    for (const story::Step& s : told.model.story().steps())
      if (has(s.sentence, "poststop")) CHECK(s.chapter == end->chapter);
  }
}

TEST_CASE("what a hook's process closes is not the program's") {
  const Told told("crun-hooks-nested");
  const story::Step* program = told.step("program");
  REQUIRE(program);
  const auto closed = told.sentences("close-range");
  CHECK(closed.size() == 1);
  for (const story::Step& s : told.model.story().steps())
    if (s.rule == "close-range") CHECK(s.process == program->process);
}

TEST_CASE("a run that failed passes no status of a container on") {
  for (const char* name : {"runc-run-fails", "crun-run-fails"}) {
    INFO(name);
    const Told told(name);
    CHECK_FALSE(told.step("run-end"));
    const story::Step* fails = told.step("runtime-fails");
    REQUIRE(fails);
    CHECK(fails->phase != Phase::Exit);
    CHECK(told.model.story().chapters().size() == 1);  // none for the end of what never began
  }
}

TEST_CASE("an exec that failed has not waited for a program") {
  const Told told("docker-exec-fails");
  CHECK_FALSE(told.says("it has waited for the program"));
  CHECK(told.step("runtime-fails"));

  Scene s = command({"runc", "exec", "demo", "nosuch"});
  s.exit(200, 255);
  CHECK_FALSE(Told(s).step("exec-end-waited"));
}

TEST_CASE("whose status it is, is not known where the program's begin may have been lost") {
  Scene s = command({"runc", "exec", "demo", "false"});
  s.lost(7);
  s.exit(200, 1);
  const Told told(s);
  CHECK(told.says("is not known"));
  CHECK_FALSE(told.says("it has failed."));
}

TEST_CASE("a set-up that failed names the call by which it did") {
  Scene s = command({"crun", "create", "--bundle", "/b", "demo"});
  set_up(s);
  s.syscall(201, "capset", {address_arg("hdrp", 1), address_arg("datap", 2)}, -1);
  s.exit(201, 1);
  const Told told(s);
  const story::Step* step = told.step("stage-fails");
  REQUIRE(step);
  CHECK(has(step->sentence, "Its last call failed: capset("));
  CHECK(has(step->sentence, "EPERM"));
  // What went well after it did not end the process, nor did what is tried in vain always.
  Scene later = command({"crun", "create", "--bundle", "/b", "demo"});
  set_up(later);
  later.syscall(201, "capset", {address_arg("hdrp", 1), address_arg("datap", 2)}, -1);
  later.sethostname(201, "demo");
  later.syscall(201, "mkdirat", {integer_arg("dirfd", 5), string_arg("pathname", "dev")}, -17);
  later.exit(201, 1);
  CHECK_FALSE(Told(later).says("last call failed"));
}

TEST_CASE("SIGKILL is not passed on: nobody receives it and lives") {
  const Told told("crun-run-fails");
  CHECK(told.step("kills-own"));
  CHECK_FALSE(told.says("passes on SIGKILL"));
}

TEST_CASE("no signal makes an end before the program") {
  for (const char* name : {"runc-run", "runc-hooks-nested"}) {
    INFO(name);
    const Told told(name);
    const story::Step* program = told.step("program");
    REQUIRE(program);
    for (const story::Step& s : told.model.story().steps())
      if (s.phase == Phase::Exit) CHECK(s.event > program->event);
  }
}

TEST_CASE("what --gates records is told, and otherwise where to look") {
  const Told maps("unshare-gates");
  REQUIRE(maps.step("id-maps"));
  CHECK(has(maps.step("id-maps")->sentence, "uid_map \"0 0 1\" and gid_map \"0 0 1\""));
  CHECK(maps.step("setgroups-file"));
  CHECK_FALSE(has(maps.text(), "--gates"));
  const Told run("runc-run-gates");
  for (const char* rule : {"id-maps", "cgroup-procs", "gate-handed-over", "gate-waits", "gate-opened"}) {
    INFO(rule);
    CHECK(run.step(rule));
  }
  CHECK(run.step("gate-waits")->phase == Phase::Ready);
  CHECK(has(Told("runc-run").text(), "--gates records more of: id maps, ready, start."));
}

TEST_CASE("losses: the tree says them, and the footer's count too") {
  Scene s = command({"crun", "run", "--bundle", "/b", "demo"});
  s.lost(7);
  trace::Trace trace = s.trace();
  trace.footer->lost = 1077;
  const Told told(trace);
  CHECK(has(told.text(), "1077 records were lost"));
  CHECK(report::tree_text(told.model).starts_with("1077 records were lost"));
  trace.footer->lost = 0;
  CHECK(report::tree_text(Told(trace).model).starts_with("7 records were lost"));
  CHECK_FALSE(has(report::tree_text(Told(command({"crun", "run", "demo"})).model), "lost"));
}

TEST_CASE("losses: who made the container's process is lost, but its cgroup tells whose it is") {
  trace::Trace trace = trace::load_trace(Told::file("docker-run-runc-1.3"));
  const auto of = [&](std::string_view call) {
    return std::ranges::find_if(trace.events, [&](const trace::Event& e) { return e.call.name == call; });
  };
  const auto from = of("unshare"), to = of("pivot_root");
  REQUIRE(from < to);
  trace::Event lost;
  lost.number = from->number;
  lost.time = from->time;
  lost.what = trace::Lost{static_cast<std::uint64_t>(to - from), 0, "ring buffer full"};
  *from = lost;
  trace.events.erase(from + 1, to);
  const Told told(trace);
  const auto made = std::ranges::count(told.model.story().chapters(), Kind::Made, &story::Chapter::kind);
  CHECK(made == 1);
  CHECK_FALSE(has(told.text(), "under way when the trace began"));
}

TEST_CASE("losses: what began after one is not said to have been under way before the trace") {
  Scene s;
  s.lost(7);
  s.unseen([&] {
    s.existing(100, "bash", {"bash"});
    s.fork(100, 201, 0x20000000 | 0x20000);
    s.rename(201, "runc:[2:INIT]");
  });
  s.pivot_root(201);
  const Told told(s);
  CHECK_FALSE(has(told.text(), "under way when the trace began"));
  CHECK(has(told.text(), "it may be among the records that were lost before"));
}

TEST_CASE("a sandbox's end is not a container's") {
  for (const char* name : {"bwrap", "unshare"}) {
    INFO(name);
    const Told told(name);
    CHECK_FALSE(told.says("The container's first process ended"));
    CHECK_FALSE(told.says("the container is over"));
  }
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/unshare", {"unshare", "--mount", "sh"});
  s.unshare(200, 0x20000);
  s.exec(200, "/bin/sh", {"sh"});
  s.exit(200);
  const Told told(s);
  CHECK(told.says("The sandbox's first process ended"));
  CHECK(told.model.story().chapters().size() == 1);
}

TEST_CASE("nothing changes: a namespace that one is in already") {
  Scene s;
  s.existing(100, "dockerd", {"dockerd"});
  s.existing_thread(100, 101);
  s.setns(101, 5, Ns::Net, s.ns(101)[Ns::Net]);
  CHECK_FALSE(Told(s).step("daemon-visits"));
  Scene made = command({"crun", "create", "--bundle", "/b", "demo"});
  made.fork(200, 201, 0x20000);
  made.setns(201, 5, Ns::Net, made.ns(201)[Ns::Net]);
  CHECK_FALSE(Told(made).step("setns-pod"));
  CHECK(Told(made).step("setns-own"));
}

TEST_CASE("nsenter and ip netns bring a program in") {
  Scene s;
  const trace::NsSet inside = s.new_set({Ns::Net});
  s.existing(100, "bash", {"bash"});
  s.existing(300, "sleep", {"sleep"}, {.ns = inside});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/ip", {"ip", "netns", "exec", "blue", "true"});
  s.setns(200, 5, Ns::Net, inside[Ns::Net]);
  s.exec(200, "/bin/true", {"true"});
  const Told told(s);
  CHECK(told.titles() == std::vector<std::string>{"A program is brought into other namespaces by ip netns: true"});
  CHECK_FALSE(told.says("in the container"));
}

TEST_CASE("mounts: restrictions that are no read-only switches, and those without a mount of their own") {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/bwrap", {"bwrap", "--bind", "/", "/", "true"});
  s.fork(200, 201, 0x20000);
  s.mount(201, "/oldroot", "/newroot", "", 0x1000);
  s.mount(201, "none", "/newroot/sys/fs/cgroup", "", 0x1000 | 0x20 | 2);      // nosuid
  s.mount(201, "none", "/newroot/sys/fs/cgroup/cpu", "", 0x1000 | 0x20 | 1);  // read-only, of a mount that is there
  CHECK_FALSE(Told(s).step("readonly-paths"));
  s.mount(201, "/newroot/proc/sys", "/newroot/proc/sys", "", 0x1000);
  s.mount(201, "none", "/newroot/proc/sys", "", 0x1000 | 0x20 | 1);
  const Told told(s);
  REQUIRE(told.sentences("readonly-paths").size() == 1);
  CHECK(has(told.sentences("readonly-paths")[0], "(/newroot/proc/sys)"));
}

TEST_CASE("mounts: the whole of a hierarchy of cgroups is no part of it") {
  Scene s = command({"crun", "create", "--bundle", "/b", "demo"});
  s.fork(200, 201, 0x20000);
  s.mount(201, "/sys/fs/cgroup/systemd", "/proc/self/fd/7", "", 0x1000);
  CHECK(Told(s).step("cgroup-view-whole"));
  CHECK_FALSE(Told(s).step("cgroup-view"));
}

TEST_CASE("mounts: what runc 1.3 hides by descriptors, and its own proc file system") {
  const Told told("docker-run-runc-1.3");
  REQUIRE(told.step("masked-by-descriptor"));
  CHECK(has(told.step("masked-by-descriptor")->sentence, "(3)"));
  CHECK(told.step("safe-proc"));
  CHECK_FALSE(told.step("bind-mounts"));
  CHECK_FALSE(told.step("new-mount-calls"));
}

TEST_CASE("mounts: in a user namespace /dev/null is a device first, and then a mask") {
  Scene s = command({"crun", "run", "--bundle", "/b", "demo"});
  s.fork(200, 201, 0x10000000);
  s.syscall(201, "setresuid", {integer_arg("ruid", 0), integer_arg("euid", 0), integer_arg("suid", 0)});
  s.unshare(201, 0x20000);
  s.mount(201, "/dev/null", "/proc/self/fd/8", "", 0x1000);
  s.mount(201, "/dev/null", "/proc/self/fd/6", "", 0x1000);
  s.syscall(201, "setresuid", {integer_arg("ruid", 0), integer_arg("euid", 0), integer_arg("suid", 0)});
  const Told told(s);
  CHECK(told.sentences("bind-mounts").size() == 1);
  CHECK(told.sentences("become-root-inside").size() == 1);
  CHECK(told.sentences("user").size() == 1);
}

TEST_CASE("who enters a container takes the program's user, though it mounts nothing before") {
  Scene s = command({"crun", "exec", "demo", "id"});
  s.fork(200, 201);
  s.syscall(201, "setresuid", {integer_arg("ruid", 0), integer_arg("euid", 0), integer_arg("suid", 0)});
  CHECK(Told(s).step("user"));
}

TEST_CASE("mounts: the root is moved where it is not pivoted") {
  Scene s = command({"crun", "run", "--no-pivot", "--bundle", "/b", "demo"});
  s.fork(200, 201, 0x20000);
  s.mount(201, "/b/rootfs", "/b/rootfs", "", 0x5000);
  s.mount(201, "/b/rootfs", "/", "", 0x2000);
  s.chroot(201, ".");
  const Told told(s);
  CHECK(told.step("move-root"));
  CHECK_FALSE(told.says("pivot_root will"));
}

TEST_CASE("runc kill --all is for all that is left") {
  Scene s = command({"runc", "kill", "--all", "demo", "9"});
  CHECK_FALSE(Told(s).says("to the first process"));
}

TEST_CASE("the quoted line shows the end of a path, not the folder that it is looked up from") {
  Scene s = command({"runc", "create", "--bundle", "/b", "demo"});
  trace::Arg folder = symbol_arg("dirfd", -100, "AT_FDCWD");
  folder.target = "/var/lib/containers/" + std::string(60, 'a');
  s.syscall(200, "mknodat",
            {folder, string_arg("pathname", "/run/containerd/runc/moby/" + std::string(kDockerId) + "/exec.fifo"),
             symbol_arg("mode", 0010622, "S_IFIFO|0622"), integer_arg("dev", 0)});
  const Told told(s);
  REQUIRE(told.step("exec-fifo"));
  CHECK(told.step("exec-fifo")->line ==
        "mknodat(AT_FDCWD, \"/run/containerd/runc/moby/cbab362df10a/exec.fifo\", S_IFIFO|0622, 0) = 0");
}

TEST_CASE("the quoted line keeps what a descriptor is where no name is looked up from it") {
  Scene s = command({"crun", "run", "--bundle", "/b", "demo"});
  s.exec(200, "/memfd:crun", {"crun", "run", "--bundle", "/b", "demo"}, {.call = "execveat"});
  for (trace::Arg& arg : s.last().call.args)
    if (arg.name == "dirfd") arg.target = "/memfd:a-rather-long-name-of-a-file-in-memory-that-is-sealed (deleted)";
  const Told told(s);
  REQUIRE(told.step("runtime-again"));
  CHECK(has(told.step("runtime-again")->line, "<"));
}

TEST_CASE("a title has the id that its sentences have") {
  const Told told("podman-run-crun");
  for (const story::Chapter& c : told.model.story().chapters())
    if (c.kind == Kind::Made) CHECK(c.title.find(" (" + c.container_id.substr(0, 12) + ") is") != std::string::npos);
}

TEST_CASE("what is joined is the container's that the sentence names, though it is known only later") {
  const Told told("podman-exec-crun");
  const std::string text = told.text();
  CHECK(has(text, "(joined: container "));
  CHECK_FALSE(has(text, "(joined)"));
}

TEST_CASE("what a daemon does has no duration") {
  const Told told("docker-run-dockerd");
  const std::string text = told.text();
  const std::size_t daemon = text.find("What dockerd does itself");
  REQUIRE(daemon != std::string::npos);
  const std::size_t heading = text.find("\n  Namespaces  ", daemon);
  REQUIRE(heading != std::string::npos);
  CHECK_FALSE(has(text.substr(heading + 1, text.find('\n', heading + 1) - heading - 1), "ms)"));
}
