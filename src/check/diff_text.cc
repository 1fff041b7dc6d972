// SPDX-License-Identifier: MIT
// A process a paragraph, a phase a heading, a change a line: "+" new, "-" gone, "~" changed, ">" reordered.
#include <fmt/format.h>

#include <algorithm>

#include "check/diff_groups.h"
#include "check/diff_report.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

char sign(Change change) {
  switch (change) {
    case Change::New:
      return '+';
    case Change::Gone:
      return '-';
    case Change::Changed:
      return '~';
    case Change::Moved:
      return '>';
  }
  return ' ';
}

class Writer {
 public:
  explicit Writer(const DiffReportOptions& options) : options_(options) {}

  std::string write(const Diff& diff) {
    out_ = fmt::format("{} -> {}\n{}\n", trace::escape(options_.a), trace::escape(options_.b), headline(diff));
    for (const std::string& doubt : diff.doubts) line(2, "! " + doubt);
    for (const std::string& note : diff.notes) line(2, "note: " + note);
    for (const ProcessDiff& process : diff.processes)
      if (process.differs() || options_.all) paragraph(process);
    return out_;
  }

 private:
  std::size_t width() const { return static_cast<std::size_t>(std::max(options_.columns, 40)); }

  void line(std::size_t indent, std::string text) {
    if (!options_.all && indent + text.size() > width()) {
      std::size_t end = width() - indent - 3;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80) --end;  // whole characters
      text = text.substr(0, end) + "...";
    }
    out_ += std::string(indent, ' ') + text + "\n";
  }

  void paragraph(const ProcessDiff& process) {
    out_ += "\n";
    const Counts counts = counts_of(process);
    switch (process.where) {
      case ProcessDiff::Where::OnlyA:
        line(0, fmt::format("- {}: gone, with {}", process_title(process), plural(process.calls_a, "call")));
        break;
      case ProcessDiff::Where::OnlyB:
        line(0, fmt::format("+ {}: new, with {}", process_title(process), plural(process.calls_b, "call")));
        break;
      case ProcessDiff::Where::Both: {
        const std::string text = counts_text(counts);
        line(0, fmt::format("{} {}: {}{}{} the same", process.differs() ? '~' : '=', process_title(process), text,
                            text.empty() ? "" : ", ", process.same));
        break;
      }
    }
    if (!process.below.empty() && process.where != ProcessDiff::Where::Both) line(2, "made by " + process.below);
    for (const ValueChange& life : process.lives)
      line(2, fmt::format("~ {} namespace: {} -> {}", life.name, life.before, life.after));
    for (const ValueChange& value : process.start)
      if (value.before != value.after)
        line(2, fmt::format("~ the program starts with {}: {} -> {}", value.name, value.before, value.after));
    for (const Phase phase : kPhases) {
      const auto found = groups(process, phase, !options_.all);
      if (found.empty()) continue;
      line(2, std::string(phase_name(phase)));
      for (const DiffGroup& group : found) write(group);
    }
  }

  void write(const DiffGroup& group) {
    const CallChange& first = *group.members.front();
    const std::string text = first.after.empty() ? first.before : first.after;
    const std::string head = fmt::format("{} ", sign(group.change));
    const std::size_t more = group.members.size();
    if (group.change == Change::Changed) {
      line(4, head + (more > 1 ? fmt::format("{} x{}, such as {}", group.call, more, first.before) : first.before));
      for (const ValueChange& value : first.values) {
        const std::string before = fmt::format("{}: {}", value.name, value.before.empty() ? "(none)" : value.before);
        const std::string after = " -> " + (value.after.empty() ? "(none)" : value.after);
        const bool fits = options_.all || 8 + before.size() + after.size() <= width();
        line(8, fits ? before + after : before);
        if (!fits) line(8, std::string(value.name.size() - std::min<std::size_t>(value.name.size(), 2), ' ') + after);
      }
      return;
    }
    line(4, head + (more > 1 ? fmt::format("{} x{}: {}, ...", group.call, more, text) : text));
  }

  const DiffReportOptions& options_;
  std::string out_;
};

}  // namespace

std::string diff_text(const Diff& diff, const DiffReportOptions& options) {
  return Writer(options).write(diff);
}

int exit_code(Diff::Verdict verdict) {
  switch (verdict) {
    case Diff::Verdict::Same:
      return 0;
    case Diff::Verdict::Differs:
      return 1;
    case Diff::Verdict::CannotTell:
      return 3;
  }
  return 3;
}

}  // namespace nstrace::check
