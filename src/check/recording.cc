// SPDX-License-Identifier: MIT
// What a trace recorded, from its header; for imports, from what is in it.
#include "check/recording.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/match.h"
#include "check/vocabulary.h"
#include "trace/syscalls.h"

namespace nstrace::check {
namespace {

bool is_exec(std::string_view name) {
  return name == "execve" || name == "execveat";
}
bool is_fork(std::string_view name) {
  return name == "clone" || name == "clone3" || name == "fork" || name == "vfork";
}

bool may_succeed(const CallPattern& pattern) {
  if (!pattern.result) return true;
  if (pattern.result->kind == ResultPattern::Kind::Failed || pattern.result->kind == ResultPattern::Kind::Error)
    return false;
  return pattern.result->value.kind != Value::Kind::Range || pattern.result->value.high >= 0;
}

bool may_fail(const CallPattern& pattern) {
  if (!pattern.result) return true;
  if (pattern.result->kind != ResultPattern::Kind::Value) return true;
  const Value& value = pattern.result->value;
  return value.kind != Value::Kind::Range || (value.low <= -1 && value.high >= -1);
}

// What to call an event kind in a sentence.
std::string_view kind_words(std::string_view kind) {
  if (kind == "fork") return "who made which process";
  if (kind == "exec") return "successful execs";
  if (kind == "exit") return "ends of processes";
  if (kind == "comm") return "changes of names of processes";
  if (kind == "cgroup") return "moves between cgroups";
  return kind;
}

}  // namespace

bool Recording::has_kind(std::string_view kind) const {
  if (!header_.calls_known && kinds_.contains(std::string(kind))) return true;
  return std::ranges::find(header_.events, kind) != header_.events.end();
}

bool Recording::has_call(const std::string& name) const {
  if (!header_.calls_known) return seen_.contains(name);
  return std::ranges::find(header_.calls, name) != header_.calls.end();
}

std::optional<Reason> Recording::gap_of_kind(std::string_view kind) const {
  if (has_kind(kind)) return std::nullopt;
  return Reason{fmt::format("the trace does not record {}", kind_words(kind)),
                header_.calls_known ? "" : "an imported log has only what was logged; record with nstrace"};
}

std::optional<Reason> Recording::gap_of_call(const std::string& name, bool success, bool failure) const {
  if (is_pseudo_call(name)) return gap_of_kind(name == "renamed" ? "comm" : name == "moved" ? "cgroup" : "exit");
  // A success of these is an event of its own, whatever calls were asked for.
  if (success && ((is_exec(name) && has_kind("exec")) || (is_fork(name) && has_kind("fork")))) success = false;
  if (!success && !failure) return std::nullopt;
  if (!has_call(name)) {
    if (!header_.calls_known)
      return Reason{
          fmt::format("there is no {} in this imported log, and it does not say whether it would have been logged",
                      name),
          "record with nstrace"};
    const bool both = success && failure;
    const trace::SyscallRow* row = trace::find_syscall(name);
    if (row && in_set(*row, trace::kLifecycle))
      return Reason{fmt::format("the trace does not record {}{}", name, both || success ? "" : " that fails"),
                    "record with -e %lifecycle, the default"};
    const bool known = row != nullptr;
    return Reason{fmt::format("the trace does not record {}{}", name, both || success ? "" : " that fails"),
                  known ? fmt::format("record with -e %lifecycle,{}", name) : "nstrace does not know this call yet"};
  }
  if (failure && (header_.results == "successful" || (!header_.calls_known && !failures_seen_)))
    return Reason{
        fmt::format("the trace does not record {} that fails", name),
        header_.calls_known ? "record without -z" : "record with nstrace, or import a log that was made without -z"};
  if (success && header_.results == "failed")
    return Reason{fmt::format("the trace does not record {} that succeeds", name), "record without -Z"};
  return std::nullopt;
}

std::optional<Reason> Recording::gap(const CallPattern& pattern) const {
  const bool success = may_succeed(pattern), failure = may_fail(pattern);
  for (const std::string& name : pattern.names) {
    if (name.find('*') == std::string::npos) {
      if (auto reason = gap_of_call(name, success, failure)) return reason;
      continue;
    }
    for (const std::string& one : call_names())
      if (name_fits(pattern, one))
        if (auto reason = gap_of_call(one, success, failure)) return reason;
  }
  return std::nullopt;
}

std::optional<Reason> Recording::gap_of_set(std::string_view set) const {
  for (const std::string& name : calls_of_set(set))
    if (auto reason = gap_of_call(name, true, true)) return reason;
  return std::nullopt;
}

}  // namespace nstrace::check
