// SPDX-License-Identifier: MIT
#include "lab/capabilities.h"

#include <linux/capability.h>

namespace nstrace::lab {
namespace {

#define CAPABILITY(name) \
  { name, #name }
constexpr Capability kCapabilities[] = {
    CAPABILITY(CAP_CHOWN),
    CAPABILITY(CAP_DAC_OVERRIDE),
    CAPABILITY(CAP_DAC_READ_SEARCH),
    CAPABILITY(CAP_FOWNER),
    CAPABILITY(CAP_FSETID),
    CAPABILITY(CAP_KILL),
    CAPABILITY(CAP_SETGID),
    CAPABILITY(CAP_SETUID),
    CAPABILITY(CAP_SETPCAP),
    CAPABILITY(CAP_LINUX_IMMUTABLE),
    CAPABILITY(CAP_NET_BIND_SERVICE),
    CAPABILITY(CAP_NET_BROADCAST),
    CAPABILITY(CAP_NET_ADMIN),
    CAPABILITY(CAP_NET_RAW),
    CAPABILITY(CAP_IPC_LOCK),
    CAPABILITY(CAP_IPC_OWNER),
    CAPABILITY(CAP_SYS_MODULE),
    CAPABILITY(CAP_SYS_RAWIO),
    CAPABILITY(CAP_SYS_CHROOT),
    CAPABILITY(CAP_SYS_PTRACE),
    CAPABILITY(CAP_SYS_PACCT),
    CAPABILITY(CAP_SYS_ADMIN),
    CAPABILITY(CAP_SYS_BOOT),
    CAPABILITY(CAP_SYS_NICE),
    CAPABILITY(CAP_SYS_RESOURCE),
    CAPABILITY(CAP_SYS_TIME),
    CAPABILITY(CAP_SYS_TTY_CONFIG),
    CAPABILITY(CAP_MKNOD),
    CAPABILITY(CAP_LEASE),
    CAPABILITY(CAP_AUDIT_WRITE),
    CAPABILITY(CAP_AUDIT_CONTROL),
    CAPABILITY(CAP_SETFCAP),
    CAPABILITY(CAP_MAC_OVERRIDE),
    CAPABILITY(CAP_MAC_ADMIN),
    CAPABILITY(CAP_SYSLOG),
    CAPABILITY(CAP_WAKE_ALARM),
    CAPABILITY(CAP_BLOCK_SUSPEND),
    CAPABILITY(CAP_AUDIT_READ),
    CAPABILITY(CAP_PERFMON),
    CAPABILITY(CAP_BPF),
    CAPABILITY(CAP_CHECKPOINT_RESTORE),
};
#undef CAPABILITY

constexpr std::uint64_t mask(std::initializer_list<int> numbers) {
  std::uint64_t out = 0;
  for (const int n : numbers) out |= std::uint64_t{1} << n;
  return out;
}

// As strace writes a set: 1<<CAP_CHOWN|1<<CAP_KILL, or 0.
std::string set_text(std::uint64_t set) {
  std::string out;
  for (const Capability& c : kCapabilities) {
    if ((set >> c.number & 1) == 0) continue;
    if (!out.empty()) out += '|';
    out += "1<<" + std::string(c.name);
  }
  return out.empty() ? "0" : out;
}

}  // namespace

std::span<const Capability> capabilities() {
  return kCapabilities;
}

const std::uint64_t kContainerCapabilities =
    mask({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP,
          CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP});

Arg capability_header() {
  const __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  return data({reinterpret_cast<const char*>(&header), sizeof header}, "{version=_LINUX_CAPABILITY_VERSION_3, pid=0}");
}

Arg capability_sets(std::uint64_t set) {
  const auto low = static_cast<__u32>(set);
  const auto high = static_cast<__u32>(set >> 32);
  const __user_cap_data_struct sets[2] = {{low, low, 0}, {high, high, 0}};
  const std::string shown = set_text(set);
  return data({reinterpret_cast<const char*>(sets), sizeof sets},
              "{effective=" + shown + ", permitted=" + shown + ", inheritable=0}");
}

}  // namespace nstrace::lab
