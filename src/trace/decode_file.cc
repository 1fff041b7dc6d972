// SPDX-License-Identifier: MIT
// Files and descriptors: new nodes, how files are opened, memory files, pidfds, fcntl, close_range.
#include <fmt/format.h>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

// include/uapi/linux/stat.h
constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kCharacterDevice = 0020000;
constexpr std::uint32_t kBlockDevice = 0060000;
constexpr Constant kFileTypes[] = {
    {"S_IFREG", 0100000}, {"S_IFSOCK", 0140000},     {"S_IFIFO", 0010000},          {"S_IFLNK", 0120000},
    {"S_IFDIR", 0040000}, {"S_IFBLK", kBlockDevice}, {"S_IFCHR", kCharacterDevice},
};
constexpr Constant kModeBits[] = {{"S_ISUID", 04000}, {"S_ISGID", 02000}, {"S_ISVTX", 01000}};

std::string file_mode_text(std::uint32_t mode) {
  const std::uint32_t type = mode & kTypeMask;
  std::string out;
  for (const Constant& c : kFileTypes)
    if (c.value == type) out = c.name;
  if (type && out.empty()) return octal_text(mode);
  for (const Constant& c : kModeBits)
    if (mode & c.value) out += (out.empty() ? "" : "|") + std::string(c.name);
  return (out.empty() ? "" : out + "|") + octal_text(mode & 0777);
}

// A dev_t as system calls have it: include/linux/kdev_t.h, new_decode_dev().
std::string device_text(std::uint32_t device) {
  const std::uint32_t major = (device & 0xfff00) >> 8;
  const std::uint32_t minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return fmt::format("makedev({}, {})", hex_text(major), hex_text(minor));
}

}  // namespace

Arg file_mode_arg(const Slot& slot) {
  const std::uint32_t mode = slot.low() & 0xffff;  // umode_t
  return make(slot, Arg::Kind::Flags, mode, file_mode_text(mode));
}

std::vector<Arg> mknod_args(const RawCall& raw) {
  std::vector<Arg> out;
  int at = 0;
  if (raw.syscall->args[0].type == ArgType::AtFd) out.push_back(at_fd_arg({raw, at++}));
  out.push_back(string_arg({raw, at++}));
  const Slot mode(raw, at++);
  out.push_back(file_mode_arg(mode));
  const std::uint32_t type = mode.low() & kTypeMask;
  const Slot device(raw, at);
  if (type == kCharacterDevice || type == kBlockDevice)
    out.push_back(make(device, Arg::Kind::Integer, device.low(), device_text(device.low())));
  return out;
}

namespace {

// include/uapi/linux/memfd.h
constexpr unsigned kHugeShift = 26;
constexpr Constant kMemfd[] = {
    {"MFD_CLOEXEC", 1}, {"MFD_ALLOW_SEALING", 2}, {"MFD_HUGETLB", 4}, {"MFD_NOEXEC_SEAL", 8}, {"MFD_EXEC", 0x10}};
constexpr Constant kPidfd[] = {{"PIDFD_NONBLOCK", 04000}, {"PIDFD_THREAD", 0200}};
constexpr Constant kCloseRange[] = {{"CLOSE_RANGE_UNSHARE", 2}, {"CLOSE_RANGE_CLOEXEC", 4}};

}  // namespace

Arg memfd_name_arg(const Slot& slot) {
  constexpr std::size_t kShown = 250;  // the kernel takes one byte less
  Arg arg = string_arg(slot);
  if (arg.kind == Arg::Kind::String && arg.text.size() >= kShown) {
    arg.text.resize(kShown);
    arg.cut = true;
  }
  return arg;
}

Arg memfd_flags_arg(const Slot& slot) {
  const std::uint32_t flags = slot.low();
  const std::uint32_t huge = flags >> kHugeShift;
  if (!huge) return flags_arg(slot, flags, kMemfd, "MFD_???");
  const std::uint32_t others = flags - (huge << kHugeShift);
  const std::string text = others ? flags_text(others, kMemfd, "MFD_???") + "|" : "";
  return make(slot, Arg::Kind::Flags, flags, text + fmt::format("{}<<MFD_HUGE_SHIFT", huge));
}

Arg pidfd_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kPidfd, "PIDFD_???");
}
Arg close_range_flags_arg(const Slot& slot) {
  return flags_arg(slot, slot.low(), kCloseRange, "CLOSE_RANGE_???");
}

namespace {

enum class F : std::uint8_t { Nothing, Int, DescriptorFlags, FileFlags, Signal, Size, Lease, Notify, Seals, Address };

struct Command {
  std::uint32_t number;
  std::string_view name;
  F arg;
};

// include/uapi/linux/fcntl.h, include/uapi/asm-generic/fcntl.h
constexpr Command kCommands[] = {
    {0, "F_DUPFD", F::Int},
    {1, "F_GETFD", F::Nothing},
    {2, "F_SETFD", F::DescriptorFlags},
    {3, "F_GETFL", F::Nothing},
    {4, "F_SETFL", F::FileFlags},
    {5, "F_GETLK", F::Address},
    {6, "F_SETLK", F::Address},
    {7, "F_SETLKW", F::Address},
    {8, "F_SETOWN", F::Int},
    {9, "F_GETOWN", F::Nothing},
    {10, "F_SETSIG", F::Signal},
    {11, "F_GETSIG", F::Nothing},
    {12, "F_GETLK64", F::Address},
    {13, "F_SETLK64", F::Address},
    {14, "F_SETLKW64", F::Address},
    {15, "F_SETOWN_EX", F::Address},
    {16, "F_GETOWN_EX", F::Address},
    {36, "F_OFD_GETLK", F::Address},
    {37, "F_OFD_SETLK", F::Address},
    {38, "F_OFD_SETLKW", F::Address},
    {1024, "F_SETLEASE", F::Lease},
    {1025, "F_GETLEASE", F::Nothing},
    {1026, "F_NOTIFY", F::Notify},
    {1029, "F_CANCELLK", F::Address},
    {1030, "F_DUPFD_CLOEXEC", F::Int},
    {1031, "F_SETPIPE_SZ", F::Size},
    {1032, "F_GETPIPE_SZ", F::Nothing},
    {1033, "F_ADD_SEALS", F::Seals},
    {1034, "F_GET_SEALS", F::Nothing},
};

constexpr Constant kSeals[] = {{"F_SEAL_SEAL", 1},  {"F_SEAL_SHRINK", 2},          {"F_SEAL_GROW", 4},
                               {"F_SEAL_WRITE", 8}, {"F_SEAL_FUTURE_WRITE", 0x10}, {"F_SEAL_EXEC", 0x20}};
constexpr Constant kDescriptorFlags[] = {{"FD_CLOEXEC", 1}};
constexpr Constant kLeases[] = {{"F_RDLCK", 0}, {"F_WRLCK", 1}, {"F_UNLCK", 2}};
constexpr Constant kNotify[] = {{"DN_ACCESS", 1},
                                {"DN_MODIFY", 2},
                                {"DN_CREATE", 4},
                                {"DN_DELETE", 8},
                                {"DN_RENAME", 16},
                                {"DN_ATTRIB", 32},
                                {"DN_MULTISHOT", 0x80000000}};

// O_* but the access mode. Four bits have other places on arm64 (arch/arm64/include/uapi/asm/fcntl.h).
constexpr Constant kOpenX86[] = {
    {"O_CREAT", 0100},       {"O_EXCL", 0200},         {"O_NOCTTY", 0400},       {"O_TRUNC", 01000},
    {"O_APPEND", 02000},     {"O_NONBLOCK", 04000},    {"O_SYNC", 04010000},     {"O_DSYNC", 010000},
    {"O_DIRECT", 040000},    {"O_LARGEFILE", 0100000}, {"O_NOFOLLOW", 0400000},  {"O_NOATIME", 01000000},
    {"O_CLOEXEC", 02000000}, {"O_PATH", 010000000},    {"O_TMPFILE", 020200000}, {"O_DIRECTORY", 0200000},
    {"FASYNC", 020000},
};
constexpr Constant kOpenArm64[] = {
    {"O_CREAT", 0100},       {"O_EXCL", 0200},         {"O_NOCTTY", 0400},       {"O_TRUNC", 01000},
    {"O_APPEND", 02000},     {"O_NONBLOCK", 04000},    {"O_SYNC", 04010000},     {"O_DSYNC", 010000},
    {"O_DIRECT", 0200000},   {"O_LARGEFILE", 0400000}, {"O_NOFOLLOW", 0100000},  {"O_NOATIME", 01000000},
    {"O_CLOEXEC", 02000000}, {"O_PATH", 010000000},    {"O_TMPFILE", 020040000}, {"O_DIRECTORY", 040000},
    {"FASYNC", 020000},
};
// include/uapi/linux/openat2.h
constexpr Constant kResolve[] = {{"RESOLVE_NO_XDEV", 1}, {"RESOLVE_NO_MAGICLINKS", 2}, {"RESOLVE_NO_SYMLINKS", 4},
                                 {"RESOLVE_BENEATH", 8}, {"RESOLVE_IN_ROOT", 0x10},    {"RESOLVE_CACHED", 0x20}};
constexpr std::string_view kAccess[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

Arg command_arg(F what, const Slot& slot) {
  switch (what) {
    case F::Nothing:
    case F::Int:
      return int_arg(slot);
    case F::DescriptorFlags:
      return flags_arg(slot, slot.low(), kDescriptorFlags, "FD_???");
    case F::FileFlags:
      return file_flags_arg(slot);
    case F::Signal:
      return signal_arg(slot);
    case F::Size:
      return size_arg(slot);
    case F::Lease:
      return symbol_arg(slot, slot.low(), kLeases, "F_???");
    case F::Notify:
      return flags_arg(slot, slot.low(), kNotify, "DN_???");
    case F::Seals:
      return flags_arg(slot, slot.value(), kSeals, "F_SEAL_???");
    case F::Address:
      return address_arg(slot);
  }
  return address_arg(slot);
}

}  // namespace

namespace {

std::string open_flags_text(std::uint64_t flags, bool arm64) {
  std::string text(kAccess[flags & 3]);
  const std::span<const Constant> table = arm64 ? std::span<const Constant>(kOpenArm64) : kOpenX86;
  if (flags >> 2) text += "|" + flags_text(flags & ~std::uint64_t{3}, table);
  return text;
}

}  // namespace

Arg file_flags_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Flags, slot.low(), open_flags_text(slot.low(), slot.raw.arm64));
}

// A mode counts only where a file may be made; the kernel refuses another.
Arg open_how_arg(const Slot& slot) {
  constexpr std::size_t kSize = 24;  // OPEN_HOW_SIZE_VER0
  constexpr std::uint64_t kCreate = 0100, kTmpfile = 020000000;
  const std::uint64_t size = slot.raw.args[slot.index + 1];
  if (slot.value() == 0 || size < kSize) return address_arg(slot);
  if (!slot.readable() || slot.piece()->bytes.size() < kSize) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  const std::uint64_t flags = u64_at(b, 0), mode = u64_at(b, 8);
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list.push_back("flags=" + open_flags_text(flags, slot.raw.arm64));
  if (mode || flags & (kCreate | kTmpfile)) arg.list.push_back("mode=" + octal_text(mode));
  arg.list.push_back("resolve=" + flags_text(u64_at(b, 16), kResolve, "RESOLVE_???"));
  if (std::string tail = tail_text(b, kSize, size); !tail.empty()) arg.list.push_back(std::move(tail));
  return arg;
}

// Of F_GETFL four bits have other places on arm64; a result does not tell where it is from, which is most often here.
std::string fcntl_result_text(std::string_view command, std::uint64_t value) {
#if defined(__aarch64__)
  constexpr bool kArm64 = true;
#else
  constexpr bool kArm64 = false;
#endif
  const auto with = [&](const std::string& text) { return fmt::format("{} ({})", hex_text(value), text); };
  if (command == "F_GETFL") return with("flags " + open_flags_text(value, kArm64));
  if (command == "F_GETLEASE") return with(symbol_text(value, kLeases, "F_???"));
  if (value == 0) return "";
  if (command == "F_GETFD") return with("flags " + flags_text(value, kDescriptorFlags, "FD_???"));
  if (command == "F_GET_SEALS") return with("seals " + flags_text(value, kSeals, "F_SEAL_???"));
  if (command == "F_GETSIG") return fmt::format("{} ({})", value, signal_name(static_cast<int>(value)));
  return "";
}

std::vector<Arg> fcntl_args(const RawCall& raw) {
  const Slot which(raw, 1);
  std::vector<Arg> out{fd_arg({raw, 0})};
  for (const Command& command : kCommands) {
    if (command.number != which.low()) continue;
    out.push_back(make(which, Arg::Kind::Symbol, which.low(), std::string(command.name)));
    if (command.arg != F::Nothing) out.push_back(command_arg(command.arg, {raw, 2}));
    return out;
  }
  out.push_back(make(which, Arg::Kind::Symbol, which.low(), hex_text(which.low())));
  out.back().comment = "F_???";
  out.push_back(hex_arg({raw, 2}));
  return out;
}

}  // namespace nstrace::trace::parts
