// SPDX-License-Identifier: MIT
// What a trace recorded, and so what its silence means: a call that is not in it did not happen only if it would have
// been recorded.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "check/ast.h"
#include "trace/event.h"

namespace nstrace::check {

// Why something cannot be told, and what would tell.
struct Reason {
  std::string why;   // "the trace does not record pivot_root"
  std::string cure;  // "record with -e %lifecycle,pivot_root"; may be empty
  bool operator==(const Reason&) const = default;
};

class Recording {
 public:
  void header(const trace::Header& header) { header_ = header; }
  // An imported log does not say what it recorded: what is seen in it shows some of it.
  void seen(const std::string& call) { seen_.insert(call); }
  void seen_kind(std::string_view kind) { kinds_.emplace(kind); }
  void seen_failure() { failures_seen_ = true; }
  bool imported() const { return !header_.calls_known; }

  // Whether a kind of event ("exec", "fork", "comm", "exit", "cgroup") is recorded.
  std::optional<Reason> gap_of_kind(std::string_view kind) const;
  // Whether every call that the pattern may fit is recorded; absent = it is.
  std::optional<Reason> gap(const CallPattern& pattern) const;
  std::optional<Reason> gap_of_call(const std::string& name) const { return gap_of_call(name, true, false); }
  // The same for every call of a set ("%lifecycle").
  std::optional<Reason> gap_of_set(std::string_view set) const;

 private:
  bool has_kind(std::string_view kind) const;
  bool has_call(const std::string& name) const;
  std::optional<Reason> gap_of_call(const std::string& name, bool success, bool failure) const;
  trace::Header header_;
  std::set<std::string> seen_, kinds_;
  bool failures_seen_ = false;
};

}  // namespace nstrace::check
