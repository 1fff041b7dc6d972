// SPDX-License-Identifier: MIT
// The reader of trace files, line by line (file_line), and of logs of strace (import).
#include <fmt/format.h>
#include <unistd.h>

#include "trace/error.h"
#include "trace/file.h"
#include "trace/file_line.h"
#include "trace/import.h"
#include "trace/input.h"

namespace nstrace::trace {
namespace {

constexpr std::size_t kPeek = 64 << 10;  // bytes by which a strace log is told from other files
constexpr std::string_view kHeaderBegin = "{\"type\":\"header\"";
constexpr std::string_view kOurHeaderBegin = "{\"type\":\"header\",\"format\":\"nstrace\"";

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == line.npos;
}

// Whole input in memory.
class Collector : public Sink {
 public:
  explicit Collector(Trace& trace) : trace_(trace) {}
  void header(const Header& header) override { trace_.header = header; }
  void existing(const Existing& process) override { trace_.existing.push_back(process); }
  void event(const Event& event) override { trace_.events.push_back(event); }
  void footer(const Footer& footer) override { trace_.footer = footer; }

 private:
  Trace& trace_;
};

}  // namespace

ReadReport read_trace(LineInput& input, Sink& sink) {
  if (looks_like_strace(input.peek(kPeek))) return import_strace(input, sink);
  ReadReport report;
  LineParser parser(input, sink);
  std::string_view line;
  while (input.next(line)) {
    if (blank(line)) continue;
    try {
      if (!parser.parse(line)) ++report.unknown;
      ++report.lines;
    } catch (const NotATrace&) {
      if (!input.whole() && line.substr(0, kHeaderBegin.size()) == kHeaderBegin)
        throw Error(fmt::format("{} is cut off within its first line, the header: nothing of the trace is there",
                                input.name()));
      if (line.substr(0, kOurHeaderBegin.size()) == kOurHeaderBegin)
        throw Error(fmt::format("{}, line 1: the header is damaged: {}", input.name(), shown(line)));
      throw Error(fmt::format("{} is neither an nstrace trace nor a log of strace: its first line is {}", input.name(),
                              shown(line)));
    } catch (const BadJson& bad) {
      if (!input.whole()) {
        report.incomplete_why = "the last line is cut off";
        break;
      }
      throw Error(fmt::format("{}, line {}: the file is damaged here: {} ({})", input.name(), input.number(),
                              shown(line), bad.why));
    }
  }
  if (report.lines == 0) {
    if (input.cut())
      throw Error(fmt::format("{} is cut off within its first line: nothing of the trace is there", input.name()));
    throw Error(fmt::format("{} is empty: a trace begins with a header line", input.name()));
  }
  if (input.cut() && report.incomplete_why.empty()) report.incomplete_why = "the compressed data are cut off";
  if (!parser.footer_seen() && report.incomplete_why.empty()) report.incomplete_why = "there is no footer";
  report.complete = parser.footer_seen();
  return report;
}

ReadReport read_trace(const std::string& path, Sink& sink) {
  if (path != "-" && ::access(path.c_str(), F_OK) != 0)
    if (const std::vector<std::string> files = strace_files(path); !files.empty()) return import_strace(files, sink);
  LineInput input(path);
  return read_trace(input, sink);
}

Trace load_trace(const std::string& path) {
  Trace trace;
  Collector collector(trace);
  trace.report = read_trace(path, collector);
  return trace;
}

}  // namespace nstrace::trace
