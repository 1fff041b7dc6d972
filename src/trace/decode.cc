// SPDX-License-Identifier: MIT
// From a RawCall to Args. Most arguments are decoded one by one, by their type in the table; the calls whose arguments
// depend on each other (clone, mount, prctl, ...) are decoded as a whole, in files of their own.
#include "trace/decode.h"

#include <fmt/format.h>

#include "trace/decode_parts.h"

namespace nstrace::trace {
namespace {

using namespace parts;

Arg argv_arg(const Slot& slot) {
  const RawCall& raw = slot.raw;
  if (slot.value() == 0 || !raw.argv) return unread_arg(slot);
  Arg arg = make(slot, Arg::Kind::Strings, slot.value());
  arg.list = *raw.argv;
  arg.cut = raw.argv_cut;
  return arg;
}

Arg envp_arg(const Slot& slot) {
  Arg arg = address_arg(slot);
  if (slot.value() && slot.raw.env_count)
    arg.comment = fmt::format("{} var{}", *slot.raw.env_count, *slot.raw.env_count == 1 ? "" : "s");
  return arg;
}

// sethostname, setdomainname: a length that the kernel refuses is not followed (__NEW_UTS_LEN).
Arg name_arg(const Slot& slot) {
  constexpr std::uint32_t kLongest = 64;
  const std::uint32_t length = static_cast<std::uint32_t>(slot.raw.args[slot.index + 1]);
  if (length > kLongest) return address_arg(slot);
  if (length == 0 && slot.value() && (!slot.piece() || !slot.piece()->fault))
    return make(slot, Arg::Kind::String, slot.value());
  return bytes_arg(slot);
}

Arg one_arg(const RawCall& raw, int index) {
  const Slot slot(raw, index);
  using enum ArgType;
  switch (raw.syscall->args[index].type) {
    case Int:
    case Pid:
      return int_arg(slot);
    case Unsigned:
      return unsigned_arg(slot);
    case Size:
      return size_arg(slot);
    case Path:
    case Text:
      return string_arg(slot);
    case Argv:
      return argv_arg(slot);
    case Envp:
      return envp_arg(slot);
    case Fd:
      return fd_arg(slot);
    case AtFd:
      return at_fd_arg(slot);
    case BytesArg:
      return name_arg(slot);
    case CloneArgs:
      return clone3_arg(slot);
    case NsFlags:
      return flags_arg(slot, slot.value(), unshare_flags(), "CLONE_???");
    case NsType:
      return flags_arg(slot, slot.low(), ns_flags(), "CLONE_NEW???");
    case UmountFlags:
      return flags_arg(slot, slot.low(), umount_flags(), "MNT_???");
    case AtFlags:
      return flags_arg(slot, slot.low(), at_flags(), "AT_???");
    case Signal:
      return signal_arg(slot);
    default:
      return address_arg(slot);
  }
}

}  // namespace

std::vector<Arg> decode_args(const RawCall& raw) {
  std::vector<Arg> out;
  if (!raw.syscall) return out;
  if (raw.syscall->args[0].type == ArgType::CloneFlags) return clone_args(raw);
  if (raw.syscall->args[3].type == ArgType::MountFlags) return mount_args(raw);
  for (int i = 0; i < static_cast<int>(std::size(raw.syscall->args)); ++i) {
    if (raw.syscall->args[i].type == ArgType::None) break;
    out.push_back(one_arg(raw, i));
  }
  return out;
}

Call decode(const RawCall& raw) {
  Call call;
  if (raw.syscall) call.name = raw.syscall->name;
  call.args = decode_args(raw);
  call.result = raw.result;
  return call;
}

}  // namespace nstrace::trace
