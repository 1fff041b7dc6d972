// SPDX-License-Identifier: MIT
#include "cli/zstd_output.h"

#include <fmt/format.h>
#include <zstd.h>

#include "trace/error.h"

namespace nstrace::cli {

ZstdOutput::ZstdOutput(std::unique_ptr<Output> output)
    : output_(std::move(output)),
      context_(ZSTD_createCCtx(), [](ZSTD_CCtx* context) { ZSTD_freeCCtx(context); }),
      buffer_(ZSTD_CStreamOutSize()) {}

ZstdOutput::~ZstdOutput() = default;

void ZstdOutput::write(std::string_view text) {
  compress(text, false);
}

void ZstdOutput::finish() {
  compress({}, true);
  output_->flush();
}

void ZstdOutput::compress(std::string_view text, bool end) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) throw Error(fmt::format("cannot compress: {}", ZSTD_getErrorName(left)));
    output_->write({buffer_.data(), out.pos});
    if (end ? left == 0 : in.pos == in.size) return;
  }
}

}  // namespace nstrace::cli
