// SPDX-License-Identifier: MIT
// An expectation file, parsed: passive data. The grammar and its meaning stand in LANGUAGE.md.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "check/source.h"
#include "trace/event.h"

namespace nstrace::check {

using RoleId = int;     // index into Expectations::roles
using CaptureId = int;  // index into Expectations::captures
inline constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

// A string with `*`, `?` and captures in it.
struct GlobPiece {
  enum class Kind : std::uint8_t { Literal, Star, One, Capture };
  Kind kind = Kind::Literal;
  std::string text;  // Literal: the bytes; Capture: its name
  CaptureId capture = -1;
};
struct Glob {
  std::vector<GlobPiece> pieces;
  std::string source;                // as written, without the quotes
  bool literal() const;              // no wildcard, no capture
  std::string literal_text() const;  // of a literal glob
  bool captures() const;
};

// One flag of a set: FLAG, ?FLAG, !FLAG; the name may be a glob, or a number as "0x8".
struct FlagPattern {
  enum class Kind : std::uint8_t { Needed, Optional, Absent };
  Kind kind = Kind::Needed;
  Place place;
  Glob name;
};

// What an argument, an element of a list, a field or a result must be.
struct Value {
  enum class Kind : std::uint8_t {
    Any,      // _
    Rest,     // ... (any number of arguments, elements, fields)
    Text,     // "glob"
    Range,    // low..high; a number is a range of one
    Flags,    // flags; rest = others may be there
    List,     // items
    Fields,   // items, by name; rest
    Null,     // NULL
    Capture,  // $name
    Not,      // items[0]
    Either,   // any of items
  };
  Kind kind = Kind::Any;
  Place place;
  std::string source;  // as written
  std::string name;    // name=VALUE: a field, or an argument by its name
  Glob text;
  std::int64_t low = 0, high = 0;
  std::vector<FlagPattern> flags;
  bool rest = false;
  std::vector<Value> items;
  CaptureId capture = -1;
  std::optional<Glob> target;  // VALUE<glob>: what the descriptor refers to
};

struct ResultPattern {
  enum class Kind : std::uint8_t {
    Value,    // value says it all
    Failed,   // -1
    Error,    // -1 ENAME
    Unknown,  // ?: the call did not return
  };
  Kind kind = Kind::Value;
  Value value;
  std::string error;  // "EPERM"
  int error_number = 0;
};

// A call as strace writes it. PSEUDO: exited(code), killed(SIGNAL), renamed("comm"), moved("cgroup").
struct CallPattern {
  int id = -1;  // from 0; the same for what is written the same of the same role
  Place place;
  std::string source;              // as written
  std::vector<std::string> names;  // any of these; a name may be a glob
  std::vector<Value> args;
  std::optional<ResultPattern> result;
  std::vector<CaptureId> captures;  // those in it, each once
};

enum class Select : std::uint8_t { Each, Any, First, Last };

struct ExecClause {
  std::optional<Glob> program;  // compared with the path, or, when it has no `/`, with its last part
  std::vector<Glob> with;       // each must match a whole element of argv
  std::vector<Glob> without;
};

struct Role {
  std::string name;
  Place place;
  std::string source;
  bool optional = false;
  Select select = Select::Each;
  std::vector<ExecClause> execs;
  std::vector<Glob> comms;
  std::optional<std::int64_t> pid;  // in its innermost pid namespace
  std::optional<RoleId> below;
};

struct Item {
  Place place;
  std::string source;
  RoleId role = 0;
  CallPattern call;
  bool next = false;                  // nothing of that role between it and what came before
  std::optional<trace::Time> within;  // since the item before
};

// One item; or several in any order.
struct Step {
  Place place;
  bool any = false;
  std::vector<Item> items;
};

struct Sequence {
  std::string title;
  std::optional<trace::Time> within;  // from its first call to its last
  std::vector<Step> steps;
};

// A call that bounds a span.
struct Anchor {
  RoleId role = 0;
  bool last = false;  // the last such call of the process instead of the first
  CallPattern call;
};

struct Span {
  std::optional<Anchor> after;  // with `before` too: between
  std::optional<Anchor> before;
};

struct Never {
  RoleId role = 0;
  CallPattern call;
  Span span;
};

struct Count {
  RoleId role = 0;
  std::optional<CallPattern> call;  // without one, the processes that fill the role are counted
  Span span;
  std::int64_t low = 0, high = kHighest;
  bool inverted = false;  // !=
  std::string bound;      // as written: "== 1"
};

// One line of the state at a call.
struct StateLine {
  enum class Kind : std::uint8_t {
    Ns,
    Comm,
    Exe,
    Pid,
    Cgroup,
    Uid,
    Gid,
    Groups,
    Caps,
    NoNewPrivs,
    Seccomp,
    Cwd,
    Root,
    Fds
  };
  enum class NsIs : std::uint8_t { New, Host, SameAs, JoinedFrom };
  Place place;
  std::string source;
  Kind kind = Kind::Ns;
  std::vector<trace::Ns> ns;
  NsIs is = NsIs::New;
  RoleId of = -1;        // SameAs, JoinedFrom
  bool negated = false;  // `not`
  Value value;           // the other kinds
};

struct At {
  RoleId role = 0;
  Select select = Select::Each;  // which of the matching calls
  CallPattern call;
  std::vector<StateLine> state;
};

struct Rule {
  Place place;
  std::string source;  // its first line, without blanks around it
  std::variant<Sequence, Never, Count, At> what;
  std::vector<RoleId> roles;        // named in it, each once
  std::vector<CaptureId> captures;  // standing in it, each once
};

struct Expectations {
  Sources sources;
  std::vector<Role> roles;
  std::vector<std::string> captures;
  std::vector<Rule> rules;
  int calls = 0;  // how many call patterns there are
};

// Every call pattern that stands in a rule: f(call), or f(role, call) with who is to make it.
template <typename RuleType, typename F>
void for_each_call(RuleType& rule, F f) {
  const auto visit = [&](RoleId role, auto& call) {
    if constexpr (std::is_invocable_v<F, RoleId, decltype(call)>)
      f(role, call);
    else
      f(call);
  };
  std::visit(
      [&](auto& what) {
        using T = std::remove_cvref_t<decltype(what)>;
        if constexpr (std::is_same_v<T, Sequence>) {
          for (auto& step : what.steps)
            for (auto& item : step.items) visit(item.role, item.call);
        } else if constexpr (std::is_same_v<T, Count>) {
          if (what.call) visit(what.role, *what.call);
        } else {
          visit(what.role, what.call);
        }
        if constexpr (std::is_same_v<T, Never> || std::is_same_v<T, Count>) {
          if (what.span.after) visit(what.span.after->role, what.span.after->call);
          if (what.span.before) visit(what.span.before->role, what.span.before->call);
        }
      },
      rule.what);
}

// What a rule is called in reports: a sequence's title in quotes, else its first line.
bool has_captures(const Value& value);
bool has_fields(const Value& value);  // {name=VALUE} stands in it
std::string rule_name(const Rule& rule);
std::string_view state_name(StateLine::Kind kind);

}  // namespace nstrace::check
