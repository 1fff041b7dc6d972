/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Gates: the few files by which one process of a container's set-up lets another go on, or gives it its rights. Of all
 * writes and opens only those of such a file are recorded; the others cost a look at the file's name.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_GATES_BPF_H
#define NSTRACE_GATES_BPF_H

#define PROC_SUPER_MAGIC 0x9fa0 /* include/uapi/linux/magic.h, all of them */
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270

/* Up to 8 bytes of a name as a number. */
#define WORD(a, b, c, d, e, f, g, h)                                                                                   \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |    \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

#define NO_GATE 0
#define GATE_FILE 1 /* uid_map, gid_map, setgroups, cgroup.procs: something is written to it */
#define GATE_FIFO 2 /* exec.fifo: it is opened */

/* What descriptor `number` of the current task is: one of the above. */
__noinline int gate_of(int number)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = 0;
	struct dentry *dentry;
	__u64 name[2] = {};
	__u64 magic;

	if (number < 0 || (__u32)number >= BPF_CORE_READ(table, max_fds))
		return NO_GATE;
	bpf_probe_read_kernel(&file, sizeof(file), slots + number);
	if (!file)
		return NO_GATE;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	if (bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name)) < 0)
		return NO_GATE;
	magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	if (magic == PROC_SUPER_MAGIC) {
		if (name[0] == WORD('u', 'i', 'd', '_', 'm', 'a', 'p', 0) ||
		    name[0] == WORD('g', 'i', 'd', '_', 'm', 'a', 'p', 0) ||
		    (name[0] == WORD('s', 'e', 't', 'g', 'r', 'o', 'u', 'p') && name[1] == 's'))
			return GATE_FILE;
	} else if (magic == CGROUP_SUPER_MAGIC || magic == CGROUP2_SUPER_MAGIC) {
		if (name[0] == WORD('c', 'g', 'r', 'o', 'u', 'p', '.', 'p') &&
		    name[1] == WORD('r', 'o', 'c', 's', 0, 0, 0, 0))
			return GATE_FILE;
	} else if (name[0] == WORD('e', 'x', 'e', 'c', '.', 'f', 'i', 'f') && name[1] == 'o') {
		return GATE_FIFO;
	}
	return NO_GATE;
}

#endif
