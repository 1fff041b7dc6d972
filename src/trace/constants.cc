// SPDX-License-Identifier: MIT
// Flags of the calls that make processes, namespaces and mounts, errors and signals by name. The tables are in the
// order in which strace writes them. Numbers: include/uapi/linux/{sched,mount}.h; those of errors and signals are the
// same on x86_64 and arm64 (asm-generic).
#include "trace/constants.h"

#include <fmt/format.h>
#include <string.h>  // strerrorname_np, strerrordesc_np: names and texts that do not depend on the locale

#include <array>
#include <charconv>

namespace nstrace::trace {

std::string flags_text(std::uint64_t value, std::span<const Constant> table, std::string_view unknown) {
  std::string out;
  std::uint64_t rest = value;
  for (const Constant& c : table) {
    if (c.value == 0 ? value != 0 : (rest & c.value) != c.value) continue;
    if (!out.empty()) out += '|';
    out += c.name;
    rest &= ~c.value;
    if (value == 0) return out;
  }
  if (rest == 0) return out.empty() ? "0" : out;
  if (!out.empty()) return fmt::format("{}|{:#x}", out, rest);
  if (unknown.empty()) return fmt::format("{:#x}", rest);
  return fmt::format("{:#x} /* {} */", rest, unknown);
}

std::string symbol_text(std::uint64_t value, std::span<const Constant> table, std::string_view unknown) {
  for (const Constant& c : table)
    if (c.value == value) return std::string(c.name);
  const std::string number = value ? fmt::format("{:#x}", value) : "0";
  return unknown.empty() ? number : fmt::format("{} /* {} */", number, unknown);
}

namespace {

constexpr Constant kClone[] = {
    {"CLONE_VM", 0x100},
    {"CLONE_FS", 0x200},
    {"CLONE_FILES", 0x400},
    {"CLONE_SIGHAND", 0x800},
    {"CLONE_PIDFD", 0x1000},
    {"CLONE_PTRACE", 0x2000},
    {"CLONE_VFORK", 0x4000},
    {"CLONE_PARENT", 0x8000},
    {"CLONE_THREAD", 0x10000},
    {"CLONE_NEWNS", 0x20000},
    {"CLONE_SYSVSEM", 0x40000},
    {"CLONE_SETTLS", 0x80000},
    {"CLONE_PARENT_SETTID", 0x100000},
    {"CLONE_CHILD_CLEARTID", 0x200000},
    {"CLONE_UNTRACED", 0x800000},
    {"CLONE_CHILD_SETTID", 0x1000000},
    {"CLONE_NEWCGROUP", 0x2000000},
    {"CLONE_NEWUTS", 0x4000000},
    {"CLONE_NEWIPC", 0x8000000},
    {"CLONE_NEWUSER", 0x10000000},
    {"CLONE_NEWPID", 0x20000000},
    {"CLONE_NEWNET", 0x40000000},
    {"CLONE_IO", 0x80000000},
    // clone3 only
    {"CLONE_NEWTIME", 0x80},
    {"CLONE_CLEAR_SIGHAND", 0x100000000},
    {"CLONE_INTO_CGROUP", 0x200000000},
};
constexpr std::size_t kCloneOnly = 23;
static_assert(kClone[kCloneOnly - 1].value == 0x80000000);

constexpr Constant kUnshare[] = {
    {"CLONE_NEWTIME", 0x80},      {"CLONE_VM", 0x100},          {"CLONE_FS", 0x200},
    {"CLONE_FILES", 0x400},       {"CLONE_SIGHAND", 0x800},     {"CLONE_THREAD", 0x10000},
    {"CLONE_NEWNS", 0x20000},     {"CLONE_SYSVSEM", 0x40000},   {"CLONE_NEWCGROUP", 0x2000000},
    {"CLONE_NEWUTS", 0x4000000},  {"CLONE_NEWIPC", 0x8000000},  {"CLONE_NEWUSER", 0x10000000},
    {"CLONE_NEWPID", 0x20000000}, {"CLONE_NEWNET", 0x40000000},
};

constexpr Constant kNs[] = {
    {"CLONE_NEWTIME", 0x80},      {"CLONE_NEWNS", 0x20000},     {"CLONE_NEWCGROUP", 0x2000000},
    {"CLONE_NEWUTS", 0x4000000},  {"CLONE_NEWIPC", 0x8000000},  {"CLONE_NEWUSER", 0x10000000},
    {"CLONE_NEWPID", 0x20000000}, {"CLONE_NEWNET", 0x40000000},
};

constexpr Constant kMount[] = {
    {"MS_RDONLY", 1u << 0},     {"MS_NOSUID", 1u << 1},      {"MS_NODEV", 1u << 2},
    {"MS_NOEXEC", 1u << 3},     {"MS_SYNCHRONOUS", 1u << 4}, {"MS_REMOUNT", 1u << 5},
    {"MS_MANDLOCK", 1u << 6},   {"MS_DIRSYNC", 1u << 7},     {"MS_NOSYMFOLLOW", 1u << 8},
    {"MS_NOATIME", 1u << 10},   {"MS_NODIRATIME", 1u << 11}, {"MS_BIND", 1u << 12},
    {"MS_MOVE", 1u << 13},      {"MS_REC", 1u << 14},        {"MS_SILENT", 1u << 15},
    {"MS_POSIXACL", 1u << 16},  {"MS_UNBINDABLE", 1u << 17}, {"MS_PRIVATE", 1u << 18},
    {"MS_SLAVE", 1u << 19},     {"MS_SHARED", 1u << 20},     {"MS_RELATIME", 1u << 21},
    {"MS_KERNMOUNT", 1u << 22}, {"MS_I_VERSION", 1u << 23},  {"MS_STRICTATIME", 1u << 24},
    {"MS_LAZYTIME", 1u << 25},  {"MS_SUBMOUNT", 1u << 26},   {"MS_NOREMOTELOCK", 1u << 27},
    {"MS_NOSEC", 1u << 28},     {"MS_BORN", 1u << 29},       {"MS_ACTIVE", 1u << 30},
    {"MS_NOUSER", 1u << 31},
};

constexpr Constant kUmount[] = {{"MNT_FORCE", 1}, {"MNT_DETACH", 2}, {"MNT_EXPIRE", 4}, {"UMOUNT_NOFOLLOW", 8}};

// include/uapi/linux/fcntl.h
constexpr Constant kAt[] = {
    {"AT_SYMLINK_NOFOLLOW", 0x100}, {"AT_REMOVEDIR", 0x200},   {"AT_SYMLINK_FOLLOW", 0x400},
    {"AT_NO_AUTOMOUNT", 0x800},     {"AT_EMPTY_PATH", 0x1000}, {"AT_RECURSIVE", 0x8000},
};

}  // namespace

std::span<const Constant> clone_flags() {
  return std::span(kClone).first(kCloneOnly);
}
std::span<const Constant> clone3_flags() {
  return kClone;
}
std::span<const Constant> unshare_flags() {
  return kUnshare;
}
std::span<const Constant> ns_flags() {
  return kNs;
}
std::span<const Constant> mount_flags() {
  return kMount;
}
std::span<const Constant> umount_flags() {
  return kUmount;
}
std::span<const Constant> at_flags() {
  return kAt;
}

namespace {

// What only a tracer sees: include/linux/errno.h.
struct KernelError {
  int number;
  std::string_view name, text;
};
constexpr KernelError kKernelErrors[] = {
    {512, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
    {513, "ERESTARTNOINTR", "To be restarted"},
    {514, "ERESTARTNOHAND", "To be restarted if no handler"},
    {515, "ENOIOCTLCMD", "No ioctl command"},
    {516, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
    {517, "EPROBE_DEFER", "Driver requests probe retry"},
    {524, "ENOTSUPP", "Operation is not supported"},
};

const KernelError* kernel_error(int error) {
  for (const KernelError& e : kKernelErrors)
    if (e.number == error) return &e;
  return nullptr;
}

}  // namespace

std::string_view errno_name(int error) {
  if (error <= 0) return {};
  if (const KernelError* e = kernel_error(error)) return e->name;
  const char* name = strerrorname_np(error);
  return name ? name : std::string_view{};
}

std::string_view errno_text(int error) {
  if (error <= 0) return {};
  if (const KernelError* e = kernel_error(error)) return e->text;
  const char* text = strerrordesc_np(error);
  return text ? text : std::string_view{};
}

namespace {

constexpr std::array<std::string_view, 32> kSignals = {
    "0",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};
constexpr int kFirstRealtime = 32;
constexpr int kLastRealtime = 64;

}  // namespace

std::string signal_name(int signal) {
  if (signal >= 0 && signal < static_cast<int>(kSignals.size())) return std::string(kSignals[signal]);
  if (signal == kFirstRealtime) return "SIGRTMIN";
  if (signal > kFirstRealtime && signal <= kLastRealtime) return fmt::format("SIGRT_{}", signal - kFirstRealtime);
  return fmt::format("{}", signal);
}

std::optional<int> signal_number(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (std::size_t i = 1; i < kSignals.size(); ++i)
    if (kSignals[i].substr(3) == name) return static_cast<int>(i);
  if (name.starts_with("RT_")) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size() && number >= 0 &&
        number <= kLastRealtime - kFirstRealtime)
      return kFirstRealtime + number;
  }
  if (name == "RTMIN") return kFirstRealtime;
  if (name == "IOT") return 6;
  if (name == "POLL") return 29;
  if (name == "CLD") return 17;
  return std::nullopt;
}

}  // namespace nstrace::trace
