// SPDX-License-Identifier: MIT
// From a RawCall to Args. Most arguments are decoded one by one, by their type in the table; the calls whose arguments
// depend on each other (clone, mount, prctl, ...) are decoded as a whole, in files of their own.
#include "trace/decode.h"

#include <fmt/format.h>

#include <algorithm>

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
  return bytes_arg(slot, length);
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
    case Long:
      return long_arg(slot);
    case Hex:
      return make(slot, Arg::Kind::Integer, slot.low(), slot.low() ? hex_text(slot.low()) : std::string());
    case Octal:
      return make(slot, Arg::Kind::Integer, slot.low() & 0xffff, octal_text(slot.low() & 0xffff));
    case FileMode:
      return file_mode_arg(slot);
    case Uid:
      return id_arg(slot);
    case Signal:
      return signal_arg(slot);
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
    case Data:
      return bytes_arg(slot, std::min<std::uint64_t>(slot.raw.args[slot.index + 1], kCaptureMax - 1));
    case OpenFlags:
      return file_flags_arg(slot);
    case OpenMode:
      return make(slot, Arg::Kind::Integer, slot.low() & 07777, octal_text(slot.low() & 07777));
    case GidList:
      return group_list_arg(slot);
    case CloneArgs:
      return clone3_arg(slot);
    case NsFlags:
      return flags_arg(slot, slot.value(), unshare_flags(), "CLONE_???");
    case NsType:
      return flags_arg(slot, slot.low(), ns_flags(), "CLONE_NEW???");
    case UmountFlags:
      return flags_arg(slot, slot.low(), umount_flags(), "MNT_???");
    case OpenTreeFlags:
      return open_tree_flags_arg(slot);
    case MoveMountFlags:
      return move_mount_flags_arg(slot);
    case FsopenFlags:
      return fsopen_flags_arg(slot);
    case FsmountFlags:
      return fsmount_flags_arg(slot);
    case MountAttrFlags:
      return mount_attr_flags_arg(slot);
    case FspickFlags:
      return fspick_flags_arg(slot);
    case MountAttr:
      return mount_attr_arg(slot);
    case OpenHow:
      return open_how_arg(slot);
    case SockAddr:
      return socket_address_arg(slot);
    case AtFlags:
      return flags_arg(slot, slot.low(), at_flags(), "AT_???");
    case SetattrFlags:
      return setattr_flags_arg(slot);
    case SeccompOp:
      return seccomp_op_arg(slot);
    case SeccompFlags:
      return seccomp_flags_arg(slot);
    case SeccompArg:
      return seccomp_arg(slot);
    case CapHeader:
      return cap_header_arg(slot);
    case CapData:
      return cap_data_arg(slot);
    case MemfdName:
      return memfd_name_arg(slot);
    case MemfdFlags:
      return memfd_flags_arg(slot);
    case PidfdFlags:
      return pidfd_flags_arg(slot);
    case CloseRangeFlags:
      return close_range_flags_arg(slot);
    case IpcKey:
      return ipc_key_arg(slot);
    case ShmFlags:
    case SemFlags:
    case MsgFlags:
      return ipc_get_flags_arg(slot);
    case ShmatFlags:
    case MsgOpFlags:
      return ipc_op_flags_arg(slot);
    case ShmCmd:
    case SemCmd:
    case MsgCmd:
      return ipc_command_arg(slot);
    case ShmBuf:
    case SemBuf:
    case MsgBuf:
      return ipc_buffer_arg(slot);
    case SemOps:
      return sem_ops_arg(slot);
    case Timespec:
      return timespec_arg(slot);
    case Message:
      return message_arg(slot);
    case None:
    case Address:
    // decoded with their whole call
    case CloneFlags:
    case MountFlags:
    case FsconfigCmd:
    case FsconfigValue:
    case FsconfigAux:
    case Device:
    case Prctl:
    case PrctlArg:
    case PrctlText:
    case PrctlFilter:
    case PrctlVmaName:
    case KeyctlOp:
    case KeyctlArg:
    case KeyctlName:
    case KeyctlText:
    case KeyctlType:
    case FcntlCmd:
    case FcntlArg:
      return address_arg(slot);
  }
  return address_arg(slot);
}

struct WholeCall {
  std::string_view name;
  std::vector<Arg> (*decode)(const RawCall&);
};
constexpr WholeCall kWholeCalls[] = {
    {"clone", clone_args},   {"mount", mount_args}, {"fsconfig", fsconfig_args}, {"mknod", mknod_args},
    {"mknodat", mknod_args}, {"prctl", prctl_args}, {"keyctl", keyctl_args},     {"fcntl", fcntl_args},
};

// Has what this argument points to another layout for a 32-bit program (pointers, long, time_t)?
bool differs(ArgType type, bool narrow_ids) {
  using enum ArgType;
  static constexpr ArgType kDiffer[] = {PrctlFilter, SeccompArg, ShmBuf, SemBuf, MsgBuf, Timespec, Message};
  return std::ranges::find(kDiffer, type) != std::end(kDiffer) || (type == GidList && narrow_ids);
}

// Registers of a 32-bit program hold 32 bits; what is signed there gets its sign back.
std::vector<Arg> compat_args(const RawCall& raw) {
  RawCall wide = raw;
  wide.compat = nullptr;
  for (std::size_t i = 0; i < wide.args.size(); ++i) {
    std::uint64_t& value = wide.args[i];
    value = static_cast<std::uint32_t>(value);
    const ArgType type = raw.syscall->args[i].type;
    if (type == ArgType::Long) value = static_cast<std::uint64_t>(static_cast<std::int32_t>(value));
    if (type == ArgType::Uid && raw.compat->narrow_ids) value = static_cast<std::uint16_t>(value);
    if (type == ArgType::Uid && raw.compat->narrow_ids && value == 0xffff) value = 0xffffffff;
  }
  // i386 has the order of arm64 (CONFIG_CLONE_BACKWARDS)
  if (raw.syscall->name == "clone") wide.arm64 = true;
  std::vector<Arg> out = decode_args(wide);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const ArgType type = raw.syscall->args[i].type;
    // the options of prctl that take no filter have a plain number there
    const bool points =
        type != ArgType::PrctlFilter || out[i].kind == Arg::Kind::Struct || out[i].kind == Arg::Kind::Unread;
    if (points && differs(type, raw.compat->narrow_ids)) out[i] = address_arg(Slot(wide, static_cast<int>(i)));
  }
  return out;
}

}  // namespace

std::vector<Arg> decode_args(const RawCall& raw) {
  std::vector<Arg> out;
  if (!raw.syscall) return out;
  if (raw.compat) return compat_args(raw);
  for (const WholeCall& whole : kWholeCalls)
    if (whole.name == raw.syscall->name) return whole.decode(raw);
  for (int i = 0; i < static_cast<int>(std::size(raw.syscall->args)); ++i) {
    if (raw.syscall->args[i].type == ArgType::None) break;
    if (raw.syscall->args[i].type == ArgType::OpenMode && !(raw.args[i - 1] & 0100)) break;  // O_CREAT
    out.push_back(one_arg(raw, i));
  }
  return out;
}

Call decode(const RawCall& raw) {
  Call call;
  if (raw.syscall) call.name = raw.syscall->name;
  call.args = decode_args(raw);
  if (raw.compat) call.abi = "i386";
  call.result = raw.result;
  return call;
}

}  // namespace nstrace::trace
