/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tasks: what a record says of one (its numbers, namespaces, cgroup, times), and who is in the set of the followed.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_TASKS_BPF_H
#define NSTRACE_TASKS_BPF_H

/*
 * A field, by way of others: by plain loads where `known`, that is where `from` is of a type that the verifier knows
 * (include/linux/bpf.h, PTR_TO_BTF_ID), else by a helper for each pointer on the way, which takes some ten times as long.
 */
#define FIELD(known, from, ...) ((known) ? (___arrow(from, __VA_ARGS__)) : BPF_CORE_READ(from, __VA_ARGS__))

/* Since 5.11 a helper gives the current task with its type. */
#define CURRENT_IS_KNOWN bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/*
 * The same pointer, to read others by way of it. Of each pointer that comes from one that it trusts (the current task, a
 * tracepoint's argument), a verifier since 6.4 asks whether it may trust it, too, and searches all types of the kernel up to
 * four times for that (type_is_trusted() in kernel/bpf/verifier.c): half of the time until nstrace is ready. Of what
 * bpf_rdonly_cast() gives, nothing is asked. User space puts that function in place of the helper that does not exist, and
 * the type's id in place of `index`, or a move where the kernel has no such function (before 6.2).
 */
#define CAST 0x7ffffff3
enum { /* of kCastTypes in src/capture/programs.cc */
	CAST_TASK_STRUCT,
	CAST_LINUX_BINPRM,
};
static __always_inline void *cast(const void *pointer, const __u32 index)
{
	void *same;

	asm volatile("r1 = %1\n"
		     "r2 = %2\n"
		     "call " STRING(CAST) "\n"
		     "%0 = r0"
		     : "=r"(same)
		     : "r"(pointer), "i"(index)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	return same;
}
static __always_inline struct task_struct *cast_task(struct task_struct *task)
{
	return cast(task, CAST_TASK_STRUCT);
}

/* Its own pid namespace is that of its innermost number; nsproxy has the one of its children. */
static __always_inline void fill_ns(__u32 *ns, struct task_struct *task, struct pid_namespace *own, const bool known)
{
	struct nsproxy *proxy = FIELD(known, task, nsproxy);

	ns[4] = BPF_CORE_READ(own, ns.inum);
	ns[5] = FIELD(known, task, real_cred, user_ns, ns.inum);
	if (!proxy)
		return;
	ns[0] = FIELD(known, proxy, mnt_ns, ns.inum);
	ns[1] = FIELD(known, proxy, uts_ns, ns.inum);
	ns[2] = FIELD(known, proxy, ipc_ns, ns.inum);
	ns[3] = FIELD(known, proxy, net_ns, ns.inum);
	ns[6] = FIELD(known, proxy, cgroup_ns, ns.inum);
	ns[8] = FIELD(known, proxy, pid_ns_for_children, ns.inum);
	if (bpf_core_field_exists(struct nsproxy, time_ns)) {
		ns[7] = FIELD(known, proxy, time_ns, ns.inum);
		ns[9] = FIELD(known, proxy, time_ns_for_children, ns.inum);
	}
}

/* Of a task's cgroups the one in the hierarchy of `cgroup_hierarchy`. */
static __always_inline struct cgroup *cgroup_in(struct css_set *set)
{
	struct cgroup_subsys_state *css = 0;
	__u32 index;

	if (cgroup_hierarchy == HIERARCHY_PIDS && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else if (cgroup_hierarchy == HIERARCHY_MEMORY &&
		 bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else
		return BPF_CORE_READ(set, dfl_cgrp);
	bpf_core_read(&css, sizeof(css), (void *)set + bpf_core_field_offset(set->subsys) + index * sizeof(void *));
	return css ? BPF_CORE_READ(css, cgroup) : 0;
}

static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *sets = BPF_CORE_READ(task, cgroups);

	return cgroup_in(sets);
}

/*
 * A task's number as the tracer sees it: `global`, unless the tracer is in a pid namespace of its own. 0: it is not
 * visible there.
 */
static __always_inline struct upid upid_at(struct pid *pid, __u32 level)
{
	struct upid upid = {};

	bpf_core_read(&upid, sizeof(upid),
		      (void *)pid + bpf_core_field_offset(pid->numbers) + level * bpf_core_type_size(struct upid));
	return upid;
}

static __always_inline __u32 number_here(struct pid *pid)
{
	__u32 level = nested ? pid_level : 0;

	return BPF_CORE_READ(pid, level) >= level ? upid_at(pid, level).nr : 0;
}

static __always_inline __u32 shown_number(struct task_struct *task, __u32 global)
{
	return nested ? number_here(BPF_CORE_READ(task, thread_pid)) : global;
}

/* The leader's number, as the tracer sees it. */
static __always_inline __u32 shown_tgid(struct task_struct *task, __u32 global)
{
	return nested ? number_here(BPF_CORE_READ(task, group_leader, thread_pid)) : global;
}

/* Is it in the tracer's pid namespace or below? */
static __always_inline bool is_visible(struct task_struct *task)
{
	struct pid *pid;

	if (!nested)
		return true;
	pid = BPF_CORE_READ(task, thread_pid);
	return BPF_CORE_READ(pid, level) >= pid_level &&
	       BPF_CORE_READ(upid_at(pid, pid_level).ns, ns.inum) == own_pidns;
}

/* The tid of the current task as the tracer sees it. */
static __always_inline __u32 this_tid(void)
{
	return shown_number(current_task(), bpf_get_current_pid_tgid());
}

#define IN_SIGNAL 0x20000 /* the same, one for each CPU */
#define IN_ITERATOR 0x10000 /* the iterator can be interrupted by what traces, and has a scratch of its own */

static __always_inline void fill_task(struct nst_task *out, struct task_struct *task, const bool known)
{
	struct pid *pid = FIELD(known, task, thread_pid);
	struct css_set *sets = FIELD(known, task, cgroups);
	struct upid numbers[NST_MAX_LEVELS] = {};
	struct cgroup *cgroup;
	__u32 level = FIELD(known, pid, level);
	__u32 outer = nested ? pid_level : 0; /* levels that are not the tracer's to see */
	__u64 size;
	int i;

	out->global = FIELD(known, task, tgid);
	out->tid = shown_number(task, FIELD(known, task, pid));
	out->tgid = shown_tgid(task, out->global);
	out->born = FIELD(known, task, group_leader, start_boottime);
	cgroup = cgroup_in(sets);
	out->cgroup = BPF_CORE_READ(cgroup, kn, id);
	out->level = level >= outer ? level - outer : 0;
	/* all at once: the structure is the same in all kernels since 4.19 */
	size = (__u64)(out->level + 1) * sizeof(struct upid) & 0x3ff; /* the mask is for verifiers before 6.2 */
	if (size > sizeof(numbers))
		size = sizeof(numbers);
	bpf_probe_read_kernel(numbers, size,
			      (void *)pid + bpf_core_field_offset(pid->numbers) + outer * sizeof(struct upid));
	for (i = 0; i < NST_MAX_LEVELS; i++)
		out->ids[i] = *(__u32 *)&numbers[i];
	if (out->level >= NST_MAX_LEVELS)
		out->ids[NST_MAX_LEVELS - 1] = upid_at(pid, level).nr;
	fill_ns(out->ns, task, level == outer ? numbers[0].ns : upid_at(pid, level).ns, known);
	bpf_core_read(out->comm, sizeof(out->comm), &task->comm);
}

/*
 * Writes what the task at `address` is into the record that is put together, at `off`. Not inlined, as it is much to
 * verify: a global function is verified once.
 */
__noinline int put_task(__u64 address, __u32 off)
{
	__u32 slot = off & IN_ITERATOR ? iterator_slot : bpf_get_smp_processor_id() + (off & IN_SIGNAL ? iterator_slot + 1 : 0);
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct nst_task *out;

	if (!scratch)
		return 0;
	barrier_var(off);
	out = (struct nst_task *)(scratch->bytes + (off & 0x3ff));
	__builtin_memset(out, 0, sizeof(*out));
	if (CURRENT_IS_KNOWN && address == bpf_get_current_task()) /* as most records are */
		fill_task(out, cast_task((struct task_struct *)bpf_get_current_task_btf()), true);
	else
		fill_task(out, (struct task_struct *)address, false);
	return 0;
}

#define TASK_AT(record) __builtin_offsetof(struct record, task)

/* Through memory: to the verifier a pointer that it knows is no number, which global functions take. */
static __always_inline __u64 as_number(void *pointer)
{
	__u64 address = (__u64)pointer;

	barrier_var(address);
	bpf_probe_read_kernel(&address, sizeof(address), &address);
	return address;
}

static __always_inline void fill_cpu(struct nst_cpu *out, struct task_struct *task, const bool known)
{
	out->on = FIELD(known, task, se.sum_exec_runtime);
	out->waited = NST_NO_TIME;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		out->waited = FIELD(known, task, sched_info.run_delay);
	out->blocked = FIELD(known, task, nvcsw);
}

/* ---- whom to follow --------------------------------------------------------------------------------------------- */

static __always_inline bool is_followed(__u32 tgid)
{
	return bpf_map_lookup_elem(&followed, &tgid) != 0;
}

static __always_inline void follow(__u32 tgid, __u64 born)
{
	if (bpf_map_update_elem(&followed, &tgid, &born, BPF_ANY))
		count_map_full();
}

#define DESCENDS 1
#define NO_ANCESTOR 0

/* Is the task at `address` in the set? Gives one of the above, or its parent. */
__noinline __u64 look_up(__u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (tgid == 0)
		return NO_ANCESTOR;
	return is_followed(tgid) ? DESCENDS : (__u64)BPF_CORE_READ(task, real_parent);
}

/* Is one of the task's ancestors, or itself, in the set? The chain of a process to init is short. */
__noinline int descends(__u64 address)
{
	int i;

	NO_UNROLL
	for (i = 0; i < 32; i++) {
		address = look_up(address);
		if (address <= DESCENDS)
			return address == DESCENDS;
	}
	return false;
}

#endif
