// SPDX-License-Identifier: MIT
// Takes the parts of a Graph, gives each as a drawing. A node is a card: its name on top, what it did in lines with the
// numbers of the story, its eight namespaces as a band of tiles at the foot, the host's grey, the others in colour.
#include "vis/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vis/namespaces.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using namespace style;

constexpr double kHeadHeight = 40, kRowHeight = 17, kDetailHeight = 12.5, kBadgeHeight = 14, kBandHeight = 25;

const Paint kWhite(std::string("#ffffff"));

Paint badge_fill(const Badge& badge) {
  if (badge.kind == Badge::Kind::Own) return Paint(family_colour(badge.family, badge.type));
  return Paint(tone::kHost);
}

Paint badge_ink(const Badge& badge) {
  return badge.kind == Badge::Kind::Own ? kWhite : Paint(tone::kHostText);
}

double badge_width(const Badge& badge) {
  return text_width(badge.text, Font::Bold, kBadge) + 10;
}

void put_badge(Sheet& sheet, double x, double y, const Badge& badge) {
  const double width = badge_width(badge);
  sheet.open(badge.tip);
  sheet.box(x, y, width, kBadgeHeight, {.fill = badge_fill(badge), .radius = 4});
  sheet.text(x + width / 2, y + 10.2, badge.text,
             {.font = Font::Bold, .size = kBadge, .fill = badge_ink(badge), .anchor = Anchor::Middle});
  sheet.close();
}

// Badges from (x, y) on, in lines of at most `width`. Gives the height taken.
double put_badges(Sheet& sheet, double x, double y, double width, const std::vector<Badge>& badges) {
  double at = x, line = y;
  for (const Badge& badge : badges) {
    const double needed = badge_width(badge);
    if (at > x && at + needed > x + width) {
      at = x;
      line += kBadgeHeight + 3;
    }
    put_badge(sheet, at, line, badge);
    at += needed + 4;
  }
  return line - y + kBadgeHeight;
}

// Gives its width.
double put_step(Sheet& sheet, double x, double y, int step, int last) {
  const std::string text = last > step ? fmt::format("{}\u2013{}", step, last) : fmt::format("{}", step);
  const double width = std::max(16.0, text_width(text, Font::Bold, kBadge) + 7);
  sheet.box(x, y - 11.7, width, 16, {.fill = tone::kText, .radius = 8});
  sheet.text(x + width / 2, y - 0.4, text,
             {.font = Font::Bold, .size = kBadge, .fill = tone::kPaper, .anchor = Anchor::Middle});
  return width;
}

// The upper corners round, the lower ones square; or the other way round.
std::string half_round(double x, double y, double w, double h, double r, bool top) {
  if (top) {
    return fmt::format("M{0} {1}v-{2}q0 -{3} {3} -{3}h{4}q{3} 0 {3} {3}v{2}z", number(x), number(y + h), number(h - r),
                       number(r), number(w - 2 * r));
  }
  return fmt::format("M{0} {1}h{5}v{2}q0 {3} -{3} {3}h-{4}q-{3} 0 -{3} -{3}z", number(x), number(y), number(h - r),
                     number(r), number(w - 2 * r), number(w));
}

// What it means in the first line, the call behind it or below.
double put_words_first(Sheet& sheet, const Row& row, double x, double y) {
  constexpr double kLine = 13;
  double right = 0;
  for (std::size_t i = 0; i < row.words.size(); ++i) {
    sheet.text(x, y + kLine * static_cast<double>(i), row.words[i], {.size = kSmall});
    right = x + text_width(row.words[i], Font::Sans, kSmall);
  }
  y += kLine * static_cast<double>(row.words.size() - 1);
  const std::vector<std::string> calls = wrap_to(row.text, Font::Mono, kDetail, kCard - kIndent - kPad, 3);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0 || right + 10 + text_width(calls[i], Font::Mono, kDetail) > kCard - kPad) y += kLine;
    sheet.text(kCard - kPad, y, calls[i],
               {.font = Font::Mono, .size = kDetail, .fill = tone::kDim, .anchor = Anchor::End});
  }
  return y + 4.5;
}

double put_row(Sheet& sheet, const Row& row, double y) {
  const double top = y;
  y += kRowHeight - 4.5;  // the base line
  sheet.open(row.tip, "", row.event == 0 ? "" : fmt::format("data-e=\"{}\" data-u=\"{}\"", row.event, row.last));
  double x = kIndent;
  if (row.told.step > 0) x = std::max(x, kPad + put_step(sheet, kPad, y, row.told.step, row.last_step) + 5);
  const auto word = [&](std::string_view text, Font font, const Tone& fill) {
    sheet.text(x, y, text, {.font = font, .size = kSmall, .fill = fill});
    x += text_width(text, font, kSmall) + 5;
  };
  const auto code = [&](Font font) { sheet.text(x, y, row.text, {.font = font, .size = kCode}); };
  if (row.words_first && !row.words.empty()) {
    y = put_words_first(sheet, row, x, y);
    if (!row.badges.empty()) y += put_badges(sheet, kIndent, y + 1, kCard - kIndent - kPad, row.badges) + 4;
    sheet.close();
    return y - top;
  }
  switch (row.kind) {
    case Row::Kind::Before:
      word("before", Font::Sans, tone::kDim);
      code(Font::Mono);
      break;
    case Row::Kind::Exec:
      word("exec", Font::Bold, tone::kText);
      code(Font::Mono);
      break;
    case Row::Kind::Name:
      word("named", Font::Sans, tone::kDim);
      code(Font::Mono);
      break;
    case Row::Kind::Mark:
    case Row::Kind::Step:
    case Row::Kind::Made:
    case Row::Kind::Ended:
      code(Font::MonoBold);
      break;
    case Row::Kind::Note:
      sheet.text(kPad, y, row.text, {.size = kSmall, .fill = tone::kDim});
      break;
  }
  y = top + kRowHeight;
  for (const std::string& line : row.detail) {
    y += kDetailHeight;
    sheet.text(kIndent, y - 3.5, line, {.font = Font::Mono, .size = kDetail, .fill = tone::kDim});
  }
  for (const std::string& line : row.words) {
    y += kDetailHeight;
    sheet.text(kIndent, y - 3.5, line, {.size = kDetail, .fill = tone::kDim});
  }
  if (!row.badges.empty()) y += put_badges(sheet, kIndent, y + 1, kCard - kIndent - kPad, row.badges) + 4;
  sheet.close();
  return y - top;
}

void put_band(Sheet& sheet, const Node& node, double y) {
  if (node.host) {
    sheet.path(half_round(0, y, kCard, 17, kRadius, false), {.fill = tone::kHost});
    sheet.text(kCard / 2, y + 12, "all namespaces: the host's",
               {.size = kBadge + 0.5, .fill = tone::kHostText, .anchor = Anchor::Middle});
    return;
  }
  const double tile = kCard / static_cast<double>(node.band.size());
  for (std::size_t i = 0; i < node.band.size(); ++i) {
    const Badge& badge = node.band[i];
    const double x = tile * static_cast<double>(i);
    const BoxLook look{.fill = badge_fill(badge)};
    sheet.open(badge.tip);
    if (i == 0) {
      sheet.path(fmt::format("M0 {0}h{1}v{2}h-{3}q-{4} 0 -{4} -{4}z", number(y), number(tile), number(kBandHeight),
                             number(tile - kRadius), number(kRadius)),
                 look);
    } else if (i + 1 == node.band.size()) {
      sheet.path(fmt::format("M{0} {1}h{2}v{3}q0 {4} -{4} {4}h-{5}z", number(x), number(y), number(tile),
                             number(kBandHeight - kRadius), number(kRadius), number(tile - kRadius)),
                 look);
    } else {
      sheet.box(x, y, tile, kBandHeight, look);
    }
    const std::string_view name = ns_name(badge.type);
    std::string under = badge.kind == Badge::Kind::Own    ? fmt::format("{}", badge.number)
                        : badge.kind == Badge::Kind::Host ? "host"
                                                          : "?";
    if (badge.children != 0) under += fmt::format("\u2192{}", badge.children);
    const double centre = x + tile / 2;
    sheet.text(centre, y + 10, name, {.size = 7.8, .fill = badge_ink(badge), .anchor = Anchor::Middle});
    const bool own = badge.kind == Badge::Kind::Own;
    sheet.text(centre, y + 20.5, under,
               {.font = own ? Font::Bold : Font::Sans,
                .size = own ? 10.5 : 7.8,
                .fill = badge_ink(badge),
                .anchor = Anchor::Middle});
    sheet.close();
    if (i > 0) sheet.box(x - 0.5, y, 1, kBandHeight, {.fill = tone::kCard});
  }
}

Sheet draw_sign(const Node& node) {
  Sheet sheet;
  sheet.w = 120;
  sheet.h = 34;
  sheet.open(node.tip, node.id);
  const Badge& badge = node.band.front();
  sheet.box(0, 0, sheet.w, sheet.h, {.fill = badge_fill(badge), .radius = 17});
  sheet.text(sheet.w / 2, 15, node.title,
             {.font = Font::Bold, .size = kSmall, .fill = badge_ink(badge), .anchor = Anchor::Middle});
  sheet.text(sheet.w / 2, 27, node.subtitle, {.size = kBadge, .fill = badge_ink(badge), .anchor = Anchor::Middle});
  sheet.close();
  return sheet;
}

Paint ending_ink(Life life) {
  switch (life) {
    case Life::Running:
      return tone::kGood;
    case Life::Failed:
      return tone::kBad;
    case Life::Done:
    case Life::Unknown:
      break;
  }
  return tone::kDim;
}

void put_head(Sheet& sheet, const Node& node, int family) {
  BoxLook look{.fill = tone::kHead};
  if (family >= 0) {
    look.fill = Paint(family_colour(family));
    look.opacity = 0.22;
  }
  sheet.path(half_round(0, 0, kCard, kHeadHeight, kRadius, true), look);
  const bool soft = node.kind == Node::Kind::Folded;
  sheet.text(kPad, 17, node.title, {.font = soft ? Font::Sans : Font::Bold, .size = kName});
  sheet.text(kPad, 32, node.subtitle, {.size = kSmall, .fill = tone::kDim});
  if (node.ending.empty()) return;
  const double width = text_width(node.ending, Font::Bold, kBadge);
  sheet.text(kCard - kPad, 32, node.ending,
             {.font = Font::Bold, .size = kBadge, .fill = ending_ink(node.life), .anchor = Anchor::End});
  if (node.life == Life::Running) {
    sheet.box(kCard - kPad - width - 11, 25.5, 6, 6, {.fill = tone::kGood, .radius = 3});
  }
}

}  // namespace

Sheet draw_badge(const Badge& badge) {
  Sheet sheet;
  put_badge(sheet, 0, 0, badge);
  sheet.w = badge_width(badge);
  sheet.h = kBadgeHeight;
  return sheet;
}

Sheet draw_node(const Node& node, int family) {
  if (node.kind == Node::Kind::Namespace) return draw_sign(node);
  Sheet rows;
  double y = kHeadHeight + (node.rows.empty() ? 0 : 4);
  for (const Row& row : node.rows) y += put_row(rows, row, y);
  if (!node.rows.empty()) y += 4;
  const double band = y;
  if (!node.band.empty()) y += node.host ? 17 : kBandHeight;

  Sheet sheet;
  sheet.w = kCard;
  sheet.h = y;
  sheet.open(node.tip, node.id, node.process ? fmt::format("data-p=\"{}\"", *node.process) : "");
  const bool folded = node.kind == Node::Kind::Folded;
  if (folded) {  // cards below the card
    sheet.h += 6;
    for (const double shift : {6.0, 3.0}) {
      sheet.box(shift, shift, kCard - 2 * shift, y, {.fill = tone::kCard, .stroke = tone::kLine, .radius = kRadius});
    }
  }
  sheet.box(0, 0, kCard, y, {.fill = tone::kCard, .radius = kRadius});
  put_head(sheet, node, family);
  sheet.place(rows, 0, 0);
  if (!node.band.empty()) {
    sheet.open("", "", fmt::format("data-band=\"{}\"", number(band)));
    put_band(sheet, node, band);
    sheet.close();
  }
  sheet.box(0, 0, kCard, y,
            {.stroke = node.way ? Paint(tone::kWay) : Paint(tone::kLine),
             .radius = kRadius,
             .line = node.way ? 1.8 : 1,
             .dash = folded ? Dash::Dashed : Dash::None});
  sheet.close();
  return sheet;
}

std::string edge_data(const Edge& edge) {
  return edge.event == 0 ? "" : fmt::format("data-edge=\"{}\"", edge.event);
}

Sheet draw_edge_label(const Edge& edge) {
  Sheet sheet;
  if (edge.label.empty() && edge.badges.empty()) return sheet;
  double width = 0, badges = 0;
  for (const std::string& line : edge.label) width = std::max(width, text_width(line, Font::Mono, kDetail));
  for (const Badge& badge : edge.badges) badges += badge_width(badge) + 4;
  constexpr double kWidest = 230;
  width = std::max(width, std::min(badges, kWidest));
  sheet.w = width + 14;  // the edge runs along the left side
  double y = 2;
  Sheet inner;
  for (const std::string& line : edge.label) {
    y += kDetailHeight;
    inner.text(10, y - 3, line, {.font = Font::Mono, .size = kDetail, .fill = tone::kDim});
  }
  if (!edge.badges.empty()) y += put_badges(inner, 10, y, width, edge.badges) + 2;
  sheet.h = y + 1;
  sheet.open(edge.tip, "", edge_data(edge));
  sheet.box(5, 0, sheet.w - 5, sheet.h, {.fill = tone::kPaper, .radius = 4, .opacity = 0.8});
  sheet.place(inner, 0, 0);
  sheet.close();
  return sheet;
}

Sheet draw_cluster_title(const Cluster& cluster) {
  Sheet sheet;
  const Paint ink(family_colour(cluster.family));
  constexpr double kWidest = 190;  // of one line
  const double first = text_width(cluster.title, Font::Bold, kName);
  const double second = cluster.subtitle.empty() ? 0 : text_width(cluster.subtitle, Font::Sans, kSmall);
  const bool below = second > 0 && first + 10 + second + 16 > kWidest;
  sheet.w = 16 + (below ? std::max(first, second) : second > 0 ? first + 10 + second : first);
  sheet.h = below ? 36 : 22;
  sheet.open(cluster.tip, cluster.id);
  sheet.box(0, 0, sheet.w, sheet.h, {.fill = ink, .radius = 5});
  sheet.text(8, 15.5, cluster.title, {.font = Font::Bold, .size = kName, .fill = kWhite});
  sheet.text(below ? 8 : 18 + first, below ? 29.5 : 15.5, cluster.subtitle, {.size = kSmall, .fill = kWhite});
  sheet.close();
  return sheet;
}

}  // namespace nstrace::vis
