// SPDX-License-Identifier: MIT
// LineInput: one buffer that text is read into at the end and lines are given from at the front; what is left of the
// last line moves to the front before the next read.
#include "trace/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "trace/error.h"

namespace nstrace::trace {
namespace {

constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";  // RFC 8878, section 3.1.1
constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";      // RFC 1952, section 2.3.1: a member, by deflate
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // of UTF-8: no part of the text

}  // namespace

// The bytes of the file, decompressed where they must be.
struct LineInput::Source {
  Source(const std::string& name_for_messages, std::size_t read_size) : name(name_for_messages), block(read_size) {}
  ~Source() {
    if (fd > STDIN_FILENO) ::close(fd);
    ZSTD_freeDStream(zstd);
    if (gzip) inflateEnd(gzip.get());
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::size_t read_raw(char* to, std::size_t room) {
    for (;;) {
      const ssize_t got = ::read(fd, to, room);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw Error(fmt::format("cannot read {}: {}", name, std::strerror(errno)));
    }
  }

  // Reads the first bytes and decides by them.
  void sniff() {
    packed = std::make_unique<char[]>(block);
    while (packed_end < kZstdMagic.size()) {
      const std::size_t got = read_raw(packed.get() + packed_end, block - packed_end);
      if (got == 0) break;
      packed_end += got;
    }
    const std::string_view head(packed.get(), packed_end);
    if (head.starts_with(kByteOrderMark)) packed_begin = kByteOrderMark.size();
    if (head.starts_with(kZstdMagic)) {
      zstd = ZSTD_createDStream();
      if (!zstd) throw Error("no memory for decompression");
    }
    if (head.starts_with(kGzipMagic)) {
      gzip = std::make_unique<z_stream>();
      constexpr int kGzipWindow = 15 + 16;  // zlib.h, inflateInit2(): the largest, of the format of gzip
      if (inflateInit2(gzip.get(), kGzipWindow) != Z_OK) throw Error("no memory for decompression");
    }
  }

  void refill() {
    if (packed_begin != packed_end || drained) return;
    packed_begin = 0;
    packed_end = read_raw(packed.get(), block);
    drained = packed_end == 0;
  }

  // As read(). Members may follow each other, as frames of zstd may.
  std::size_t read_gzip(char* to, std::size_t room, bool& cut) {
    gzip->next_out = reinterpret_cast<Bytef*>(to);
    gzip->avail_out = static_cast<uInt>(std::min<std::size_t>(room, 1u << 30));
    const auto given = [&] { return static_cast<std::size_t>(reinterpret_cast<char*>(gzip->next_out) - to); };
    while (given() == 0) {
      refill();
      if (drained && frame_done) return 0;
      if (frame_done) inflateReset(gzip.get());
      gzip->next_in = reinterpret_cast<Bytef*>(packed.get() + packed_begin);
      gzip->avail_in = static_cast<uInt>(packed_end - packed_begin);
      const int result = inflate(gzip.get(), Z_NO_FLUSH);
      packed_begin = packed_end - gzip->avail_in;
      frame_done = result == Z_STREAM_END;
      if (!frame_done && result != Z_OK && result != Z_BUF_ERROR)
        throw Error(fmt::format("{}: the compressed data are damaged ({})", name, gzip->msg ? gzip->msg : "gzip"));
      if (drained && given() == 0 && !frame_done) {
        cut = true;
        return 0;
      }
    }
    return given();
  }

  // 0 at the end. Sets `cut` when the compressed data end within a frame.
  std::size_t read(char* to, std::size_t room, bool& cut) {
    if (gzip) return read_gzip(to, room, cut);
    if (!zstd) {
      if (packed_begin == packed_end) return read_raw(to, room);
      const std::size_t got = std::min(room, packed_end - packed_begin);  // what sniff() has read
      std::memcpy(to, packed.get() + packed_begin, got);
      packed_begin += got;
      return got;
    }
    ZSTD_outBuffer out{to, room, 0};
    while (out.pos == 0) {
      refill();
      if (drained && frame_done) return 0;
      ZSTD_inBuffer in{packed.get() + packed_begin, packed_end - packed_begin, 0};
      const std::size_t hint = ZSTD_decompressStream(zstd, &out, &in);
      if (ZSTD_isError(hint))
        throw Error(fmt::format("{}: the compressed data are damaged ({})", name, ZSTD_getErrorName(hint)));
      packed_begin += in.pos;
      frame_done = hint == 0;  // the next byte, if there is one, begins another frame
      if (drained && out.pos == 0 && !frame_done) {
        cut = true;
        return 0;
      }
    }
    return out.pos;
  }

  std::string name;
  std::size_t block;
  int fd = -1;
  std::unique_ptr<char[]> packed;
  std::size_t packed_begin = 0, packed_end = 0;
  ZSTD_DStream* zstd = nullptr;
  std::unique_ptr<z_stream> gzip;
  bool drained = false;  // the file has no more bytes
  bool frame_done = false;
};

LineInput::LineInput(const std::string& path, std::size_t block) : name_(path == "-" ? "standard input" : path) {
  source_ = std::make_unique<Source>(name_, block);
  source_->fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source_->fd < 0) throw Error(fmt::format("cannot open {}: {}", name_, std::strerror(errno)));
  source_->sniff();
  capacity_ = block;
  buffer_ = std::make_unique<char[]>(capacity_ + kPadding);
}

LineInput::~LineInput() = default;

bool LineInput::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) {
    if (capacity_ >= kLongestLine)
      throw Error(fmt::format("{}, line {}: longer than {} bytes; a trace has no such lines", name_, number_ + 1,
                              kLongestLine));
    const std::size_t larger = capacity_ * 2;
    auto moved = std::make_unique<char[]>(larger + kPadding);
    std::memcpy(moved.get(), buffer_.get(), end_);
    buffer_ = std::move(moved);
    capacity_ = larger;
  }
  const std::size_t got = source_->read(buffer_.get() + end_, capacity_ - end_, cut_);
  end_ += got;
  at_end_ = got == 0;
  return !at_end_;
}

std::string_view LineInput::peek(std::size_t most) {
  for (;;) {
    const std::string_view text(buffer_.get() + begin_, std::min(most, end_ - begin_));
    if (text.size() == most || text.find('\n') != text.npos || !fill()) return text;
  }
}

bool LineInput::next(std::string_view& line) {
  std::size_t searched = 0;  // bytes behind begin_ that hold no newline
  for (;;) {
    const char* from = buffer_.get() + begin_;
    const void* newline = std::memchr(from + searched, '\n', end_ - begin_ - searched);
    if (newline) {
      line = std::string_view(from, static_cast<std::size_t>(static_cast<const char*>(newline) - from));
      begin_ += line.size() + 1;
      whole_ = true;
      ++number_;
      return true;
    }
    searched = end_ - begin_;
    if (fill()) continue;
    if (begin_ == end_) return false;
    line = std::string_view(buffer_.get() + begin_, end_ - begin_);
    begin_ = end_;
    whole_ = false;
    ++number_;
    return true;
  }
}

}  // namespace nstrace::trace
