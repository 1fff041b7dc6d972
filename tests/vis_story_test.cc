// SPDX-License-Identifier: MIT
// What pictures take from the story: the same numbers as `nstrace explain`, the phases; and the formats for programs.
#include <fmt/format.h>
#include <linux/sched.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/scene.h"
#include "tests/xml.h"
#include "vis/brief.h"
#include "vis/draw.h"

using namespace nstrace;
using namespace nstrace::vis;
using testing::Scene;

namespace {

Recording recorded(const Scene& scene) {
  Recording recording(true);
  scene.play(recording);
  return recording;
}

Graph told(const Recording& recording) {
  DrawOptions options;
  options.story = &recording.story();
  return build_tree(recording, options);
}

// Number -> how often it stands on a row.
std::map<int, int> numbers(const Graph& graph) {
  std::map<int, int> counts;
  for (const Node& node : graph.nodes) {
    for (const Row& row : node.rows) {
      if (row.told.step == 0) continue;
      for (int step = row.told.step; step <= std::max(row.told.step, row.last_step); ++step) ++counts[step];
    }
  }
  return counts;
}

nlohmann::json between(const std::string& page, const std::string& begin, const std::string& end) {
  const std::size_t from = page.find(begin) + begin.size();
  return nlohmann::json::parse(page.substr(from, page.find(end, from) - from));
}
const std::string kData = "<script type=\"application/json\" id=\"trace\">";

}  // namespace

TEST_CASE("story: each step stands once, under its number, on its process") {
  const Recording recording = recorded(testing::docker_run_scene());
  const Graph graph = told(recording);
  REQUIRE(graph.story);
  const auto found = numbers(graph);
  REQUIRE(found.size() == recording.story().steps().size());
  for (const auto& [number, count] : found) {
    CAPTURE(number);
    REQUIRE(count == 1);
  }
  for (const story::Step& step : recording.story().steps()) {
    const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                   [&](const Node& n) { return n.process && *n.process == step.process; });
    REQUIRE(node != graph.nodes.end());
    REQUIRE(std::any_of(node->rows.begin(), node->rows.end(),
                        [&](const Row& row) { return row.told.step == step.number && row.event == step.event; }));
  }
}

TEST_CASE("story: one container's picture says what the container has to itself, and what runs in it") {
  const auto lines = [](const Recording& recording) {
    std::vector<std::string> all;
    for (const Headline& chapter : told(recording).chapters) all.push_back(chapter.text);
    return all;
  };
  const auto made = lines(recorded(testing::docker_run_scene()));
  REQUIRE(made.size() == 3);
  REQUIRE(made[1] ==
          "New, its own: file tree, host name, shared memory, network, process numbers. The host's: users, "
          "view of the cgroups, clocks.");
  REQUIRE(made[2] == "In it runs sleep 100: pid 2032 outside, 1 inside.");
  const auto entered = lines(recorded(testing::docker_exec_scene()));
  REQUIRE(entered.size() == 3);
  REQUIRE(entered[1].starts_with("The container's: file tree, "));
  REQUIRE(entered[2] == "In it runs sh: pid 2651 outside, 7 inside.");
  // Without an end of the trace nobody knows whether it still runs.
  const trace::Trace all = testing::docker_run_scene().trace();
  Recording cut(true);
  cut.header(all.header);
  for (const trace::Existing& process : all.existing) cut.existing(process);
  for (const trace::Event& event : all.events) cut.event(event);
  cut.story().finish();
  REQUIRE(lines(cut).back() == "In it began sleep 100: pid 2032 outside, 1 inside.");
}

TEST_CASE("story: the way of the events is the way down a node") {
  const Recording recording = recorded(testing::docker_run_scene());
  for (const Node& node : told(recording).nodes) {
    std::uint64_t before = 0;
    for (const Row& row : node.rows) {
      REQUIRE(row.event >= before);
      before = row.event;
    }
  }
}

TEST_CASE("story: in brief no number is lost") {
  const Recording recording = recorded(testing::docker_run_scene());
  const Graph whole = told(recording), less = brief(whole);
  const auto rows = [](const Graph& graph) {
    std::size_t count = 0;
    for (const Node& node : graph.nodes) count += node.rows.size();
    return count;
  };
  REQUIRE(rows(less) <= rows(whole));
  for (const auto& [number, count] : numbers(whole)) {
    CAPTURE(number);
    REQUIRE(numbers(less)[number] >= 1);
  }
}

TEST_CASE("story: mounts of one phase are one row in brief, with the count of each call") {
  Scene s;
  s.existing(100, "shim", {"/usr/bin/containerd-shim-runc-v2"});
  s.fork(100, 200);
  s.exec(200, "/usr/sbin/runc", {"runc", "create", "--bundle", "/b", "abc"});
  s.fork(200, 201, CLONE_PARENT | CLONE_NEWPID | CLONE_NEWNS);
  s.rename(201, "runc:[2:INIT]");
  Graph graph = told(recorded(s));
  Node& node = graph.nodes.back();
  node.rows.clear();
  graph.phases = {{"root file system", "the files"}};
  for (int step = 5; step < 8; ++step) {
    Row row;
    row.kind = Row::Kind::Mark;
    row.event = row.last = static_cast<std::uint64_t>(step);
    row.told = {.step = step, .meaning = "words", .phase = 0};
    row.calls = {{"mount", step == 6 ? 6 : 1}};
    if (step == 6) row.calls.emplace_back("umount2", 1);
    row.words = {"words"};
    row.words_first = true;
    node.rows.push_back(row);
  }
  const std::vector<Row> rows = brief(graph).nodes.back().rows;
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].told.step == 5);
  REQUIRE(rows[0].last_step == 7);
  REQUIRE(rows[0].event == 5);
  REQUIRE(rows[0].last == 7);
  REQUIRE(rows[0].text == "mount \u00d78, umount2");
  node.rows.pop_back();
  REQUIRE(brief(graph).nodes.back().rows.size() == 2);
}

TEST_CASE("timeline: the phases stand beside the axis") {
  const auto all = testing::parse_xml(draw(recorded(testing::docker_run_scene()), View::Timeline, Picture::Svg)).texts;
  REQUIRE(std::find(all.begin(), all.end(), "Pivot") != all.end());
  REQUIRE(std::find(all.begin(), all.end(), "Namespaces") != all.end());
}

TEST_CASE("html: the data is what the trace says") {
  const Recording recording = recorded(testing::docker_run_scene());
  const std::string page = draw(recording, View::Tree, Picture::Html);
  const nlohmann::json data = between(page, kData, "</script>");
  REQUIRE(data["calls"].size() == recording.calls().size());
  REQUIRE(data["processes"].size() == recording.processes().size());
  REQUIRE(data["steps"].size() == recording.story().steps().size());
  REQUIRE(data["loss"] == "0 lost");
  REQUIRE(page.find("http://www.w3.org/2000/svg") != std::string::npos);
  for (const std::string address : {"src=", "href=", "https:", "url(", "@import"}) {
    CAPTURE(address);
    REQUIRE(page.find(address) == std::string::npos);
  }
}

TEST_CASE("html: hostile text opens no element and ends no script") {
  const std::string evil = "</script><!--<script>alert(1)</script>\u2028\x01";
  Scene s;
  s.existing(100, evil.substr(0, 15), {evil});
  s.fork(100, 200, CLONE_NEWPID | CLONE_NEWNS);
  s.exec(200, "/bin/" + evil, {evil, evil});
  s.pivot_root(200, evil, evil);
  const std::string page = draw(recorded(s), View::Tree, Picture::Html);
  const std::size_t from = page.find(kData) + kData.size(), end = page.find("</script>", from);
  REQUIRE(page.substr(from, end - from).find('<') == std::string::npos);
  REQUIRE_NOTHROW(nlohmann::json::parse(page.substr(from, end - from)));
  std::size_t scripts = 0;
  for (std::size_t at = 0; (at = page.find("<script", at)) != std::string::npos; ++at) ++scripts;
  REQUIRE(scripts == 2);
}

TEST_CASE("perfetto: a track for each process, and namespaces as arguments") {
  const auto trace = nlohmann::json::parse(draw(recorded(testing::docker_run_scene()), View::Tree, Picture::Perfetto));
  std::map<std::string, int> kinds;
  bool found = false;
  for (const auto& event : trace["traceEvents"]) {
    ++kinds[event["ph"]];
    if (event["ph"] == "X" && event["name"] == "sleep 100") {
      found = true;
      REQUIRE(event["args"]["mnt"] == "mnt 2");
      REQUIRE(event["args"]["user"] == "host");
    }
  }
  REQUIRE(found);
  REQUIRE(kinds["s"] == kinds["f"]);
  REQUIRE(kinds["s"] > 3);
}

TEST_CASE("perfetto: a pid that is used again is another track") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.exit(200);
  s.fork(100, 200);
  s.exec(200, "/bin/b", {"b"});
  s.exit(200);
  const auto trace = nlohmann::json::parse(draw(recorded(s), View::Tree, Picture::Perfetto));
  std::vector<std::int64_t> tracks;
  for (const auto& event : trace["traceEvents"]) {
    if (event["name"] == "process_name") tracks.push_back(event["pid"]);
  }
  std::sort(tracks.begin(), tracks.end());
  REQUIRE(std::adjacent_find(tracks.begin(), tracks.end()) == tracks.end());
  REQUIRE(tracks.size() == 4);  // sh, a, b, and the steps
}

TEST_CASE("critical path: the picture's is the summary's, on the lanes that are shown") {
  const Recording recording = recorded(testing::docker_run_scene());
  DrawOptions options;
  options.story = &recording.story();
  options.timing = &recording.timing();
  const Graph graph = build_tree(recording, options);
  REQUIRE(graph.paths.size() == 1);
  const std::vector<PathPart>& path = graph.paths.front();
  REQUIRE(path.size() >= 4);
  for (std::size_t i = 1; i < path.size(); ++i) {
    REQUIRE(path[i].begin == path[i - 1].end);
    REQUIRE(path[i].node != path[i - 1].node);
  }
  const auto& chapters = recording.story().chapters();
  const auto made = std::find_if(chapters.begin(), chapters.end(),
                                 [](const story::Chapter& c) { return c.kind == story::Kind::Made; });
  REQUIRE(made != chapters.end());
  const auto links = recording.timing().critical_path(recording.story(), *made);
  REQUIRE(path.front().begin == links.front().begin);
  REQUIRE(path.back().end == links.back().end);
  REQUIRE(graph.nodes[path.back().node].title == "sleep 100");
}

TEST_CASE("fold: of five containers made alike one is shown, the others are named with their namespaces") {
  Scene s;
  s.existing(100, "containerd", {"/usr/bin/containerd"});
  for (int i = 0; i < 6; ++i) {
    const int pid = 200 + 10 * i;
    const std::string id = std::string(31, 'a') + std::to_string(i);
    s.fork(100, pid);
    s.exec(pid, "/usr/sbin/runc", {"runc", "create", "--bundle", "/b", id});
    s.fork(pid, pid + 1, CLONE_NEWPID | CLONE_NEWNS);
    s.rename(pid + 1, "runc:[2:INIT]");
    s.pivot_root(pid + 1, ".", ".");
    s.exec(pid + 1, "/bin/app", {"app" + std::to_string(i)});
  }
  const Recording recording = recorded(s);
  const Graph graph = told(recording);
  REQUIRE(graph.clusters.size() == 1);
  const auto fold = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [](const Node& node) { return node.kind == Node::Kind::Folded; });
  REQUIRE(fold != graph.nodes.end());
  REQUIRE(fold->title == "5 more containers, made in the same way");
  REQUIRE(fold->rows.size() == 5);
  int last = 0;  // of the container that is shown
  for (const auto& [step, count] : numbers(graph)) last = std::max(last, step);
  REQUIRE_THAT(fold->subtitle, ContainsSubstring(fmt::format("steps {} to {}", last + 1, 6 * last)));
  for (const Row& row : fold->rows) REQUIRE(row.badges.size() == 2);
  DrawOptions all;
  all.all = true;
  all.story = &recording.story();
  REQUIRE(build_tree(recording, all).clusters.size() == 6);
  // The way to a program that is folded is no line in the picture.
  DrawOptions some;
  some.story = all.story;
  some.timing = all.timing = &recording.timing();
  REQUIRE(build_tree(recording, some).paths.size() == 1);
  REQUIRE(build_tree(recording, all).paths.size() == 6);
}

TEST_CASE("fold: what one container runs is no other container") {
  Scene s;
  s.existing(100, "containerd", {"/usr/bin/containerd"});
  s.fork(100, 200);
  s.exec(200, "/usr/sbin/runc", {"runc", "create", "--bundle", "/b", std::string(32, 'a')});
  s.fork(200, 201, CLONE_NEWPID | CLONE_NEWNS);
  s.pivot_root(201, ".", ".");
  s.exec(201, "/bin/sh", {"sh"});
  for (int i = 0; i < 6; ++i) {
    s.fork(201, 300 + i);
    s.exec(300 + i, "/bin/tool", {"tool" + std::to_string(i)});
  }
  const Recording recording = recorded(s);
  for (const Node& node : told(recording).nodes) REQUIRE(node.kind == Node::Kind::Process);
}

TEST_CASE("way: it leads to the program that was brought in, not to what that starts") {
  Scene s = testing::docker_exec_scene();
  s.fork(2651, 2700);
  s.exec(2700, "/bin/wc", {"wc", "-l"});
  const Recording recording = recorded(s);
  for (const Node& node : told(recording).nodes) {
    CAPTURE(node.title);
    if (node.title == "sh") REQUIRE(node.way);
    if (node.title == "wc -l") REQUIRE_FALSE(node.way);
  }
}

TEST_CASE("failure: what could not be made stands in red above all") {
  Scene s;
  s.existing(100, "containerd-shim", {"containerd-shim-runc-v2", "-namespace", "moby"});
  s.fork(100, 200);
  s.exec(200, "/usr/bin/runc", {"runc", "create", "--bundle", "/b", "demo"});
  s.exit(200, 1);
  const Recording recording = recorded(s);
  REQUIRE(told(recording).chapters.at(0).failed);
  const std::string svg = draw(recording, View::Tree, Picture::Svg);
  REQUIRE_THAT(svg, ContainsSubstring("class=\"f-bad sans\">Container demo could NOT be made"));
  REQUIRE_THAT(draw(recording, View::Tree, Picture::Html),
               ContainsSubstring("<span class=\"lost\">Container demo could NOT be made"));
}

TEST_CASE("loss: the timeline says where, in its place") {
  Scene s;
  s.existing(100, "containerd", {"/usr/bin/containerd"});
  s.fork(100, 200);
  s.exec(200, "/usr/sbin/runc", {"runc", "create", "--bundle", "/b", "abc"});
  s.lost(60, "ring buffer full");
  s.exit(200);
  const auto all = testing::parse_xml(draw(recorded(s), View::Timeline, Picture::Svg)).texts;
  const auto place = [&](const std::string& text) {
    CAPTURE(text);
    const auto at = std::find(all.begin(), all.end(), text);
    REQUIRE(at != all.end());
    return at;
  };
  REQUIRE(place("runc create") < place("60 events LOST: ring buffer full"));
  REQUIRE(place("60 events LOST: ring buffer full") < place("exit 0"));
}

TEST_CASE("import: what is not known is not shown as if it were") {
  Recording recording(true);
  trace::Header header;
  header.tool = "strace";
  header.calls_known = false;
  recording.header(header);
  trace::Event event;
  event.number = 1;
  event.time = event.start = 1000;
  event.who = {.tid = 5, .tgid = 5, .comm = "sleep"};
  event.what = trace::Exec{.path = "/bin/sleep", .argv = {"sleep", "1"}};
  recording.event(event);
  recording.footer({.events = 1});
  for (const View view : {View::Tree, View::Timeline, View::Namespaces}) {
    const auto all = testing::parse_xml(draw(recording, view, Picture::Svg)).texts;
    REQUIRE(std::find(all.begin(), all.end(), "0 lost") == all.end());
    REQUIRE(std::find(all.begin(), all.end(), "running") == all.end());
    REQUIRE(std::find(all.begin(), all.end(), "ms") == all.end());
  }
}

TEST_CASE("hostile: an argument of a mebibyte, in every format, leaves a picture of modest size") {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  s.fork(100, 200, CLONE_NEWUTS);
  s.exec(200, "/bin/x", {"x", std::string(1 << 20, '\''), "\u202e" + std::string(1 << 20, '<')});
  const Recording recording = recorded(s);
  for (const Picture picture : {Picture::Svg, Picture::Dot, Picture::Mermaid, Picture::Html, Picture::Perfetto}) {
    REQUIRE(draw(recording, View::Tree, picture).size() < 300'000);
  }
  const auto svg = testing::parse_xml(draw(recording, View::Tree, Picture::Svg));
  REQUIRE(svg.elements.count("script") == 0);
}

namespace {

// The texts that a picture can be drawn as: what, and its bytes.
std::map<std::string, std::string> all_formats(const Recording& recording) {
  return {{"tree.svg", draw(recording, View::Tree, Picture::Svg)},
          {"timeline.svg", draw(recording, View::Timeline, Picture::Svg)},
          {"namespaces.svg", draw(recording, View::Namespaces, Picture::Svg)},
          {"dot", draw(recording, View::Tree, Picture::Dot)},
          {"mmd", draw(recording, View::Tree, Picture::Mermaid)},
          {"html", draw(recording, View::Tree, Picture::Html)},
          {"json", draw(recording, View::Tree, Picture::Perfetto)}};
}

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++found;
  return found;
}

// A container's set-up in which all that a program can choose is `evil`.
Scene spoiled(const std::string& evil) {
  Scene s;
  s.header().command = {evil};
  s.existing(100, evil.substr(0, 15), {"/usr/bin/containerd-shim-runc-v2", evil});
  s.fork(100, 200);
  s.exec(200, "/usr/sbin/runc", {"runc", "create", "--bundle", evil, evil});
  s.fork(200, 201, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWUSER);
  s.mount(201, evil, evil, evil, 0, evil);
  s.pivot_root(201, evil, evil);
  s.sethostname(201, evil.substr(0, 64));
  s.cgroup(201, 7, "/docker/" + evil);
  s.rename(201, evil.substr(0, 15));
  s.exec(201, "/bin/" + evil, {evil, evil});
  s.exit(201);
  return s;
}

}  // namespace

TEST_CASE("every format: the same trace gives the same bytes") {
  const auto first = all_formats(recorded(testing::docker_run_scene()));
  all_formats(recorded(testing::docker_exec_scene()));  // what was drawn before leaves no trace
  const auto second = all_formats(recorded(testing::docker_run_scene()));
  for (const auto& [format, bytes] : first) {
    CAPTURE(format);
    REQUIRE(!bytes.empty());
    REQUIRE(bytes == second.at(format));
  }
}

TEST_CASE("every format: hostile text stays text") {
  const auto plain = all_formats(recorded(spoiled("plain")));
  const auto page_scripts = count(plain.at("html"), "<script"), page_images = count(plain.at("html"), "<img");
  for (const std::string& evil :
       {std::string("</script><script>alert(1)</script><img src=x onerror=alert(2)>"),
        std::string("\"'><svg onload=a()>"), std::string("]]>--><!-- <?x?> <![CDATA["),
        std::string("a\nb\r\t\x1b[31m\a\x7f\x9b"), std::string("nul\0byte", 8),
        std::string("\u202egpj.exe\u202c\u2066\u200f\u200e\ufeff"),
        std::string("not utf-8 \xff\xfe\xc0\x80\xed\xa0\x80"), std::string("\"]; evil [label=\"x\\"),
        std::string("end;\nNote over A: x<br/>#quot;%%{init: {}}%%"), std::string(1 << 20, '<') + "\u202e"}) {
    CAPTURE(evil.substr(0, 60));
    const auto formats = all_formats(recorded(spoiled(evil)));
    for (const auto& each : formats) {
      const std::string &format = each.first, &bytes = each.second;
      CAPTURE(format);
      REQUIRE(bytes.size() < 1'000'000);
      const bool clean = std::ranges::all_of(bytes, [&](char c) {  // libcgraph indents by tabs
        return c == '\n' || (c == '\t' && format == "dot") || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
      });
      REQUIRE(clean);
      for (const char* mark : {"\u202e", "\u2066", "\u200f", "\u200e", "\ufeff", "\xff"})
        REQUIRE(count(bytes, mark) == 0);
    }
    for (const char* view : {"tree.svg", "timeline.svg", "namespaces.svg"}) {
      const auto xml = testing::parse_xml(formats.at(view));
      for (const auto& [element, number] : xml.elements) {
        CAPTURE(view, element);
        REQUIRE(testing::parse_xml(plain.at(view)).elements.count(element) == 1);
      }
    }
    REQUIRE(count(formats.at("html"), "<script") == page_scripts);
    REQUIRE(count(formats.at("html"), "<img") == page_images);
    REQUIRE_NOTHROW(between(formats.at("html"), kData, "</script>"));
    REQUIRE_NOTHROW(nlohmann::json::parse(formats.at("json")));
    REQUIRE(count(formats.at("mmd"), "\n") < 60);
  }
}
