// SPDX-License-Identifier: MIT
// Where the calls of a set stand around pivot_root tells more than the calls themselves: a mount is the root file
// system's before it, and hides or protects a path after it.
#include "check/diff_phase.h"

#include "trace/syscalls.h"

namespace nstrace::check {

using namespace trace;

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::Bootstrap:
      return "bootstrap";
    case Phase::Namespaces:
      return "namespaces";
    case Phase::Root:
      return "root file system";
    case Phase::Pivot:
      return "pivot";
    case Phase::Security:
      return "security";
    case Phase::Start:
      return "start";
    case Phase::End:
      return "end";
  }
  return "";
}

Phase PhaseGuess::next(const Event& event) {
  if (event.as<Exit>()) return Phase::End;
  if (event.as<Exec>()) return in_container_ && pivoted_ ? Phase::Start : Phase::Bootstrap;
  const std::string& name = event.call.name;
  if (name == "exit_group" || name == "exit") return Phase::End;
  if (const auto* fork = event.as<Fork>()) {
    std::uint64_t made = 0;
    for (int i = 0; i < kNsCount; ++i) made |= fork->flags & ns_clone_flag(static_cast<Ns>(i));
    return made ? Phase::Namespaces : Phase::Bootstrap;
  }
  if (event.as<Rename>() || event.as<CgroupMove>()) return Phase::Bootstrap;
  if (name == "pivot_root" || name == "chroot") {
    if (!event.call.failed()) pivoted_ = true;
    return Phase::Pivot;
  }
  const SyscallRow* row = find_syscall(name);
  if (!row) return Phase::Bootstrap;
  if (name == "execve" || name == "execveat") return pivoted_ ? Phase::Start : Phase::Bootstrap;
  if (row->sets & kNs) return Phase::Namespaces;
  if (name == "sethostname" || name == "setdomainname") return Phase::Namespaces;
  if (row->sets & kMount) {
    if (!in_container_) return Phase::Bootstrap;
    if (!pivoted_) return Phase::Root;
    if (detached_) return Phase::Security;
    if (name == "umount2") detached_ = true;
    return Phase::Pivot;
  }
  if (name == "prctl" || name == "capset" || name == "seccomp" || name == "keyctl" || (row->sets & kCreds))
    return Phase::Security;
  if (in_container_) return pivoted_ ? Phase::Security : Phase::Root;
  return Phase::Bootstrap;
}

}  // namespace nstrace::check
