// SPDX-License-Identifier: MIT
// Whom to follow: from what --follow is given (a pid, a name, a group) to processes that run now.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::capture {

// A group: the daemon, and those that it left behind as children of init (shims, monitors). One table.
struct Group {
  std::string_view name;                   // "@containerd"
  std::string_view what;                   // one phrase for --follow help
  std::vector<std::string_view> programs;  // comm or base name of the executable
};
std::span<const Group> groups();

struct Target {
  std::string given;
  int pid = 0;                        // > 0: this process alone is the root
  std::vector<std::string> programs;  // else: every process of one of these names
};

// A comma or blank list of pids, a name, or a group; a name that is a group's ("containerd") means the group.
// Throws Error (exit code 125) for an unknown group or a pid that is none.
Target parse_target(const std::string& given);

struct Running {
  int pid = 0;
  std::string comm;
  std::string program;  // base name of the executable; empty = not known
  std::string name;     // the one of the two that was asked for; empty when it was its pid
};
std::vector<Running> everything_running();  // every process in /proc
// Every process in /proc that matches. For a pid that does not exist: Error.
std::vector<Running> find_running(const Target& target);

// Up to three of `names` that may have been meant.
std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names);

// The sentence for a target that nothing bears, with near names among what runs.
std::string nobody(const Target& target);

}  // namespace nstrace::capture
