// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <graphviz/cgraph.h>

#include <cmath>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/xml.h"
#include "vis/dot.h"
#include "vis/namespaces.h"
#include "vis/style.h"
#include "vis/svg.h"
#include "vis/text.h"

using namespace nstrace;
using namespace nstrace::vis;

namespace {

// What a traced process may have in its arguments.
const std::vector<std::string> kHostile{
    "<script>alert(1)</script>",
    "\"quoted\" and 'single' and `ticks`",
    "</title><rect width='9999'/>",
    "a\nnew line\r\tand a tab",
    std::string("nul\0byte", 8),
    "\x1b[31mred\x1b[0m\a\x7f",
    "right to left \u202etxt.exe\u202c, marks \u200f\u200e, isolates \u2066x\u2069",
    "zero \u200bwidth\ufeff, stack Z\u0351\u0363\u035a, hebrew \u05d0\u05d1",
    "not utf-8: \xff\xfe\xc0\x80 \xed\xa0\x80",
    "noncharacter \uffff \ufffe",
    "backslash \\N \\G \\l \\ and &amp; &#60; %s {}",
    "]]> <!-- --> <?xml?> <![CDATA[",
    "label=\"x\"]; evil [",
    std::string(1 << 20, 'A') + "<b>",
};

Badge badge(trace::Ns type, int number, const std::string& tip = "") {
  Badge badge;
  badge.kind = number == 1 ? Badge::Kind::Host : Badge::Kind::Own;
  badge.type = type;
  badge.number = number;
  badge.text = number == 1 ? std::string(ns_name(type)) : fmt::format("{} {}", ns_name(type), number);
  badge.tip = tip;
  return badge;
}

// A graph with the text in every place that takes one.
Graph graph_of(const std::string& raw) {
  const std::string whole = display_whole(raw), text = shorten(whole, 24);
  Graph graph;
  graph.title = text;
  graph.facts = {text};
  graph.loss = "0 lost";
  graph.notes = {text};
  Cluster cluster;
  cluster.id = "c0";
  cluster.title = cluster.subtitle = text;
  cluster.tip = whole;
  graph.clusters = {cluster};
  for (const char* id : {"p0", "p1"}) {
    Node node;
    node.id = id;
    node.title = node.subtitle = node.ending = text;
    node.tip = whole;
    Row row;
    row.kind = Row::Kind::Exec;
    row.told.step = 1;
    row.text = text;
    row.detail = {text, text};
    row.words = {text};
    row.tip = whole;
    row.badges = {badge(trace::Ns::Mnt, 2, whole)};
    node.rows = {row, row};
    node.band = {badge(trace::Ns::Mnt, 2, whole), badge(trace::Ns::Net, 1, whole)};
    node.cluster = std::string(id) == "p1" ? std::optional<std::size_t>(0) : std::nullopt;
    graph.nodes.push_back(node);
  }
  Edge edge;
  edge.from = 0;
  edge.to = 1;
  edge.label = {text};
  edge.tip = whole;
  graph.edges = {edge};
  graph.legend = {{badge(trace::Ns::Mnt, 2, whole), text}};
  return graph;
}

}  // namespace

TEST_CASE("display: what cannot stay in its place is escaped") {
  REQUIRE(display("plain caf\u00e9 \u65e5\u672c") == "plain caf\u00e9 \u65e5\u672c");
  REQUIRE(display("a\nb\tc") == "a\\nb\\tc");
  REQUIRE(display("\x1b[31m") == "\\33[31m");
  REQUIRE_THAT(display("x\u202ey"), !ContainsSubstring("\u202e"));
  REQUIRE(display("Z\u0351") == "Z\\u{351}");
  REQUIRE(display("\u05d0") == "\\u{5d0}");
  REQUIRE(display("\uffff") == "\\u{ffff}");
  REQUIRE_THAT(display("\xff\xc0"), !ContainsSubstring("\xff"));
}

TEST_CASE("shorten: the middle goes, both ends stay, wide characters count two") {
  REQUIRE(shorten("0123456789", 10) == "0123456789");
  REQUIRE(shorten("0123456789a", 10) ==
          "012345\u2026"
          "89a");
  REQUIRE(columns(shorten("\u65e5\u672c\u65e5\u672c\u65e5\u672c", 7)) <= 7);
  REQUIRE(shorten("abc", 1) == "\u2026");
  REQUIRE(shorten_path("/usr/lib/x86_64-linux-gnu/deep/runc", 16) == "/usr\u2026u/deep/runc");
}

TEST_CASE("wrap: breaks at blanks, never beyond the width, the last line is shortened") {
  const auto lines = wrap("one two three four five six seven", 10, 3);
  REQUIRE(lines.size() == 3);
  REQUIRE(lines[0] == "one two");
  for (const std::string& line : lines) REQUIRE(columns(line) <= 10);
}

TEST_CASE("command_line: a megabyte is not a tooltip, and says what it leaves out") {
  const std::string line = command_line({"cat", std::string(1 << 20, 'x'), "two words", ""});
  REQUIRE(line.size() < 5000);
  REQUIRE_THAT(line, ContainsSubstring("bytes left out"));
  REQUIRE(command_line({"sh", "-c", "a b", ""}) == "sh -c \"a b\" \"\"");
}

TEST_CASE("svg: hostile text adds no element and no attribute anywhere") {
  const auto plain = testing::parse_xml(to_svg(graph_of("plain")));
  for (const std::string& raw : kHostile) {
    CAPTURE(raw.substr(0, 60));
    const std::string svg = to_svg(graph_of(raw));
    const auto parsed = testing::parse_xml(svg);
    REQUIRE(parsed.elements == plain.elements);
    REQUIRE(parsed.attributes == plain.attributes);
    REQUIRE(svg.size() < 100000);
    REQUIRE_THAT(svg, !ContainsSubstring("\u202e"));
    for (const char c : svg) REQUIRE((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
  }
}

TEST_CASE("svg: nothing from outside, no script, light and dark") {
  const std::string svg = to_svg(graph_of("x"));
  REQUIRE_THAT(svg, !ContainsSubstring("href"));
  REQUIRE_THAT(svg, !ContainsSubstring("url("));
  REQUIRE_THAT(svg, !ContainsSubstring("raphviz"));
  REQUIRE_THAT(svg, ContainsSubstring("prefers-color-scheme:dark"));
  REQUIRE(svg == to_svg(graph_of("x")));
}

TEST_CASE("dot: hostile text comes back as the same graph, with the same shape") {
  for (const std::string& raw : kHostile) {
    CAPTURE(raw.substr(0, 60));
    const std::string dot = to_dot(graph_of(raw));
    Agraph_t* graph = agmemread(dot.c_str());
    REQUIRE(graph != nullptr);
    REQUIRE(agnnodes(graph) == 2);
    REQUIRE(agnedges(graph) == 1);
    REQUIRE(agsubg(graph, const_cast<char*>("cluster_c0"), 0) != nullptr);
    Agnode_t* node = agnode(graph, const_cast<char*>("p0"), 0);
    REQUIRE(node != nullptr);
    const std::string label = agget(node, const_cast<char*>("label"));
    const auto parsed = testing::parse_xml(label);
    const auto plain = testing::parse_xml([] {
      Agraph_t* other = agmemread(to_dot(graph_of("plain")).c_str());
      const std::string text = agget(agnode(other, const_cast<char*>("p0"), 0), const_cast<char*>("label"));
      agclose(other);
      return text;
    }());
    REQUIRE(parsed.elements == plain.elements);
    agclose(graph);
  }
}

TEST_CASE("colours: families differ, types in a family differ, all can bear white text") {
  std::vector<std::string> seen;
  for (int family = 0; family < 10; ++family) {
    for (int i = 0; i < trace::kNsCount; ++i) {
      const std::string colour = family_colour(family, static_cast<trace::Ns>(i));
      REQUIRE(colour.size() == 7);
      CAPTURE(family, i, colour);
      REQUIRE((std::find(seen.begin(), seen.end(), colour) == seen.end()));
      seen.push_back(colour);
    }
  }
}

TEST_CASE("colours: the eye tells the types in a family apart, neighbours in a band at once") {
  const auto apart = [](int family, trace::Ns one, trace::Ns other) {
    const std::string a = family_colour(family, one), b = family_colour(family, other);
    double sum = 0;
    for (std::size_t i = 1; i < 7; i += 2) {
      sum += std::pow(std::stoi(a.substr(i, 2), nullptr, 16) - std::stoi(b.substr(i, 2), nullptr, 16), 2);
    }
    return std::sqrt(sum);
  };
  for (int family = 0; family < 16; ++family) {
    for (std::size_t i = 0; i < std::size(kBandOrder); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        CAPTURE(family, i, j);
        REQUIRE(apart(family, kBandOrder[i], kBandOrder[j]) >= (j + 1 == i ? 25 : 12));
      }
    }
  }
}
