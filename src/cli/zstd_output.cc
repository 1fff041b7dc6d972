// SPDX-License-Identifier: MIT
#include "cli/zstd_output.h"

#include <fmt/format.h>

#include <utility>

#include "trace/error.h"

namespace nstrace::cli {

ZstdOutput::ZstdOutput(std::unique_ptr<Output> output)
    : output_(std::move(output)),
      context_(ZSTD_createCCtx(), [](ZSTD_CCtx* context) { ZSTD_freeCCtx(context); }),
      buffer_(ZSTD_CStreamOutSize()) {}

ZstdOutput::~ZstdOutput() = default;

void ZstdOutput::write(std::string_view text) {
  held_back_ = true;
  compress(text, ZSTD_e_continue);
  if (std::chrono::steady_clock::now() - flushed_ > std::chrono::seconds(1)) flush();
}

void ZstdOutput::flush() {
  flushed_ = std::chrono::steady_clock::now();
  if (!std::exchange(held_back_, false)) return;
  compress({}, ZSTD_e_flush);
  output_->flush();
}

void ZstdOutput::finish() {
  compress({}, ZSTD_e_end);
  output_->flush();
}

void ZstdOutput::compress(std::string_view text, ZSTD_EndDirective how) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, how);
    if (ZSTD_isError(left)) throw Error(fmt::format("cannot compress: {}", ZSTD_getErrorName(left)));
    output_->write({buffer_.data(), out.pos});
    if (how == ZSTD_e_continue ? in.pos == in.size : left == 0) return;
  }
}

}  // namespace nstrace::cli
