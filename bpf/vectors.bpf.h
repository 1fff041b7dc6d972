/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Argument vectors of any length, in chunks: argv as it was called, element by element, and the memory of a new image, in
 * which argv and environment lie side by side.
 * Part of nstrace.bpf.c.
 */
#ifndef NSTRACE_VECTORS_BPF_H
#define NSTRACE_VECTORS_BPF_H

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

#endif
