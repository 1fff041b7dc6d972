// SPDX-License-Identifier: MIT
// The trace file: JSON Lines. A header, the processes that existed before, events in final order, a footer.
// Every line stands alone and begins with "type". docs: src/trace/FORMAT.md, schema: src/trace/schema.json.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/json_buffer.h"
#include "trace/sink.h"

namespace nstrace::trace {

class LineInput;

// Writes each piece as one line through `write` (which throws Error when it cannot).
class JsonWriter : public Sink {
 public:
  explicit JsonWriter(std::function<void(std::string_view)> write);
  void header(const Header&) override;
  void existing(const Existing&) override;
  void event(const Event&) override;
  void footer(const Footer&) override;

 private:
  void who(const Who& who);

  // What was written of tasks, by their tid: most events are of one whose last event had the same.
  struct Written {
    Who who;
    std::string text;
  };
  std::function<void(std::string_view)> write_;
  JsonBuffer line_;
  std::array<Written, 64> written_;
};

struct ReadReport {
  bool complete = false;       // a footer was there
  std::uint64_t lines = 0;     // whole lines read
  std::uint64_t unknown = 0;   // lines of a type that this version does not know
  bool log = false;            // it was a strace log
  std::uint64_t unread = 0;    // of a log: lines that could not be read
  std::vector<std::string> unread_where;  // the first of them: "line 17", "trace.812, line 17"
  std::string incomplete_why;  // "the last line is cut off", "the compressed data are cut off", "there is no footer"
};

// Reads a trace from a file, or from stdin for "-", into `sink`, streaming. Told apart by content: JSON Lines, a log of
// strace (see import.h), or either compressed with zstd; a name that is no file but the PREFIX of `strace -ff -o PREFIX`
// is all of its files. Throws Error with a sentence for what is unreadable, empty, foreign or of another version;
// a file that ends early is read to its last whole line.
ReadReport read_trace(const std::string& path, Sink& sink);
ReadReport read_trace(LineInput& input, Sink& sink);  // the same, of an input that was looked at already

// The whole of a trace in memory, for what needs to look at it more than once.
struct Trace {
  Header header;
  std::vector<Existing> existing;
  std::vector<Event> events;
  std::optional<Footer> footer;
  ReadReport report;
};
Trace load_trace(const std::string& path);

}  // namespace nstrace::trace
