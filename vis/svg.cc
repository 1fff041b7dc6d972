// SPDX-License-Identifier: MIT
// Takes a Sheet, writes SVG. Colours are CSS classes, given twice: light, and dark for prefers-color-scheme; a printer
// gets the light ones. Text and tooltips pass markup() here and only here.
#include "vis/svg.h"

#include <fmt/format.h>

#include <set>

#include "vis/text.h"

namespace nstrace::vis {
namespace {

constexpr double kMargin = 18;

std::string css_tones(bool dark, const std::set<int>& families) {
  std::string css;
  for (const Tone& tone : tone::kAll) {
    const std::string_view colour = dark ? tone.dark : tone.light;
    css += fmt::format(".f-{0}{{fill:{1}}}.s-{0}{{stroke:{1}}}", tone.name, colour);
  }
  for (const int family : families) {
    css += fmt::format(".f-c{}{{fill:{}}}", family, dark ? family_ink_on_dark(family) : family_colour(family));
  }
  return css;
}

std::string css(const Sheet& sheet) {
  std::set<int> families;  // whose colour is used for text
  for (const Shape& shape : sheet.shapes) {
    if (shape.fill.family >= 0) families.insert(shape.fill.family);
  }
  return fmt::format(
      "text{{white-space:pre}}.sans{{font-family:{}}}.mono{{font-family:{}}}.b{{font-weight:700}}\n{}\n"
      "@media screen and (prefers-color-scheme:dark){{{}}}",
      style::kSans, style::kMono, css_tones(false, families), css_tones(true, families));
}

// Classes and attributes for fill and stroke.
struct Painted {
  std::string classes, attributes;
};

Painted painted(const Shape& shape) {
  Painted out;
  const auto add_class = [&](std::string_view prefix, std::string_view name) {
    out.classes += (out.classes.empty() ? "" : " ") + std::string(prefix) + std::string(name);
  };
  if (!shape.fill.tone.empty()) {
    add_class("f-", shape.fill.tone);
  } else if (shape.fill.family >= 0) {
    add_class("f-c", std::to_string(shape.fill.family));
  } else {
    out.attributes += fmt::format(" fill=\"{}\"", shape.fill.fixed.empty() ? "none" : shape.fill.fixed);
  }
  if (shape.opacity < 1) out.attributes += fmt::format(" fill-opacity=\"{}\"", number(shape.opacity));
  if (shape.stroke.none()) return out;
  if (!shape.stroke.tone.empty()) {
    add_class("s-", shape.stroke.tone);
  } else {
    out.attributes += fmt::format(" stroke=\"{}\"", shape.stroke.fixed);
  }
  out.attributes += fmt::format(" stroke-width=\"{}\"", number(shape.line));
  switch (shape.dash) {
    case Dash::None:
      break;
    case Dash::Dashed:
      out.attributes += " stroke-dasharray=\"5 3\"";
      break;
    case Dash::Dotted:
      out.attributes += " stroke-dasharray=\"1.5 3\"";
      break;
  }
  return out;
}

std::string class_attribute(const std::string& classes) {
  return classes.empty() ? "" : fmt::format(" class=\"{}\"", classes);
}

std::string text_element(const Shape& shape) {
  Painted look = painted(shape);
  const bool mono = shape.font == Font::Mono || shape.font == Font::MonoBold;
  const bool bold = shape.font == Font::Bold || shape.font == Font::MonoBold;
  look.classes += (look.classes.empty() ? "" : " ") + std::string(mono ? "mono" : "sans") + (bold ? " b" : "");
  const std::string_view anchor = shape.anchor == Anchor::Start    ? ""
                                  : shape.anchor == Anchor::Middle ? " text-anchor=\"middle\""
                                                                   : " text-anchor=\"end\"";
  if (shape.angle != 0) {
    look.attributes +=
        fmt::format(" transform=\"rotate({} {} {})\"", number(shape.angle), number(shape.x), number(shape.y));
  }
  return fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\"{}{}{}>{}</text>", number(shape.x), number(shape.y),
                     number(shape.size), anchor, class_attribute(look.classes), look.attributes, markup(shape.text));
}

std::string element(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::Text:
      return text_element(shape);
    case Shape::Kind::Open: {
      std::string out = "<g" + (shape.id.empty() ? "" : fmt::format(" id=\"{}\"", markup(shape.id)));
      if (!shape.data.empty()) out += ' ' + shape.data;
      out += '>';
      if (!shape.text.empty()) out += "<title>" + markup(shape.text) + "</title>";
      return out;
    }
    case Shape::Kind::Close:
      return "</g>";
    case Shape::Kind::Path: {
      const Painted look = painted(shape);
      std::string move;
      if (shape.x != 0 || shape.y != 0) {
        move = fmt::format(" transform=\"translate({} {})\"", number(shape.x), number(shape.y));
      }
      return fmt::format("<path d=\"{}\"{}{}{}/>", shape.text, move, class_attribute(look.classes), look.attributes);
    }
    case Shape::Kind::Box: {
      const Painted look = painted(shape);
      const std::string radius = shape.radius > 0 ? fmt::format(" rx=\"{}\"", number(shape.radius)) : "";
      return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}{}{}/>", number(shape.x), number(shape.y),
                         number(shape.w), number(shape.h), radius, class_attribute(look.classes), look.attributes);
    }
  }
  return "";
}

}  // namespace

std::string write_svg(const Sheet& sheet, const std::string& title) {
  const double w = sheet.w + 2 * kMargin, h = sheet.h + 2 * kMargin;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"{2} {2} {0} {1}\" "
      "role=\"img\">\n<title>{3}</title>\n<style>{4}</style>\n",
      number(w), number(h), number(-kMargin), markup(title), css(sheet));
  out += fmt::format("<rect x=\"{0}\" y=\"{0}\" width=\"{1}\" height=\"{2}\" class=\"f-paper\"/>\n", number(-kMargin),
                     number(w), number(h));
  for (const Shape& shape : sheet.shapes) {
    out += element(shape);
    out += '\n';
  }
  out += "</svg>\n";
  return out;
}

}  // namespace nstrace::vis
