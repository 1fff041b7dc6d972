// SPDX-License-Identifier: MIT
// What is told about traces: by hand-made scenes, one trap each.
#include "story/story.h"

#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "model/runtime.h"
#include "report/story_json.h"
#include "report/story_text.h"
#include "story/names.h"
#include "story/rule.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"

using namespace nstrace;
using namespace nstrace::testing;
using story::Phase;
using trace::Ns;

namespace {

struct Told {
  story::TellingModel model;
  explicit Told(const Scene& scene) { scene.play(model); }
  const std::vector<story::Step>& steps() const { return model.story().steps(); }
  const story::Step* step(std::string_view rule) const {
    for (const story::Step& s : steps())
      if (s.rule == rule) return &s;
    return nullptr;
  }
  bool unseen(Phase phase) const {
    for (const story::PhaseSpan& p : model.story().phases())
      if (p.phase == phase && !p.seen) return true;
    return false;
  }
  std::string text() const { return report::story_text(model.story(), model, {.width = 100}); }
};

}  // namespace

TEST_CASE("a docker run is told from the shim to the program") {
  const Told told(docker_run_scene());
  check_golden("story/docker_run.txt", told.text());
  int number = 0;
  for (const story::Step& s : told.steps()) CHECK(s.number == ++number);
}

TEST_CASE("a docker exec is told") {
  check_golden("story/docker_exec.txt", Told(docker_exec_scene()).text());
}

TEST_CASE("what a program starts that was brought in is not that program: its end is told once") {
  Scene s = docker_exec_scene();
  s.fork(2651, 2700);
  s.exec(2700, "/bin/wc", {"wc", "-l"});
  s.exit(2700);
  s.exit(2651, 3);
  const Told told(s);
  std::vector<int> ends;
  for (const story::Step& step : told.steps())
    if (step.rule == "entered-end") ends.push_back(step.tid);
  CHECK(ends == std::vector<int>{2651});
}

TEST_CASE("a container that could not be made is not said to be made, nor to be ended") {
  Scene s;
  s.existing(100, "containerd-shim", {"containerd-shim-runc-v2", "-namespace", "moby"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
  s.fork(200, 201);
  s.exec(201, "/proc/self/exe", {"runc", "init"});
  s.unshare(201, CLONE_NEWNS);
  s.exit(201, 1);
  s.exit(200, 1);
  s.fork(100, 300);
  s.exec(300, "/usr/bin/runc", {"runc", "delete", "--force", "demo"});
  s.exit(300);
  const Told told(s);
  const auto& chapters = told.model.story().chapters();
  REQUIRE(chapters.size() == 2);
  CHECK(chapters[0].failed);
  CHECK(chapters[0].title.starts_with("Container demo could NOT be made by runc"));
  CHECK_FALSE(chapters[0].cut_after);
  CHECK(chapters[1].title.starts_with("Container demo is cleared away"));
}

TEST_CASE("a story for machines has the same steps") {
  const Told told(docker_exec_scene());
  const std::string json = report::story_json(told.model.story(), told.model);
  check_golden("story/docker_exec.json", json);
}

TEST_CASE("bytes of traced processes reach nobody's terminal") {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.vfork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "ev\x1b[31mil"});
  s.vfork(200, 201);
  s.exec(201, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=standard"}});
  s.rename(201, "runc:[2:INIT]");
  s.sethostname(201, "h\x1b]0;\x07{arg1}");
  s.mount(201, "/a\nb", "/c\xff{each}", "", 0x1000);
  s.exec(201, "/bin/\x1b[2J", {"\x1b[2J\n", "{new}"});
  const Told told(s);
  const std::string text = told.text() + report::story_json(told.model.story(), told.model);
  CHECK(text.find("{arg1}") != std::string::npos);  // a host name's own braces stay what they are
  CHECK(text.find("{each}") != std::string::npos);
  for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
}

TEST_CASE("unshare(0) of an exec gets its true answer") {
  const Told told(docker_exec_scene());
  const story::Step* step = told.step("empty-unshare-exec");
  REQUIRE(step);
  CHECK(step->line == "unshare(0) = 0");
  CHECK(step->phase == Phase::Namespaces);
  CHECK(step->sentence.starts_with("Nothing happens here"));
}

TEST_CASE("rules have names of their own, a sentence and a phase that reads") {
  std::set<std::string_view> names;
  for (const story::Rule* rule : story::all_rules()) {
    INFO(rule->name);
    CHECK(names.insert(rule->name).second);
    CHECK(!rule->sentence.empty());
    CHECK(!rule->brief.empty());
    CHECK(rule->sentence.back() == '.');
    CHECK(rule->brief.size() <= 90);
    // Pictures have only the brief words, and their readers are new to this; the sentence has the room to explain.
    for (const std::string_view word : {"orphan", "ambient", "keyring", "session of its own", "subreaper"})
      CHECK(rule->brief.find(word) == std::string_view::npos);
    CHECK((rule->sentence.find("{each}") == std::string_view::npos) == rule->each.empty());
    if (rule->brief.find("{each}") != std::string_view::npos) CHECK(!rule->each.empty());
    if (rule->on == story::On::Call) CHECK(!rule->call.empty());
  }
}

TEST_CASE("a unit of systemd is a sandbox if it gets namespaces of its own, and else nothing") {
  Scene s;
  s.existing(50, "systemd", {"/lib/systemd/systemd", "--user"});
  s.fork(50, 200);
  s.exec(200, "/usr/sbin/cron", {"cron"});
  s.fork(50, 300);
  s.rename(300, "(nginx)");
  s.unshare(300, CLONE_NEWNS);
  s.mount(300, "", "/", "", 0x84000);
  s.exec(300, "/usr/sbin/nginx", {"nginx", "-g", "daemon off;"});
  const Told told(s);
  REQUIRE(told.model.story().chapters().size() == 1);
  CHECK(told.model.story().chapters()[0].title ==
        "A sandbox, no OCI container, is made by systemd: nginx -g 'daemon off;'");
  REQUIRE(told.model.containers().size() == 1);
  CHECK(model::kind_of(told.model.containers()[0]) == "sandbox");
  for (const story::Step& step : told.steps()) CHECK(told.model.processes()[step.process].pid == 300);
}

TEST_CASE("a browser's processes are one story; a tool that makes no sandbox is not said to") {
  Scene s;
  s.existing(100, "bash", {"bash"});
  s.fork(100, 200);
  s.exec(200, "/usr/lib/chromium/chromium", {"/usr/lib/chromium/chromium"});
  s.fork(200, 201, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET);
  s.exec(201, "/proc/self/exe", {"/usr/lib/chromium/chromium", "--type=zygote"});
  s.fork(201, 202, CLONE_NEWPID);
  s.fork(100, 300);
  s.exec(300, "/usr/bin/unshare", {"unshare", "--help"});
  s.exit(300);
  const Told told(s);
  REQUIRE(told.model.story().chapters().size() == 2);
  CHECK(told.model.story().chapters()[0].title.starts_with("A sandbox, no OCI container, is made by chromium"));
  CHECK(told.model.story().chapters()[1].title == "Unshare runs, and makes no sandbox in this trace");
  CHECK(model::kind_of(told.model.containers()[0]) == "sandbox");
}

TEST_CASE("versions of runc are told apart by what each does since when, and not guessed") {
  const auto family = [](const std::string& verb, const std::string& init, const std::vector<std::string>& env,
                         const std::function<void(Scene&)>& then) {
    Scene s;
    const trace::NsSet inside = s.new_set({Ns::User, Ns::Mnt, Ns::Net});
    s.existing(100, "bash", {"bash"});
    s.existing(300, "sleep", {"sleep"}, {.ns = inside});
    s.fork(100, 200);
    s.exec(200, "/usr/bin/runc", {"runc", verb, "--bundle", "/b", "demo"});
    s.vfork(200, 201);
    s.exec(201, init, {"runc", "init"}, {.env = env});
    s.rename(201, "runc:[0:PARENT]");
    s.fork(201, 202, CLONE_PARENT);
    s.rename(202, "runc:[1:CHILD]");
    then(s);
    const Told told(s);
    REQUIRE(told.model.story().chapters().size() == 1);
    REQUIRE(told.model.story().chapters()[0].runtime == "runc");
    return told.model.story().chapters()[0].family;
  };
  const std::vector<std::string> old = {"_LIBCONTAINER_INITTYPE=standard", "_LIBCONTAINER_INITPIPE=3"};
  const auto with = [&](const char* name) {
    std::vector<std::string> env = old;
    env.emplace_back(name);
    return env;
  };
  const auto nothing = [](Scene&) {};
  const auto join = [](std::initializer_list<Ns> order) {
    return [order](Scene& s) {
      for (const Ns ns : order) s.setns(202, 5, ns, s.ns(300)[ns]);
    };
  };
  const char* exe = "/proc/self/exe";
  CHECK(family("create", exe, old, nothing).empty());
  CHECK(family("create", exe, with("_LIBCONTAINER_STATEDIR=/s"), nothing) == "1.1 or older");
  CHECK(family("create", exe, with("_LIBCONTAINER_SYNCPIPE=4"), nothing) == "1.2 or later");
  CHECK(family("create", "/proc/self/fd/6", old, nothing) == "1.2 or later");
  CHECK(family("create", exe, old, [](Scene& s) { s.unshare(202, CLONE_NEWNS); }).empty());
  CHECK(family("create", exe, old, [](Scene& s) { s.unshare(202, CLONE_NEWNS | CLONE_NEWCGROUP); }) == "1.2 or later");
  CHECK(family("exec", exe, with("_LIBCONTAINER_SYNCPIPE=4"), join({Ns::User, Ns::Net, Ns::Mnt})) == "1.2 or later");
  CHECK(family("exec", exe, with("_LIBCONTAINER_SYNCPIPE=4"), join({Ns::Net, Ns::User, Ns::Mnt})) == "1.3 or later");
  CHECK(family("exec", exe, with("_LIBCONTAINER_STATEDIR=/s"), join({Ns::User, Ns::Net})) == "1.1 or older");
  CHECK(family("exec", exe, with("_LIBCONTAINER_SYNCPIPE=4"),
               [](Scene& s) { s.fork(200, 203, CLONE_INTO_CGROUP | CLONE_VFORK | CLONE_VM); }) == "1.4 or later");
}

TEST_CASE("a phase that is not in the trace is not told, but said to be not seen") {
  Scene s;
  s.existing(100, "containerd-shim", {"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", kDockerId});
  s.vfork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "--pid-file", "/p", kDockerId});
  s.exit_group(200, 1);
  const Told told(s);
  CHECK(told.unseen(Phase::Namespaces));
  CHECK(told.unseen(Phase::Pivot));
  CHECK(told.unseen(Phase::Program));
  CHECK(told.step("runtime-fails"));
  CHECK_FALSE(told.step("create-end"));
}

TEST_CASE("names and images are read from files of docker and of bundles, and from nothing else") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("nstrace-names.{}", getpid());
  fs::create_directories(folder / "docker");
  fs::create_directories(folder / "bundle");
  fs::create_directories(folder / "fifo");
  fs::create_directories(folder / "broken");
  std::ofstream(folder / "docker" / "config.v2.json") << R"({"ID":"abc","Name":"/web","Config":{"Image":"busybox"}})";
  std::ofstream(folder / "bundle" / "config.json")
      << R"({"annotations":{"io.kubernetes.cri.container-name":"app","io.kubernetes.cri.image-name":"app:1"}})";
  std::ofstream(folder / "broken" / "config.v2.json") << "{\"Name\":";
  REQUIRE(mkfifo((folder / "fifo" / "config.v2.json").c_str(), 0600) == 0);
  const auto ask = [&](const char* name, const char* id) {
    return story::names_from_files({(folder / name).string()}, id);
  };
  CHECK(ask("docker", "abc").name == "web");
  CHECK(ask("docker", "abc").image == "busybox");
  CHECK(ask("docker", "another").name.empty());
  CHECK(ask("bundle", "abc").name == "app");
  CHECK(ask("bundle", "abc").image == "app:1");
  CHECK(ask("broken", "abc").name.empty());
  CHECK(ask("fifo", "abc").name.empty());  // and does not wait for a writer
  CHECK(ask("nothing", "abc").name.empty());
  CHECK(story::usual_folders("../../etc").empty());
  fs::remove_all(folder);
}
