// SPDX-License-Identifier: MIT
// Takes a Graph, draws it over time. Every moment is a row of text at the right, so nothing can overlap; at the left
// the processes are lanes, and a lane's bar has one stripe for each kind of namespace, which changes colour where the
// process changes namespace. Distances grow with time, but only a little: long silence becomes a marked break.
#include "vis/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "vis/card.h"
#include "vis/headline.h"
#include "vis/moments.h"
#include "vis/namespaces.h"
#include "vis/svg.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using namespace style;
using trace::Time;

constexpr double kPhases = 112, kPitch = 31, kStripe = 2.25, kBar = kStripe * 8;
constexpr double kRow = 19, kBreak = 24, kGutter = 560, kNameWidth = 150, kNarrowest = 640;
constexpr double kRoom = kGutter - kNameWidth - 14;  // for what is said behind a name
constexpr double kMillisecond = 1e6;
const Paint kWhite(std::string("#ffffff"));

std::string duration_text(Time ns) {
  const double ms = static_cast<double>(ns) / kMillisecond;
  if (ms < 1) return fmt::format("{:.0f} \u00b5s", ms * 1000);
  if (ms < 100) return fmt::format("{:.1f} ms", ms);
  if (ms < 1000) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.2f} s", ms / 1000);
}

std::string clock_text(Time ns) {
  return fmt::format("{:.2f}", static_cast<double>(ns) / kMillisecond);
}

Paint stripe_paint(const Badge& badge) {
  return badge.kind == Badge::Kind::Own ? Paint(family_colour(badge.family, badge.type)) : Paint(tone::kHostBar);
}

class Timeline {
 public:
  explicit Timeline(const Graph& graph) : graph_(graph) {}

  Sheet draw() {
    collect();
    find_phases();
    place();
    const double lanes = kPitch * static_cast<double>(lane_count_);
    width_ = std::max(kNarrowest, axis_ + lanes + kGutter);
    const Sheet head = draw_head(graph_, width_);
    Sheet body;
    draw_phases(body);
    draw_lanes(body);
    draw_blocked(body);
    draw_path(body);
    draw_breaks(body);
    draw_moments(body);
    const Sheet legend = draw_signs();

    Sheet sheet;
    sheet.w = std::max(width_, head.w);
    sheet.place(head, 0, 0);
    const double top = head.h + 14;
    sheet.place(body, 0, top);
    const double below = top + bottom_ + 22;
    sheet.box(0, below - 10, sheet.w, 1, {.fill = tone::kLine, .opacity = 0.6});
    sheet.place(legend, 0, below);
    sheet.h = below + legend.h;
    return sheet;
  }

 private:
  bool is_lane(std::size_t node) const { return graph_.nodes[node].kind == Node::Kind::Process; }
  double lane_x(std::size_t node) const { return axis_ + kPitch * static_cast<double>(lane_[node]) + kPitch / 2; }

  // Lanes in order of creation, moments in order of events.
  void collect() {
    lane_.resize(graph_.nodes.size());
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_lane(i)) lane_[i] = lane_count_++;
    }
    moments_ = moments_of(graph_);
  }

  // Phases are shown where they are stretches; where containers are made at once they would change with every row.
  void find_phases() {
    int phase = -1;
    std::size_t changes = 0;
    for (Instant& moment : moments_) {
      const int own = told(graph_, moment).phase;
      if (own >= 0 && own != phase) ++changes;
      if (own >= 0) phase = own;
      moment.phase = phase;
    }
    phases_ = graph_.story && changes > 0 && changes * 2 <= moments_.size();
    axis_ = phases_ ? 64 + kPhases : 64;
  }

  void draw_phases(Sheet& sheet) const {
    if (!phases_) return;
    bool shade = false;
    for (std::size_t i = 0; i < moments_.size();) {
      std::size_t end = i + 1;
      while (end < moments_.size() && moments_[end].phase == moments_[i].phase) ++end;
      if (moments_[i].phase >= 0) {
        const Phase& phase = graph_.phases[static_cast<std::size_t>(moments_[i].phase)];
        const double top = moments_[i].y - kRow / 2,
                     bottom = end < moments_.size() ? moments_[end].y - kRow / 2 : bottom_;
        sheet.open(phase.title + ": " + phase.what);
        if (shade) sheet.box(0, top, width_, bottom - top, {.fill = tone::kHead, .radius = 4, .opacity = 0.6});
        shade = !shade;
        std::string title = phase.title;
        if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 'a' + 'A');
        sheet.text(6, moments_[i].y + 3.6, fit(title, Font::Bold, kSmall - 0.5, kPhases - 4),
                   {.font = Font::Bold, .size = kSmall - 0.5, .fill = tone::kDim});
        sheet.close();
      }
      i = end;
    }
  }

  // Gives every moment its height. From here on y grows with time.
  void place() {
    double highest = 0;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_lane(i)) highest = std::max(highest, text_width(lane_name(graph_.nodes[i]), Font::Bold, kSmall));
    }
    head_ = highest * std::sin(kTilt) + 20;
    const Time span = moments_.empty() ? 0 : moments_.back().time - moments_.front().time;
    const Time silence = std::max<Time>(static_cast<Time>(3 * kMillisecond), span / 12);
    double y = head_ + kRow;
    Time before = moments_.empty() ? 0 : moments_.front().time;
    for (Instant& moment : moments_) {
      const Time gap = moment.time - before;
      if (graph_.timed && gap > silence) {
        breaks_.push_back({y + kRow * 0.15, gap});
        y += kBreak;
      } else {
        y += std::min(12.0, static_cast<double>(gap) / kMillisecond * 3);
      }
      moment.y = y;
      moment.said = say(graph_, moment, kRoom);
      y += kRow + moment.said.h;
      before = std::max(before, moment.time);
    }
    bottom_ = y;
    top_.assign(graph_.nodes.size(), head_);
    end_.assign(graph_.nodes.size(), bottom_);
    for (const Instant& moment : moments_) {
      if (moment.kind == Instant::Kind::Fork) top_[moment.edge->to] = moment.y;
      if (moment.kind == Instant::Kind::End) end_[moment.node] = moment.y;
    }
  }

  static std::string lane_name(const Node& node) {
    return fit(node.title.empty() ? std::string_view(node.subtitle) : short_name(node.title), Font::Bold, kSmall, 150);
  }

  // The height of the last moment up to that time.
  double y_of(Time time) const {
    const auto after = std::upper_bound(moments_.begin(), moments_.end(), time,
                                        [](Time t, const Instant& moment) { return t < moment.time; });
    return after == moments_.begin() ? head_ : (after - 1)->y;
  }

  void draw_lanes(Sheet& sheet) const {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!is_lane(i)) continue;
      const Node& node = graph_.nodes[i];
      const double x = lane_x(i), top = top_[i], end = end_[i];
      if (node.cluster) {
        sheet.box(x - kPitch / 2, head_ + 4, kPitch, bottom_ - head_ - 4,
                  {.fill = Paint(family_colour(graph_.clusters[*node.cluster].family)), .opacity = 0.10});
      }
      sheet.open(node.tip, node.id);
      sheet.text(x - 2, head_ - 4, lane_name(node),
                 {.font = node.way ? Font::Bold : Font::Sans,
                  .size = kSmall,
                  .fill = node.cluster ? Paint::ink_of(graph_.clusters[*node.cluster].family) : Paint(tone::kText),
                  .angle = -kTilt * 180 / M_PI});
      if (top > head_) sheet.box(x - 0.5, head_, 1, top - head_, {.fill = tone::kLine, .opacity = 0.55});
      draw_bar(sheet, node, x, top, end);
      sheet.close();
    }
  }

  void draw_bar(Sheet& sheet, const Node& node, double x, double top, double end) const {
    const double left = x - kBar / 2;
    sheet.box(left - 1, top, kBar + 2, end - top,
              {.fill = tone::kCard, .stroke = node.way ? tone::kWay : tone::kLine, .line = node.way ? 1.4 : 0.8});
    for (std::size_t s = 0; s < node.stays.size(); ++s) {
      const Stay& stay = node.stays[s];
      const double from = s == 0 ? top : std::clamp(y_of(stay.since), top, end);
      const double to = s + 1 < node.stays.size() ? std::clamp(y_of(node.stays[s + 1].since), top, end) : end;
      if (to <= from || stay.band.empty()) continue;
      // Neighbours of one colour are one box.
      for (std::size_t k = 0; k < stay.band.size();) {
        std::size_t same = k + 1;
        const bool host = stay.band[k].kind != Badge::Kind::Own;
        while (host && same < stay.band.size() && stay.band[same].kind != Badge::Kind::Own) ++same;
        sheet.box(left + kStripe * static_cast<double>(k), from, kStripe * static_cast<double>(same - k), to - from,
                  {.fill = stripe_paint(stay.band[k])});
        k = same;
      }
    }
  }

  // The height of a time, between those of the moments around it.
  double y_at(Time time) const {
    const Instant* before = nullptr;
    for (const Instant& moment : moments_) {
      if (moment.time >= time) {
        if (!before) return std::min(moment.y, head_ + kRow);
        const auto gap = static_cast<double>(moment.time - before->time);
        return before->y + (gap > 0 ? static_cast<double>(time - before->time) / gap : 1) * (moment.y - before->y);
      }
      if (!before || moment.time >= before->time) before = &moment;
    }
    return before ? before->y : head_;
  }

  // Sleeps and calls that took long are hatched from their begin to their end.
  void draw_blocked(Sheet& sheet) {
    if (!graph_.timed) return;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!is_lane(i)) continue;
      std::vector<std::pair<Time, Time>> spans = graph_.nodes[i].sleeps;
      for (const Instant& moment : moments_) {
        const Told& step = told(graph_, moment);
        if (moment.kind == Instant::Kind::Row && moment.node == i && step.end - step.begin >= kLong)
          spans.emplace_back(step.begin, step.end);
      }
      std::sort(spans.begin(), spans.end());
      for (std::size_t k = 0; k < spans.size();) {
        Time end = spans[k].second;
        std::size_t next = k + 1;
        for (; next < spans.size() && spans[next].first <= end; ++next) end = std::max(end, spans[next].second);
        hatch(sheet, i, spans[k].first, end);
        k = next;
      }
    }
  }

  void hatch(Sheet& sheet, std::size_t node, Time begin, Time end) {
    const double left = lane_x(node) - kBar / 2;
    const double top = std::max(y_at(begin), top_[node]), bottom = std::min(y_at(end), end_[node]);
    if (bottom - top < 4) return;  // too short to be seen
    std::string data;
    for (double d = top + 2; d < bottom + kBar; d += 4.5) {
      const double from = std::max(0.0, d - bottom), to = std::min(kBar, d - top);
      if (to > from) {
        data += fmt::format("M{} {}L{} {}", number(left + from), number(d - from), number(left + to), number(d - to));
      }
    }
    if (data.empty()) return;
    blocked_ = true;
    sheet.open("waits for " + duration_text(end - begin));
    sheet.path(data, {.stroke = tone::kPaper, .line = 1.3});
    sheet.close();
  }

  // Back from where each container's program begins.
  void draw_path(Sheet& sheet) {
    const auto x = [&](std::size_t node) { return lane_x(node) - kBar / 2 - 3.6; };
    for (const std::vector<PathPart>& path : graph_.paths) {
      std::string data;
      for (auto part = path.rbegin(); part != path.rend(); ++part) {
        const double from = y_at(part->begin), to = y_at(part->end);
        if (data.empty()) data = fmt::format("M{} {}", number(x(part->node)), number(to));
        if (to - from < 2 && part + 1 != path.rend()) continue;  // too short to be seen
        data += fmt::format("H{}V{}", number(x(part->node)), number(from));
      }
      sheet.open("critical path: what the container's program waited for to begin, as the order of all calls tells");
      sheet.path(data, {.stroke = tone::kPath, .line = 2.8});
      sheet.close();
    }
  }

  void draw_breaks(Sheet& sheet) const {
    for (const auto& [y, gap] : breaks_) {
      const double left = axis_ - 6, right = axis_ + kPitch * static_cast<double>(lane_count_) + 6;
      std::string data = fmt::format("M{} {}", number(left), number(y));
      for (double x = left; x + 8 <= right; x += 8) data += "l4 -4l4 4";
      const double end = left + std::floor((right - left) / 8) * 8;
      std::string band = data + fmt::format("L{} {}", number(end), number(y + 6));
      for (double x = left; x + 8 <= right; x += 8) band += "l-4 -4l-4 4";
      sheet.path(band + "z", {.fill = tone::kPaper, .stroke = tone::kLine, .line = 0.8});
      sheet.text(end + 8, y + 5, duration_text(gap) + " without a step, cut short",
                 {.size = kDetail, .fill = tone::kDim});
    }
  }

  void draw_moments(Sheet& sheet) const {
    const double gutter = axis_ + kPitch * static_cast<double>(lane_count_) + 14;
    std::string last_clock;
    Time latest = moments_.empty() ? 0 : moments_.front().time;
    for (const Instant& moment : moments_) {
      const double x = lane_x(moment.node);
      sheet.open(tip_of(graph_, moment));
      // A row of several calls begins before what it follows: an axis that goes back would say that it is out of order.
      latest = std::max(latest, moment.time);
      const std::string clock = clock_text(latest);
      if (graph_.timed && clock != last_clock && moment.kind != Instant::Kind::Lost) {
        sheet.text(axis_ - 12, moment.y + 3.5, clock,
                   {.font = Font::Mono, .size = kBadge, .fill = tone::kDim, .anchor = Anchor::End});
      }
      last_clock = clock;
      if (moment.kind != Instant::Kind::Lost && (moment.kind != Instant::Kind::Fork || !is_lane(moment.edge->to))) {
        leader(sheet, x + kBar / 2 + 3, gutter - 6, moment.y);
      }
      switch (moment.kind) {
        case Instant::Kind::Fork:
          draw_fork(sheet, moment, gutter);
          break;
        case Instant::Kind::Row:
          draw_row(sheet, moment);
          break;
        case Instant::Kind::End:
          draw_end(sheet, moment);
          break;
        case Instant::Kind::Lost:
          sheet.path(fmt::format("M{} {}H{}", number(axis_ - 6), number(moment.y), number(gutter - 6)),
                     {.stroke = tone::kBad, .line = 2, .dash = Dash::Dashed});
          sheet.place(moment.said, gutter, moment.y);
          break;
      }
      if (told(graph_, moment).step > 0) draw_step(sheet, x, moment.y, told(graph_, moment).step);
      if (moment.kind != Instant::Kind::Lost) sheet.place(moment.said, name(sheet, moment, gutter), moment.y);
      sheet.close();
    }
    const std::vector<std::string> unit =
        wrap_to(graph_.timed ? "ms" : "in order, times not known", Font::Sans, kBadge, axis_ - 12, 3);
    for (std::size_t i = 0; i < unit.size(); ++i) {
      const double above = (kBadge + 2) * static_cast<double>(unit.size() - 1 - i);
      sheet.text(axis_ - 12, head_ - 2 - above, unit[i], {.size = kBadge, .fill = tone::kDim, .anchor = Anchor::End});
    }
  }

  static void leader(Sheet& sheet, double from, double to, double y) {
    if (to > from) sheet.box(from, y - 0.25, to - from, 0.5, {.fill = tone::kLine, .opacity = 0.8});
  }

  // The name of the process at that moment; gives where the rest may begin.
  double name(Sheet& sheet, const Instant& moment, double x) const {
    const Node& node = graph_.nodes[moment.node];
    const std::string_view called = short_name(name_before(node, moment.event));
    sheet.text(x, moment.y + 3.6,
               fit(called.empty() ? std::string_view(node.subtitle) : called, Font::Sans, kSmall, kNameWidth - 8),
               {.size = kSmall,
                .fill = node.cluster ? Paint::ink_of(graph_.clusters[*node.cluster].family) : Paint(tone::kDim)});
    return x + kNameWidth;
  }

  void draw_fork(Sheet& sheet, const Instant& moment, double gutter) const {
    const Edge& edge = *moment.edge;
    const double from = lane_x(edge.from), to = lane_x(edge.to);
    const double side = to > from ? 1 : -1;
    const Paint ink = edge.way ? Paint(tone::kWay) : Paint(tone::kFork);
    const double tip = to - side * (kBar / 2 + 2);
    sheet.path(fmt::format("M{} {}H{}", number(from + side * (kBar / 2 + 1)), number(moment.y), number(tip - side * 4)),
               {.stroke = ink, .line = edge.way ? 2 : 1.2});
    sheet.path(fmt::format("M{0} {1}l{2} -3.4v6.8z", number(tip), number(moment.y), number(-side * 6)), {.fill = ink});
    leader(sheet, std::max(from, to) + kBar / 2 + 3, gutter - 6, moment.y);
  }

  // Dashed, to whom it joins.
  void draw_joins(Sheet& sheet, const Instant& moment) const {
    for (const Edge& edge : graph_.edges) {
      if (edge.kind != Edge::Kind::Join || edge.from != moment.node || !is_lane(edge.to)) continue;
      if (edge.time < moment.row->time || edge.time > moment.row->until) continue;
      const double from = lane_x(edge.from), to = lane_x(edge.to), side = to > from ? 1 : -1;
      const double tip = to - side * (kBar / 2 + 2);
      const Paint ink = edge.badges.empty() ? Paint(tone::kDim) : stripe_paint(edge.badges.front());
      sheet.path(
          fmt::format("M{} {}H{}", number(from + side * (kBar / 2 + 1)), number(moment.y), number(tip - side * 4)),
          {.stroke = ink, .line = 1.6, .dash = Dash::Dashed});
      sheet.path(fmt::format("M{0} {1}l{2} -3.4v6.8z", number(tip), number(moment.y), number(-side * 6)),
                 {.fill = ink});
    }
  }

  void draw_step(Sheet& sheet, double lane, double y, int step) const {
    const std::string digits = fmt::format("{}", step);
    const double width = std::max(16.0, text_width(digits, Font::Bold, kBadge) + 7);
    sheet.box(lane - width / 2, y - 8, width, 16, {.fill = tone::kText, .stroke = tone::kPaper, .radius = 8});
    sheet.text(lane, y + 3.3, digits,
               {.font = Font::Bold, .size = kBadge, .fill = tone::kPaper, .anchor = Anchor::Middle});
  }

  void draw_row(Sheet& sheet, const Instant& moment) const {
    const Row& row = *moment.row;
    const double lane = lane_x(moment.node);
    if (!row.badges.empty()) draw_joins(sheet, moment);
    if (row.told.step == 0) sheet.box(lane - 3, moment.y - 3, 6, 6, {.fill = tone::kText, .radius = 3});
  }

  void draw_end(Sheet& sheet, const Instant& moment) const {
    const Paint ink = graph_.nodes[moment.node].life == Life::Failed ? Paint(tone::kBad) : Paint(tone::kDim);
    sheet.box(lane_x(moment.node) - kBar / 2 - 3, moment.y - 1.2, kBar + 6, 2.4, {.fill = ink});
  }

  Sheet draw_signs() const {
    Sheet sheet = draw_legend(graph_, width_);
    double x = 0, y = sheet.h + 18;
    const bool striped = std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const Node& node) {
      return std::any_of(node.stays.begin(), node.stays.end(), [](const Stay& stay) { return !stay.band.empty(); });
    });
    if (striped) {
      const std::string_view order = "stripes of a bar, from the left:";
      sheet.text(x, y, order, {.size = kSmall, .fill = tone::kDim});
      x += text_width(order, Font::Sans, kSmall) + 8;
      for (const trace::Ns type : kBandOrder) {
        sheet.text(x, y, ns_name(type), {.font = Font::Bold, .size = kSmall, .fill = tone::kDim});
        x += text_width(ns_name(type), Font::Bold, kSmall) + 8;
      }
    }
    const auto sign = [&](const std::string_view words, const std::function<void(double)>& draw) {
      if (x > 0 && x + 48 + text_width(words, Font::Sans, kSmall) > width_) {
        sheet.w = std::max(sheet.w, x);
        x = 0;
        y += 19;
      }
      if (x > 0) x += 14;
      draw(x);
      x += 34;
      sheet.text(x, y, words, {.size = kSmall, .fill = tone::kDim});
      x += text_width(words, Font::Sans, kSmall);
    };
    if (!graph_.paths.empty()) {
      sign("critical path: what the program waited for", [&](double at) {
        sheet.path(fmt::format("M{} {}h26", number(at), number(y - 4)), {.stroke = tone::kPath, .line = 2.8});
      });
    }
    const auto any = [&](auto what) { return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), what); };
    if (any([](const Node& node) { return node.cluster.has_value(); })) {
      sign("in a container", [&](double at) {
        sheet.box(at + 4, y - 11, kBar, 13,
                  {.fill = Paint(family_colour(graph_.clusters.front().family)), .opacity = 0.22});
      });
    }
    if (blocked_) {
      sign("waits, or in a call that takes long", [&](double at) {
        sheet.box(at + 4, y - 11, kBar, 13, {.fill = tone::kHostBar});
        sheet.path(fmt::format("M{0} {1}l5 -5M{0} {2}l11 -11M{3} {2}l11 -11M{4} {2}l5 -5", number(at + 4),
                               number(y - 5), number(y + 1.5), number(at + 10), number(at + 17)),
                   {.stroke = tone::kPaper, .line = 1.3});
      });
    }
    sheet.w = std::max(sheet.w, x);
    sheet.h = y + 8;
    return sheet;
  }

  static constexpr Time kLong = 1'000'000;
  static constexpr double kTilt = 0.72;  // radians

  struct Break {
    double y = 0;
    Time gap = 0;
  };

  const Graph& graph_;
  std::vector<std::size_t> lane_;  // by node
  std::vector<double> top_, end_;  // of the bars, by node
  std::size_t lane_count_ = 0;
  std::vector<Instant> moments_;
  std::vector<Break> breaks_;
  double head_ = 0, bottom_ = 0, width_ = 0, axis_ = 64;
  bool phases_ = false, blocked_ = false;
};

}  // namespace

Sheet draw_timeline(const Graph& graph) {
  return Timeline(graph).draw();
}

std::string timeline_svg(const Graph& graph) {
  return write_svg(draw_timeline(graph), graph.title);
}

}  // namespace nstrace::vis
