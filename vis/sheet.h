// SPDX-License-Identifier: MIT
// Sheet: a drawing as a flat list of boxes, texts and lines at fixed places; what the SVG is written from. Units are
// points, y goes down. All text in it is harmless (vis/text.h), but not yet markup.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vis/style.h"

namespace nstrace::vis {

enum class Anchor : std::uint8_t { Start, Middle, End };
enum class Dash : std::uint8_t { None, Dashed, Dotted };

// A colour: one of the tones, or a fixed "#rrggbb", or a family's as text on the paper. Empty = none.
struct Paint {
  std::string_view tone = {};
  std::string fixed = {};
  int family = -1;
  Paint() = default;
  Paint(const Tone& t) : tone(t.name) {}                   // NOLINT: meant to convert
  Paint(std::string colour) : fixed(std::move(colour)) {}  // NOLINT
  static Paint ink_of(int family) {
    Paint paint;
    paint.family = family;
    return paint;
  }
  bool none() const { return tone.empty() && fixed.empty() && family < 0; }
};

struct Shape {
  enum class Kind : std::uint8_t { Box, Text, Path, Open, Close };  // Open, Close: a group with a tooltip
  Kind kind = Kind::Box;
  double x = 0, y = 0, w = 0, h = 0, radius = 0;
  Paint fill, stroke;
  double opacity = 1;  // of the fill
  double line = 1;     // width of the stroke
  Dash dash = Dash::None;
  std::string text = {};  // Text: the words; Path: its data; Open: the tooltip
  std::string id = {};    // Open
  std::string data = {};  // Open: data-* attributes as they stand in the file, made of numbers only
  Font font = Font::Sans;
  double size = 0;
  Anchor anchor = Anchor::Start;
  double angle = 0;  // Text: degrees, clockwise
};

struct TextLook {
  Font font = Font::Sans;
  double size = 11;
  Paint fill = tone::kText;
  Anchor anchor = Anchor::Start;
  double angle = 0;
};

struct BoxLook {
  Paint fill = {};
  Paint stroke = {};
  double radius = 0;
  double line = 1;
  Dash dash = Dash::None;
  double opacity = 1;
};

class Sheet {
 public:
  double w = 0, h = 0;
  std::vector<Shape> shapes;

  void box(double x, double y, double width, double height, const BoxLook& look);
  void text(double x, double y, std::string_view words, const TextLook& look);  // y is the base line
  void path(std::string data, const BoxLook& look);
  void open(std::string_view tip, std::string_view id = "", std::string data = "");
  void close();
  // Everything of another sheet, moved.
  void place(const Sheet& other, double x, double y);
};

// "12.5", "3": at most two digits after the point.
std::string number(double value);

}  // namespace nstrace::vis
