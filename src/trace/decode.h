// SPDX-License-Identifier: MIT
// From registers and the memory behind them to Args, in the words of strace. Pure functions: no process is looked at.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/compat.h"
#include "trace/event.h"
#include "trace/syscalls.h"

namespace nstrace::trace {

// Memory that was read for one argument.
struct Piece {
  std::string bytes;   // of a string: without its NUL
  bool fault = false;  // could not be read (then `bytes` is empty)
  bool cut = false;    // there was more
};

// What a file descriptor referred to when the call began.
struct FdTarget {
  std::string text;  // "mnt:[4026533533]", "pid:812", a path; empty = not known
};

struct RawCall {
  const SyscallRow* syscall = nullptr;
  std::array<std::uint64_t, 6> args{};
  std::optional<std::int64_t> result;
  std::array<std::optional<Piece>, 6> pieces;
  std::array<FdTarget, 6> fds;
  std::optional<std::vector<std::string>> argv;  // for ArgType::Argv, where it could be read
  bool argv_cut = false;
  std::optional<std::uint32_t> env_count;  // for ArgType::Envp
  std::optional<int> pidfd;                // what clone and clone3 have stored with CLONE_PIDFD
  bool arm64 = false;                      // clone(2) has another order of arguments there
  const CompatCall* compat = nullptr;      // how a 32-bit program called it, if one did
};

std::vector<Arg> decode_args(const RawCall& raw);
Call decode(const RawCall& raw);

}  // namespace nstrace::trace
