// SPDX-License-Identifier: MIT
// Takes raw bytes, gives text that cannot leave its place in a picture. The idea: a list of what is allowed, not of
// what is forbidden; trace::escape has already dealt with control characters and with what is not UTF-8.
#include "vis/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "trace/text.h"

namespace nstrace::vis {
namespace {

constexpr std::string_view kEllipsis = "\u2026";

struct Range {
  char32_t first, last;
};

// Scripts written from left to right with one glyph for one character, punctuation, symbols. Sorted.
constexpr std::array kAllowed{
    Range{0x20, 0x7e},       Range{0xa1, 0xac},       Range{0xae, 0x2ff},      Range{0x370, 0x377},
    Range{0x37a, 0x37f},     Range{0x384, 0x38a},     Range{0x38c, 0x38c},     Range{0x38e, 0x3a1},
    Range{0x3a3, 0x482},     Range{0x48a, 0x52f},     Range{0x531, 0x556},     Range{0x561, 0x587},
    Range{0x10a0, 0x10c5},   Range{0x10d0, 0x10ff},   Range{0x1e00, 0x1eff},   Range{0x2010, 0x2027},
    Range{0x2030, 0x205e},   Range{0x20a0, 0x20bf},   Range{0x2100, 0x214f},   Range{0x2190, 0x23ff},
    Range{0x2500, 0x27bf},   Range{0x3001, 0x3029},   Range{0x3030, 0x303f},   Range{0x3041, 0x3096},
    Range{0x30a0, 0x30ff},   Range{0x3400, 0x4dbf},   Range{0x4e00, 0x9fff},   Range{0xac00, 0xd7a3},
    Range{0xff01, 0xff5e},   Range{0x1f300, 0x1f3fa}, Range{0x1f400, 0x1f64f}, Range{0x1f680, 0x1f6c5},
    Range{0x20000, 0x2a6df},
};

bool allowed(char32_t c) {
  return std::any_of(kAllowed.begin(), kAllowed.end(), [c](Range r) { return c >= r.first && c <= r.last; });
}

bool wide(char32_t c) {
  return c >= 0x1100 && (c < 0x1e00 || (c >= 0x3000 && c != 0x303f));
}

// The character at `at` of valid UTF-8, and where the next one begins.
char32_t decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(at);
  const int more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  char32_t c = more == 0 ? lead : more == 1 ? lead & 0x1f : more == 2 ? lead & 0x0f : lead & 0x07;
  for (int i = 1; i <= more; ++i) c = (c << 6) | (byte(at + static_cast<std::size_t>(i)) & 0x3f);
  at += static_cast<std::size_t>(more) + 1;
  return c;
}

// The longest end of `text` that takes at most `width` cells.
std::string_view tail(std::string_view text, std::size_t width) {
  std::size_t at = text.size(), used = 0;
  while (at > 0) {
    std::size_t begin = at - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
    std::size_t next = begin;
    used += wide(decode(text, next)) ? 2 : 1;
    if (used > width) break;
    at = begin;
  }
  return text.substr(at);
}

std::string shorten_at(std::string_view text, std::size_t width, std::size_t front) {
  if (columns(text) <= width) return std::string(text);
  if (width <= 1) return std::string(kEllipsis);
  std::string out(first_columns(text, front));
  out += kEllipsis;
  out += tail(text, width - 1 - columns(first_columns(text, front)));
  return out;
}

}  // namespace

std::string display(std::string_view bytes) {
  const std::string safe = trace::escape(bytes, "");
  std::string out;
  out.reserve(safe.size());
  for (std::size_t at = 0; at < safe.size();) {
    const std::size_t begin = at;
    const char32_t c = decode(safe, at);
    if (allowed(c)) {
      out.append(safe, begin, at - begin);
    } else {
      out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(c));
    }
  }
  return out;
}

std::string display_whole(std::string_view bytes, std::size_t limit) {
  if (bytes.size() <= limit) return display(bytes);
  const std::size_t front = limit * 2 / 3, back = limit - front;
  return fmt::format("{}\u2026 [{} bytes left out] \u2026{}", display(bytes.substr(0, front)), bytes.size() - limit,
                     display(bytes.substr(bytes.size() - back)));
}

std::size_t columns(std::string_view text) {
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) used += wide(decode(text, at)) ? 2 : 1;
  return used;
}

std::string_view first_columns(std::string_view text, std::size_t width) {
  std::size_t at = 0, used = 0;
  while (at < text.size()) {
    std::size_t next = at;
    used += wide(decode(text, next)) ? 2 : 1;
    if (used > width) break;
    at = next;
  }
  return text.substr(0, at);
}

std::string shorten(std::string_view text, std::size_t width) {
  return shorten_at(text, width, width * 3 / 5);
}
std::string shorten_path(std::string_view text, std::size_t width) {
  return shorten_at(text, width, width / 4);
}

std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t max_lines) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() + 1 < max_lines && columns(text) > width) {
    std::string_view line = first_columns(text, width);
    const std::size_t blank = line.rfind(' ');
    if (blank != std::string_view::npos && blank > line.size() / 4) line = line.substr(0, blank + 1);
    if (line.empty()) break;
    text.remove_prefix(line.size());
    while (line.ends_with(' ')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  if (!text.empty() || lines.empty()) lines.push_back(shorten(text, width));
  return lines;
}

std::string command_line(const std::vector<std::string>& argv, std::size_t limit) {
  std::string out;
  std::size_t shown = 0;
  for (const std::string& arg : argv) {
    if (out.size() > limit) break;
    if (!out.empty()) out += ' ';
    const bool plain = !arg.empty() && arg.find_first_of(" \t\n\"'") == std::string::npos;
    out += plain ? display_whole(arg, limit) : '"' + display_whole(arg, limit) + '"';
    ++shown;
  }
  if (shown < argv.size()) out += fmt::format(" \u2026 [{} more arguments]", argv.size() - shown);
  return out;
}

std::string short_command_line(const std::vector<std::string>& argv) {
  constexpr std::size_t kPart = 22, kId = 12, kWhole = 400;
  std::string out;
  for (const std::string& arg : argv) {
    if (out.size() > kWhole) return out + " \u2026";
    if (!out.empty()) out += ' ';
    if (is_long_id(arg)) {
      out += arg.substr(0, kId) + "\u2026";
    } else if (columns(command_line({arg}, 200)) <= kPart) {
      out += command_line({arg}, 200);
    } else if (arg.find('/') != std::string::npos && arg.find_first_of(" \n\t") == std::string::npos) {
      out += shorten_path(display_whole(arg, 200), kPart);
    } else {
      out += shorten(command_line({arg}, 200), kPart);
    }
  }
  return out;
}

bool is_long_id(std::string_view text) {
  return text.size() >= 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

std::string markup(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace nstrace::vis
