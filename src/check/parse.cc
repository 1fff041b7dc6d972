// SPDX-License-Identifier: MIT
// Reads expectation files, and looks at the whole when all of them are read.
#include "check/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <tuple>

#include "check/parser.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kLargest = 16u << 20;

std::string read_all(std::istream& in, const std::string& path) {
  std::string text;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer), in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kLargest) throw Error(fmt::format("{} is too large for an expectation file (16 MiB)", path));
  }
  if (in.bad()) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return text;
}

// Of the errors that made a line unreadable, only the first.
void drop_echoes(std::vector<Diagnostic>& diagnostics) {
  std::ranges::stable_sort(diagnostics, {},
                           [](const Diagnostic& d) { return std::tuple(d.place.file, d.place.line, d.place.column); });
  std::set<std::pair<int, int>> lines;
  std::erase_if(diagnostics,
                [&](const Diagnostic& d) { return d.syntax && !lines.emplace(d.place.file, d.place.line).second; });
}

void check_roles(ParseState& state) {
  std::vector<std::string> defined;
  for (std::size_t i = 0; i < state.out.roles.size(); ++i)
    if (state.role_defined[i]) defined.push_back(state.out.roles[i].name);
  for (std::size_t i = 0; i < state.out.roles.size(); ++i) {
    const Role& role = state.out.roles[i];
    if (!state.role_defined[i]) {
      if (state.include_failed) continue;
      const std::string near = nearest(role.name, defined);
      state.diagnostics.push_back({state.role_mentioned[i], fmt::format("there is no role `{}`", role.name),
                                   near.empty() ? fmt::format("define it: `role {} = exec \"...\"`", role.name)
                                                : fmt::format("did you mean `{}`?", near)});
      continue;
    }
    std::set<RoleId> seen;
    RoleId at = static_cast<RoleId>(i);
    while (seen.insert(at).second && state.out.roles[static_cast<std::size_t>(at)].below)
      at = *state.out.roles[static_cast<std::size_t>(at)].below;
    if (state.out.roles[static_cast<std::size_t>(at)].below && at == static_cast<RoleId>(i))
      state.diagnostics.push_back(
          {role.place, fmt::format("the role `{}` is below itself, in a circle", role.name), ""});
  }
}

// A capture is bound by a sequence. Elsewhere it only makes sense when one does, or when it stands twice in a call.
void check_captures(ParseState& state) {
  std::set<CaptureId> bound;
  for (const Rule& rule : state.out.rules)
    if (std::holds_alternative<Sequence>(rule.what)) bound.insert(rule.captures.begin(), rule.captures.end());
  std::set<CaptureId> told;
  for (const Rule& rule : state.out.rules)
    for (const CaptureId id : rule.captures) {
      if (bound.contains(id) || !told.insert(id).second) continue;
      const std::string& name = state.out.captures[static_cast<std::size_t>(id)];
      state.diagnostics.push_back(
          {rule.place, fmt::format("no sequence captures `${}`", name), "write `_` for an argument whatever it is"});
    }
}

}  // namespace

void resolve(ParseState& state) {
  drop_echoes(state.diagnostics);
  check_roles(state);
  check_captures(state);
  if (state.out.rules.empty() && state.diagnostics.empty())
    state.diagnostics.push_back(
        {{0, 1, 1, 1}, "there is no rule in this file", "rules are sequence, never, count and at"});
}

ParseError::ParseError(const Sources& sources, std::vector<Diagnostic> diagnostics)
    : Error(render(sources, diagnostics)), diagnostics_(std::move(diagnostics)) {}

std::string load_file(const std::string& path) {
  if (path == "-") return read_all(std::cin, "standard input");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return read_all(in, path);
}

Expectations parse(const std::string& path, const std::string& text, const Loader& load) {
  ParseState state;
  state.load = &load;
  if (text.size() > kLargest) throw Error(fmt::format("{} is too large for an expectation file (16 MiB)", path));
  state.out.sources.add(path, text);
  Parser(state, 0).run();
  resolve(state);
  if (!state.diagnostics.empty()) throw ParseError(state.out.sources, std::move(state.diagnostics));
  std::map<std::pair<RoleId, std::string>, int> ids;
  for (Rule& rule : state.out.rules)
    for_each_call(rule, [&](RoleId role, CallPattern& call) {
      const auto [at, added] = ids.try_emplace({role, call.source}, state.out.calls);
      call.id = at->second;
      if (added) ++state.out.calls;
    });
  return std::move(state.out);
}

Expectations parse_file(const std::string& path) {
  return parse(path, load_file(path));
}

}  // namespace nstrace::check
