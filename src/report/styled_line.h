// SPDX-License-Identifier: MIT
// StyledLine: one line of output with the style of each part, so that the same text can go plain to a file, coloured to
// a terminal, and wrapped to its width.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::report {

enum class Style : std::uint8_t { Plain, Who, Time, Call, Failure, Note, Life, Loss };

class StyledLine {
 public:
  void add(std::string_view text, Style style = Style::Plain);
  // Where a wrapped line may break from here on: arguments. What stands before (who, when) is never broken.
  void begin_body() { body_ = text_.size(); }
  const std::string& text() const { return text_; }

  // With a newline at the end. width: columns; what is longer goes on, indented, behind a comma or a bar between
  // flags that is outside of quotes. 0 = one line.
  std::string render(bool colour, std::size_t width) const;

 private:
  struct Part {
    std::size_t begin;
    Style style;
  };
  std::vector<std::size_t> breaks(std::size_t width) const;

  std::string text_;
  std::vector<Part> parts_;
  std::size_t body_ = 0;
};

}  // namespace nstrace::report
