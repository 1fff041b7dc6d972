// SPDX-License-Identifier: MIT
// A line from left to right: "[pid 12<comm>] 08:06:15 (+ 0.000123) [  59] [00007f...] " and then what happened.
// strace prints each of these only where it was asked to, and all versions in this order.
#include "trace/import_line.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "trace/import_scan.h"

namespace nstrace::trace::log {
namespace {

constexpr int kPidLimit = 4194304;  // include/linux/threads.h, PID_MAX_LIMIT
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongAgo = 100'000'000;  // seconds: what is less is no time since 1970 but a relative one
constexpr char kUnfinished[] = " <unfinished ...>";
constexpr char kDetached[] = " <detached ...>";
constexpr char kPidChanged[] = " <pid changed to ";  // an execve by a thread other than the leader

// A line, and how far it is read.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  char now() const { return at < text.size() ? text[at] : '\0'; }
  std::string_view rest() const { return {text.data() + at, text.size() - at}; }
  template <std::size_t N>
  bool take(const char (&word)[N]) {
    if (!begins(rest(), word)) return false;
    at += N - 1;
    return true;
  }
  void blanks() {
    while (now() == ' ') ++at;
  }
  std::size_t digits_ahead() const {
    std::size_t end = at;
    while (end < text.size() && digit(text[end])) ++end;
    return end - at;
  }
  // The number at hand; -1 if there is none, or it is larger than `limit`.
  std::int64_t number(std::int64_t limit) {
    const std::size_t size = digits_ahead();
    if (size == 0 || size > 18) return -1;
    std::int64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value * 10 + (text[at + i] - '0');
    if (value > limit) return -1;
    at += size;
    return value;
  }
  // ".123456": nanoseconds; 0 if there is no fraction.
  std::int64_t fraction() {
    if (now() != '.') return 0;
    const std::size_t from = ++at;
    std::int64_t value = 0;
    for (; digit(now()); ++at)
      if (at - from < 9) value = value * 10 + (text[at] - '0');
    if (at != from) return value * worth_at(std::min<std::size_t>(at - from, 9));
    --at;
    return 0;
  }
};

// "<comm>", up to a bracket that is not escaped; strace writes those of the comm itself in octal.
std::string_view take_comm(Cursor& c) {
  const std::size_t end = c.text.find('>', c.at);
  if (c.now() != '<' || end == std::string_view::npos) return {};
  const std::string_view comm = c.text.substr(c.at + 1, end - c.at - 1);
  c.at = end + 1;
  return comm;
}

void take_pid(Cursor& c, Line& line) {
  const std::size_t begin = c.at;
  const bool bracket = c.take("[pid ");
  c.blanks();
  if (!bracket && begin != c.at) {  // a column of -r is indented, a pid is not
    c.at = begin;
    return;
  }
  const std::int64_t pid = c.number(kPidLimit);
  if (pid > 0) {
    const std::string_view comm = take_comm(c);
    if (bracket ? c.take("]") : c.now() == ' ') {
      line.pid = static_cast<int>(pid);
      line.comm = comm;
      return;
    }
  }
  c.at = begin;
}

bool two_digits(std::string_view s, std::size_t at) {
  return digit(s[at]) && digit(s[at + 1]);
}

void take_times(Cursor& c, Line& line) {
  for (;;) {
    c.blanks();
    const std::size_t begin = c.at;
    const std::string_view rest = c.rest();
    if (c.take("(+")) {
      c.blanks();
      const std::int64_t seconds = c.number(kLongAgo);
      const std::int64_t part = c.fraction();
      if (seconds >= 0 && c.take(")")) {
        line.relative = seconds * kSecond + part;
        continue;
      }
      c.at = begin;
      return;
    }
    if (!digit(c.now())) return;
    if (rest.size() > 8 && rest[2] == ':' && rest[5] == ':' && two_digits(rest, 0) && two_digits(rest, 3) &&
        two_digits(rest, 6)) {
      const auto two = [&](std::size_t at) { return (rest[at] - '0') * 10 + (rest[at + 1] - '0'); };
      c.at += 8;
      line.stamp = (two(0) * 3600 + two(3) * 60 + two(6)) * kSecond + c.fraction();
      line.clock = Clock::Day;
    } else {
      const std::int64_t seconds = c.number(INT64_MAX / kSecond / 2);
      const bool whole = c.now() != '.';
      const std::int64_t ns = seconds * kSecond + c.fraction();
      if (seconds < 0 || c.now() != ' ' || (whole && seconds < kLongAgo)) {
        c.at = begin;
        return;
      }
      if (seconds < kLongAgo) {
        line.relative = ns;
      } else {
        line.stamp = ns;
        line.clock = Clock::Unix;
      }
    }
    if (c.now() != ' ') {
      c.at = begin;
      return;
    }
  }
}

// "[  59] " (-n), "[00007f3a634ffad7] " (-i), "[????????????????] ".
void take_boxes(Cursor& c) {
  for (;;) {
    c.blanks();
    if (c.now() != '[') return;
    std::size_t end = c.at + 1;
    while (end < c.text.size() && (digit(c.text[end]) || (c.text[end] >= 'a' && c.text[end] <= 'f') ||
                                   c.text[end] == ' ' || c.text[end] == '?' || c.text[end] == 'x'))
      ++end;
    if (end == c.at + 1 || c.text.compare(end, 2, "] ") != 0) return;
    c.at = end + 2;
  }
}

// "Process 12 attached", "Process 12 attached with 3 threads", "[ Process PID=12 runs in 32 bit mode. ]", "strace: ..."
bool own_words(std::string_view text, Line& line) {
  if (begins(text, "strace: ")) {
    line.kind = Line::Kind::Note;
    text.remove_prefix(8);
  }
  if (begins(text, "[ Process PID=")) line.kind = Line::Kind::Note;
  if (begins(text, "Process ")) {
    Cursor c{text, 8};
    const std::int64_t pid = c.number(kPidLimit);
    if (pid <= 0) return line.kind == Line::Kind::Note;
    take_comm(c);
    const bool stays = c.take(" detached") || c.take(" resumed") || c.take(" suspended");
    const bool attached = c.take(" attached");
    if (attached || stays) {
      line.kind = attached ? Line::Kind::Attached : Line::Kind::Note;
      line.other = static_cast<int>(pid);
    }
  }
  return line.kind != Line::Kind::Unread;
}

// What -e read=all and -e write=all print below a call: " | 00000  7f 45 4c 46 ... |", and above it for each of several
// buffers, " * 12 bytes in buffer 0".
bool of_a_dump(std::string_view text) {
  if (begins(text, " | ")) return text.size() > 8 && digit(text[3]) && digit(text[7]);
  return begins(text, " * ") && text.find(" bytes in buffer ") != std::string_view::npos;
}

// The table that -c and -C print at the end: "% time     seconds", "------ -----------", and for each call some
// numbers, one of which at least is no whole one, and its name.
bool of_a_table(std::string_view text) {
  if (text.starts_with("% time ") || text.starts_with("System call usage summary for ")) return true;
  if (text.find_first_not_of("- ") == std::string_view::npos) return text.starts_with("------ ");
  int numbers = 0;
  bool parts = false;
  for (Cursor c{text};; c.blanks()) {
    c.blanks();
    const std::size_t from = c.at;
    while (digit(c.now()) || c.now() == '.') ++c.at;
    if (c.at == from) {
      while (of_name(c.now())) ++c.at;
      return c.at > from && c.at == text.size() && numbers >= 2 && parts;
    }
    if (c.now() != ' ') return false;
    ++numbers;
    parts |= text.substr(from, c.at - from).find('.') != std::string_view::npos;
  }
}

void take_end(Cursor& c, Line& line) {
  if (c.take("exited with ")) {
    const std::int64_t code = c.number(255);
    if (code < 0 || c.rest() != " +++") return;
    line.code = static_cast<int>(code);
    line.kind = Line::Kind::Exited;
  } else if (c.take("killed by ")) {
    const std::size_t end = c.text.find(' ', c.at);
    if (end == std::string_view::npos) return;
    line.name = c.text.substr(c.at, end - c.at);
    c.at = end;
    line.core = c.take(" (core dumped)");
    if (c.rest() == " +++") line.kind = Line::Kind::Killed;
  } else if (c.take("superseded by execve in pid ")) {
    const std::int64_t pid = c.number(kPidLimit);
    if (pid <= 0) return;
    line.other = static_cast<int>(pid);
    line.kind = Line::Kind::Superseded;
  }
}

void take_resumed(Cursor& c, Line& line) {
  const std::size_t end = c.text.find(" resumed>", c.at);
  if (end == std::string_view::npos) return;
  line.name = c.text.substr(c.at, end - c.at);
  line.body = c.text.substr(end + 9);
  line.kind = Line::Kind::Resumed;
  if (ends(line.body, kUnfinished)) {
    line.body.remove_suffix(std::size(kUnfinished) - 1);
    line.mark = kUnfinished + 1;
    line.kind = Line::Kind::ResumedUnfinished;
  }
}

void take_call(Cursor& c, Line& line) {
  const std::string_view text = c.rest();
  std::size_t end = 0;
  while (end < text.size() && (of_name(text[end]) || text[end] == '?')) ++end;
  if (end == 0 || digit(text[0]) || end == text.size() || text[end] != '(') return;
  line.name = text.substr(0, end);
  line.body = text;
  line.kind = Line::Kind::Call;
  if (!ends(text, " ...>")) return;
  const std::size_t angle = last(text, '<');
  const bool changed = angle != npos && angle > 0 && begins(text.substr(angle - 1), kPidChanged);
  const bool detached = ends(text, kDetached);
  if (changed)
    line.body = text.substr(0, angle - 1);
  else if (detached || ends(text, kUnfinished))
    line.body.remove_suffix((detached ? std::size(kDetached) : std::size(kUnfinished)) - 1);
  else
    return;
  line.mark = (detached ? kDetached : kUnfinished) + 1;
  line.kind = Line::Kind::Unfinished;
}

}  // namespace

Line parse_line(std::string_view text) {
  Line line;
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  if (text.empty() || begins(text, " > ") || of_a_dump(text)) {
    line.kind = Line::Kind::Note;
    return line;
  }
  if (own_words(text, line)) return line;
  Cursor c{text};
  take_pid(c, line);
  take_times(c, line);
  if (own_words(c.rest(), line)) return line;
  take_boxes(c);
  if (c.take("<... ")) {
    take_resumed(c, line);
  } else if (c.take("+++ ")) {
    take_end(c, line);
  } else if (c.take("--- ")) {
    if (!ends(text, " ---") || c.at + 4 > text.size()) return line;
    line.body = text.substr(c.at, text.size() - 4 - c.at);
    line.name = line.body.substr(0, line.body.find(' '));
    line.kind = Line::Kind::Signal;
  } else {
    take_call(c, line);
    if (line.kind == Line::Kind::Unread && of_a_table(text)) line.kind = Line::Kind::Note;
  }
  return line;
}

std::optional<std::string_view> interrupted(std::string_view line) {
  if (!ends(line, " attached")) return std::nullopt;
  const std::size_t at = line.rfind("strace: Process ");
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  return line.substr(0, at);
}

int pid_of_name(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == path.size()) return 0;
  Cursor c{path, dot + 1};
  const std::int64_t pid = c.number(kPidLimit);
  return pid > 0 && c.at == path.size() ? static_cast<int>(pid) : 0;
}

}  // namespace nstrace::trace::log
