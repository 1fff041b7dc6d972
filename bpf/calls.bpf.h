/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * System calls: whether one is recorded, its arguments and the memory behind them, its begin and its end.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_CALLS_BPF_H
#define NSTRACE_CALLS_BPF_H

#define STRING_MAX 4096
#define SMALLEST_PAGE 4096
#define LOWEST_POINTER 4096 /* below it nothing is ever mapped: a number where another call has a pointer */

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
	if (spec->firsts && !((__u32)work->args[0] < 32 && spec->firsts >> (work->args[0] & 31) & 1))
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

/* `known`: the verifier knows that `regs` are registers, as those of a tracepoint are. */
#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h: a 32-bit system call is active */
static __always_inline bool is_compat(void)
{
	if (CURRENT_IS_KNOWN)
		return ((struct task_struct *)bpf_get_current_task_btf())->thread_info.status & TS_COMPAT;
	return BPF_CORE_READ(current_task(), thread_info.status) & TS_COMPAT;
}
/* arch/x86/include/asm/syscall.h, SC_IA32_REGS_TO_ARGS */
static __always_inline void read_compat_args(__u64 *args, struct pt_regs *regs, const bool known)
{
	args[0] = (__u32)FIELD(known, regs, bx);
	args[1] = (__u32)FIELD(known, regs, cx);
	args[2] = (__u32)FIELD(known, regs, dx);
	args[3] = (__u32)FIELD(known, regs, si);
	args[4] = (__u32)FIELD(known, regs, di);
	args[5] = (__u32)FIELD(known, regs, bp);
}
static __always_inline void read_args(__u64 *args, struct pt_regs *regs, const bool known)
{
	args[0] = FIELD(known, regs, di);
	args[1] = FIELD(known, regs, si);
	args[2] = FIELD(known, regs, dx);
	args[3] = FIELD(known, regs, r10);
	args[4] = FIELD(known, regs, r8);
	args[5] = FIELD(known, regs, r9);
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
static __always_inline void read_compat_args(__u64 *args, struct pt_regs *regs, const bool known)
{
}
/* the registers stand in a union there, by way of which no verifier was asked for plain loads */
static __always_inline void read_args(__u64 *args, struct pt_regs *regs, const bool known)
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

static __always_inline int first_arg(struct pt_regs *regs, __u32 compat, const bool known)
{
	__u64 args[NST_ARGS] = {};

	if (compat)
		read_compat_args(args, regs, known);
	else
		read_args(args, regs, known);
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

static __always_inline void enter_call(struct work *work, struct pt_regs *regs, __u32 nr, __u32 compat, const bool known)
{
	struct pending *pending = &work->pending;

	__builtin_memset(pending, 0, sizeof(*pending));
	pending->call.id = bpf_ktime_get_boot_ns();
	pending->call.start = see_entries ? pending->call.id : 0;
	pending->call.nr = nr;
	pending->call.compat = compat;
	pending->call.tid = this_tid();
	if (compat)
		read_compat_args(pending->call.args, regs, known);
	else
		read_args(pending->call.args, regs, known);
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
	enter_call(work, regs, nr, compat, false);
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
	if (CURRENT_IS_KNOWN)
		fill_cpu(&rec->cpu, (struct task_struct *)bpf_get_current_task_btf(), true);
	else
		fill_cpu(&rec->cpu, current_task(), false);
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
static __always_inline int begin_call(struct pt_regs *regs, __u32 nr, const bool known)
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
	if (watch_gates && call_class[nr] == CLASS_WRITE && gate_of(first_arg(regs, compat, known)) != GATE_FILE)
		return 0;
	if (watch_containers && !is_followed(current_tgid()))
		return 0;
	key = (__u64)current_task();
	count_unfinished(key);
	enter_call(work, regs, nr, compat, known);
	if (fd_masks[nr] & ~NST_RETURNS_FD)
		ship_call_files();
	if (call_class[nr] == CLASS_NO_RETURN) {
		take_event(HOOK_NO_RETURN, current_task());
		submit_call(false, 0, NST_NO_COUNT);
		return 0;
	}
	if (call_class[nr] == CLASS_EXEC)
		work->pending.faulted = argv_at_prepare || ship_vector(argv_of(&work->pending.call));
	if (bpf_map_update_elem(&entered, &key, &work->pending, BPF_ANY))
		count_map_full();
	return 0;
}

/* A call ends. A successful exec or fork was reported when it happened. */
static __always_inline int end_call(struct pt_regs *regs, __u32 nr, long result, const bool known)
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
		/*
		 * It was under way when tracing began, seccomp has refused it (then there is no sys_enter), or none is
		 * seen at all. The registers still hold the arguments, and the descriptors are most likely what they were.
		 */
		if ((call_class[nr] == CLASS_EXEC || call_class[nr] == CLASS_FORK) && result >= 0)
			return 0;
		if (watch_gates && call_class[nr] == CLASS_WRITE && gate_of(first_arg(regs, compat, known)) != GATE_FILE)
			return 0;
		enter_call(work, regs, nr, compat, known);
		work->pending.call.start = 0;
		work->pending.faulted = call_class[nr] == CLASS_EXEC;
		if (fd_masks[nr] & ~NST_RETURNS_FD)
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
	if (result >= 0 && fd_masks[nr] & NST_RETURNS_FD)
		ship_result_file(result);
	submit_call(true, result, envc);
	if (call_class[nr] == CLASS_NS && result >= 0)
		see_namespaces(key);
out:
	bpf_map_delete_elem(&entered, &key);
	return 0;
}

/*
 * 64 calls, a bit for each number that is recorded, as a constant of the program: user space puts it there. A table would
 * be the first memory that a program touches, which costs more than all that it does for a call that is not recorded.
 */
#define CALLS_WORD(index)                                                                                              \
	case index:                                                                                                    \
		asm volatile("%0 = 0x4e5354570000000" #index " ll" : "=r"(word));                                      \
		break

static __always_inline bool may_be_wanted(__u64 nr)
{
	__u64 word;

	switch (nr / 64) {
	CALLS_WORD(0);
	CALLS_WORD(1);
	CALLS_WORD(2);
	CALLS_WORD(3);
	CALLS_WORD(4);
	CALLS_WORD(5);
	CALLS_WORD(6);
	CALLS_WORD(7);
	default:
		return false;
	}
	return word >> (nr & 63) & 1;
}

#define ENTERED_NR(ctx) (ctx)[1]
#define LEFT_NR(ctx) tracepoint_call_number((struct pt_regs *)(ctx)[0])

/* include/trace/events/syscalls.h */
SEC("tp_btf/sys_enter")
int TRACE_PROG_IF(may_be_wanted(ENTERED_NR(ctx)), sys_enter, struct pt_regs *regs, long id)
{
	return begin_call(regs, id, true);
}

SEC("tp_btf/sys_exit")
int TRACE_PROG_IF(may_be_wanted(LEFT_NR(ctx)), sys_exit, struct pt_regs *regs, long result)
{
	return end_call(regs, tracepoint_call_number(regs), result, true);
}

#endif
