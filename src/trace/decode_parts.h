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
Arg int_arg(const Slot& slot);                        // int
Arg unsigned_arg(const Slot& slot);                   // unsigned int
Arg size_arg(const Slot& slot);                       // unsigned long, decimal
Arg long_arg(const Slot& slot);                       // long, decimal
Arg hex_arg(const Slot& slot);                        // unsigned long: 0, 0x10
Arg address_arg(const Slot& slot);                    // pointer: NULL, 0x7f...
Arg unread_arg(const Slot& slot);                     // pointer to what could not be read; NULL stays NULL
Arg string_arg(const Slot& slot);                     // char *
Arg bytes_arg(const Slot& slot, std::uint64_t size);  // buffer of so many bytes, shown as a string
Arg fd_arg(const Slot& slot);
Arg at_fd_arg(const Slot& slot);  // fd or AT_FDCWD
// Flags and symbols of `value`, which is the argument cut to its width; strace's "/* XX_??? */" becomes Arg::comment.
Arg flags_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown);
Arg symbol_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown);
Arg signal_arg(const Slot& slot);

std::string address_text(std::uint64_t value);  // "NULL", "0x7f..."
std::string octal_text(std::uint64_t value);    // "000", "0755"

// Fields of a structure in the byte order of the machine (both known ones are little-endian); 0 beyond the end.
std::uint32_t u32_at(std::string_view bytes, std::size_t offset);
std::uint64_t u64_at(std::string_view bytes, std::size_t offset);

// What a structure has beyond its `known` bytes, as strace writes it: /* bytes 88..95 */ "\\x07..."; empty when all
// zero.
std::string tail_text(std::string_view bytes, std::size_t known, std::uint64_t size);

// What stands for the rest of an array of which `read` bytes were read and `shown` are shown: "...", and where it is
// because the rest is not there, strace says of which address.
std::string more_text(const Slot& slot, std::size_t read, std::size_t shown);

// "\\x76\\x61" for each byte, in quotes; as strace writes what is binary.
std::string hex_bytes(std::string_view bytes, bool cut);
std::string hex_text(std::uint64_t value);  // "0", "0x1f"
std::string id_text(std::uint32_t id);      // of a user or group: "1000", "-1"

// Decoders of single arguments, by what they are about.
Arg clone3_arg(const Slot& slot);
Arg setattr_flags_arg(const Slot& slot);
Arg mount_attr_arg(const Slot& slot);
Arg open_tree_flags_arg(const Slot& slot);
Arg move_mount_flags_arg(const Slot& slot);
Arg fsopen_flags_arg(const Slot& slot);
Arg fsmount_flags_arg(const Slot& slot);
Arg mount_attr_flags_arg(const Slot& slot);
Arg fspick_flags_arg(const Slot& slot);
Arg id_arg(const Slot& slot);
Arg group_list_arg(const Slot& slot);
Arg cap_header_arg(const Slot& slot);
Arg cap_data_arg(const Slot& slot);
Arg seccomp_op_arg(const Slot& slot);
Arg seccomp_flags_arg(const Slot& slot);
Arg seccomp_arg(const Slot& slot);
Arg fprog_arg(const Slot& slot);  // struct sock_fprog *
Arg file_mode_arg(const Slot& slot);
Arg file_flags_arg(const Slot& slot);
Arg open_how_arg(const Slot& slot);
Arg socket_address_arg(const Slot& slot);
Arg memfd_name_arg(const Slot& slot);
Arg memfd_flags_arg(const Slot& slot);
Arg pidfd_flags_arg(const Slot& slot);
Arg close_range_flags_arg(const Slot& slot);
Arg ipc_key_arg(const Slot& slot);
Arg ipc_get_flags_arg(const Slot& slot);
Arg ipc_op_flags_arg(const Slot& slot);
Arg ipc_command_arg(const Slot& slot);
Arg ipc_buffer_arg(const Slot& slot);
Arg sem_ops_arg(const Slot& slot);
Arg timespec_arg(const Slot& slot);
Arg message_arg(const Slot& slot);

// The results of options and commands that give more than a number, as strace writes them: "0x1 (flags FD_CLOEXEC)".
// Empty: nothing to add.
std::string fcntl_result_text(std::string_view command, std::uint64_t value);
std::string prctl_result_text(std::string_view option, std::uint64_t value);

// Whole calls whose arguments depend on each other.
std::vector<Arg> clone_args(const RawCall& raw);
std::vector<Arg> mount_args(const RawCall& raw);
std::vector<Arg> fsconfig_args(const RawCall& raw);
std::vector<Arg> mknod_args(const RawCall& raw);  // mknodat too
std::vector<Arg> prctl_args(const RawCall& raw);
std::vector<Arg> keyctl_args(const RawCall& raw);
std::vector<Arg> fcntl_args(const RawCall& raw);

}  // namespace nstrace::trace::parts
