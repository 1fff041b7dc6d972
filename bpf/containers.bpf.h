/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Whoever enters a container that is watched, and whoever is in one that is not: who comes into the set otherwise than
 * by being made by one of its members, and who leaves it before it ends.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_CONTAINERS_BPF_H
#define NSTRACE_CONTAINERS_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64); /* id */
	__type(value, __u8);
} container_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); /* inode */
	__type(value, __u8);
} container_namespaces SEC(".maps");

/* Is it in a pid namespace below the tracer's? There a container's own program is the first that is executed. */
static __always_inline bool is_inside(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_pid, level) > (nested ? pid_level : 0);
}

/* Takes a process in that was there before it was followed, and tells who it is. */
__noinline int take_in(__u64 address, __u32 why)
{
	struct task_struct *task = (struct task_struct *)address;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct scratch *scratch = this_scratch();
	struct nst_rec_task *rec;

	follow(BPF_CORE_READ(task, tgid), born_of(task));
	if (!scratch)
		return 0;
	rec = (struct nst_rec_task *)scratch->bytes;
	put_task(address, TASK_AT(nst_rec_task));
	rec->parent_tgid = shown_number(parent, BPF_CORE_READ(parent, tgid));
	rec->parent_born = born_of(parent);
	rec->followed = why;
	submit(&rec->head, NST_TASK, sizeof(*rec));
	return 0;
}

/* Has the current task come into a namespace of a container that is watched? A thread may go there for a moment, as
 * engines do, and its process stays outside. */
static __always_inline bool has_entered(void)
{
	struct task_struct *task = current_task();
	struct scratch *scratch = this_scratch();
	struct nst_rec_task *rec;
	__u32 inode;
	int i;

	if (!scratch || !is_visible(task) || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return false;
	put_task((__u64)task, TASK_AT(nst_rec_task));
	rec = (struct nst_rec_task *)scratch->bytes;
	NO_UNROLL
	for (i = 0; i < NST_NS_SLOTS; i++) {
		inode = rec->task.ns[i];
		if (inode && bpf_map_lookup_elem(&container_namespaces, &inode))
			return true;
	}
	return false;
}

#define CGROUP_DEPTH 8 /* how far below a container's cgroup one is looked for */

/* Is it the cgroup of a container that is watched, or one below it? */
static __always_inline bool is_container(struct cgroup *group)
{
	struct cgroup_subsys_state *above;
	__u64 id;
	int i;

	NO_UNROLL
	for (i = 0; i < CGROUP_DEPTH; i++) {
		id = BPF_CORE_READ(group, kn, id);
		if (bpf_map_lookup_elem(&container_cgroups, &id))
			return true;
		above = BPF_CORE_READ(group, self.parent);
		if (!above)
			return false;
		group = BPF_CORE_READ(above, cgroup);
	}
	return false;
}

#endif
