// SPDX-License-Identifier: MIT
#include "cli/recording.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace nstrace::cli {
namespace {

// Passes on, and remembers what a footer would have said.
class Watching : public trace::Sink {
 public:
  explicit Watching(trace::Sink& sink) : sink_(sink) {}
  void header(const trace::Header& header) override { sink_.header(header); }
  void existing(const trace::Existing& process) override { sink_.existing(process); }
  void event(const trace::Event& event) override {
    ++events;
    if (const auto* loss = event.as<trace::Lost>()) lost += loss->count;
    sink_.event(event);
  }
  void footer(const trace::Footer& footer) override { sink_.footer(footer); }

  std::uint64_t events = 0, lost = 0;

 private:
  trace::Sink& sink_;
};

}  // namespace

void say_what_is_wrong(const std::string& path, const trace::ReadReport& report) {
  if (!report.complete)
    tell(fmt::format("{} is incomplete: {}", path == "-" ? "the trace" : path, report.incomplete_why));
  if (report.unknown)
    tell(fmt::format("{} {} of a kind that this version does not know {} left out", report.unknown,
                     report.unknown == 1 ? "line" : "lines", report.unknown == 1 ? "was" : "were"));
  if (report.unread) {
    std::string where;
    for (const std::string& one : report.unread_where) where += (where.empty() ? "" : ", ") + one;
    tell(fmt::format("{} {} of the log could not be read and {} kept as lost: {}{}", report.unread,
                     report.unread == 1 ? "line" : "lines", report.unread == 1 ? "is" : "are", where,
                     report.unread > report.unread_where.size() ? ", ..." : ""));
  }
  if (report.log && !report.incomplete_why.empty() && report.complete)
    tell(fmt::format("the log is incomplete: {}", report.incomplete_why));
}

trace::ReadReport read_recording(const std::string& path, trace::Sink& sink) {
  Watching watching(sink);
  const trace::ReadReport report = trace::read_trace(path, watching);
  if (!report.complete) {
    trace::Footer footer;
    footer.events = watching.events;
    footer.lost = watching.lost;
    footer.end = "cut off";
    sink.footer(footer);
  }
  say_what_is_wrong(path, report);
  return report;
}

trace::ReadReport read_trace_for_check(const std::string& path, trace::Sink& sink) {
  const trace::ReadReport report = trace::read_trace(path, sink);
  say_what_is_wrong(path, report);
  return report;
}

trace::Trace load_trace(const std::string& path) {
  struct Keep : trace::Sink {
    trace::Trace trace;
    void header(const trace::Header& header) override { trace.header = header; }
    void existing(const trace::Existing& process) override { trace.existing.push_back(process); }
    void event(const trace::Event& event) override { trace.events.push_back(event); }
    void footer(const trace::Footer& footer) override { trace.footer = footer; }
  } keep;
  keep.trace.report = read_trace_for_check(path, keep);
  return std::move(keep.trace);
}

}  // namespace nstrace::cli
