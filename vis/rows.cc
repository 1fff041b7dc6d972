// SPDX-License-Identifier: MIT
// Takes one process of a model, gives the lines of its node. Three lists that the model keeps apart (programs, names,
// marks) are merged by event; then neighbours that say the same become one line with a count.
#include "vis/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vis/headline.h"
#include "vis/style.h"
#include "vis/text.h"
#include "vis/words.h"

namespace nstrace::vis {
namespace {

constexpr std::array<std::string_view, 11> kMounts{"mount",     "umount2",       "umount",        "move_mount",
                                                   "open_tree", "fsopen",        "fsconfig",      "fsmount",
                                                   "fspick",    "mount_setattr", "open_tree_attr"};

constexpr std::array<std::string_view, 4> kForks{"clone", "clone3", "fork", "vfork"};

bool is_mount(std::string_view call) {
  return std::find(kMounts.begin(), kMounts.end(), call) != kMounts.end();
}

Row program_row(const model::Program& program) {
  Row row;
  row.kind = program.event == 0 ? Row::Kind::Before : Row::Kind::Exec;
  row.event = row.last = program.event;
  row.time = row.until = program.since;
  row.text = shorten_path(display_whole(program.path), style::kCodeColumns - 6);
  const std::string line = short_arguments(program);
  if (!line.empty()) row.detail = wrap(line, style::kDetailColumns, 3);
  row.brief = shorten(headline(program), 60);
  row.tip = fmt::format("{}\n{}", display_whole(program.path), command_line(program.argv));
  return row;
}

Row name_row(const model::CommSpan& span) {
  Row row;
  row.kind = Row::Kind::Name;
  row.event = row.last = span.event;
  row.time = row.until = span.since;
  row.text = display_whole(span.comm, 60);
  row.tip = "takes the name " + row.text;
  return row;
}

// What stands in brackets when the badges beside it do not say the same: unshare(0), unshare(CLONE_FS).
bool told_by_badges(const model::Mark& mark, const std::vector<Badge>& badges) {
  if (badges.empty()) return false;
  const std::size_t flags = static_cast<std::size_t>(std::count(mark.text.begin(), mark.text.end(), '|')) + 1;
  return mark.call == "setns" || (mark.call == "unshare" && flags == badges.size());
}

bool after_pivot(const model::Process& process, const model::Mark& mark) {
  for (const model::Mark& other : process.marks) {
    if (other.event >= mark.event) return false;
    if (other.call == "pivot_root") return true;
  }
  return false;
}

std::vector<std::string> lines_of(std::string_view words) {
  return wrap_to(words, Font::Sans, style::kDetail, style::kCard - style::kIndent - style::kPad, 2);
}

Row mark_row(const model::Mark& mark, const model::Process& process, const NamespaceSigns& signs) {
  Row row;
  row.kind = Row::Kind::Mark;
  row.event = row.last = mark.event;
  row.time = row.until = mark.time;
  for (const NamespaceSigns::Change& change : signs.changes(mark)) row.badges.push_back(change.badge);
  const std::string text = display_whole(mark.text);
  row.text = told_by_badges(mark, row.badges) ? display_whole(mark.call) : shorten(text, style::kCodeColumns);
  row.words = lines_of(words_for(mark, row.badges, after_pivot(process, mark)));
  row.tip = text;
  if (mark.tid != process.pid) row.tip += fmt::format(" by thread {}", mark.tid);
  for (const Badge& badge : row.badges) row.tip += "\n" + badge.tip;
  return row;
}

// Mounts from `begin` on, up to `end`, as one line: "mount x9, umount2".
Row mounts_row(const model::Process& process, const std::vector<model::Mark>& marks, std::size_t begin,
               std::size_t end) {
  Row row;
  row.kind = Row::Kind::Mark;
  row.event = marks[begin].event;
  row.time = marks[begin].time;
  row.until = marks[end - 1].time;
  row.last = marks[end - 1].event;
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (std::size_t i = begin; i < end; ++i) {
    const auto at = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == marks[i].call; });
    if (at == counts.end()) {
      counts.emplace_back(marks[i].call, 1);
    } else {
      ++at->second;
    }
    row.tip += (i == begin ? "" : "\n") + display_whole(marks[i].text, 300);
  }
  for (const auto& [call, count] : counts) {
    row.text += (row.text.empty() ? "" : ", ") + display_whole(call, 40);
    if (count > 1) row.text += fmt::format(" \u00d7{}", count);
  }
  row.text = shorten(row.text, style::kCodeColumns);
  std::string words = words_for_mounts(marks, begin, end);
  for (std::size_t i = begin; i < end && words.empty(); ++i) {
    words = words_for(marks[i], {}, after_pivot(process, marks[i]));
  }
  row.words = lines_of(words);
  return row;
}

// One mark, or several in a row that are one line. `end`: of the marks without another event between.
Row next_row(const model::Process& process, const std::vector<model::Mark>& marks, const NamespaceSigns& signs,
             std::size_t& at, std::size_t end) {
  const std::size_t begin = at++;
  if (is_mount(marks[begin].call)) {
    while (at < end && is_mount(marks[at].call)) ++at;
    if (at - begin > 1) return mounts_row(process, marks, begin, at);
    return mark_row(marks[begin], process, signs);
  }
  Row row = mark_row(marks[begin], process, signs);
  if (marks[begin].call == "setns" && !row.badges.empty()) {
    for (; at < end && marks[at].call == "setns" && marks[at].tid == marks[begin].tid; ++at) {
      const Row more = mark_row(marks[at], process, signs);
      row.badges.insert(row.badges.end(), more.badges.begin(), more.badges.end());
      row.tip += "\n" + more.tip;
      row.until = more.until;
      row.last = more.last;
    }
    return row;
  }
  std::size_t same = 1;
  for (; at < end && marks[at].text == marks[begin].text && row.badges.empty(); ++at, ++same) {
    row.until = marks[at].time;
    row.last = marks[at].event;
  }
  if (same > 1) row.text = shorten(row.text, style::kCodeColumns - 5) + fmt::format(" \u00d7{}", same);
  return row;
}

}  // namespace

std::string calls_text(const std::vector<std::pair<std::string, int>>& calls) {
  std::string text;
  for (const auto& [call, count] : calls) {
    text += (text.empty() ? "" : ", ") + call + (count > 1 ? fmt::format(" \u00d7{}", count) : "");
  }
  return text;
}

namespace {

// The calls that a reader should learn the names of; of others, the meaning comes first.
bool worth_knowing(std::string_view call) {
  constexpr std::array<std::string_view, 5> kCalls{"unshare", "setns", "pivot_root", "chroot", "sethostname"};
  return std::find(kCalls.begin(), kCalls.end(), call) != kCalls.end();
}

std::string_view call_of(const story::Step& step) {
  return std::string_view(step.line).substr(0, step.line.find('('));
}

// Paths in the midst of words are shortened, each by itself.
std::string short_words(const std::string& words) {
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::string word = words.substr(at, end - at);
    out += word.find('/') == std::string::npos ? word : shorten_path(word, 26);
    if (end < words.size()) out += ' ';
    at = end + 1;
  }
  return out;
}

std::string meaning_of(const story::Step& step) {
  return short_words(display_whole(step.brief, 400));
}

Told told_of(const story::Step& step) {
  Told told{.step = step.number, .meaning = meaning_of(step), .phase = static_cast<int>(step.phase)};
  if (step.count == 1) {
    told.begin = step.begin;
    told.end = step.end;
  }
  return told;
}

void tell(const story::Step& step, Row& row) {
  row.told = told_of(step);
  row.words = lines_of(row.told.meaning);
  row.tip = display_whole(step.sentence, 2000) + "\n" + row.tip;
}

bool has_call(const story::Step& step, std::string_view call) {
  return call_of(step) == call ||
         std::any_of(step.calls.begin(), step.calls.end(), [&](const auto& each) { return each.first == call; });
}

// A row for what the story tells of a process, other than of an exec.
Row step_row(const story::Step& step, const model::Process& process, const NamespaceSigns& signs) {
  Row row;
  row.kind = Row::Kind::Step;
  row.event = step.event;
  row.last = std::max(step.event, step.last_event);
  row.time = step.count == 1 ? step.end : step.begin;
  row.until = step.end;
  row.tip = display_whole(step.line, 2000);
  const std::string_view call = call_of(step);
  if (process.ended && process.ended->event == step.event) {
    row.kind = Row::Kind::Ended;
    row.text = "exit";
  } else if (std::any_of(kForks.begin(), kForks.end(), [&](std::string_view fork) { return fork == call; })) {
    row.kind = Row::Kind::Made;
    row.text = call;
  } else {
    for (const auto& [name, count] : step.calls) row.calls.emplace_back(name, static_cast<int>(count));
    row.text = calls_text(row.calls);
    if (row.calls.empty()) row.text = step.line.starts_with("moved to cgroup") ? "cgroup" : call;
  }
  for (const model::Mark& mark : process.marks) {
    if (mark.event < row.event || mark.event > row.last || !has_call(step, mark.call)) continue;
    const Row of_mark = mark_row(mark, process, signs);
    row.kind = Row::Kind::Mark;
    row.badges.insert(row.badges.end(), of_mark.badges.begin(), of_mark.badges.end());
    if (step.count == 1) row.text = of_mark.text;
  }
  if (row.badges.size() > 0 && step.count > 1) row.text = call;
  tell(step, row);
  row.words_first = !worth_knowing(call);
  if (row.words_first) {
    if (row.kind == Row::Kind::Mark && step.count == 1) row.text = call;
    row.words =
        wrap_to(row.told.meaning, Font::Sans, style::kSmall, style::kCard - style::kIndent - style::kPad - 8, 3);
  }
  return row;
}

bool told(const model::Mark& mark, const std::vector<const story::Step*>& steps) {
  return std::any_of(steps.begin(), steps.end(), [&](const story::Step* step) {
    return step->event <= mark.event && mark.event <= std::max(step->event, step->last_event) &&
           has_call(*step, mark.call);
  });
}

}  // namespace

Told told_in_story(const story::Step& step) {
  return told_of(step);
}

std::vector<Row> rows_of(const model::Process& process, const NamespaceSigns& signs, bool launched,
                         const std::vector<const story::Step*>& steps) {
  std::vector<Row> rows;
  for (const model::Program& program : process.programs) {
    if (program.event != 0 || (process.existed && !launched)) rows.push_back(program_row(program));
  }
  for (const story::Step* step : steps) {
    const auto exec = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
      return row.kind == Row::Kind::Exec && row.event == step->event;
    });
    if (exec != rows.end()) {
      tell(*step, *exec);
    } else {
      rows.push_back(step_row(*step, process, signs));
    }
  }
  const std::string title = headline(process);
  for (const model::CommSpan& span : process.comms) {
    const bool by_exec = std::any_of(process.programs.begin(), process.programs.end(),
                                     [&](const model::Program& p) { return p.event == span.event; });
    if (span.event == 0 || by_exec || span.event == process.fork_event) continue;
    if (&span == &process.comms.back() && display_whole(span.comm, 60) == title) continue;  // stands above all rows
    rows.push_back(name_row(span));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.event < b.event; });
  // Marks fold only where no other row stands between them.
  const std::vector<Row> others = std::move(rows);
  rows.clear();
  std::vector<model::Mark> marks;  // those that the story does not tell
  for (const model::Mark& each : process.marks) {
    if (!told(each, steps)) marks.push_back(each);
  }
  std::size_t mark = 0;
  for (std::size_t i = 0; i <= others.size(); ++i) {
    std::size_t end = marks.size();
    if (i < others.size()) {
      end = mark;
      while (end < marks.size() && marks[end].event < others[i].event) ++end;
    }
    while (mark < end) rows.push_back(next_row(process, marks, signs, mark, end));
    if (i < others.size()) rows.push_back(others[i]);
  }
  return rows;
}

}  // namespace nstrace::vis
