// SPDX-License-Identifier: MIT
// A process fills a role when it satisfied each of its clauses at some moment of its life. What it inherited at its
// creation does not count: otherwise every child of runc would be runc until it executes something.
#include "check/roles.h"

#include <algorithm>
#include <set>

#include "check/glob.h"

namespace nstrace::check {
namespace {

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool program_fits(const Glob& glob, std::string_view path) {
  const bool whole = glob.source.find('/') != std::string::npos;
  return glob_match(glob, whole ? path : base_name(path)) == Truth::Yes;
}

bool has_word(const Glob& word, const std::vector<std::string>& argv) {
  return std::ranges::any_of(argv, [&](const std::string& arg) { return glob_match(word, arg) == Truth::Yes; });
}

bool fits(const ExecClause& clause, const model::Program& program) {
  if (clause.program && !program_fits(*clause.program, program.path)) return false;
  return std::ranges::all_of(clause.with, [&](const Glob& word) { return has_word(word, program.argv); }) &&
         std::ranges::none_of(clause.without, [&](const Glob& word) { return has_word(word, program.argv); });
}

}  // namespace

std::optional<std::uint64_t> satisfied_at(const Role& role, const model::Process& process) {
  std::uint64_t at = 0;
  for (const ExecClause& clause : role.execs) {
    const auto found = std::ranges::find_if(process.programs, [&](const model::Program& program) {
      return (program.event != 0 || process.existed) && fits(clause, program);
    });
    if (found == process.programs.end()) return std::nullopt;
    at = std::max(at, found->event);
  }
  for (const Glob& comm : role.comms) {
    const auto found = std::ranges::find_if(process.comms, [&](const model::CommSpan& span) {
      const bool inherited = process.fork_event != 0 && span.event == process.fork_event;
      return !inherited && glob_match(comm, span.comm) == Truth::Yes;
    });
    if (found == process.comms.end()) return std::nullopt;
    at = std::max(at, found->event);
  }
  if (role.pid && process.inner_pid() != *role.pid) return std::nullopt;
  return at;
}

Roles::Roles(const Expectations& expectations, const model::Model& model)
    : expectations_(expectations), model_(model), roles_(expectations.roles.size()) {
  for (std::size_t i = 0; i < roles_.size(); ++i) fill(static_cast<RoleId>(i));
}

std::optional<ProcessId> Roles::origin(ProcessId process) const {
  return model_.origin(model_.processes()[process]);
}

// Creation not seen, and not one of those that were there with all their ancestors.
bool Roles::origin_unknown(ProcessId process) const {
  const model::Process& p = model_.processes()[process];
  return !model_.origin(p) && !(p.existed && (p.pid == 1 || !p.followed));
}

void Roles::fill(RoleId id) {
  OfRole& of = roles_[static_cast<std::size_t>(id)];
  if (of.done) return;
  of.done = true;
  const Role& role = expectations_.roles[static_cast<std::size_t>(id)];
  if (role.below) fill(*role.below);
  const auto& processes = model_.processes();
  of.is.resize(processes.size());
  if (role.below) of.parent.resize(processes.size(), kNoProcess);
  std::vector<std::pair<std::uint64_t, ProcessId>> found;
  for (const model::Process& process : processes) {
    const auto at = satisfied_at(role, process);
    if (!at) continue;
    if (role.below) {
      const auto parent = above(process.id, *role.below);
      if (!parent) {
        ProcessId top = process.id;
        for (std::size_t steps = 0; steps <= processes.size(); ++steps) {
          const auto next = origin(top);
          if (!next) break;
          top = *next;
        }
        of.unsure_below = of.unsure_below || origin_unknown(top);
        continue;
      }
      of.parent[process.id] = *parent;
    }
    // A process alone decides when it came to be one of them; its creation, where that was before the trace.
    found.emplace_back(*at ? *at : process.fork_event, process.id);
  }
  std::ranges::sort(found);
  if (role.select == Select::Last) std::ranges::reverse(found);
  std::set<ProcessId> taken;
  for (const auto& [at, process] : found) {
    if (role.select == Select::First || role.select == Select::Last) {
      // One for each member of the role above.
      if (!taken.insert(role.below ? of.parent[process] : kNoProcess).second) continue;
    }
    of.members.push_back(process);
    of.since[process] = at;
    of.is[process] = 1;
  }
  if (role.select == Select::Last) std::ranges::reverse(of.members);
  if (role.below)
    for (const ProcessId member : of.members) of.children[of.parent[member]].push_back(member);
}

bool Roles::fills(ProcessId process, RoleId role) const {
  const auto& is = roles_[static_cast<std::size_t>(role)].is;
  return process < is.size() && is[process];
}

std::optional<ProcessId> Roles::above(ProcessId process, RoleId role) const {
  std::size_t steps = 0;
  for (auto at = origin(process); at && steps <= model_.processes().size(); at = origin(*at), ++steps)
    if (fills(*at, role)) return at;
  return std::nullopt;
}

std::optional<ProcessId> Roles::belongs_to(ProcessId process, RoleId role, RoleId top) const {
  while (role != top) {
    const Role& one = expectations_.roles[static_cast<std::size_t>(role)];
    if (!one.below) return std::nullopt;
    process = roles_[static_cast<std::size_t>(role)].parent[process];
    if (process == kNoProcess) return std::nullopt;
    role = *one.below;
  }
  return process;
}

std::uint64_t Roles::filled_at(RoleId role, ProcessId member) const {
  const auto& since = roles_[static_cast<std::size_t>(role)].since;
  const auto found = since.find(member);
  return found == since.end() ? 0 : found->second;
}

const std::vector<ProcessId>& Roles::children(RoleId role, ProcessId parent) const {
  static const std::vector<ProcessId> kNone;
  const auto& children = roles_[static_cast<std::size_t>(role)].children;
  const auto found = children.find(parent);
  return found == children.end() ? kNone : found->second;
}

bool Roles::descends(ProcessId process, ProcessId from) const {
  std::size_t steps = 0;
  for (auto at = origin(process); at && steps <= model_.processes().size(); at = origin(*at), ++steps)
    if (*at == from) return true;
  return false;
}

RoleId Roles::top(RoleId role) const {
  while (const auto below = expectations_.roles[static_cast<std::size_t>(role)].below) role = *below;
  return role;
}

std::vector<RoleId> Roles::chain(RoleId role) const {
  std::vector<RoleId> chain{role};
  while (const auto below = expectations_.roles[static_cast<std::size_t>(chain.back())].below) chain.push_back(*below);
  return chain;
}

}  // namespace nstrace::check
