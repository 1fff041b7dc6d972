// SPDX-License-Identifier: MIT
// `at ROLE: CALL { ... }`: what must be true of a process at a call.
#include <fmt/format.h>

#include <algorithm>

#include "check/fit.h"
#include "check/parser.h"
#include "trace/text.h"

namespace nstrace::check {

void Parser::at_rule(Rule& rule) {
  At at_rule;
  at_rule.role = role("the role whose state is looked at");
  expect(Tok::Colon, "`:` after the role", "write `at init: execve(...) { ns pid: new }`");
  if (accept_word("first"))
    at_rule.select = Select::First;
  else if (accept_word("last"))
    at_rule.select = Select::Last;
  else if (accept_word("any"))
    at_rule.select = Select::Any;
  else
    accept_word("each");
  at_rule.call = call();
  const std::size_t errors = state_.diagnostics.size();
  const Place opened = expect(Tok::LeftBrace, "`{` and what must hold there").place;
  nesting_ = 1;
  for (newlines(); !closes(opened); newlines()) {
    const std::size_t begin = at_;
    try {
      at_rule.state.push_back(state_line());
      end_of_line("the line");
    } catch (const SkipLine&) {
      recover(begin);
      if (at_ == begin) take();
    }
  }
  if (at_rule.state.empty() && errors == state_.diagnostics.size())
    error(rule.place, "nothing is demanded here", "write `ns pid: new` between the braces");
  rule.what = std::move(at_rule);
}

StateLine Parser::state_line() {
  static constexpr StateLine::Kind kKinds[] = {
      StateLine::Kind::Comm, StateLine::Kind::Exe,  StateLine::Kind::Pid,        StateLine::Kind::Cgroup,
      StateLine::Kind::Uid,  StateLine::Kind::Gid,  StateLine::Kind::Groups,     StateLine::Kind::Caps,
      StateLine::Kind::Cwd,  StateLine::Kind::Root, StateLine::Kind::NoNewPrivs, StateLine::Kind::Seccomp,
      StateLine::Kind::Fds};
  StateLine line;
  const std::size_t begin = at_;
  const Token& word =
      expect(Tok::Name, "ns, comm, exe, pid, cgroup, uid, gid, groups, caps, no_new_privs, seccomp, cwd, root or fds");
  if (word.text == "ns") {
    ns_state(line);
  } else {
    std::vector<std::string> names = {"ns"};
    bool known = false;
    for (const StateLine::Kind kind : kKinds) {
      names.emplace_back(state_name(kind));
      if (word.text != state_name(kind)) continue;
      line.kind = kind;
      known = true;
    }
    if (!known) {
      const std::string near = nearest(word.text, names);
      fail(word.place, fmt::format("`{}` is nothing that can be looked at", word.text),
           near.empty()
               ? "known are ns, comm, exe, pid, cgroup, uid, gid, groups, caps, no_new_privs, seccomp, cwd, root, fds"
               : fmt::format("did you mean `{}`?", near));
    }
    expect(Tok::Colon, fmt::format("`:` after `{}`", word.text));
    line.value = value(false);
    if (line.value.kind == Value::Kind::Rest) fail(line.value.place, "`...` is no value here");
    if (has_captures(line.value))
      fail(line.value.place, "there are no captures in a state", "capture it in a sequence");
    const Shape shape = shape_of(line.kind, has_fields(line.value));
    if (const auto bad = misfit(line.value, shape, fmt::format("`{}`", shape.name)))
      fail(bad->place, bad->message, bad->hint);
  }
  line.place = place_from(begin);
  line.source = source_from(begin);
  return line;
}

void Parser::ns_state(StateLine& line) {
  line.kind = StateLine::Kind::Ns;
  do {
    const Token& name = expect(Tok::Name, "a namespace");
    if (name.text == "all") {
      for (int i = 0; i < trace::kNsCount; ++i) line.ns.push_back(static_cast<trace::Ns>(i));
      continue;
    }
    const auto ns = trace::ns_from_name(name.text);
    if (!ns) {
      std::vector<std::string> names = {"all"};
      for (int i = 0; i < trace::kNsSlots; ++i) names.emplace_back(trace::ns_name(static_cast<trace::Ns>(i)));
      const std::string near = nearest(name.text, names);
      fail(name.place, fmt::format("`{}` is no kind of namespace", name.text),
           near.empty() ? "the kinds are mnt, uts, ipc, net, pid, user, cgroup, time"
                        : fmt::format("did you mean `{}`?", near));
    }
    line.ns.push_back(*ns);
  } while (accept(Tok::Comma));
  expect(Tok::Colon, "`:` after the kinds of namespace");
  line.negated = accept_word("not");
  if (accept_word("new")) {
    line.is = StateLine::NsIs::New;
  } else if (accept_word("host")) {
    line.is = StateLine::NsIs::Host;
  } else if (accept_word("same")) {
    if (!accept_word("as")) fail_here("`as` after `same`");
    line.is = StateLine::NsIs::SameAs;
    line.of = role("a role after `same as`");
  } else if (accept_word("joined")) {
    if (!accept_word("from")) fail_here("`from` after `joined`");
    line.is = StateLine::NsIs::JoinedFrom;
    line.of = role("a role after `joined from`");
  } else {
    fail_here("new, host, same as ROLE or joined from ROLE");
  }
}

}  // namespace nstrace::check
