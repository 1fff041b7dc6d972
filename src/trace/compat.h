// SPDX-License-Identifier: MIT
// Calls as 32-bit x86 programs make them, also 64-bit ones by `int 0x80`: they have numbers of their own, and a few
// arguments another layout. They are the calls of the table otherwise.
#pragma once

#include <span>
#include <string_view>

namespace nstrace::trace {

// A number of arch/x86/entry/syscalls/syscall_32.tbl.
struct CompatCall {
  int number = 0;
  std::string_view call;    // of the table: "setuid" for setuid and setuid32
  bool narrow_ids = false;  // its user and group ids have 16 bits
};

// Those whose call is in the table, by number. There are none for another architecture.
std::span<const CompatCall> compat_calls();
const CompatCall* find_compat(int number);

}  // namespace nstrace::trace
