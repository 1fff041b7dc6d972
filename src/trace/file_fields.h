// SPDX-License-Identifier: MIT
// The names of all fields of the trace file, and the way from a name to its Field: a small hash table that the compiler
// fills. A field has one type for ever, wherever it stands.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

namespace nstrace::trace {

// Grouped by where they stand first: all events, arguments, fork, exec, exit, namespace, cgroup, lost, process, header,
// footer. (The fields of "ns" are the names of namespaces.)
// clang-format off
#define NSTRACE_FIELDS(X) \
  X(type) X(n) X(t) X(start) X(tid) X(tgid) X(born) X(tids) X(comm) X(ns) X(cgroup) X(call) X(abi) X(args) X(result) X(result_target) X(note) \
  X(name) X(kind) X(value) X(text) X(list) X(target) X(comment) X(cut) X(cut_elements) \
  X(flags) X(exit_signal) X(parent_tgid) X(parent_born) X(inferred) X(child) \
  X(tid_before) X(comm_before) X(path) X(interpreter) X(exe_device) X(exe_inode) X(argv) X(argv_from_image) \
  X(env_count) X(env) X(creds) X(caps) X(groups) X(groups_more) X(no_new_privs) X(seccomp) X(cwd) X(root) X(fds) X(fds_more) \
  X(uid) X(euid) X(suid) X(fsuid) X(gid) X(egid) X(sgid) X(fsgid) \
  X(inheritable) X(permitted) X(effective) X(bounding) X(ambient) X(device) X(inode) X(fd) \
  X(code) X(signal) X(core) X(process) X(on_cpu) X(cpu_wait) X(blocked) \
  X(ns_type) X(ns_inode) X(ns_id) X(owner_user) X(parent_ns) \
  X(from) X(from_path) X(cgroup_path) \
  X(count) X(cpu) X(why) X(info) \
  X(pid) X(pids) X(parent_pid) X(exe) X(followed) \
  X(format) X(version) X(tool) X(kernel) X(arch) X(boot_id) X(start_boottime) X(start_realtime) X(start_of_day) \
  X(command) \
  X(follow) X(calls) X(event_types) X(results) X(env_policy) X(backend) X(durations) X(times) X(host) X(tracer_pid) X(gates) X(payload) \
  X(events) X(lost) X(losses) X(attempted) X(sent) X(unread) X(end_boottime) X(end_realtime) X(end) X(status)
// clang-format on

enum class Field : std::uint8_t {
  Unknown,
#define NSTRACE_ENUMERATOR(name) name,
  NSTRACE_FIELDS(NSTRACE_ENUMERATOR)
#undef NSTRACE_ENUMERATOR
};

inline constexpr std::string_view kFieldNames[] = {"",
#define NSTRACE_NAME(name) #name,
                                                   NSTRACE_FIELDS(NSTRACE_NAME)
#undef NSTRACE_NAME
};
#undef NSTRACE_FIELDS

constexpr std::string_view field_name(Field field) {
  return kFieldNames[static_cast<std::size_t>(field)];
}

// A name of up to 16 characters as two numbers, so that it is compared and hashed without a loop.
struct PackedName {
  std::uint64_t low = 0, high = 0;
  bool operator==(const PackedName&) const = default;
};
inline constexpr std::size_t kLongestName = 16;

constexpr PackedName pack_name(std::string_view name) {
  PackedName result;
  for (std::size_t i = 0; i < name.size() && i < kLongestName; ++i)
    (i < 8 ? result.low : result.high) |= std::uint64_t{static_cast<unsigned char>(name[i])} << (i % 8 * 8);
  return result;
}

namespace field_table {

inline constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(const PackedName& name) {
  return ((name.low ^ name.high * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu) >> 56;
}

struct Slot {
  PackedName name;
  Field field = Field::Unknown;
};
constexpr std::array<Slot, kSlots> filled() {
  std::array<Slot, kSlots> slots{};
  for (std::size_t i = 1; i < std::size(kFieldNames); ++i) {
    if (kFieldNames[i].size() > kLongestName) throw "a name is too long";  // at compile time
    const PackedName name = pack_name(kFieldNames[i]);
    std::size_t slot = slot_of(name);
    while (slots[slot].field != Field::Unknown) slot = (slot + 1) % kSlots;
    slots[slot] = {name, static_cast<Field>(i)};
  }
  return slots;
}
inline constexpr auto kTable = filled();

}  // namespace field_table

inline constexpr std::string_view kExactEnding = "_b64";
inline constexpr std::size_t kLongestKey = kLongestName + kExactEnding.size();

// How many characters stand before the first quote; 0 if none, or more than a known key has. `text` must have
// kLongestKey
// + 8 bytes that may be read.
inline std::size_t length_before_quote(const char* text) {
  static_assert(std::endian::native == std::endian::little);
  for (std::size_t at = 0; at <= kLongestKey; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text + at, 8);
    word ^= 0x2222222222222222u;  // a quote becomes 0; the lowest zero byte sets the lowest high bit
    const std::uint64_t zeros = (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
    if (zeros == 0) continue;
    const std::size_t length = at + static_cast<std::size_t>(std::countr_zero(zeros)) / 8;
    return length <= kLongestKey ? length : 0;
  }
  return 0;
}

// The field that bears the name, Unknown if none does. `exact` is set for "<field>_b64". `name` must have 16 bytes that
// may be read, whatever its length.
inline Field field_of(std::string_view name, bool& exact) {
  exact = name.size() > kExactEnding.size() && name.substr(name.size() - kExactEnding.size()) == kExactEnding;
  if (exact) name.remove_suffix(kExactEnding.size());
  if (name.empty() || name.size() > kLongestName) return Field::Unknown;
  PackedName wanted;
  std::memcpy(&wanted.low, name.data(), 8);
  std::memcpy(&wanted.high, name.data() + 8, 8);
  if (name.size() <= 8) {
    wanted.high = 0;
    wanted.low &= ~std::uint64_t{0} >> (64 - 8 * name.size());
  } else {
    wanted.high &= ~std::uint64_t{0} >> (128 - 8 * name.size());
  }
  for (std::size_t slot = field_table::slot_of(wanted);; slot = (slot + 1) % field_table::kSlots) {
    const field_table::Slot& found = field_table::kTable[slot];
    if (found.field == Field::Unknown || found.name == wanted) return found.field;
  }
}

}  // namespace nstrace::trace
