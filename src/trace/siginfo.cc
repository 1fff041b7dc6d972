// SPDX-License-Identifier: MIT
// The kernel fills one part of a union, which one follows from the code: not positive, it came from a process (man 2
// sigaction, "The siginfo_t argument to a SA_SIGINFO handler").
#include "trace/siginfo.h"

#include <fmt/format.h>
#include <linux/audit.h>
#include <unistd.h>

#include <csignal>
#include <span>

#include "trace/constants.h"
#include "trace/syscalls.h"

namespace nstrace::trace {
namespace {

struct Code {
  int value;
  std::string_view name;
};

// include/uapi/asm-generic/siginfo.h
constexpr Code kCodes[] = {
    {0, "SI_USER"},     {0x80, "SI_KERNEL"}, {-1, "SI_QUEUE"}, {-2, "SI_TIMER"},    {-3, "SI_MESGQ"},
    {-4, "SI_ASYNCIO"}, {-5, "SI_SIGIO"},    {-6, "SI_TKILL"}, {-7, "SI_DETHREAD"}, {-60, "SI_ASYNCNL"},
};
constexpr Code kIll[] = {{1, "ILL_ILLOPC"}, {2, "ILL_ILLOPN"}, {3, "ILL_ILLADR"}, {4, "ILL_ILLTRP"},
                         {5, "ILL_PRVOPC"}, {6, "ILL_PRVREG"}, {7, "ILL_COPROC"}, {8, "ILL_BADSTK"}};
constexpr Code kFpe[] = {{1, "FPE_INTDIV"},  {2, "FPE_INTOVF"},   {3, "FPE_FLTDIV"}, {4, "FPE_FLTOVF"},
                         {5, "FPE_FLTUND"},  {6, "FPE_FLTRES"},   {7, "FPE_FLTINV"}, {8, "FPE_FLTSUB"},
                         {14, "FPE_FLTUNK"}, {15, "FPE_CONDTRAP"}};
constexpr Code kSegv[] = {{1, "SEGV_MAPERR"},  {2, "SEGV_ACCERR"},  {3, "SEGV_BNDERR"},
                          {4, "SEGV_PKUERR"},  {5, "SEGV_ACCADI"},  {6, "SEGV_ADIDERR"},
                          {7, "SEGV_ADIPERR"}, {8, "SEGV_MTEAERR"}, {9, "SEGV_MTESERR"}};
constexpr Code kBus[] = {
    {1, "BUS_ADRALN"}, {2, "BUS_ADRERR"}, {3, "BUS_OBJERR"}, {4, "BUS_MCEERR_AR"}, {5, "BUS_MCEERR_AO"}};
constexpr Code kTrap[] = {{1, "TRAP_BRKPT"},  {2, "TRAP_TRACE"}, {3, "TRAP_BRANCH"},
                          {4, "TRAP_HWBKPT"}, {5, "TRAP_UNK"},   {6, "TRAP_PERF"}};
constexpr Code kChld[] = {{1, "CLD_EXITED"},  {2, "CLD_KILLED"},  {3, "CLD_DUMPED"},
                          {4, "CLD_TRAPPED"}, {5, "CLD_STOPPED"}, {6, "CLD_CONTINUED"}};
constexpr Code kPoll[] = {{1, "POLL_IN"},  {2, "POLL_OUT"}, {3, "POLL_MSG"},
                          {4, "POLL_ERR"}, {5, "POLL_PRI"}, {6, "POLL_HUP"}};
constexpr Code kSys[] = {{1, "SYS_SECCOMP"}, {2, "SYS_USER_DISPATCH"}};

std::span<const Code> codes_of(int signal) {
  switch (signal) {
    case SIGILL:
      return kIll;
    case SIGFPE:
      return kFpe;
    case SIGSEGV:
      return kSegv;
    case SIGBUS:
      return kBus;
    case SIGTRAP:
      return kTrap;
    case SIGCHLD:
      return kChld;
    case SIGPOLL:
      return kPoll;
    case SIGSYS:
      return kSys;
    default:
      return {};
  }
}

std::string code_text(const SignalInfo& info) {
  for (const auto codes : {std::span<const Code>(kCodes), codes_of(info.number)})
    for (const Code& code : codes)
      if (code.value == info.code) return std::string(code.name);
  return fmt::format("{:#x}", static_cast<unsigned>(info.code));
}

// The fields of one siginfo, appended in strace's order.
struct Writer {
  const SignalInfo& info;
  std::string_view arch;
  std::vector<std::string> out;

  int word(std::size_t i) const { return static_cast<int>(info.fields[i]); }
  std::uint64_t both(std::size_t i) const {
    return info.fields[i] | static_cast<std::uint64_t>(info.fields[i + 1]) << 32;
  }
  template <typename T>
  void field(std::string_view name, const T& value) {
    out.push_back(fmt::format("{}={}", name, value));
  }
  void pointer(std::string_view name, std::uint64_t value) {
    field(name, value ? fmt::format("{:#x}", value) : std::string("NULL"));
  }
  void ticks(std::string_view name, std::uint64_t value) {
    if (value == 0) return field(name, 0);
    const long per_second = sysconf(_SC_CLK_TCK);
    field(name, fmt::format("{} /* {:.2f} s */", value, static_cast<double>(value) / static_cast<double>(per_second)));
  }
  void source() {
    field("si_pid", word(0));
    field("si_uid", id(word(1)));
  }
  static std::string id(int value) { return value == -1 ? "-1" : fmt::format("{}", static_cast<unsigned>(value)); }
  void carried(std::size_t at) {  // union sigval
    field("si_int", word(at));
    pointer("si_ptr", both(at));
  }

  void polled() {
    field("si_band", static_cast<std::int64_t>(both(0)));
    field("si_fd", word(2));
  }

  void from_a_process() {
    if (info.code == SI_TIMER) {
      field("si_timerid", info.fields[0] ? fmt::format("{:#x}", info.fields[0]) : std::string("0"));
      field("si_overrun", word(1));
      return carried(2);
    }
    if (info.code == SI_SIGIO) return polled();
    source();
    if (info.code != SI_USER && info.code != SI_TKILL && both(2) != 0) carried(2);
  }
  void from_the_kernel() {
    switch (info.number) {
      case SIGCHLD:
        source();
        field("si_status", info.code == CLD_EXITED ? fmt::format("{}", word(2)) : signal_name(word(2)));
        ticks("si_utime", both(4));
        ticks("si_stime", both(6));
        return;
      case SIGILL:
      case SIGFPE:
      case SIGSEGV:
      case SIGBUS:
      case SIGTRAP:
        pointer("si_addr", both(0));
        if (info.number == SIGBUS && (info.code == BUS_MCEERR_AR || info.code == BUS_MCEERR_AO))
          field("si_addr_lsb", fmt::format("{:#x}", info.fields[2] & 0xffff));
        if (info.number == SIGSEGV && info.code == SEGV_BNDERR) {
          pointer("si_lower", both(4));
          pointer("si_upper", both(6));
        }
        if (info.number == SIGSEGV && info.code == SEGV_PKUERR) field("si_pkey", info.fields[4]);
        return;
      case SIGPOLL:
        return polled();
      case SIGSYS: {
        pointer("si_call_addr", both(0));
        const SyscallRow* call = find_syscall(word(2), arch);
        field("si_syscall", call ? "__NR_" + std::string(call->name) : fmt::format("{}", word(2)));
        field("si_arch", info.fields[3] == AUDIT_ARCH_X86_64    ? "AUDIT_ARCH_X86_64"
                         : info.fields[3] == AUDIT_ARCH_AARCH64 ? "AUDIT_ARCH_AARCH64"
                         : info.fields[3] == AUDIT_ARCH_I386    ? "AUDIT_ARCH_I386"
                                                                : fmt::format("{:#x}", info.fields[3]));
        return;
      }
      default:
        if (word(0) || word(1)) source();
        if (both(2) != 0) carried(2);
    }
  }
};

}  // namespace

std::vector<std::string> siginfo_fields(const SignalInfo& info, std::string_view arch) {
  Writer to{info, arch, {}};
  to.field("si_signo", signal_name(info.number));
  to.field("si_code", code_text(info));
  if (info.error)
    to.field("si_errno",
             errno_name(info.error).empty() ? fmt::format("{}", info.error) : std::string(errno_name(info.error)));
  if (info.code <= 0)
    to.from_a_process();
  else
    to.from_the_kernel();
  return std::move(to.out);
}

}  // namespace nstrace::trace
