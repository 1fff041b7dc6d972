// SPDX-License-Identifier: MIT
// Text inside structures is taken apart as far as the pattern asks for.
#include "check/match_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "check/glob.h"
#include "check/match.h"

namespace nstrace::check {
namespace {

using Found = FunctionRef<bool(Truth)>;

std::vector<std::string_view> split_flags(std::string_view text) {
  std::vector<std::string_view> flags;
  if (text.empty() || text == "0") return flags;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('|', begin), text.size());
    flags.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return flags;
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  int depth = 0;
  bool quoted = false;
  std::string part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      part += c;
      part += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '[' || c == '{' || c == '(')) ++depth;
    if (!quoted && (c == ']' || c == '}' || c == ')')) --depth;
    if (!quoted && depth == 0 && c == ',') {
      parts.push_back(std::move(part));
      part.clear();
      while (i + 1 < text.size() && text[i + 1] == ' ') ++i;
      continue;
    }
    part += c;
  }
  if (!part.empty() || !parts.empty()) parts.push_back(std::move(part));
  return parts;
}

namespace {

std::optional<std::int64_t> number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x"))
    base = 16, text.remove_prefix(2);
  else if (text.size() > 1 && text[0] == '0')
    base = 8;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

// The bytes of "text" in quotes; `cut` when dots follow.
std::optional<std::string> unquoted(std::string_view text, bool& cut) {
  cut = text.ends_with("\"...");
  if (cut) text.remove_suffix(3);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    constexpr std::string_view kFrom = "ntrvf", kTo = "\n\t\r\v\f";
    if (const auto known = kFrom.find(c); known != std::string_view::npos) {
      out += kTo[known];
    } else if (c >= '0' && c <= '7') {
      int value = 0, digits = 0;
      for (; digits < 3 && i < text.size() && text[i] >= '0' && text[i] <= '7'; ++digits, ++i)
        value = value * 8 + (text[i] - '0');
      --i;
      out += static_cast<char>(value);
    } else {
      out += c;
    }
  }
  return out;
}

Truth best_text(const Value& value, std::string_view text, Bindings& bindings, Budget& budget) {
  Truth best = Truth::No;
  solve_text(value, text, bindings, budget, [&](Truth t) {
    best = either(best, t);
    return best == Truth::Yes;
  });
  return best;
}

bool fields_from(const Value& pattern, std::size_t i, const std::vector<std::string>& fields, bool cut, Truth so_far,
                 Bindings& bindings, Budget& budget, Found found) {
  budget.step();
  if (i == pattern.items.size()) {
    if (pattern.rest) return found(so_far);
    if (fields.size() == pattern.items.size()) return found(cut ? both(so_far, Truth::Maybe) : so_far);
    return false;
  }
  const Value& item = pattern.items[i];
  const auto field = std::ranges::find_if(fields, [&](const std::string& f) {
    return f.size() > item.name.size() && f[item.name.size()] == '=' && f.starts_with(item.name);
  });
  if (field == fields.end()) return cut && found(Truth::Maybe);
  return solve_text(item, std::string_view(*field).substr(item.name.size() + 1), bindings, budget, [&](Truth t) {
    return fields_from(pattern, i + 1, fields, cut, both(so_far, t), bindings, budget, found);
  });
}

bool list_from(const std::vector<Value>& items, std::size_t i, const std::vector<std::string>& list, std::size_t j,
               Truth so_far, Bindings& bindings, Budget& budget, Found found) {
  budget.step();
  if (i == items.size()) return j == list.size() && found(so_far);
  if (items[i].kind == Value::Kind::Rest) {
    if (i + 1 == items.size()) return found(so_far);
    for (std::size_t next = j; next <= list.size(); ++next)
      if (list_from(items, i + 1, list, next, so_far, bindings, budget, found)) return true;
    return false;
  }
  if (j == list.size()) return false;
  return solve_text(items[i], list[j], bindings, budget, [&](Truth t) {
    return list_from(items, i + 1, list, j + 1, both(so_far, t), bindings, budget, found);
  });
}

}  // namespace

namespace {

// One flag; numbers by what they are: 0666 is 0x1b6.
bool flag_is(const Glob& name, std::string_view there) {
  if (glob_match(name, there) == Truth::Yes) return true;
  if (there.empty() || there[0] < '0' || there[0] > '9' || !name.literal()) return false;
  const auto value = number(there);
  return value && value == number(name.literal_text());
}

}  // namespace

bool flags_fit(const Value& pattern, std::string_view text) {
  const std::vector<std::string_view> there = split_flags(text);
  std::vector<bool> covered(there.size(), false);
  for (const FlagPattern& flag : pattern.flags) {
    bool any = false;
    for (std::size_t i = 0; i < there.size(); ++i) {
      if (!flag_is(flag.name, there[i])) continue;
      any = covered[i] = true;
    }
    if (flag.kind == FlagPattern::Kind::Needed && !any) return false;
    if (flag.kind == FlagPattern::Kind::Absent && any) return false;
  }
  return pattern.rest || std::ranges::all_of(covered, [](bool c) { return c; });
}

std::string flags_difference(const Value& pattern, std::string_view text) {
  std::string missing, much;
  const auto list = [](std::string& to, std::string_view name) { to += (to.empty() ? "" : "|") + std::string(name); };
  const std::vector<std::string_view> there = split_flags(text);
  std::vector<bool> covered(there.size(), false);
  for (const FlagPattern& flag : pattern.flags) {
    bool any = false;
    for (std::size_t i = 0; i < there.size(); ++i) {
      if (!flag_is(flag.name, there[i])) continue;
      any = true;
      if (flag.kind != FlagPattern::Kind::Absent)
        covered[i] = true;
      else
        list(much, there[i]);
    }
    if (flag.kind == FlagPattern::Kind::Needed && !any) list(missing, flag.name.source);
  }
  for (std::size_t i = 0; i < there.size() && !pattern.rest; ++i)
    if (!covered[i]) list(much, there[i]);
  std::string out;
  if (!missing.empty()) out = missing + (missing.find('|') == std::string::npos ? " is missing" : " are missing");
  if (!much.empty()) {
    out += (out.empty() ? "" : ", ") + much;
    out += much.find('|') == std::string::npos ? " is too much" : " are too much";
  }
  return out;
}

bool solve_fields(const Value& pattern, const std::vector<std::string>& fields, bool cut, Bindings& bindings,
                  Budget& budget, Found found) {
  return fields_from(pattern, 0, fields, cut, Truth::Yes, bindings, budget, found);
}

bool solve_text(const Value& value, std::string_view text, Bindings& bindings, Budget& budget, Found found) {
  const auto tell = [&](bool yes) { return yes && found(Truth::Yes); };
  bool cut = false;
  switch (value.kind) {
    case Value::Kind::Any:
    case Value::Kind::Rest:
      return found(Truth::Yes);
    case Value::Kind::Null:
      return tell(text == "NULL" || text == "0");
    case Value::Kind::Range: {
      const auto n = number(text);
      return tell(n && *n >= value.low && *n <= value.high);
    }
    case Value::Kind::Flags:
      return tell(flags_fit(value, text));
    case Value::Kind::Text: {
      const auto inner = unquoted(text, cut);
      return glob_solve(value.text, inner ? std::string_view(*inner) : text, cut, bindings, budget, found);
    }
    case Value::Kind::Capture: {
      const auto inner = unquoted(text, cut);
      const std::string now = inner ? *inner : std::string(text);
      if (cut) return found(Truth::Maybe);
      if (const std::string* bound = bindings.get(value.capture)) return tell(*bound == now);
      const std::size_t mark = bindings.mark();
      bindings.set(value.capture, now);
      const bool stop = found(Truth::Yes);
      bindings.undo(mark);
      return stop;
    }
    case Value::Kind::List:
      if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
      return list_from(value.items, 0, split_list(text.substr(1, text.size() - 2)), 0, Truth::Yes, bindings, budget,
                       found);
    case Value::Kind::Fields:
      if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
      return solve_fields(value, split_list(text.substr(1, text.size() - 2)), false, bindings, budget, found);
    case Value::Kind::Not: {
      const Truth answer = negated(best_text(value.items[0], text, bindings, budget));
      return answer != Truth::No && found(answer);
    }
    case Value::Kind::Either:
      return std::ranges::any_of(value.items,
                                 [&](const Value& item) { return solve_text(item, text, bindings, budget, found); });
  }
  return false;
}

}  // namespace nstrace::check
