// SPDX-License-Identifier: MIT
// nstrace-lab, the helper: takes a flat plan (wire.h) and carries it out, one system call per step, in one loop.
// Each clone in the plan names the stage that the child goes on with, so one loop plays every part: the parent, the
// child, the container's init. Static, single-threaded, without a C library: what a trace shows is the plan, nothing
// else. Inside the container the same program is its few commands (commands.c): it is told apart by its name.
#include <asm/unistd.h>
#include <linux/mman.h>

#include "bare.h"
#include "wire.h"

enum { PLAN_FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };  // exit codes, as env and docker have them
enum { KILL = 9, NO_SUCH_FILE = 2 };

// What the steps leave for later ones: pids, wait statuses. A child gets a copy, as of everything.
static __s32 registers[LAB_REGISTERS];

static __u64 argument(const struct lab_plan* plan, const struct lab_step* step, int i) {
  static const char* lists[6][LAB_LIST_MAX + 1];
  static char paths[6][LAB_PATH_MAX];
  const char* base = (const char*)plan;
  const __u64 arg = step->arg[i];
  switch ((enum lab_kind)step->kind[i]) {
    case LAB_NUMBER:
      return arg;
    case LAB_DATA:
      return (__u64)(base + arg);
    case LAB_VALUE:
      return (__u64)registers[arg];
    case LAB_PLACE:
      return (__u64)&registers[arg];
    case LAB_STATUS: {
      const int signal = registers[arg] & 0x7f;
      return signal != 0 ? 128u + (__u64)signal : (__u64)((registers[arg] >> 8) & 0xff);
    }
    case LAB_LIST: {
      const __u32* list = (const __u32*)(base + arg);
      for (__u32 n = 0; n < list[0]; ++n) lists[i][n] = base + list[n + 1];
      lists[i][list[0]] = 0;
      return (__u64)lists[i];
    }
    case LAB_PID_PATH: {
      char* out = paths[i];
      for (const char* in = base + (__u32)arg; *in != 0; ++in) {
        if (*in == '%') {
          out += text_number(out, (unsigned long)registers[arg >> 32]);
        } else {
          *out++ = *in;
        }
      }
      *out = 0;
      return (__u64)paths[i];
    }
  }
  return 0;
}

static int succeeded(const struct lab_step* step, long result) {
  if (step->tolerated != 0 && result == -(long)step->tolerated) return 1;
  if (result < 0) return 0;
  switch ((enum lab_expect)step->expect) {
    case LAB_ANY:
      return 1;
    case LAB_EXACT:
      return result == step->expected;
    case LAB_REGISTER:
      return result == registers[step->expected];
    case LAB_NO_RETURN:
      return 0;
  }
  return 0;
}

// Says which step failed, then takes back what was done. All of it lives in namespaces that vanish with their last
// process, so taking back is: let go of the pipes that others wait on, and, as the first stage, see every child dead.
static int give_up(const struct lab_plan* plan, __u32 stage, __u32 index, const struct lab_step* step, long result) {
  const struct lab_report report = {stage, index, result};
  SYSCALL(__NR_write, LAB_REPORT_FD, &report, sizeof report);
  SYSCALL(__NR_close_range, 3, ~0u, 0);
  for (int i = 0; stage == 0 && i < LAB_REGISTERS; ++i) {
    if ((plan->processes >> i & 1) != 0 && registers[i] > 1) SYSCALL(__NR_kill, registers[i], KILL, 0);
  }
  while (system_call(__NR_wait4, -1, 0, 0, 0, 0, 0) > 0) continue;
  if (step->call != __NR_execve) return PLAN_FAILED;
  return result == -NO_SUCH_FILE ? NOT_FOUND : CANNOT_EXECUTE;
}

// A process that was waited for: its number may be another's from now on.
static void forget(const struct lab_plan* plan, long pid) {
  for (int i = 0; i < LAB_REGISTERS; ++i) {
    if ((plan->processes >> i & 1) != 0 && registers[i] == pid) registers[i] = 0;
  }
}

static int carry_out(const struct lab_plan* plan) {
  const struct lab_step* steps = (const struct lab_step*)(plan + 1);
  __u32 stage = 0;
  for (__u32 i = 0; i < plan->stage[stage].count; ++i) {
    const struct lab_step* step = &steps[plan->stage[stage].first + i];
    long a[6];
    for (int n = 0; n < 6; ++n) a[n] = (long)argument(plan, step, n);
    const long result = system_call(step->call, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (!succeeded(step, result)) return give_up(plan, stage, i, step, result);
    if (step->call == __NR_wait4) forget(plan, result);
    if (step->child != LAB_NONE && result == 0) {  // the child: from here on it plays its own stage
      stage = step->child;
      i = (__u32)-1;
    } else if (step->result != LAB_NONE) {
      registers[step->result] = (__s32)result;
    }
  }
  return 0;
}

// The kernel starts a program with its stack pointer at argc, argv..., NULL, envp..., NULL.
static int program(long* stack) {
  char** argv = (char**)(stack + 1);
  char** envp = argv + stack[0] + 1;
  const char* name = stack[0] > 0 ? argv[0] : "";
  for (const char* c = name; *c != 0; ++c) {
    if (*c == '/') name = c + 1;
  }
  if (!text_equal(name, "nstrace-lab")) return small_command(name, argv);

  static const char variable[] = "_LAB_PLAN=";
  for (; *envp != 0; ++envp) {
    unsigned i = 0;
    while (variable[i] != 0 && (*envp)[i] == variable[i]) ++i;
    if (variable[i] != 0) continue;
    const char* end;
    const long fd = (long)number_of(*envp + i, &end);
    const long plan = system_call(__NR_mmap, 0, LAB_PLAN_MAX, PROT_READ, MAP_PRIVATE, fd, 0);
    if (plan < 0 && plan > -4096) return PLAN_FAILED;
    if (((const struct lab_plan*)plan)->magic != LAB_MAGIC) return PLAN_FAILED;
    return carry_out((const struct lab_plan*)plan);
  }
  return PLAN_FAILED;  // started by hand: there is nothing to do without a plan
}

__attribute__((used, noreturn)) static void begin(long* stack) {
  const int code = program(stack);
  SYSCALL(__NR_exit_group, code, 0, 0);
  __builtin_unreachable();
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n  hlt\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl begin\n  brk #0\n");
#endif
