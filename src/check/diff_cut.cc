// SPDX-License-Identifier: MIT
#include "check/diff_cut.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace nstrace::check {
namespace {

// Behind the quote that closes the string in which `at` lies; the end if none does.
std::size_t behind_string(std::string_view text, std::size_t at) {
  for (; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

// Walks along both: where the cut text leaves off, the whole one is passed over up to the same place.
bool covers(std::string_view cut, std::string_view whole) {
  if (cut == "FD") return whole.starts_with('<');
  bool quoted = false;
  std::size_t i = 0, j = 0;
  while (i < cut.size()) {
    if (quoted && cut.compare(i, 4, "\"...") == 0) {
      i += 4;
      j = behind_string(whole, j);
      if (whole.compare(j, 3, "...") == 0) j += 3;
      quoted = false;
      continue;
    }
    if (!quoted && cut.compare(i, 4, "...]") == 0) return true;
    if (j >= whole.size() || cut[i] != whole[j]) return false;
    if (quoted && cut[i] == '\\') {
      if (++i >= cut.size() || ++j >= whole.size() || cut[i] != whole[j]) return false;
    } else if (cut[i] == '"') {
      quoted = !quoted;
    }
    ++i, ++j;
  }
  return j == whole.size();
}

bool same_step(const CallStep& a, const CallStep& b) {
  return a.outcome == b.outcome && std::ranges::equal(a.parts, b.parts, [](const CallPart& x, const CallPart& y) {
           return x.name == y.name && same_part(x, y);
         });
}

bool has_cut(const CallStep& step) {
  return std::ranges::any_of(step.parts, &CallPart::cut);
}

}  // namespace

bool same_part(const CallPart& a, const CallPart& b) {
  return a.text == b.text || (a.cut && covers(a.text, b.text)) || (b.cut && covers(b.text, a.text));
}

void match_cut(std::vector<CallStep>& a, std::vector<CallStep>& b) {
  if (std::ranges::none_of(a, has_cut) && std::ranges::none_of(b, has_cut)) return;
  std::map<std::string_view, std::vector<CallStep*>> open;  // of b, by call, the last first
  for (std::size_t j = b.size(); j-- > 0;) open[b[j].call].push_back(&b[j]);
  for (CallStep& step : a) {
    std::vector<CallStep*>& others = open[step.call];
    const auto other =
        std::find_if(others.rbegin(), others.rend(), [&](const CallStep* it) { return same_step(step, *it); });
    if (other == others.rend()) continue;
    for (std::size_t i = 0; i < step.parts.size(); ++i) {
      CallPart &x = step.parts[i], &y = (*other)->parts[i];
      if (x.cut)
        x.text = y.text;
      else
        y.text = x.text;
    }
    others.erase(std::next(other).base());
  }
}

}  // namespace nstrace::check
