// SPDX-License-Identifier: MIT
// LineInput: the lines of a text file or of stdin, plain or compressed with zstd or gzip (told apart by the first
// bytes), in big reads and flat memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nstrace::trace {

class LineInput {
 public:
  // Bytes behind a line that may be read (not written), whatever they are: simdjson wants as many (SIMDJSON_PADDING).
  static constexpr std::size_t kPadding = 64;
  static constexpr std::size_t kLongestLine = std::size_t{1} << 30;

  // "-" is stdin. block: bytes to read at a time. Throws Error when the file cannot be opened or read.
  explicit LineInput(const std::string& path, std::size_t block = std::size_t{1} << 20);
  ~LineInput();
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;

  // What the (decompressed) text begins with: at least its first line, or `most` bytes of it; nothing is consumed. Does
  // not wait for more of a pipe than that.
  std::string_view peek(std::size_t most = 4096);

  // The next line, without its newline; valid until the next call. False at the end.
  // Throws Error for a failing read, damaged compressed data and a line longer than kLongestLine.
  bool next(std::string_view& line);

  bool whole() const { return whole_; }              // the line given last had its newline
  bool cut() const { return cut_; }                  // at the end: the compressed data stop in the middle
  std::uint64_t number() const { return number_; }   // of the line given last, from 1
  const std::string& name() const { return name_; }  // for messages: the path, or "standard input"

 private:
  struct Source;
  bool fill();  // more text behind end_; false at the end

  std::string name_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;  // without the padding
  std::size_t begin_ = 0;     // what is not given yet: [begin_, end_)
  std::size_t end_ = 0;
  bool at_end_ = false;
  bool whole_ = true;
  bool cut_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace nstrace::trace
