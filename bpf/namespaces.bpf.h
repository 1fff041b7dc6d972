/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Namespaces at first sight: what the kernel knows of each that a followed task is found in, once. It is looked at
 * where a process is met first, behind every clone with a CLONE_NEW* flag and every setns or unshare, so none that is
 * entered is missed; and behind every exec and every new process if those calls are not watched.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_NAMESPACES_BPF_H
#define NSTRACE_NAMESPACES_BPF_H

/* By inode number. A number is used again when its namespace is gone: then the object is another. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} seen_namespaces SEC(".maps");

enum { /* the order of trace::Ns */
	SLOT_MNT,
	SLOT_UTS,
	SLOT_IPC,
	SLOT_NET,
	SLOT_PID,
	SLOT_USER,
	SLOT_CGROUP,
	SLOT_TIME,
	SLOT_PID_FOR_CHILDREN,
	SLOT_TIME_FOR_CHILDREN,
};

/* The unique id: of every namespace since 6.18; before, mount namespaces alone have one. */
static __always_inline __u64 unique_id(struct ns_common *ns, __u32 slot)
{
	struct mnt_namespace___seq *mnt = (void *)ns - bpf_core_field_offset(struct mnt_namespace, ns);

	if (bpf_core_field_exists(ns->ns_id))
		return BPF_CORE_READ(ns, ns_id);
	if (slot == SLOT_MNT && bpf_core_field_exists(mnt->seq))
		return BPF_CORE_READ(mnt, seq);
	return 0;
}

/*
 * Is every move into another namespace seen? Not where a program can be skipped. Then the children of one whose
 * namespaces are known need not be looked at: it is a tenth of the cost of a process.
 */
static __always_inline bool knows_moves(void)
{
	return watch_moves && !preemptible;
}

/* include/uapi/linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME */
#define CLONE_NEW_ANY (0x00020000 | 0x7e000000 | 0x00000080)

#define SEE(kind, object)                                                                                              \
	do {                                                                                                           \
		ns = (__u64)(object) + bpf_core_field_offset(struct kind, ns);                                         \
		owner = BPF_CORE_READ((struct kind *)(object), user_ns);                                               \
	} while (0)

/* Sends what `object`, a namespace of the type that stands in `slot`, is, if it has not been seen yet. */
__noinline int see_namespace(__u64 object, __u32 slot)
{
	struct scratch *scratch = this_scratch();
	struct nst_rec_namespace *rec;
	struct user_namespace *owner = 0;
	__u64 *known;
	__u64 ns = 0;
	__u64 identity;
	__u32 inode, parent = 0;

	if (!object || !scratch)
		return 0;
	if (slot == SLOT_MNT) {
		SEE(mnt_namespace, object);
	} else if (slot == SLOT_UTS) {
		SEE(uts_namespace, object);
	} else if (slot == SLOT_IPC) {
		SEE(ipc_namespace, object);
	} else if (slot == SLOT_NET) {
		SEE(net, object);
	} else if (slot == SLOT_PID || slot == SLOT_PID_FOR_CHILDREN) {
		SEE(pid_namespace, object);
		parent = BPF_CORE_READ((struct pid_namespace *)object, parent, ns.inum);
	} else if (slot == SLOT_CGROUP) {
		SEE(cgroup_namespace, object);
	} else if (slot == SLOT_USER) {
		ns = object + bpf_core_field_offset(struct user_namespace, ns);
		owner = BPF_CORE_READ((struct user_namespace *)object, parent);
		parent = BPF_CORE_READ(owner, ns.inum);
	} else if (bpf_core_type_exists(struct time_namespace)) {
		SEE(time_namespace, object);
	}
	inode = BPF_CORE_READ((struct ns_common *)ns, inum);
	if (!inode)
		return 0;
	identity = unique_id((struct ns_common *)ns, slot);
	known = bpf_map_lookup_elem(&seen_namespaces, &inode);
	if (known && *known == (identity ? identity : object))
		return 0;
	rec = (struct nst_rec_namespace *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_namespace));
	rec->slot = slot;
	rec->inode = inode;
	rec->id = identity;
	rec->owner = BPF_CORE_READ(owner, ns.inum);
	rec->parent = parent;
	submit(&rec->head, NST_NAMESPACE, sizeof(*rec));
	if (!identity)
		identity = object;
	if (bpf_map_update_elem(&seen_namespaces, &inode, &identity, BPF_ANY))
		count_map_full();
	return 0;
}

/* All that `address`, a task, is in or has made for its children. */
__noinline int see_namespaces(__u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	if (!proxy || !pid)
		return 0;
	see_namespace((__u64)BPF_CORE_READ(task, real_cred, user_ns), SLOT_USER);
	see_namespace((__u64)BPF_CORE_READ(proxy, mnt_ns), SLOT_MNT);
	see_namespace((__u64)BPF_CORE_READ(proxy, uts_ns), SLOT_UTS);
	see_namespace((__u64)BPF_CORE_READ(proxy, ipc_ns), SLOT_IPC);
	see_namespace((__u64)BPF_CORE_READ(proxy, net_ns), SLOT_NET);
	bpf_core_read(&upid, sizeof(upid),
		      (void *)pid + bpf_core_field_offset(pid->numbers) +
			      level * bpf_core_type_size(struct upid));
	see_namespace((__u64)upid.ns, SLOT_PID);
	see_namespace((__u64)BPF_CORE_READ(proxy, pid_ns_for_children), SLOT_PID_FOR_CHILDREN);
	see_namespace((__u64)BPF_CORE_READ(proxy, cgroup_ns), SLOT_CGROUP);
	if (bpf_core_field_exists(proxy->time_ns)) {
		see_namespace((__u64)BPF_CORE_READ(proxy, time_ns), SLOT_TIME);
		see_namespace((__u64)BPF_CORE_READ(proxy, time_ns_for_children), SLOT_TIME_FOR_CHILDREN);
	}
	return 0;
}

#endif
