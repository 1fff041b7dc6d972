// SPDX-License-Identifier: MIT
// What the container may no longer do. First no_new_privs (no program has more rights than its caller), which needs no
// right. Then three things in this order, since the right to do the earlier goes with the later: the bounding set (what
// could ever be got back), users and groups, the capabilities in use. Then a filter of system calls, for what rights do
// not govern.
#include "lab/rights.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string>

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

void drop_bounding_set(Stage& stage, std::uint64_t but) {
  for (const Capability& c : kCapabilities) {
    if ((but >> c.number & 1) != 0) continue;
    stage.may_fail_with(EINVAL);  // a kernel that does not know this one
    stage.prctl(NAMED(PR_CAPBSET_DROP), named(c.number, c.name));
  }
}

void lower_ambient_set(Stage& stage) {
  for (const Capability& c : kCapabilities) {
    stage.may_fail_with(EINVAL);
    stage.call(CALL(prctl),
               {NAMED(PR_CAP_AMBIENT), NAMED(PR_CAP_AMBIENT_LOWER), named(c.number, c.name), number(0), number(0)});
  }
}

void clear_ambient_set(Stage& stage) {
  stage.call(CALL(prctl), {NAMED(PR_CAP_AMBIENT), NAMED(PR_CAP_AMBIENT_CLEAR_ALL), number(0), number(0), number(0)});
}

void set_capabilities(Stage& stage, std::uint64_t set, std::uint64_t inheritable) {
  const __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  for (int i = 0; i < 2; ++i) {
    sets[i].effective = sets[i].permitted = static_cast<__u32>(set >> 32 * i);
    sets[i].inheritable = static_cast<__u32>(inheritable >> 32 * i);
  }
  const std::string shown = set_text(set);
  stage.call(
      CALL(capset),
      {data({reinterpret_cast<const char*>(&header), sizeof header}, "{version=_LINUX_CAPABILITY_VERSION_3, pid=0}"),
       data({reinterpret_cast<const char*>(sets), sizeof sets},
            "{effective=" + shown + ", permitted=" + shown + ", inheritable=" + set_text(inheritable) + "}")});
}

void set_capabilities(Stage& stage, std::uint64_t set) {
  set_capabilities(stage, set, 0);
}

void no_new_privileges(Stage& stage) {
  stage.call(CALL(prctl), {NAMED(PR_SET_NO_NEW_PRIVS), number(1), number(0), number(0), number(0)});
}

// The program of a filter runs at every call and looks at its number; numbers belong to an architecture, so that first.
void filter_calls(Stage& stage, Arg flags) {
  constexpr __u32 kDenied = SECCOMP_RET_ERRNO | EPERM;
#if defined(__x86_64__)
  constexpr __u32 kArchitecture = AUDIT_ARCH_X86_64;
#else
  constexpr __u32 kArchitecture = AUDIT_ARCH_AARCH64;
#endif
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kDenied),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  Arg filter{.kind = LAB_FILTER, .bytes = {reinterpret_cast<const char*>(program), sizeof program}};
  filter.shown = "{len=" + std::to_string(std::size(program)) + ", filter=[...]}";
  stage.call(CALL(seccomp), {NAMED(SECCOMP_SET_MODE_FILTER), std::move(flags), filter});
}

}  // namespace nstrace::lab
