// SPDX-License-Identifier: MIT
// The flat plan: what nstrace writes (plan.cc) and the helper carries out (helper.c). C, fixed width, no pointers.
//
//     lab_plan | lab_step ... (stage 0, stage 1, ...) | blob (strings and lists)
//
// A step is one system call. Its arguments are numbers, or things that only exist at run time and stand here as a kind
// and an offset or a register: the helper turns them into pointers and numbers just before the call.
#ifndef NSTRACE_LAB_WIRE_H
#define NSTRACE_LAB_WIRE_H

#include <linux/types.h>

enum {
  LAB_MAGIC = 0x3142414c,  // "LAB1"
  LAB_PLAN_MAX = 1 << 18,  // bytes; what the helper maps
  LAB_STAGES = 24,
  LAB_REGISTERS = 32,
  LAB_SCRATCH = 30,     // and the one after it: registers for what a call writes and nobody reads
  LAB_LIST_MAX = 1024,  // elements of argv or envp
  LAB_TEXT_MAX = 512,   // bytes of a text with a pid in it
  LAB_REPORT_FD = 3,    // where a failing step is reported, from the first step on
  LAB_PLAN_FD = 4,      // the plan itself, for stages that go through an execve of this same program
  LAB_NONE = 255,
};

// What the number in arg[i] means.
enum lab_kind {
  LAB_NUMBER = 0,  // itself
  LAB_DATA,        // offset of bytes in the plan: a string, a struct; the call gets their address
  LAB_LIST,        // offset of a __u32 count and as many __u32 offsets of strings: argv, envp
  LAB_VALUE,       // a register: the call gets what is in it
  LAB_PLACE,       // a register: the call gets its address, to write there (two in a row for pipe2)
  LAB_STATUS,      // a register with a wait status: the call gets the exit code, 128 + n after signal n
  LAB_TEMPLATE,    // offset of a text | register << 32: the text with the register's number for its %
  LAB_LENGTH,      // an argument's position: the length of the text that it is
  LAB_FILTER,      // offset of seccomp instructions | count << 32: the call gets a struct sock_fprog
};

// When a step has done what it should.
enum lab_expect {
  LAB_ANY = 0,    // any result but an error
  LAB_EXACT,      // exactly `expected`
  LAB_REGISTER,   // what is in the register `expected`
  LAB_NO_RETURN,  // execve, exit_group: coming back is a failure
  LAB_UNTIL,      // the errno `tolerated`: as long as the call succeeds it is made again
  LAB_WELL,       // wait4: as LAB_REGISTER, and the wait status, its second argument, is 0
};

struct lab_step {
  __u32 call;       // the system call's number on this machine
  __u16 tolerated;  // an errno that is as good as success, or 0
  __u8 expect;      // enum lab_expect
  __u8 result;      // the register that takes the result, or LAB_NONE
  __u8 child;       // of a clone: the stage that the child carries out, else LAB_NONE
  __u8 kind[6];     // enum lab_kind
  __u8 padding[5];
  __s64 expected;
  __u64 arg[6];
};

struct lab_stage {
  __u32 first;  // step
  __u32 count;
  __u32 leads;  // 1: sees to it that its children end when it gives up
  __u32 padding;
};

struct lab_plan {
  __u32 magic;
  __u32 size;       // of everything, in bytes
  __u32 processes;  // bit n: register n holds a process that must not outlive a failed plan
  __u32 padding;
  struct lab_stage stage[LAB_STAGES];
};

// What a step that fails writes to LAB_REPORT_FD. The first one tells the cause; later ones are other stages noticing.
struct lab_report {
  __u32 stage;
  __u32 step;    // counted from the stage's first
  __s64 result;  // as the kernel returned it: -errno, or a number that was not expected; of LAB_WELL the wait status
};

#ifdef __cplusplus
static_assert(sizeof(lab_step) == 80 && sizeof(lab_plan) == 400 && sizeof(lab_report) == 16, "the flat plan's layout");
#else
_Static_assert(sizeof(struct lab_step) == 80 && sizeof(struct lab_plan) == 400 && sizeof(struct lab_report) == 16,
               "the flat plan's layout");
#endif

#endif
