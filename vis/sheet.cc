// SPDX-License-Identifier: MIT
// Takes drawing calls, keeps them as a list. Paths are moved by a group around them, everything else by its numbers.
#include "vis/sheet.h"

#include <fmt/format.h>

#include <cmath>

namespace nstrace::vis {

void Sheet::box(double x, double y, double width, double height, const BoxLook& look) {
  Shape shape;
  shape.kind = Shape::Kind::Box;
  shape.x = x;
  shape.y = y;
  shape.w = width;
  shape.h = height;
  shape.fill = look.fill;
  shape.stroke = look.stroke;
  shape.radius = look.radius;
  shape.line = look.line;
  shape.dash = look.dash;
  shape.opacity = look.opacity;
  shapes.push_back(std::move(shape));
}

void Sheet::text(double x, double y, std::string_view words, const TextLook& look) {
  if (words.empty()) return;
  Shape shape;
  shape.kind = Shape::Kind::Text;
  shape.x = x;
  shape.y = y;
  shape.text = words;
  shape.font = look.font;
  shape.size = look.size;
  shape.fill = look.fill;
  shape.anchor = look.anchor;
  shape.angle = look.angle;
  shapes.push_back(std::move(shape));
}

void Sheet::path(std::string data, const BoxLook& look) {
  box(0, 0, 0, 0, look);
  shapes.back().kind = Shape::Kind::Path;
  shapes.back().text = std::move(data);
}

void Sheet::open(std::string_view tip, std::string_view id, std::string data) {
  Shape shape;
  shape.kind = Shape::Kind::Open;
  shape.text = tip;
  shape.id = id;
  shape.data = std::move(data);
  shapes.push_back(std::move(shape));
}

void Sheet::close() {
  Shape shape;
  shape.kind = Shape::Kind::Close;
  shapes.push_back(std::move(shape));
}

void Sheet::place(const Sheet& other, double x, double y) {
  for (Shape shape : other.shapes) {
    shape.x += x;
    shape.y += y;
    shapes.push_back(std::move(shape));
  }
}

std::string number(double value) {
  const double rounded = std::round(value * 100) / 100;
  std::string text = fmt::format("{:.2f}", rounded == 0 ? 0.0 : rounded);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace nstrace::vis
