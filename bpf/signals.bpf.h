/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Signals, for nstrace.bpf.c; these programs are loaded only when signals were asked for.
 *
 * strace shows what its tracees are about to get, and as their tracer it gets what they ignore, too. The kernel tells of
 * it in two places: signal_deliver, and signal_generate for a signal that is dropped at once since it is ignored. One
 * that ends the process is not delivered either: complete_signal() of kernel/signal.c makes a SIGKILL of it for each
 * thread, which says nothing of the sender; so it is told when it is sent.
 *
 * A timer's signal comes in an interrupt, maybe on top of another program of ours: so the record has a scratch of its own
 * (the lock of the signal handlers is held, so that there is but one at a time), and takes no part in the numbering of its
 * CPU, which that program may be about to change. What is lost is counted.
 */

const volatile __u64 signal_mask; /* a bit for each signal that is wanted: 1 << (number - 1) */

#define SIGKILL 9
#define SENT 0 /* TRACE_SIGNAL_DELIVERED and TRACE_SIGNAL_IGNORED, include/trace/events/signal.h */
#define IGNORED 1
#define SI_KERNEL 0x80 /* include/uapi/asm-generic/siginfo.h */

static __always_inline void send_signal(int number, __u64 info, __u64 task)
{
	struct nst_counters *count = bpf_map_lookup_elem(&counters, &zero);
	__u32 slot = iterator_slot + 1 + bpf_get_smp_processor_id();
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct nst_rec_signal *rec;

	if (!count || !scratch)
		return;
	rec = (struct nst_rec_signal *)scratch->bytes;
	put_task(task, TASK_AT(nst_rec_signal) | IN_SIGNAL);
	rec->number = number;
	__builtin_memset(&rec->info, 0, sizeof(rec->info));
	if (info == 1) /* SEND_SIG_PRIV: the kernel's own */
		rec->info.code = SI_KERNEL;
	else if (info == 0) /* SEND_SIG_NOINFO: as from kill(2) */
		rec->info.fields[0] = current_tgid();
	else
		bpf_probe_read_kernel(&rec->info, sizeof(rec->info), (void *)info);
	rec->head.size = sizeof(*rec);
	rec->head.type = NST_SIGNAL;
	rec->head.cpu = bpf_get_smp_processor_id();
	rec->head.seq = NST_NO_SEQ;
	rec->head.time = bpf_ktime_get_boot_ns();
	if (send(rec, sizeof(*rec)))
		count->signals_sent++;
	else
		count->signals_lost++;
}

static __always_inline bool signal_is_wanted(int number)
{
	return number >= 1 && number <= 64 && (signal_mask >> ((number - 1) & 63) & 1);
}

/* include/trace/events/signal.h, in the context of who gets it, whatever is done about it then */
SEC("tp_btf/signal_deliver")
int BPF_PROG(signal_deliver, int number, struct kernel_siginfo *info, struct k_sigaction *action)
{
	if (number == SIGKILL || !signal_is_wanted(number) || !is_followed(current_tgid()))
		return 0;
	send_signal(number, as_number(info), (__u64)current_task());
	return 0;
}

/* include/trace/events/signal.h, in the context of the sender, or in any when the kernel is it */
SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generate, int number, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	bool ending;

	if ((result != IGNORED && result != SENT) || !signal_is_wanted(number) || !is_followed(BPF_CORE_READ(task, tgid)))
		return 0;
	/* who is about to end ignores all but what ends it */
	ending = BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT;
	if (ending == (result == IGNORED) || (ending && BPF_CORE_READ(task, signal, group_exit_code) != number))
		return 0;
	send_signal(number, as_number(info), as_number(task));
	return 0;
}
