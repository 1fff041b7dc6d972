/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Files by their paths: folders and descriptors of the current task, as struct nst_file elements in NST_FILES chunks.
 *
 * bpf_d_path() may not be called from tracepoints, so the names are collected by walking from the dentry to the root of
 * the process as fs/d_path.c (prepend_path) does, leaf first; user space turns them around. Nothing is locked: a rename
 * or an umount on the way can give a path that never was, but never an endless walk.
 * Part of nstrace.bpf.c, which has the chunks.
 */
#ifndef NSTRACE_FILES_BPF_H
#define NSTRACE_FILES_BPF_H

#define NSFS_MAGIC 0x6e736673 /* include/uapi/linux/magic.h, all of them */
#define PIDFS_MAGIC 0x50494446
#define ANON_INODE_FS_MAGIC 0x09041934
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b

#define NAME_LEN 256 /* NAME_MAX and the NUL */
#define PATH_DEPTH 64 /* names of a path, and mounts on its way */
#define FILES_FULL (NST_CHUNK + 8192) /* an element begins below NST_CHUNK, and stops growing here */

/* What is read of a dentry, at once; the fields stand in this order, and so close together, in all kernels. */
#define DENTRY_BYTES 64
#define DENTRY_FIELD(walk, field)                                                                                      \
	(*(__u64 *)((walk)->bytes + ((bpf_core_field_offset(struct dentry, field) -                                    \
				      bpf_core_field_offset(struct dentry, d_hash)) &                                  \
				     (DENTRY_BYTES - 8))))

struct walk {
	__u64 dentry;
	__u64 mount;
	__u64 mount_top; /* its root dentry */
	__u64 fs_dentry; /* the root of the process */
	__u64 fs_mount;
	__u64 root_dentry; /* where to stop; 0: at the root of the mount namespace */
	__u64 root_mount;
	__u64 off; /* in the chunk */
	__u32 flags; /* NST_FILE_* */
	__u32 done;
	__u32 listed; /* descriptors */
	__u32 more;
	__u64 slots; /* of the descriptor table */
	__u64 bits; /* its bitmap */
	__u32 word; /* the next of the bitmap */
	__u32 words;
	__u8 bytes[DENTRY_BYTES]; /* of the dentry that is looked at */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return (struct mount *)((void *)vfsmount - bpf_core_field_offset(struct mount, mnt));
}

static __always_inline void read_dentry(struct walk *walk, __u64 dentry)
{
	bpf_probe_read_kernel(walk->bytes, DENTRY_BYTES, (void *)dentry + bpf_core_field_offset(struct dentry, d_hash));
}

static __always_inline void enter_mount(struct walk *walk, struct mount *mount)
{
	walk->mount = (__u64)mount;
	walk->mount_top = (__u64)BPF_CORE_READ(mount, mnt.mnt_root);
}

/* One name, or one step from a mount to the one that it stands on. */
__noinline int path_step(void)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	struct chunk_scratch *chunk = this_chunk();
	__u64 parent;
	__u64 off;
	long got;

	if (!walk || !chunk || walk->done)
		return 0;
	if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount) {
		walk->done = 1;
		return 0;
	}
	if (walk->dentry == walk->mount_top) {
		struct mount *mount = (struct mount *)walk->mount;
		struct mount *below = BPF_CORE_READ(mount, mnt_parent);

		if (below == mount) {
			if (walk->root_dentry)
				walk->flags |= NST_FILE_UNREACHABLE;
			walk->done = 1;
			return 0;
		}
		walk->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		enter_mount(walk, below);
		return 0;
	}
	read_dentry(walk, walk->dentry);
	parent = DENTRY_FIELD(walk, d_parent);
	if (walk->dentry == parent) { /* the root of a file system that is not mounted here */
		walk->flags |= NST_FILE_UNREACHABLE;
		walk->done = 1;
		return 0;
	}
	off = walk->off;
	if (off > FILES_FULL) {
		walk->flags |= NST_FILE_CUT;
		walk->done = 1;
		return 0;
	}
	barrier_var(off);
	off &= 2 * NST_CHUNK - 1;
	got = bpf_probe_read_kernel_str(chunk->bytes + off, NAME_LEN, (void *)DENTRY_FIELD(walk, d_name.name));
	if (got > 0)
		walk->off = off + (got & (2 * NAME_LEN - 1));
	walk->dentry = parent;
	return 0;
}

__noinline int walk_path(void)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	int i;

	if (!walk)
		return 0;
	NO_UNROLL
	for (i = 0; i < PATH_DEPTH; i++) {
		if (walk->done)
			break;
		path_step();
	}
	if (!walk->done)
		walk->flags |= NST_FILE_CUT;
	return 0;
}

/* The names of a file whose dentry was read, from `walk->off` on; those of the process's root are left out unless `whole`. */
static __always_inline void append_path(struct walk *walk, __u64 dentry, __u64 mnt, bool whole)
{
	walk->dentry = dentry;
	enter_mount(walk, mount_of((struct vfsmount *)mnt));
	walk->root_dentry = whole ? 0 : walk->fs_dentry;
	walk->root_mount = whole ? 0 : walk->fs_mount;
	walk->done = 0;
	/* as d_unlinked() in include/linux/dcache.h */
	if (!DENTRY_FIELD(walk, d_hash.pprev) && dentry != DENTRY_FIELD(walk, d_parent))
		walk->flags |= NST_FILE_DELETED;
	walk_path();
}

static __always_inline void append_name(struct walk *walk, struct chunk_scratch *chunk, const char *name)
{
	__u64 off = walk->off;
	long got;

	if (off > FILES_FULL)
		return;
	barrier_var(off);
	off &= 2 * NST_CHUNK - 1;
	got = bpf_probe_read_kernel_str(chunk->bytes + off, NAME_LEN, name);
	if (got > 0)
		walk->off = off + (got & (2 * NAME_LEN - 1));
}

/* Ends the element that began at `begin`, and sends the chunk if it is full. */
static __always_inline void end_file(struct walk *walk, struct chunk_scratch *chunk, const struct nst_file *head,
				     __u64 begin)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);

	if (!work)
		return;
	barrier_var(begin); /* a bound that was compared is forgotten by 6.1's verifier when the register is spilled */
	begin &= NST_CHUNK - 1;
	__builtin_memcpy(chunk->bytes + begin, head, sizeof(*head));
	work->off = (walk->off + 7) & ~7ull;
	if (work->off >= NST_CHUNK)
		ship_chunk(0);
}

/* Is it "[pidfd]"? Before 6.9, a pidfd is one of the anonymous inodes, and has no type of its own. */
static __always_inline bool is_pidfd_name(const char *name)
{
	char text[8] = {};

	bpf_probe_read_kernel_str(text, sizeof(text), name);
	return text[0] == '[' && text[1] == 'p' && text[2] == 'i' && text[3] == 'd' && text[4] == 'f' &&
	       text[5] == 'd';
}

/* Appends what `address`, a struct file, is; `fd` is what user space knows it by. */
__noinline int append_file(__u64 address, int fd)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct chunk_scratch *chunk = this_chunk();
	struct file *file = (struct file *)address;
	struct nst_file head = {};
	struct super_block *block;
	struct inode *inode;
	struct pid *pid = 0;
	__u64 path[2] = {}; /* struct path: the mount and the dentry */
	__u64 begin, magic, dentry;

	if (!walk || !work || !chunk)
		return 0;
	begin = work->off;
	if (begin >= NST_CHUNK)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	block = BPF_CORE_READ(inode, i_sb);
	magic = BPF_CORE_READ(block, s_magic);
	head.fd = fd;
	head.number = BPF_CORE_READ(inode, i_ino);
	head.device = BPF_CORE_READ(block, s_dev);
	walk->off = begin + sizeof(head);
	walk->flags = 0;
	if (magic == NSFS_MAGIC) {
		struct ns_common *ns = BPF_CORE_READ(inode, i_private);

		head.kind = NST_FILE_NS;
		append_name(walk, chunk, BPF_CORE_READ(ns, ops, name));
		goto out;
	} else if (magic == PIPEFS_MAGIC) {
		head.kind = NST_FILE_PIPE;
		goto out;
	} else if (magic == SOCKFS_MAGIC) {
		head.kind = NST_FILE_SOCKET;
		goto out;
	} else if (magic == PIDFS_MAGIC) {
		head.kind = NST_FILE_PIDFD;
		pid = BPF_CORE_READ(inode, i_private);
		goto out;
	}
	bpf_core_read(path, sizeof(path), &file->f_path);
	dentry = path[1];
	read_dentry(walk, dentry);
	if (magic == ANON_INODE_FS_MAGIC) {
		if (is_pidfd_name((const char *)DENTRY_FIELD(walk, d_name.name))) {
			head.kind = NST_FILE_PIDFD;
			pid = BPF_CORE_READ(file, private_data);
		} else {
			head.kind = NST_FILE_ANONYMOUS;
			append_name(walk, chunk, (const char *)DENTRY_FIELD(walk, d_name.name));
		}
	} else if (dentry == DENTRY_FIELD(walk, d_parent) &&
		   dentry != (__u64)BPF_CORE_READ((struct vfsmount *)path[0], mnt_root)) {
		head.kind = NST_FILE_UNNAMED;
		append_name(walk, chunk, (const char *)DENTRY_FIELD(walk, d_name.name));
	} else {
		head.kind = NST_FILE_PATH;
		append_path(walk, dentry, path[0], false);
	}
out:
	if (pid)
		head.number = number_here(pid);
	head.flags = walk->flags;
	head.length = walk->off - begin - sizeof(head);
	end_file(walk, chunk, &head, begin);
	return 0;
}

/* Appends the folder (NST_FILE_CWD or NST_FILE_ROOT) of the current task; `fd` is what user space knows it by. */
__noinline int append_folder(int which, int fd)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct chunk_scratch *chunk = this_chunk();
	struct fs_struct *fs = BPF_CORE_READ(current_task(), fs);
	struct nst_file head = {};
	__u64 path[2] = {}; /* struct path: the mount and the dentry */
	struct inode *inode;
	__u64 begin;

	if (!walk || !work || !chunk || !fs)
		return 0;
	begin = work->off;
	if (begin >= NST_CHUNK)
		return 0;
	if (which == NST_FILE_CWD)
		bpf_core_read(path, sizeof(path), &fs->pwd);
	else
		bpf_core_read(path, sizeof(path), &fs->root);
	read_dentry(walk, path[1]);
	inode = (struct inode *)DENTRY_FIELD(walk, d_inode);
	head.fd = fd;
	head.kind = NST_FILE_PATH;
	head.number = BPF_CORE_READ(inode, i_ino);
	head.device = BPF_CORE_READ(inode, i_sb, s_dev);
	walk->off = begin + sizeof(head);
	walk->flags = 0;
	append_path(walk, path[1], path[0], which == NST_FILE_ROOT);
	head.flags = walk->flags;
	head.length = walk->off - begin - sizeof(head);
	end_file(walk, chunk, &head, begin);
	return 0;
}

/* The open descriptors of eight, as the bits say. */
__noinline int list_byte(__u64 bits, int first)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	struct file *file;
	__u32 fd;
	int i;

	if (!walk)
		return 0;
	NO_UNROLL
	for (i = 0; i < 8; i++) {
		if (!(bits >> i & 1))
			continue;
		if (walk->listed >= NST_MAX_FILES) {
			walk->more++;
			continue;
		}
		fd = first + i;
		file = 0;
		bpf_probe_read_kernel(&file, sizeof(file), (void *)(walk->slots + fd * sizeof(file)));
		if (!file)
			continue;
		walk->listed++;
		append_file((__u64)file, fd);
	}
	return 0;
}

__noinline int list_word(void)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	__u64 bits = 0;
	int i;

	if (!walk || walk->word >= walk->words)
		return 0;
	bpf_probe_read_kernel(&bits, sizeof(bits), (void *)(walk->bits + walk->word * sizeof(bits)));
	NO_UNROLL
	for (i = 0; i < 8; i++) {
		if (!bits)
			break;
		list_byte(bits & 0xff, walk->word * 64 + i * 8);
		bits >>= 8;
	}
	walk->word++;
	return 0;
}

#define WORD_LOOP 64 /* three times: 64 * 64 * 64 words of 64 descriptors; a table has at most 2^20 or so */

__noinline int list_words(void)
{
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	int i;

	if (!walk)
		return 0;
	NO_UNROLL
	for (i = 0; i < WORD_LOOP; i++) {
		if (walk->word >= walk->words)
			break;
		list_word();
	}
	return 0;
}

static __always_inline void begin_files(struct work *work, struct walk *walk, __u64 id, __u32 type)
{
	struct fs_struct *fs = BPF_CORE_READ(current_task(), fs);
	__u64 root[2] = {}; /* struct path */

	bpf_core_read(root, sizeof(root), &fs->root);
	walk->fs_dentry = root[1];
	walk->fs_mount = (__u64)mount_of((struct vfsmount *)root[0]);
	work->id = id;
	work->off = 0;
	work->index = 0;
	work->type = type;
	work->tid = this_tid();
}

/* What the new image begins with: its folders, and the descriptors that stay open. Gives how many are not listed. */
__noinline int ship_exec_files(__u64 id)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	int i;

	if (!work || !walk)
		return 0;
	begin_files(work, walk, id, NST_FILES_EXEC);
	append_folder(NST_FILE_CWD, NST_FILE_CWD);
	append_folder(NST_FILE_ROOT, NST_FILE_ROOT);
	walk->listed = 0;
	walk->more = 0;
	walk->word = 0;
	walk->words = BPF_CORE_READ(table, max_fds) / 64;
	walk->slots = (__u64)BPF_CORE_READ(table, fd);
	walk->bits = (__u64)BPF_CORE_READ(table, open_fds);
	NO_UNROLL
	for (i = 0; i < WORD_LOOP; i++) {
		if (walk->word >= walk->words)
			break;
		list_words();
	}
	ship_chunk(NST_CHUNK_LAST);
	return walk->more;
}

#define NST_AT_FDCWD (-100) /* include/uapi/linux/fcntl.h: the current folder, in a descriptor's place */

/* What descriptor `number` of the current task is, as argument `arg` of a call. */
__noinline int append_fd(int number, int arg)
{
	struct fdtable *table = BPF_CORE_READ(current_task(), files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = 0;

	if (number == NST_AT_FDCWD)
		return append_folder(NST_FILE_CWD, arg);
	if (number < 0 || (__u32)number >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), slots + number);
	if (file)
		append_file((__u64)file, arg);
	return 0;
}

/* What the descriptor is that the call in `work` returns. */
__noinline int ship_result_file(int number)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);

	if (!work || !walk)
		return 0;
	begin_files(work, walk, work->pending.call.id, NST_FILES_RESULT);
	append_fd(number, 0);
	if (work->off)
		ship_chunk(NST_CHUNK_LAST);
	return 0;
}

#define NO_FD (-1)

/* The descriptor that argument `arg` of the call in `work` is, or that stands in the structure behind it; or NO_FD. */
static __always_inline int fd_of_arg(struct work *work, __u32 arg)
{
	volatile const struct nst_capture *spec;
	__u64 flags = 0, fd = NO_FD;
	__u32 index, by;
	__u64 from;

	barrier_var(arg); /* both as in read_piece() */
	arg &= NST_ARG_STRIDE - 1;
	index = (work->pending.call.nr & (NST_MAX_SYSCALLS - 1)) * NST_ARG_STRIDE + arg;
	barrier_var(index);
	spec = &captures[index & (NST_MAX_SYSCALLS * NST_ARG_STRIDE - 1)];
	from = work->pending.call.args[arg];
	if (!spec->fd_at)
		return from;
	by = spec->size;
	barrier_var(by);
	if (work->pending.call.args[by & (NST_ARG_STRIDE - 1)] < spec->fd_at + sizeof(fd))
		return NO_FD;
	bpf_probe_read_user(&flags, sizeof(flags), (void *)from);
	if (!(flags >> (spec->fd_bit & 63) & 1))
		return NO_FD;
	bpf_probe_read_user(&fd, sizeof(fd), (void *)(from + spec->fd_at));
	return fd;
}

/* What the descriptors of the call in `work` are, at its entry: another thread may close them meanwhile. */
__noinline int ship_call_files(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);
	bool begun = false;
	__u32 nr, mask;
	int fd, i;

	if (!work || !walk)
		return 0;
	work->off = 0;
	nr = work->pending.call.nr;
	barrier_var(nr); /* as in read_piece() */
	mask = fd_masks[nr & (NST_MAX_SYSCALLS - 1)];
	NO_UNROLL
	for (i = 0; i < NST_ARGS; i++) {
		if (!(mask >> i & 1))
			continue;
		fd = fd_of_arg(work, i);
		if (fd < 0 && fd != NST_AT_FDCWD)
			continue;
		if (!begun)
			begin_files(work, walk, work->pending.call.id, NST_FILES_CALL);
		begun = true;
		append_fd(fd, i);
	}
	if (work->off)
		ship_chunk(NST_CHUNK_LAST);
	return 0;
}

#endif
