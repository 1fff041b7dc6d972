// SPDX-License-Identifier: MIT
// A list of words is taken apart: "runc" at the beginning of an argv may be what differs, and the id at its end not.
#include "check/update_call.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "check/expect_calls.h"
#include "check/match.h"

namespace nstrace::check {
namespace {

using trace::Arg;

struct Change {
  Place place;
  std::string source, text;
};

std::string no_symbol(std::string_view) {
  return "";
}

bool is_rest(const Value& value) {
  return value.kind == Value::Kind::Rest;
}

bool may_be(const Value& value, const Arg& arg, std::size_t captures) {
  CallPattern pattern;
  pattern.args.push_back(value);
  pattern.args[0].name.clear();
  trace::Call call;
  call.args.push_back(arg);
  Budget budget(100000);
  try {
    return possible(pattern, call, captures, budget) != Truth::No;
  } catch (const BudgetPassed&) {
    return false;
  }
}

// As expect writes it.
std::string written(const std::string& name, const Arg& arg) {
  trace::Call call;
  call.name = name == "clone" ? "" : name;  // whose flags alone expect writes
  call.args.push_back(arg);
  CallText text = call_pattern(call, no_symbol, true);
  text.name.clear();
  const std::string whole = text.write();
  return whole.substr(1, whole.size() - 2);
}

// The values with what they stand for: up to `...` from the front, behind it from the end. Nothing where the numbers
// do not go together.
template <typename T>
std::optional<std::vector<std::pair<const Value*, const T*>>> paired(const std::vector<Value>& values,
                                                                     const std::vector<T>& items) {
  std::vector<std::pair<const Value*, const T*>> pairs;
  const auto first = static_cast<std::size_t>(std::ranges::find_if(values, is_rest) - values.begin());
  const std::size_t rests = static_cast<std::size_t>(std::ranges::count_if(values, is_rest));
  if (rests == 0 ? values.size() != items.size() : values.size() - rests > items.size()) return std::nullopt;
  for (std::size_t i = 0; i < first; ++i) pairs.emplace_back(&values[i], &items[i]);
  for (std::size_t i = values.size(); i-- > first && !is_rest(values[i]);)
    pairs.emplace_back(&values[i], &items[items.size() - (values.size() - i)]);
  return pairs;
}

// What of a list of words differs; nothing if it has to be written as a whole.
std::optional<std::vector<Change>> change_words(const Value& value, const Arg& arg, std::size_t captures) {
  if (value.kind != Value::Kind::List || arg.kind != Arg::Kind::Strings) return std::nullopt;
  const auto pairs = paired(value.items, arg.list);
  if (!pairs) return std::nullopt;
  std::vector<Change> changes;
  for (const auto& [item, word] : *pairs) {
    Arg list;
    list.kind = Arg::Kind::Strings;
    list.list.push_back(*word);
    Value one;
    one.kind = Value::Kind::List;
    one.items.push_back(*item);
    if (!may_be(one, list, captures))
      changes.push_back({item->place, item->source, "\"" + glob_text(*word, no_symbol) + "\""});
  }
  if (changes.empty()) return std::nullopt;  // what differs stands between two `...`
  return changes;
}

}  // namespace

std::string mended_line(const std::string& line, const Item& item, const trace::Call& call, std::size_t captures) {
  const bool named = std::ranges::any_of(item.call.args, [](const Value& value) { return !value.name.empty(); });
  std::vector<std::pair<const Value*, const Arg*>> pairs;
  if (named) {
    for (const Value& value : item.call.args) {
      const auto arg = std::ranges::find(call.args, value.name, &Arg::name);
      if (!value.name.empty() && arg == call.args.end()) return "";
      if (!value.name.empty()) pairs.emplace_back(&value, &*arg);
    }
  } else if (auto found = paired(item.call.args, call.args)) {
    pairs = std::move(*found);
  } else {
    return "";
  }
  std::vector<Change> changes;
  for (const auto& [value, arg] : pairs) {
    if (may_be(*value, *arg, captures)) continue;
    if (auto words = change_words(*value, *arg, captures)) {
      changes.insert(changes.end(), words->begin(), words->end());
      continue;
    }
    const std::string name = value->name.empty() ? "" : value->name + "=";
    changes.push_back({value->place, value->source, name + written(call.name, *arg)});
  }
  std::ranges::sort(changes, std::greater<>(), [](const Change& change) { return change.place.column; });
  std::string out = line;
  for (const Change& change : changes) {
    const auto at = static_cast<std::size_t>(change.place.column) - 1;
    if (change.place.line != item.place.line || line.compare(at, change.source.size(), change.source) != 0) return "";
    out.replace(at, change.source.size(), change.text);
  }
  return changes.empty() ? "" : out;
}

}  // namespace nstrace::check
