// SPDX-License-Identifier: MIT
// One line of a strace log taken apart: who, when, and which sort of line it is. Internal to the importer. Nothing is
// copied: the views point into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nstrace::trace::log {

// When a line says that it was. Seconds of the day have no date, relative ones no beginning.
enum class Clock : std::uint8_t { None, Day, Unix, Relative };

struct Line {
  enum class Kind : std::uint8_t {
    Call,               // body = "name(args) = result <0.000012>", or what looks like its beginning
    Unfinished,         // body = "name(args", name; the rest comes later
    Resumed,            // body = the rest: "args) = result"; name
    ResumedUnfinished,  // body = more of the arguments, and still no end
    Signal,             // body = "SIGCHLD {si_signo=...}"
    Exited,             // code
    Killed,             // name = the signal, core
    Superseded,         // other = the thread whose execve took this one's place
    Attached,           // other = a process that strace follows from here on
    Note,               // what strace says of itself, a frame of a stack trace (-k), a dump of bytes (-e read=...),
                        // a line of a table (-c), or nothing
    Unread,
  };
  Kind kind = Kind::Unread;
  int pid = 0;            // 0 = the line does not say
  std::string_view comm;  // as in the log, escaped; empty = the line does not say
  Clock clock = Clock::None;
  std::int64_t stamp = 0;                // ns, in the meaning of `clock`
  std::optional<std::int64_t> relative;  // ns since the line before (-r)
  std::string_view name;
  std::string_view body;
  std::string_view mark;  // of an unfinished call: "<unfinished ...>" or "<detached ...>"
  int code = 0;
  int other = 0;
  bool core = false;
};

// `line` without its newline.
Line parse_line(std::string_view line);

// Where strace's message that it follows a new process stands inside of a line of another one ("clone(flags=0strace:
// Process 12 attached"): the beginning of the call. What it goes on with is the next line.
std::optional<std::string_view> interrupted(std::string_view line);

// The pid that a file of `strace -ff -o PREFIX` bears at its end: "PREFIX.1234"; 0 if none.
int pid_of_name(std::string_view path);

}  // namespace nstrace::trace::log
