// SPDX-License-Identifier: MIT
// prctl(2): a table says of each option what its arguments are. Options that it does not have are written with all four
// arguments in hex, as strace does.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

// What an argument of an option is.
enum class P : std::uint8_t {
  End,
  Decimal,
  Hex,
  Pid,
  Signal,
  SignalOut,  // int *, stored by the call
  NumberOut,
  Name,  // of a thread: 15 bytes count
  NameOut,
  Text,
  Cap,
  Dumpable,
  Tsc,
  Securebits,
  Mm,
  Spec,
  SpecFlags,
  MceKill,
  Vma,
  Ptracer,
  Ambient,      // what follows depends on it
  SeccompMode,  // the same
};

struct Option {
  std::uint32_t number;
  std::string_view name;
  std::array<P, 4> args{};
};

// include/uapi/linux/prctl.h
constexpr Option kOptions[] = {
    {1, "PR_SET_PDEATHSIG", {P::Signal}},
    {2, "PR_GET_PDEATHSIG", {P::SignalOut}},
    {3, "PR_GET_DUMPABLE"},
    {4, "PR_SET_DUMPABLE", {P::Dumpable}},
    {5, "PR_GET_UNALIGN", {P::Hex}},
    {6, "PR_SET_UNALIGN", {P::Hex}},
    {7, "PR_GET_KEEPCAPS"},
    {8, "PR_SET_KEEPCAPS", {P::Decimal}},
    {9, "PR_GET_FPEMU", {P::Hex}},
    {10, "PR_SET_FPEMU", {P::Decimal}},
    {11, "PR_GET_FPEXC", {P::Hex}},
    {12, "PR_SET_FPEXC", {P::Decimal}},
    {13, "PR_GET_TIMING"},
    {14, "PR_SET_TIMING", {P::Decimal}},
    {15, "PR_SET_NAME", {P::Name}},
    {16, "PR_GET_NAME", {P::NameOut}},
    {19, "PR_GET_ENDIAN", {P::Hex}},
    {20, "PR_SET_ENDIAN", {P::Decimal}},
    {21, "PR_GET_SECCOMP"},
    {22, "PR_SET_SECCOMP", {P::SeccompMode}},
    {23, "PR_CAPBSET_READ", {P::Cap}},
    {24, "PR_CAPBSET_DROP", {P::Cap}},
    {25, "PR_GET_TSC", {P::Hex}},
    {26, "PR_SET_TSC", {P::Tsc}},
    {27, "PR_GET_SECUREBITS"},
    {28, "PR_SET_SECUREBITS", {P::Securebits}},
    {29, "PR_SET_TIMERSLACK", {P::Decimal}},
    {30, "PR_GET_TIMERSLACK"},
    {31, "PR_TASK_PERF_EVENTS_DISABLE"},
    {32, "PR_TASK_PERF_EVENTS_ENABLE"},
    {33, "PR_MCE_KILL", {P::MceKill, P::Hex, P::Hex, P::Hex}},
    {34, "PR_MCE_KILL_GET", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {35, "PR_SET_MM", {P::Mm, P::Hex, P::Hex, P::Hex}},
    {36, "PR_SET_CHILD_SUBREAPER", {P::Decimal}},
    {37, "PR_GET_CHILD_SUBREAPER", {P::NumberOut}},
    {38, "PR_SET_NO_NEW_PRIVS", {P::Decimal, P::Hex, P::Hex, P::Hex}},
    {39, "PR_GET_NO_NEW_PRIVS", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {40, "PR_GET_TID_ADDRESS", {P::Hex}},
    {41, "PR_SET_THP_DISABLE", {P::Decimal, P::Hex, P::Hex, P::Hex}},
    {42, "PR_GET_THP_DISABLE", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {43, "PR_MPX_ENABLE_MANAGEMENT", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {44, "PR_MPX_DISABLE_MANAGEMENT", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {45, "PR_SET_FP_MODE", {P::Hex}},
    {46, "PR_GET_FP_MODE"},
    {47, "PR_CAP_AMBIENT", {P::Ambient, P::Hex, P::Hex, P::Hex}},
    {50, "PR_SVE_SET_VL", {P::Hex}},
    {51, "PR_SVE_GET_VL"},
    {52, "PR_GET_SPECULATION_CTRL", {P::Spec}},
    {53, "PR_SET_SPECULATION_CTRL", {P::Spec, P::SpecFlags}},
    {54, "PR_PAC_RESET_KEYS", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {55, "PR_SET_TAGGED_ADDR_CTRL", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {56, "PR_GET_TAGGED_ADDR_CTRL", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {57, "PR_SET_IO_FLUSHER", {P::Decimal, P::Hex, P::Hex, P::Hex}},
    {58, "PR_GET_IO_FLUSHER", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {59, "PR_SET_SYSCALL_USER_DISPATCH", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {60, "PR_PAC_SET_ENABLED_KEYS", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {61, "PR_PAC_GET_ENABLED_KEYS", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {62, "PR_SCHED_CORE", {P::Hex, P::Pid, P::Hex, P::Hex}},
    {63, "PR_SME_SET_VL", {P::Hex}},
    {64, "PR_SME_GET_VL"},
    {65, "PR_SET_MDWE", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {66, "PR_GET_MDWE", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {67, "PR_SET_MEMORY_MERGE", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {68, "PR_GET_MEMORY_MERGE", {P::Hex, P::Hex, P::Hex, P::Hex}},
    {0x53564d41, "PR_SET_VMA", {P::Vma, P::Hex, P::Decimal, P::Text}},
    {0x59616d61, "PR_SET_PTRACER", {P::Ptracer}},
};
constexpr std::array<P, 4> kUnknown{P::Hex, P::Hex, P::Hex, P::Hex};

constexpr Constant kDumpable[] = {{"SUID_DUMP_DISABLE", 0}, {"SUID_DUMP_USER", 1}, {"SUID_DUMP_ROOT", 2}};
constexpr Constant kTsc[] = {{"PR_TSC_ENABLE", 1}, {"PR_TSC_SIGSEGV", 2}};
constexpr Constant kSecurebits[] = {
    {"SECBIT_NOROOT", 1},
    {"SECBIT_NOROOT_LOCKED", 2},
    {"SECBIT_NO_SETUID_FIXUP", 4},
    {"SECBIT_NO_SETUID_FIXUP_LOCKED", 8},
    {"SECBIT_KEEP_CAPS", 0x10},
    {"SECBIT_KEEP_CAPS_LOCKED", 0x20},
    {"SECBIT_NO_CAP_AMBIENT_RAISE", 0x40},
    {"SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED", 0x80},
};
constexpr Constant kMm[] = {
    {"PR_SET_MM_START_CODE", 1},  {"PR_SET_MM_END_CODE", 2},   {"PR_SET_MM_START_DATA", 3}, {"PR_SET_MM_END_DATA", 4},
    {"PR_SET_MM_START_STACK", 5}, {"PR_SET_MM_START_BRK", 6},  {"PR_SET_MM_BRK", 7},        {"PR_SET_MM_ARG_START", 8},
    {"PR_SET_MM_ARG_END", 9},     {"PR_SET_MM_ENV_START", 10}, {"PR_SET_MM_ENV_END", 11},   {"PR_SET_MM_AUXV", 12},
    {"PR_SET_MM_EXE_FILE", 13},   {"PR_SET_MM_MAP", 14},       {"PR_SET_MM_MAP_SIZE", 15},
};
constexpr Constant kSpec[] = {{"PR_SPEC_STORE_BYPASS", 0}, {"PR_SPEC_INDIRECT_BRANCH", 1}, {"PR_SPEC_L1D_FLUSH", 2}};
constexpr Constant kSpecFlags[] = {
    {"PR_SPEC_ENABLE", 2}, {"PR_SPEC_DISABLE", 4}, {"PR_SPEC_FORCE_DISABLE", 8}, {"PR_SPEC_DISABLE_NOEXEC", 0x10}};
constexpr Constant kMceKill[] = {{"PR_MCE_KILL_CLEAR", 0}, {"PR_MCE_KILL_SET", 1}};
constexpr Constant kMceKillGet[] = {{"PR_MCE_KILL_LATE", 0}, {"PR_MCE_KILL_EARLY", 1}, {"PR_MCE_KILL_DEFAULT", 2}};
constexpr Constant kSpecState[] = {{"PR_SPEC_NOT_AFFECTED", 0},  {"PR_SPEC_PRCTL", 1},
                                   {"PR_SPEC_ENABLE", 2},        {"PR_SPEC_DISABLE", 4},
                                   {"PR_SPEC_FORCE_DISABLE", 8}, {"PR_SPEC_DISABLE_NOEXEC", 0x10}};
constexpr Constant kVma[] = {{"PR_SET_VMA_ANON_NAME", 0}};
constexpr Constant kAmbient[] = {
    {"PR_CAP_AMBIENT_IS_SET", 1},
    {"PR_CAP_AMBIENT_RAISE", 2},
    {"PR_CAP_AMBIENT_LOWER", 3},
    {"PR_CAP_AMBIENT_CLEAR_ALL", 4},
};
constexpr Constant kSeccompModes[] = {
    {"SECCOMP_MODE_DISABLED", 0}, {"SECCOMP_MODE_STRICT", 1}, {"SECCOMP_MODE_FILTER", 2}};

Arg signal_of(const Slot& slot) {
  const std::uint64_t value = slot.value();
  return make(slot, Arg::Kind::Symbol, value,
              value <= 64 ? signal_name(static_cast<int>(value)) : fmt::format("{}", value));
}

// What the call stored. It was read as a string, so a small number is its one byte, and 0 no byte at all.
Arg stored(const Slot& slot, bool as_signal) {
  if (slot.value() == 0 || !slot.readable() || !slot.raw.result || *slot.raw.result != 0) return address_arg(slot);
  const std::string& bytes = slot.piece()->bytes;
  const int value = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  const std::string text = as_signal ? signal_name(value) : fmt::format("{}", value);
  return make(slot, Arg::Kind::Address, slot.value(), "[" + text + "]");
}

Arg name_arg(const Slot& slot) {
  constexpr std::size_t kCounts = 15;  // TASK_COMM_LEN - 1
  Arg arg = string_arg(slot);
  if (arg.kind == Arg::Kind::String && arg.text.size() >= kCounts) {
    arg.text.resize(kCounts);
    arg.cut = true;
  }
  return arg;
}

Arg ptracer_arg(const Slot& slot) {
  if (slot.value() == ~0ull) return make(slot, Arg::Kind::Symbol, slot.value(), "PR_SET_PTRACER_ANY");
  return int_arg(slot);
}

Arg option_arg(P what, const Slot& slot) {
  switch (what) {
    case P::End:
    case P::Hex:
      return hex_arg(slot);
    case P::Decimal:
      return size_arg(slot);
    case P::Pid:
      return int_arg(slot);
    case P::Signal:
      return signal_of(slot);
    case P::SignalOut:
      return stored(slot, true);
    case P::NumberOut:
      return stored(slot, false);
    case P::Name:
      return name_arg(slot);
    case P::NameOut:
      return slot.raw.result && *slot.raw.result == 0 ? string_arg(slot) : address_arg(slot);
    case P::Text:
      return string_arg(slot);
    case P::Cap:
      return symbol_arg(slot, slot.value(), capabilities(), "CAP_???");
    case P::Dumpable:
      return symbol_arg(slot, slot.value(), kDumpable, "SUID_DUMP_???");
    case P::Tsc:
      return symbol_arg(slot, slot.value(), kTsc, "PR_TSC_???");
    case P::Securebits:
      return flags_arg(slot, slot.value(), kSecurebits, "SECBIT_???");
    case P::Mm:
      return symbol_arg(slot, slot.value(), kMm, "PR_SET_MM_???");
    case P::Spec:
      return symbol_arg(slot, slot.value(), kSpec, "PR_SPEC_???");
    case P::SpecFlags:
      return symbol_arg(slot, slot.value(), kSpecFlags, "PR_SPEC_???");
    case P::MceKill:
      return symbol_arg(slot, slot.value(), kMceKill, "PR_MCE_KILL_???");
    case P::Vma:
      return symbol_arg(slot, slot.value(), kVma, "PR_SET_VMA_???");
    case P::Ptracer:
      return ptracer_arg(slot);
    case P::Ambient:
      return symbol_arg(slot, slot.value(), kAmbient, "PR_CAP_AMBIENT_???");
    case P::SeccompMode:
      return symbol_arg(slot, slot.value(), kSeccompModes, "SECCOMP_MODE_???");
  }
  return hex_arg(slot);
}

// The arguments of an option, where they depend on its first.
std::array<P, 4> arguments(const Option& option, const RawCall& raw) {
  std::array<P, 4> args = option.args;
  if (args[0] == P::Ambient && raw.args[1] >= 1 && raw.args[1] <= 3) args[1] = P::Cap;
  if (args[1] == P::SpecFlags && raw.args[1] > 2) args[1] = P::Hex;
  if (args[0] == P::Vma && raw.args[1] != 0) args = {P::Vma, P::Hex, P::Hex, P::Hex};
  if (args[0] == P::SeccompMode && raw.args[1] != 1 && raw.args[1] != 2)
    args = {P::SeccompMode, P::Hex, P::Hex, P::Hex};
  return args;
}

}  // namespace

std::string prctl_result_text(std::string_view option, std::uint64_t value) {
  if (option == "PR_GET_DUMPABLE") return fmt::format("{} ({})", value, symbol_text(value, kDumpable, "SUID_DUMP_???"));
  if (option == "PR_MCE_KILL_GET")
    return fmt::format("{} ({})", value, symbol_text(value, kMceKillGet, "PR_MCE_KILL_???"));
  if (option == "PR_GET_SPECULATION_CTRL")
    return fmt::format("{} ({})", hex_text(value), flags_text(value, kSpecState, "PR_SPEC_???"));
  if (option == "PR_GET_SECUREBITS" && value)
    return fmt::format("{} ({})", hex_text(value), flags_text(value, kSecurebits, "SECBIT_???"));
  return "";
}

std::vector<Arg> prctl_args(const RawCall& raw) {
  const Slot first(raw, 0);
  const auto* option = std::ranges::find(kOptions, first.low(), &Option::number);
  std::vector<Arg> out;
  std::array<P, 4> args = kUnknown;
  if (option != std::end(kOptions)) {
    out.push_back(make(first, Arg::Kind::Symbol, first.low(), std::string(option->name)));
    args = arguments(*option, raw);
  } else {
    out.push_back(make(first, Arg::Kind::Symbol, first.low(), hex_text(first.low())));
    out.back().comment = "PR_???";
  }
  for (int i = 0; i < 4 && args[i] != P::End; ++i) out.push_back(option_arg(args[i], {raw, i + 1}));
  if (args[0] == P::SeccompMode && raw.args[1] == 2) out.push_back(fprog_arg({raw, 2}));  // SECCOMP_MODE_FILTER
  return out;
}

}  // namespace nstrace::trace::parts
