// SPDX-License-Identifier: MIT
// What comes with a signal, in strace's words.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nstrace::trace {

// struct kernel_siginfo, include/uapi/asm-generic/siginfo.h. `number` is that of the signal that is delivered.
struct SignalInfo {
  int number = 0, error = 0, code = 0;
  std::array<std::uint32_t, 8> fields{};  // union __sifields
};

// "si_signo=SIGCHLD", "si_code=CLD_EXITED", "si_pid=812", ...: which fields there are depends on the signal and on who
// sent it. arch: "x86_64" or "aarch64", for the call that a SIGSYS is about.
std::vector<std::string> siginfo_fields(const SignalInfo& info, std::string_view arch);

}  // namespace nstrace::trace
