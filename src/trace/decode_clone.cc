// SPDX-License-Identifier: MIT
// clone(2) and clone3(2): flags and what they ask for. An argument that no flag asks for is not written, as in strace.
#include <fmt/format.h>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

// include/uapi/linux/sched.h
constexpr std::uint64_t kSignalBits = 0xff;  // CSIGNAL
constexpr std::uint64_t kPidfd = 0x1000;
constexpr std::uint64_t kSetTls = 0x80000;
constexpr std::uint64_t kParentSetTid = 0x100000;
constexpr std::uint64_t kChildClearTid = 0x200000;
constexpr std::uint64_t kChildSetTid = 0x1000000;
constexpr std::uint64_t kIntoCgroup = 0x200000000;

bool succeeded(const RawCall& raw) {
  return raw.result && *raw.result > 0;
}

std::string clone_flags_text(std::uint64_t value) {
  const std::uint64_t signal = value & kSignalBits;
  const std::uint64_t flags = value & ~kSignalBits;
  if (flags == 0) return signal ? signal_name(static_cast<int>(signal)) : "0";
  std::string out = flags_text(flags, clone_flags());
  if (signal) out += "|" + signal_name(static_cast<int>(signal));
  return out;
}

// struct clone_args, include/uapi/linux/sched.h
enum Offset : std::size_t {
  kFlags = 0,
  kPidfdAt = 8,
  kChildTid = 16,
  kParentTid = 24,
  kExitSignal = 32,
  kStack = 40,
  kStackSize = 48,
  kTls = 56,
  kSetTid = 64,
  kSetTidSize = 72,
  kCgroup = 80,
  kEnd = 88,
};
constexpr std::size_t kSmallest = 64;  // CLONE_ARGS_SIZE_VER0

}  // namespace

// Registers: flags, stack, parent_tid, child_tid, tls on x86_64; the last two change places on arm64
// (CONFIG_CLONE_BACKWARDS).
std::vector<Arg> clone_args(const RawCall& raw) {
  const int child_tid = raw.arm64 ? 4 : 3;
  const int tls = raw.arm64 ? 3 : 4;
  const std::uint64_t flags = raw.args[0];
  std::vector<Arg> out;
  out.push_back(address_arg({raw, 1, "child_stack"}));
  out.push_back(make({raw, 0, "flags"}, Arg::Kind::Flags, flags, clone_flags_text(flags)));
  if (flags & (kParentSetTid | kPidfd)) {
    Arg arg = address_arg({raw, 2, "parent_tid"});
    // What the kernel stored there: the child's pid as the creator sees it, which is the result; or a pidfd.
    if (arg.value && (flags & kParentSetTid) && succeeded(raw)) arg.text = fmt::format("[{}]", *raw.result);
    if (arg.value && !(flags & kParentSetTid) && raw.pidfd) arg.text = fmt::format("[{}]", *raw.pidfd);
    out.push_back(std::move(arg));
  }
  if (flags & kSetTls) out.push_back(address_arg({raw, tls, "tls"}));
  if (flags & (kChildSetTid | kChildClearTid)) out.push_back(address_arg({raw, child_tid, "child_tidptr"}));
  return out;
}

Arg clone3_arg(const Slot& slot) {
  const std::uint64_t size = slot.raw.args[1];
  if (slot.value() == 0 || size < kSmallest) return address_arg(slot);
  if (!slot.readable() || slot.piece()->bytes.size() < kSmallest) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.cut = slot.piece()->cut;
  const std::uint64_t flags = u64_at(b, kFlags);
  const auto field = [&](std::string_view name, const std::string& value) {
    arg.list.push_back(fmt::format("{}={}", name, value));
  };
  const auto number = [&](std::size_t offset) { return u64_at(b, offset); };
  field("flags", flags_text(flags, clone3_flags(), "CLONE_???"));
  if (flags & kPidfd) field("pidfd", address_text(number(kPidfdAt)));
  if (flags & (kChildSetTid | kChildClearTid)) field("child_tid", address_text(number(kChildTid)));
  if (flags & kParentSetTid) field("parent_tid", address_text(number(kParentTid)));
  const std::uint64_t signal = number(kExitSignal);
  field("exit_signal", signal <= 0xff ? signal_name(static_cast<int>(signal)) : fmt::format("{}", signal));
  field("stack", address_text(number(kStack)));
  field("stack_size", number(kStackSize) ? fmt::format("{:#x}", number(kStackSize)) : "0");
  if (flags & kSetTls) field("tls", address_text(number(kTls)));
  if (number(kSetTid) || number(kSetTidSize)) {
    field("set_tid", address_text(number(kSetTid)));
    field("set_tid_size", fmt::format("{}", number(kSetTidSize)));
  }
  if (b.size() > kCgroup && ((flags & kIntoCgroup) || number(kCgroup)))
    field("cgroup", fmt::format("{}", number(kCgroup)));
  arg.target = slot.raw.fds[slot.index].text;
  if (std::string tail = tail_text(b, kEnd, size); !tail.empty()) arg.list.push_back(std::move(tail));
  if (!succeeded(slot.raw)) return arg;
  if (slot.raw.pidfd) arg.text = fmt::format("pidfd=[{}]", *slot.raw.pidfd);
  if ((flags & kParentSetTid) && number(kParentTid))
    arg.text += fmt::format("{}parent_tid=[{}]", arg.text.empty() ? "" : ", ", *slot.raw.result);
  return arg;
}

}  // namespace nstrace::trace::parts
