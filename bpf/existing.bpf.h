/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What exists already: the iterator over all tasks, by which the set of the followed is filled.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_EXISTING_BPF_H
#define NSTRACE_EXISTING_BPF_H

/* Fills the record of a process that exists, and takes it into the set where it belongs there. */
__noinline int describe_task(__u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	__u32 slot = iterator_slot;
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct nst_rec_task *rec;
	bool entered_now = false;
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 *born;

	if (!scratch)
		return 0;
	rec = (struct nst_rec_task *)scratch->bytes;
	__builtin_memset(&rec->head, 0, sizeof(rec->head));
	rec->head.size = sizeof(*rec);
	rec->head.type = NST_TASK;
	rec->head.time = bpf_ktime_get_boot_ns();
	rec->followed = 0;
	put_task(address, TASK_AT(nst_rec_task) | IN_ITERATOR);
	rec->parent_tgid = shown_number(parent, BPF_CORE_READ(parent, tgid));
	rec->parent_born = born_of(parent);
	born = bpf_map_lookup_elem(&followed, &tgid);
	if (born) {
		rec->followed = 1;
		entered_now = (*born & ~NAMESPACES_SEEN) == 0; /* by user space, which knew no more than the pid */
	} else if (seeding && descends(address) && (payload || !is_inside(task))) {
		follow(tgid, born_of(task));
		rec->followed = 1;
		entered_now = true;
	}
	/*
	 * A zombie, or one that ended between the two: sched_process_exit takes out of the set who is in it, and it is
	 * over for this one. do_exit() counts `live` down before that tracepoint, so one of both finds the entry. Who
	 * entered by task_newtask is left to sched_process_exit, which tells the end of it.
	 */
	if (entered_now && BPF_CORE_READ(task, signal, live.counter) == 0) {
		bpf_map_delete_elem(&followed, &tgid);
		rec->followed = 0;
	}
	return 0;
}

static __always_inline void write_task(struct seq_file *seq, __u64 address)
{
	__u32 slot = iterator_slot;
	struct scratch *scratch;

	describe_task(address);
	scratch = bpf_map_lookup_elem(&scratches, &slot);
	if (scratch)
		bpf_seq_write(seq, scratch->bytes, sizeof(struct nst_rec_task));
}

/*
 * Every process that exists, once. While the set is being filled, one whose ancestor is in it enters it too; children
 * that are made meanwhile are caught by task_newtask, which then looks at ancestors as well. Some hosts keep pid 1 from
 * the iterator; its namespaces are what "the host's" means, so it is taken through a child of its.
 */
SEC("iter/task")
int existing_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_struct *parent;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	if (BPF_CORE_READ(task, pid) == 1)
		init_written = true;
	write_task(ctx->meta->seq, as_number(task));
	parent = BPF_CORE_READ(task, real_parent, group_leader);
	if (!init_written && BPF_CORE_READ(parent, pid) == 1) {
		init_written = true;
		write_task(ctx->meta->seq, (__u64)parent);
	}
	return 0;
}

#endif
