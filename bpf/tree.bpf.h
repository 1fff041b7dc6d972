/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The process tree: who made whom, what it became, how it ended, its names and its cgroups.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_TREE_BPF_H
#define NSTRACE_TREE_BPF_H

#define NST_CLONE_PIDFD 0x1000 /* include/uapi/linux/sched.h */
#define PIDFD_IN_CLONE_ARGS 8 /* struct clone_args: where clone3's pointer stands */

/* The pidfd that the kernel has stored for the creator by now (kernel/fork.c, copy_process). */
static __always_inline int stored_pidfd(const struct nst_call *call, __u64 clone_flags)
{
	__u64 at = call->args[2]; /* clone has it where parent_tid is */
	int pidfd = -1;

	if (!(clone_flags & NST_CLONE_PIDFD))
		return -1;
	if (captures[(call->nr & (NST_MAX_SYSCALLS - 1)) * NST_ARG_STRIDE].what == READ_BYTES_OF_ARG) { /* clone3 */
		at = 0;
		bpf_probe_read_user(&at, sizeof(at), (void *)(call->args[0] + PIDFD_IN_CLONE_ARGS));
	}
	if (bpf_probe_read_user(&pidfd, sizeof(pidfd), (void *)at) < 0)
		return -1;
	return pidfd;
}

/* A function of its own for the room on the stack; static, so that the verifier knows the type of `child` in it, too. */
static __noinline int put_child(struct task_struct *child)
{
	struct scratch *scratch = this_scratch();
	struct nst_rec_fork *rec;

	if (!scratch)
		return 0;
	rec = (struct nst_rec_fork *)scratch->bytes;
	__builtin_memset(&rec->child, 0, sizeof(rec->child));
	fill_task(&rec->child, cast_task(child), true);
	return 0;
}

/*
 * include/trace/events/task.h, in the creator's context, when the child is complete but has not run: it enters the set
 * here, so that it cannot do anything unseen.
 */
SEC("tp_btf/task_newtask")
int TRACE_PROG(task_newtask, struct task_struct *child, __u64 clone_flags)
{
	struct task_struct *creator = current_task();
	struct task_struct *way = cast_task(child); /* to others */
	__u64 key = (__u64)creator;
	struct scratch *scratch;
	struct nst_rec_fork *rec;
	struct pending *pending;
	struct task_struct *parent;
	__u32 tgid = current_tgid();
	__u32 child_tgid = child->tgid;
	__u64 *known = bpf_map_lookup_elem(&followed, &tgid);
	__u64 seen = known ? *known & NAMESPACES_SEEN : 0;
	__u64 address;
	__u32 pieces = 0;
	__u32 size = sizeof(*rec);

	if (!known) {
		if (!seeding || !descends((__u64)creator))
			return 0;
		follow(tgid, born_of(creator));
	}
	take_event(HOOK_NEWTASK, child);
	if (child_tgid != tgid)
		follow(child_tgid, way->group_leader->start_boottime | (knows_moves() ? NAMESPACES_SEEN : 0));

	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_fork *)scratch->bytes;
	address = as_number(child);
	put_task((__u64)creator, TASK_AT(nst_rec_fork));
	put_child(child);
	rec->flags = clone_flags;
	rec->exit_signal = child->exit_signal;
	parent = way->real_parent;
	rec->parent_tgid = shown_number(parent, parent->tgid);
	rec->parent_born = parent->group_leader->start_boottime;
	rec->pidfd = -1;
	rec->told = upid_at(BPF_CORE_READ(child, thread_pid), BPF_CORE_READ(creator, thread_pid, level)).nr;
	pending = see_entries ? bpf_map_lookup_elem(&entered, &key) : call_under_way(CLASS_FORK);
	if (pending && !see_entries && fd_masks[pending->call.nr & (NST_MAX_SYSCALLS - 1)])
		ship_call_files();
	if (pending && call_class[pending->call.nr & (NST_MAX_SYSCALLS - 1)] == CLASS_FORK) {
		rec->call = pending->call;
		rec->pidfd = stored_pidfd(&pending->call, clone_flags);
		size = read_pieces(&pending->call, sizeof(*rec), &pieces);
	} else {
		__builtin_memset(&rec->call, 0, sizeof(rec->call));
		rec->call.nr = ~0u;
	}
	submit(&rec->head, NST_FORK, size);
	if (clone_flags & CLONE_NEW_ANY || (child_tgid != tgid && !seen))
		see_namespaces(address);
	return 0;
}

/* Where sys_enter is not attached: keeps the exec that the current task is in for sched_process_exec. */
static __always_inline struct pending *enter_exec(__u64 key)
{
	struct pending *pending = call_under_way(CLASS_EXEC);

	if (!pending)
		return 0;
	if (fd_masks[pending->call.nr & (NST_MAX_SYSCALLS - 1)])
		ship_call_files();
	if (bpf_map_update_elem(&entered, &key, pending, BPF_ANY))
		count_map_full();
	return pending;
}

/*
 * include/trace/events/sched.h, since 6.10: an exec will succeed or end the task; the old memory is still there, and the
 * kernel has read the arguments from it, so that what could not be read when the call began can be now. Kernels before
 * show such arguments as the new image has them.
 */
SEC("tp_btf/sched_prepare_exec")
int TRACE_PROG(sched_prepare_exec, struct task_struct *task, struct linux_binprm *bprm)
{
	__u64 key = (__u64)task;
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct pending *pending;

	if (!work || !is_followed(current_tgid()))
		return 0;
	pending = bpf_map_lookup_elem(&entered, &key);
	if (pending && (!pending->faulted || call_class[pending->call.nr & (NST_MAX_SYSCALLS - 1)] != CLASS_EXEC))
		return 0;
	if (pending)
		work->pending = *pending;
	else if (see_entries || !enter_exec(key))
		return 0;
	ship_vector(argv_of(&work->pending.call));
	return 0;
}

/* Does the path at `path`, of `size` bytes with its NUL, end in this name? */
static __always_inline bool ends_in(const char *path, long size, const struct name *name)
{
	long begin = size - 1 - name->length; /* of the base name */
	char end[NST_NAME_LEN] = {};
	char before = '/';
	int i;

	if (begin < 0)
		return false;
	if (begin > 0)
		bpf_probe_read_kernel(&before, sizeof(before), path + begin - 1);
	bpf_probe_read_kernel_str(end, sizeof(end), path + begin);
	NO_UNROLL
	for (i = 0; i < NST_NAME_LEN; i++)
		if (end[i] != name->text[i])
			return false;
	return before == '/';
}

#define ALIKE 4 /* names that begin alike */

/* Is the base name of the program at `path` one that is followed? Only names that do not fit into comm need a look. */
__noinline int has_followed_name(__u64 address, __u64 path)
{
	struct task_struct *task = (struct task_struct *)address;
	struct scratch *scratch = this_scratch();
	struct name_key key = {};
	struct name *name;
	long size;
	int i;

	if (!scratch)
		return false;
	bpf_core_read_str(key.comm, sizeof(key.comm), &task->comm);
	NO_UNROLL
	for (i = 0; i < ALIKE; i++) {
		key.index = i;
		name = bpf_map_lookup_elem(&names, &key);
		if (!name)
			return false;
		if (name->length < NST_COMM_LEN)
			return true;
		size = bpf_probe_read_kernel_str(scratch->bytes, STRING_MAX, (void *)path);
		if (ends_in((const char *)path, size, name))
			return true;
	}
	return false;
}

#define PFA_NO_NEW_PRIVS 0 /* include/linux/sched.h, a bit of atomic_flags */

static __always_inline __u64 read_caps(const kernel_cap_t *caps)
{
	__u64 mask = 0;

	bpf_probe_read_kernel(&mask, sizeof(mask), caps);
	return mask;
}

/* Of a task whose type the verifier knows. */
static __always_inline void fill_creds(struct nst_rec_exec *rec, struct task_struct *task)
{
	const struct cred *cred = cast_task(task)->cred;
	struct group_info *groups;
	__u64 bytes;

	rec->ids[0] = cred->uid.val;
	rec->ids[1] = cred->euid.val;
	rec->ids[2] = cred->suid.val;
	rec->ids[3] = cred->fsuid.val;
	rec->ids[4] = cred->gid.val;
	rec->ids[5] = cred->egid.val;
	rec->ids[6] = cred->sgid.val;
	rec->ids[7] = cred->fsgid.val;
	groups = cred->group_info;
	rec->groups_count = groups->ngroups;
	bytes = rec->groups_count * sizeof(kgid_t) & 0xfffff; /* as in put_task() */
	if (bytes > sizeof(rec->groups))
		bytes = sizeof(rec->groups);
	bpf_probe_read_kernel(rec->groups, bytes, (void *)groups + bpf_core_field_offset(groups->gid));
	rec->caps[0] = read_caps(&cred->cap_inheritable);
	rec->caps[1] = read_caps(&cred->cap_permitted);
	rec->caps[2] = read_caps(&cred->cap_effective);
	rec->caps[3] = read_caps(&cred->cap_bset);
	rec->caps[4] = read_caps(&cred->cap_ambient);
	rec->no_new_privs = task->atomic_flags >> PFA_NO_NEW_PRIVS & 1;
	rec->seccomp = 0;
	if (bpf_core_field_exists(task->seccomp))
		rec->seccomp = task->seccomp.mode;
}

/* include/trace/events/sched.h: an exec has succeeded; the new image's memory is in place. */
SEC("tp_btf/sched_process_exec")
int TRACE_PROG(sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct linux_binprm *image = cast(bprm, CAST_LINUX_BINPRM);
	__u64 key = (__u64)task;
	struct scratch *scratch;
	struct nst_rec_exec *rec;
	struct pending *pending;
	struct mm_struct *mm;
	__u32 tgid = current_tgid();
	__u64 *known = bpf_map_lookup_elem(&followed, &tgid);
	__u64 start, args, total;
	__u32 off = sizeof(*rec);
	long got;

	pending = bpf_map_lookup_elem(&entered, &key);
	if (!known) {
		if (!watch_names || !has_followed_name(as_number(task), (__u64)BPF_CORE_READ(bprm, filename)) || !is_visible(task) || (!payload && is_inside(task)))
			return 0;
		take_in((__u64)current_task(), NST_NAMED);
	}
	take_event(HOOK_EXEC, task);
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_exec *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_exec));
	fill_cpu(&rec->cpu, task, true);
	if (pending && call_class[pending->call.nr & (NST_MAX_SYSCALLS - 1)] == CLASS_EXEC) {
		rec->call = pending->call;
		if (!see_entries) /* task_rename came when the thread was the leader already */
			rec->call.tid = nested ? this_tid() : old_pid;
		__builtin_memcpy(rec->comm_before, pending->comm, sizeof(rec->comm_before));
	} else {
		__builtin_memset(&rec->call, 0, sizeof(rec->call));
		__builtin_memset(rec->comm_before, 0, sizeof(rec->comm_before));
		rec->call.nr = ~0u;
		rec->call.id = bpf_ktime_get_boot_ns();
		rec->call.tid = nested ? this_tid() : old_pid;
	}
	rec->argc = bprm->argc;
	rec->envc = bprm->envc;
	rec->inode = image->file->f_inode->i_ino;
	rec->device = image->file->f_inode->i_sb->s_dev;
	mm = cast_task(task)->mm;
	start = mm->arg_start;
	args = mm->arg_end - start;
	total = ship_env ? mm->env_end - start : args;
	rec->image_args = args;
	rec->image_total = total;
	got = bpf_probe_read_kernel_str(scratch->bytes + sizeof(*rec), STRING_MAX, image->filename);
	if (got > 0)
		off += got & (2 * STRING_MAX - 1);
	else
		scratch->bytes[off++] = 0;
	off &= RECORD_MAX / 2 - 1;
	got = bpf_probe_read_kernel_str(scratch->bytes + off, STRING_MAX, image->interp);
	if (got > 0)
		off += got & (2 * STRING_MAX - 1);
	fill_creds(rec, task);
	rec->files_more = ship_exec_files(rec->call.id);
	ship_image(rec->call.id, start, total);
	submit(&rec->head, NST_EXEC, off);
	if (!known || !(*known & NAMESPACES_SEEN)) {
		see_namespaces((__u64)current_task());
		known = bpf_map_lookup_elem(&followed, &tgid);
		if (known && knows_moves())
			*known |= NAMESPACES_SEEN; /* from here on it has one thread, and none that it makes goes unseen */
	}
	bpf_map_delete_elem(&entered, &key);
	if (!payload && is_inside(task))
		bpf_map_delete_elem(&followed, &tgid);
	return 0;
}

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

/*
 * include/trace/events/sched.h, late in do_exit(). The leader may go before the others, and two last threads may both
 * find nobody alive: the process is gone for the one who takes it out of the set.
 */
SEC("tp_btf/sched_process_exit")
int TRACE_PROG(sched_process_exit, struct task_struct *task)
{
	struct task_struct *way = cast_task(task); /* to others */
	__u64 key = (__u64)task;
	struct nst_rec_exit *rec;
	struct scratch *scratch;
	__u32 tgid = task->tgid;
	bool last = false;

	if (!is_followed(tgid))
		return 0;
	take_event(HOOK_EXIT, task);
	count_unfinished(key);
	forget_event(HOOK_NO_RETURN, task);
	bpf_map_delete_elem(&entered, &key);
	if (!see_entries && call_under_way(CLASS_NO_RETURN))
		submit_call(false, 0, NST_NO_COUNT);
	if (way->signal->live.counter == 0)
		last = bpf_map_delete_elem(&followed, &tgid) == 0;
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_exit *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_exit));
	rec->last = last;
	fill_cpu(&rec->cpu, task, true);
	/* kernel/exit.c, wait_task_zombie(): what the parent will be told */
	if (!last)
		rec->status = task->exit_code;
	else if (way->signal->flags & SIGNAL_GROUP_EXIT)
		rec->status = way->signal->group_exit_code;
	else
		rec->status = way->group_leader->exit_code;
	submit(&rec->head, NST_EXIT, sizeof(*rec));
	return 0;
}

/* include/trace/events/task.h, before the change. An exec renames too; its own record has both names. */
SEC("tp_btf/task_rename")
int TRACE_PROG(task_rename, struct task_struct *task, const char *comm)
{
	__u64 key = (__u64)task;
	struct nst_rec_rename *rec;
	struct pending *pending;
	struct scratch *scratch;

	if (!is_followed(BPF_CORE_READ(task, tgid)))
		return 0;
	take_event(HOOK_RENAME, task);
	pending = bpf_map_lookup_elem(&entered, &key);
	/* of an exec this is the last moment at which the call's registers are what they were */
	if (!see_entries && !pending && key == (__u64)current_task() && enter_exec(key))
		return 0; /* descriptors that the exec has closed, and the old memory, are gone by now */
	if (pending && call_class[pending->call.nr & (NST_MAX_SYSCALLS - 1)] == CLASS_EXEC)
		return 0;
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_rename *)scratch->bytes;
	put_task(as_number(task), TASK_AT(nst_rec_rename));
	__builtin_memcpy(rec->before, rec->task.comm, sizeof(rec->before));
	__builtin_memset(rec->task.comm, 0, sizeof(rec->task.comm));
	bpf_probe_read_kernel_str(rec->task.comm, sizeof(rec->task.comm), comm);
	submit(&rec->head, NST_RENAME, sizeof(*rec));
	return 0;
}

/*
 * include/trace/events/cgroup.h, in the context of who moves it, when it has been moved. `threadgroup`: with all its
 * threads, and `task` is their leader. A host with cgroup v1 has a move in each hierarchy, where ids are given anew: that
 * of cgroup_of() counts.
 */
SEC("tp_btf/cgroup_attach_task")
int TRACE_PROG(cgroup_attach_task, struct cgroup *to, const char *path, struct task_struct *task, bool threadgroup)
{
	bool told = (__u64)cgroup_of(task) == (__u64)to;
	struct nst_rec_cgroup *rec;
	struct scratch *scratch;
	long got;

	if (!is_followed(BPF_CORE_READ(task, tgid))) {
		if (!watch_containers || !told || !is_container(to) || !is_visible(task))
			return 0;
		take_in(as_number(task), NST_MOVED);
	}
	take_event(HOOK_CGROUP, task);
	scratch = this_scratch();
	if (!scratch || !told)
		return 0;
	rec = (struct nst_rec_cgroup *)scratch->bytes;
	put_task(as_number(task), TASK_AT(nst_rec_cgroup));
	got = bpf_probe_read_kernel_str(scratch->bytes + sizeof(*rec), STRING_MAX, path);
	if (got < 0)
		got = 0;
	submit(&rec->head, NST_CGROUP, sizeof(*rec) + (got & (2 * STRING_MAX - 1)));
	return 0;
}

#endif
