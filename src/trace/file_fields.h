// SPDX-License-Identifier: MIT
// The names of all fields of the trace file, and the way from a name to its Field: a small hash table that the compiler
// fills. A field has one type for ever, wherever it stands.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nstrace::trace {

// Grouped by where they stand first: all events, arguments, fork, exec, exit, namespace, cgroup, lost, process, header,
// footer. (The fields of "ns" are the names of namespaces.)
// clang-format off
#define NSTRACE_FIELDS(X) \
  X(type) X(n) X(t) X(start) X(tid) X(tgid) X(born) X(tids) X(comm) X(ns) X(cgroup) X(call) X(args) X(result) \
  X(name) X(kind) X(value) X(text) X(list) X(target) X(comment) X(cut) \
  X(flags) X(exit_signal) X(parent_tgid) X(parent_born) X(child) \
  X(tid_before) X(comm_before) X(path) X(interpreter) X(exe_device) X(exe_inode) X(argv) X(argv_from_image) \
  X(env_count) X(env) \
  X(code) X(signal) X(core) X(process) \
  X(ns_type) X(ns_inode) X(ns_id) X(owner_user) X(parent_ns) \
  X(from) X(cgroup_path) \
  X(count) X(cpu) X(why) \
  X(pid) X(pids) X(parent_pid) X(exe) X(followed) \
  X(format) X(version) X(tool) X(kernel) X(arch) X(boot_id) X(start_boottime) X(start_realtime) X(command) \
  X(follow) X(calls) X(event_types) X(results) X(env_policy) X(backend) X(durations) X(host) X(tracer_pid) \
  X(events) X(lost) X(losses) X(end_boottime) X(end_realtime) X(end) X(status)
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

inline constexpr std::size_t kLongestField = 16 + 4;  // "parent_born" and the like, with "_b64"

namespace field_table {

inline constexpr std::size_t kSlots = 256;

constexpr std::size_t slot_of(std::string_view name) {
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(name[i])); };
  return (name.size() * 7 + at(0) * 31 + at(name.size() / 2) * 13 + at(name.size() - 1) * 3) % kSlots;
}

constexpr std::array<std::uint8_t, kSlots> filled() {
  std::array<std::uint8_t, kSlots> slots{};
  for (std::size_t i = 1; i < std::size(kFieldNames); ++i) {
    std::size_t slot = slot_of(kFieldNames[i]);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<std::uint8_t>(i);
  }
  return slots;
}
inline constexpr auto kTable = filled();

}  // namespace field_table

// The field that bears the name, Unknown if none does. `exact` is set for "<field>_b64".
constexpr Field field_of(std::string_view name, bool& exact) {
  constexpr std::string_view kExactEnding = "_b64";
  exact = name.size() > kExactEnding.size() && name.substr(name.size() - kExactEnding.size()) == kExactEnding;
  if (exact) name.remove_suffix(kExactEnding.size());
  if (name.empty()) return Field::Unknown;
  for (std::size_t slot = field_table::slot_of(name);; slot = (slot + 1) % field_table::kSlots) {
    const std::uint8_t i = field_table::kTable[slot];
    if (i == 0) return Field::Unknown;
    if (kFieldNames[i] == name) return static_cast<Field>(i);
  }
}

}  // namespace nstrace::trace
