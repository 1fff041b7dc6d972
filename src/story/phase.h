// SPDX-License-Identifier: MIT
// The phases of a container's life. They are a partial order: runtimes leave some out, repeat some and swap others
// (crun is in its cgroup before it has namespaces, youki runs hooks before it mounts), and a trace may begin in any.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nstrace::story {

enum class Phase : std::uint8_t {
  Manager,     // a manager starts the shim or monitor
  Runtime,     // the runtime's command line runs
  SelfClone,   // it makes a copy of itself that the container cannot overwrite
  Bootstrap,   // it starts the processes that will become the container
  Namespaces,  // these make or enter namespaces
  IdMaps,      // user and group ids are mapped
  Cgroup,      // they enter the container's cgroup
  Root,        // the root file system is put together
  Hooks,       // programs of others are called
  Pivot,       // the root is changed
  Security,    // rights are given up
  Ready,       // set up, it waits to be started
  Start,       // the word is given
  Program,     // the user's program begins
  Exit,        // it ends
  Delete,      // what is left is cleared away
};
inline constexpr int kPhases = 16;

std::string_view phase_name(Phase phase);   // "id-maps": for files
std::string_view phase_title(Phase phase);  // "id maps": for people
std::string_view phase_what(Phase phase);   // one plain phrase: what it is for
// In the usual order.
std::span<const Phase> all_phases();

}  // namespace nstrace::story
