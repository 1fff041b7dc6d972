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
const volatile __u8 fd_masks[NST_MAX_SYSCALLS]; /* a bit for each argument that is or has a descriptor, and NST_RETURNS_FD */
const volatile __u16 compat_calls[NST_MAX_SYSCALLS]; /* by a 32-bit program's number: the kernel's own; 0 = none */
const volatile __u64 wakeup_bytes = 1 << 18; /* wake the reader each time that so much more is waiting */
const volatile bool use_near_ring;
const volatile bool ship_env = true;
const volatile __u32 iterator_slot; /* of `scratches` */
const volatile bool preemptible; /* tracepoints leave preemption on: see preempt.bpf.h */
const volatile bool see_entries = true; /* sys_enter is attached; else a call is known from its end alone */
const volatile bool argv_at_prepare; /* sched_prepare_exec is attached, and reads argv where it can be read for certain */
const volatile bool watch_moves; /* no setns or unshare goes unseen, so that only what they touch is looked at */
const volatile bool watch_gates; /* calls of CLASS_WRITE and CLASS_OPEN are recorded */
const volatile bool watch_containers; /* the maps of containers.bpf.h are not empty */
const volatile bool payload = true; /* false: nobody is followed beyond the exec of a container's own program */
const volatile __u8 cgroup_hierarchy; /* where a task's cgroup is looked for: a task has one in each */
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

enum { /* the numbers of CgroupHierarchy in src/capture/existing.h */
	HIERARCHY_V2 = 0,
	HIERARCHY_PIDS, /* of version 1 */
	HIERARCHY_MEMORY, /* likewise */
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

/* Names that are followed from their exec on: by what fits into comm, since longer ones can begin alike. */
struct name_key {
	char comm[NST_COMM_LEN];
	__u32 index; /* from 0, among those that begin alike */
};
struct name {
	__u32 length;
	char text[NST_NAME_LEN];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct name_key);
	__type(value, struct name);
} names SEC(".maps");

/* Calls that were entered, by task: a thread that execs changes its tid on the way, but not its task_struct. */
struct pending {
	struct nst_call call;
	__u32 faulted; /* argv is still to be read, or an element could not be */
	__u32 pad;
	char comm[NST_COMM_LEN];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct pending);
} entered SEC(".maps");

/*
 * Records go into the near ring, which is small enough to stay in a processor's cache: a ring is written all around, and
 * memory that was not touched for long takes much longer to be. When it is full, they go into the large one, all of them
 * until the reader has emptied that, so that the reader can keep their order (Probe::consume()).
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} near_ring SEC(".maps");

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

/*
 * Is the reader to be woken? For each `wakeup_bytes`, once; at 0 whenever it had caught up, which is all that the ring
 * does by itself (bpf_ringbuf_commit() in kernel/bpf/ringbuf.c).
 */
static __always_inline __u64 wake_up(__u64 waiting, __u64 size)
{
	if (!wakeup_bytes)
		return 0;
	return waiting / wakeup_bytes == (waiting + size) / wakeup_bytes ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
}

/* False: there was no room. */
static __always_inline bool send(void *record, __u64 size)
{
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	__u64 near;

	if (use_near_ring && !waiting) {
		near = bpf_ringbuf_query(&near_ring, BPF_RB_AVAIL_DATA);
		if (!bpf_ringbuf_output(&near_ring, record, size, wake_up(near, size)))
			return true;
	}
	return !bpf_ringbuf_output(&ring, record, size, wake_up(waiting, size));
}

/* Fills the head, sends, counts. The number is handed out before the room is known, so that a loss leaves a gap. */
static __always_inline void submit(struct nst_head *head, __u32 type, __u64 size)
{
	struct nst_counters *count = bpf_map_lookup_elem(&counters, &zero);

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
	if (send(head, size))
		count->sent++;
	else
		count->dropped++;
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

#include "tasks.bpf.h" /* each part uses those above it */
#include "vectors.bpf.h"
#include "files.bpf.h"
#include "gates.bpf.h"
#include "calls.bpf.h"
#include "tree.bpf.h"
#include "signals.bpf.h"
#include "spares.bpf.h"
#include "fentry.bpf.h"
#include "existing.bpf.h"
