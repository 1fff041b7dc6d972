// SPDX-License-Identifier: MIT
// A look at the configuration proves nothing (a kernel may have a feature and refuse it): programs are loaded for real.
#include "capture/doctor.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "capture/kernel_facts.h"
#include "capture/trampolines.h"
#include "trace/error.h"

namespace nstrace::capture {
namespace {

constexpr const char* kBtf = "/sys/kernel/btf/vmlinux";
constexpr ino_t kInitPidNs = 0xEFFFFFFC;  // PROC_PID_INIT_INO, include/linux/proc_ns.h

std::string read_text(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::uint64_t effective_capabilities() {
  std::istringstream status(read_text("/proc/self/status"));
  for (std::string line; std::getline(status, line);)
    if (line.rfind("CapEff:", 0) == 0) return std::stoull(line.substr(7), nullptr, 16);
  return 0;
}

bool has(std::uint64_t capabilities, int capability) {
  return capabilities >> capability & 1;
}

// Loads a program that does nothing, of the given kind, and attaches it where that costs nothing; 0 or errno.
int try_load(bpf_prog_type type, bpf_attach_type attach, const char* target) {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = attach;
  const int id = libbpf_find_vmlinux_btf_id(target, attach);
  if (id < 0) return -id;
  options.attach_btf_id = id;
  const int fd = bpf_prog_load(type, "nstrace_probe", "GPL", insns, 2, &options);
  if (fd < 0) return errno;
  int error = 0;
  if (attach != BPF_TRACE_ITER) {
    const int link = bpf_raw_tracepoint_open(nullptr, fd);
    error = link < 0 ? errno : 0;
    if (link >= 0) close(link);
  }
  close(fd);
  return error;
}

int try_ring_buffer() {
  const int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "nstrace_probe", 0, 0, 4096, nullptr);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

std::string why_refused(int error, std::uint64_t capabilities) {
  const bool enough =
      (has(capabilities, CAP_BPF) && has(capabilities, CAP_PERFMON)) || has(capabilities, CAP_SYS_ADMIN);
  if (error == EPERM && !enough)
    return "tracing needs CAP_BPF and CAP_PERFMON; run nstrace with sudo, or give it the two once: "
           "sudo setcap cap_bpf,cap_perfmon+ep \"$(command -v nstrace)\"";
  if (error == EPERM && read_text("/sys/kernel/security/lockdown").find("[confidentiality]") != std::string::npos)
    return "the kernel is locked down ([confidentiality] in /sys/kernel/security/lockdown forbids reading kernel "
           "memory); boot without lockdown=confidentiality";
  if (error == EPERM || error == ENOSYS)
    return fmt::format(
        "a security policy refuses eBPF ({}); in a container, run it with --privileged, or with "
        "--cap-add BPF,PERFMON and a seccomp profile that allows bpf(2)",
        std::strerror(error));
  return fmt::format("the kernel cannot run what nstrace needs ({}); use Linux 5.10 or later with eBPF and BTF",
                     std::strerror(error));
}

}  // namespace

std::uint32_t own_pid_namespace() {
  struct stat st {};
  if (stat("/proc/self/ns/pid", &st) != 0) throw Error("/proc is not mounted; mount it: mount -t proc proc /proc", 125);
  char self[16] = {};
  if (readlink("/proc/self", self, sizeof self - 1) < 0 || std::atoi(self) != getpid())
    throw Error(
        "/proc shows the processes of another pid namespace than nstrace is in; mount its own: mount -t proc proc "
        "/proc",
        125);
  return st.st_ino == kInitPidNs ? 0 : static_cast<std::uint32_t>(st.st_ino);
}

std::vector<Finding> examine() {
  using State = Finding::State;
  std::vector<Finding> findings;
  const auto add = [&](State state, std::string what, std::string detail = {}) {
    findings.push_back({state, std::move(what), std::move(detail)});
  };
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });

  utsname u{};
  uname(&u);
  int major = 0, minor = 0;
  std::sscanf(u.release, "%d.%d", &major, &minor);
  const bool known_arch = std::strcmp(u.machine, "x86_64") == 0 || std::strcmp(u.machine, "aarch64") == 0;
  const std::string kernel = fmt::format("kernel {} on {}", u.release, u.machine);
  if (major < 5 || (major == 5 && minor < 10))
    add(State::Bad, kernel, fmt::format("Linux {} is too old; nstrace needs 5.10 or later", u.release));
  else if (!known_arch)
    add(State::Bad, kernel, fmt::format("nstrace knows x86_64 and aarch64, not {}", u.machine));
  else
    add(State::Good, kernel);

  const std::uint64_t capabilities = effective_capabilities();
  const bool admin = has(capabilities, CAP_SYS_ADMIN);
  const bool bpf = admin || has(capabilities, CAP_BPF);
  const bool perfmon = admin || has(capabilities, CAP_PERFMON);
  if (bpf && perfmon)
    add(State::Good, "capabilities: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN");
  else
    add(State::Bad,
        fmt::format("capabilities: {}{}{} missing", bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "",
                    perfmon ? "" : "CAP_PERFMON"),
        why_refused(EPERM, capabilities));
  if (!admin && !has(capabilities, CAP_SYS_PTRACE))
    add(State::Note, "CAP_SYS_PTRACE missing", "paths of executables of other users' processes stay unknown");

  try {
    if (own_pid_namespace())
      add(State::Note, "pid namespace",
          "nstrace runs inside a pid namespace: pids are those of this namespace, and only what lives in it and below "
          "can "
          "be seen; for more, run it on the host, or in a container started with --pid=host");
    else
      add(State::Good, "pid namespace: the host's");
  } catch (const Error& error) {
    add(State::Bad, "/proc", error.what());
  }

  if (access(kBtf, R_OK) == 0)
    add(State::Good, fmt::format("type information of the kernel (BTF): {}", kBtf));
  else
    add(State::Bad, "type information of the kernel (BTF)",
        fmt::format(
            "{} cannot be read ({}); the kernel must be built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian, "
            "Ubuntu, Fedora and RHEL are",
            kBtf, std::strerror(errno)));

  if (read_text("/sys/kernel/security/lockdown").find("[confidentiality]") != std::string::npos)
    add(State::Bad, "kernel lockdown", why_refused(EPERM, ~0ull));
  else
    add(State::Good, "kernel lockdown: does not forbid reading kernel memory");

  const auto tried = [&](const char* what, int error, const std::string& good = {}) {
    if (error)
      add(State::Bad, what, why_refused(error, capabilities));
    else
      add(State::Good, what + good);
  };
  tried("ring buffer", try_ring_buffer());
  tried("raw tracepoints with BTF (tp_btf)", try_load(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "sched_process_exec"),
        ": the backend that is used (--backend raw)");
  tried("task iterator", try_load(BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "task"));
  const std::unique_ptr<btf, void (*)(btf*)> types(btf__load_vmlinux_btf(), btf__free);
  if (types)
    for (Lack& lack : lacks(types.get())) add(State::Note, std::move(lack.what), std::move(lack.detail));
  if (types && major >= 7 && btf__find_by_name_kind(types.get(), "bpf_preempt_disable", BTF_KIND_FUNC) < 0)
    add(State::Note, "tracing programs can be interrupted",
        "and this kernel has nothing to forbid it (bpf_preempt_disable): where more tasks run than there are "
        "processors, "
        "events can be lost; they are counted");
  if ((major < 5 || (major == 5 && minor < 11)) && !has(capabilities, CAP_SYS_RESOURCE))
    add(State::Note, "CAP_SYS_RESOURCE missing",
        "before Linux 5.11 the memory of eBPF counts as locked; if loading fails, raise the limit (ulimit -l "
        "unlimited)");
  if (const int error = trampolines_refused())
    add(State::Note, "trampolines (fentry)",
        fmt::format("refused ({}); not needed: nstrace uses raw tracepoints, --backend fentry cannot be had",
                    std::strerror(error)));
  else
    add(State::Good, fmt::format("trampolines (fentry): allowed{}; not needed, --backend fentry uses them",
                                 trampolines_at_many() ? ", at many functions at once" : ", one by one"));
  return findings;
}

std::optional<std::string> first_problem() {
  for (const Finding& finding : examine())
    if (finding.state == Finding::State::Bad) return finding.detail;
  return std::nullopt;
}

}  // namespace nstrace::capture
