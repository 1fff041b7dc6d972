// SPDX-License-Identifier: MIT
// A log of strace, given as text, as a trace; and a trace as lines.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/lines.h"
#include "tests/catch.h"
#include "trace/file.h"
#include "trace/text.h"

namespace nstrace::testing {

class TempLog {
 public:
  explicit TempLog(std::string_view bytes) {
    char name[] = "/tmp/nstrace-import-test-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempLog() { std::filesystem::remove(path_); }
  TempLog(const TempLog&) = delete;
  TempLog& operator=(const TempLog&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline trace::Trace imported(std::string_view log) {
  const TempLog file(log);
  return trace::load_trace(file.path());
}

// The lines that show prints of a trace, all of them.
inline std::string lines_of(const trace::Trace& trace, report::LineOptions options = {}) {
  std::string text;
  options.stamp = report::Stamp::None;
  report::LinePrinter printer([&](std::string_view line) { text += line; }, std::move(options));
  printer.header(trace.header);
  for (const trace::Event& event : trace.events) printer.event(event);
  if (trace.footer) printer.footer(*trace.footer);
  return text;
}

inline std::vector<std::string> calls_of(const trace::Trace& trace) {
  std::vector<std::string> all;
  for (const trace::Event& event : trace.events)
    if (!event.call.name.empty())
      all.push_back(
          fmt::format("{} {} = {}", event.who.tid, trace::call_text(event.call), trace::result_text(event.call)));
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace nstrace::testing
