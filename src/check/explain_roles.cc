// SPDX-License-Identifier: MIT
// What a finding says about a role: why nobody fills it, who nearly does, and why somebody else may.
#include <fmt/format.h>

#include <algorithm>

#include "check/explain.h"
#include "trace/text.h"

namespace nstrace::check {

std::vector<Reason> Explainer::empty_reasons(RoleId id) const {
  std::vector<Reason> reasons;
  for (const RoleId role_id : facts_.roles.chain(id)) {
    const Role& role = facts_.role(role_id);
    const auto need = [&](std::string_view kind) {
      if (auto gap = facts_.recording.gap_of_kind(kind)) add_reason(reasons, *gap);
    };
    if (!role.execs.empty()) need("exec");
    if (!role.comms.empty()) need("comm");
    if (role.below) need("fork");
    if (facts_.roles.unsure_below(role_id))
      add_reason(reasons, {"it is not known who made some of the processes that fit but for `below`",
                           "record from their beginning"});
  }
  if (facts_.lost)
    add_reason(reasons, {fmt::format("{} event{} lost", facts_.lost, facts_.lost == 1 ? " was" : "s were"),
                         "record with a larger --buffer"});
  if (!facts_.complete) add_reason(reasons, {"the trace is incomplete: it has no end", "record to the end"});
  if (facts_.programs_left)
    add_reason(reasons, {"what containers' programs made was not recorded", std::string(kCureOfLeft)});
  return reasons;
}

std::vector<Reason> Explainer::selection_reasons(const Rule& rule) const {
  std::vector<Reason> reasons;
  for (const RoleId named : rule.roles)
    for (const RoleId id : facts_.roles.chain(named)) {
      const Select select = facts_.role(id).select;
      if (select != Select::First && select != Select::Last) continue;
      // Who came before the first one, or after the last one, may not be seen.
      for (const ProcessId member : facts_.roles.members(id)) {
        const std::uint64_t since = facts_.roles.filled_at(id, member);
        const bool lost = facts_.lost && (select == Select::First ? since > 0 : facts_.lost_until > since);
        if (lost)
          add_reason(reasons, {fmt::format("{} event{} lost", facts_.lost, facts_.lost == 1 ? " was" : "s were"),
                               "record with a larger --buffer"});
        if (select == Select::Last && !facts_.complete)
          add_reason(reasons, {"the trace is incomplete: it has no end", "record to the end"});
        if (select == Select::Last && facts_.programs_left)
          add_reason(reasons, {"what containers' programs made was not recorded", std::string(kCureOfLeft)});
      }
    }
  return reasons;
}

void Explainer::explain_empty(RoleId id, Finding& finding) const {
  const Role& role = facts_.role(id);
  finding.message = fmt::format("no process is `{}`", role.name);
  finding.expected = role.source;
  finding.expected_line = role.place.line;
  if (role.below && facts_.roles.members(*role.below).empty()) {
    finding.details.push_back(
        fmt::format("no process is `{}`, which it is to be below", facts_.role(*role.below).name));
  }
  // Processes that come near.
  std::size_t told = 0;
  for (const model::Process& p : facts_.model.processes()) {
    if (told == 3) break;
    std::string why;
    if (satisfied_at(role, p)) {
      why = role.below ? fmt::format("fits, but is not below a `{}`", facts_.role(*role.below).name) : "";
    } else {
      // Each clause alone: one of several fits.
      std::size_t fits = 0, clauses = 0;
      std::string missing;
      const auto test = [&](Role part, const std::string& words) {
        ++clauses;
        if (satisfied_at(part, p))
          ++fits;
        else if (missing.empty())
          missing = words;
      };
      for (const ExecClause& clause : role.execs) {
        Role part;
        if (clause.program) {
          part.execs = {ExecClause{clause.program, {}, {}}};
          test(part, "exec \"" + clause.program->source + "\"");
        }
        for (const Glob& word : clause.with) {
          part.execs = {ExecClause{clause.program, {word}, {}}};
          test(part, "with \"" + word.source + "\"");
        }
        for (const Glob& word : clause.without) {
          part.execs = {ExecClause{clause.program, {}, {word}}};
          test(part, "without \"" + word.source + "\"");
        }
      }
      for (const Glob& comm : role.comms) {
        Role part;
        part.comms = {comm};
        test(part, "comm \"" + comm.source + "\"");
      }
      if (role.pid) {
        Role part;
        part.pid = role.pid;
        test(part, fmt::format("pid {}", *role.pid));
      }
      if (fits > 0 && clauses > 1) why = fmt::format("does not satisfy `{}`", trace::escape(missing, ""));
    }
    if (why.empty()) continue;
    ++told;
    finding.details.push_back(fmt::format("{} {}", person(p), why));
  }
}

}  // namespace nstrace::check
