// SPDX-License-Identifier: MIT
// The few words that belong to Event itself: names of namespaces and of kinds of event.
#include "trace/event.h"

#include <linux/sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace nstrace::trace {
namespace {

struct NsRow {
  std::string_view name;
  std::uint64_t flag;
};
constexpr std::array<NsRow, kNsSlots> kNs{{
    {"mnt", CLONE_NEWNS},
    {"uts", CLONE_NEWUTS},
    {"ipc", CLONE_NEWIPC},
    {"net", CLONE_NEWNET},
    {"pid", CLONE_NEWPID},
    {"user", CLONE_NEWUSER},
    {"cgroup", CLONE_NEWCGROUP},
    {"time", CLONE_NEWTIME},
    {"pid_for_children", 0},
    {"time_for_children", 0},
}};

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string_view ns_name(Ns ns) { return kNs[static_cast<std::size_t>(ns)].name; }

std::optional<Ns> ns_from_name(std::string_view name) {
  for (int i = 0; i < kNsSlots; ++i)
    if (kNs[i].name == name) return static_cast<Ns>(i);
  return std::nullopt;
}

std::uint64_t ns_clone_flag(Ns ns) { return kNs[static_cast<std::size_t>(ns)].flag; }

constexpr std::string_view kSeccomp[] = {"none", "strict", "filter"};

std::string_view seccomp_word(Seccomp mode) { return kSeccomp[static_cast<std::size_t>(mode)]; }

std::optional<Seccomp> seccomp_from_word(std::string_view word) {
  for (std::size_t i = 0; i < std::size(kSeccomp); ++i)
    if (kSeccomp[i] == word) return static_cast<Seccomp>(i);
  return std::nullopt;
}

std::string_view kind_name(const Event& event) {
  using std::string_view_literals::operator""sv;
  return std::visit(Overloaded{
                        [](const Syscall&) { return "syscall"sv; },
                        [](const Fork&) { return "fork"sv; },
                        [](const Exec&) { return "exec"sv; },
                        [](const Exit&) { return "exit"sv; },
                        [](const Rename&) { return "comm"sv; },
                        [](const NamespaceSeen&) { return "namespace"sv; },
                        [](const CgroupMove&) { return "cgroup"sv; },
                        [](const Lost&) { return "lost"sv; },
                        [](const Signal&) { return "signal"sv; },
                    },
                    event.what);
}

}  // namespace nstrace::trace
