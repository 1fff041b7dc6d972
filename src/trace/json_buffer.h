// SPDX-License-Identifier: MIT
// Where a line of JSON is put together: bytes that grow at the end. As a std::string, but what is written byte by byte
// stays in registers, and no NUL is kept behind the end.
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace nstrace::trace {

class JsonBuffer {
 public:
  std::string_view view() const { return {data_.get(), size_}; }
  char back() const { return data_[size_ - 1]; }  // of a buffer that is not empty
  void clear() { size_ = 0; }

  JsonBuffer& operator+=(char c) {
    *room(1) = c;
    ++size_;
    return *this;
  }
  JsonBuffer& operator+=(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  template <std::size_t N>
  JsonBuffer& operator+=(const char (&text)[N]) {  // of which the compiler sees the length
    std::memcpy(room(N - 1), text, N - 1);
    size_ += N - 1;
    return *this;
  }
  // A word of a few letters, in quotes.
  void quoted(std::string_view word) {
    char* to = room(word.size() + 2);
    *to++ = '"';
    for (const char c : word) *to++ = c;
    *to = '"';
    size_ += word.size() + 2;
  }
  // `bytes` as a JSON string, if that takes all of them as they are; else nothing, and false.
  bool plain_string(std::string_view bytes);
  // What `bytes` begins with and a JSON string takes as it is; gives how many bytes that are.
  std::size_t plain(std::string_view bytes);
  template <typename T>
  void number(T value, int base = 10) {
    char* const to = room(kLongestNumber);
    if (base == 10 && value >= 0) {
      size_ += decimal(to, static_cast<std::uint64_t>(value));
      return;
    }
    size_ += static_cast<std::size_t>(std::to_chars(to, to + kLongestNumber, value, base).ptr - to);
  }
  // The name of a field, in quotes and with its colon; behind a comma unless it is the first of its object.
  template <std::size_t N>
  void key(const char (&name)[N]) {
    char* to = room(N + 3);
    const bool first = to[-1] == '{';
    *to = ',';
    to += !first;
    *to++ = '"';
    std::memcpy(to, name, N - 1);
    to += N - 1;
    *to++ = '"';
    *to++ = ':';
    size_ += N + 2 + !first;
  }
  void key(std::string_view name) {
    if (back() != '{') *this += ',';
    *this += '"';
    *this += name;
    *this += "\":";
  }

 private:
  static constexpr std::size_t kLongestNumber = 24;
  // Writes the number, and further bytes behind it, all within kLongestNumber; gives how many are the number's.
  static std::size_t decimal(char* to, std::uint64_t value) {
    static constexpr auto kPairs = [] {
      std::array<char, 200> pairs{};
      for (std::size_t i = 0; i < 100; ++i) {
        pairs[2 * i] = static_cast<char>('0' + i / 10);
        pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
      }
      return pairs;
    }();
    if (value < 10) {
      *to = static_cast<char>('0' + value);
      return 1;
    }
    char digits[2 * kLongestNumber] = {};
    std::size_t at = kLongestNumber;
    for (; value >= 10; value /= 100) std::memcpy(digits + (at -= 2), &kPairs[value % 100 * 2], 2);
    if (value) digits[--at] = static_cast<char>('0' + value);
    std::memcpy(to, digits + at, kLongestNumber);
    return kLongestNumber - at;
  }
  static bool plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

  // The end, behind which `more` bytes may be written.
  char* room(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return data_.get() + size_;
  }
  void grow(std::size_t more) {
    const std::size_t larger = capacity_ * 2 > size_ + more ? capacity_ * 2 : size_ + more + 4096;
    auto moved = std::make_unique_for_overwrite<char[]>(larger);
    if (size_) std::memcpy(moved.get(), data_.get(), size_);
    data_ = std::move(moved);
    capacity_ = larger;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

// Which of eight bytes do not stand in a JSON string as they are: C0, DEL, quotes, backslashes, and what is not ASCII.
// The lowest bit that is set belongs to the first such byte, and is its highest; 0 = there is none.
inline std::uint64_t not_plain(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t quotes = eight ^ kOnes * '"', backslashes = eight ^ kOnes * '\\';
  const std::uint64_t low = (eight - kOnes * 0x20) & ~eight, del = (eight & kOnes * 0x7f) + kOnes;
  return (low | del | eight | ((quotes - kOnes) & ~quotes) | ((backslashes - kOnes) & ~backslashes)) & kOnes * 0x80;
}
static_assert(std::endian::native == std::endian::little, "the first byte is to be the lowest");

inline bool JsonBuffer::plain_string(std::string_view bytes) {
  const std::size_t size = bytes.size();
  const char* const from = bytes.data();
  char* const begin = room(size + 2 + sizeof(std::uint64_t));
  char* const to = begin + 1;
  *begin = '"';
  std::uint64_t hits = 0;
  if (size >= 16) {
    using Sixteen = signed char __attribute__((vector_size(16)));  // by the compiler's means for any machine
    Sixteen found{};
    const auto pass = [&](std::size_t at) {
      Sixteen c;
      std::memcpy(&c, from + at, sizeof c);
      std::memcpy(to + at, &c, sizeof c);
      found |= (c < 0x20) | (c == 0x7f) | (c == '"') | (c == '\\');  // what is not ASCII is negative
    };
    for (std::size_t at = 0; at + 16 < size; at += 16) pass(at);
    pass(size - 16);  // some of them for the second time
    std::uint64_t halves[2];
    std::memcpy(halves, &found, sizeof halves);
    hits = halves[0] | halves[1];
  } else if (size >= 8) {
    for (const std::size_t at : {std::size_t{0}, size - 8}) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, from + at, sizeof eight);
      std::memcpy(to + at, &eight, sizeof eight);
      hits |= not_plain(eight);
    }
  } else if (size >= 4) {
    std::uint32_t first = 0, last = 0;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    const std::uint64_t eight = first | std::uint64_t{last} << (size - sizeof last) * 8;
    std::memcpy(to, &eight, sizeof eight);
    hits = not_plain(eight | std::uint64_t{0x2020202020202020} << size * 8);
  } else {
    for (std::size_t at = 0; at < size; ++at) {
      to[at] = from[at];
      hits |= !plain(from[at]);
    }
  }
  if (hits) return false;
  to[size] = '"';
  size_ += size + 2;
  return true;
}

inline std::size_t JsonBuffer::plain(std::string_view bytes) {
  const char* const from = bytes.data();
  char* const to = room(bytes.size());
  std::size_t at = 0;
  const auto pass = [&] {  // the eight bytes at `at`; false: not all of them
    std::uint64_t eight = 0;
    std::memcpy(&eight, from + at, sizeof eight);
    std::memcpy(to + at, &eight, sizeof eight);
    const std::uint64_t hits = not_plain(eight);
    at += hits ? static_cast<std::size_t>(std::countr_zero(hits)) / 8 : sizeof eight;
    return hits == 0;
  };
  if (bytes.size() >= 8) {
    while (at + 8 <= bytes.size())
      if (!pass()) return size_ += at, at;
    if (at < bytes.size()) {  // the rest, together with some that were looked at already
      at = bytes.size() - 8;
      pass();
    }
  } else {
    for (; at < bytes.size() && plain(bytes[at]); ++at) to[at] = from[at];
  }
  size_ += at;
  return at;
}

}  // namespace nstrace::trace
