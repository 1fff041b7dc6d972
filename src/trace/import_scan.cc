// SPDX-License-Identifier: MIT
#include "trace/import_scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace nstrace::trace::log {
namespace {

// Sixteen bytes at once, by the compiler's means for any machine.
using Bytes = unsigned char __attribute__((vector_size(16)));
using Halves = std::uint64_t __attribute__((vector_size(16)));

// One bit for each of sixteen bytes that are 0xff or 0.
template <typename Hits>
std::uint64_t bits_of(Hits hits) {
#ifdef __SSE2__
  return static_cast<unsigned>(_mm_movemask_epi8(reinterpret_cast<__m128i>(hits)));
#else
  // The product moves the eight bits of a half to its top.
  const Halves gathered = ((reinterpret_cast<Halves>(hits) & 0x0101010101010101) * 0x0102040810204080) >> 56;
  return gathered[0] | gathered[1] << 8;
#endif
}

// One bit for each of 64 bytes: set where it is one of "([{)]},/<
std::uint64_t marks_of(const char* at) {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 64; i += 16) {
    Bytes c;
    std::memcpy(&c, at + i, sizeof c);
    const Bytes folded = c | 0x20;  // [ and ] as { and }
    bits |= bits_of((folded == '{') | (folded == '}') | ((c | 1) == ')') | (c == ',') | (c == '"') | (c == '/') |
                    (c == '<'))
            << i;
  }
  return bits;
}

}  // namespace

std::size_t end_of_string(std::string_view s, std::size_t at) {
  const char* const end = s.data() + s.size();
  for (const char* from = s.data() + at + 1; from < end;) {
    const auto* quote = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
    if (!quote) return npos;
    const auto* escape = static_cast<const char*>(std::memchr(from, '\\', static_cast<std::size_t>(quote - from)));
    if (!escape) return static_cast<std::size_t>(quote - s.data()) + 1;
    from = escape + 2;
  }
  return npos;
}

std::size_t end_of_target(std::string_view s, std::size_t at) {
  for (std::size_t i = s.find('>', at); i != npos; i = s.find('>', i + 1))
    if (s[i - 1] != '-') return i + 1;
  return npos;
}

Marks::Marks(std::string_view text) : text_(text), words_((text.size() + 63) / 64), bits_(few_.data()) {
  if (words_ > few_.size()) {
    many_.resize(words_);
    bits_ = many_.data();
  }
  const std::size_t whole = text.size() / 64;
  for (std::size_t i = 0; i < whole; ++i) bits_[i] = marks_of(text.data() + i * 64);
  if (whole == words_) return;
  char rest[64] = {};
  std::memcpy(rest, text.data() + whole * 64, text.size() % 64);
  bits_[whole] = marks_of(rest);
}

std::size_t end_of_value(const Marks& marks, std::size_t at) {
  const std::string_view s = marks.text();
  int depth = 0;
  for (std::size_t i = marks.next(at); i != npos; i = marks.next(i + 1)) {
    switch (s[i]) {
      case '"':
        if ((i = end_of_string(s, i)) == npos) return npos;
        --i;
        break;
      case '(':
      case '[':
      case '{':
        ++depth;
        break;
      case ')':
      case ']':
      case '}':
        if (depth == 0) return i;
        --depth;
        break;
      case ',':
        if (depth == 0) return i;
        break;
      case '/':
        if (i + 1 < s.size() && s[i + 1] == '*') {
          const std::size_t end = s.find("*/", i + 2);
          if (end == npos) return npos;
          i = end + 1;
        }
        break;
      case '<':
        if (i + 1 < s.size() && s[i + 1] == '<') {  // 1<<CAP_CHOWN
          ++i;
        } else if (i > at && (digit(s[i - 1]) || letter(s[i - 1]))) {
          const std::size_t end = end_of_target(s, i);
          if (end != npos) i = end - 1;
        }
        break;
      default:
        break;
    }
  }
  return npos;
}

bool number(std::string_view s, std::int64_t& value) {
  const bool negative = !s.empty() && s[0] == '-';
  if (negative) s.remove_prefix(1);
  if (s.empty() || s.size() > 24) return false;
  std::uint64_t base = 10;
  if (s.size() > 2 && s[0] == '0' && s[1] == 'x') {
    base = 16;
    s.remove_prefix(2);
  } else if (s.size() > 1 && s[0] == '0') {
    base = 8;
  }
  std::uint64_t sum = 0;
  for (const char c : s) {
    const unsigned d = digit(c)               ? static_cast<unsigned>(c - '0')
                       : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                              : 99u;
    if (d >= base) return false;
    sum = sum * base + d;
  }
  value = static_cast<std::int64_t>(negative ? 0 - sum : sum);
  return true;
}

void unescape(std::string_view text, std::string& to) {
  if (text.find('\\') == npos) {
    to.assign(text);
    return;
  }
  to.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      to += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 'n':
        to += '\n';
        break;
      case 't':
        to += '\t';
        break;
      case 'r':
        to += '\r';
        break;
      case 'v':
        to += '\v';
        break;
      case 'f':
        to += '\f';
        break;
      case 'a':
        to += '\a';
        break;
      case 'b':
        to += '\b';
        break;
      case 'x': {
        unsigned value = 0;
        std::size_t used = 0;
        while (used < 2 && i + 1 < text.size()) {
          const char d = text[i + 1];
          const int v = digit(d)               ? d - '0'
                        : d >= 'a' && d <= 'f' ? d - 'a' + 10
                        : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                               : -1;
          if (v < 0) break;
          value = value * 16 + static_cast<unsigned>(v);
          ++used;
          ++i;
        }
        to += used ? static_cast<char>(value) : 'x';
        break;
      }
      default:
        if (c < '0' || c > '7') {
          to += c;
          break;
        }
        unsigned value = static_cast<unsigned>(c - '0');
        for (int more = 0; more < 2 && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '7'; ++more)
          value = value * 8 + static_cast<unsigned>(text[++i] - '0');
        to += static_cast<char>(value);
    }
  }
}

}  // namespace nstrace::trace::log
