// SPDX-License-Identifier: MIT
// Flags, constants, signals and errors by name, in strace's words and order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nstrace::trace {

struct Constant {
  std::string_view name;
  std::uint64_t value;
};

// "A|B|0x8" in the order of the table, what no name covers in hex at the end; "0" for 0. Where no name covers anything,
// hex with strace's comment: "0x8000 /* CLONE_??? */" (without it when `unknown` is empty).
std::string flags_text(std::uint64_t value, std::span<const Constant> table, std::string_view unknown = {});
// The one name, or hex with strace's comment: "0x99 /* PR_??? */".
std::string symbol_text(std::uint64_t value, std::span<const Constant> table, std::string_view unknown);

std::span<const Constant> clone_flags();    // of clone(2): without the exit signal and CLONE_NEWTIME, whose bit is in it
std::span<const Constant> clone3_flags();   // those and what only clone3(2) has
std::span<const Constant> unshare_flags();  // what unshare(2) takes
std::span<const Constant> ns_flags();       // CLONE_NEW*
std::span<const Constant> mount_flags();
std::span<const Constant> umount_flags();
std::span<const Constant> at_flags();       // AT_* of execveat, move_mount, mount_setattr, ...
std::span<const Constant> capabilities();   // CAP_*: the values are the bits' numbers
std::string capabilities_text(std::uint64_t mask);  // "1<<CAP_CHOWN|1<<CAP_KILL", "0"

std::string_view errno_name(int error);         // "ENOENT"; empty if unknown
std::string_view errno_text(int error);         // "No such file or directory"
std::string signal_name(int signal);            // "SIGKILL", "SIGRTMIN", "SIGRT_2"
std::optional<int> signal_number(std::string_view name);

}  // namespace nstrace::trace
