// SPDX-License-Identifier: MIT
// Lines become items: calls that strace broke in two are put together, times become times since the log's first line,
// and a line without a pid gets the one that it must be of. Internal to the importer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "trace/import_line.h"
#include "trace/import_tasks.h"
#include "trace/import_window.h"

namespace nstrace::trace::log {

// A process that no log knows: PID_MAX_LIMIT (include/linux/threads.h) and above are no pids.
inline constexpr int kNoPid = 4194304;

// What the beginning of a log tells about all of it.
struct Preview {
  int main_pid = kNoPid;   // of lines without a pid: the process that strace started
  bool durations = false;  // -T
  bool times = false;      // lines bear times that can be compared
  Clock clock = Clock::None;
  std::int64_t first_stamp = 0;  // of the first line that has one
};
Preview preview(std::string_view head);

class Lines {
 public:
  Lines(Window& window, const Preview& preview) : window_(window), clock_(preview), main_(preview.main_pid) {}

  // pid: of the file that the line is from (-ff), 0 = none. number: of the line, for messages.
  void line(std::string_view text, std::uint64_t number, int pid = 0);
  void finish();
  std::uint64_t unread() const { return unread_; }

 private:
  // Times of lines, as nanoseconds since the first.
  class Clockwork {
   public:
    explicit Clockwork(const Preview& preview) : preview_(preview) {}
    Time of(const Line& line, std::uint64_t number);

   private:
    Preview preview_;
    Time sum_ = 0;          // of relative times
    std::int64_t day_ = 0;  // days passed, of times of day
    std::int64_t last_ = INT64_MIN;
  };
  // A call that has begun.
  struct Begun {
    std::string text, comm, name;
    std::string_view mark;  // of its last line, see Line
    Time start = 0;
    std::uint64_t line = 0;
    bool creates = false;
  };

  void take(const Line& line, std::uint64_t number);
  bool join(std::string_view text, std::uint64_t number, int pid);
  int pid_of(const Line& line);
  void complete(Item& item, std::string_view text);
  void unfinished(const Line& line, Item& item);
  void resumed(const Line& line, Item& item);
  void drop(int pid, const Item& at);
  Begun& end(std::unordered_map<int, Begun>::iterator call);
  void unread(std::string_view text, std::uint64_t number);

  Window& window_;
  Clockwork clock_;
  int main_;
  bool brackets_ = false;           // "[pid 12]" stands only while there is more than one task
  std::unordered_set<int> living_;  // then: who there is
  std::unordered_map<int, Begun> begun_;
  std::unordered_map<int, Begun>::node_type ended_;  // the last that went out of there: its memory is used again
  std::size_t creating_ = 0;                         // of those: how many make processes
  std::string partial_;                              // a line whose rest is the next one
  std::uint64_t partial_number_ = 0;
  int file_pid_ = 0;
  Time now_ = 0;
  std::uint64_t unread_ = 0;
  std::string scratch_;
};

}  // namespace nstrace::trace::log
