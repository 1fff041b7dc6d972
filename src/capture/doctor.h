// SPDX-License-Identifier: MIT
// Doctor: can this host trace? It looks at BTF, rights, kernel lockdown and the pid namespace, and tries what nstrace
// needs by loading and attaching; each finding is one line with its cure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nstrace::capture {

struct Finding {
  enum class State { Good, Note, Bad };
  State state;
  std::string what;    // "BTF of the running kernel: /sys/kernel/btf/vmlinux"
  std::string detail;  // for Note and Bad: the sentence with the cure
};

// The inode of the pid namespace that nstrace is in, or 0 where that is the host's. Throws Error when /proc is of
// another.
std::uint32_t own_pid_namespace();

std::vector<Finding> examine();
// The sentence of the first Bad finding, or nothing if this host can trace.
std::optional<std::string> first_problem();

}  // namespace nstrace::capture
