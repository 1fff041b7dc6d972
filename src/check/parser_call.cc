// SPDX-License-Identifier: MIT
// Calls as strace writes them, with wildcards: names, arguments, results.
#include <fmt/format.h>

#include <algorithm>

#include "check/fit.h"
#include "check/match.h"
#include "check/parser.h"
#include "check/vocabulary.h"
#include "trace/syscalls.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

Glob plain_glob(const std::string& text) {
  Glob glob;
  glob.source = text;
  for (const char c : text) {
    if (c == '*') {
      glob.pieces.push_back({GlobPiece::Kind::Star, "", -1});
      continue;
    }
    if (glob.pieces.empty() || glob.pieces.back().kind != GlobPiece::Kind::Literal) glob.pieces.push_back({});
    glob.pieces.back().text += c;
  }
  return glob;
}

constexpr int kDeepestValue = 32;

std::vector<std::string> argument_names(const trace::SyscallRow& row) {
  std::vector<std::string> names;
  for (const trace::ArgSpec& spec : row.args)
    if (spec.type != trace::ArgType::None) names.emplace_back(spec.name);
  return names;
}

// One value deeper, as long as it lives.
struct Deeper {
  explicit Deeper(int& depth) : depth_(++depth) {}
  ~Deeper() { --depth_; }
  int& depth_;
};

}  // namespace

CallPattern Parser::call() {
  CallPattern call;
  const std::size_t begin = at_;
  const Token name = now();
  const std::vector<Named> named = names_of(call);
  if (accept(Tok::LeftParen)) {
    call.args = values(Tok::RightParen, "the arguments");
  } else {
    Value rest;
    rest.kind = Value::Kind::Rest;
    rest.source = "...";
    rest.place = name.place;
    call.args.push_back(std::move(rest));
  }
  if (accept(Tok::Equals)) call.result = result();
  call.place = place_from(begin);
  call.source = source_from(begin);
  call.captures = captures_in(call);
  // The environment, an address to strace, may be left out.
  const auto exec = [](const std::string& n) { return n == "execve" || n == "execveat"; };
  if (std::ranges::all_of(call.names, exec) && call.args.size() == (call.names[0] == "execve" ? 2 : 3) &&
      std::ranges::none_of(call.args, [](const Value& v) { return v.kind == Value::Kind::Rest || !v.name.empty(); })) {
    Value rest;
    rest.kind = Value::Kind::Rest;
    rest.source = "...";
    call.args.push_back(std::move(rest));
  }
  if (!check_call(call, name)) return call;
  bool good = true, known = true;
  Named all;
  for (const Named& one : named) {
    good = check_arguments(call, one, named.size() > 1) && good;
    known = known && std::ranges::any_of(one.calls, [](const std::string& c) { return !forms_of(c).empty(); });
    all.text += (all.text.empty() ? "" : "|") + one.text;
    all.calls.insert(all.calls.end(), one.calls.begin(), one.calls.end());
  }
  if (good && known && named.size() > 1) check_arguments(call, all, false);
  return call;
}

std::vector<Parser::Named> Parser::names_of(CallPattern& call) {
  std::vector<Named> named;
  const auto add = [&](const Token& token, std::vector<std::string> calls) {
    named.push_back({token.text, calls});
    call.names.insert(call.names.end(), calls.begin(), calls.end());
  };
  do {
    if (at(Tok::Set)) {
      const Token& set = take();
      std::vector<std::string> members = calls_of_set(set.text);
      if (members.empty()) {
        const std::string near = nearest(set.text, set_names());
        std::string all;
        for (const std::string& one : set_names()) all += (all.empty() ? "" : ", ") + one;
        fail(set.place, fmt::format("there is no set of calls `{}` with a call in it", set.text),
             near.empty() || near == set.text ? "the sets are " + all : fmt::format("did you mean `{}`?", near));
      }
      add(set, std::move(members));
      continue;
    }
    const Token& name = expect(Tok::Name, "a call");
    if (name.text == "exec") {
      add(name, {"execve", "execveat"});
      continue;
    }
    if (name.text.find('*') != std::string::npos) {
      if (name.text == "*") fail(name.place, "`*` is no call", "write `%all` for every call that nstrace can record");
      CallPattern glob;
      glob.names.push_back(name.text);
      std::vector<std::string> members;
      for (const std::string& one : call_names())
        if (name_fits(glob, one)) members.push_back(one);
      if (members.empty()) fail(name.place, fmt::format("no call has a name like `{}`", name.text));
      named.push_back({name.text, std::move(members)});
      call.names.push_back(name.text);
      continue;
    }
    if (!is_call(name.text)) {
      const std::string near = nearest(name.text, call_names());
      fail(name.place, fmt::format("there is no call `{}`", name.text),
           near.empty() ? "calls have the names that strace prints; exited, killed, renamed and moved are known too"
                        : fmt::format("did you mean `{}`?", near));
    }
    add(name, {name.text});
  } while (accept(Tok::Pipe));
  std::ranges::sort(call.names);
  call.names.erase(std::unique(call.names.begin(), call.names.end()), call.names.end());
  return named;
}

// The list up to `close`, which is taken. Ends of lines do not count in it.
std::vector<Value> Parser::values(Tok close, const std::string& inside) {
  std::vector<Value> list;
  for (newlines(); !at(close); newlines()) {
    list.push_back(value(true));
    const std::size_t behind = at_;
    newlines();
    if (at(close)) break;
    if (!at(Tok::Comma)) {
      at_ = behind;  // the end of this line, rather than what begins the next
      const char* const sign = close == Tok::RightParen ? ")" : close == Tok::RightBracket ? "]" : "}";
      fail_here(fmt::format("`,` or `{}` in {}", sign, inside));
    }
    take();
  }
  take();
  return list;
}

Value Parser::value(bool named) {
  const std::size_t begin = at_;
  const Deeper deeper(depth_);
  if (depth_ > kDeepestValue) fail(now().place, "this is nested too deeply");
  Value out;
  std::string name;
  if (named && at(Tok::Name) && ahead().tok == Tok::Equals) {
    name = take().text;
    take();
  }
  out = plain_value();
  if (at_word("or")) {
    Value either;
    either.kind = Value::Kind::Either;
    either.items.push_back(std::move(out));
    while (accept_word("or")) either.items.push_back(plain_value());
    out = std::move(either);
  }
  out.name = std::move(name);
  out.place = place_from(begin);
  out.source = source_from(begin);
  return out;
}

Value Parser::plain_value() {
  const std::size_t begin = at_;
  Value out;
  switch (now().tok) {
    case Tok::Ellipsis:
      take();
      out.kind = Value::Kind::Rest;
      break;
    case Tok::String:
      out.kind = Value::Kind::Text;
      out.text = resolve(now().glob);
      take();
      break;
    case Tok::Capture:
      out.kind = Value::Kind::Capture;
      out.capture = capture(now().text, now().place);
      take();
      target(out);
      break;
    case Tok::Number:
      out = ahead().tok == Tok::Pipe ? flags_value() : number_value();
      break;
    case Tok::Less:
    case Tok::LessEquals:
    case Tok::Greater:
    case Tok::GreaterEquals:
      out = compared_value();
      break;
    case Tok::LeftBracket:
      take();
      out.kind = Value::Kind::List;
      out.items = values(Tok::RightBracket, "the list");
      for (const Value& item : out.items)
        if (!item.name.empty()) fail(item.place, "an element of a list has no name");
      break;
    case Tok::LeftBrace:
      out = fields_value();
      break;
    case Tok::Question:
      out = flags_value();
      break;
    case Tok::Bang:
      if (ahead().tok == Tok::Name && ahead().text != "NULL" && ahead().text != "_") {
        out = flags_value();
      } else {
        const Deeper deeper(depth_);
        if (depth_ > kDeepestValue) fail(now().place, "this is nested too deeply");
        take();
        out.kind = Value::Kind::Not;
        out.items.push_back(plain_value());
        const Value::Kind kind = out.items[0].kind;
        if (kind == Value::Kind::Rest || kind == Value::Kind::Any || kind == Value::Kind::Capture)
          fail(place_from(begin), "`!` needs something that can differ behind it");
        if (kind == Value::Kind::Text && out.items[0].text.captures())
          fail(place_from(begin), "there are no captures behind `!`");
      }
      break;
    case Tok::Name:
      if (now().text == "_") {
        take();
        target(out);
      } else if (now().text == "NULL") {
        take();
        out.kind = Value::Kind::Null;
      } else {
        out = flags_value();
      }
      break;
    case Tok::Duration:
      fail(now().place, "a time is no argument", "`within` stands behind the call");
    case Tok::End:
    case Tok::Newline:
    case Tok::Target:
    case Tok::Set:
    case Tok::Range:
    case Tok::LeftParen:
    case Tok::RightParen:
    case Tok::RightBracket:
    case Tok::RightBrace:
    case Tok::Comma:
    case Tok::Colon:
    case Tok::Equals:
    case Tok::Pipe:
    case Tok::EqualsEquals:
    case Tok::NotEquals:
      fail_here("a value", at(Tok::Comma) ? "`_` stands for one argument whatever it is" : "");
  }
  out.place = place_from(begin);
  out.source = source_from(begin);
  return out;
}

Value Parser::number_value() {
  Value out;
  out.kind = Value::Kind::Range;
  out.low = out.high = take().value;
  if (at(Tok::Range)) {
    take();
    const Token& high = expect(Tok::Number, "a number after `..`");
    out.high = high.value;
    if (out.high < out.low) fail(high.place, "this range is empty");
  }
  target(out);
  return out;
}

Value Parser::compared_value() {
  Value out;
  out.kind = Value::Kind::Range;
  const Tok op = take().tok;
  const Token& number = expect(Tok::Number, "a number");
  out.low = kLowest;
  out.high = kHighest;
  const bool edge = (op == Tok::Less && number.value == kLowest) || (op == Tok::Greater && number.value == kHighest);
  if (edge) fail(number.place, "this range is empty");
  if (op == Tok::Less) out.high = number.value - 1;
  if (op == Tok::LessEquals) out.high = number.value;
  if (op == Tok::Greater) out.low = number.value + 1;
  if (op == Tok::GreaterEquals) out.low = number.value;
  return out;
}

// NAME|?NAME|!NAME|0x8|..., or a single name, which may also be a constant or a descriptor (AT_FDCWD).
Value Parser::flags_value() {
  Value out;
  out.kind = Value::Kind::Flags;
  do {
    if (accept(Tok::Ellipsis)) {
      out.rest = true;
      continue;
    }
    FlagPattern flag;
    if (accept(Tok::Question))
      flag.kind = FlagPattern::Kind::Optional;
    else if (accept(Tok::Bang))
      flag.kind = FlagPattern::Kind::Absent, out.rest = true;
    const Token name = now();
    flag.place = name.place;
    if (at(Tok::Number)) {
      flag.name = plain_glob(fmt::format("{:#x}", static_cast<std::uint64_t>(take().value)));
    } else {
      expect(Tok::Name, "a flag");
      flag.name = plain_glob(at(Tok::LeftParen) ? name.text + function_text() : name.text);
    }
    out.flags.push_back(std::move(flag));
  } while (accept(Tok::Pipe));
  if (out.flags.size() == 1) target(out);
  return out;
}

// Takes "(0x1, 0x3)" and gives it with single blanks, as decoders write it.
std::string Parser::function_text() {
  take();
  std::string text = "(";
  while (!accept(Tok::RightParen)) {
    if (at(Tok::Newline) || at(Tok::End)) fail_here("`)`");
    const Token& token = take();
    text += state_.out.sources.file(file_).text.substr(token.begin, token.end - token.begin);
    if (token.tok == Tok::Comma) text += ' ';
  }
  return text + ")";
}

Value Parser::fields_value() {
  Value out;
  out.kind = Value::Kind::Fields;
  take();
  for (Value& field : values(Tok::RightBrace, "the structure")) {
    if (field.kind == Value::Kind::Rest && field.name.empty()) {
      out.rest = true;
    } else if (field.name.empty()) {
      fail(field.place, "a field needs its name", "write `{flags=CLONE_NEWNS, ...}`");
    } else {
      out.items.push_back(std::move(field));
    }
  }
  return out;
}

void Parser::target(Value& value) {
  if (!at(Tok::Target)) return;
  value.target = resolve(now().glob);
  take();
}

ResultPattern Parser::result() {
  ResultPattern result;
  const Token first = now();
  if (at(Tok::Question) && ahead().tok != Tok::Name) {
    take();
    result.kind = ResultPattern::Kind::Unknown;
    return result;
  }
  if (at(Tok::Number) && first.value == -1 && ahead().tok != Tok::Range) {
    take();
    result.kind = ResultPattern::Kind::Failed;
    static constexpr std::string_view kAfter[] = {"before", "after", "between", "and", "within", "in"};
    if (!at(Tok::Name) || std::ranges::find(kAfter, now().text) != std::end(kAfter)) return result;
    const Token& name = take();
    const auto number = errno_number(name.text);
    if (!number) {
      const std::string near = nearest(name.text, errno_names());
      fail(name.place, fmt::format("there is no error `{}`", name.text),
           near.empty() ? "" : fmt::format("did you mean `{}`?", near));
    }
    result.kind = ResultPattern::Kind::Error;
    result.error = name.text;
    result.error_number = *number;
    if (at(Tok::LeftParen)) {  // (Operation not permitted), as strace writes
      while (!at(Tok::RightParen) && !at(Tok::Newline) && !at(Tok::End)) take();
      expect(Tok::RightParen, "`)`");
    }
    return result;
  }
  if (at(Tok::Number) && first.value < -1) fail(first.place, "a call that fails gives -1", "write `= -1 EPERM`");
  if (at(Tok::Name) && errno_number(first.text))
    fail(first.place, "an error stands behind -1", fmt::format("write `= -1 {}`", first.text));
  result.value = value(false);
  check_result(result.value);
  return result;
}

void Parser::check_result(const Value& value) {
  if (value.target) fail(value.place, "what a result refers to is not recorded", "leave `<...>` away");
  switch (value.kind) {
    case Value::Kind::Any:
    case Value::Kind::Capture:
      return;
    case Value::Kind::Range:
      if (value.high < -1) fail(value.place, "a call that fails gives -1", "write `= -1 EPERM`");
      return;
    case Value::Kind::Either:
    case Value::Kind::Not:
      for (const Value& item : value.items) check_result(item);
      return;
    case Value::Kind::Rest:
    case Value::Kind::Text:
    case Value::Kind::Flags:
    case Value::Kind::List:
    case Value::Kind::Fields:
    case Value::Kind::Null:
      fail(value.place, "a result is a number, -1 and an error, `_`, `?` or a capture");
  }
}

bool Parser::check_call(const CallPattern& call, const Token& name) {
  bool named = false, positional = false, rest = false;
  for (const Value& arg : call.args) {
    if (arg.kind == Value::Kind::Rest && arg.name.empty())
      rest = true;
    else
      (arg.name.empty() ? positional : named) = true;
  }
  if (named && positional) fail(name.place, "arguments stand all by their place or all by their name");
  if (call.names.size() == 1)
    if (const trace::SyscallRow* row = trace::find_syscall(call.names[0]); row && row->named_args) {
      const bool told = std::ranges::any_of(call.args, [](const Value& v) {
        return v.name.empty() && v.kind != Value::Kind::Rest && v.kind != Value::Kind::Any;
      });
      if (told)
        fail(name.place, fmt::format("the arguments of `{}` go by their names", row->name),
             fmt::format("write `{}({}=..., ...)`", row->name, argument_names(*row)[0]));
    }
  const std::size_t given =
      call.args.size() - static_cast<std::size_t>(std::ranges::count_if(
                             call.args, [](const Value& v) { return v.kind == Value::Kind::Rest && v.name.empty(); }));
  // No call of these names has so many arguments, or so few: the pattern would fit nothing, and a `never` always hold.
  const auto wrong = [&](const std::string& one) -> std::optional<std::size_t> {
    const trace::SyscallRow* row = is_pseudo_call(one) ? nullptr : trace::find_syscall(one);
    if (!row && !is_pseudo_call(one)) return std::nullopt;
    const std::size_t most = row ? argument_names(*row).size() : 1;
    const bool fewer = rest || (row && ((named && row->named_args) || takes_fewer(one)));
    if (given > most || (given < most && !fewer)) return most;
    return std::nullopt;
  };
  if (std::ranges::all_of(call.names, [&](const std::string& one) { return wrong(one).has_value(); })) {
    const std::string& one = call.names[0];
    const std::size_t most = *wrong(one);
    error(name.place, fmt::format("`{}` has {} argument{}, not {}", one, most, most == 1 ? "" : "s", given),
          given < most ? "`...` stands for the others" : "");
    return false;
  }
  if (call.names.size() != 1) return true;
  const std::string& one = call.names[0];
  if (!is_pseudo_call(one)) return true;
  if (call.result) error(name.place, fmt::format("`{}` has no result", one));
  if (named) error(name.place, fmt::format("the argument of `{}` has no name", one));
  return !call.result && !named;
}

// A call that is named must be able to look so; of a set or a glob, one of the calls. Calls that only a log of strace
// can hold have arguments that are not known.
bool Parser::check_arguments(const CallPattern& call, const Named& named, bool any) {
  if (call.args.size() == 1 && call.args[0].kind == Value::Kind::Rest && call.args[0].name.empty()) return true;
  std::vector<Form> forms;
  for (const std::string& one : named.calls) forms.insert(forms.end(), forms_of(one).begin(), forms_of(one).end());
  if (forms.empty()) return true;
  std::vector<std::string> names;
  for (const Form& form : forms)
    for (const Shape& shape : form) names.push_back(shape.name);
  for (const Value& arg : call.args) {
    if (arg.name.empty() || std::ranges::find(names, arg.name) != names.end()) continue;
    const std::string near = nearest(arg.name, names);
    error(arg.place, fmt::format("`{}` has no argument `{}`", named.text, arg.name),
          near.empty() ? "" : fmt::format("did you mean `{}`?", near));
    return false;
  }
  const auto bad = misfit(call, forms, named.text, any);
  if (bad) error(bad->place, bad->message, bad->hint);
  return !bad;
}

}  // namespace nstrace::check
