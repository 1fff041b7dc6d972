// SPDX-License-Identifier: MIT
// The expected words are those that strace prints for the same siginfo.
#include "trace/siginfo.h"

#include <csignal>

#include "tests/catch.h"

using namespace nstrace::trace;

namespace {

std::string text(SignalInfo info) {
  std::string out;
  for (const std::string& field : siginfo_fields(info, "x86_64")) out += (out.empty() ? "" : ", ") + field;
  return out;
}

}  // namespace

TEST_CASE("a signal from a process says whose") {
  REQUIRE(text({SIGTERM, 0, SI_USER, {812, 0xffffffff}}) == "si_signo=SIGTERM, si_code=SI_USER, si_pid=812, si_uid=-1");
  REQUIRE(text({34, 0, SI_QUEUE, {5, 6, 7, 8}}) ==
          "si_signo=SIGRT_2, si_code=SI_QUEUE, si_pid=5, si_uid=6, si_int=7, si_ptr=0x800000007");
  REQUIRE(text({SIGUSR1, 22, SI_TKILL, {5, 6, 7, 8}}) ==
          "si_signo=SIGUSR1, si_code=SI_TKILL, si_errno=EINVAL, si_pid=5, si_uid=6");
  REQUIRE(text({SIGALRM, 0, SI_TIMER, {5, 6, 7, 0}}) ==
          "si_signo=SIGALRM, si_code=SI_TIMER, si_timerid=0x5, si_overrun=6, si_int=7, si_ptr=0x7");
}

TEST_CASE("a child's end says how, and the time it took") {
  REQUIRE(text({SIGCHLD, 0, CLD_EXITED, {5, 6, 7}}) ==
          "si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5, si_uid=6, si_status=7, si_utime=0, si_stime=0");
  REQUIRE(text({SIGCHLD, 0, CLD_KILLED, {5, 6, 9, 0, 1, 0, 250, 0}}) ==
          "si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=6, si_status=SIGKILL, si_utime=1 /* 0.01 s */, "
          "si_stime=250 /* 2.50 s */");
}

TEST_CASE("a fault says where") {
  REQUIRE(text({SIGSEGV, 0, SEGV_MAPERR, {0, 0}}) == "si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL");
  REQUIRE(text({SIGBUS, 0, BUS_MCEERR_AR, {0x1000, 1, 12}}) ==
          "si_signo=SIGBUS, si_code=BUS_MCEERR_AR, si_addr=0x100001000, si_addr_lsb=0xc");
}

TEST_CASE("a filter's signal says which call it was") {
  REQUIRE(text({SIGSYS, 0, 1, {0x1000, 1, 165, 0xc000003e}}) ==
          "si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0x100001000, si_syscall=__NR_mount, "
          "si_arch=AUDIT_ARCH_X86_64");
}

TEST_CASE("codes that nobody has named are numbers") {
  REQUIRE(text({SIGUSR1, 999, -99, {5, 6}}) ==
          "si_signo=SIGUSR1, si_code=0xffffff9d, si_errno=999, si_pid=5, si_uid=6");
}
