// SPDX-License-Identifier: MIT
// Takes a Graph, draws what stands above it (title, facts, losses) and below it (what the signs mean).
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "vis/card.h"
#include "vis/namespaces.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using namespace style;
using trace::Ns;

// What a process has to itself that has a namespace of that type of its own.
std::string_view words_for_type(Ns type) {
  switch (type) {
    case Ns::Mnt:
      return "which files it sees";
    case Ns::Uts:
      return "host name";
    case Ns::Ipc:
      return "shared memory, queues";
    case Ns::Net:
      return "network";
    case Ns::Pid:
    case Ns::PidForChildren:
      return "process numbers";
    case Ns::User:
      return "users and rights";
    case Ns::Cgroup:
      return "which cgroups it sees";
    case Ns::Time:
    case Ns::TimeForChildren:
      return "clocks";
  }
  return "";
}

// Things in lines: each is put where the one before ended, on the next line when it would not fit.
class Flow {
 public:
  Flow(Sheet& sheet, double width, double line, double y) : sheet_(sheet), width_(width), line_(line), y_(y) {}

  void put(double width, const std::function<void(double x, double y)>& draw) {
    if (x_ > 0 && x_ + width > width_) new_line();
    draw(x_, y_);
    x_ += width + 16;
    sheet_.w = std::max(sheet_.w, x_ - 16);
  }
  void new_line() {
    if (x_ > 0) y_ += line_;
    x_ = 0;
  }
  double bottom() const { return x_ > 0 ? y_ + line_ : y_; }

 private:
  Sheet& sheet_;
  double width_, line_;
  double x_ = 0, y_ = 0;
};

void put_words(Flow& flow, Sheet& sheet, std::string_view words, Font font, double size, const Tone& ink) {
  flow.put(text_width(words, font, size),
           [&](double x, double y) { sheet.text(x, y, words, {.font = font, .size = size, .fill = ink}); });
}

void put_line_sign(Flow& flow, Sheet& sheet, const BoxLook& look, std::string_view words) {
  flow.put(34 + text_width(words, Font::Sans, kSmall), [&](double x, double y) {
    sheet.path(fmt::format("M{} {}h26", number(x), number(y - 4)), look);
    sheet.text(x + 34, y, words, {.size = kSmall, .fill = tone::kDim});
  });
}

void put_badge_sign(Flow& flow, Sheet& sheet, const Badge& badge, std::string_view words) {
  const Sheet drawn = draw_badge(badge);
  flow.put(drawn.w + 6 + text_width(words, Font::Sans, kSmall), [&](double x, double y) {
    sheet.place(drawn, x, y - 10.5);
    sheet.text(x + drawn.w + 6, y, words, {.size = kSmall, .fill = tone::kDim});
  });
}

}  // namespace

Sheet draw_head(const Graph& graph, double width) {
  Sheet sheet;
  double y = 16;
  for (const std::string& line : wrap_to(graph.title, Font::Bold, kTitle, width, 2)) {
    sheet.text(0, y, line, {.font = Font::Bold, .size = kTitle});
    sheet.w = std::max(sheet.w, text_width(line, Font::Bold, kTitle));
    y += kTitle + 4;
  }
  Flow flow(sheet, width, 16, y);
  for (const std::string& fact : graph.facts) put_words(flow, sheet, fact, Font::Sans, kFact, tone::kDim);
  put_words(flow, sheet, graph.loss, Font::Bold, kFact, graph.lossy ? tone::kBad : tone::kGood);
  flow.new_line();
  const std::size_t chapters = graph.chapters.size(), shown = chapters <= 4 ? chapters : 3;
  for (std::size_t i = 0; i < shown; ++i) {
    const Headline& chapter = graph.chapters[i];
    for (const std::string& line : wrap_to(chapter.text, Font::Sans, kFact, width, 3)) {
      put_words(flow, sheet, line, Font::Sans, kFact, chapter.failed ? tone::kBad : tone::kText);
      flow.new_line();
    }
  }
  if (shown < chapters) {
    put_words(flow, sheet, fmt::format("and {} more; nstrace explain tells all", chapters - shown), Font::Sans, kFact,
              tone::kDim);
    flow.new_line();
  }
  for (const std::string& note : graph.notes) {
    put_words(flow, sheet, note, Font::Sans, kFact, tone::kDim);
    flow.new_line();
  }
  sheet.h = flow.bottom();
  return sheet;
}

Sheet draw_legend(const Graph& graph, double width) {
  Sheet sheet;
  bool way = false, forks = false, existed = false, joins = false, steps = false, host = false;
  for (const Edge& edge : graph.edges) {
    const bool fork = edge.kind == Edge::Kind::Fork;
    way = way || (edge.way && !edge.existed);
    forks = forks || (fork && !edge.way && !edge.existed);
    existed = existed || (fork && edge.existed);
    joins = joins || edge.kind == Edge::Kind::Join;
  }
  for (const Node& node : graph.nodes) {
    for (const Row& row : node.rows) steps = steps || row.told.step > 0;
    for (const Badge& badge : node.band) host = host || badge.kind == Badge::Kind::Host;
  }
  Flow flow(sheet, width, 19, 12);
  if (steps) {
    const std::string_view words = graph.story ? "step, as nstrace explain numbers it" : "order of events";
    flow.put(22 + text_width(words, Font::Sans, kSmall), [&](double x, double y) {
      sheet.box(x, y - 12, 16, 16, {.fill = tone::kText, .radius = 8});
      sheet.text(x + 8, y - 0.5, "1",
                 {.font = Font::Bold, .size = kBadge, .fill = tone::kPaper, .anchor = Anchor::Middle});
      sheet.text(x + 22, y, words, {.size = kSmall, .fill = tone::kDim});
    });
  }
  if (way) put_line_sign(flow, sheet, {.stroke = tone::kWay, .line = 2.4}, "created by, the way to the container");
  if (forks) put_line_sign(flow, sheet, {.stroke = tone::kFork, .line = 1.3}, "created by");
  if (existed) {
    put_line_sign(flow, sheet, {.stroke = tone::kFork, .line = 1.6, .dash = Dash::Dotted},
                  "child of, since before the trace");
  }
  if (joins) put_line_sign(flow, sheet, {.stroke = tone::kDim, .line = 1.6, .dash = Dash::Dashed}, "setns: enters");
  if (host) {
    Badge badge;
    badge.kind = Badge::Kind::Host;
    badge.text = "host";
    badge.tip = "a namespace of pid 1";
    put_badge_sign(flow, sheet, badge, "the host's namespace");
  }
  const auto band_has = [&](auto what) {
    return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return std::any_of(node.band.begin(), node.band.end(), what); });
  };
  const auto put_pair = [&](std::string_view sign, std::string_view words) {
    const double indent = text_width(sign, Font::Bold, kSmall) + 5;
    flow.put(indent + text_width(words, Font::Sans, kSmall), [&](double x, double y) {
      sheet.text(x, y, sign, {.font = Font::Bold, .size = kSmall, .fill = tone::kDim});
      sheet.text(x + indent, y, words, {.size = kSmall, .fill = tone::kDim});
    });
  };
  if (band_has([](const Badge& badge) { return badge.children != 0; }))
    put_pair("host\u21922", "it is in the host's, its children will be in number 2");
  if (band_has([](const Badge& badge) { return badge.kind == Badge::Kind::Unknown; })) put_pair("?", "not known");
  flow.new_line();
  if (!graph.legend.empty()) {
    for (const Ns type : kBandOrder) {
      put_pair(ns_name(type), words_for_type(type));
    }
    flow.new_line();
  }
  for (const LegendEntry& entry : graph.legend) put_badge_sign(flow, sheet, entry.badge, entry.text);
  sheet.h = flow.bottom() - 8;
  return sheet;
}

}  // namespace nstrace::vis
