// SPDX-License-Identifier: MIT
// Expressions over the table of calls, as strace's -e takes them: names, %sets, /regexes, "!" and "?". Items are
// applied from left to right to a set that is empty at first, or full when the expression begins with "!".
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <regex>
#include <utility>

#include "trace/error.h"
#include "trace/syscalls.h"
#include "trace/text.h"

namespace nstrace::trace {
namespace {

// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

// What the user may have meant by `word`: names within a third of its length, and names that it is a part of.
std::vector<std::string> near(std::string_view word) {
  const std::string_view bare = word.starts_with('%') ? word.substr(1) : word;
  struct Candidate {
    std::size_t distance;
    std::string name;
  };
  std::vector<Candidate> found;
  const auto consider = [&](std::string_view name, std::string shown) {
    const std::size_t d = distance(bare, name);
    const bool part = bare.size() >= 3 && (name.find(bare) != name.npos || bare.find(name) != bare.npos);
    if (d <= std::max<std::size_t>(1, bare.size() / 3) || part) found.push_back({d, std::move(shown)});
  };
  for (const NamedSet& set : named_sets()) consider(set.name, fmt::format("%{}", set.name));
  for (const SyscallRow& call : syscalls()) consider(call.name, std::string(call.name));
  std::ranges::stable_sort(found, {}, &Candidate::distance);
  std::vector<std::string> names;
  for (const Candidate& c : found)
    if (names.size() < 4) names.push_back(c.name);
  return names;
}

[[noreturn]] void unknown(std::string_view what, std::string_view word) {
  const std::vector<std::string> names = near(word);
  const std::string hint = names.empty() ? "" : fmt::format("; near it: {}", fmt::join(names, ", "));
  throw Error(fmt::format("-e: nstrace knows no {} '{}'{} (-e help lists all)", what, escape(word), hint));
}

using Chosen = std::vector<bool>;  // by place in the table

template <typename Test>
void mark(Chosen& chosen, bool on, Test&& test) {
  const auto table = syscalls();
  for (std::size_t i = 0; i < table.size(); ++i)
    if (test(table[i])) chosen[i] = on;
}

void mark_regex(Chosen& chosen, bool on, std::string_view pattern) {
  try {
    const std::regex regex(pattern.begin(), pattern.end(), std::regex::extended | std::regex::nosubs);
    mark(chosen, on, [&](const SyscallRow& c) { return std::regex_search(c.name.begin(), c.name.end(), regex); });
  } catch (const std::regex_error&) {
    throw Error(fmt::format("-e: '/{}' is not a regular expression (POSIX extended, as in grep -E)", escape(pattern)));
  }
}

// By the number that it has on this machine, as strace takes it: "59".
const SyscallRow* by_number(std::string_view item) {
#if defined(__aarch64__)
  constexpr std::string_view kArch = "aarch64";
#else
  constexpr std::string_view kArch = "x86_64";
#endif
  int number = 0;
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
  if (error != std::errc() || end != item.data() + item.size() || number < 0) return nullptr;
  return find_syscall(number, kArch);
}

void apply(Chosen& chosen, bool on, std::string_view item) {
  const bool optional = item.starts_with('?');
  if (optional) item.remove_prefix(1);
  if (item.empty()) throw Error("-e: an empty name; write names of calls or %sets with one comma between them");
  if (item.starts_with('/')) return mark_regex(chosen, on, item.substr(1));
  if (const std::size_t at = item.find('@');
      at != std::string_view::npos) {  // of which ABI; nstrace takes all together
    if (item.substr(at) != "@64")
      throw Error(fmt::format("-e {}: calls of 32-bit programs are not told apart; write {}", escape(item),
                              escape(item.substr(0, at))));
    item = item.substr(0, at);
  }
  if (item == "none") return mark(chosen, !on, [](const SyscallRow&) { return true; });
  if (item.starts_with('%') || item == "all") {
    const std::string_view name = item == "all" ? item : item.substr(1);
    const auto sets = named_sets();
    const auto it = std::ranges::find(sets, name, &NamedSet::name);
    if (it != sets.end()) return mark(chosen, on, [&](const SyscallRow& c) { return in_set(c, it->bit); });
    if (!optional) unknown("set", item);
    return;
  }
  const SyscallRow* call = find_syscall(item);
  if (!call) call = by_number(item);
  if (call) return mark(chosen, on, [&](const SyscallRow& c) { return &c == call; });
  // strace's old way to write a set: without its %
  const auto sets = named_sets();
  if (const auto set = std::ranges::find(sets, item, &NamedSet::name); set != sets.end())
    return mark(chosen, on, [&](const SyscallRow& c) { return in_set(c, set->bit); });
  if (!optional) unknown("system call", item);
}

// Without the "trace=" that strace allows in front.
std::string_view without_qualifier(std::string_view item) {
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos) return item;
  const std::string_view word = item.substr(0, equals);
  if (word == "trace" || word == "t") return item.substr(equals + 1);
  throw Error(fmt::format("-e {}=: only trace= is taken; write -e trace=CALL,... or -e CALL,...", escape(word)));
}

}  // namespace

std::vector<std::string> parse_call_set(std::string_view expression) {
  // Several -e may have been joined, so each item may have its "trace=".
  const std::string_view first = without_qualifier(expression.substr(0, expression.find(',')));
  if (first.empty() && expression.find(',') == std::string_view::npos)
    throw Error("-e: no call is named; write names of calls or %sets, or 'none' (-e help lists all)");
  const bool inverted = first.starts_with('!');
  Chosen chosen(syscalls().size(), inverted);
  std::string_view rest = expression;
  if (rest.size() > 1 && rest.ends_with(',') && !rest.ends_with(",,")) rest.remove_suffix(1);
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    std::string_view item = without_qualifier(rest.substr(0, comma));
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
    const bool away = item.starts_with('!');
    if (away) item.remove_prefix(1);
    apply(chosen, !(inverted || away), item);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) names.emplace_back(syscalls()[i].name);
  return names;
}

std::string sets_markdown() {
  std::string out;
  for (const NamedSet& set : named_sets()) {
    std::vector<std::string> names;
    for (const SyscallRow& call : syscalls())
      if (in_set(call, set.bit)) names.push_back(fmt::format("`{}`", call.name));
    out += fmt::format("- `%{}` ({}): {}\n", set.name, set.what, fmt::join(names, ", "));
  }
  return out;
}

std::string sets_help() {
  constexpr std::size_t kWidth = 100;
  std::string out = "Sets of system calls for -e, and their members:\n";
  for (const NamedSet& set : named_sets()) {
    out += fmt::format("\n%{}: {}\n", set.name, set.what);
    std::string row = " ";
    for (const SyscallRow& call : syscalls()) {
      if (!in_set(call, set.bit)) continue;
      if (row.size() + 1 + call.name.size() > kWidth) {
        out += row + "\n";
        row = " ";
      }
      row += fmt::format(" {}", call.name);
    }
    out += row + "\n";
  }
  return out + "\nSeveral are joined by commas; !NAME takes away, ?NAME may be unknown, /REGEX matches names.\n";
}

}  // namespace nstrace::trace
