// SPDX-License-Identifier: MIT
// Rights: capabilities (root's power in pieces, man 7 capabilities), users and groups, the filter for system calls.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lab/stage.h"

namespace nstrace::lab {

struct Capability {
  std::uint64_t number;
  std::string_view name;
};
std::span<const Capability> capabilities();  // all that Linux 6.18 has, by number

// What a container's root keeps: the fourteen that Docker chose, as a mask.
extern const std::uint64_t kContainerCapabilities;

void drop_bounding_set(Stage&, std::uint64_t but);  // prctl(PR_CAPBSET_DROP) for each not in `but`
void lower_ambient_set(Stage&);                     // prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER) for each
void clear_ambient_set(Stage&);                     // the same in one call
void set_capabilities(Stage&, std::uint64_t mask);  // capset: effective and permitted, none inheritable
void set_capabilities(Stage&, std::uint64_t mask, std::uint64_t inheritable);
void no_new_privileges(Stage&);
// A small one, to show how it is done: keyctl and add_key fail with EPERM, all else is allowed.
void filter_calls(Stage&, Arg flags = number(0));

}  // namespace nstrace::lab
