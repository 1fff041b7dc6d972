// SPDX-License-Identifier: MIT
// ZstdOutput: text into an Output, compressed in frames that can be read up to a cut.
#pragma once

#include <zstd.h>

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "cli/output.h"

namespace nstrace::cli {

class ZstdOutput {
 public:
  explicit ZstdOutput(std::unique_ptr<Output> output);
  ~ZstdOutput();
  // Nothing is held back for longer than a second while text keeps coming, as in Output.
  void write(std::string_view text);
  void flush();   // what was written can be read from the file
  void finish();  // ends the frame and flushes

 private:
  void compress(std::string_view text, ZSTD_EndDirective how);
  std::unique_ptr<Output> output_;
  std::unique_ptr<ZSTD_CCtx, void (*)(ZSTD_CCtx*)> context_;
  std::vector<char> buffer_;
  bool held_back_ = false;  // the compressor may have text that it has not given
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

}  // namespace nstrace::cli
