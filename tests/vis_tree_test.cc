// SPDX-License-Identifier: MIT
// Hand-made traces in, DOT out (tests/golden/vis): the git diff of a golden is the review of a change in the picture.
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mount.h>

#include <chrono>
#include <regex>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/scene.h"
#include "tests/xml.h"
#include "vis/dot.h"
#include "vis/svg.h"
#include "vis/tree.h"

using namespace nstrace;
using namespace nstrace::vis;
using testing::Scene;
using trace::Ns;

namespace {

Graph tree(const Scene& scene, const DrawOptions& options = {}) {
  model::Model model;
  scene.play(model);
  return build_tree(model, options);
}

void golden(const std::string& name, const Graph& graph) {
  testing::check_golden("vis/" + name + ".dot", to_dot(graph));
}

Scene shell() {
  Scene s;
  s.existing(100, "sh", {"/bin/sh"});
  return s;
}

const Node& node(const Graph& graph, std::string_view title) {
  for (const Node& n : graph.nodes) {
    if (n.title == title) return n;
  }
  FAIL("no node " << title);
  return graph.nodes.front();
}

std::vector<std::string> titles(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& n : graph.nodes) out.push_back(n.title);
  return out;
}

std::string edge_from(const Graph& graph, const std::string& to) {
  for (const Edge& edge : graph.edges) {
    if (edge.kind == Edge::Kind::Fork && graph.nodes[edge.to].title == to) return graph.nodes[edge.from].title;
  }
  return "";
}

}  // namespace

TEST_CASE("docker_run: the way from containerd to sleep") {
  const Graph graph = tree(testing::docker_run_scene());
  golden("docker_run", graph);
  REQUIRE(graph.clusters.size() == 1);
  REQUIRE(node(graph, "sleep 100").cluster == 0u);
  REQUIRE_FALSE(node(graph, "runc:[1:CHILD]").cluster);
  REQUIRE(node(graph, "runc create").host);
  REQUIRE(node(graph, "runc create").way);
  REQUIRE_FALSE(node(graph, "runc start").way);
  REQUIRE(edge_from(graph, "sleep 100") == "runc:[1:CHILD]");  // the creator, not the parent
}

TEST_CASE("docker_exec: setns leads into the container that is there") {
  const Graph graph = tree(testing::docker_exec_scene());
  golden("docker_exec", graph);
  const Edge& join = graph.edges.back();
  REQUIRE(join.kind == Edge::Kind::Join);
  REQUIRE(graph.nodes[join.from].title == "runc:[1:CHILD]");
  REQUIRE(join.cluster == 0u);
  REQUIRE(join.badges.size() == 5);
}

TEST_CASE("all: every process, none folded") {
  DrawOptions options;
  options.all = true;
  const Graph graph = tree(testing::docker_exec_scene(), options);
  REQUIRE(graph.notes.empty());
  REQUIRE(node(graph, "containerd").existed);
}

TEST_CASE("clone_flags: new namespaces by clone stand on the edge") {
  Scene s = shell();
  s.fork(100, 200, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS);
  s.exec(200, "/bin/id", {"id"});
  const Graph graph = tree(s);
  golden("clone_flags", graph);
  REQUIRE(graph.edges.at(0).badges.size() == 3);
}

TEST_CASE("threads_only: what neither executes nor moves folds into one node") {
  Scene s = shell();
  for (int pid = 200; pid < 206; ++pid) {
    s.fork(100, pid);
    s.thread(pid, pid + 100);
  }
  s.fork(205, 250);
  s.fork(100, 400);
  s.exec(400, "/bin/date", {"date"});
  const Graph graph = tree(s);
  golden("threads_only", graph);
  REQUIRE(titles(graph) == std::vector<std::string>{"sh", "date", "6 \u00d7 sh"});
  REQUIRE_THAT(graph.notes.back(), ContainsSubstring("7 processes are folded"));
}

TEST_CASE("ancestor_of_interest: a process that only forks stays when its child executes") {
  Scene s = shell();
  s.fork(100, 200);
  s.fork(200, 201);
  s.exec(201, "/bin/date", {"date"});
  REQUIRE(titles(tree(s)) == std::vector<std::string>{"sh", "sh", "date"});
}

TEST_CASE("alike: a loop over one program is one node; failures are another") {
  Scene s = shell();
  for (int pid = 200; pid < 220; ++pid) {
    s.fork(100, pid);
    s.exec(pid, "/bin/true", {"true"});
    s.exit(pid, pid == 210 ? 1 : 0);
  }
  const Graph graph = tree(s);
  REQUIRE(titles(graph) == std::vector<std::string>{"sh", "true", "19 \u00d7 true"});
  REQUIRE(node(graph, "true").ending == "exit 1");
}

TEST_CASE("orphans: a loop whose creators were lost is one node, without an arrow") {
  Scene s = shell();
  s.unseen([&] {
    for (int pid = 200; pid < 210; ++pid) s.fork(100, pid);
  });
  for (int pid = 200; pid < 210; ++pid) {
    s.exec(pid, "/bin/true", {"true"});
    s.exit(pid);
  }
  s.fork(100, 300);
  s.exec(300, "/bin/date", {"date"});
  const Graph graph = tree(s);
  std::vector<std::string> folds;
  for (const Node& n : graph.nodes) {
    if (n.kind == Node::Kind::Folded) folds.push_back(n.title);
  }
  REQUIRE(folds == std::vector<std::string>{"10 \u00d7 true"});
  REQUIRE(graph.edges.size() == 1);
}

TEST_CASE("before: who was there already is not drawn as if it had been created") {
  const std::string svg = to_svg(tree(testing::docker_exec_scene()));
  const auto xml = testing::parse_xml(svg);
  REQUIRE(std::count(xml.texts.begin(), xml.texts.end(), "child of, since before the trace") == 1);
  REQUIRE_THAT(svg, ContainsSubstring("stroke-dasharray=\"1.5 3\""));
  const std::string all_new = to_svg(tree(testing::docker_run_scene()));
  REQUIRE_THAT(all_new, !ContainsSubstring("since before the trace"));
}

TEST_CASE("names: a container bears the name that people gave it, and its id below") {
  Scene s = shell();
  s.fork(100, 200);
  const std::string id(64, 'a');
  s.exec(200, "/usr/bin/conmon", {"conmon", "-c", id, "-u", id, "-n", "web", "-r", "/usr/bin/crun"});
  s.fork(200, 201);
  s.exec(201, "/usr/bin/crun", {"crun", "create", "--bundle", "/b", id});
  s.fork(201, 202, CLONE_NEWPID | CLONE_NEWNS);
  s.pivot_root(202);
  s.exec(202, "/bin/app", {"app"});
  const Graph graph = tree(s);
  REQUIRE(graph.clusters.size() == 1);
  REQUIRE(graph.clusters[0].title == "container web");
  REQUIRE(graph.clusters[0].subtitle == "crun \u00b7 aaaaaaaaaaaa");
}

TEST_CASE("plate: no arrow runs through a container's name") {
  const std::string svg = to_svg(tree(testing::docker_run_scene()));
  std::smatch plate;
  const std::regex of_plate(
      "<g id=\"c0\"><title>[^<]*</title>\\s*<rect x=\"([\\d.]+)\" y=\"[\\d.]+\" width=\"([\\d.]+)\"");
  REQUIRE(std::regex_search(svg, plate, of_plate));
  const double left = std::stod(plate[1]), right = left + std::stod(plate[2]);
  // The arrow of the way that ends lowest leads into the container, straight down.
  const std::regex of_way("<path d=\"M[^\"]* ([\\d.]+) ([\\d.]+)\"[^>]*class=\"s-way\"");
  double x = 0, lowest = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), of_way), end; at != end; ++at) {
    if (std::stod((*at)[2]) < lowest) continue;
    lowest = std::stod((*at)[2]);
    x = std::stod((*at)[1]);
  }
  CAPTURE(x, left, right);
  REQUIRE(lowest > 0);
  REQUIRE((x < left || x > right));
}

TEST_CASE("racks: few leaves stand in a column, so that the picture stays narrow") {
  Scene s = shell();
  for (int pid = 200; pid < 204; ++pid) {
    s.fork(100, pid);
    s.exec(pid, "/bin/tool", {"tool" + std::to_string(pid)});
  }
  std::smatch width;
  const std::string svg = to_svg(tree(s));
  REQUIRE(std::regex_search(svg, width, std::regex("width=\"([\\d.]+)\"")));
  REQUIRE(std::stod(width[1]) < 700);
}

TEST_CASE("a_thousand: fast, folded or not") {
  Scene s = shell();
  for (int pid = 1000; pid < 2000; ++pid) {
    s.fork(pid % 10 ? pid - 1 : 100, pid);
    s.exec(pid, fmt::format("/bin/tool-{}", pid), {"tool", std::to_string(pid)});
  }
  DrawOptions options;
  for (const bool all : {false, true}) {
    options.all = all;
    const auto begin = std::chrono::steady_clock::now();
    const std::string svg = to_svg(tree(s, options));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    REQUIRE_NOTHROW(testing::parse_xml(svg));
    REQUIRE(took.count() < 10);  // 2 s is the bar; a debug build on a busy machine is not what it is for
  }
}

TEST_CASE("pid_reuse: two processes with one pid are two nodes") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/date", {"date"});
  s.exit(200);
  s.fork(100, 200);
  s.exec(200, "/bin/id", {"id"});
  const Graph graph = tree(s);
  REQUIRE(titles(graph) == std::vector<std::string>{"sh", "date", "id"});
  REQUIRE(graph.nodes[1].id != graph.nodes[2].id);
}

TEST_CASE("inode_reuse: a namespace that bears a freed number is another one") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.unshare(200, CLONE_NEWUTS);
  const std::uint32_t inode = s.ns(200)[Ns::Uts];
  s.exit(200);
  s.reuse_inode(inode);
  s.fork(100, 300);
  s.exec(300, "/bin/b", {"b"});
  s.unshare(300, CLONE_NEWUTS);
  const Graph graph = tree(s);
  REQUIRE(node(graph, "a").rows.at(1).badges.at(0).text == "uts 2");
  REQUIRE(node(graph, "b").rows.at(1).badges.at(0).text == "uts 3");
}

TEST_CASE("unshare_0: the call that does nothing says so") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.unshare(200, 0);
  s.unshare(200, CLONE_FS);
  const Graph graph = tree(s);
  const Node& n = node(graph, "a");
  REQUIRE(n.rows.at(1).text == "unshare(0)");
  REQUIRE(n.rows.at(1).words == std::vector<std::string>{"no flag, so nothing changes"});
  REQUIRE(n.rows.at(2).text == "unshare(CLONE_FS)");
  REQUIRE(n.host);
}

TEST_CASE("setns_nowhere: a namespace without a process in the picture gets a node of its own") {
  Scene s = shell();
  const trace::NsSet other = s.new_set({Ns::Net});
  s.existing(300, "other", {"other"}, {.ns = other, .followed = false});
  s.fork(100, 200);
  s.setns(200, 3, Ns::Net, other[Ns::Net]);
  s.exec(200, "/bin/ip", {"ip", "addr"});
  const Graph graph = tree(s);
  golden("setns_nowhere", graph);
  REQUIRE(graph.nodes.back().kind == Node::Kind::Namespace);
  REQUIRE(graph.edges.back().to == graph.nodes.size() - 1);
}

TEST_CASE("setns_back: a return to the host's namespaces is a badge, not an edge") {
  Scene s = shell();
  const std::uint32_t host = s.ns(100)[Ns::Uts];
  s.fork(100, 200);
  s.unshare(200, CLONE_NEWUTS);
  s.setns(200, 3, Ns::Uts, host);
  const Graph graph = tree(s);
  REQUIRE(graph.edges.size() == 1);
  REQUIRE(graph.nodes.at(1).rows.at(1).words == std::vector<std::string>{"goes back to the host's"});
}

TEST_CASE("pod: two containers that share a network namespace show one colour for it") {
  Scene s;
  s.existing(100, "crun", {"crun", "run", "pod"});
  s.fork(100, 200, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC);
  s.pivot_root(200);
  s.exec(200, "/pause", {"/pause"});
  s.fork(100, 300);
  s.setns(300, 4, Ns::Net, s.ns(200)[Ns::Net]);
  s.setns(300, 5, Ns::Ipc, s.ns(200)[Ns::Ipc]);
  s.unshare(300, CLONE_NEWNS | CLONE_NEWPID);
  s.fork(300, 301);
  s.pivot_root(301);
  s.exec(301, "/bin/app", {"app"});
  const Graph graph = tree(s);
  golden("pod", graph);
  REQUIRE(graph.clusters.size() == 2);
  const auto net = [](const Node& n) { return n.band.at(3); };
  REQUIRE(net(node(graph, "app")).text == "net 2");
  REQUIRE(net(node(graph, "app")).family == net(node(graph, "pause")).family);
  REQUIRE(node(graph, "app").band.at(0).family != net(node(graph, "app")).family);
}

TEST_CASE("mounts: in a row they are one line, pivot_root parts them") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.unshare(200, CLONE_NEWNS);
  s.mount(200, "proc", "/proc", "proc", MS_NOSUID);
  s.mount(200, "tmpfs", "/tmp", "tmpfs", 0);
  s.mount(200, "a, \"b\" MS_BIND", "/x", "tmpfs", 0);
  s.mount(200, "/a", "/b", "", MS_BIND | MS_REC);
  s.pivot_root(200);
  s.umount2(200, ".", MNT_DETACH);
  const Graph graph = tree(s);
  const Node& n = node(graph, "a");
  REQUIRE(n.rows.size() == 5);
  REQUIRE(n.rows[2].text ==
          "mount \u00d7"
          "4");
  REQUIRE(n.rows[2].words == std::vector<std::string>{"proc, tmpfs \u00d7"
                                                      "2, 1 bind"});
  REQUIRE(n.rows[3].text == "pivot_root(\".\", \".\")");
}

TEST_CASE("losses: shown in capitals") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  s.lost(12);
  model::Model model;
  s.play(model);
  trace::Footer footer = s.trace().footer.value_or(trace::Footer{});
  footer.lost = 12;
  model.footer(footer);
  const Graph graph = build_tree(model);
  REQUIRE(graph.lossy);
  REQUIRE(graph.loss == "12 LOST");
}

TEST_CASE("no_end: a trace without a footer says so, and nobody is called running") {
  Scene s = shell();
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  const trace::Trace t = s.trace();
  model::Model model;
  model.header(t.header);
  for (const auto& e : t.existing) model.existing(e);
  for (const auto& e : t.events) model.event(e);
  const Graph graph = build_tree(model);
  REQUIRE(graph.lossy);
  REQUIRE_THAT(graph.loss, ContainsSubstring("INCOMPLETE"));
  REQUIRE(node(graph, "a").life == Life::Unknown);
}

TEST_CASE("import: without namespaces there are no bands, and no grey that claims to be the host's") {
  Scene s;
  s.host({});
  s.existing(100, "sh", {"/bin/sh"}, {.ns = trace::NsSet{}});
  s.fork(100, 200);
  s.exec(200, "/bin/a", {"a"});
  const Graph graph = tree(s);
  REQUIRE(node(graph, "a").band.empty());
  REQUIRE_FALSE(node(graph, "a").host);
}

TEST_CASE("hostile: names, arguments, titles and ids of a trace stay text") {
  const std::string evil = "\"></text><script>alert('x')</script>\x1b[2J\n\u202e" + std::string(1 << 20, 'x');
  Scene s;
  s.header().command = {evil, evil};
  s.header().kernel = evil;
  s.header().follow = {evil};
  s.header().tool = evil;
  s.existing(100, "<b>&\"'\\N\xff", {"runc", "--root", evil, "create", evil});
  s.fork(100, 200, CLONE_NEWPID | CLONE_NEWNS);
  s.exec(200, "/bin/" + evil, {evil, evil, evil});
  s.rename(200, "<script>\n\x1b");
  s.mount(200, evil, evil, evil, 0, evil);
  s.pivot_root(200, evil, evil);
  s.sethostname(200, "<h>\"&");
  s.cgroup(200, 7, "/docker/" + evil);
  DrawOptions options;
  options.title = evil;
  for (const bool own_title : {false, true}) {
    const Graph graph = tree(s, own_title ? options : DrawOptions{});
    const std::string svg = to_svg(graph);
    const auto xml = testing::parse_xml(svg);
    REQUIRE(xml.elements.count("script") == 0);
    REQUIRE(svg.size() < 200000);
    REQUIRE(to_dot(graph).size() < 100000);
  }
}

TEST_CASE("deterministic: the same trace gives the same bytes") {
  REQUIRE(to_dot(tree(testing::docker_run_scene())) == to_dot(tree(testing::docker_run_scene())));
  const std::string before = to_dot(tree(testing::docker_run_scene()));
  REQUIRE(to_svg(tree(testing::docker_exec_scene())) == to_svg(tree(testing::docker_exec_scene())));
  REQUIRE(before == to_dot(tree(testing::docker_run_scene())));  // libgvc changes the defaults of libcgraph
}
