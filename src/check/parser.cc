// SPDX-License-Identifier: MIT
// The rules of an expectation file: recursive descent, one function for each rule of the grammar in LANGUAGE.md. A line
// that cannot be understood is noted and left out, so that one run shows every error.
#include "check/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace/text.h"

namespace nstrace::check {
namespace {

constexpr int kDeepestInclude = 16;

std::string directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

void add_once(std::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

std::string trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return trace::escape(line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin), "");
}

}  // namespace

void Parser::run() {
  newlines();
  while (!at(Tok::End)) {
    const std::size_t begin = at_;
    try {
      nesting_ = 0;
      statement();
    } catch (const SkipLine&) {
      nesting_ = 0;
      recover(begin);
      if (at_ == begin) take();
    }
    newlines();
  }
}

void Parser::statement() {
  const std::size_t begin = at_;
  const Token first = now();
  Rule rule;
  rule.place = first.place;
  rule.source = trimmed(state_.out.sources.line(first.place));
  if (at_word("include")) return include();
  if (at_word("role")) return role_definition();
  if (accept_word("sequence")) {
    sequence(rule);
  } else if (accept_word("never")) {
    never(rule);
  } else if (accept_word("count")) {
    count(rule);
  } else if (accept_word("at")) {
    at_rule(rule);
  } else if (first.tok == Tok::Name && ahead().tok == Tok::Colon) {
    fail(first.place, "a call stands inside a sequence", fmt::format("write `sequence {{ {}: ... }}`", first.text));
  } else if (first.tok == Tok::LeftBracket) {
    fail(first.place, "expected a rule, found `[`",
         "of a line of strace, leave out the [pid ...] before the call and write `ROLE:` instead");
  } else if (first.tok == Tok::RightBrace) {
    fail(first.place, "this `}` closes nothing");
  } else {
    std::string near;
    if (first.tok == Tok::Name) near = nearest(first.text, {"include", "role", "sequence", "never", "count", "at"});
    if (near.empty() && at_word("optional")) near = "role NAME = optional ...";
    fail_here("a rule", near.empty() ? "rules begin with role, sequence, never, count, at or include"
                                     : fmt::format("did you mean `{}`?", near));
  }
  // What it names, each once.
  if (const auto* seq = std::get_if<Sequence>(&rule.what)) {
    for (const Step& step : seq->steps)
      for (const Item& item : step.items) {
        add_once(rule.roles, item.role);
        for (const CaptureId id : item.call.captures) add_once(rule.captures, id);
      }
  }
  const auto add_call = [&](RoleId role, const CallPattern& call) {
    add_once(rule.roles, role);
    for (const CaptureId id : call.captures) add_once(rule.captures, id);
  };
  const auto add_span = [&](const Span& span) {
    if (span.after) add_call(span.after->role, span.after->call);
    if (span.before) add_call(span.before->role, span.before->call);
  };
  if (const auto* never = std::get_if<Never>(&rule.what)) {
    add_call(never->role, never->call);
    add_span(never->span);
  }
  if (const auto* count = std::get_if<Count>(&rule.what)) {
    if (count->call)
      add_call(count->role, *count->call);
    else
      add_once(rule.roles, count->role);
    add_span(count->span);
  }
  if (const auto* at = std::get_if<At>(&rule.what)) {
    add_call(at->role, at->call);
    for (const StateLine& line : at->state)
      if (line.of >= 0) add_once(rule.roles, line.of);
  }
  rule.place = place_from(begin);
  state_.out.rules.push_back(std::move(rule));
}

void Parser::include() {
  const Token word = take();
  if (!at(Tok::String)) state_.include_failed = true;
  const Token file = expect(Tok::String, "the path of a file in quotes", "write `include \"common.expect\"`");
  end_of_line("`include`");
  const std::string name = file.glob.literal_text();
  if (!file.glob.literal() || name.empty()) state_.include_failed = true;
  if (state_.include_failed) fail(file.place, "the path of an included file has no wildcards");
  const std::string path = name.front() == '/' ? name : directory(state_.out.sources.file(file_).path) + name;
  if (state_.out.sources.has(path)) return;  // each file once, which also ends circles
  if (state_.depth >= kDeepestInclude) fail(word.place, "files include each other too deeply");
  std::string text;
  try {
    text = (*state_.load)(path);
  } catch (const Error& cause) {
    state_.include_failed = true;
    fail(file.place, trace::escape(cause.what(), ""));  // it names the path, whatever bytes that has
  }
  const int index = state_.out.sources.add(path, std::move(text));
  ++state_.depth;
  Parser(state_, index).run();
  --state_.depth;
}

void Parser::role_definition() {
  const std::size_t begin = at_;
  take();
  const Token name = now();
  const RoleId id = role("the name of the role");
  if (state_.role_defined[static_cast<std::size_t>(id)]) {
    const Place& first = state_.out.roles[static_cast<std::size_t>(id)].place;
    error(name.place, fmt::format("the role `{}` is there already, in line {}", name.text, first.line));
  }
  state_.role_defined[static_cast<std::size_t>(id)] = true;  // even if what follows cannot be read
  expect(Tok::Equals, "`=` after the name of the role", "write `role runc = exec \"*/runc\" with \"create\"`");
  Role role;
  role.name = name.text;
  role.place = name.place;
  for (bool more = true; more;) {
    if (accept_word("optional"))
      role.optional = true;
    else if (accept_word("each"))
      role.select = Select::Each;
    else if (accept_word("any"))
      role.select = Select::Any;
    else if (accept_word("first"))
      role.select = Select::First;
    else if (accept_word("last"))
      role.select = Select::Last;
    else
      more = false;
  }
  bool clauses = false;
  for (;; clauses = true) {
    if (continues("exec")) {
      exec_clause(role, "exec");
    } else if (continues("with")) {
      exec_clause(role, "with");
    } else if (continues("without")) {
      exec_clause(role, "without");
    } else if (continues("comm")) {
      role.comms.push_back(resolve(expect(Tok::String, "a string after `comm`").glob));
    } else if (continues("pid")) {
      role.pid = expect(Tok::Number, "a number after `pid`").value;
    } else if (continues("below")) {
      const Place place = now().place;
      if (role.below) fail(place, "a role is `below` one other role at most");
      role.below = this->role("a role after `below`");
      if (*role.below == id) fail(place, "a role cannot be below itself");
    } else {
      break;
    }
  }
  const bool done = at(Tok::Newline) || at(Tok::End);
  if (!clauses || !done) {
    const std::string near =
        at(Tok::Name) ? nearest(now().text, {"exec", "with", "without", "comm", "pid", "below", "optional"}) : "";
    fail_here("exec, with, without, comm, pid or below", near.empty() ? "" : fmt::format("did you mean `{}`?", near));
  }
  for (const ExecClause& clause : role.execs) {
    bool captures = clause.program && clause.program->captures();
    for (const auto* list : {&clause.with, &clause.without})
      for (const Glob& glob : *list) captures = captures || glob.captures();
    if (captures) error(name.place, "a role has no captures", "write `\\$` for the character itself");
  }
  for (const Glob& comm : role.comms)
    if (comm.captures()) error(name.place, "a role has no captures", "write `\\$` for the character itself");
  role.source = source_from(begin);
  state_.out.roles[static_cast<std::size_t>(id)] = std::move(role);
}

// `with` and `without` belong to the exec before them, or to any program of the process.
void Parser::exec_clause(Role& role, std::string_view keyword) {
  if (keyword == "exec") {
    role.execs.emplace_back();
    role.execs.back().program = expect(Tok::String, "a string after `exec`", "write `exec \"*/runc\"`").glob;
    return;
  }
  if (role.execs.empty()) role.execs.emplace_back();
  auto& list = keyword == "with" ? role.execs.back().with : role.execs.back().without;
  do {
    list.push_back(expect(Tok::String, fmt::format("a string after `{}`", keyword)).glob);
  } while (accept(Tok::Comma));
}

trace::Time Parser::duration() {
  if (at(Tok::Number)) fail(now().place, "a time needs its unit", fmt::format("write `{}ms`", now().value));
  return expect(Tok::Duration, "a time such as 500ms").value;
}

void Parser::sequence(Rule& rule) {
  Sequence sequence;
  if (at(Tok::String)) sequence.title = take().glob.source;
  if (accept_word("within")) sequence.within = duration();
  const std::size_t errors = state_.diagnostics.size();
  const Place opened = expect(Tok::LeftBrace, "`{`", "write `sequence \"title\" { ... }`").place;
  nesting_ = 1;
  sequence_body(sequence, nullptr, opened);
  constexpr std::size_t kLongest = 2000;
  if (sequence.steps.size() > kLongest) error(rule.place, fmt::format("a sequence has at most {} calls", kLongest));
  if (sequence.steps.empty() && errors == state_.diagnostics.size()) error(rule.place, "this sequence is empty");
  rule.what = std::move(sequence);
}

// The lines up to the closing brace, which is taken. Inside `any`, only items.
void Parser::sequence_body(Sequence& sequence, Step* any, const Place& opened) {
  for (newlines(); !closes(opened); newlines()) {
    const std::size_t begin = at_;
    try {
      if (at_word("any") && ahead().tok == Tok::LeftBrace) {
        if (any) error(now().place, "`any` cannot stand inside `any`");
        const std::size_t errors = state_.diagnostics.size();
        Step step;
        step.any = true;
        step.place = take().place;
        const Place inner = take().place;
        ++nesting_;
        sequence_body(sequence, &step, inner);
        --nesting_;
        if (step.items.empty() && errors == state_.diagnostics.size()) error(step.place, "this `any` is empty");
        if (step.items.size() > 64)
          error(step.place, "`any` takes at most 64 calls");
        else
          sequence.steps.push_back(std::move(step));
        continue;
      }
      Item one = item();
      if (any && one.next) fail(one.place, "`next` cannot stand inside `any`");
      if (any && one.within) fail(one.place, "`within` cannot stand inside `any`", "it may stand at the sequence");
      if (!any && sequence.steps.empty() && (one.next || one.within))
        fail(one.place, "the first call of a sequence has nothing before it");
      if (any) {
        any->items.push_back(std::move(one));
      } else {
        Step step;
        step.place = one.place;
        step.items.push_back(std::move(one));
        sequence.steps.push_back(std::move(step));
      }
      end_of_line("the call");
    } catch (const SkipLine&) {
      recover(begin);
      if (at_ == begin) take();
    }
  }
}

Item Parser::item() {
  Item item;
  const std::size_t begin = at_;
  item.next = accept_word("next");
  item.place = now().place;
  if (at(Tok::Name) && ahead().tok == Tok::LeftParen)
    fail(now().place, "a call needs the role that makes it", fmt::format("write `ROLE: {}(...)`", now().text));
  item.role = role("a role");
  expect(Tok::Colon, "`:` after the role");
  item.call = call();
  if (accept_word("within")) item.within = duration();
  item.place = place_from(begin);
  item.source = source_from(begin);
  return item;
}

Anchor Parser::anchor(RoleId role) {
  Anchor anchor;
  anchor.role = role;
  if (accept_word("last"))
    anchor.last = true;
  else
    accept_word("first");
  if (at(Tok::Name) && ahead().tok == Tok::Colon) {
    anchor.role = this->role("a role");
    take();
  }
  anchor.call = call();
  return anchor;
}

Span Parser::span(RoleId role) {
  Span span;
  for (;;) {
    const Place place = ahead(at(Tok::Newline) ? 1 : 0).place;
    if (continues("between")) {
      if (span.after || span.before) fail(place, "a rule has one span");
      span.after = anchor(role);
      if (!continues("and")) fail_here("`and` and a second call", "write `between pivot_root(...) and execve(...)`");
      span.before = anchor(role);
      if (span.after->last || span.before->last) fail(place, "`between` has no `last`");
    } else if (continues("after")) {
      if (span.after || span.before) fail(place, "a rule has one span", "write `between A and B`");
      span.after = anchor(role);
    } else if (continues("before")) {
      if (span.after || span.before) fail(place, "a rule has one span", "write `between A and B`");
      span.before = anchor(role);
    } else {
      return span;
    }
  }
}

void Parser::never(Rule& rule) {
  Never never;
  never.role = role("the role that must not make the call");
  expect(Tok::Colon, "`:` after the role", "write `never init: setns(...)`");
  never.call = call();
  never.span = span(never.role);
  end_of_line("the rule");
  rule.what = std::move(never);
}

bool Parser::count_bound(Count& count) {
  const std::size_t begin = at_;
  const auto number = [&]() {
    const std::int64_t value = expect(Tok::Number, "a number").value;
    if (value < 0) fail(tokens_[at_ - 1].place, "a count is not negative");
    return value;
  };
  const auto range = [&]() {
    count.low = count.high = number();
    if (accept(Tok::Range)) count.high = number();
    if (count.high < count.low) fail(tokens_[at_ - 1].place, "this range is empty");
  };
  if (accept(Tok::EqualsEquals)) {
    range();
  } else if (accept(Tok::NotEquals)) {
    range();
    count.inverted = true;
  } else if (accept(Tok::LessEquals)) {
    count.high = number();
  } else if (accept(Tok::Less)) {
    count.high = number() - 1;
    if (count.high < 0) fail(tokens_[at_ - 1].place, "no count is below 0");
  } else if (accept(Tok::GreaterEquals)) {
    count.low = number();
  } else if (accept(Tok::Greater)) {
    count.low = number() + 1;
  } else if (accept_word("in") || at(Tok::Number)) {
    range();
  } else {
    return false;
  }
  if (count.low == 0 && count.high == kHighest && !count.inverted)
    error(place_from(begin), "every count fits this bound");
  count.bound = source_from(begin);
  return true;
}

void Parser::count(Rule& rule) {
  Count count;
  count.role = role("the role whose calls are counted");
  if (accept(Tok::Colon)) {
    count.call = call();
    count.span = span(count.role);
  }
  if (!count_bound(count)) {
    const char* hint = "write `count init: unshare(...) == 1`";
    if (at(Tok::Equals)) hint = "equal is written `==`";
    if (count.call && count.call->result) hint = "behind `=` stands the call's result; equal is written `==`";
    fail_here("==, !=, <=, >=, <, > or a range", hint);
  }
  if (count.call && !count.span.after && !count.span.before) count.span = span(count.role);
  end_of_line("the rule");
  rule.what = std::move(count);
}

}  // namespace nstrace::check
