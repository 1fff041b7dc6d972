/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The second backend for calls: trampolines at the functions of the system calls that are wanted, so that all others
 * cost nothing. Its programs are loaded only when it was chosen, in the place of sys_enter and sys_exit.
 *
 * A trampoline takes a program that was loaded for its function alone. To load (and verify) the same for each of a
 * hundred functions would take long: what is attached is a stub of a few instructions that user space makes
 * (src/capture/trampolines.cc), which jumps into one of the programs here. Since Linux 6.12 a jump stays among programs
 * whose functions have the same prototype in BTF (28ead3eaabc1 "bpf: Prevent tail call between progs attached to
 * different hooks"), and calls without arguments have another than the rest: they have programs of their own (_0).
 *
 * Since Linux 7.2 one program can be attached to many functions at once (BPF_TRACE_FENTRY_MULTI). Tracing programs can
 * be preempted there (preempt.bpf.h), so that each side has two, which do what the other has not done.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_FENTRY_BPF_H
#define NSTRACE_FENTRY_BPF_H

#define JUMPS(name)                                                                                                    \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                                 \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, sizeof(__u32));                                                                     \
	} name##_jump SEC(".maps")

#define AT_BEGIN(name)                                                                                                 \
	JUMPS(name);                                                                                                   \
	SEC("?fentry")                                                                                                 \
	int name(unsigned long long *ctx)                                                                              \
	{                                                                                                              \
		struct pt_regs *regs = (struct pt_regs *)ctx[0];                                                       \
                                                                                                                       \
		HOLD();                                                                                                \
		begin_call(regs, call_number(regs), false);                                                            \
		RELEASE();                                                                                             \
		return 0;                                                                                              \
	}

#define AT_END(name)                                                                                                   \
	JUMPS(name);                                                                                                   \
	SEC("?fexit")                                                                                                  \
	int name(unsigned long long *ctx)                                                                              \
	{                                                                                                              \
		struct pt_regs *regs = (struct pt_regs *)ctx[0];                                                       \
		long result = ctx[1];                                                                                  \
                                                                                                                       \
		HOLD();                                                                                                \
		end_call(regs, call_number(regs), result, false);                                                      \
		RELEASE();                                                                                             \
		return 0;                                                                                              \
	}

AT_BEGIN(call_begins)
AT_BEGIN(call_begins_0)
AT_END(call_ends)
AT_END(call_ends_0)

#define AT_MANY_BEGINS(name)                                                                                           \
	SEC("?fentry.multi")                                                                                           \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		__u64 regs = 0;                                                                                        \
		__u32 nr;                                                                                              \
                                                                                                                       \
		bpf_get_func_arg(ctx, 0, &regs);                                                                       \
		nr = call_number((struct pt_regs *)regs);                                                              \
		HOLD();                                                                                                \
		if (enters_unseen(nr))                                                                                 \
			begin_call((struct pt_regs *)regs, nr, false);                                                 \
		RELEASE();                                                                                             \
		return 0;                                                                                              \
	}

#define AT_MANY_ENDS(name)                                                                                             \
	SEC("?fexit.multi")                                                                                            \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		__u64 regs = 0, result = 0;                                                                            \
                                                                                                                       \
		bpf_get_func_arg(ctx, 0, &regs);                                                                       \
		bpf_get_func_ret(ctx, &result);                                                                        \
		HOLD();                                                                                                \
		if (exits_unseen((struct pt_regs *)regs))                                                              \
			end_call((struct pt_regs *)regs, call_number((struct pt_regs *)regs), result, false);          \
		RELEASE();                                                                                             \
		return 0;                                                                                              \
	}

AT_MANY_BEGINS(calls_begin)
AT_MANY_BEGINS(calls_begin_2)
AT_MANY_ENDS(calls_end)
AT_MANY_ENDS(calls_end_2)

#endif
