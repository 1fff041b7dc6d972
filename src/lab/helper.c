// SPDX-License-Identifier: MIT
// nstrace-lab, the helper: takes a flat plan (wire.h) and carries it out, one system call per step, in one loop.
// Each clone in the plan names the stage that the child goes on with, so one loop plays every part: the parent, the
// child, the container's init. Static, single-threaded, without a C library: what a trace shows is the plan, nothing
// else. Inside the container the same program is its few commands (commands.c): it is told apart by its name.
#include <asm/unistd.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/sched.h>

#include "bare.h"
#include "wire.h"

enum { PLAN_FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };  // exit codes, as env and docker have them
enum { KILL = 9, NO_SUCH_FILE = 2 };

// What the steps leave for later ones: pids, wait statuses. A child gets a copy, as of everything.
static __s32 registers[LAB_REGISTERS];

static const char* fill_in(char* out, const char* text, __s32 pid) {
  const char* begin = out;
  for (; *text != 0; ++text) {
    if (*text == '%') {
      out += text_number(out, (unsigned long)pid);
    } else {
      *out++ = *text;
    }
  }
  *out = 0;
  return begin;
}

// Arguments are made in order: one may depend on those before it.
static void make_arguments(const struct lab_plan* plan, const struct lab_step* step, __u64 out[6]) {
  static const char* lists[6][LAB_LIST_MAX + 1];
  static char texts[6][LAB_TEXT_MAX];
  static struct sock_fprog filter;
  const char* base = (const char*)plan;
  for (int i = 0; i < 6; ++i) {
    const __u64 arg = step->arg[i];
    switch ((enum lab_kind)step->kind[i]) {
      case LAB_NUMBER:
        out[i] = arg;
        break;
      case LAB_DATA:
        out[i] = (__u64)(base + arg);
        break;
      case LAB_VALUE:
        out[i] = (__u64)registers[arg];
        break;
      case LAB_PLACE:
        out[i] = (__u64)&registers[arg];
        break;
      case LAB_STATUS: {
        const int signal = registers[arg] & 0x7f;
        out[i] = signal != 0 ? 128u + (__u64)signal : (__u64)((registers[arg] >> 8) & 0xff);
        break;
      }
      case LAB_LIST: {
        const __u32* list = (const __u32*)(base + arg);
        for (__u32 n = 0; n < list[0]; ++n) lists[i][n] = base + list[n + 1];
        lists[i][list[0]] = 0;
        out[i] = (__u64)lists[i];
        break;
      }
      case LAB_TEMPLATE:
        out[i] = (__u64)fill_in(texts[i], base + (__u32)arg, registers[arg >> 32]);
        break;
      case LAB_LENGTH:
        out[i] = text_length((const char*)out[arg]);
        break;
      case LAB_FILTER:
        filter.len = (unsigned short)(arg >> 32);
        filter.filter = (struct sock_filter*)(base + (__u32)arg);
        out[i] = (__u64)&filter;
        break;
    }
  }
}

static int succeeded(const struct lab_step* step, const __u64 arguments[6], long result) {
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
    case LAB_UNTIL:
      return 0;
    case LAB_WELL:
      return result == registers[step->expected] && *(const __s32*)arguments[1] == 0;
  }
  return 0;
}

// Says which step failed, then takes back what was done. All of it lives in namespaces that vanish with their last
// process, so taking back is: let go of the pipes that others wait on, and, in the stage that leads, see every child
// dead.
static int give_up(const struct lab_plan* plan, __u32 stage, __u32 index, const struct lab_step* step, long result) {
  const struct lab_report report = {stage, index, result};
  SYSCALL(__NR_write, LAB_REPORT_FD, &report, sizeof report);
  SYSCALL(__NR_close_range, 3, ~0u, 0);
  for (int i = 0; plan->stage[stage].leads != 0 && i < LAB_REGISTERS; ++i) {
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

static int carry_out(const struct lab_plan* plan, __u32 stage);

// As vfork, which is how Go starts programs: a child that shares this process's memory, on a stack of its own, while
// this process stands still until the child has executed another program.
long clone_onto(__u64 flags, void* stack, const struct lab_plan* plan, __u64 stage);  // in assembler, below

static long clone_beside(__u64 flags, const struct lab_plan* plan, __u32 stage) {
  static char stack[16384] __attribute__((aligned(16)));
  return clone_onto(flags, stack + sizeof stack, plan, stage);
}

static int carry_out(const struct lab_plan* plan, __u32 stage) {
  const struct lab_step* steps = (const struct lab_step*)(plan + 1);
  for (__u32 i = 0; i < plan->stage[stage].count; ++i) {
    const struct lab_step* step = &steps[plan->stage[stage].first + i];
    __u64 a[6];
    make_arguments(plan, step, a);
    long result;
    if (step->call == __NR_clone && (a[0] & CLONE_VM) != 0) {
      result = clone_beside(a[0], plan, step->child);
    } else {
      do {
        result = system_call(step->call, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4], (long)a[5]);
      } while (step->expect == LAB_UNTIL && result >= 0);
    }
    const int as_planned = succeeded(step, a, result);
    if (step->call == __NR_wait4) forget(plan, result);
    if (step->expect == LAB_WELL && result > 0) result = *(const __s32*)a[1];
    if (!as_planned) return give_up(plan, stage, i, step, result);
    if (step->child != LAB_NONE && result == 0) {  // the child: from here on it plays its own stage
      stage = step->child;
      i = (__u32)-1;
    } else if (step->result != LAB_NONE) {
      registers[step->result] = (__s32)result;
    }
  }
  return 0;
}

__attribute__((used, noreturn)) static void begin_child(const struct lab_plan* plan, __u64 stage) {
  const int code = carry_out(plan, (__u32)stage);
  SYSCALL(__NR_exit_group, code, 0, 0);
  __builtin_unreachable();
}

// A variable of the environment that is a number, or -1.
static long number_in(char** environment, const char* variable) {
  for (; *environment != 0; ++environment) {
    const char* at = *environment;
    const char* name = variable;
    while (*name != 0 && *at == *name) ++at, ++name;
    if (*name == 0) return (long)number_of(at, &at);
  }
  return -1;
}

// The kernel starts a program with its stack pointer at argc, argv..., NULL, envp..., NULL.
static int program(long* stack) {
  char** argv = (char**)(stack + 1);
  char** environment = argv + stack[0] + 1;
  const long fd = number_in(environment, "_LAB_PLAN=");
  if (fd < 0) {
    const char* name = stack[0] > 0 ? argv[0] : "";
    for (const char* c = name; *c != 0; ++c) {
      if (*c == '/') name = c + 1;
    }
    return small_command(name, argv);
  }
  const long plan = system_call(__NR_mmap, 0, LAB_PLAN_MAX, PROT_READ, MAP_PRIVATE, fd, 0);
  if (plan < 0 && plan > -4096) return PLAN_FAILED;
  if (((const struct lab_plan*)plan)->magic != LAB_MAGIC) return PLAN_FAILED;
  const long stage = number_in(environment, "_LAB_STAGE=");
  return carry_out((const struct lab_plan*)plan, stage > 0 && stage < LAB_STAGES ? (__u32)stage : 0);
}

__attribute__((used, noreturn)) static void begin(long* stack) {
  const int code = program(stack);
  SYSCALL(__NR_exit_group, code, 0, 0);
  __builtin_unreachable();
}

// _start: the stack pointer is the only argument. clone_onto: the child goes on in begin_child, on the given stack.
#if defined(__x86_64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call begin\n"
    "clone_onto:\n"
    "  mov %rdx, -8(%rsi)\n"   // plan
    "  mov %rcx, -16(%rsi)\n"  // stage
    "  sub $16, %rsi\n"
    "  xor %edx, %edx\n"
    "  xor %r10d, %r10d\n"
    "  xor %r8d, %r8d\n"
    "  mov $56, %eax\n"  // clone
    "  syscall\n"
    "  test %rax, %rax\n"
    "  jz 1f\n"
    "  ret\n"
    "1:\n"
    "  xor %ebp, %ebp\n"
    "  pop %rsi\n"
    "  pop %rdi\n"
    "  call begin_child\n");
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  bl begin\n"
    "clone_onto:\n"
    "  stp x2, x3, [x1, #-16]!\n"  // plan, stage
    "  mov x2, #0\n"
    "  mov x3, #0\n"
    "  mov x4, #0\n"
    "  mov x8, #220\n"  // clone
    "  svc #0\n"
    "  cbz x0, 1f\n"
    "  ret\n"
    "1:\n"
    "  mov x29, #0\n"
    "  ldp x0, x1, [sp], #16\n"
    "  bl begin_child\n");
#endif
