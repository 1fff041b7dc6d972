// SPDX-License-Identifier: MIT
// One walk over the arguments (import_scan), each of which is read on its own (import_arg); then the result.
#include "trace/import_call.h"

#include <algorithm>
#include <iterator>

#include "trace/import_arg.h"
#include "trace/import_names.h"
#include "trace/import_scan.h"
#include "trace/import_table.h"

namespace nstrace::trace::log {
namespace {

// Reads from behind the opening bracket; gives where the closing one stands, npos if it does not.
std::size_t read_args(std::string_view s, std::size_t at, Call& call) {
  const SyscallRow* row = find_row(call.name);
  const Marks marks(s);
  std::size_t count = 0;
  for (;;) {
    while (at < s.size() && s[at] == ' ') ++at;
    const std::size_t end = end_of_value(marks, at);
    if (end == npos || s[end] == ']' || s[end] == '}') {
      call.args.resize(count);
      return npos;
    }
    if (end > at || s[end] == ',' || count) {
      if (count == call.args.size()) call.args.emplace_back();
      read_arg(marks, s.substr(at, end - at), call.args[count], row, count);
      ++count;
    }
    if (s[end] == ')') {
      call.args.resize(count);
      return end;
    }
    at = end + 1;
  }
}

// " <0.000123>" at the end, which is taken off.
std::int64_t take_duration(std::string_view& s) {
  if (s.empty() || s.back() != '>') return -1;
  const std::size_t begin = last(s, '<');
  if (begin == npos || begin == 0 || s[begin - 1] != ' ') return -1;
  const std::string_view inner = s.substr(begin + 1, s.size() - begin - 2);
  if (inner == "unavailable") {
    s = trimmed(s.substr(0, begin));
    return -1;
  }
  std::int64_t seconds = 0, ns = 0;
  std::size_t i = 0;
  if (inner.empty() || inner.size() > 28) return -1;
  for (; i < inner.size() && digit(inner[i]); ++i) {
    if (seconds > 1'000'000'000) return -1;
    seconds = seconds * 10 + (inner[i] - '0');
  }
  if (i == 0 || (i < inner.size() && inner[i] != '.')) return -1;
  for (std::size_t place = 1; ++i < inner.size(); ++place) {
    if (!digit(inner[i])) return -1;
    ns += (inner[i] - '0') * worth_at(place);
  }
  s = trimmed(s.substr(0, begin));
  return seconds * 1'000'000'000 + ns;
}

// "/* 2558511 in strace's PID NS */"
int outer_pid(std::string_view s) {
  static constexpr std::string_view kWords = " in strace's PID NS */";
  if (s.size() < kWords.size() || s.find('*') == npos) return 0;
  const std::size_t at = s.find(kWords);
  if (at == npos) return 0;
  std::size_t begin = at;
  while (begin > 0 && digit(s[begin - 1])) --begin;
  std::int64_t pid = 0;
  return number(s.substr(begin, at - begin), pid) && pid <= INT32_MAX ? static_cast<int>(pid) : 0;
}

// " (INJECTED: args)", " (DELAYED)" at the end, which is taken off: strace has tampered with the call (-e inject).
void take_note(std::string_view& s, std::string& note) {
  std::size_t from = s.size();
  while (from > 0 && s[from - 1] == ')') {
    const std::size_t open = s.substr(0, from).rfind(" (");
    if (open == npos) break;
    const std::string_view words = s.substr(open + 2);
    if (!words.starts_with("INJECTED") && !words.starts_with("DELAYED")) break;
    from = open;
  }
  note.assign(trimmed(s.substr(from)));
  s = trimmed(s.substr(0, from));
}

// What stands behind them in brackets is a comm.
bool gives_pid(std::string_view call) {
  static constexpr std::string_view kCalls[] = {"clone",   "clone3", "fork",           "vfork",   "getpid",
                                                "getppid", "gettid", "getpgid",        "getpgrp", "getsid",
                                                "setsid",  "wait4",  "set_tid_address"};
  return std::ranges::find(kCalls, call) != std::end(kCalls);
}

// "3</etc/passwd>", "5</tmp/x>(deleted)" (-y, -yy): what the returned descriptor is.
void read_result_target(std::string_view s, Call& call) {
  call.result_target.clear();
  std::size_t open = 0;
  while (open < s.size() && (digit(s[open]) || (s[open] >= 'a' && s[open] <= 'f') || s[open] == 'x')) ++open;
  if (open == s.size() || open == 0 || s[open] != '<' || gives_pid(call.name)) return;
  const std::size_t closed = end_of_target(s, open);
  if (closed == npos) return;
  unescape(s.substr(open + 1, closed - open - 2), call.result_target);
  if (s.substr(closed).starts_with("(deleted)")) call.result_target += " (deleted)";
}

bool read_result(std::string_view s, std::optional<std::int64_t>& result) {
  result.reset();
  if (s.empty()) return false;
  if (s[0] == '?') {
    if (s.size() == 1) return true;
    if (s[1] != ' ') return false;
    // "? ERESTARTSYS (To be restarted if SA_RESTART is set)": what the kernel answered, before it took the call up
    // again
    const std::string_view name = s.substr(2, s.find(' ', 2) - 2);
    if (name.starts_with("ERESTART"))
      if (const std::int64_t error = error_of(name)) result = -error;
    return true;
  }
  std::size_t end = s[0] == '-' ? 1 : 0;
  while (end < s.size() && of_name(s[end])) ++end;
  std::int64_t value = 0;
  if (!number(s.substr(0, end), value)) return false;
  const std::string_view behind = s.substr(end);
  if (!behind.empty() && behind[0] != ' ' && behind[0] != '<' && behind[0] != '\t') return false;
  if (value == -1 && behind.size() > 1) {
    if (behind.starts_with(" (errno ")) {
      const std::size_t close = behind.find(')');
      if (close != npos && number(behind.substr(8, close - 8), value)) value = -value;
    } else if (letter(behind[1])) {
      std::size_t stop = 1;
      while (stop < behind.size() && of_name(behind[stop])) ++stop;
      if (const std::int64_t error = error_of(behind.substr(1, stop - 1))) value = -error;
    }
  }
  result = value;
  return true;
}

}  // namespace

const SyscallRow* find_row(std::string_view name) {
  static const auto* table = [] {
    std::vector<std::pair<std::string_view, const SyscallRow*>> rows;
    for (const SyscallRow& row : syscalls()) rows.emplace_back(row.name, &row);
    return new NameTable<const SyscallRow*>(rows);
  }();
  const SyscallRow* const* found = table->find(name);
  return found ? *found : nullptr;
}

bool read_call(std::string_view text, Call& call, CallEnd& end) {
  end = {};
  const std::size_t open = text.find('(');
  if (open == npos || open == 0) return false;
  call.name.assign(text.substr(0, open));
  const std::size_t close = read_args(text, open + 1, call);
  if (close == npos) return false;
  std::string_view rest = trimmed(text.substr(close + 1));
  if (!rest.starts_with("= ")) return false;
  rest = trimmed(rest.substr(2));
  end.duration = take_duration(rest);
  take_note(rest, call.note);
  if (!read_result(rest, call.result)) return false;
  read_result_target(rest, call);
  end.outer = outer_pid(rest);
  return true;
}

void read_begun(std::string_view text, std::string_view mark, Call& call) {
  const std::size_t open = text.find('(');
  call.name.assign(text.substr(0, open));
  call.result.reset();
  call.result_target.clear();
  call.note = mark;
  call.args.clear();
  if (open == npos) return;
  std::string closed(text.substr(open + 1));
  while (!closed.empty() && (closed.back() == ' ' || closed.back() == ',')) closed.pop_back();
  if (closed.empty() || closed.back() != ')') closed += ')';
  read_args(closed, 0, call);
}

Created creation(std::string_view text) {
  Created created;
  const std::size_t at = text.rfind(" = ");
  if (at == npos) return created;
  const std::string_view rest = text.substr(at + 3);
  std::size_t end = 0;
  while (end < rest.size() && of_name(rest[end])) ++end;  // -e raw=all: 0x400b
  if (end == 0 || !number(rest.substr(0, end), created.result)) return {};
  created.outer = outer_pid(rest);
  return created;
}
}  // namespace nstrace::trace::log
