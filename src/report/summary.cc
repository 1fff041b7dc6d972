// SPDX-License-Identifier: MIT
#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "trace/text.h"

namespace nstrace::report {
namespace {

using story::Chapter;
using story::Phase;
using story::PhaseSpan;
using story::Time;

std::string time(Time ns) {
  if (ns < 0) return "-";
  if (ns < 1'000'000) return fmt::format("{} us", ns / 1000);
  if (ns < 10'000'000) return fmt::format("{:.2f} ms", static_cast<double>(ns) / 1e6);
  if (ns < 10'000'000'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
  return fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

// As many columns of the line as the terminal has; what is cut ends in dots. 0: all.
std::string clipped(std::string line, std::size_t width) {
  if (width < 8 || columns(line) <= width) return line;
  std::size_t at = 0;
  for (std::size_t seen = 0; seen < width - 3; ++seen) do
      ++at;
    while ((static_cast<unsigned char>(line[at]) & 0xC0) == 0x80);
  return line.substr(0, at) + "...";
}

// How the text is set: escapes for the terminal, and its width.
struct Page {
  std::string_view title, head, off;
  std::size_t width = 0;
};
Page page_for(bool color, std::size_t width) {
  return color ? Page{"\033[1m", "\033[2m", "\033[0m", width} : Page{.width = width};
}

// Columns as wide as their widest cell; the first `left` flush left, the others flush right, but the last if it is
// text. A column in which nothing is known is left out, and named below.
class Table {
 public:
  explicit Table(std::size_t left, bool text_last = false) : left_(left), text_last_(text_last) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text(const Page& page) const {
    std::vector<std::size_t> widths(rows_[0].size());
    std::vector<bool> known(rows_[0].size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], columns(row[i]));
        known[i] = known[i] || rows_.size() == 1 || (&row != &rows_[0] && row[i] != "-");
      }
    std::string out;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      std::string line = "  ";
      for (std::size_t i = 0; i < rows_[r].size(); ++i) {
        if (!known[i]) continue;
        const std::string& cell = rows_[r][i];
        const std::string pad(widths[i] - columns(cell), ' ');
        line += i < left_ || (text_last_ && i + 1 == rows_[r].size()) ? cell + pad : pad + cell;
        line += "  ";
      }
      line.erase(line.find_last_not_of(' ') + 1);
      line = clipped(line, page.width);
      out += r == 0 ? fmt::format("{}{}{}\n", page.head, line, page.off) : line + "\n";
    }
    std::string unknown;
    for (std::size_t i = 0; i < known.size(); ++i)
      if (!known[i]) unknown += (unknown.empty() ? "" : ", ") + rows_[0][i];
    if (!unknown.empty()) out += "  not recorded: " + unknown + '\n';
    return out;
  }

 private:
  std::size_t left_;
  bool text_last_;
  std::vector<std::vector<std::string>> rows_;
};

// All stretches of a phase in a chapter together. They may overlap with those of other phases, so that the times of
// phases need not add up to the chapter's.
struct PhaseSum {
  bool seen = false;
  Time wall = 0, in_calls = 0, on_cpu = 0, blocked = 0;
  bool measured = false;
  std::uint64_t calls = 0;
  int steps = 0, times = 0;
};

std::map<Phase, PhaseSum> phases_of(const Summarized& t, const Chapter& chapter) {
  std::map<Phase, PhaseSum> sums;
  for (const PhaseSpan& span : t.story.phases()) {
    if (span.chapter != chapter.id) continue;
    PhaseSum& sum = sums[span.phase];
    if (!span.seen) continue;
    sum.seen = true;
    sum.wall += span.end - span.begin;
    sum.steps += span.steps;
    ++sum.times;
    const story::PhaseTime part = t.timing.between(t.story, span);
    sum.calls += part.calls;
    sum.in_calls += part.in_calls;
    sum.on_cpu += part.on_cpu;
    sum.blocked += part.blocked;
    sum.measured = sum.measured || part.measured;
  }
  return sums;
}

// How long nothing happened of which the story knows a phase.
Time outside_phases(const Summarized& t, const Chapter& chapter) {
  std::vector<std::pair<Time, Time>> spans;
  for (const PhaseSpan& span : t.story.phases())
    if (span.chapter == chapter.id && span.seen) spans.emplace_back(span.begin, span.end);
  std::ranges::sort(spans);
  Time outside = 0, covered = chapter.begin;
  for (const auto& [begin, end] : spans) {
    outside += std::max<Time>(0, begin - covered);
    covered = std::max(covered, end);
  }
  return outside + std::max<Time>(0, chapter.end - covered);
}

bool more_than_wall(const std::map<Phase, PhaseSum>& sums) {
  return std::ranges::any_of(sums, [](const auto& entry) {
    const PhaseSum& sum = entry.second;
    return sum.seen && (std::max(sum.on_cpu, sum.blocked) > sum.wall || sum.in_calls > sum.wall);
  });
}

std::string losses(const Summarized& t) {
  const std::uint64_t lost = t.model.lost();
  return lost ? fmt::format("{}{} {} lost: counts and times may be short.\n", t.name.empty() ? "" : t.name + ": ", lost,
                            lost == 1 ? "record was" : "records were")
              : "";
}

// How long something took by the trace's times; "-" where those tell the order alone.
std::string wall(const Summarized& t, Time ns) {
  return t.model.header().times ? time(ns) : "-";
}

std::string chapter_text(const Summarized& t, const Chapter& c, const Page& p) {
  const bool times = t.model.header().times;
  std::string out =
      fmt::format("{}{}{}{}\n", p.title, c.title, p.off, times ? "  " + time(c.end - c.begin) : std::string());
  if (c.lost_before) out += "  its beginning is not in this trace: it may be among the records that were lost\n";
  if (c.cut_before) out += "  under way when the trace began: what came before is not counted\n";
  const bool durations = t.model.header().durations;

  Table phases(1);
  phases.row({"phase", "wall", "on CPU", "blocked", "in calls", "calls", "steps"});
  std::string unseen;
  const auto sums = phases_of(t, c);
  for (const auto& [phase, sum] : sums) {
    if (!sum.seen) {
      unseen += (unseen.empty() ? "" : ", ") + std::string(story::phase_title(phase));
      continue;
    }
    phases.row({std::string(story::phase_title(phase)), wall(t, sum.wall), sum.measured ? time(sum.on_cpu) : "-",
                sum.measured ? time(sum.blocked) : "-", durations ? time(sum.in_calls) : "-", std::to_string(sum.calls),
                std::to_string(sum.steps)});
  }
  phases.row({"in no phase", wall(t, outside_phases(t, c)), "-", "-", "-", "-", "-"});
  out += "\n" + phases.text(p);
  if (c.kind == story::Kind::Daemon)
    out += "  wall is from the first to the last touch: a daemon does other things in between\n";
  if (more_than_wall(sums))
    out += "  on CPU, blocked and in calls are sums over all tasks of a phase, and so can be more than it took\n";
  if (!unseen.empty()) out += "  not seen: " + unseen + "\n";

  Table processes(2);
  processes.row({"process", "pid", "wall", "on CPU", "CPU wait", "blocked", "calls", "failed"});
  for (const story::ProcessTime& time_of : t.timing.processes(t.story, c)) {
    const model::Process& process = t.model.processes()[time_of.process];
    processes.row({story::role_of(process, time_of.end - 1), std::to_string(process.pid),
                   wall(t, time_of.end - time_of.begin) + (time_of.ended || !times ? "" : " +"),
                   time(time_of.on_cpu) + (time_of.ended || time_of.on_cpu < 0 ? "" : " +"), time(time_of.cpu_wait),
                   time_of.blocked ? time(*time_of.blocked) : "-", std::to_string(time_of.calls),
                   std::to_string(time_of.failed)});
  }
  out += "\n" + processes.text(p);

  if (const auto slow = t.timing.slowest(t.story, c, 5); !slow.empty()) {
    std::string rows = fmt::format("{}  slowest calls{}\n", p.head, p.off);
    for (const story::SlowCall& call : slow)
      rows += clipped(fmt::format("  {:>10}  {}  {}", time(call.took),
                                  story::role_of(t.model.processes()[call.process], call.time), call.text),
                      p.width) +
              '\n';
    out += "\n" + rows;
  }

  std::string made, line;
  for (const model::Namespace& ns : t.model.namespaces()) {
    if (!ns.made_by || ns.made_by < c.first_event || ns.made_by > c.last_event) continue;
    const std::string one = fmt::format("{}:[{}]", trace::ns_name(ns.type), ns.inode);
    if (!line.empty() && p.width > 0 && line.size() + 3 + one.size() > p.width) {
      made += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "  " : " ") + one;
  }
  if (!line.empty()) out += fmt::format("\n{}  namespaces made{}\n{}{}\n", p.head, p.off, made, line);

  if (const auto path = t.timing.critical_path(t.story, c); !path.empty()) {
    out += fmt::format("\n{}  what the program's begin waited for, {} in all{}\n", p.head,
                       time(path.back().end - path.front().begin), p.off);
    Table table(2, true);
    table.row({"process", "pid", "for", "from", "its longest part"});
    for (const story::Link& link : path)
      table.row({link.role, std::to_string(t.model.processes()[link.process].pid), time(link.end - link.begin),
                 "+" + time(link.begin - path.front().begin),
                 link.longest.empty() ? ""
                                      : fmt::format("{} {} {}", time(link.longest_took),
                                                    link.longest_inside ? "in" : "before", link.longest)});
    out += table.text(p);
  }
  return out;
}

std::string change(Time a, Time b) {
  if (a <= 0) return "";
  return fmt::format("x{:.2f}", static_cast<double>(b) / static_cast<double>(a));
}

}  // namespace

std::string summary_text(const Summarized& trace, bool color, std::size_t width) {
  const Page p = page_for(color, width);
  std::string out = losses(trace);
  std::vector<const Chapter*> chapters;
  for (const Chapter& c : trace.story.chapters()) chapters.push_back(&c);
  std::ranges::stable_sort(chapters, {}, &Chapter::first_event);
  for (const Chapter* c : chapters) {
    if (!out.empty()) out += "\n";
    out += chapter_text(trace, *c, p);
  }
  if (chapters.empty()) out += "There is no container in this trace.\n";
  return out;
}

std::string summary_text(const Summarized& a, const Summarized& b, bool color, std::size_t width) {
  const Page p = page_for(color, width);
  std::string out = losses(a) + losses(b);
  const auto chapters_of = [](const Summarized& t, story::Kind kind) {
    std::vector<const Chapter*> chapters;
    for (const Chapter& c : t.story.chapters())
      if (c.kind == kind) chapters.push_back(&c);
    return chapters;
  };
  using story::Kind;
  for (const Kind kind : {Kind::Made, Kind::Entered, Kind::Ended, Kind::Sandbox, Kind::Other, Kind::Daemon}) {
    const auto of_a = chapters_of(a, kind), of_b = chapters_of(b, kind);
    for (std::size_t i = 0; i < std::max(of_a.size(), of_b.size()); ++i) {
      if (!out.empty()) out += "\n";
      const Chapter* in_a = i < of_a.size() ? of_a[i] : nullptr;
      const Chapter* in_b = i < of_b.size() ? of_b[i] : nullptr;
      out += fmt::format("A  {}{}{}\nB  {}{}{}\n", p.title, in_a ? in_a->title : "nothing of the kind", p.off, p.title,
                         in_b ? in_b->title : "nothing of the kind", p.off);
      if (!in_a || !in_b) continue;
      const auto phases_a = phases_of(a, *in_a), phases_b = phases_of(b, *in_b);
      const bool both = a.model.header().times && b.model.header().times;
      const auto ratio = [&](Time of_first, Time of_second) { return both ? change(of_first, of_second) : "-"; };
      Table table(1);
      table.row({"phase", "A", "B", "B/A", "calls A", "calls B"});
      table.row({"all", wall(a, in_a->end - in_a->begin), wall(b, in_b->end - in_b->begin),
                 ratio(in_a->end - in_a->begin, in_b->end - in_b->begin), "", ""});
      for (const Phase phase : story::all_phases()) {
        const auto of = [&](const auto& phases) {
          const auto found = phases.find(phase);
          return found == phases.end() ? PhaseSum() : found->second;
        };
        const PhaseSum sa = of(phases_a), sb = of(phases_b);
        if (!sa.seen && !sb.seen) continue;
        table.row({std::string(story::phase_title(phase)), sa.seen ? wall(a, sa.wall) : "not seen",
                   sb.seen ? wall(b, sb.wall) : "not seen", sa.seen && sb.seen ? ratio(sa.wall, sb.wall) : "",
                   sa.seen ? std::to_string(sa.calls) : "", sb.seen ? std::to_string(sb.calls) : ""});
      }
      out += "\n" + table.text(p);
    }
  }
  if (a.story.chapters().empty() && b.story.chapters().empty()) out += "There is no container in these traces.\n";
  return out;
}

}  // namespace nstrace::report
