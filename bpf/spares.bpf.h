/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Spares: where tracepoints leave preemption on (preempt.bpf.h), a program is skipped for as long as a task that lost its
 * CPU within it waits for that CPU (bpf_prog_get_recursion_context() in __bpf_trace_run()). So more programs stand behind
 * each, which are called in the order in which they were attached: they do the work, by jumping into the first one, when
 * none before them has. The last one of a hook counts what is left over; of calls, count_unfinished() does.
 * They are loaded only where they are needed. Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_SPARES_BPF_H
#define NSTRACE_SPARES_BPF_H

#define SPARE(point, name, is_due)                                                                                     \
	SEC("?tp_btf/" #point)                                                                                         \
	int name(unsigned long long *ctx)                                                                              \
	{                                                                                                              \
		if (is_due)                                                                                            \
			bpf_tail_call(ctx, &point##_first, 0);                                                         \
		return 0;                                                                                              \
	}

#define FIRST(point)                                                                                                   \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                                 \
		__uint(max_entries, 1);                                                                                \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, sizeof(__u32));                                                                     \
	} point##_first SEC(".maps")

/* `doer`: whose being followed makes the event wanted; `task`: whose event it is. */
#define SPARES(point, hook, doer, task)                                                                                \
	FIRST(point);                                                                                                  \
	SPARE(point, point##_2, !is_taken(hook, (struct task_struct *)(task)))                                         \
	SPARE(point, point##_3, !is_taken(hook, (struct task_struct *)(task)))                                         \
	SEC("?tp_btf/" #point)                                                                                         \
	int point##_last(unsigned long long *ctx)                                                                      \
	{                                                                                                              \
		if (!forget_event(hook, (struct task_struct *)(task)) &&                                               \
		    is_followed(BPF_CORE_READ((struct task_struct *)(doer), tgid)))                                    \
			__sync_fetch_and_add(&skipped, 1);                                                             \
		return 0;                                                                                              \
	}

SPARES(task_newtask, HOOK_NEWTASK, current_task(), ctx[0])
SPARES(sched_process_exec, HOOK_EXEC, ctx[0], ctx[0])
SPARES(sched_process_exit, HOOK_EXIT, ctx[0], ctx[0])
SPARES(task_rename, HOOK_RENAME, ctx[0], ctx[0])
SPARES(cgroup_attach_task, HOOK_CGROUP, ctx[2], ctx[2])

/* Is a call of this number under way that the first program of sys_enter has seen, and that of sys_exit has not? */
static __always_inline bool is_entered(__u32 nr)
{
	__u64 key = bpf_get_current_task();
	struct pending *pending = bpf_map_lookup_elem(&entered, &key);

	return pending && pending->call.nr == nr;
}

static __always_inline bool enters_unseen(__u32 nr)
{
	__u32 compat;

	if (nr >= NST_MAX_SYSCALLS)
		return false;
	barrier_var(nr);
	nr &= NST_MAX_SYSCALLS - 1;
	if (!is_wanted(&nr, &compat))
		return false;
	if (call_class[nr & (NST_MAX_SYSCALLS - 1)] == CLASS_NO_RETURN)
		return !is_taken(HOOK_NO_RETURN, current_task());
	return !is_entered(nr);
}

static __always_inline bool exits_unseen(struct pt_regs *regs)
{
	__u32 nr = call_number(regs);
	__u32 compat;

	if (nr >= NST_MAX_SYSCALLS)
		return false;
	barrier_var(nr);
	nr &= NST_MAX_SYSCALLS - 1;
	return is_wanted(&nr, &compat) && is_entered(nr);
}

FIRST(sys_enter);
SPARE(sys_enter, sys_enter_2, may_be_wanted(ENTERED_NR(ctx)) && enters_unseen(ENTERED_NR(ctx)))
FIRST(sys_exit);
SPARE(sys_exit, sys_exit_2, may_be_wanted(LEFT_NR(ctx)) && exits_unseen((struct pt_regs *)ctx[0]))

#endif
