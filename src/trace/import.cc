// SPDX-License-Identifier: MIT
// The importer's main line: lines (import_lines) to items, held back where it must be (import_window) until it is known
// who made whom (import_tasks), which gives the Events. Here: the header, the footer, and the files of `strace -ff`.
#include "trace/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <queue>

#include "trace/error.h"
#include "trace/import_lines.h"
#include "trace/input.h"

namespace nstrace::trace {
namespace {

using namespace log;

constexpr std::size_t kPreview = std::size_t{1} << 20;
constexpr std::size_t kFewUnread = 5;  // whose numbers are reported
constexpr std::size_t kFileBlock = 64 << 10;

Header header_of(const Preview& preview) {
  Header header;
  header.tool = "strace";
  header.backend = "strace log";
  header.calls_known = false;
  header.env = "all";
  header.durations = preview.durations;
  header.times = preview.times;
  if (preview.clock == Clock::Unix) header.start_realtime = static_cast<std::uint64_t>(preview.first_stamp);
  if (preview.clock == Clock::Day) header.start_of_day = static_cast<std::uint64_t>(preview.first_stamp);
  return header;
}

// Passes Events on and remembers which lines could not be read.
class Counting : public Sink {
 public:
  Counting(Sink& sink, ReadReport& report) : sink_(sink), report_(report) {}
  void event(const Event& event) override {
    ++events_;
    if (const Lost* lost = event.as<Lost>()) {
      ++report_.unread;
      if (report_.unread_where.size() < kFewUnread) {
        const std::string where = lost->why.substr(0, lost->why.find(" of the log"));
        report_.unread_where.push_back(file_.empty() ? where : file_ + ", " + where);
      }
    }
    sink_.event(event);
  }
  void in_file(std::string name) { file_ = std::move(name); }
  Footer footer() const {
    Footer footer;
    footer.events = events_;
    footer.lost = report_.unread;
    if (report_.unread) footer.losses.emplace_back("lines of the log that could not be read", report_.unread);
    footer.end = "end of the log";
    return footer;
  }

 private:
  Sink& sink_;
  ReadReport& report_;
  std::uint64_t events_ = 0;
  std::string file_;
};

// One file of a set, which is opened when its turn comes.
struct LogFile {
  std::string path;
  int pid = 0;
  std::unique_ptr<LineInput> input;
  std::string line;  // the next one
  std::int64_t stamp = INT64_MIN;
  std::size_t opened = 0;
  bool done = false;

  bool next() {
    std::string_view text;
    if (!input) input = std::make_unique<LineInput>(path, kFileBlock);
    if (!input->next(text)) {
      input.reset();
      done = true;
      return false;
    }
    line = text;
    if (const Line parsed = parse_line(line); parsed.clock == Clock::Day || parsed.clock == Clock::Unix)
      stamp = parsed.stamp;
    return true;
  }
};

// What is known of a set before it is read: when each file begins, and which processes others made.
struct SetPreview {
  std::map<std::int64_t, std::vector<std::size_t>> by_time;  // of those that bear times
  std::unordered_set<int> children;
  Preview first;  // of the file that begins first
  bool times = true;
};

SetPreview look_at(std::vector<LogFile>& files) {
  SetPreview result;
  std::int64_t earliest = INT64_MAX;
  bool any = false;
  for (std::size_t i = 0; i < files.size(); ++i) {
    LineInput input(files[i].path, kFileBlock);
    const Preview own = preview(input.peek(kFileBlock));
    const bool timed = own.clock == Clock::Day || own.clock == Clock::Unix;
    if (timed) {
      result.by_time[own.first_stamp].push_back(i);
      if (own.first_stamp < earliest) {
        earliest = own.first_stamp;
        result.first = own;
      }
    } else if (!input.peek(1).empty()) {
      result.times = false;
    }
    if (!any) result.first = own;
    any = true;
  }
  if (result.times) return result;
  result.first.times = false;  // -r alone: since the last line of any process
  result.first.clock = Clock::None;
  for (LogFile& file : files) {
    LineInput input(file.path, kFileBlock);
    std::string_view text;
    while (input.next(text))
      if (text.find("clone") != text.npos || text.find("fork") != text.npos)
        if (const Created made = creation(text); made.result > 0) result.children.insert(static_cast<int>(made.result));
  }
  return result;
}

}  // namespace

bool looks_like_strace(std::string_view head) {
  if (head.starts_with("{\"type\"") || head.starts_with("\x28\xb5\x2f\xfd")) return false;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::string_view text = head.substr(0, end);
    head.remove_prefix(end == head.npos ? head.size() : end + 1);
    const Line line = parse_line(interrupted(text).value_or(text));
    switch (line.kind) {
      case Line::Kind::Call:
        if (line.body.find(") = ") != text.npos || line.body.find(")  ") != text.npos) return true;
        break;
      case Line::Kind::Unfinished:
      case Line::Kind::Resumed:
      case Line::Kind::ResumedUnfinished:
      case Line::Kind::Signal:
      case Line::Kind::Exited:
      case Line::Kind::Killed:
      case Line::Kind::Superseded:
      case Line::Kind::Attached:
        return true;
      case Line::Kind::Note:
      case Line::Kind::Unread:
        break;
    }
  }
  return false;
}

std::vector<std::string> strace_files(const std::string& prefix) {
  namespace fs = std::filesystem;
  std::vector<std::pair<int, std::string>> found;
  const fs::path path(prefix);
  std::error_code error;
  const std::string name = path.filename().string() + ".";
  for (fs::directory_iterator it(path.has_parent_path() ? path.parent_path() : fs::path("."), error), none;
       !error && it != none; it.increment(error)) {
    const std::string file = it->path().filename().string();
    const int pid = pid_of_name(file);
    if (pid && file.starts_with(name) && file.size() == name.size() + std::to_string(pid).size())
      found.emplace_back(pid, path.has_parent_path() ? it->path().string() : file);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  for (auto& [pid, file] : found) files.push_back(std::move(file));
  return files;
}

ReadReport import_strace(LineInput& input, Sink& sink) {
  ReadReport report;
  report.log = true;
  Counting counting(sink, report);
  Preview first = preview(input.peek(kPreview));
  const int pid = pid_of_name(input.name());
  if (pid && first.main_pid == kNoPid) first.main_pid = pid;
  sink.header(header_of(first));
  Tasks tasks(counting, first.times);
  Window window(tasks, {});
  Lines lines(window, first);
  std::string_view text;
  while (input.next(text)) {
    lines.line(text, input.number());
    ++report.lines;
  }
  lines.finish();
  if (input.cut()) report.incomplete_why = "the compressed data are cut off";
  if (!input.whole() && report.incomplete_why.empty() && report.unread && parse_line(text).kind == Line::Kind::Unread)
    report.incomplete_why = "the last line is cut off";
  report.complete = true;
  sink.footer(counting.footer());
  return report;
}

ReadReport import_strace(const std::vector<std::string>& names, Sink& sink) {
  std::vector<LogFile> files;
  for (const std::string& name : names) {
    LogFile& file = files.emplace_back();
    file.path = name;
    file.pid = pid_of_name(name);
    if (!file.pid)
      throw Error(
          fmt::format("{} does not end in a pid: several logs are read as one trace only if `strace -ff -o "
                      "PREFIX` wrote them",
                      name));
  }
  ReadReport report;
  report.log = true;
  SetPreview first = look_at(files);
  sink.header(header_of(first.first));
  Counting counting(sink, report);
  Tasks tasks(counting, first.first.times);
  std::vector<int> born;
  Window window(tasks, [&](int pid) { born.push_back(pid); });
  Lines lines(window, first.first);
  const auto give = [&](LogFile& file) {
    counting.in_file(std::filesystem::path(file.path).filename().string());
    lines.line(file.line, file.input ? file.input->number() : 0, file.pid);
    ++report.lines;
  };

  if (first.times) {
    // By time; of lines with the same, those of the file that began before. A file is open from its first line on.
    using Next = std::tuple<std::int64_t, std::size_t, std::size_t>;  // stamp, order of opening, index
    std::priority_queue<Next, std::vector<Next>, std::greater<>> queue;
    auto later = first.by_time.begin();
    std::size_t opened = 0;
    while (!queue.empty() || later != first.by_time.end()) {
      while (later != first.by_time.end() && (queue.empty() || later->first <= std::get<0>(queue.top()))) {
        for (const std::size_t i : later->second) {
          files[i].opened = ++opened;
          if (files[i].next()) queue.emplace(files[i].stamp, files[i].opened, i);
        }
        ++later;
      }
      if (queue.empty()) continue;
      LogFile& file = files[std::get<2>(queue.top())];
      const std::size_t index = std::get<2>(queue.top());
      queue.pop();
      give(file);
      if (file.next()) queue.emplace(file.stamp, file.opened, index);
    }
  } else {
    // Depth first: a process's lines up to a call that makes another, then all of that one's.
    std::map<int, std::size_t> by_pid;
    for (std::size_t i = 0; i < files.size(); ++i) by_pid[files[i].pid] = i;
    const auto play = [&](std::size_t root) {
      std::vector<std::size_t> stack{root};
      while (!stack.empty()) {
        LogFile& file = files[stack.back()];
        if (!file.next()) {
          stack.pop_back();
          continue;
        }
        give(file);
        for (const int pid : born)
          if (const auto child = by_pid.find(pid); child != by_pid.end()) {
            stack.push_back(child->second);
            by_pid.erase(child);
          }
        born.clear();
      }
    };
    for (const bool roots : {true, false})
      for (const LogFile& file : files) {
        const auto it = by_pid.find(file.pid);
        if (it == by_pid.end() || (roots && first.children.contains(file.pid))) continue;
        const std::size_t index = it->second;
        by_pid.erase(it);
        play(index);
      }
  }
  lines.finish();
  report.complete = true;
  sink.footer(counting.footer());
  return report;
}

}  // namespace nstrace::trace
