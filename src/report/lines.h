// SPDX-License-Identifier: MIT
// LinePrinter: each event as one line, as strace writes it:
//
//   [pid 2558511<runc:[2:INIT]>] 08:06:15 pivot_root(".", ".") = 0
//
// What happens to a process outside of a call stands in strace's marks: "+++ exited with 0 +++", "--- comm ... ---".
// Bytes of traced processes come out escaped: no control character reaches the output but the newline (and, with
// colour, the palette's own sequences).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "report/line_options.h"
#include "report/ns_notes.h"
#include "report/pid_notes.h"
#include "report/styled_line.h"
#include "trace/sink.h"

namespace nstrace::report {

class LinePrinter : public trace::Sink {
 public:
  // write: takes whole lines, with their newlines.
  // pids: those of a printer that sees all events, where this one sees some; kept by the caller.
  explicit LinePrinter(std::function<void(std::string_view)> write, LineOptions options = {},
                       std::shared_ptr<const PidNotes> pids = nullptr);

  void header(const trace::Header& header) override;
  void existing(const trace::Existing& process) override;
  void event(const trace::Event& event) override;
  void footer(const trace::Footer& footer) override;  // prints nothing of its own, see footer_text()

  // Prints what is held back because more of the same may follow (LineOptions::fold). For a live trace to call when
  // nothing has come for a while.
  void flush();

 protected:
  // Goes behind the line of the next event, if that has one: "pivot_root(...) = 0  # the files become its root".
  void remark(std::string words) { remark_ = std::move(words); }

 private:
  // Calls of one task that differ in arguments only; printed when something else comes.
  struct Repeats {
    std::uint64_t count = 0;
    std::string key;
    StyledLine first;               // as it would stand alone
    StyledLine head;                // who and when
    std::string call;               // name
    std::vector<std::string> args;  // what they begin with in common
    std::string result;             // empty: they differ
    std::string remark;
  };

  struct Wanted;
  bool wanted_name(std::string_view call) const;
  void add_line(const trace::Event& event, const std::string& note, const std::string& remark);
  void print(StyledLine line, const std::string& remark);
  StyledLine head(const trace::Event& event);
  void hold(const trace::Event& event, std::string key, StyledLine head, StyledLine line);

  std::function<void(std::string_view)> write_;
  LineOptions options_;  // calls: sorted
  NsNotes notes_;
  std::shared_ptr<PidNotes> own_pids_;  // only where they are to be decoded, and nobody else keeps them
  std::shared_ptr<const PidNotes> pids_;
  std::uint64_t start_realtime_ = 0;
  std::uint64_t start_of_day_ = 0;
  bool durations_known_ = true;
  bool any_line_ = false;
  trace::Time previous_ = 0;  // begin of the line before
  Repeats repeats_;
  std::string remark_;
};

// "431 events, 0 lost", "431 events, 12 LOST (ring buffer full: 12)"; without a newline.
std::string footer_text(const trace::Footer& footer);

}  // namespace nstrace::report
