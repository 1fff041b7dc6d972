// SPDX-License-Identifier: MIT
// A call fits if one of its forms has each argument. Arguments are looked at one after the other: the first that leaves
// no form is the one to be told.
#include "check/fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "check/glob.h"

namespace nstrace::check {
namespace {

using Misfit = std::optional<Diagnostic>;

// Kinds of namespaces, and what else stands in front of the inode of a descriptor that is no file. Those of sockets are
// in capitals, as strace writes them.
const std::vector<std::string> kTargets = {"mnt",  "uts",    "ipc",  "net",        "pid",      "user", "cgroup",
                                           "time", "socket", "pipe", "anon_inode", "signalfd", "char", "block"};

std::string described(const Shape& shape) {
  constexpr std::pair<Shape::Kind, std::string_view> kWords[] = {
      {Shape::Number, "a number"},    {Shape::String, "a string"},         {Shape::List, "a list"},
      {Shape::Struct, "a structure"}, {Shape::Descriptor, "a descriptor"},
  };
  std::vector<std::string> all;
  if (!shape.words.empty()) all.emplace_back("a name");
  for (const auto& [kind, word] : kWords)
    if (shape.is(kind)) all.emplace_back(word);
  if (all.empty()) return "an address";
  return fmt::format("{}", fmt::join(all, " or "));
}

std::string_view described(const Value& value) {
  switch (value.kind) {
    case Value::Kind::Text:
      return "a string";
    case Value::Kind::Range:
      return "a number";
    case Value::Kind::Flags:
      return "a name";
    case Value::Kind::List:
      return "a list";
    case Value::Kind::Fields:
      return "a structure";
    case Value::Kind::Null:
      return "NULL";
    case Value::Kind::Any:
    case Value::Kind::Rest:
    case Value::Kind::Capture:
    case Value::Kind::Not:
    case Value::Kind::Either:
      return "this";
  }
  return "this";
}

class Fitting {
 public:
  // `lenient`: of alternatives one is enough. `hints`: what is told is read, so look for words that may have been
  // meant.
  Fitting(bool lenient, bool hints) : lenient_(lenient), hints_(hints) {}

  Misfit value(const Value& v, const Shape& shape, const std::string& what) const {
    if (v.target)
      if (Misfit bad = target(v, shape, what)) return bad;
    switch (v.kind) {
      case Value::Kind::Any:
      case Value::Kind::Rest:
      case Value::Kind::Capture:
        return std::nullopt;
      case Value::Kind::Null:
        if (shape.is(Shape::Number) || shape.is(Shape::Address)) return std::nullopt;
        break;
      case Value::Kind::Range:
        return range(v, shape, what);
      case Value::Kind::Flags:
        return flags(v, shape, what);
      case Value::Kind::Text:
        return text(v, shape, what);
      case Value::Kind::List:
        if (!shape.is(Shape::List)) break;
        return list(v, shape, what);
      case Value::Kind::Fields:
        if (!shape.is(Shape::Struct)) break;
        return fields(v, shape, what);
      case Value::Kind::Not:
        return value(v.items[0], shape, what);
      case Value::Kind::Either:
        return alternatives(v, shape, what);
    }
    return wrong_kind(v, shape, what);
  }

 private:
  static Misfit wrong_kind(const Value& v, const Shape& shape, const std::string& what, std::string hint = "") {
    if (hint.empty() && shape.kinds == Shape::Number && shape.low == shape.high - 1)
      hint = fmt::format("it is {} or {}", shape.low, shape.high);
    return Diagnostic{v.place, fmt::format("{} is {}, never {}", what, described(shape), described(v)),
                      std::move(hint)};
  }

  std::string known(const std::string& word, const std::set<std::string>& words) const {
    constexpr std::size_t kShown = 8;
    if (!hints_) return "";
    const std::vector<std::string> all(words.begin(), words.end());
    for (const std::string& one : all)
      if (one == "1<<" + word) return fmt::format("write `{}`, as strace does", one);
    if (const std::string near = nearest(word, all); !near.empty()) return fmt::format("did you mean `{}`?", near);
    if (all.empty() || all.size() > kShown) return "";
    return fmt::format("known: {}", fmt::join(all, ", "));
  }

  static Misfit target(const Value& v, const Shape& shape, const std::string& what) {
    if (!shape.is(Shape::Descriptor))
      return Diagnostic{v.place, fmt::format("{} is {}, which refers to nothing", what, described(shape)),
                        "`<...>` stands behind descriptors"};
    const auto& pieces = v.target->pieces;
    if (pieces.empty() || pieces[0].kind != GlobPiece::Kind::Literal) return std::nullopt;
    const std::string& begin = pieces[0].text;
    const char first = begin[0];
    if (first == '/' || first == '(' || (first >= 'A' && first <= 'Z')) return std::nullopt;
    const std::size_t colon = begin.find(':');
    const std::string kind = begin.substr(0, colon);
    if (colon == std::string::npos) {
      // wildcards may stand in the kind
      const bool whole = pieces.size() == 1;
      if (!whole && std::ranges::any_of(kTargets, [&](const std::string& one) { return one.starts_with(begin); }))
        return std::nullopt;
    } else if (std::ranges::find(kTargets, kind) != kTargets.end()) {
      return std::nullopt;
    }
    const std::string near = nearest(kind, kTargets);
    return Diagnostic{
        v.place, fmt::format("no descriptor refers to `{}`", v.target->source),
        near.empty() || near == kind
            ? "what it refers to is a path that begins with `/`, or `mnt:[...]`, `pid:...`, `pipe:[...]` and the like"
            : fmt::format("did you mean `{}:`?", near)};
  }

  static Misfit range(const Value& v, const Shape& shape, const std::string& what) {
    constexpr std::int64_t kLowestAddress = 0x1000;
    const bool bounded = shape.low <= shape.high;
    if (shape.is(Shape::Word) || shape.is(Shape::Descriptor) || shape.is(Shape::Number)) {
      if (shape.inner || !bounded || (v.low <= shape.high && v.high >= shape.low)) return std::nullopt;
      return Diagnostic{v.place, fmt::format("{} is never {}", what, v.source),
                        fmt::format("it is from {} to {}", shape.low, shape.high)};
    }
    // NULL, and what strace writes where memory counts for nothing or cannot be read
    const bool address = (v.low <= 0 && v.high >= 0) || v.high >= kLowestAddress || v.high < 0;
    if (shape.is(Shape::Address) && address) return std::nullopt;
    return wrong_kind(v, shape, what);
  }

  static bool is_number(const std::string& word) {
    return !word.empty() && word[0] >= '0' && word[0] <= '9' && !word.starts_with("1<<");
  }

  static bool names(const Glob& glob, const std::set<std::string>& words) {
    if (!glob.literal())
      return std::ranges::any_of(words, [&](const std::string& word) { return glob_match(glob, word) == Truth::Yes; });
    const std::string word = glob.literal_text();
    if (is_number(word)) return true;
    const std::size_t open = word.find('(');
    return words.contains(open == std::string::npos ? word : word.substr(0, open + 1));
  }

  Misfit flags(const Value& v, const Shape& shape, const std::string& what) const {
    // an element of argv is compared as it stands
    if (shape.inner && shape.is(Shape::String) && shape.words.empty()) return std::nullopt;
    if (shape.words.empty())
      return wrong_kind(v, shape, what, shape.is(Shape::String) ? "strings stand in quotes" : "");
    for (const FlagPattern& flag : v.flags) {
      if (names(flag.name, shape.words)) continue;
      const std::string& word = flag.name.source;
      return Diagnostic{flag.place, fmt::format("{} is never `{}`", what, word), known(word, shape.words)};
    }
    return std::nullopt;
  }

  // Inside structures a string is also compared with what stands there without quotes.
  Misfit text(const Value& v, const Shape& shape, const std::string& what) const {
    std::size_t least = 0;
    for (const GlobPiece& piece : v.text.pieces)
      if (piece.kind != GlobPiece::Kind::Star) least += piece.kind == GlobPiece::Kind::Literal ? piece.text.size() : 1;
    if (shape.is(Shape::String)) {
      if (least > shape.longest)
        return Diagnostic{v.place, fmt::format("{} is never `{}`", what, v.text.source),
                          fmt::format("it has at most {} bytes", shape.longest)};
      if (shape.words.empty() || shape.inner || names(v.text, shape.words)) return std::nullopt;
      return Diagnostic{v.place, fmt::format("{} is never `{}`", what, v.text.source),
                        known(v.text.source, shape.words)};
    }
    if (shape.inner && (!v.text.literal() || is_number(v.text.literal_text()) || names(v.text, shape.words)))
      return std::nullopt;
    return wrong_kind(v, shape, what, shape.words.empty() ? "" : "names stand without quotes");
  }

  Misfit list(const Value& v, const Shape& shape, const std::string& what) const {
    Shape any;  // an element of argv: whatever it reads like
    any.kinds = Shape::String | Shape::Number | Shape::Address;
    any.low = kLowest, any.high = kHighest;
    any.inner = true;
    const Shape& element = shape.element.empty() ? any : shape.element[0];
    for (const Value& item : v.items)
      if (Misfit bad = value(item, element, "an element of " + what)) return bad;
    return std::nullopt;
  }

  Misfit fields(const Value& v, const Shape& shape, const std::string& what) const {
    for (const Value& item : v.items) {
      const auto field = std::ranges::find(shape.fields, item.name, &Shape::name);
      if (field == shape.fields.end()) {
        std::set<std::string> names;
        for (const Shape& one : shape.fields) names.insert(one.name);
        return Diagnostic{item.place, fmt::format("{} has no field `{}`", what, item.name), known(item.name, names)};
      }
      if (Misfit bad = value(item, *field, fmt::format("`{}`", item.name))) return bad;
    }
    return std::nullopt;
  }

  Misfit alternatives(const Value& v, const Shape& shape, const std::string& what) const {
    Misfit first;
    for (const Value& item : v.items) {
      Misfit bad = value(item, shape, what);
      if (!bad && lenient_) return std::nullopt;
      if (bad && !first) first = std::move(bad);
    }
    return first;
  }

  bool lenient_, hints_;
};

// Only whether it fits.
bool may_be(const Value& value, const Shape& shape) {
  return !Fitting(true, false).value(value, shape, "");
}

// May the first `count` values, and whatever stands behind them, be arguments of that form from `at` on?
bool begins(const std::vector<Value>& values, std::size_t i, std::size_t count, bool whole, const Form& form,
            std::size_t at) {
  if (i == count) return !whole || at == form.size();
  if (values[i].kind == Value::Kind::Rest) {
    if (i + 1 < count && values[i + 1].kind == Value::Kind::Rest) return begins(values, i + 1, count, whole, form, at);
    for (std::size_t next = at; next <= form.size(); ++next)
      if (begins(values, i + 1, count, whole, form, next)) return true;
    return false;
  }
  return at < form.size() && may_be(values[i], form[at]) && begins(values, i + 1, count, whole, form, at + 1);
}

bool has_named(const std::vector<Value>& values, std::size_t count, bool whole, const Form& form) {
  std::size_t given = 0;
  bool rest = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i].name.empty()) {
      rest = true;
      continue;
    }
    ++given;
    const auto arg = std::ranges::find(form, values[i].name, &Shape::name);
    if (arg == form.end() || !may_be(values[i], *arg)) return false;
  }
  return !whole || rest || given == form.size();
}

bool fits(const std::vector<Value>& values, std::size_t count, bool whole, const Form& form) {
  const bool named = std::ranges::any_of(values, [](const Value& v) { return !v.name.empty(); });
  return named ? has_named(values, count, whole, form) : begins(values, 0, count, whole, form, 0);
}

// What argument number `index` may be in these forms; nothing if none has it.
std::optional<Shape> shape_at(const std::vector<Value>& values, std::size_t index,
                              const std::vector<const Form*>& forms) {
  std::optional<Shape> all;
  const auto add = [&](const Shape& shape) {
    if (all)
      merge(*all, shape);
    else
      all = shape;
  };
  // Behind `...` places count from the end.
  const auto is_rest = [](const Value& v) { return v.kind == Value::Kind::Rest; };
  const bool behind = std::any_of(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), is_rest);
  for (const Form* form : forms) {
    if (!values[index].name.empty()) {
      const auto arg = std::ranges::find(*form, values[index].name, &Shape::name);
      if (arg != form->end()) add(*arg);
    } else if (const std::size_t at = behind ? form->size() - (values.size() - index) : index; at < form->size()) {
      add((*form)[at]);
    }
  }
  return all;
}

// How many arguments they have: "such a `prctl` has 2 arguments".
std::string sizes(const std::vector<const Form*>& forms, const std::string& name) {
  const auto [least, most] = std::ranges::minmax(forms, {}, [](const Form* form) { return form->size(); });
  const std::string upto = least->size() == most->size() ? "" : fmt::format("{} to ", least->size());
  return fmt::format("such a `{}` has {}{} argument{}", name, upto, most->size(), most->size() == 1 ? "" : "s");
}

}  // namespace

Misfit misfit(const Value& value, const Shape& shape, const std::string& what) {
  return Fitting(false, true).value(value, shape, what);
}

Misfit misfit(const CallPattern& call, const std::vector<Form>& forms, const std::string& name, bool any) {
  std::vector<const Form*> left;
  for (const Form& form : forms) left.push_back(&form);
  const auto keep = [&](std::size_t count, bool whole) {
    std::vector<const Form*> kept;
    for (const Form* form : left)
      if (fits(call.args, count, whole, *form)) kept.push_back(form);
    return kept;
  };
  const auto what = [&](const Shape& shape) { return fmt::format("`{}` of `{}`", shape.name, name); };
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    const Value& value = call.args[i];
    std::vector<const Form*> kept = keep(i + 1, false);
    const std::optional<Shape> shape = shape_at(call.args, i, kept.empty() ? left : kept);
    if (shape && value.kind != Value::Kind::Rest)
      if (Misfit bad = Fitting(any, true).value(value, *shape, what(*shape))) return bad;
    if (kept.empty() && !shape) return Diagnostic{value.place, sizes(left, name), ""};
    if (kept.empty())
      return Diagnostic{value.place, fmt::format("no `{}` has this argument with those before it", name), ""};
    left = std::move(kept);
  }
  if (!keep(call.args.size(), true).empty()) return std::nullopt;
  return Diagnostic{call.place, sizes(left, name), "`...` stands for the others"};
}

}  // namespace nstrace::check
