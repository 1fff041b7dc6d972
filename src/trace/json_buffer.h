// SPDX-License-Identifier: MIT
// Where a line of JSON is put together: bytes that grow at the end. As a std::string, but what is written byte by byte
// stays in registers, and no NUL is kept behind the end.
#pragma once

#include <charconv>
#include <cstddef>
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
  template <typename T>
  void number(T value, int base = 10) {
    char* const to = room(kLongestNumber);
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

  // The end, behind which `more` bytes may be written.
  char* room(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return data_.get() + size_;
  }
  void grow(std::size_t more) {
    const std::size_t larger = capacity_ * 2 > size_ + more ? capacity_ * 2 : size_ + more + 4096;
    auto moved = std::make_unique<char[]>(larger);
    if (size_) std::memcpy(moved.get(), data_.get(), size_);
    data_ = std::move(moved);
    capacity_ = larger;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace nstrace::trace
