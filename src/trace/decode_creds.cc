// SPDX-License-Identifier: MIT
// Who a process is and what it may do: ids, groups, capabilities, seccomp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trace/decode_parts.h"

namespace nstrace::trace {
namespace {

// include/uapi/linux/capability.h
constexpr Constant kCapabilities[] = {
    {"CAP_CHOWN", 0},
    {"CAP_DAC_OVERRIDE", 1},
    {"CAP_DAC_READ_SEARCH", 2},
    {"CAP_FOWNER", 3},
    {"CAP_FSETID", 4},
    {"CAP_KILL", 5},
    {"CAP_SETGID", 6},
    {"CAP_SETUID", 7},
    {"CAP_SETPCAP", 8},
    {"CAP_LINUX_IMMUTABLE", 9},
    {"CAP_NET_BIND_SERVICE", 10},
    {"CAP_NET_BROADCAST", 11},
    {"CAP_NET_ADMIN", 12},
    {"CAP_NET_RAW", 13},
    {"CAP_IPC_LOCK", 14},
    {"CAP_IPC_OWNER", 15},
    {"CAP_SYS_MODULE", 16},
    {"CAP_SYS_RAWIO", 17},
    {"CAP_SYS_CHROOT", 18},
    {"CAP_SYS_PTRACE", 19},
    {"CAP_SYS_PACCT", 20},
    {"CAP_SYS_ADMIN", 21},
    {"CAP_SYS_BOOT", 22},
    {"CAP_SYS_NICE", 23},
    {"CAP_SYS_RESOURCE", 24},
    {"CAP_SYS_TIME", 25},
    {"CAP_SYS_TTY_CONFIG", 26},
    {"CAP_MKNOD", 27},
    {"CAP_LEASE", 28},
    {"CAP_AUDIT_WRITE", 29},
    {"CAP_AUDIT_CONTROL", 30},
    {"CAP_SETFCAP", 31},
    {"CAP_MAC_OVERRIDE", 32},
    {"CAP_MAC_ADMIN", 33},
    {"CAP_SYSLOG", 34},
    {"CAP_WAKE_ALARM", 35},
    {"CAP_BLOCK_SUSPEND", 36},
    {"CAP_AUDIT_READ", 37},
    {"CAP_PERFMON", 38},
    {"CAP_BPF", 39},
    {"CAP_CHECKPOINT_RESTORE", 40},
};

}  // namespace

std::span<const Constant> capabilities() {
  return kCapabilities;
}

// Two words, as capset(2) has them: what no name covers is written by word, and where no name covers any of a word,
// followed by `unknown`.
static std::string words_text(std::uint64_t mask, std::string_view unknown) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : "|") + text; };
  for (const unsigned first : {0u, 32u}) {
    const auto word = static_cast<std::uint32_t>(mask >> first);
    std::uint32_t rest = word;
    for (const Constant& c : kCapabilities) {
      if (c.value < first || c.value >= first + 32 || !(rest & (1u << (c.value - first)))) continue;
      add(fmt::format("1<<{}", c.name));
      rest &= ~(1u << (c.value - first));
    }
    if (rest) add(fmt::format("{:#x}{}", rest, rest == word ? unknown : ""));
  }
  return out.empty() ? "0" : out;
}

std::string capabilities_text(std::uint64_t mask) {
  return words_text(mask, "");
}

namespace parts {

Arg id_arg(const Slot& slot) {
  const std::uint32_t id = slot.low();
  const auto value = static_cast<std::uint64_t>(id == ~0u ? std::int64_t{-1} : std::int64_t{id});
  return make(slot, Arg::Kind::Integer, value);
}

Arg group_list_arg(const Slot& slot) {
  constexpr std::uint32_t kMost = 65536;  // NGROUPS_MAX
  const auto count = static_cast<std::uint32_t>(slot.raw.args[slot.index - 1]);
  if (slot.value() == 0 || count > kMost) return address_arg(slot);
  if (count && !slot.readable()) return unread_arg(slot);
  std::vector<std::string> ids;
  const std::string_view bytes = count ? std::string_view(slot.piece()->bytes) : std::string_view();
  for (std::uint32_t i = 0; i < count && (i + 1) * 4 <= bytes.size(); ++i) ids.push_back(id_text(u32_at(bytes, i * 4)));
  if (ids.size() < count) ids.push_back(more_text(slot, bytes.size(), ids.size() * 4));
  return make(slot, Arg::Kind::Address, slot.value(), fmt::format("[{}]", fmt::join(ids, ", ")));
}

namespace {

constexpr std::uint32_t kCapVersion1 = 0x19980330;
constexpr std::uint32_t kCapVersion2 = 0x20071026;
constexpr std::uint32_t kCapVersion3 = 0x20080522;
constexpr Constant kCapVersions[] = {
    {"_LINUX_CAPABILITY_VERSION_1", kCapVersion1},
    {"_LINUX_CAPABILITY_VERSION_2", kCapVersion2},
    {"_LINUX_CAPABILITY_VERSION_3", kCapVersion3},
};

}  // namespace

Arg cap_header_arg(const Slot& slot) {
  if (slot.value() == 0 || !slot.readable() || slot.piece()->bytes.size() < 8) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  const std::uint32_t version = u32_at(b, 0);
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {"version=" + symbol_text(version, kCapVersions, "_LINUX_CAPABILITY_VERSION_???"),
              fmt::format("pid={}", static_cast<std::int32_t>(u32_at(b, 4)))};
  return arg;
}

// One or two structs of three words, by the version in the header.
Arg cap_data_arg(const Slot& slot) {
  if (slot.value() == 0 || !slot.readable() || slot.piece()->bytes.size() < 12) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  const auto& header = slot.raw.pieces[slot.index - 1];
  const std::uint32_t version = header ? u32_at(header->bytes, 0) : kCapVersion3;
  const bool wide = version == kCapVersion2 || version == kCapVersion3;
  if (wide && b.size() < 24) return unread_arg(slot);
  const auto mask = [&](std::size_t at) {
    return u32_at(b, at) | (wide ? std::uint64_t{u32_at(b, at + 12)} << 32 : 0);
  };
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  const auto text = [&](std::size_t at) { return words_text(mask(at), " /* CAP_??? */"); };
  arg.list = {"effective=" + text(0), "permitted=" + text(4), "inheritable=" + text(8)};
  return arg;
}

namespace {

// include/uapi/linux/seccomp.h
enum Seccomp : std::uint32_t { kStrict, kFilter, kActionAvail, kNotifSizes };
constexpr Constant kSeccompOps[] = {
    {"SECCOMP_SET_MODE_STRICT", kStrict},
    {"SECCOMP_SET_MODE_FILTER", kFilter},
    {"SECCOMP_GET_ACTION_AVAIL", kActionAvail},
    {"SECCOMP_GET_NOTIF_SIZES", kNotifSizes},
};
constexpr Constant kFilterFlags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", 1},          {"SECCOMP_FILTER_FLAG_LOG", 2},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4},     {"SECCOMP_FILTER_FLAG_NEW_LISTENER", 8},
    {"SECCOMP_FILTER_FLAG_TSYNC_ESRCH", 0x10}, {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0x20},
};
constexpr Constant kActions[] = {
    {"SECCOMP_RET_KILL_PROCESS", 0x80000000}, {"SECCOMP_RET_KILL_THREAD", 0},         {"SECCOMP_RET_TRAP", 0x30000},
    {"SECCOMP_RET_ERRNO", 0x50000},           {"SECCOMP_RET_USER_NOTIF", 0x7fc00000}, {"SECCOMP_RET_TRACE", 0x7ff00000},
    {"SECCOMP_RET_LOG", 0x7ffc0000},          {"SECCOMP_RET_ALLOW", 0x7fff0000},
};

std::uint32_t seccomp_op(const RawCall& raw) {
  return static_cast<std::uint32_t>(raw.args[0]);
}

}  // namespace

Arg seccomp_op_arg(const Slot& slot) {
  return symbol_arg(slot, slot.low(), kSeccompOps, "SECCOMP_SET_MODE_???");
}

Arg seccomp_flags_arg(const Slot& slot) {
  if (seccomp_op(slot.raw) == kFilter) return flags_arg(slot, slot.low(), kFilterFlags, "SECCOMP_FILTER_FLAG_???");
  return make(slot, Arg::Kind::Flags, slot.low(), hex_text(slot.low()));
}

Arg fprog_arg(const Slot& slot) {
  if (slot.value() == 0 || !slot.readable() || slot.piece()->bytes.size() < 16) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {fmt::format("len={}", u32_at(b, 0) & 0xffff), "filter=" + address_text(u64_at(b, 8))};
  return arg;
}

Arg seccomp_arg(const Slot& slot) {
  const std::uint32_t op = seccomp_op(slot.raw);
  if (op == kFilter) return fprog_arg(slot);
  const bool counts = op == kActionAvail || (op == kNotifSizes && slot.raw.result && *slot.raw.result == 0);
  if (slot.value() == 0 || !counts) return address_arg(slot);
  if (!slot.readable() || slot.piece()->bytes.size() < (op == kActionAvail ? 4 : 6)) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  if (op == kActionAvail)
    return make(slot, Arg::Kind::Address, slot.value(),
                "[" + symbol_text(u32_at(b, 0), kActions, "SECCOMP_RET_???") + "]");
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {fmt::format("seccomp_notif={}", u32_at(b, 0) & 0xffff),
              fmt::format("seccomp_notif_resp={}", u32_at(b, 2) & 0xffff),
              fmt::format("seccomp_data={}", u32_at(b, 4) & 0xffff)};
  return arg;
}

}  // namespace parts
}  // namespace nstrace::trace
