// SPDX-License-Identifier: MIT
// Where the time went: of recorded traces, and of scenes with one trap each.
#include "report/summary.h"

#include <algorithm>
#include <sstream>

#include "report/story_text.h"
#include "story/waiting.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "trace/file.h"

using namespace nstrace;
using namespace nstrace::testing;
using story::Kind;

namespace {

class Measured : public story::TellingModel {
 public:
  void event(const trace::Event& event) override {
    story::TellingModel::event(event);
    timing.event(event);
  }
  const story::Chapter& chapter(Kind kind) const {
    for (const story::Chapter& c : story().chapters())
      if (c.kind == kind) return c;
    throw std::runtime_error("no such chapter");
  }
  report::Summarized summarized(const std::string& name) const { return {name, story(), *this, timing}; }
  story::Timing timing{*this};
};

void play(const trace::Trace& trace, Measured& to) {
  to.header(trace.header);
  for (const trace::Existing& p : trace.existing) to.existing(p);
  for (const trace::Event& e : trace.events) to.event(e);
  to.footer(trace.footer.value_or(trace::Footer{}));
}
trace::Trace recorded(const std::string& name) {
  return trace::load_trace(NSTRACE_SOURCE_DIR "/tests/traces/" + name + ".jsonl.zst");
}

}  // namespace

TEST_CASE("summaries of recorded traces") {
  for (const char* name : {"docker-run", "docker-exec", "timed"}) {
    Measured m;
    play(recorded(name), m);
    check_golden(std::string("summary/") + name + ".txt", report::summary_text(m.summarized(""), false));
  }
}

TEST_CASE("a log without times gives none") {
  const trace::Trace log = trace::load_trace(NSTRACE_SOURCE_DIR "/tests/logs/crun.log");
  REQUIRE_FALSE(log.header.times);
  Measured m;
  play(log, m);
  REQUIRE_FALSE(m.story().steps().empty());
  const std::string text = report::summary_text(m.summarized(""), false);
  CHECK(text.find("not recorded: wall") != text.npos);
  CHECK(report::story_text(m.story(), m).find(" us)") == std::string::npos);
  for (const char* word : {" us", " ms", "slowest", "waited"}) CHECK(text.find(word) == text.npos);
  CHECK(m.timing.critical_path(m.story(), m.story().chapters().front()).empty());
  Measured other;
  play(recorded("runc-run"), other);
  const std::string both = report::summary_text(m.summarized("A"), other.summarized("B"), false);
  CHECK(both.find("  all                      -   60.1 ms    -\n") != both.npos);
}

TEST_CASE("two runtimes side by side") {
  Measured a, b;
  play(recorded("runc-run"), a);
  play(recorded("crun-run"), b);
  check_golden("summary/runc-crun.txt", report::summary_text(a.summarized("A"), b.summarized("B"), false));
}

TEST_CASE("the chain of waiting has no gap and ends with the program") {
  for (const char* name : {"docker-run", "docker-exec", "runc-run", "crun-run", "podman-run-crun"}) {
    INFO(name);
    Measured m;
    play(recorded(name), m);
    const bool exec = std::string_view(name) == "docker-exec";
    const auto path = m.timing.critical_path(m.story(), m.chapter(exec ? Kind::Entered : Kind::Made));
    REQUIRE(path.size() > 1);
    for (std::size_t i = 1; i < path.size(); ++i) {
      CHECK(path[i].begin == path[i - 1].end);
      CHECK(path[i].process != path[i - 1].process);
    }
    for (const story::Step& step : m.story().steps())
      if (step.rule == "program" || step.rule == "entered-program") {
        CHECK(path.back().process == step.process);
        CHECK(path.back().end == step.end);
      }
  }
}

namespace {

std::vector<std::size_t> actors(const std::vector<story::Beat>& beats, std::size_t target) {
  std::vector<std::size_t> who;
  for (const story::Stretch& stretch : story::waited_for(beats, target))
    if (who.empty() || who.back() != stretch.actor) who.push_back(stretch.actor);
  return who;
}

// A beat without a length.
story::Beat beat(trace::Time time, std::size_t actor, std::optional<std::size_t> makes = {}, bool ends = false) {
  return {.time = time, .begin = time, .actor = actor, .makes = makes, .ends = ends};
}

constexpr trace::Time kMs = 1'000'000;
using Actors = std::vector<std::size_t>;

}  // namespace

TEST_CASE("waiting: who was made leads to its maker") {
  CHECK(actors({beat(0, 0, 1), beat(kMs, 1, 2), beat(2 * kMs, 2)}, 2) == Actors{2, 1, 0});
}

TEST_CASE("waiting: silence leads to the hook that ended meanwhile") {
  CHECK(actors({beat(0, 0, 1), beat(1, 1), beat(2, 0, 2), beat(3, 2), beat(90 * kMs, 2, {}, true), beat(91 * kMs, 1)},
               5) == Actors{1, 2, 0});
}

TEST_CASE("waiting: the end of a maker wakes no one it made") {
  CHECK(actors({beat(0, 0, 1), beat(1, 1), beat(2, 0, {}, true), beat(90 * kMs, 1)}, 3) == Actors{1, 0});
}

TEST_CASE("waiting: who is busy is not left for what others do") {
  CHECK(actors({beat(0, 0, 1), beat(10, 1), beat(20, 0), beat(30, 1)}, 3) == Actors{1, 0});
}

TEST_CASE("waiting: a pause in which it ran, as the scheduler counted, is its own work") {
  std::vector<story::Beat> beats{beat(0, 0, 1), beat(kMs, 1), beat(2 * kMs, 0), beat(9 * kMs, 1)};
  beats[3].slept = 1000;
  CHECK(story::waited_for(beats, 3).at(0).from == 1);
  beats[3].slept = 7 * kMs;
  CHECK(story::waited_for(beats, 3).at(0).from == 2);
}

TEST_CASE("waiting: a call that takes long in the kernel waits for nobody's deeds") {
  std::vector<story::Beat> beats{beat(0, 0, 1), beat(kMs, 1), beat(2 * kMs, 0), beat(9 * kMs, 1)};
  beats[3].begin = kMs + 10;  // umount and unshare wait for the kernel's own clean-up
  CHECK(story::waited_for(beats, 3).at(0).from == 1);
}

TEST_CASE("waiting: what ends after a call has begun did not set it off") {
  std::vector<story::Beat> beats{beat(0, 0, 1), beat(kMs, 1), beat(2 * kMs, 2), beat(8 * kMs, 3), beat(9 * kMs, 1)};
  beats[4].begin = 7 * kMs;
  CHECK(story::waited_for(beats, 4).at(0).from == 2);
}

TEST_CASE("waiting: nothing, and a target that is not there") {
  CHECK(story::waited_for({}, 0).empty());
  CHECK(story::waited_for({beat(0, 0)}, 1).empty());
  CHECK(story::waited_for({beat(0, 0)}, 0).size() == 1);
}

TEST_CASE("what waited for a lost record is not told") {
  trace::Trace lossy = recorded("docker-run");
  trace::Event& event = lossy.events[lossy.events.size() / 2];
  event.what = trace::Lost{1, 0, "ring buffer full"};
  Measured m;
  play(lossy, m);
  CHECK(m.timing.critical_path(m.story(), m.chapter(Kind::Made)).empty());
  CHECK(report::summary_text(m.summarized(""), false).find("1 record was lost") != std::string::npos);
}

TEST_CASE("what waited is not told where the runtime's beginning is lost") {
  trace::Trace lossy = recorded("docker-run");
  std::size_t last = 0;  // the program's exec
  for (std::size_t i = 0; i < lossy.events.size(); ++i)
    if (const auto* exec = lossy.events[i].as<trace::Exec>(); exec && exec->path == "/bin/sleep") last = i;
  REQUIRE(last > 100);
  lossy.events.erase(lossy.events.begin() + 20, lossy.events.begin() + static_cast<std::ptrdiff_t>(last) - 20);
  lossy.events[20].what = trace::Lost{500, 0, "ring buffer full"};
  Measured m;
  play(lossy, m);
  for (const story::Chapter& c : m.story().chapters()) CHECK(m.timing.critical_path(m.story(), c).empty());
}

TEST_CASE("the leader's end has what its execs had counted") {
  Scene s;
  s.exec(1, "/usr/bin/bwrap", {"bwrap", "true"});
  s.fork(1, 200);
  s.exec(200, "/usr/bin/bwrap", {"bwrap", "true"});
  s.last().as<trace::Exec>()->cpu = {3'000'000, 0};
  s.unshare(200, 0x20000);
  s.exit(200);
  s.last().as<trace::Exit>()->cpu = {5'000'000, 1'000'000};
  Measured m;
  s.play(m);
  bool found = false;
  for (const story::Chapter& c : m.story().chapters())
    for (const story::ProcessTime& t : m.timing.processes(m.story(), c)) {
      if (m.processes()[t.process].pid != 200) continue;
      found = true;
      CHECK(t.on_cpu == 5'000'000);
      CHECK(t.cpu_wait == 1'000'000);
    }
  CHECK(found);
}

TEST_CASE("a phase: who did not sleep was on a CPU all the time, who did counts as the scheduler has it") {
  constexpr trace::Time kMs = 1'000'000;
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
  s.last().as<trace::Exec>()->cpu = {1 * kMs, 0, 0};
  s.fork(200, 201, 0x8000);
  s.exec(201, "/proc/self/exe", {"runc", "init"}, {.env = {"_LIBCONTAINER_INITTYPE=standard"}});
  s.last().as<trace::Exec>()->cpu = {0, 0, 0};
  s.rename(201, "runc:[2:INIT]");
  s.mount(201, "", "/", "", 0x84000);
  s.last().as<trace::Syscall>()->cpu = {0, 0, 0};  // a tick behind
  s.wait(9 * kMs);
  s.mount(201, "proc", "/proc", "proc", 0);
  s.last().as<trace::Syscall>()->cpu = {7 * kMs, 3 * kMs, 0};  // 10 ms, 3 of them waiting for a CPU, none asleep
  s.wait(19 * kMs);
  s.mount(201, "sysfs", "/sys", "sysfs", 0);
  s.last().as<trace::Syscall>()->cpu = {11 * kMs, 4 * kMs, 1};  // 20 ms, 4 on a CPU, 1 waiting for one
  Measured m;
  s.play(m);
  bool found = false;
  for (const story::PhaseSpan& span : m.story().phases()) {
    if (span.phase != story::Phase::Root || !span.seen) continue;
    found = true;
    const story::PhaseTime t = m.timing.between(m.story(), span);
    CHECK(t.measured);
    CHECK(t.calls == 3);
    CHECK(t.on_cpu == 7 * kMs + 4 * kMs);
    CHECK(t.blocked == 15 * kMs);
  }
  CHECK(found);
  const std::vector<story::Sleep> sleeps = m.timing.sleeps(2 * kMs);
  REQUIRE(sleeps.size() == 1);  // the one before the last call; waiting for a CPU is no sleep
  CHECK(sleeps[0].end - sleeps[0].begin == 15 * kMs);
  CHECK(m.timing.sleeps(16 * kMs).empty());
}

TEST_CASE("a process that lives: who never slept ran since it was made, though the count is a tick behind") {
  constexpr trace::Time kMs = 1'000'000;
  Scene s;
  s.existing(100, "sh", {"sh"});
  s.fork(100, 200);
  s.wait(9 * kMs);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
  s.last().as<trace::Exec>()->cpu = {0, 4 * kMs, 0};
  s.wait(9 * kMs);
  s.unshare(200, 0x20000);
  s.last().as<trace::Syscall>()->cpu = {2 * kMs, 4 * kMs, 7 * kMs};  // it slept: as the count says
  Measured m;
  s.play(m);
  REQUIRE(!m.story().chapters().empty());
  const auto times = m.timing.processes(m.story(), m.story().chapters().front());
  REQUIRE(times.size() == 1);
  CHECK(times[0].on_cpu >= 5 * kMs + 2 * kMs);
  CHECK(times[0].on_cpu <= 5 * kMs + 2 * kMs + kMs);
  CHECK(times[0].cpu_wait == 4 * kMs);
}

TEST_CASE("an anonymous trace has no times, and none are made up") {
  Scene s = docker_run_scene();
  s.header().durations = false;
  Measured m;
  s.play(m);
  const std::string text = report::summary_text(m.summarized(""), false);
  CHECK(text.find("  not recorded: on CPU, blocked, in calls\n") != std::string::npos);
  CHECK(m.timing.slowest(m.story(), m.chapter(Kind::Made), 5).empty());
}

TEST_CASE("the summary keeps to the terminal's width, and cut lines end in dots") {
  Measured m;
  play(recorded("docker-run"), m);
  std::istringstream lines(report::summary_text(m.summarized(""), false, 72));
  int cut = 0;
  std::string title, line;
  std::getline(lines, title);  // wraps: nothing of it may be missing
  while (std::getline(lines, line)) {
    CHECK(line.size() <= 72);
    cut += line.size() == 72 && line.ends_with("...");
  }
  CHECK(cut > 5);
}

namespace {

// runc create with a hook that waits for dockerd, and the start of what waited meanwhile.
Scene with_hook() {
  Scene s;
  s.existing(50, "dockerd", {"dockerd"});
  s.existing(100, "containerd-shim", {"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", "demo"});
  s.vfork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "--pid-file", "/p", "demo"});
  s.fork(200, 201, 0x20000 | 0x20000000);
  s.vfork(200, 210);
  s.exec(210, "/usr/bin/dockerd", {"libnetwork-setkey", "demo"});
  s.wait(60 * kMs);
  s.mount(50, "/proc/201/ns/net", "/run/netns/demo", "", 0x1000);
  s.wait(40 * kMs);
  s.exit(210);
  s.pivot_root(201);
  s.exit(200);
  s.wait(30 * kMs);
  s.vfork(100, 220);
  s.exec(220, "/usr/bin/runc", {"runc", "start", "demo"});
  s.exec(201, "/bin/sleep", {"sleep"});
  s.exit(220);
  return s;
}

}  // namespace

TEST_CASE("a hook's phase lasts as long as the hook, and who is ready waits until the start") {
  Measured m;
  with_hook().play(m);
  const auto wall = [&](story::Phase phase) {
    for (const story::PhaseSpan& span : m.story().phases())
      if (span.phase == phase && span.seen) return span.end - span.begin;
    return trace::Time{-1};
  };
  CHECK(wall(story::Phase::Hooks) >= 100 * kMs);
  CHECK(wall(story::Phase::Ready) >= 30 * kMs);
}

TEST_CASE("a summary names the time that no phase explains, and sums that are more than it") {
  const Scene s = with_hook();
  Measured m;
  s.play(m);
  const std::string text = report::summary_text(m.summarized(""), false);
  CHECK(text.find("  in no phase ") != std::string::npos);
  CHECK(text.find("sums over all tasks") == std::string::npos);
  Measured timed;
  play(recorded("docker-run-runc-1.3"), timed);
  CHECK(report::summary_text(timed.summarized(""), false).find("sums over all tasks") != std::string::npos);
}

TEST_CASE("what the begin waited for: a daemon too, and whether it was in a call or before it") {
  Scene s = with_hook();
  Measured m;
  s.play(m);
  const auto path = m.timing.critical_path(m.story(), m.chapter(Kind::Made));
  CHECK(std::ranges::any_of(path, [](const story::Link& link) { return link.role == "dockerd"; }));
  CHECK(report::summary_text(m.summarized(""), false).find("ms before mount(\"/proc/201/ns/net\"") !=
        std::string::npos);

  Scene slow;
  slow.existing(100, "bash", {"bash"});
  slow.fork(100, 200);
  slow.exec(200, "/usr/bin/crun", {"crun", "run", "--bundle", "/b", "demo"});
  slow.fork(200, 201, 0x20000 | 0x20000000);
  slow.wait(40 * kMs);
  slow.pivot_root(201);
  slow.last().start = slow.last().time - 39 * kMs;
  slow.exec(201, "/bin/true", {"true"});
  Measured n;
  slow.play(n);
  CHECK(report::summary_text(n.summarized(""), false).find("ms in pivot_root(") != std::string::npos);
}
