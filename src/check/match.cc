// SPDX-License-Identifier: MIT
// Values against arguments. Whatever may bind a capture in more than one way calls on for each of them, so that a
// search sees every solution; whatever the trace does not know (cut strings, unread memory) answers Maybe.
#include "check/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "check/glob.h"
#include "check/match_text.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using trace::Arg;
using trace::Call;
using Found = FunctionRef<bool(Truth)>;

bool tell(Truth answer, Found found) {
  return answer != Truth::No && found(answer);
}

class Matcher {
 public:
  // `shape`: captures fit like wildcards and bind nothing.
  Matcher(Bindings& bindings, Budget& budget, bool shape = false)
      : bindings_(bindings), budget_(budget), shape_(shape) {}

  bool call(const CallPattern& pattern, const Call& call, Found found) {
    const auto with_result = [&](Truth answer) {
      if (!pattern.result) return found(answer);
      return result(*pattern.result, call, [&](Truth t) { return found(both(answer, t)); });
    };
    const bool named = std::ranges::any_of(pattern.args, [](const Value& v) { return !v.name.empty(); });
    if (named) return by_name(pattern.args, call.args, 0, Truth::Yes, with_result);
    return in_order(pattern.args, 0, call.args, 0, Truth::Yes, with_result);
  }

  bool value(const Value& v, const Arg& arg, Found found) {
    if (!v.target) return plain(v, arg, found);
    return plain(v, arg, [&](Truth t) {
      if (arg.target.empty()) return found(arg.kind == Arg::Kind::Descriptor ? both(t, Truth::Maybe) : Truth::No);
      return glob(*v.target, arg.target, false, [&](Truth of_target) { return found(both(t, of_target)); });
    });
  }

  bool result(const ResultPattern& pattern, const Call& call, Found found) {
    const Truth unknown = Truth::Maybe;
    switch (pattern.kind) {
      case ResultPattern::Kind::Unknown:
        return tell(truth(!call.result), found);
      case ResultPattern::Kind::Failed:
        return tell(call.result ? truth(call.failed()) : unknown, found);
      case ResultPattern::Kind::Error:
        return tell(call.result ? truth(*call.result == -pattern.error_number) : unknown, found);
      case ResultPattern::Kind::Value:
        break;
    }
    if (!call.result) return found(pattern.value.kind == Value::Kind::Any ? Truth::Yes : Truth::Maybe);
    Arg arg;
    arg.value = call.failed() ? -1 : *call.result;
    return value(pattern.value, arg, found);
  }

 private:
  bool in_order(const std::vector<Value>& values, std::size_t i, const std::vector<Arg>& args, std::size_t j,
                Truth so_far, Found found) {
    budget_.step();
    if (i == values.size()) return j == args.size() && found(so_far);
    if (values[i].kind == Value::Kind::Rest) {
      if (i + 1 == values.size()) return found(so_far);
      for (std::size_t next = j; next <= args.size(); ++next)
        if (in_order(values, i + 1, args, next, so_far, found)) return true;
      return false;
    }
    if (j == args.size()) return false;
    return value(values[i], args[j],
                 [&](Truth t) { return in_order(values, i + 1, args, j + 1, both(so_far, t), found); });
  }

  bool by_name(const std::vector<Value>& values, const std::vector<Arg>& args, std::size_t i, Truth so_far,
               Found found) {
    if (i == values.size()) {
      const bool rest = std::ranges::any_of(values, [](const Value& v) { return v.kind == Value::Kind::Rest; });
      return (rest || args.size() == values.size()) && found(so_far);
    }
    if (values[i].name.empty()) return by_name(values, args, i + 1, so_far, found);
    const auto arg = std::ranges::find(args, values[i].name, &Arg::name);
    if (arg == args.end()) return false;
    return value(values[i], *arg, [&](Truth t) { return by_name(values, args, i + 1, both(so_far, t), found); });
  }

  bool plain(const Value& v, const Arg& arg, Found found) {
    const bool unread = arg.kind == Arg::Kind::Unread;
    switch (v.kind) {
      case Value::Kind::Any:
      case Value::Kind::Rest:
        return found(Truth::Yes);
      case Value::Kind::Capture:
        return capture(v.capture, captured(arg), found);
      case Value::Kind::Null:
        return tell(truth((arg.kind == Arg::Kind::Address || arg.kind == Arg::Kind::Integer) && arg.value == 0), found);
      case Value::Kind::Range:
        return tell(truth(has_number(arg) && arg.value >= v.low && arg.value <= v.high), found);
      case Value::Kind::Flags:
        return tell(unread ? Truth::Maybe : flags(v, arg), found);
      case Value::Kind::Text:
        if (unread) return found(Truth::Maybe);
        return arg.kind == Arg::Kind::String && glob(v.text, arg.text, arg.cut, found);
      case Value::Kind::List:
        if (unread) return found(Truth::Maybe);
        if (arg.kind == Arg::Kind::Strings) return list(v, arg, found);
        // groups, semaphore operations, what a call stored: written as a list, behind an address
        return arg.text.starts_with("[") && solve_text(v, arg.text, bindings_, budget_, found);
      case Value::Kind::Fields:
        if (unread) return found(Truth::Maybe);
        return arg.kind == Arg::Kind::Struct && solve_fields(v, arg.list, arg.cut, bindings_, budget_, found);
      case Value::Kind::Not: {
        Truth inner = Truth::No;
        value(v.items[0], arg, [&](Truth t) {
          inner = either(inner, t);
          return inner == Truth::Yes;
        });
        return tell(negated(inner), found);
      }
      case Value::Kind::Either:
        return std::ranges::any_of(v.items, [&](const Value& item) { return value(item, arg, found); });
    }
    return false;
  }

  static bool has_number(const Arg& arg) {
    return arg.kind != Arg::Kind::String && arg.kind != Arg::Kind::Strings && arg.kind != Arg::Kind::Struct;
  }

  static Truth flags(const Value& v, const Arg& arg) {
    if (arg.kind == Arg::Kind::String || arg.kind == Arg::Kind::Strings || arg.kind == Arg::Kind::Struct)
      return Truth::No;
    if (arg.text.empty() && arg.value != 0) return Truth::No;
    return truth(flags_fit(v, arg.text));
  }

  bool glob(const Glob& g, std::string_view text, bool cut, Found found) {
    // The words of an argv are compared with each literal again and again.
    if (!cut && g.pieces.size() == 1 && g.pieces[0].kind == GlobPiece::Kind::Literal)
      return g.pieces[0].text == text && found(Truth::Yes);
    return shape_ ? tell(glob_match(g, text, cut), found) : glob_solve(g, text, cut, bindings_, budget_, found);
  }

  bool capture(CaptureId id, std::optional<std::string> text, Found found) {
    if (!text) return found(Truth::Maybe);
    if (shape_) return found(Truth::Yes);
    const std::string* bound = bindings_.get(id);
    if (bound) return *bound == *text && found(Truth::Yes);
    const std::size_t mark = bindings_.mark();
    bindings_.set(id, std::move(*text));
    const bool stop = found(Truth::Yes);
    bindings_.undo(mark);
    return stop;
  }

  // Lists without captures are run as the set of elements that the pattern can have reached: argv may be long.
  bool list(const Value& v, const Arg& arg, Found found) {
    if (shape_ || !binds(v)) return tell(list_fits(v, arg), found);
    return elements(v.items, 0, arg, 0, Truth::Yes, found);
  }

  static bool binds(const Value& v) {
    if (v.kind == Value::Kind::Capture || (v.kind == Value::Kind::Text && v.text.captures())) return true;
    return std::ranges::any_of(v.items, binds);
  }

  // cut: strace showed no more of the element.
  bool element(const Value& v, const std::string& text, bool cut, Found found) {
    switch (v.kind) {
      case Value::Kind::Any:
      case Value::Kind::Rest:
        return found(Truth::Yes);
      case Value::Kind::Text:
        return glob(v.text, text, cut, found);
      case Value::Kind::Capture:
        return capture(v.capture, cut ? std::nullopt : std::optional(text), found);
      case Value::Kind::Not:
        return tell(negated(element_fits(v.items[0], text, cut)), found);
      case Value::Kind::Either:
        return std::ranges::any_of(v.items, [&](const Value& item) { return element(item, text, cut, found); });
      case Value::Kind::Range:
      case Value::Kind::Flags:
      case Value::Kind::List:
      case Value::Kind::Fields:
      case Value::Kind::Null:
        return solve_text(v, text, bindings_, budget_, found);
    }
    return false;
  }

  static bool is_cut(const Arg& arg, std::size_t index) {
    return std::ranges::find(arg.cut_elements, static_cast<int>(index)) != arg.cut_elements.end();
  }

  Truth element_fits(const Value& v, const std::string& text, bool cut) {
    Truth best = Truth::No;
    element(v, text, cut, [&](Truth t) {
      best = either(best, t);
      return best == Truth::Yes;
    });
    return best;
  }

  Truth list_fits(const Value& v, const Arg& arg) {
    const std::vector<std::string>& all = arg.list;
    std::vector<Truth> reached(all.size() + 1, Truth::No), next(all.size() + 1);
    reached[0] = Truth::Yes;
    bool beyond = false;  // what was cut off may hold what is missing
    bool rest = false;    // the last item was `...`
    for (const Value& item : v.items) {
      std::ranges::fill(next, Truth::No);
      rest = item.kind == Value::Kind::Rest;
      if (reached[all.size()] != Truth::No) beyond = true;
      Truth before = Truth::No;
      for (std::size_t i = 0; i <= all.size(); ++i) {
        before = either(before, reached[i]);
        if (rest)
          next[i] = before;
        else if (i < all.size() && reached[i] != Truth::No)
          next[i + 1] = both(reached[i], element_fits(item, all[i], is_cut(arg, i)));
      }
      budget_.step(all.size() / 16 + 1);
      std::swap(reached, next);
    }
    const Truth whole = reached[all.size()];
    if (!arg.cut || rest) return whole != Truth::No || !arg.cut ? whole : beyond ? Truth::Maybe : Truth::No;
    return beyond && !v.items.empty() ? Truth::Maybe : Truth::No;
  }

  bool elements(const std::vector<Value>& items, std::size_t i, const Arg& arg, std::size_t j, Truth so_far,
                Found found) {
    budget_.step();
    if (i == items.size()) return j == arg.list.size() && !arg.cut && found(so_far);
    if (items[i].kind == Value::Kind::Rest) {
      if (i + 1 == items.size()) return found(so_far);
      for (std::size_t next = j; next <= arg.list.size(); ++next)
        if (elements(items, i + 1, arg, next, so_far, found)) return true;
      return false;
    }
    if (j == arg.list.size()) return arg.cut && found(Truth::Maybe);
    return element(items[i], arg.list[j], is_cut(arg, j),
                   [&](Truth t) { return elements(items, i + 1, arg, j + 1, both(so_far, t), found); });
  }

  Bindings& bindings_;
  Budget& budget_;
  bool shape_;
};

Truth best(FunctionRef<bool(Found)> run) {
  Truth answer = Truth::No;
  run([&](Truth t) {
    answer = either(answer, t);
    return answer == Truth::Yes;
  });
  return answer;
}

std::string arg_name(const Arg& arg, std::size_t index) {
  return arg.name.empty() ? fmt::format("argument {}", index + 1) : arg.name;
}

}  // namespace

std::optional<std::string> captured(const Arg& arg) {
  switch (arg.kind) {
    case Arg::Kind::Integer:
    case Arg::Kind::Address:
    case Arg::Kind::Descriptor:
      return fmt::format("{}", arg.value);
    case Arg::Kind::Flags:
    case Arg::Kind::Symbol:
      return arg.text.empty() ? fmt::format("{}", arg.value) : arg.text;
    case Arg::Kind::String:
      if (arg.cut) return std::nullopt;
      return arg.text;
    case Arg::Kind::Strings:
    case Arg::Kind::Struct:
      if (arg.cut) return std::nullopt;
      return trace::arg_text(arg);
    case Arg::Kind::Unread:
      return std::nullopt;
  }
  return std::nullopt;
}

bool solve(const CallPattern& pattern, const Call& call, Bindings& bindings, Budget& budget, Found found) {
  return Matcher(bindings, budget).call(pattern, call, found);
}

Truth possible(const CallPattern& pattern, const Call& call, std::size_t captures, Budget& budget) {
  Bindings bindings(captures);
  return best([&](Found found) { return Matcher(bindings, budget, true).call(pattern, call, found); });
}

Truth value_fits(const Value& value, const Arg& arg) {
  Bindings bindings(0);
  Budget budget(1000000);
  return best([&](Found found) { return Matcher(bindings, budget).value(value, arg, found); });
}

bool name_fits(const CallPattern& pattern, std::string_view name) {
  return std::ranges::any_of(pattern.names, [&](const std::string& glob) {
    if (glob.find('*') == std::string::npos) return glob == name;
    // Few stars, short names: plain backtracking.
    const auto fits = [&](const auto& self, std::string_view g, std::string_view n) -> bool {
      if (g.empty()) return n.empty();
      if (g[0] == '*') return self(self, g.substr(1), n) || (!n.empty() && self(self, g, n.substr(1)));
      return !n.empty() && g[0] == n[0] && self(self, g.substr(1), n.substr(1));
    };
    return fits(fits, glob, name);
  });
}

Nearness nearness(const CallPattern& pattern, const Call& call, const Bindings& bindings) {
  Nearness near;
  Bindings trial = bindings;
  Budget budget(100000);
  const auto note = [&](std::string what, std::string expected, std::string found) {
    ++near.differs;
    if (near.what.empty())
      near.what = std::move(what), near.expected = std::move(expected), near.found = std::move(found);
  };
  Matcher matcher(trial, budget);
  const auto compare = [&](const Value& value, const Arg& arg, std::size_t index) {
    const Truth t = best([&](Found found) { return matcher.value(value, arg, found); });
    if (t == Truth::Yes)
      ++near.fits;
    else {
      if (value.kind == Value::Kind::Flags && near.what.empty() && arg.kind == Arg::Kind::Flags)
        near.detail = flags_difference(value, arg.text);
      note(arg_name(arg, index), value.source, trace::arg_text(arg));
    }
  };
  try {
    std::size_t j = 0;
    for (std::size_t i = 0; i < pattern.args.size(); ++i) {
      const Value& value = pattern.args[i];
      if (value.kind == Value::Kind::Rest) {
        // What stands behind `...` is compared from the end.
        const std::size_t behind = pattern.args.size() - i - 1;
        j = std::max(j, call.args.size() >= behind ? call.args.size() - behind : 0);
        continue;
      }
      if (!value.name.empty()) {
        const auto arg = std::ranges::find(call.args, value.name, &Arg::name);
        if (arg != call.args.end())
          compare(value, *arg, 0);
        else
          note(value.name, value.source, "nothing");
        continue;
      }
      if (j < call.args.size())
        compare(value, call.args[j], j);
      else
        note(fmt::format("argument {}", i + 1), value.source, "nothing");
      ++j;
    }
    // Arguments that the pattern does not name, and has no `...` for.
    const auto is_rest = [](const Value& v) { return v.kind == Value::Kind::Rest && v.name.empty(); };
    const bool named = std::ranges::any_of(pattern.args, [](const Value& v) { return !v.name.empty(); });
    if (call.args.size() > pattern.args.size() && std::ranges::none_of(pattern.args, is_rest))
      for (std::size_t i = named ? 0 : pattern.args.size(); i < call.args.size(); ++i) {
        const Arg& arg = call.args[i];
        if (std::ranges::find(pattern.args, arg.name, &Value::name) != pattern.args.end()) continue;
        if (near.what.empty()) near.detail = "`...` stands for arguments that are not named";
        note(arg_name(arg, i), "left out", trace::arg_text(arg));
        break;
      }
    if (pattern.result) {
      near.result_fits = best([&](Found found) { return matcher.result(*pattern.result, call, found); }) == Truth::Yes;
      if (!near.result_fits) {
        const std::string& written = pattern.source;
        const std::size_t equals = written.rfind(" = ");
        note("the result", equals == std::string::npos ? written : written.substr(equals + 3),
             trace::result_text(call));
      }
    }
  } catch (const BudgetPassed&) {
  }
  return near;
}

}  // namespace nstrace::check
