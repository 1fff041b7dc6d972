// SPDX-License-Identifier: MIT
#include "trace/import_lines.h"

#include <algorithm>
#include <utility>

#include "trace/import_scan.h"

namespace nstrace::trace::log {
namespace {

constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr Time kLineStep = 1000;  // ns: where there are no times, a line's time is its number

bool makes_processes(std::string_view name) {
  return name == "clone" || name == "clone3" || name == "fork" || name == "vfork";
}

// The result of a call whose line is whole.
bool whole(std::string_view text) {
  const std::size_t close = last(text, ')');  // most often that of the call
  if (close == std::string_view::npos) return false;
  std::size_t equals = close + 1;
  while (equals < text.size() && text[equals] == ' ') ++equals;
  if (equals != close + 1 && begins(text.substr(equals), "= ")) return true;
  return text.find(") ") != std::string_view::npos && text.find(" = ") != std::string_view::npos;
}

// A line that is whole by itself, and so no rest of the one before, which was cut off.
bool stands_alone(const Line& line) {
  switch (line.kind) {
    case Line::Kind::Call:
      return line.pid != 0 || whole(line.body);
    case Line::Kind::Unfinished:
    case Line::Kind::Resumed:
    case Line::Kind::ResumedUnfinished:
    case Line::Kind::Signal:
    case Line::Kind::Exited:
    case Line::Kind::Killed:
    case Line::Kind::Superseded:
      return true;
    case Line::Kind::Attached:
    case Line::Kind::Note:
    case Line::Kind::Unread:
      return false;
  }
  return false;
}

}  // namespace

Preview preview(std::string_view head) {
  Preview result;
  std::unordered_set<int> children;
  int own = 0, first_named = 0;
  bool any = false, duration_seen = false;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::string_view text = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 1);
    const Line line = parse_line(interrupted(text).value_or(text));
    if (const auto begin = text.rfind("Process "); begin != std::string_view::npos)
      if (const Line note = parse_line(text.substr(begin)); note.kind == Line::Kind::Attached)
        children.insert(note.other);
    if (line.kind == Line::Kind::Unread || line.kind == Line::Kind::Note || line.kind == Line::Kind::Attached) continue;
    if (!any) {
      any = true;
      result.clock = line.clock;
      result.first_stamp = line.stamp;
      result.times = line.clock != Clock::None || line.relative.has_value();
      if (line.relative && line.clock == Clock::None) result.clock = Clock::Relative;
    }
    if (line.pid && !first_named && !children.contains(line.pid)) first_named = line.pid;
    if (line.kind != Line::Kind::Call || !whole(line.body)) continue;
    if (!duration_seen) {
      duration_seen = true;
      const std::size_t angle = line.body.rfind(" <");
      result.durations = line.body.back() == '>' && angle != std::string_view::npos &&
                         line.body.find_first_not_of("0123456789.", angle + 2) == line.body.size() - 1;
    }
    if (makes_processes(line.name))
      if (const Created made = creation(line.body); made.result > 0) children.insert(static_cast<int>(made.result));
    if (!line.pid && !own && (line.name == "getpid" || line.name == "gettid" || line.name == "set_tid_address"))
      own = static_cast<int>(creation(line.body).result);
  }
  if (own)
    result.main_pid = own;
  else if (first_named)
    result.main_pid = first_named;
  return result;
}

// --- time ---

Time Lines::Clockwork::of(const Line& line, std::uint64_t number) {
  if (line.relative) return sum_ += *line.relative;
  switch (line.clock) {
    case Clock::None:
    case Clock::Relative:
      break;
    case Clock::Unix:
      return line.stamp - preview_.first_stamp;
    case Clock::Day:
      // Past midnight the clock begins again; a step back of less is that of a clock that was set.
      if (last_ != INT64_MIN && line.stamp + kDay / 2 < last_) ++day_;
      last_ = line.stamp;
      return line.stamp + day_ * kDay - preview_.first_stamp;
  }
  return preview_.times ? INT64_MIN : static_cast<Time>(number) * kLineStep;
}

// --- lines ---

void Lines::unread(std::string_view text, std::uint64_t number) {
  Item item;
  item.kind = Item::Kind::Unread;
  item.line = number;
  item.start = item.end = now_;
  item.text = text;
  ++unread_;
  window_.add(item, creating_);
}

void Lines::line(std::string_view text, std::uint64_t number, int pid) {
  file_pid_ = pid;
  if (!partial_.empty() && join(text, number, pid)) return;
  if (const auto begin = interrupted(text)) {
    if (const Line attached = parse_line(text.substr(begin->size())); attached.other) living_.insert(attached.other);
    partial_ = *begin;
    partial_number_ = number;
    return;
  }
  Line line = parse_line(text);
  // What a traced program writes to the terminal without a newline stands in front of the next line.
  if (line.kind == Line::Kind::Unread && brackets_)
    if (const std::size_t head = text.find("[pid "); head != std::string_view::npos && head > 0) {
      line = parse_line(text.substr(head));
      if (line.kind == Line::Kind::Unread || line.pid == 0) return unread(text, number);
      text.remove_prefix(head);
    }
  if (line.kind == Line::Kind::Unread) return unread(text, number);
  // What a traced program writes to the terminal breaks the line of the write that does it.
  if (line.kind == Line::Kind::Call && !whole(line.body)) {
    partial_ = text;
    partial_number_ = number;
    return;
  }
  take(line, number);
}

// Puts the line behind the one whose rest it may be. False: it is not, and stands for itself.
bool Lines::join(std::string_view text, std::uint64_t number, int pid) {
  const std::string first = std::exchange(partial_, {});
  const Line own = parse_line(text);
  if (stands_alone(own)) {
    unread(first, partial_number_);
    file_pid_ = pid;
    return false;
  }
  scratch_ = first;
  scratch_ += text;
  if (interrupted(text) && !text.starts_with("strace: ")) {
    partial_ = scratch_.substr(0, first.size() + interrupted(text)->size());
    return true;
  }
  const Line line = parse_line(scratch_);
  const bool call = line.kind == Line::Kind::Call && whole(line.body);
  if (call || line.kind == Line::Kind::Unfinished || line.kind == Line::Kind::Resumed) {
    take(line, number);
    return true;
  }
  if (own.kind == Line::Kind::Note || own.kind == Line::Kind::Attached) {  // strace's own words between the two
    partial_ = first;
    return true;
  }
  if (own.kind == Line::Kind::Unread && line.kind == Line::Kind::Call && scratch_.size() < 65536) {
    partial_ = scratch_;  // the program wrote more than one line
    return true;
  }
  unread(first, partial_number_);
  file_pid_ = pid;
  return false;
}

int Lines::pid_of(const Line& line) {
  if (line.pid) return line.pid;
  if (file_pid_) return file_pid_;
  if (brackets_ && living_.size() == 1) return *living_.begin();
  return main_;
}

void Lines::take(const Line& line, std::uint64_t number) {
  if (line.kind == Line::Kind::Note) return;
  if (line.kind == Line::Kind::Attached) {
    brackets_ = true;
    living_.insert(line.other);
    if (main_ != kNoPid) living_.insert(main_);
    return;
  }
  Item item;
  item.pid = pid_of(line);
  if (brackets_ && line.pid) living_.insert(line.pid);
  const Time time = clock_.of(line, number);
  if (time != INT64_MIN) now_ = time;
  item.start = item.end = now_;
  item.line = item.begun = number;
  item.comm = line.comm;
  switch (line.kind) {
    case Line::Kind::Call:
      item.kind = Item::Kind::Call;
      return complete(item, line.body);
    case Line::Kind::Unfinished:
      return unfinished(line, item);
    case Line::Kind::Resumed:
    case Line::Kind::ResumedUnfinished:
      return resumed(line, item);
    case Line::Kind::Signal:
      item.kind = Item::Kind::Signal;
      item.text = line.body;
      item.signal = line.name;
      return window_.add(item, creating_);
    case Line::Kind::Exited:
    case Line::Kind::Killed:
      drop(item.pid, item);
      item.kind = line.kind == Line::Kind::Exited ? Item::Kind::Exited : Item::Kind::Killed;
      item.code = line.code;
      item.signal = line.name;
      item.core = line.core;
      living_.erase(item.pid);
      return window_.add(item, creating_);
    case Line::Kind::Superseded: {
      item.kind = Item::Kind::Superseded;
      item.other = line.other;
      drop(item.pid, item);
      // The other thread's execve goes on under this one's pid.
      if (auto call = begun_.extract(line.other)) {
        call.key() = item.pid;
        begun_.insert(std::move(call));
      }
      living_.erase(line.other);
      return window_.add(item, creating_);
    }
    case Line::Kind::Attached:
    case Line::Kind::Note:
    case Line::Kind::Unread:
      return;
  }
}

// --- calls ---

void Lines::complete(Item& item, std::string_view text) {
  item.text = text;
  if (begins(text, "clone(") || begins(text, "clone3(") || begins(text, "fork(") || begins(text, "vfork(")) {
    const Created made = creation(text);
    item.creates = made.result > 0;
    item.created = static_cast<int>(std::min<std::int64_t>(made.result, INT32_MAX));
    item.outer = made.outer;
  }
  // " <0.000123>" at the end
  if (text.back() == '>' && text.size() > 10) {
    const std::size_t angle = last(text, '<');
    std::int64_t ns = 0;
    std::size_t places = 0;
    bool point = false, number = angle != std::string_view::npos && angle > 0 && text[angle - 1] == ' ';
    for (std::size_t i = angle + 1; number && i + 1 < text.size(); ++i) {
      if (text[i] == '.' && !point)
        point = true;
      else if (text[i] < '0' || text[i] > '9' || ns > INT64_MAX / 100)
        number = false;
      else if (point)
        ns += (text[i] - '0') * worth_at(++places);
      else
        ns = ns * 10 + (text[i] - '0') * worth_at(0);
    }
    if (number && point) item.end = item.start + ns;
  }
  window_.add(item, creating_);
}

void Lines::unfinished(const Line& line, Item& item) {
  drop(item.pid, item);
  if (ended_) {
    ended_.key() = item.pid;
    begun_.insert(std::move(ended_));
  }
  Begun& call = begun_[item.pid];
  call.text = line.body;
  call.comm = line.comm;
  call.name = line.name;
  call.mark = line.mark;
  call.start = item.start;
  call.line = item.line;
  call.creates = makes_processes(line.name);
  if (call.creates) ++creating_;
}

// The call is under way no longer; what is given is good until the next one ends or begins.
Lines::Begun& Lines::end(std::unordered_map<int, Begun>::iterator call) {
  ended_ = begun_.extract(call);
  if (ended_.mapped().creates) --creating_;
  return ended_.mapped();
}

void Lines::resumed(const Line& line, Item& item) {
  auto found = begun_.find(item.pid);
  if (found == begun_.end() && brackets_ && !line.pid)  // whose line had a pid, as long as there were others
    found = std::find_if(begun_.begin(), begun_.end(), [&](const auto& b) { return b.second.name == line.name; });
  Begun older;
  Begun* call = &older;
  if (found != begun_.end() && (found->second.name == line.name || line.name == "???")) {
    item.pid = found->first;
    if (line.kind == Line::Kind::ResumedUnfinished) {
      found->second.text += line.body;
      found->second.mark = line.mark;
      return;
    }
    call = &end(found);
    item.start = call->start;
    item.begun = call->line;
  } else {  // it began before the log
    older.text = line.name;
    older.text += '(';
    older.comm = line.comm;
  }
  std::string_view rest = line.body;
  // strace 4 sets the rest apart; what a call stored, " => {...}", is set apart by all.
  if (rest.starts_with(' ') && !rest.starts_with(" => ")) rest.remove_prefix(1);
  call->text += rest;
  item.kind = Item::Kind::Call;
  item.comm = call->comm;
  complete(item, call->text);
}

// A call that began and of which no more came.
void Lines::drop(int pid, const Item& at) {
  const auto found = begun_.find(pid);
  if (found == begun_.end()) return;
  const Begun& call = end(found);
  Item item;
  item.kind = Item::Kind::Begun;
  item.pid = pid;
  item.comm = call.comm;
  item.start = call.start;
  item.end = at.end;
  item.line = call.line;
  item.begun = call.line;
  item.text = call.text;
  item.mark = call.mark;
  window_.add(item, creating_);
}

void Lines::finish() {
  if (!partial_.empty()) unread(std::exchange(partial_, {}), partial_number_);
  std::vector<std::pair<std::uint64_t, int>> open;
  for (const auto& [pid, call] : begun_) open.emplace_back(call.line, pid);
  std::sort(open.begin(), open.end());
  Item at;
  at.end = now_;
  for (const auto& [line, pid] : open) drop(pid, at);
  window_.finish();
}

}  // namespace nstrace::trace::log
