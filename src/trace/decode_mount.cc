// SPDX-License-Identifier: MIT
// mount(2) and the calls that took its place: which arguments count depends on the flags.
#include <fmt/format.h>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

// include/uapi/linux/mount.h
constexpr std::uint64_t kMagic = 0xc0ed0000;  // MS_MGC_VAL
constexpr std::uint64_t kMagicMask = 0xffff0000;
constexpr std::uint64_t kRemount = 1 << 5;
constexpr std::uint64_t kMoves = (1 << 12) | (1 << 13) | (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20);

constexpr Constant kOpenTree[] = {
    {"OPEN_TREE_CLONE", 1},    {"OPEN_TREE_CLOEXEC", 0x80000}, {"AT_SYMLINK_NOFOLLOW", 0x100},
    {"AT_REMOVEDIR", 0x200},   {"AT_SYMLINK_FOLLOW", 0x400},   {"AT_NO_AUTOMOUNT", 0x800},
    {"AT_EMPTY_PATH", 0x1000}, {"AT_RECURSIVE", 0x8000},
};
constexpr Constant kMoveMount[] = {
    {"MOVE_MOUNT_F_SYMLINKS", 1},    {"MOVE_MOUNT_F_AUTOMOUNTS", 2},    {"MOVE_MOUNT_F_EMPTY_PATH", 4},
    {"MOVE_MOUNT_T_SYMLINKS", 0x10}, {"MOVE_MOUNT_T_AUTOMOUNTS", 0x20}, {"MOVE_MOUNT_T_EMPTY_PATH", 0x40},
    {"MOVE_MOUNT_SET_GROUP", 0x100}, {"MOVE_MOUNT_BENEATH", 0x200},
};
constexpr Constant kFsopen[] = {{"FSOPEN_CLOEXEC", 1}};
constexpr Constant kFsmount[] = {{"FSMOUNT_CLOEXEC", 1}};
constexpr Constant kFspick[] = {
    {"FSPICK_CLOEXEC", 1}, {"FSPICK_SYMLINK_NOFOLLOW", 2}, {"FSPICK_NO_AUTOMOUNT", 4}, {"FSPICK_EMPTY_PATH", 8}};
constexpr Constant kMountAttr[] = {
    {"MOUNT_ATTR_RDONLY", 1},        {"MOUNT_ATTR_NOSUID", 2},       {"MOUNT_ATTR_NODEV", 4},
    {"MOUNT_ATTR_NOEXEC", 8},        {"MOUNT_ATTR_NOATIME", 0x10},   {"MOUNT_ATTR_STRICTATIME", 0x20},
    {"MOUNT_ATTR_NODIRATIME", 0x80}, {"MOUNT_ATTR_IDMAP", 0x100000}, {"MOUNT_ATTR_NOSYMFOLLOW", 0x200000},
};
constexpr Constant kSetattr[] = {
    {"AT_SYMLINK_NOFOLLOW", 0x100}, {"AT_NO_AUTOMOUNT", 0x800}, {"AT_EMPTY_PATH", 0x1000}, {"AT_RECURSIVE", 0x8000}};
constexpr Constant kPropagation[] = {
    {"MS_UNBINDABLE", 1 << 17}, {"MS_PRIVATE", 1 << 18}, {"MS_SLAVE", 1 << 19}, {"MS_SHARED", 1 << 20}};

enum Fsconfig : std::uint32_t { kFlag, kString, kBinary, kPath, kPathEmpty, kFd };
constexpr Constant kFsconfig[] = {
    {"FSCONFIG_SET_FLAG", kFlag}, {"FSCONFIG_SET_STRING", kString},        {"FSCONFIG_SET_BINARY", kBinary},
    {"FSCONFIG_SET_PATH", kPath}, {"FSCONFIG_SET_PATH_EMPTY", kPathEmpty}, {"FSCONFIG_SET_FD", kFd},
    {"FSCONFIG_CMD_CREATE", 6},   {"FSCONFIG_CMD_RECONFIGURE", 7},         {"FSCONFIG_CMD_CREATE_EXCL", 8},
};

}  // namespace

std::vector<Arg> mount_args(const RawCall& raw) {
  std::uint64_t flags = raw.args[3];
  const bool magic = (flags & kMagicMask) == kMagic;
  if (magic) flags &= ~kMagicMask;
  // The kernel does not look at these, so callers leave anything there.
  const bool type_counts = !(flags & (kRemount | kMoves));
  const bool data_counts = (flags & kRemount) || !(flags & kMoves);
  std::vector<Arg> out;
  out.push_back(string_arg({raw, 0}));
  out.push_back(string_arg({raw, 1}));
  out.push_back(type_counts ? string_arg({raw, 2}) : address_arg({raw, 2}));
  Arg arg = flags_arg({raw, 3}, flags, mount_flags(), "MS_???");
  arg.value = static_cast<std::int64_t>(raw.args[3]);
  if (magic) arg.text = flags ? "MS_MGC_VAL|" + arg.text : "MS_MGC_VAL";
  out.push_back(std::move(arg));
  out.push_back(data_counts ? string_arg({raw, 4}) : address_arg({raw, 4}));
  return out;
}

Arg open_tree_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kOpenTree, "OPEN_TREE_???");
}
Arg move_mount_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kMoveMount, "MOVE_MOUNT_???");
}
Arg fsopen_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kFsopen, "FSOPEN_???");
}
Arg fsmount_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kFsmount, "FSMOUNT_???");
}
Arg mount_attr_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kMountAttr, "MOUNT_ATTR_???");
}
Arg fspick_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kFspick, "FSPICK_???");
}

Arg setattr_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kSetattr, "AT_???");
}

Arg mount_attr_arg(const Slot& slot) {
  constexpr std::size_t kSize = 32;  // MOUNT_ATTR_SIZE_VER0
  const std::uint64_t size = slot.raw.args[slot.index + 1];
  if (slot.value() == 0 || size < kSize) return address_arg(slot);
  if (!slot.readable() || slot.piece()->bytes.size() < kSize) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {
      "attr_set=" + flags_text(u64_at(b, 0), kMountAttr, "MOUNT_ATTR_???"),
      "attr_clr=" + flags_text(u64_at(b, 8), kMountAttr, "MOUNT_ATTR_???"),
      "propagation=" + symbol_text(u64_at(b, 16), kPropagation, "MS_???"),
      fmt::format("userns_fd={}", u64_at(b, 24)),
  };
  if (std::string tail = tail_text(b, kSize, size); !tail.empty()) arg.list.push_back(std::move(tail));
  arg.target = slot.raw.fds[slot.index].text;
  return arg;
}

std::vector<Arg> fsconfig_args(const RawCall& raw) {
  const Slot key(raw, 2);
  const Slot value(raw, 3);
  const Slot aux(raw, 4);
  const std::uint32_t command = Slot(raw, 1).low();
  std::vector<Arg> out{fd_arg({raw, 0}), symbol_arg({raw, 1}, command, kFsconfig, "FSCONFIG_???")};
  out.push_back(command <= kFd ? string_arg(key) : address_arg(key));
  if (command == kString || command == kPath || command == kPathEmpty) {
    out.push_back(string_arg(value));
  } else if (command == kBinary && value.readable()) {
    // Read as a string, so up to its first NUL.
    const std::string_view bytes = std::string_view(value.piece()->bytes).substr(0, aux.low());
    out.push_back(make(value, Arg::Kind::Address, value.value(), hex_bytes(bytes, bytes.size() < aux.low())));
  } else {
    out.push_back(address_arg(value));
  }
  if (command == kPath || command == kPathEmpty) {
    out.push_back(at_fd_arg(aux));
  } else {
    out.push_back(command == kFd ? fd_arg(aux) : int_arg(aux));
  }
  return out;
}

}  // namespace nstrace::trace::parts
