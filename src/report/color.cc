// SPDX-License-Identifier: MIT
#include "report/color.h"

#include <fmt/format.h>

namespace nstrace::report {
namespace {

constexpr std::size_t kIndent = 8;

const char* sequence(Paint paint) {
  switch (paint) {
    case Paint::Who:
      return "\x1b[2m";
    case Paint::Comm:
      return "\x1b[36m";
    case Paint::Time:
      return "\x1b[2m";
    case Paint::Call:
      return "\x1b[1m";
    case Paint::Result:
      return "";
    case Paint::Bad:
      return "\x1b[31m";
    case Paint::Note:
      return "\x1b[32m";
  }
  return "";
}

// Columns that `text` takes: bytes that begin a character, without escape sequences.
std::size_t columns_of(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
      continue;
    }
    count += (text[i] & 0xc0) != 0x80;
  }
  return count;
}

}  // namespace

std::string paint(bool on, Paint paint, std::string_view text) {
  const std::string_view begin = sequence(paint);
  if (!on || begin.empty() || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", begin, text);
}

std::string wrap(std::string_view line, int columns) {
  const auto limit = static_cast<std::size_t>(columns);
  if (columns_of(line) <= limit || limit < 3 * kIndent) return std::string(line);
  std::string out;
  std::size_t used = 0;
  while (!line.empty()) {
    const std::size_t blank = line.find(' ', 1);
    const std::string_view word = line.substr(0, blank);  // with the blank before it
    const std::size_t size = columns_of(word);
    if (used > kIndent && used + size > limit) {
      out += "\n" + std::string(kIndent - 1, ' ');
      used = kIndent - 1;
    }
    out += word;
    used += size;
    line.remove_prefix(word.size());
  }
  return out;
}

}  // namespace nstrace::report
