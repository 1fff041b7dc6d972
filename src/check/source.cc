// SPDX-License-Identifier: MIT
// Places in expectation files, diagnostics with the line and a caret, and the nearest of several words.
#include "check/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "trace/text.h"

namespace nstrace::check {
namespace {

// Columns that a text takes on a terminal, near enough for a caret: one per character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80; }));
}

// A line of source as it may be shown: tabs are one blank, control bytes escaped.
std::string shown(std::string_view line) {
  std::string text(line);
  std::replace(text.begin(), text.end(), '\t', ' ');
  return trace::escape(text, "");
}

// Edits (insert, delete, replace, swap of neighbours) from a to b.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return last[b.size()];
}

}  // namespace

std::string_view SourceFile::line(int number) const {
  if (number < 1 || static_cast<std::size_t>(number) > lines.size()) return {};
  const std::size_t begin = lines[static_cast<std::size_t>(number) - 1];
  std::size_t end = text.find('\n', begin);
  if (end == std::string::npos) end = text.size();
  if (end > begin && text[end - 1] == '\r') --end;
  return std::string_view(text).substr(begin, end - begin);
}

int Sources::add(std::string path, std::string text) {
  SourceFile file{std::move(path), std::move(text), {0}};
  for (std::size_t i = 0; i < file.text.size(); ++i)
    if (file.text[i] == '\n') file.lines.push_back(i + 1);
  files_.push_back(std::move(file));
  return static_cast<int>(files_.size()) - 1;
}

bool Sources::has(const std::string& path) const {
  return std::any_of(files_.begin(), files_.end(), [&](const SourceFile& file) { return file.path == path; });
}

std::string Sources::where(const Place& place) const {
  return fmt::format("{}:{}:{}", trace::escape(file(place.file).path, ""), place.line, place.column);
}

std::string_view Sources::line(const Place& place) const {
  return file(place.file).line(place.line);
}

std::string render(const Sources& sources, const Diagnostic& diagnostic) {
  const std::string_view line = sources.line(diagnostic.place);
  const auto column = std::min(static_cast<std::size_t>(std::max(diagnostic.place.column, 1)) - 1, line.size());
  const auto length = std::min(static_cast<std::size_t>(std::max(diagnostic.place.length, 1)), line.size() - column);
  std::string before = shown(line.substr(0, column)), marked = shown(line.substr(column, length)),
              after = shown(line.substr(column + length));
  // A very long line is shown around the place.
  constexpr std::size_t kBefore = 80, kAfter = 60;
  if (before.size() > kBefore) {
    std::size_t cut = before.size() - kBefore;
    while (cut < before.size() && (static_cast<unsigned char>(before[cut]) & 0xc0u) == 0x80) ++cut;
    before = "..." + before.substr(cut);
  }
  if (after.size() > kAfter) {
    std::size_t cut = kAfter;
    while (cut > 0 && (static_cast<unsigned char>(after[cut]) & 0xc0u) == 0x80) --cut;
    after = after.substr(0, cut) + "...";
  }
  std::string out = fmt::format("{}: error: {}\n", sources.where(diagnostic.place), diagnostic.message);
  out += "    " + before + marked + after + "\n";
  out += "    " + std::string(width(before), ' ') + "^";
  if (width(marked) > 1) out += std::string(width(marked) - 1, '~');
  out += "\n";
  if (!diagnostic.hint.empty()) out += "    hint: " + diagnostic.hint + "\n";
  return out;
}

std::string render(const Sources& sources, const std::vector<Diagnostic>& diagnostics, std::size_t limit) {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : diagnostics) sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return std::tie(a->place.file, a->place.line, a->place.column) <
           std::tie(b->place.file, b->place.line, b->place.column);
  });
  std::string out;
  for (std::size_t i = 0; i < sorted.size() && i < limit; ++i) out += render(sources, *sorted[i]);
  if (sorted.size() > limit) out += fmt::format("... and {} more errors\n", sorted.size() - limit);
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  if (word.size() > 64) return best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 2 * word.size() + 2) continue;
    const std::size_t edits = distance(word, candidate);
    if (edits < best_distance) best = candidate, best_distance = edits;
  }
  return best;
}

}  // namespace nstrace::check
