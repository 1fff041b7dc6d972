// SPDX-License-Identifier: MIT
// ZstdOutput: text into an Output, compressed in frames that can be read up to a cut.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "cli/output.h"

typedef struct ZSTD_CCtx_s ZSTD_CCtx;

namespace nstrace::cli {

class ZstdOutput {
 public:
  explicit ZstdOutput(std::unique_ptr<Output> output);
  ~ZstdOutput();
  void write(std::string_view text);
  void finish();  // ends the frame and flushes

 private:
  void compress(std::string_view text, bool end);
  std::unique_ptr<Output> output_;
  std::unique_ptr<ZSTD_CCtx, void (*)(ZSTD_CCtx*)> context_;
  std::vector<char> buffer_;
};

}  // namespace nstrace::cli
