// SPDX-License-Identifier: MIT
// The palette, and wrapping: both work on the plain text, escape sequences are put in last.
#include "report/styled_line.h"

namespace nstrace::report {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kIndent = "        ";  // of what a wrapped line goes on with

// The palette: colours of the terminal's own theme, readable on dark and light.
std::string_view sequence(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Who:
      return "\x1b[36m";  // cyan
    case Style::Time:
      return "\x1b[2m";  // faint
    case Style::Call:
      return "\x1b[1m";  // bold
    case Style::Failure:
      return "\x1b[31m";  // red
    case Style::Note:
      return "\x1b[32m";  // green
    case Style::Life:
      return "\x1b[35m";  // magenta
    case Style::Loss:
      return "\x1b[1;31m";  // bold red
  }
  return "";
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0u) == 0x80;
}

}  // namespace

void StyledLine::add(std::string_view text, Style style) {
  if (text.empty()) return;
  if (parts_.empty() || parts_.back().style != style) parts_.push_back({text_.size(), style});
  text_ += text;
}

// Offsets of the blanks that become line ends, and of what stands behind a bar, which a line end comes before.
std::vector<std::size_t> StyledLine::breaks(std::size_t width) const {
  std::vector<std::size_t> found;
  if (width == 0) return found;
  std::size_t column = 0;
  std::size_t candidate = 0;         // the last blank that may be broken at; 0 = none in this line
  std::size_t candidate_column = 0;  // how much of the line it ends
  bool quoted = false;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    const char c = text_[i];
    if (continues_character(c)) continue;
    if (i >= body_) {
      if (c == '"') quoted = !quoted;
      if (c == ' ' && !quoted && i > body_ &&
          (text_[i - 1] == ',' || text_.compare(i, 3, " = ") == 0 || text_.compare(i, 4, " -> ") == 0)) {
        candidate = i;
        candidate_column = column;
      }
      if (i > body_ && text_[i - 1] == '|' && !quoted && c != ' ' && column <= width) {
        candidate = i;
        candidate_column = column - 1;  // no blank goes away
      }
    }
    ++column;
    if (column > width && candidate != 0) {
      found.push_back(candidate);
      column = kIndent.size() + column - candidate_column - 1;
      candidate = 0;
    }
    if (c == '\\' && i + 1 < text_.size() && i >= body_) {  // what is escaped is no quote
      ++i;
      ++column;
    }
  }
  return found;
}

std::string StyledLine::render(bool colour, std::size_t width) const {
  if (!colour && width == 0) return text_ + '\n';
  std::string out;
  const std::vector<std::size_t> ends = breaks(width);
  std::size_t next_end = 0;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::size_t end = p + 1 < parts_.size() ? parts_[p + 1].begin : text_.size();
    const std::string_view begin_sequence = colour ? sequence(parts_[p].style) : "";
    out += begin_sequence;
    for (std::size_t i = parts_[p].begin; i < end; ++i) {
      if (next_end < ends.size() && ends[next_end] == i) {
        ++next_end;
        out += '\n';
        out += kIndent;
        if (text_[i] != ' ') out += text_[i];
      } else {
        out += text_[i];
      }
    }
    if (!begin_sequence.empty()) out += kReset;
  }
  out += '\n';
  return out;
}

}  // namespace nstrace::report
