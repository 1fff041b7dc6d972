// SPDX-License-Identifier: MIT
#include "report/story_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/runtime.h"
#include "trace/text.h"

namespace nstrace::report {
namespace {

using story::Chapter;
using story::PhaseSpan;
using story::Step;

struct Palette {
  std::string_view title, phase, number, line, reference, warning, off;
};
constexpr Palette kPlain{};
constexpr Palette kColours{"\033[1;7m", "\033[1;36m", "\033[1m", "\033[33m", "\033[2m", "\033[31m", "\033[0m"};

// The columns that valid UTF-8 takes, roughly: one for each character.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

// Words, put in lines of `width` columns, each begun by `indent`.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (!lines.back().empty() && columns(lines.back()) + 1 + columns(word) > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string records(std::uint64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "record was" : "records were");
}

class Writer {
 public:
  Writer(const story::Story& story, const model::Model& model, const StoryOptions& options)
      : story_(story), model_(model), options_(options), p_(options.color ? kColours : kPlain) {}

  std::string text() {
    opening();
    std::size_t step = 0;
    for (std::size_t i = 0; i < story_.phases().size(); ++i) {
      const PhaseSpan& span = story_.phases()[i];
      const Chapter& chapter = story_.chapters()[span.chapter];
      if (i == 0 || story_.phases()[i - 1].chapter != span.chapter) title(chapter);
      if (!span.seen) {
        i = unseen(i);
        continue;
      }
      heading(span);
      for (int k = 0; k < span.steps; ++k) write(story_.steps()[step++]);
    }
    return out_;
  }

 private:
  void put(std::string_view first, std::string_view rest, std::string_view words, std::string_view colour) {
    const std::size_t room = options_.width > columns(rest) + 20 ? options_.width - columns(rest) : 20;
    bool begun = false;
    for (const std::string& line : wrapped(words, room)) {
      out_ += fmt::format("{}{}{}{}\n", begun ? rest : first, colour, line, p_.off);
      begun = true;
    }
  }

  void opening() {
    const std::uint64_t lost = model_.lost();
    if (lost)
      put("", "",
          fmt::format("{} lost: steps may be missing in this story, and what it says about who is "
                      "where may be incomplete.",
                      records(lost)),
          p_.warning);
    if (story_.steps().empty())
      put("", "", "There is no container in this trace, and nothing else that this command could explain.", "");
  }

  void title(const Chapter& c) {
    if (!out_.empty()) out_ += '\n';
    const std::string bar = fmt::format(" {} ", c.title);
    put("", "", bar.substr(1, bar.size() - 2), p_.title);
    std::string facts;
    if (!c.container_id.empty() && c.container_id != c.name) facts += "id " + trace::escape(c.container_id);
    if (!facts.empty()) put("", "", facts, p_.reference);
    if (c.cut_before) put("", "", "It was under way when the trace began: what came before was not seen.", p_.warning);
    if (c.lost_before)
      put("", "", "Its beginning is not in this trace: it may be among the records that were lost before.", p_.warning);
    for (const story::Gap& gap : story_.gaps())
      if (gap.event >= c.first_event && gap.event <= c.last_event)
        put("", "", fmt::format("{} lost here ({}): steps may be missing.", records(gap.count), trace::escape(gap.why)),
            p_.warning);
  }

  void heading(const PhaseSpan& span) {
    const std::string name(story::phase_title(span.phase));
    std::string capital = name;
    if (!capital.empty()) capital[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(capital[0])));
    out_ += fmt::format("\n  {}{}{}", p_.phase, capital, p_.off);
    const std::string what(story::phase_what(span.phase));
    // Of a daemon it would be the time from the first to the last touch, with all that it does otherwise.
    const bool daemon = story_.chapters()[span.chapter].kind == story::Kind::Daemon;
    const std::string took = daemon || !model_.header().times ? "" : time(span.end - span.begin);
    if (columns(name) + columns(what) + columns(took) + 10 <= options_.width)
      out_ += fmt::format("  {}{}{}{}", p_.reference, what, took.empty() ? "" : " (" + took + ")", p_.off);
    out_ += '\n';
  }

  static std::string time(trace::Time ns) {
    if (ns <= 0) return "";
    if (ns < 1000000) return fmt::format("{} us", ns / 1000);
    if (ns < 10'000'000'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
    return fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
  }

  // "  x3", or which calls they were: "  (mount x2, umount2)".
  static std::string repeats(const Step& s) {
    if (s.count < 2) return "";
    if (s.calls.size() < 2) return fmt::format("  x{}", s.count);
    std::string list;
    for (const auto& [call, count] : s.calls) {
      if (!list.empty()) list += ", ";
      list += count > 1 ? fmt::format("{} x{}", call, count) : call;
    }
    return "  (" + list + ")";
  }

  void write(const Step& s) {
    const std::string number = fmt::format("{:>5}", s.number);
    put(fmt::format("{}{}.{} ", p_.number, number, p_.off), "       ", s.sentence, "");
    if (options_.lines && !s.line.empty()) {
      const std::string who = fmt::format("[pid {} {}] ", model_.processes()[s.process].pid, trace::escape(s.comm));
      const std::string more = repeats(s);
      const std::size_t room = options_.width > 30 ? options_.width - 7 : 23;
      std::string line = who + s.line;
      if (columns(line) + columns(more) > room) {
        std::size_t cut = 0, seen = 0;
        while (cut < line.size() && seen + 3 + columns(more) < room) {
          ++cut;
          while (cut < line.size() && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) ++cut;
          ++seen;
        }
        line = line.substr(0, cut) + "...";
      }
      out_ += fmt::format("       {}{}{}{}\n", p_.line, line, more, p_.off);
    }
    if (options_.lines)
      for (const model::NsChange& change : s.changes)
        out_ += fmt::format("         {}{}{}\n", p_.line, model::change_text(model_, change), p_.off);
    if (options_.references && !s.references.empty()) {
      std::string read;
      for (const std::string_view reference : s.references)
        read += (read.empty() ? "see " : "; ") + std::string(reference);
      put("       ", "           ", read, p_.reference);
    }
  }

  // What of it a recording would have had with --gates: writes and opens, which are not followed otherwise.
  std::string behind_gates(const std::vector<std::string>& unseen) const {
    if (model_.header().gates || !model_.header().calls_known) return "";
    std::string list;
    for (const story::Phase phase : {story::Phase::IdMaps, story::Phase::Ready, story::Phase::Start}) {
      const std::string title(story::phase_title(phase));
      if (std::ranges::find(unseen, title) != unseen.end()) list += (list.empty() ? "" : ", ") + title;
    }
    return list.empty() ? "" : " --gates records more of: " + list + ".";
  }

  // Says what was not seen of a chapter; gives the last of those spans.
  std::size_t unseen(std::size_t i) {
    std::vector<std::string> names;
    const auto chapter = story_.phases()[i].chapter;
    for (; i < story_.phases().size() && story_.phases()[i].chapter == chapter; ++i)
      names.emplace_back(story::phase_title(story_.phases()[i].phase));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    out_ += '\n';
    put("  ", "  ", "Not seen in this trace: " + list + "." + behind_gates(names), p_.reference);
    return i - 1;
  }

  const story::Story& story_;
  const model::Model& model_;
  const StoryOptions options_;
  const Palette p_;
  std::string out_;
};

}  // namespace

std::string story_text(const story::Story& story, const model::Model& model, const StoryOptions& options) {
  return Writer(story, model, options).text();
}

}  // namespace nstrace::report
