// SPDX-License-Identifier: MIT
// The views over time and of namespaces, and Mermaid. SVG is read back by a parser: what it says, in which order.
#include <linux/sched.h>

#include <algorithm>
#include <regex>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "tests/xml.h"
#include "trace/error.h"
#include "vis/draw.h"
#include "vis/mermaid.h"
#include "vis/snapshot.h"
#include "vis/style.h"
#include "vis/timeline.h"

using namespace nstrace;
using namespace nstrace::vis;
using testing::Scene;
using trace::Ns;

namespace {

Recording model_of(const Scene& scene) {
  Recording model(true);
  scene.play(model);
  return model;
}

std::vector<std::string> texts(const std::string& svg) {
  return testing::parse_xml(svg).texts;
}

bool has(const std::vector<std::string>& all, const std::string& text) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

std::ptrdiff_t place(const std::vector<std::string>& all, const std::string& text) {
  CAPTURE(text);
  REQUIRE(has(all, text));
  return std::find(all.begin(), all.end(), text) - all.begin();
}

const std::string kEvil = "\"></text><script>alert('x')</script>\x1b[2J\n;end#\u202e%%{init: {}}%%";

Scene hostile() {
  Scene s;
  s.existing(100, "<b>&\"'\n", {kEvil});
  s.fork(100, 200, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER);
  s.exec(200, "/bin/" + kEvil, {kEvil, kEvil});
  s.rename(200, "end;<x>\n\x1b");
  s.pivot_root(200, kEvil, kEvil);
  return s;
}

}  // namespace

TEST_CASE("timeline: what happened, in its order, under the name of that moment") {
  const auto all = texts(draw(model_of(testing::docker_run_scene()), View::Timeline, Picture::Svg));
  REQUIRE(has(all, "ms"));
  REQUIRE(place(all, "makes runc:[1:CHILD] (pid 2031), clone(CLONE_PARENT)") < place(all, "unshare"));
  REQUIRE(place(all, "unshare") < place(all, "pivot_root(\".\", \".\")"));
  // Whoever executes sleep is not yet called so.
  const auto at = std::find(all.begin(), all.end(), "sleep 100");
  REQUIRE(at != all.end());
  REQUIRE(std::count(all.begin(), all.end(), "runc:[2:INIT]") >= 4);
}

TEST_CASE("timeline: silence is cut short, and it is said how long it was") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200);
  s.wait(5'000'000'000);
  s.exec(200, "/bin/date", {"date"});
  const auto all = texts(draw(model_of(s), View::Timeline, Picture::Svg));
  REQUIRE(has(all, "5.00 s without a step, cut short"));
  Scene steady;
  steady.existing(100, "sh", {"/bin/sh"});
  steady.fork(100, 200);
  steady.exec(200, "/bin/date", {"date"});
  for (const std::string& text : texts(draw(model_of(steady), View::Timeline, Picture::Svg))) {
    REQUIRE_THAT(text, !ContainsSubstring("cut short"));
  }
}

TEST_CASE("timeline: stripes change colour where the process changes namespace") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.unshare(200, CLONE_NEWUTS);
  s.exec(200, "/bin/b", {"b"});
  const Graph graph = build_tree(model_of(s));
  REQUIRE(graph.nodes.at(1).stays.size() == 2);
  REQUIRE(graph.nodes.at(1).stays[0].band.at(1).kind == Badge::Kind::Host);
  REQUIRE(graph.nodes.at(1).stays[1].band.at(1).text == "uts 2");
  REQUIRE_THAT(timeline_svg(graph), ContainsSubstring(family_colour(0, Ns::Uts)));
}

TEST_CASE("timeline: an import's axis has its words within the picture") {
  Scene s;
  s.host({});
  s.header() = {};
  s.existing(100, "sh", {"/bin/sh"}, {.ns = trace::NsSet{}});
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  const std::string svg = draw(model_of(s), View::Timeline, Picture::Svg);
  const std::regex at_end(
      "<text x=\"([\\d.]+)\" y=\"[-\\d.]+\" font-size=\"([\\d.]+)\" text-anchor=\"end\"[^>]*>([^<]*)<");
  int seen = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), at_end), end; at != end; ++at, ++seen) {
    CAPTURE((*at)[3].str());
    REQUIRE(std::stod((*at)[1]) >= text_width((*at)[3].str(), Font::Sans, std::stod((*at)[2])));
  }
  REQUIRE(seen >= 2);
  REQUIRE(has(texts(svg), "in order,"));
}

TEST_CASE("timeline: the axis never goes back, also where a call began before what it follows") {
  Graph graph = build_tree(model_of(testing::docker_run_scene()));
  int moved = 0;
  for (Node& node : graph.nodes) {
    for (Row& row : node.rows) {
      if (row.kind == Row::Kind::Mark && row.time > 2'000'000) row.time -= 2'000'000, ++moved;
    }
  }
  REQUIRE(moved > 0);
  const std::string svg = timeline_svg(graph);
  const std::regex clock("text-anchor=\"end\"[^>]*>([\\d.]+)<");
  std::vector<double> times;
  for (std::sregex_iterator at(svg.begin(), svg.end(), clock), end; at != end; ++at)
    times.push_back(std::stod((*at)[1]));
  REQUIRE(times.size() > 5);
  REQUIRE(std::is_sorted(times.begin(), times.end()));
}

TEST_CASE("timeline: who sleeps while another works is hatched") {
  Graph graph = build_tree(model_of(testing::docker_run_scene()));
  REQUIRE_THAT(timeline_svg(graph), !ContainsSubstring("waits for"));
  for (Node& node : graph.nodes) {
    if (node.title == "runc create") node.sleeps = {{node.born + 1'000'000, node.born + 9'000'000}};
  }
  REQUIRE_THAT(timeline_svg(graph), ContainsSubstring("waits for 8.0 ms"));
  REQUIRE(has(texts(timeline_svg(graph)), "waits, or in a call that takes long"));
}

TEST_CASE("timeline: an empty trace is a picture, too") {
  Scene s;
  REQUIRE_NOTHROW(texts(draw(model_of(s), View::Timeline, Picture::Svg)));
  REQUIRE_NOTHROW(texts(draw(model_of(s), View::Tree, Picture::Svg)));
  REQUIRE_NOTHROW(texts(draw(model_of(s), View::Namespaces, Picture::Svg)));
  REQUIRE_NOTHROW(draw(model_of(s), View::Tree, Picture::Dot));
  REQUIRE_NOTHROW(draw(model_of(s), View::Tree, Picture::Mermaid));
}

TEST_CASE("namespaces: at the end, who shares what") {
  const Snapshot snapshot = take_snapshot(model_of(testing::docker_run_scene()), std::nullopt);
  REQUIRE(snapshot.moment == Moment::End);
  REQUIRE(snapshot.households.size() == 2);
  REQUIRE(snapshot.households[1].residents.size() == 1);
  REQUIRE(snapshot.households[1].residents[0].name == "sleep 100");
  const auto all = texts(draw(model_of(testing::docker_run_scene()), View::Namespaces, Picture::Svg));
  REQUIRE(has(all, "container cbab362df10a"));
  REQUIRE(has(all, "on the host"));
  REQUIRE(has(all, "pid namespaces, one in another"));
}

TEST_CASE("namespaces: at a time, under the names of then") {
  const model::Model model = model_of(testing::docker_run_scene());
  const Snapshot start = take_snapshot(model, 0);
  REQUIRE(start.households.size() == 1);
  REQUIRE(start.households[0].residents.size() == 1);
  REQUIRE(start.households[0].residents[0].name == "containerd");
  // Just after the unshare: a process in the new ones whose pid namespace is the host's still.
  trace::Time unshared = 0;
  for (const model::Process& p : model.processes()) {
    for (const model::Mark& mark : p.marks) {
      if (mark.call == "unshare") unshared = mark.time;
    }
  }
  REQUIRE(unshared > 0);
  REQUIRE(take_snapshot(model, unshared).households.size() == 2);
  REQUIRE(take_snapshot(model, unshared - 1).households.size() == 1);
}

TEST_CASE("namespaces: when all is over, the richest moment") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200, CLONE_NEWUTS);
  s.exec(200, "/bin/a", {"a"});
  s.exit(200);
  const Snapshot snapshot = take_snapshot(model_of(s), std::nullopt);
  REQUIRE(snapshot.moment == Moment::Richest);
  REQUIRE(snapshot.households.size() == 2);
}

TEST_CASE("namespaces: the moment is that of the containers which the trace made, not of one that was there") {
  Scene s;
  s.existing(50, "pause", {"pause"}, {.pids = {50, 1}, .ns = s.new_set({Ns::Mnt, Ns::Pid})});
  s.existing(100, "containerd-shim", {"containerd-shim"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
  s.fork(200, 201);
  s.unshare(201, CLONE_NEWNS | CLONE_NEWPID);
  s.fork(201, 202);
  s.pivot_root(202);
  s.exec(202, "/bin/app", {"app"});
  s.exit(201);
  s.exit(202);
  s.exit(200);
  const Snapshot snapshot = take_snapshot(model_of(s), std::nullopt);
  REQUIRE(snapshot.moment == Moment::Containers);
  std::vector<std::string> first;
  for (const Household& household : snapshot.households) first.push_back(household.residents.front().name);
  REQUIRE(std::find(first.begin(), first.end(), "app") != first.end());
  REQUIRE(first.size() == 3);  // pause, the host's, app: the stage is over
  REQUIRE_THROWS_AS(take_snapshot(model_of(s), -1), Error);
  REQUIRE_THROWS_AS(take_snapshot(model_of(s), 3'600'000'000'000), Error);
}

TEST_CASE("namespaces: user namespaces lie in each other") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200, CLONE_NEWUSER | CLONE_NEWPID);
  s.exec(200, "/bin/a", {"outer"});
  s.fork(200, 201, CLONE_NEWUSER | CLONE_NEWPID);
  s.exec(201, "/bin/b", {"inner"});
  const auto all = texts(draw(model_of(s), View::Namespaces, Picture::Svg));
  REQUIRE(place(all, "the host's user namespace") < place(all, "user namespace 2"));
  REQUIRE(place(all, "user namespace 2") < place(all, "user namespace 3"));
}

TEST_CASE("namespaces: many processes in one set are counted, all of them listed on demand") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  for (int pid = 200; pid < 240; ++pid) s.fork(100, pid);
  DrawOptions options;
  const auto some = texts(draw(model_of(s), View::Namespaces, Picture::Svg, options));
  REQUIRE(has(some, "41 processes"));
  REQUIRE(has(some, "and 29 more; --all lists each"));
  options.all = true;
  REQUIRE(has(texts(draw(model_of(s), View::Namespaces, Picture::Svg, options)), "sh \u00b7 pid 239"));
}

TEST_CASE("mermaid: participants, forks, notes") {
  testing::check_golden("vis/docker_exec.mmd", to_mermaid(build_tree(model_of(testing::docker_exec_scene()))));
}

TEST_CASE("mermaid: what is lost is said first, and again where it was") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200);
  s.lost(12, "ring buffer full");
  s.exec(200, "/bin/a", {"a"});
  Recording recording = model_of(s);
  trace::Footer footer = s.trace().footer.value_or(trace::Footer{});
  footer.lost = 12;
  recording.footer(footer);
  const std::string text = draw(recording, View::Tree, Picture::Mermaid);
  const std::size_t first = text.find("Note over"), fork = text.find("->>"), place = text.find("12 events LOST");
  REQUIRE_THAT(text.substr(first, 40), ContainsSubstring("Note over p0,p1: 12 LOST\n"));
  REQUIRE(first < fork);
  REQUIRE((place != std::string::npos && place > fork));
}

TEST_CASE("mermaid: hostile text is no syntax") {
  const std::string text = to_mermaid(build_tree(model_of(hostile())));
  for (const char c : std::string("<>\"'`%{}\x1b\\")) {
    std::string rest = text;
    for (std::size_t at; (at = rest.find("<br/>")) != std::string::npos;) rest.erase(at, 5);
    for (std::size_t at; (at = rest.find("->>")) != std::string::npos;) rest.erase(at, 3);
    CAPTURE(c, rest);
    REQUIRE(rest.find(c) == std::string::npos);
  }
  REQUIRE_THAT(text, !ContainsSubstring(" end"));
}

TEST_CASE("views: hostile text adds no element") {
  for (const View view : {View::Timeline, View::Namespaces}) {
    const auto xml = testing::parse_xml(draw(model_of(hostile()), view, Picture::Svg));
    REQUIRE(xml.elements.count("script") == 0);
    for (const auto& [name, count] : xml.elements) {
      REQUIRE((name == "svg" || name == "title" || name == "style" || name == "rect" || name == "text" ||
               name == "path" || name == "g"));
    }
  }
}

TEST_CASE("views: what cannot be had says what can") {
  const Recording model = model_of(testing::docker_run_scene());
  REQUIRE_THROWS_AS(draw(model, View::Timeline, Picture::Dot), Error);
  REQUIRE_THROWS_AS(draw(model, View::Namespaces, Picture::Mermaid), Error);
  REQUIRE(view_from_name("timeline") == View::Timeline);
  REQUIRE_FALSE(view_from_name("times"));
}

TEST_CASE("views: the same trace gives the same bytes") {
  for (const View view : {View::Timeline, View::Namespaces}) {
    const std::string first = draw(model_of(testing::docker_run_scene()), view, Picture::Svg);
    REQUIRE(first == draw(model_of(testing::docker_run_scene()), view, Picture::Svg));
  }
}
