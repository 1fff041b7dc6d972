// SPDX-License-Identifier: MIT
// Lines: a trace as strace writes it, one line for each call, with what strace cannot know behind it: the namespaces
// that a call has led into.
//     [pid 2558510<runc:[1:CHILD]>] 08:06:15 unshare(CLONE_NEWNS|CLONE_NEWPID) = 0 (mnt:[4026532567], ...)
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "trace/sink.h"
#include "trace/text.h"

namespace nstrace::report {

struct LineOptions {
  enum class Clock { None, Seconds, Microseconds, Unix, Relative };
  Clock clock = Clock::Seconds;  // the begin of the call, in local time, as strace -t
  bool durations = false;        // <0.000042> behind the result, as strace -T
  std::size_t string_limit = trace::kNoLimit;
  std::vector<std::string> calls;  // names of the calls to print; empty = all
  std::string results = "all";     // "all", "successful", "failed"
  bool exits = true;               // +++ exited with 0 +++
  bool renames = true;             // --- comm ... ---
  bool threads = false;            // the making and the end of threads too
  bool notes = true;               // namespaces behind the result
  bool inner_pids = false;         // [pid 511<sleep>/1]: the number in its own pid namespace too
  bool fold = false;               // runs of the same call with other arguments in one line, x27 behind it
  bool color = false;
  int width = 0;  // columns to wrap at, with an indent; 0 = exactly one line for each call
};

class LinePrinter : public trace::Sink {
 public:
  // `write` gets whole lines, each with its newline.
  LinePrinter(LineOptions options, std::function<void(std::string_view)> write);

  void header(const trace::Header& header) override;
  void existing(const trace::Existing& process) override;
  void event(const trace::Event& event) override;
  void footer(const trace::Footer& footer) override;

 private:
  struct Folded {
    std::string head, line;  // what must be the same; the first line, without its newline
    int tid = 0;
    std::uint64_t count = 0;
  };
  bool wanted(const trace::Event& event) const;
  std::string prefix(const trace::Event& event);
  std::string call_part(const trace::Event& event) const;
  std::string note(const trace::Event& event) const;
  const trace::NsSet* before(const trace::Who& who) const;
  void remember(const trace::Event& event);
  void put(const std::string& line);
  void flush_folded();

  LineOptions options_;
  std::function<void(std::string_view)> write_;
  std::unordered_set<std::string> calls_;
  std::unordered_map<int, trace::NsSet> ns_;  // by tid; of a thread not yet seen, its process's
  std::uint64_t start_realtime_ = 0;
  trace::Time previous_ = 0;
  Folded folded_;
};

// "431 events, 0 lost", or "431 events, 12 LOST (ring buffer full: 12)".
std::string footer_text(const trace::Footer& footer);

}  // namespace nstrace::report
