/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Tasks: what a record says of one (its numbers, namespaces, cgroup, times), and who is in the set of the followed.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_TASKS_BPF_H
#define NSTRACE_TASKS_BPF_H

/* The task's cgroup in the hierarchy of `cgroup_hierarchy`. */
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
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

#define PROXY_MAX 128 /* bytes; struct nsproxy has 72 in Linux 7.2 */

/* The inode number of the namespace that `field` of the copied nsproxy points to. */
#define PROXY_INODE(field)                                                                                             \
	BPF_CORE_READ(*(typeof(((struct nsproxy *)0)->field) *)(proxy + bpf_core_field_offset(struct nsproxy, field)), \
		      ns.inum)

/*
 * Its own pid namespace is that of its innermost number; nsproxy, which is copied to `proxy`, has the one of its
 * children.
 */
static __always_inline void fill_ns(__u32 *ns, struct task_struct *task, struct pid_namespace *own, void *proxy)
{
	__u64 size = bpf_core_type_size(struct nsproxy);
	void *from = BPF_CORE_READ(task, nsproxy);

	ns[4] = BPF_CORE_READ(own, ns.inum);
	ns[5] = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	if (!from || bpf_probe_read_kernel(proxy, size < PROXY_MAX ? size : PROXY_MAX, from))
		return;
	ns[0] = PROXY_INODE(mnt_ns);
	ns[1] = PROXY_INODE(uts_ns);
	ns[2] = PROXY_INODE(ipc_ns);
	ns[3] = PROXY_INODE(net_ns);
	ns[6] = PROXY_INODE(cgroup_ns);
	ns[8] = PROXY_INODE(pid_ns_for_children);
	if (bpf_core_field_exists(struct nsproxy, time_ns)) {
		ns[7] = PROXY_INODE(time_ns);
		ns[9] = PROXY_INODE(time_ns_for_children);
	}
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

/*
 * Writes what the task at `address` is into the record that is put together, at `off`. Not inlined, as it is much to
 * verify: a global function is verified once.
 */
__noinline int put_task(__u64 address, __u32 off)
{
	struct task_struct *task = (struct task_struct *)address;
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid numbers[NST_MAX_LEVELS] = {};
	__u32 level = BPF_CORE_READ(pid, level);
	__u32 outer = nested ? pid_level : 0; /* levels that are not the tracer's to see */
	__u64 size;
	__u32 slot = off & IN_ITERATOR ? iterator_slot : bpf_get_smp_processor_id() + (off & IN_SIGNAL ? iterator_slot + 1 : 0);
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct nst_task *out;
	int i;

	if (!scratch)
		return 0;
	barrier_var(off);
	out = (struct nst_task *)(scratch->bytes + (off & 0x3ff));
	__builtin_memset(out, 0, sizeof(*out));
	out->global = BPF_CORE_READ(task, tgid);
	out->tid = shown_number(task, BPF_CORE_READ(task, pid));
	out->tgid = shown_tgid(task, out->global);
	out->born = born_of(task);
	out->cgroup = BPF_CORE_READ(cgroup_of(task), kn, id);
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
	_Static_assert(sizeof(numbers) >= PROXY_MAX, "the stack of four programs is of 512 bytes");
	fill_ns(out->ns, task, level == outer ? numbers[0].ns : upid_at(pid, level).ns, numbers);
	bpf_core_read(out->comm, sizeof(out->comm), &task->comm);
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

static __always_inline void fill_cpu(struct nst_cpu *out, struct task_struct *task)
{
	out->on = BPF_CORE_READ(task, se.sum_exec_runtime);
	out->waited = bpf_core_field_exists(task->sched_info.run_delay) ? BPF_CORE_READ(task, sched_info.run_delay) :
									    NST_NO_TIME;
	out->blocked = BPF_CORE_READ(task, nvcsw);
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
