// SPDX-License-Identifier: MIT
// The few functions of the syntax tree.
#include "check/ast.h"

#include <algorithm>

#include "check/parser.h"

namespace nstrace::check {
namespace {

void add(std::vector<CaptureId>& list, CaptureId id) {
  if (std::ranges::find(list, id) == list.end()) list.push_back(id);
}

void collect(const Glob& glob, std::vector<CaptureId>& list) {
  for (const GlobPiece& piece : glob.pieces)
    if (piece.kind == GlobPiece::Kind::Capture) add(list, piece.capture);
}

void collect(const Value& value, std::vector<CaptureId>& list) {
  if (value.kind == Value::Kind::Capture) add(list, value.capture);
  collect(value.text, list);
  if (value.target) collect(*value.target, list);
  for (const Value& item : value.items) collect(item, list);
}

}  // namespace

bool Glob::literal() const {
  return std::ranges::all_of(pieces, [](const GlobPiece& p) { return p.kind == GlobPiece::Kind::Literal; });
}

std::string Glob::literal_text() const {
  std::string text;
  for (const GlobPiece& piece : pieces)
    if (piece.kind == GlobPiece::Kind::Literal) text += piece.text;
  return text;
}

bool Glob::captures() const {
  return std::ranges::any_of(pieces, [](const GlobPiece& p) { return p.kind == GlobPiece::Kind::Capture; });
}

std::vector<CaptureId> captures_in(const CallPattern& call) {
  std::vector<CaptureId> list;
  for (const Value& arg : call.args) collect(arg, list);
  if (call.result) collect(call.result->value, list);
  return list;
}

bool has_fields(const Value& value) {
  return value.kind == Value::Kind::Fields || std::ranges::any_of(value.items, has_fields);
}

bool has_captures(const Value& value) {
  std::vector<CaptureId> list;
  collect(value, list);
  return !list.empty();
}

std::string rule_name(const Rule& rule) {
  const auto* sequence = std::get_if<Sequence>(&rule.what);
  if (sequence && !sequence->title.empty()) return "sequence \"" + sequence->title + "\"";
  std::string name = rule.source;
  if (name.ends_with("{")) name.resize(name.find_last_not_of(" {") + 1);
  return name;
}

std::string_view state_name(StateLine::Kind kind) {
  switch (kind) {
    case StateLine::Kind::Ns:
      return "ns";
    case StateLine::Kind::Comm:
      return "comm";
    case StateLine::Kind::Exe:
      return "exe";
    case StateLine::Kind::Pid:
      return "pid";
    case StateLine::Kind::Cgroup:
      return "cgroup";
    case StateLine::Kind::Uid:
      return "uid";
    case StateLine::Kind::Gid:
      return "gid";
    case StateLine::Kind::Groups:
      return "groups";
    case StateLine::Kind::Caps:
      return "caps";
    case StateLine::Kind::NoNewPrivs:
      return "no_new_privs";
    case StateLine::Kind::Seccomp:
      return "seccomp";
    case StateLine::Kind::Cwd:
      return "cwd";
    case StateLine::Kind::Fds:
      return "fds";
    case StateLine::Kind::Root:
      return "root";
  }
  return "";
}

}  // namespace nstrace::check
