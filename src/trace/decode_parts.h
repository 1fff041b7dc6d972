// SPDX-License-Identifier: MIT
// What the decoders share: one argument of a RawCall, and the ways in which an Arg is made from it. Internal to
// decode*.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/constants.h"
#include "trace/decode.h"

namespace nstrace::trace::parts {

// Argument `index` of `raw`, under the name that the table gives it or another.
struct Slot {
  const RawCall& raw;
  int index;
  std::string_view name;

  Slot(const RawCall& call, int which) : raw(call), index(which), name(call.syscall->args[which].name) {}
  Slot(const RawCall& call, int which, std::string_view as) : raw(call), index(which), name(as) {}

  std::uint64_t value() const { return raw.args[index]; }
  std::uint32_t low() const { return static_cast<std::uint32_t>(raw.args[index]); }
  const Piece* piece() const { return raw.pieces[index] ? &*raw.pieces[index] : nullptr; }
  bool readable() const { return piece() && !piece()->fault; }
};

Arg make(const Slot& slot, Arg::Kind kind, std::uint64_t value, std::string text = {});
Arg int_arg(const Slot& slot);       // int
Arg unsigned_arg(const Slot& slot);  // unsigned int
Arg size_arg(const Slot& slot);      // unsigned long, decimal
Arg long_arg(const Slot& slot);      // long, decimal
Arg hex_arg(const Slot& slot);       // unsigned long: 0, 0x10
Arg address_arg(const Slot& slot);   // pointer: NULL, 0x7f...
Arg unread_arg(const Slot& slot);    // pointer to what could not be read; NULL stays NULL
Arg string_arg(const Slot& slot);    // char *
Arg bytes_arg(const Slot& slot);     // buffer, shown as a string
Arg fd_arg(const Slot& slot);
Arg at_fd_arg(const Slot& slot);  // fd or AT_FDCWD
// Flags and symbols of `value`, which is the argument cut to its width; strace's "/* XX_??? */" becomes Arg::comment.
Arg flags_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown);
Arg symbol_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown);
Arg signal_arg(const Slot& slot);

std::string address_text(std::uint64_t value);  // "NULL", "0x7f..."
std::string octal_text(std::uint64_t value);    // "0", "0755"

// Fields of a structure in the byte order of the machine (both known ones are little-endian); 0 beyond the end.
std::uint32_t u32_at(std::string_view bytes, std::size_t offset);
std::uint64_t u64_at(std::string_view bytes, std::size_t offset);

// What a structure has beyond its `known` bytes, as strace writes it: /* bytes 88..95 */ "\\x07..."; empty when all
// zero.
std::string tail_text(std::string_view bytes, std::size_t known, std::uint64_t size);

// Whole calls whose arguments depend on each other.
std::vector<Arg> clone_args(const RawCall& raw);
std::vector<Arg> mount_args(const RawCall& raw);
Arg clone3_arg(const Slot& slot);

}  // namespace nstrace::trace::parts
