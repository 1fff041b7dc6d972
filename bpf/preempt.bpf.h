/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Work that is not to be interrupted.
 *
 * Since Linux 7.1 tracing programs run with preemption on (a46023d5616e "tracing: Guard __DECLARE_TRACE() use of
 * __DO_TRACE_CALL() with SRCU-fast"), so that two tasks could share a per-CPU map. Kernels that have it also have
 * functions that switch preemption off and on; others know no such calls, so they stand here as calls of helpers that
 * do not exist: user space puts the functions in their place, or the verifier finds them dead.
 *
 * A task still loses its CPU at the end of a program, when that lets the CPU go, and until it runs again the kernel skips
 * this program for all others on this CPU. What helps against that stands in spares.bpf.h; for it, a program says which
 * events it has taken.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_PREEMPT_BPF_H
#define NSTRACE_PREEMPT_BPF_H

#define HOLD_CPU 0x7ffffff1
#define RELEASE_CPU 0x7ffffff2
#define STRING_(text) #text
#define STRING(text) STRING_(text)
#define CALL_PLACEHOLDER(number)                                                                                       \
	asm volatile("call " STRING(number) ::: "r0", "r1", "r2", "r3", "r4", "r5", "memory")

#define HOLD()                                                                                                         \
	if (preemptible)                                                                                               \
	CALL_PLACEHOLDER(HOLD_CPU)
#define RELEASE()                                                                                                      \
	if (preemptible)                                                                                               \
	CALL_PLACEHOLDER(RELEASE_CPU)

/* As BPF_PROG of bpf_tracing.h, but not to be interrupted. */
#define TRACE_PROG(name, args...) TRACE_PROG_IF(true, name, ##args)

/* `is_due`, which is asked first, may use `ctx` and no memory of programs. */
#define TRACE_PROG_IF(is_due, name, args...)                                                                           \
	name(unsigned long long *ctx);                                                                                 \
	static __always_inline int ____##name(unsigned long long *ctx, ##args);                                        \
	int name(unsigned long long *ctx)                                                                              \
	{                                                                                                              \
		if (!(is_due))                                                                                         \
			return 0;                                                                                      \
		HOLD();                                                                                                \
		_Pragma("GCC diagnostic push")                                                                         \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                                                 \
		____##name(___bpf_ctx_cast(args));                                                                     \
		_Pragma("GCC diagnostic pop")                                                                          \
		RELEASE();                                                                                             \
		return 0;                                                                                              \
	}                                                                                                              \
	static __always_inline int ____##name(unsigned long long *ctx, ##args)

/* The hooks of the process tree, each with its spares. */
enum {
	HOOK_NEWTASK,
	HOOK_EXEC,
	HOOK_EXIT,
	HOOK_RENAME,
	HOOK_CGROUP,
	HOOK_NO_RETURN, /* of the calls */
};

/* Events that a program has taken, by task and hook, until the last program of the hook has seen it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64); /* event_id() */
} taken SEC(".maps");

static __always_inline __u64 event_key(__u32 hook)
{
	return bpf_get_current_task() | hook; /* a task is aligned to more than that */
}

/*
 * What tells an event from an earlier one: the last program of a hook is skipped at times, too, and then an entry stays
 * behind that must not pass for one of the same task's next event, or of another task in the same memory.
 */
static __always_inline __u64 event_id(__u32 hook, struct task_struct *task)
{
	return BPF_CORE_READ(task, start_boottime) + (hook == HOOK_EXEC ? BPF_CORE_READ(task, self_exec_id) : 0);
}

/* To be called when an event, which is that of `task`, is known to be wanted. */
static __always_inline void take_event(__u32 hook, struct task_struct *task)
{
	__u64 key = event_key(hook);
	__u64 id;

	if (!preemptible)
		return;
	id = event_id(hook, task);
	bpf_map_update_elem(&taken, &key, &id, BPF_ANY);
}

static __always_inline bool is_taken(__u32 hook, struct task_struct *task)
{
	__u64 key = event_key(hook);
	__u64 *id = bpf_map_lookup_elem(&taken, &key);

	return id && *id == event_id(hook, task);
}

static __always_inline bool forget_event(__u32 hook, struct task_struct *task)
{
	__u64 key = event_key(hook);
	bool was;

	if (!preemptible)
		return false;
	was = is_taken(hook, task);
	bpf_map_delete_elem(&taken, &key);
	return was;
}

#endif
