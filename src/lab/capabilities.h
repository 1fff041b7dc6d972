// SPDX-License-Identifier: MIT
// Capabilities: root's power in pieces (man 7 capabilities), by number and name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lab/plan.h"

namespace nstrace::lab {

struct Capability {
  std::uint64_t number;
  std::string_view name;
};
std::span<const Capability> capabilities();  // all that Linux 6.18 has, by number

// What a container's root keeps: the fourteen that Docker chose, as a mask.
extern const std::uint64_t kContainerCapabilities;

Arg capability_header();                  // capset's first argument: version 3, the calling thread
Arg capability_sets(std::uint64_t mask);  // its second: effective and permitted as given, none inheritable

}  // namespace nstrace::lab
