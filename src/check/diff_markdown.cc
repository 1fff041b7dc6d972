// SPDX-License-Identifier: MIT
// Markdown as GitHub and GitLab show it: a heading with the counts, then a short list for each process.
#include <fmt/format.h>

#include <algorithm>

#include "check/diff_groups.h"
#include "check/diff_report.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kLongest = 120;  // of a call; the whole is in the text and the JSON

// As a code span, whatever is in it: its fence is longer than any run of backticks inside (CommonMark 6.1).
std::string code(const std::string& text, bool whole = false) {
  std::string inner = text.empty() ? " " : text;
  if (!whole && inner.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(inner[end]) & 0xc0u) == 0x80) --end;
    inner = inner.substr(0, end) + "...";
  }
  std::size_t longest = 0, run = 0;
  for (const char c : inner) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(longest + 1, '`');
  const bool pad = inner.front() == '`' || inner.back() == '`';
  return fence + (pad ? " " : "") + inner + (pad ? " " : "") + fence;
}

std::string of(const DiffGroup& group, bool whole) {
  const CallChange& first = *group.members.front();
  const std::string& text = first.after.empty() ? first.before : first.after;
  const std::size_t count = group.members.size();
  const auto counted = [&](const std::string& word) {
    return count > 1 ? fmt::format("{} {} ×{}, such as {}", word, code(group.call), count, code(text, whole))
                     : fmt::format("{} {}", word, code(text, whole));
  };
  if (group.change != Change::Changed) return counted(std::string(change_name(group.change)));
  std::string out = count > 1
                        ? fmt::format("changed {} ×{}, such as {}", code(group.call), count, code(first.before, whole))
                        : fmt::format("changed {}", code(first.before, whole));
  for (const ValueChange& value : first.values)
    out += fmt::format("{} {} {} → {}", &value == &first.values.front() ? ":" : ",", value.name,
                       value.before.empty() ? "none" : code(value.before, whole),
                       value.after.empty() ? "none" : code(value.after, whole));
  return out;
}

std::string paragraph(const ProcessDiff& process, bool all) {
  std::string out;
  const std::string title = code(process_title(process), true);
  switch (process.where) {
    case ProcessDiff::Where::OnlyA:
      out = fmt::format("#### {}: gone, with {}\n\n", title, plural(process.calls_a, "call"));
      break;
    case ProcessDiff::Where::OnlyB:
      out = fmt::format("#### {}: new, with {}\n\n", title, plural(process.calls_b, "call"));
      break;
    case ProcessDiff::Where::Both: {
      const std::string text = counts_text(counts_of(process));
      out = fmt::format("#### {}: {}{}{} the same\n\n", title, text, text.empty() ? "" : ", ", process.same);
      break;
    }
  }
  for (const ValueChange& life : process.lives)
    out += fmt::format("- **{} namespace**: {} → {}\n", life.name, life.before, life.after);
  for (const Phase phase : kPhases) {
    const auto found = groups(process, phase, !all);
    if (found.empty()) continue;
    out += fmt::format("- **{}**\n", phase_name(phase));
    for (const DiffGroup& group : found) out += "  - " + of(group, all) + "\n";
  }
  return out + "\n";
}

// What the container's program starts with: what is the same by name, what differs in full.
std::string start(const ProcessDiff& process) {
  if (process.start.empty() && process.lives.empty()) return "";
  std::string same, differs;
  for (const ValueChange& value : process.start) {
    if (value.before == value.after)
      same += (same.empty() ? "" : ", ") + value.name;
    else
      differs += fmt::format("- **{}**: {} → {}\n", value.name, code(value.before, true), code(value.after, true));
  }
  for (const ValueChange& life : process.lives)
    differs += fmt::format("- **{} namespace**: {} → {}\n", life.name, life.before, life.after);
  if (process.start.empty()) return "";
  if (process.lives.empty()) same = "namespaces" + (same.empty() ? "" : ", " + same);
  std::string out;
  if (!same.empty()) out += fmt::format("The container's program starts with the same {}.\n\n", same);
  if (!differs.empty()) out += "It starts with other:\n\n" + differs + "\n";
  return out;
}

}  // namespace

std::string diff_markdown(const Diff& diff, const DiffReportOptions& options) {
  std::string out = fmt::format("### nstrace diff: {} → {}\n\n**{}**\n\n", code(trace::escape(options.a), true),
                                code(trace::escape(options.b), true), headline(diff));
  for (const std::string& doubt : diff.doubts) out += "> " + doubt + "\n";
  for (const std::string& note : diff.notes) out += "> " + note + "\n";
  if (!diff.doubts.empty() || !diff.notes.empty()) out += "\n";
  for (const ProcessDiff& process : diff.processes) out += start(process);
  if (diff.verdict != Diff::Verdict::Differs) {
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
  }
  out += "| process | new | gone | changed | reordered | the same |\n|---|--:|--:|--:|--:|--:|\n";
  for (const ProcessDiff& process : diff.processes) {
    if (!process.differs()) continue;
    const Counts counts = counts_of(process);
    const char* where = process.where == ProcessDiff::Where::OnlyA   ? " (gone)"
                        : process.where == ProcessDiff::Where::OnlyB ? " (new)"
                                                                     : "";
    out += fmt::format("| {}{} | {} | {} | {} | {} | {} |\n", code(process_title(process), true), where, counts.added,
                       counts.gone, counts.changed, counts.moved, process.same);
  }
  std::string calls;
  for (const ProcessDiff& process : diff.processes)
    if (!process.changes.empty() || !process.lives.empty()) calls += paragraph(process, options.all);
  if (!calls.empty()) out += "\n<details><summary>Call by call</summary>\n\n" + calls + "</details>\n";
  return out;
}

}  // namespace nstrace::check
