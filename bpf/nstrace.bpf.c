// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The kernel side: from tracepoints to records in one ring buffer.
 *
 * Five tracepoints carry the process tree (new task, exec, exit, rename) and one pair carries the system calls. Whom to
 * follow is a set of thread group ids; a child enters it before it can run, whether or not its record finds room.
 * Every program filters first: the call's class is a byte in .rodata, then the set, then the work.
 *
 * Written for the verifiers of 5.10 and later: bounds by masks, loops inside global functions (which are verified on
 * their own), state in per-CPU maps. Tracing programs run with preemption off, so that a per-CPU map is private.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "events.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Set between open and load. */
const volatile __u8 call_class[NST_MAX_SYSCALLS];
const volatile struct nst_capture captures[NST_MAX_SYSCALLS * NST_ARG_STRIDE];
const volatile __u8 fd_masks[NST_MAX_SYSCALLS]; /* a bit for each argument that is a descriptor */
const volatile __u16 compat_calls[NST_MAX_SYSCALLS]; /* by a 32-bit program's number: the kernel's own; 0 = none */
const volatile __u64 wakeup_bytes = 1 << 20; /* wake the reader when this much is waiting */
const volatile bool ship_env = true;
const volatile __u32 iterator_slot; /* of `scratches` */
const volatile bool preemptible; /* tracepoints leave preemption on: see preempt.bpf.h */
const volatile bool see_entries = true; /* sys_enter is attached; else a call is known from its end alone */
const volatile bool watch_moves; /* no setns or unshare goes unseen, so that only what they touch is looked at */
const volatile bool watch_gates; /* calls of CLASS_WRITE and CLASS_OPEN are recorded */
const volatile bool watch_containers; /* the maps of containers.bpf.h are not empty */
const volatile bool payload = true; /* false: nobody is followed beyond the exec of a container's own program */
const volatile bool nested; /* the tracer is in a pid namespace of its own: */
const volatile __u32 own_pidns; /* its inode */

enum {
	CLASS_NONE = 0,
	CLASS_CALL,
	CLASS_EXEC,
	CLASS_FORK,
	CLASS_NO_RETURN, /* exit_group: there is only its beginning */
	CLASS_NS, /* setns, unshare: a call after which the task may be in other namespaces */
	CLASS_WRITE, /* recorded if it is to a gate */
	CLASS_OPEN, /* likewise */
};

enum { /* the numbers of trace::Capture */
	READ_NOTHING = 0,
	READ_STRING,
	READ_DESCRIPTOR,
	READ_BYTES,
	READ_BYTES_OF_ARG,
};

/* Changed while it runs. */
bool seeding; /* the set is being filled: look at all ancestors of a creator */
bool watch_names; /* `names` is not empty */
bool init_written; /* the iterator has given pid 1 */
__u64 skipped; /* events of followed processes that no program could take: see SPARES */
__u32 pid_level; /* of the tracer's pid namespace, if it is nested */

#define NAMESPACES_SEEN (1ull << 63) /* all that its threads are in are told of: knows_moves() */

/* The set of those who are followed, by thread group id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64); /* when its leader was born, and NAMESPACES_SEEN */
} followed SEC(".maps");

/* Names that are followed from their exec on. */
struct name_key {
	char comm[NST_COMM_LEN];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct name_key);
	__type(value, __u8);
} names SEC(".maps");

/* Calls that were entered, by task: a thread that execs changes its tid on the way, but not its task_struct. */
struct pending {
	struct nst_call call;
	__u32 faulted; /* an element of argv could not be read at entry */
	__u32 pad;
	char comm[NST_COMM_LEN];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct pending);
} entered SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nst_counters);
} counters SEC(".maps");

/*
 * Where a record is put together; per CPU, but too large for a per-CPU map (32 KiB an element). A record is at most
 * RECORD_MAX long; the rest is room for the verifier's mask.
 */
#define RECORD_MAX (64 * 1024)
struct scratch {
	__u8 bytes[RECORD_MAX + 8192];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* one for each CPU, set at load */
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* The state of whatever reads user memory step by step. */
struct work {
	__u64 at; /* next address: of argv's element, or of the image */
	__u64 left;
	__u64 id;
	__u32 off; /* bytes in the chunk, or in the record */
	__u32 index;
	__u32 flags;
	__u32 done;
	__u32 type;
	__u32 nr;
	__u64 args[NST_ARG_STRIDE];
	__u32 pieces;
	__u32 tid;
	struct pending pending; /* the call that begins or ends */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

/* A second scratch, since a chunk is shipped while a record waits. */
struct chunk_scratch {
	struct nst_rec_chunk rec;
	__u8 bytes[2 * NST_CHUNK + 512]; /* a name may begin anywhere below the mask of files.bpf.h */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* one for each CPU, set at load */
	__type(key, __u32);
	__type(value, struct chunk_scratch);
} chunks SEC(".maps");

static const __u32 zero = 0;

/*
 * Verifiers since 6.18 follow the stack's liveness through each chain of calls by itself (kernel/bpf/liveness.c): a loop
 * that is unrolled around a call multiplies the chains of all that is called from there.
 */
#define NO_UNROLL _Pragma("clang loop unroll(disable)")

#include "preempt.bpf.h"

static __always_inline struct scratch *this_scratch(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline struct chunk_scratch *this_chunk(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&chunks, &cpu);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline __u64 born_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* A string of user memory, its NUL counted. */
static __always_inline long read_user_str(void *to, __u32 size, const void *from)
{
	long got = bpf_probe_read_user_str(to, size, from);

	if (got == 0) { /* 5.10 and 6.1 say so of the empty string (strncpy_from_user_nofault() in mm/maccess.c) */
		*(char *)to = 0;
		got = 1;
	}
	return got;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

/* Fills the head, sends, counts. The number is handed out before the room is known, so that a loss leaves a gap. */
static __always_inline void submit(struct nst_head *head, __u32 type, __u64 size)
{
	struct nst_counters *count = bpf_map_lookup_elem(&counters, &zero);
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!count)
		return;
	size &= 0x1ffff;
	/* the longest is a chunk: a full piece short of a byte, and another after it */
	if (size > 2 * NST_CHUNK + sizeof(struct nst_rec_chunk))
		size = 2 * NST_CHUNK + sizeof(struct nst_rec_chunk);
	head->size = size;
	head->type = type;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = count->seq++;
	head->time = bpf_ktime_get_boot_ns();
	count->attempted++;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wakeup_bytes)
		flags = 0; /* epoll wakes up only when the reader had caught up: no storm of interrupts */
	if (bpf_ringbuf_output(&ring, head, size, flags))
		count->dropped++;
	else
		count->sent++;
}

static __always_inline void count_unread(void)
{
	struct nst_counters *count = bpf_map_lookup_elem(&counters, &zero);

	if (count)
		count->unread++;
}

static __always_inline void count_map_full(void)
{
	struct nst_counters *count = bpf_map_lookup_elem(&counters, &zero);

	if (count)
		count->map_full++;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------ */

/*
 * cgroup v2's id of the task, or on a host that keeps its controllers in v1 (then the v2 root has everyone) the id in
 * the hierarchy of the pids or memory controller.
 */
static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	__u64 id = BPF_CORE_READ(set, dfl_cgrp, kn, id);
	struct cgroup_subsys_state *css = 0;
	__u32 index = 0;
	__u64 v1 = 0;

	if (id > 1)
		return id;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else
		return id;
	bpf_core_read(&css, sizeof(css), (void *)set + bpf_core_field_offset(set->subsys) + index * sizeof(void *));
	if (css)
		v1 = BPF_CORE_READ(css, cgroup, kn, id);
	return v1 > 1 ? v1 : id;
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
	out->cgroup = cgroup_of(task);
	out->level = level >= outer ? level - outer : 0;
	/* all at once: the structure is the same in all kernels since 4.19 */
	size = (__u64)(out->level + 1) * sizeof(struct upid) & 0x3ff; /* the mask is for verifiers before 6.2 */
	if (size > sizeof(numbers))
		size = sizeof(numbers);
	bpf_probe_read_kernel(numbers, size,
			      (void *)pid + bpf_core_field_offset(pid->numbers) + outer * sizeof(struct upid));
	for (i = 0; i < NST_MAX_LEVELS; i++)
		out->ids[i] = *(__u32 *)&numbers[i];
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

/* ---- chunks: argument vectors of any length --------------------------------------------------------------------- */

/* Sends what the chunk holds. Not inlined: the verifier looks at a global function once, wherever it is called. */
__noinline int ship_chunk(__u32 flags)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct chunk_scratch *chunk = this_chunk();
	__u64 length;

	if (!work || !chunk)
		return 0;
	length = work->off & (2 * NST_CHUNK - 1);
	chunk->rec.id = work->id;
	chunk->rec.index = work->index++;
	chunk->rec.flags = flags;
	chunk->rec.tid = work->tid;
	chunk->rec.length = length;
	work->off = 0;
	submit(&chunk->rec.head, work->type, sizeof(chunk->rec) + length);
	return 0;
}

#include "files.bpf.h"
#include "gates.bpf.h"

/* Reads an element of a vector of pointers in the call's own width; false: it could not be read. */
static __always_inline bool next_pointer(struct work *work, __u64 *pointer)
{
	__u64 width = 8;

	*pointer = 0;
	if (work->pending.call.compat) {
		width = 4;
		if (bpf_probe_read_user(pointer, 4, (void *)work->at))
			return false;
	} else if (bpf_probe_read_user(pointer, 8, (void *)work->at)) {
		return false;
	}
	if (*pointer)
		work->at += width;
	return true;
}

/* One element of argv, appended to the chunk with its NUL. */
__noinline int vector_element(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct chunk_scratch *chunk = this_chunk();
	__u64 pointer = 0;
	long got;
	int i;

	if (!work || !chunk || work->done)
		return 0;
	if (work->at && !next_pointer(work, &pointer)) {
		work->flags |= NST_CHUNK_FAULT;
		work->done = 1;
		return 0;
	}
	if (!pointer) {
		work->done = 1;
		return 0;
	}
	/* an element is at most 128 KiB long (MAX_ARG_STRLEN): five pieces of 32 KiB - 1 */
	NO_UNROLL
	for (i = 0; i < 5; i++) {
		__u32 off = work->off & (NST_CHUNK - 1);

		got = read_user_str(chunk->bytes + off, NST_CHUNK, (void *)pointer);
		if (got < 0) {
			work->flags |= NST_CHUNK_FAULT;
			work->done = 1;
			return 0;
		}
		if (got < NST_CHUNK) {
			work->off = off + got;
			if (work->off >= NST_CHUNK)
				ship_chunk(0);
			return 0;
		}
		/* no NUL yet: the last byte is one that the helper put there */
		pointer += NST_CHUNK - 1;
		work->off = off + NST_CHUNK - 1;
		if (work->off >= NST_CHUNK)
			ship_chunk(0);
	}
	return 0;
}

/*
 * Four levels of 23: each is verified on its own, so that the verifier's work is their sum and not their product, and
 * together they take more elements than ARG_MAX has room for.
 */
#define VECTOR_LOOP 23

__noinline int vector_elements(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < VECTOR_LOOP; i++) {
		if (work->done)
			break;
		vector_element();
	}
	return 0;
}

__noinline int vector_row(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < VECTOR_LOOP; i++) {
		if (work->done)
			break;
		vector_elements();
	}
	return 0;
}

__noinline int vector_block(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < VECTOR_LOOP; i++) {
		if (work->done)
			break;
		vector_row();
	}
	return 0;
}

/* execve(path, argv, envp), or execveat(dirfd, path, argv, envp, flags)? */
static __always_inline bool is_at(__u32 nr)
{
	return captures[(nr & (NST_MAX_SYSCALLS - 1)) * NST_ARG_STRIDE].what == READ_DESCRIPTOR;
}

static __always_inline __u64 argv_of(const struct nst_call *call)
{
	return is_at(call->nr) ? call->args[2] : call->args[1];
}

/* The vector at `argv`, of the call in `work`, up to its NULL: up to 279,841 elements. */
__noinline int ship_vector(__u64 argv)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	work->at = argv;
	work->id = work->pending.call.id;
	work->off = 0;
	work->index = 0;
	work->flags = 0;
	work->done = 0;
	work->type = NST_CHUNK_CALLED;
	work->tid = this_tid();
	NO_UNROLL
	for (i = 0; i < VECTOR_LOOP; i++) {
		if (work->done)
			break;
		vector_block();
	}
	if (!work->done)
		work->flags |= NST_CHUNK_CUT;
	if (work->flags & NST_CHUNK_FAULT)
		count_unread();
	ship_chunk(work->flags | NST_CHUNK_LAST);
	return work->flags & NST_CHUNK_FAULT;
}

__noinline int count_element(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	__u64 pointer = 0;

	if (!work)
		return 0;
	if (work->at && !next_pointer(work, &pointer)) {
		work->flags |= NST_CHUNK_FAULT;
		work->done = 1;
	} else if (!pointer) {
		work->done = 1;
	} else {
		work->index++;
	}
	return 0;
}

#define COUNT_LOOP 16 /* three levels, as above: up to 4096 */

__noinline int count_elements(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < COUNT_LOOP; i++) {
		if (work->done)
			break;
		count_element();
	}
	return 0;
}

__noinline int count_row(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < COUNT_LOOP; i++) {
		if (work->done)
			break;
		count_elements();
	}
	return 0;
}

/* How many strings the vector at `from` has; of an exec that failed, since a successful one is counted by the kernel. */
__noinline int count_vector(__u64 from)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return NST_NO_COUNT;
	work->at = from;
	work->index = 0;
	work->flags = 0;
	work->done = 0;
	NO_UNROLL
	for (i = 0; i < COUNT_LOOP; i++) {
		if (work->done)
			break;
		count_row();
	}
	return work->done && !work->flags ? work->index : NST_NO_COUNT;
}

/* One chunk of the new image's argv and environment, which lie side by side (man 5 proc: /proc/PID/cmdline). */
__noinline int image_chunk(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct chunk_scratch *chunk = this_chunk();
	__u64 length;

	if (!work || !chunk || work->done)
		return 0;
	length = work->left;
	if (length > NST_CHUNK)
		length = NST_CHUNK;
	if (bpf_probe_read_user(chunk->bytes, length & (2 * NST_CHUNK - 1), (void *)work->at)) {
		work->flags |= NST_CHUNK_FAULT;
		work->done = 1;
		return 0;
	}
	work->at += length;
	work->left -= length;
	work->off = length;
	if (work->left == 0)
		work->done = 1;
	else
		ship_chunk(0);
	return 0;
}

#define IMAGE_LOOP 16 /* twice: 256 chunks, 8 MiB; argv and environment together have less (a quarter of the stack limit) */

__noinline int image_chunks(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	NO_UNROLL
	for (i = 0; i < IMAGE_LOOP; i++) {
		if (work->done)
			break;
		image_chunk();
	}
	return 0;
}

__noinline int ship_image(__u64 id, __u64 start, __u64 total)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return 0;
	work->at = start;
	work->left = total;
	work->id = id;
	work->off = 0;
	work->index = 0;
	work->flags = 0;
	work->done = total == 0;
	work->type = NST_CHUNK_IMAGE;
	work->tid = this_tid();
	NO_UNROLL
	for (i = 0; i < IMAGE_LOOP; i++) {
		if (work->done)
			break;
		image_chunks();
	}
	if (!work->done)
		work->flags |= NST_CHUNK_CUT;
	if (work->flags & NST_CHUNK_FAULT)
		count_unread();
	ship_chunk(work->flags | NST_CHUNK_LAST);
	return 0;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

#define STRING_MAX 4096
#define LOWEST_POINTER 4096 /* below it nothing is ever mapped: a number where another call has a pointer */

#define SMALLEST_PAGE 4096

/* Memory behind argument `arg` of the call in `work`, appended to the record in `scratches`. */
__noinline int read_piece(__u32 arg)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct scratch *scratch = this_scratch();
	struct nst_piece piece = {};
	volatile const struct nst_capture *spec;
	__u64 length = 0;
	__u64 from;
	__u32 off;
	__u32 index;
	long got;

	if (!work || !scratch || arg >= NST_ARGS)
		return 0;
	barrier_var(arg); /* or the mask, which the verifier needs, is optimised away */
	arg &= NST_ARG_STRIDE - 1;
	index = (work->nr & (NST_MAX_SYSCALLS - 1)) * NST_ARG_STRIDE + arg;
	barrier_var(index); /* or the sum becomes an OR, whose bounds verifiers before 6.9 do not know */
	spec = &captures[index & (NST_MAX_SYSCALLS * NST_ARG_STRIDE - 1)];
	if (spec->what != READ_STRING && spec->what != READ_BYTES && spec->what != READ_BYTES_OF_ARG)
		return 0;
	if (spec->first && spec->first != (__u32)work->args[0])
		return 0;
	from = work->args[arg];
	if (from < LOWEST_POINTER)
		return 0;
	off = work->off & (RECORD_MAX / 2 - 1);
	piece.arg = arg;
	if (spec->what == READ_STRING) {
		got = read_user_str(scratch->bytes + off + sizeof(piece), STRING_MAX, (void *)from);
		piece.length = got < 0 ? got : got - 1;
	} else {
		if (spec->what == READ_BYTES) {
			length = spec->size;
		} else {
			__u32 by = spec->size;

			barrier_var(by);
			length = work->args[by & (NST_ARG_STRIDE - 1)] * spec->scale + spec->extra;
		}
		if (length > STRING_MAX - 1)
			length = STRING_MAX - 1;
		got = bpf_probe_read_user(scratch->bytes + off + sizeof(piece), length & (STRING_MAX - 1),
					  (void *)from);
		/* of a structure of several sizes the small one may end where the memory does, and an array is cut there */
		if (got < 0 && (spec->what == READ_BYTES || spec->scale > 1)) {
			__u64 there = SMALLEST_PAGE - (from & (SMALLEST_PAGE - 1));

			if (there < length) {
				length = there;
				got = bpf_probe_read_user(scratch->bytes + off + sizeof(piece),
							  length & (STRING_MAX - 1), (void *)from);
			}
		}
		piece.length = got < 0 ? got : (long)length;
	}
	if (got < 0)
		count_unread();
	__builtin_memcpy(scratch->bytes + off, &piece, sizeof(piece));
	off += sizeof(piece);
	if (got >= 0)
		off += (piece.length + 7) & 0x1ff8;
	work->off = off;
	work->pieces++;
	return 0;
}

static __always_inline __u32 read_pieces(const struct nst_call *call, __u32 off, __u32 *pieces)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	int i;

	if (!work)
		return off;
	work->off = off;
	work->pieces = 0;
	work->nr = call->nr;
	__builtin_memcpy(work->args, call->args, sizeof(call->args));
	NO_UNROLL
	for (i = 0; i < NST_ARGS; i++)
		read_piece(i);
	*pieces = work->pieces;
	return work->off;
}

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h: a 32-bit system call is active */
static __always_inline bool is_compat(void)
{
	return BPF_CORE_READ(current_task(), thread_info.status) & TS_COMPAT;
}
/* arch/x86/include/asm/syscall.h, SC_IA32_REGS_TO_ARGS */
static __always_inline void read_compat_args(__u64 *args, struct pt_regs *regs)
{
	args[0] = (__u32)BPF_CORE_READ(regs, bx);
	args[1] = (__u32)BPF_CORE_READ(regs, cx);
	args[2] = (__u32)BPF_CORE_READ(regs, dx);
	args[3] = (__u32)BPF_CORE_READ(regs, si);
	args[4] = (__u32)BPF_CORE_READ(regs, di);
	args[5] = (__u32)BPF_CORE_READ(regs, bp);
}
static __always_inline void read_args(__u64 *args, struct pt_regs *regs)
{
	args[0] = BPF_CORE_READ(regs, di);
	args[1] = BPF_CORE_READ(regs, si);
	args[2] = BPF_CORE_READ(regs, dx);
	args[3] = BPF_CORE_READ(regs, r10);
	args[4] = BPF_CORE_READ(regs, r8);
	args[5] = BPF_CORE_READ(regs, r9);
}
static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax);
}
/* Of a tracepoint's own argument, which may be read without a helper: this is done for each call of the whole machine. */
static __always_inline long tracepoint_call_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}
#elif defined(__TARGET_ARCH_arm64)
#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */
static __always_inline bool is_compat(void)
{
	return BPF_CORE_READ(current_task(), thread_info.flags) & (1ul << TIF_32BIT);
}
/* a 32-bit ARM program has numbers of its own, none of which is in the table: its calls are not recorded */
static __always_inline void read_compat_args(__u64 *args, struct pt_regs *regs)
{
}
static __always_inline void read_args(__u64 *args, struct pt_regs *regs)
{
	args[0] = BPF_CORE_READ(regs, orig_x0);
	args[1] = BPF_CORE_READ(regs, regs[1]);
	args[2] = BPF_CORE_READ(regs, regs[2]);
	args[3] = BPF_CORE_READ(regs, regs[3]);
	args[4] = BPF_CORE_READ(regs, regs[4]);
	args[5] = BPF_CORE_READ(regs, regs[5]);
}
static __always_inline long call_number(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}
static __always_inline long tracepoint_call_number(struct pt_regs *regs)
{
	return regs->syscallno;
}
#endif

#if defined(__TARGET_ARCH_x86)
#define STACK_SIZE (16 * 1024) /* of a task in the kernel: THREAD_SIZE in arch/x86/include/asm/page_64_types.h */
#else
#define STACK_SIZE (16 * 1024) /* arch/arm64/include/asm/memory.h, with pages of 4 KiB */
#endif

/* The registers with which the current task entered the kernel: task_pt_regs() in arch/.../include/asm/processor.h. */
static __always_inline struct pt_regs *entry_regs(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) /* since 5.15 */
		return (struct pt_regs *)bpf_task_pt_regs((struct task_struct *)bpf_get_current_task_btf());
	return (struct pt_regs *)(BPF_CORE_READ(current_task(), stack) + STACK_SIZE - bpf_core_type_size(struct pt_regs));
}

static __always_inline int first_arg(struct pt_regs *regs, __u32 compat)
{
	__u64 args[NST_ARGS] = {};

	if (compat)
		read_compat_args(args, regs);
	else
		read_args(args, regs);
	return args[0];
}

/*
 * Is it a call that is recorded? The cheapest test comes first, since this runs for every call of the whole machine. A
 * 32-bit call gets the kernel's own number, and `compat` the one that it came with.
 */
static __always_inline bool is_wanted(__u32 *nr, __u32 *compat)
{
	*compat = 0;
	if (*nr >= NST_MAX_SYSCALLS || (call_class[*nr] == CLASS_NONE && !compat_calls[*nr]))
		return false;
	if (is_compat()) {
		*compat = *nr;
		*nr = compat_calls[*nr] & (NST_MAX_SYSCALLS - 1);
	}
	return call_class[*nr] != CLASS_NONE &&
	       (is_followed(current_tgid()) || (watch_containers && call_class[*nr] == CLASS_NS));
}

static __always_inline void enter_call(struct work *work, struct pt_regs *regs, __u32 nr, __u32 compat)
{
	struct pending *pending = &work->pending;

	__builtin_memset(pending, 0, sizeof(*pending));
	pending->call.id = bpf_ktime_get_boot_ns();
	pending->call.start = see_entries ? pending->call.id : 0;
	pending->call.nr = nr;
	pending->call.compat = compat;
	pending->call.tid = this_tid();
	if (compat)
		read_compat_args(pending->call.args, regs);
	else
		read_args(pending->call.args, regs);
	bpf_get_current_comm(pending->comm, sizeof(pending->comm));
}

/*
 * Where sys_enter is not attached: the call of this class that the current task is in, from the registers that it came
 * with; 0 if it is in none.
 */
static __always_inline struct pending *call_under_way(__u8 class)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct pt_regs *regs = entry_regs();
	__u32 nr = call_number(regs);
	__u32 compat;

	if (!work || !is_wanted(&nr, &compat) || call_class[nr & (NST_MAX_SYSCALLS - 1)] != class)
		return 0;
	enter_call(work, regs, nr, compat);
	return &work->pending;
}

/* Sends the call in `work`. */
__noinline int submit_call(bool returned, long result, __u32 envc)
{
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct scratch *scratch = this_scratch();
	struct nst_rec_syscall *rec;
	__u32 size;

	if (!work || !scratch)
		return 0;
	rec = (struct nst_rec_syscall *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_syscall));
	rec->call = work->pending.call;
	rec->returned = returned;
	rec->result = result;
	rec->envc = envc;
	fill_cpu(&rec->cpu, current_task());
	rec->pieces = 0;
	size = read_pieces(&work->pending.call, sizeof(*rec), &rec->pieces);
	submit(&rec->head, NST_SYSCALL, size);
	return 0;
}

#include "namespaces.bpf.h"
#include "containers.bpf.h"

/* Where programs can be skipped: was the end of the task's last call? */
static __always_inline void count_unfinished(__u64 key)
{
	if (preemptible && bpf_map_lookup_elem(&entered, &key))
		__sync_fetch_and_add(&skipped, 1);
}

/* A call begins. */
static __always_inline int begin_call(struct pt_regs *regs, __u32 nr)
{
	struct work *work;
	__u64 key;
	__u32 compat;

	if (!is_wanted(&nr, &compat))
		return 0;
	work = bpf_map_lookup_elem(&works, &zero);
	if (!work)
		return 0;
	nr &= NST_MAX_SYSCALLS - 1;
	if (watch_gates && call_class[nr] == CLASS_WRITE && gate_of(first_arg(regs, compat)) != GATE_FILE)
		return 0;
	if (watch_containers && !is_followed(current_tgid()))
		return 0;
	key = (__u64)current_task();
	count_unfinished(key);
	enter_call(work, regs, nr, compat);
	if (fd_masks[nr])
		ship_call_files();
	if (call_class[nr] == CLASS_NO_RETURN) {
		take_event(HOOK_NO_RETURN);
		submit_call(false, 0, NST_NO_COUNT);
		return 0;
	}
	if (call_class[nr] == CLASS_EXEC)
		work->pending.faulted = ship_vector(argv_of(&work->pending.call));
	if (bpf_map_update_elem(&entered, &key, &work->pending, BPF_ANY))
		count_map_full();
	return 0;
}

/* A call ends. A successful exec or fork was reported when it happened. */
static __always_inline int end_call(struct pt_regs *regs, __u32 nr, long result)
{
	__u32 envc = NST_NO_COUNT;
	struct pending *pending;
	struct work *work;
	__u32 compat;
	__u64 key;

	if (!is_wanted(&nr, &compat))
		return 0;
	work = bpf_map_lookup_elem(&works, &zero);
	if (!work)
		return 0;
	key = (__u64)current_task();
	nr &= NST_MAX_SYSCALLS - 1;
	if (watch_containers && !is_followed(current_tgid())) {
		if (result < 0 || !has_entered())
			return 0;
		take_in((__u64)current_task(), NST_ENTERED);
	}
	pending = bpf_map_lookup_elem(&entered, &key);
	if (pending) {
		work->pending = *pending;
	} else {
		/* the registers still hold the arguments, and the descriptors are most likely what they were */
		if (see_entries ? call_class[nr] != CLASS_CALL && call_class[nr] != CLASS_NS :
				  call_class[nr] == CLASS_EXEC && result >= 0)
			return 0;
		if (watch_gates && call_class[nr] == CLASS_WRITE && gate_of(first_arg(regs, compat)) != GATE_FILE)
			return 0;
		enter_call(work, regs, nr, compat);
		work->pending.call.start = 0; /* where entries are seen, it was under way when tracing began */
		work->pending.faulted = call_class[nr] == CLASS_EXEC;
		if (fd_masks[nr] && (!see_entries || (watch_containers && call_class[nr] == CLASS_NS)))
			ship_call_files();
	}
	if (work->pending.call.nr != nr || work->pending.call.compat != compat)
		goto out;
	if (call_class[nr] == CLASS_FORK && result >= 0)
		goto out;
	if (watch_gates && call_class[nr] == CLASS_OPEN && (result < 0 || gate_of(result) != GATE_FIFO))
		goto out;
	if (call_class[nr] == CLASS_EXEC) {
		if (work->pending.faulted) /* or not read yet; the kernel may have brought the argument pages in meanwhile */
			ship_vector(argv_of(&work->pending.call));
		envc = count_vector(is_at(nr) ? work->pending.call.args[3] : work->pending.call.args[2]);
	}
	submit_call(true, result, envc);
	if (call_class[nr] == CLASS_NS && result >= 0)
		see_namespaces(key);
out:
	bpf_map_delete_elem(&entered, &key);
	return 0;
}

/* include/trace/events/syscalls.h */
SEC("tp_btf/sys_enter")
int TRACE_PROG(sys_enter, struct pt_regs *regs, long id)
{
	return begin_call(regs, id);
}

SEC("tp_btf/sys_exit")
int TRACE_PROG(sys_exit, struct pt_regs *regs, long result)
{
	return end_call(regs, tracepoint_call_number(regs), result);
}

/* ---- the process tree ------------------------------------------------------------------------------------------- */

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

/*
 * include/trace/events/task.h, in the creator's context, when the child is complete but has not run: it enters the set
 * here, so that it cannot do anything unseen.
 */
SEC("tp_btf/task_newtask")
int TRACE_PROG(task_newtask, struct task_struct *child, __u64 clone_flags)
{
	struct task_struct *creator = current_task();
	__u64 key = (__u64)creator;
	struct scratch *scratch;
	struct nst_rec_fork *rec;
	struct pending *pending;
	struct task_struct *parent;
	__u32 tgid = current_tgid();
	__u32 child_tgid = BPF_CORE_READ(child, tgid);
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
	take_event(HOOK_NEWTASK);
	if (child_tgid != tgid)
		follow(child_tgid, born_of(child) | (knows_moves() ? NAMESPACES_SEEN : 0));

	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_fork *)scratch->bytes;
	address = as_number(child);
	put_task((__u64)creator, TASK_AT(nst_rec_fork));
	put_task(address, __builtin_offsetof(struct nst_rec_fork, child));
	rec->flags = clone_flags;
	rec->exit_signal = BPF_CORE_READ(child, exit_signal);
	parent = BPF_CORE_READ(child, real_parent);
	rec->parent_tgid = shown_number(parent, BPF_CORE_READ(parent, tgid));
	rec->parent_born = born_of(parent);
	rec->pidfd = -1;
	rec->pad = 0;
	pending = see_entries ? bpf_map_lookup_elem(&entered, &key) : call_under_way(CLASS_FORK);
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

/* The name of a new image may be one that is followed. */
static __always_inline bool has_followed_name(struct task_struct *task)
{
	struct name_key key = {};

	if (!watch_names)
		return false;
	bpf_probe_read_kernel_str(key.comm, sizeof(key.comm), &task->comm);
	return bpf_map_lookup_elem(&names, &key) != 0;
}

#define PFA_NO_NEW_PRIVS 0 /* include/linux/sched.h, a bit of atomic_flags */

static __always_inline __u64 read_caps(const kernel_cap_t *caps)
{
	__u64 mask = 0;

	bpf_probe_read_kernel(&mask, sizeof(mask), caps);
	return mask;
}

static __always_inline void fill_creds(struct nst_rec_exec *rec, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct group_info *groups;
	__u64 bytes;

	rec->ids[0] = BPF_CORE_READ(cred, uid.val);
	rec->ids[1] = BPF_CORE_READ(cred, euid.val);
	rec->ids[2] = BPF_CORE_READ(cred, suid.val);
	rec->ids[3] = BPF_CORE_READ(cred, fsuid.val);
	rec->ids[4] = BPF_CORE_READ(cred, gid.val);
	rec->ids[5] = BPF_CORE_READ(cred, egid.val);
	rec->ids[6] = BPF_CORE_READ(cred, sgid.val);
	rec->ids[7] = BPF_CORE_READ(cred, fsgid.val);
	groups = BPF_CORE_READ(cred, group_info);
	rec->groups_count = BPF_CORE_READ(groups, ngroups);
	bytes = rec->groups_count * sizeof(kgid_t) & 0xfffff; /* as in put_task() */
	if (bytes > sizeof(rec->groups))
		bytes = sizeof(rec->groups);
	bpf_probe_read_kernel(rec->groups, bytes, (void *)groups + bpf_core_field_offset(groups->gid));
	rec->caps[0] = read_caps(&cred->cap_inheritable);
	rec->caps[1] = read_caps(&cred->cap_permitted);
	rec->caps[2] = read_caps(&cred->cap_effective);
	rec->caps[3] = read_caps(&cred->cap_bset);
	rec->caps[4] = read_caps(&cred->cap_ambient);
	rec->no_new_privs = BPF_CORE_READ(task, atomic_flags) >> PFA_NO_NEW_PRIVS & 1;
	rec->seccomp = 0;
	if (bpf_core_field_exists(task->seccomp))
		rec->seccomp = BPF_CORE_READ(task, seccomp.mode);
}

/* include/trace/events/sched.h: an exec has succeeded; the new image's memory is in place. */
SEC("tp_btf/sched_process_exec")
int TRACE_PROG(sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
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
		if (!has_followed_name(task) || !is_visible(task) || (!payload && is_inside(task)))
			return 0;
		take_in((__u64)current_task(), NST_NAMED);
	}
	take_event(HOOK_EXEC);
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_exec *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_exec));
	fill_cpu(&rec->cpu, task);
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
	rec->argc = BPF_CORE_READ(bprm, argc);
	rec->envc = BPF_CORE_READ(bprm, envc);
	rec->inode = BPF_CORE_READ(bprm, file, f_inode, i_ino);
	rec->device = BPF_CORE_READ(bprm, file, f_inode, i_sb, s_dev);
	mm = BPF_CORE_READ(task, mm);
	start = BPF_CORE_READ(mm, arg_start);
	args = BPF_CORE_READ(mm, arg_end) - start;
	total = ship_env ? BPF_CORE_READ(mm, env_end) - start : args;
	rec->image_args = args;
	rec->image_total = total;
	got = bpf_probe_read_kernel_str(scratch->bytes + sizeof(*rec), STRING_MAX, BPF_CORE_READ(bprm, filename));
	if (got > 0)
		off += got & (2 * STRING_MAX - 1);
	else
		scratch->bytes[off++] = 0;
	off &= RECORD_MAX / 2 - 1;
	got = bpf_probe_read_kernel_str(scratch->bytes + off, STRING_MAX, BPF_CORE_READ(bprm, interp));
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
	__u64 key = (__u64)task;
	struct nst_rec_exit *rec;
	struct scratch *scratch;
	__u32 tgid = BPF_CORE_READ(task, tgid);
	bool last = false;

	if (!is_followed(tgid))
		return 0;
	take_event(HOOK_EXIT);
	count_unfinished(key);
	forget_event(HOOK_NO_RETURN);
	bpf_map_delete_elem(&entered, &key);
	if (!see_entries && call_under_way(CLASS_NO_RETURN))
		submit_call(false, 0, NST_NO_COUNT);
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		last = bpf_map_delete_elem(&followed, &tgid) == 0;
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_exit *)scratch->bytes;
	put_task((__u64)current_task(), TASK_AT(nst_rec_exit));
	rec->last = last;
	fill_cpu(&rec->cpu, task);
	/* kernel/exit.c, wait_task_zombie(): what the parent will be told */
	if (!last)
		rec->status = BPF_CORE_READ(task, exit_code);
	else if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		rec->status = BPF_CORE_READ(task, signal, group_exit_code);
	else
		rec->status = BPF_CORE_READ(task, group_leader, exit_code);
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
	take_event(HOOK_RENAME);
	if (!see_entries && key == (__u64)current_task()) {
		/* of an exec this is the last moment at which the call's registers are what they were */
		pending = call_under_way(CLASS_EXEC);
		if (pending) {
			if (bpf_map_update_elem(&entered, &key, pending, BPF_ANY))
				count_map_full();
			if (fd_masks[pending->call.nr & (NST_MAX_SYSCALLS - 1)])
				ship_call_files(); /* those that the exec has closed are gone by now */
			return 0;
		}
	}
	pending = bpf_map_lookup_elem(&entered, &key);
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
 * threads, and `task` is their leader. A host with cgroup v1 has a move in each hierarchy: that of cgroup_of() counts.
 */
SEC("tp_btf/cgroup_attach_task")
int TRACE_PROG(cgroup_attach_task, struct cgroup *to, const char *path, struct task_struct *task, bool threadgroup)
{
	struct nst_rec_cgroup *rec;
	struct scratch *scratch;
	long got;

	if (!is_followed(BPF_CORE_READ(task, tgid))) {
		if (!watch_containers || !is_container(to) || !is_visible(task) || cgroup_of(task) != BPF_CORE_READ(to, kn, id))
			return 0;
		take_in(as_number(task), NST_MOVED);
	}
	take_event(HOOK_CGROUP);
	scratch = this_scratch();
	if (!scratch)
		return 0;
	rec = (struct nst_rec_cgroup *)scratch->bytes;
	put_task(as_number(task), TASK_AT(nst_rec_cgroup));
	if (rec->task.cgroup != BPF_CORE_READ(to, kn, id))
		return 0;
	got = bpf_probe_read_kernel_str(scratch->bytes + sizeof(*rec), STRING_MAX, path);
	if (got < 0)
		got = 0;
	submit(&rec->head, NST_CGROUP, sizeof(*rec) + (got & (2 * STRING_MAX - 1)));
	return 0;
}

#include "signals.bpf.h"
#include "spares.bpf.h"
#include "fentry.bpf.h"

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
