// SPDX-License-Identifier: MIT
// What is told about recorded traces of real runtimes (tests/traces), whole, begun in the middle, and with losses.
#include <algorithm>
#include <filesystem>
#include <set>

#include "report/story_text.h"
#include "story/story.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "trace/file.h"

using namespace nstrace;
using testing::check_golden;

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
    for (const auto& [rule, call] : {std::pair("unshare-with-pid", "unshare"), std::pair("pivot-dot", "pivot_root")}) {
      const bool there = std::ranges::any_of(late.events, [&](const trace::Event& e) { return e.call.name == call; });
      if (!there) CHECK(told.step(rule) == nullptr);
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
}
