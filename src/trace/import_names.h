// SPDX-License-Identifier: MIT
// What the names in a log are worth: flags, signals, errors, where they are ones that nstrace needs the number of.
// Internal to the importer.
#pragma once

#include <cstdint>
#include <string_view>

namespace nstrace::trace::log {

// The sum of flags by their names: "CLONE_VM|CLONE_FS|0x8". Of names that nstrace need not know the number of, 0.
std::uint64_t worth(std::string_view flags);
int signal_of(std::string_view name);          // "SIGKILL", "SIGRT_3"; 0 if unknown
std::int64_t error_of(std::string_view name);  // "ENOENT": 2; 0 if unknown

}  // namespace nstrace::trace::log
