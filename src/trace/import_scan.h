// SPDX-License-Identifier: MIT
// The characters of strace's lines: where a string, a descriptor's text or a whole value ends, and what a number is.
// Internal to the importer.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::trace::log {

inline constexpr std::size_t npos = std::string_view::npos;

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
// Letters and digits, of which names consist.
inline constexpr auto kOfNames = [] {
  std::array<bool, 256> table{};
  for (const std::string_view letters :
       {"abcdefghijklmnopqrstuvwxyz_", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"})
    for (const char c : letters) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
inline bool of_name(char c) {
  return kOfNames[static_cast<unsigned char>(c)];
}

// As starts_with() and ends_with(), of words whose length the compiler sees, for which it calls nothing.
template <std::size_t N>
bool begins(std::string_view s, const char (&word)[N]) {
  return s.size() >= N - 1 && s[0] == word[0] && std::memcmp(s.data(), word, N - 1) == 0;
}
template <std::size_t N>
bool ends(std::string_view s, const char (&word)[N]) {
  if (s.size() < N - 1) return false;
  const char* const at = s.data() + s.size() - (N - 1);
  return *at == word[0] && std::memcmp(at, word, N - 1) == 0;
}

inline std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// Where the last `c` of `s` stands; npos if there is none.
inline std::size_t last(std::string_view s, char c) {
  const void* found = ::memrchr(s.data(), c, s.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - s.data()) : npos;
}

// The nanoseconds that a digit behind a point is worth, at its place from 1 on.
inline std::int64_t worth_at(std::size_t place) {
  static constexpr std::int64_t kWorths[] = {1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000,
                                             10'000,        1'000,       100,        10,        1};
  return place < std::size(kWorths) ? kWorths[place] : 0;
}

// Behind the quote that closes the one at `at`; npos if there is none.
std::size_t end_of_string(std::string_view s, std::size_t at);

// Behind the ">" of "<mnt:[4026533533]>", "<TCP:[127.0.0.1:80->127.0.0.1:4000]>"; npos if there is none.
std::size_t end_of_target(std::string_view s, std::size_t at);

// Where in a text quotes, brackets, commas and such stand: found once, and asked for often.
class Marks {
 public:
  // `text` must outlive this.
  explicit Marks(std::string_view text);
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;

  std::string_view text() const { return text_; }
  // The first at `at` or behind it; npos if there is none.
  std::size_t next(std::size_t at) const {
    std::size_t word = at / 64;
    if (at >= text_.size()) return npos;
    std::uint64_t bits = bits_[word] >> at % 64 << at % 64;
    while (bits == 0) {
      if (++word == words_) return npos;
      bits = bits_[word];
    }
    return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
  }

 private:
  std::string_view text_;
  std::size_t words_;
  std::uint64_t* bits_;
  std::array<std::uint64_t, 32> few_;
  std::vector<std::uint64_t> many_;  // of a text that has more
};

// Where the value that begins at `at` of the text ends: at a comma or closing bracket on its own level. npos: nowhere.
std::size_t end_of_value(const Marks& marks, std::size_t at);

// Decimal, 0x hexadecimal or 0 octal; false if it is anything else. What exceeds 63 bits wraps, as a register does.
bool number(std::string_view s, std::int64_t& value);

// Undoes strace's escapes.
void unescape(std::string_view text, std::string& to);

}  // namespace nstrace::trace::log
