/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The wire format between nstrace.bpf.c and src/capture: fixed-width fields, explicit padding, one tagged head.
 * A record's variable part follows its fixed part; `size` in the head counts both.
 */
#ifndef NSTRACE_EVENTS_H
#define NSTRACE_EVENTS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define NST_COMM_LEN 16
#define NST_PATH_MAX 4096
#define NST_NAME_LEN 64 /* of a name that is followed; what is longer is cut */
#define NST_MAX_LEVELS 8 /* nested pid namespaces that are recorded; the kernel allows 32 */
#define NST_NS_SLOTS 10 /* order of trace::Ns */
#define NST_MAX_SYSCALLS 512
#define NST_CHUNK (32 * 1024) /* of an argument vector; a power of two */
#define NST_ARGS 6
#define NST_MAX_FILES 256 /* descriptors that are listed at an exec */
#define NST_MAX_GROUPS 32 /* supplementary groups that are listed at an exec */
#define NST_RETURNS_FD 0x80 /* beside a bit for each argument */
#define NST_ARG_STRIDE 8 /* of the capture table: a power of two, for the verifier */

enum nst_record {
	NST_FORK = 1,
	NST_EXEC,
	NST_EXIT,
	NST_RENAME,
	NST_SYSCALL,
	NST_CHUNK_CALLED, /* part of the argv as called */
	NST_CHUNK_IMAGE, /* part of the new image's argv and environment */
	NST_TASK, /* a process that existed, from the iterator; or one that is followed from now on */
	NST_FILES_CALL, /* what the descriptors of a call are */
	NST_FILES_RESULT, /* what the descriptor is that a call returns */
	NST_FILES_EXEC, /* folders and descriptors that a new image begins with */
	NST_NAMESPACE, /* one at first sight */
	NST_CGROUP, /* a move */
	NST_SIGNAL,
};

/* A task: who, and where it lives. */
struct nst_task {
	__u32 tid;
	__u32 tgid;
	__u64 born; /* start_boottime of the thread group leader, ns */
	__u64 cgroup;
	__u32 ns[NST_NS_SLOTS];
	__u32 level; /* depth of its pid namespace; ids[0..level] are valid; beyond NST_MAX_LEVELS the last is the innermost */
	__u32 global; /* its tgid in the first pid namespace, whose numbers the maps have; the others are as the tracer sees them */
	__u32 ids[NST_MAX_LEVELS];
	char comm[NST_COMM_LEN];
};

struct nst_head {
	__u32 size; /* of the whole record */
	__u16 type; /* enum nst_record */
	__u16 cpu;
	__u64 seq; /* per CPU, counts what was attempted: a gap is a loss; or NST_NO_SEQ */
	__u64 time; /* CLOCK_BOOTTIME, ns */
};

#define NST_NO_SEQ (~0ull) /* takes no part in the numbering; its losses are counted */

/* A call, as it was entered; part of the records that a call leads to. */
struct nst_call {
	__u64 start; /* CLOCK_BOOTTIME, ns; 0 = the entry was not seen */
	__u64 args[NST_ARGS];
	__u32 nr; /* ~0 = not known */
	__u32 tid; /* at entry */
	__u64 id; /* joins the chunks of an exec to it */
	__u32 compat; /* the number that a 32-bit program called it by; 0 = it is none */
	__u32 pad;
};

#define NST_NO_COUNT (~0u)

/* What a descriptor or a folder is. In the bytes of an NST_FILES_* chunk, one after the other, each padded to 8. */
enum nst_file_kind {
	NST_FILE_UNKNOWN = 0,
	NST_FILE_PATH, /* bytes: its names, the last one first, each with its NUL; number = inode */
	NST_FILE_UNNAMED, /* bytes: its only name (a memory file); number = inode */
	NST_FILE_NS, /* bytes: the type; number = inode */
	NST_FILE_PIDFD, /* number = pid as the tracer sees it */
	NST_FILE_PIPE, /* number = inode */
	NST_FILE_SOCKET, /* number = inode */
	NST_FILE_ANONYMOUS, /* bytes: its name */
};
struct nst_file {
	__s32 fd; /* in a call's: which argument; or one of these: */
	__u32 kind;
	__u64 number;
	__u32 device; /* as nst_rec_exec.device */
	__u32 flags;
	__u32 length; /* of the bytes that follow */
	__u32 pad;
};
#define NST_FILE_CWD (-1)
#define NST_FILE_ROOT (-2)
#define NST_FILE_UNREACHABLE 1 /* not below the root of the process */
#define NST_FILE_DELETED 2
#define NST_FILE_CUT 4 /* there are more names */

/* What the scheduler has counted of a task, in ns. */
struct nst_cpu {
	__u64 on; /* ran */
	__u64 waited; /* was ready to run; NST_NO_TIME = not counted by this kernel */
	__u64 blocked; /* how often it has blocked; a count */
};
#define NST_NO_TIME (~0ull)

struct nst_rec_fork {
	struct nst_head head;
	struct nst_task task; /* creator */
	struct nst_call call;
	struct nst_task child;
	__u64 flags;
	__u64 parent_born;
	__u32 parent_tgid;
	__u32 exit_signal;
	__s32 pidfd; /* what the creator is told with CLONE_PIDFD; -1 = nothing, or it could not be read */
	__u32 told; /* what the call returns: the child's number in the creator's own pid namespace */
	/* then: struct nst_piece of clone3's arguments */
};

struct nst_rec_exec {
	struct nst_head head;
	struct nst_task task; /* after */
	struct nst_call call;
	struct nst_cpu cpu; /* of the task that called it */
	__u64 inode;
	__u32 device; /* kernel-internal dev_t: major << 20 | minor */
	__u32 argc;
	__u32 envc;
	__u32 files_more; /* open descriptors beyond those listed */
	__u32 ids[8]; /* uid euid suid fsuid gid egid sgid fsgid, in the first user namespace */
	__u64 caps[5]; /* inheritable permitted effective bounding ambient */
	__u32 no_new_privs;
	__u32 seccomp; /* as /proc/PID/status has it */
	__u64 image_args; /* bytes of argv in the image chunks; environment follows */
	__u64 image_total; /* bytes that the image chunks should add up to */
	char comm_before[NST_COMM_LEN];
	__u32 groups_count; /* supplementary groups, of which at most NST_MAX_GROUPS are here */
	__u32 pad;
	__u32 groups[NST_MAX_GROUPS];
	/* then: filename NUL interpreter NUL */
};

struct nst_rec_exit {
	struct nst_head head;
	struct nst_task task;
	__u32 status; /* as wait(2) has it */
	__u32 last; /* the process is gone */
	struct nst_cpu cpu;
};

struct nst_rec_rename {
	struct nst_head head;
	struct nst_task task; /* comm = the new one */
	char before[NST_COMM_LEN];
};

struct nst_rec_namespace {
	struct nst_head head;
	struct nst_task task; /* who was looked at, or made the one who was */
	__u64 id; /* the kernel's unique one; 0 = it has none */
	__u32 slot; /* order of trace::Ns */
	__u32 inode;
	__u32 owner; /* user namespace */
	__u32 parent; /* pid and user namespaces */
};

struct nst_rec_cgroup {
	struct nst_head head;
	struct nst_task task; /* who was moved; its cgroup is the new one */
	/* then: path NUL */
};

/* struct kernel_siginfo, whose layout is that of siginfo_t: include/uapi/asm-generic/siginfo.h */
struct nst_siginfo {
	__s32 number;
	__s32 error;
	__s32 code;
	__u32 pad;
	__u32 fields[8]; /* union __sifields */
};

struct nst_rec_signal {
	struct nst_head head;
	struct nst_task task; /* who gets it */
	__u32 number;
	__u32 pad;
	struct nst_siginfo info;
};

struct nst_rec_syscall {
	struct nst_head head;
	struct nst_task task; /* after */
	struct nst_call call;
	__s64 result;
	__u32 pieces; /* how many struct nst_piece follow */
	__u32 envc; /* of a failed exec: elements of its environment; NST_NO_COUNT = not known */
	__u32 returned; /* 0: a call that does not return, reported when it began */
	__u32 pad;
	struct nst_cpu cpu;
};

/* Memory behind an argument: `length` bytes follow, then padding to 8. */
struct nst_piece {
	__u32 arg;
	__s32 length; /* negative: could not be read (-errno) */
};

struct nst_rec_chunk {
	struct nst_head head;
	__u64 id; /* nst_call.id */
	__u32 index;
	__u32 flags; /* NST_CHUNK_* */
	__u32 tid;
	__u32 length; /* bytes that follow */
};
#define NST_CHUNK_LAST 1
#define NST_CHUNK_FAULT 2 /* an element could not be read */
#define NST_CHUNK_CUT 4 /* there were more elements than the limit */

/* Why a process is followed that nobody made who was. */
enum nst_why {
	NST_FROM_BEGIN = 1,
	NST_NAMED, /* it has executed a program whose name is followed */
	NST_ENTERED, /* a namespace of a container that is watched */
	NST_MOVED, /* into its cgroup */
};

struct nst_rec_task {
	struct nst_head head;
	struct nst_task task;
	__u64 parent_born;
	__u32 parent_tgid;
	__u32 followed; /* enum nst_why; 0 = it is not */
};

/* What must be read of an argument; the numbers of trace::Capture. */
struct nst_capture {
	__u8 what;
	__u8 size;
	__u8 scale;
	__u8 extra;
	__u32 first; /* not 0: only where argument 0 has this value */
	__u32 firsts; /* not 0: only where argument 0 is one of these, a bit each */
	__u8 fd_at; /* not 0: a descriptor stands there in the structure, where bit fd_bit of its first 8 bytes is set */
	__u8 fd_bit;
	__u8 pad[2];
};

/* Counters, one set per CPU. */
struct nst_counters {
	__u64 attempted;
	__u64 sent;
	__u64 dropped; /* the ring buffer was full */
	__u64 map_full; /* a map had no room: a process may not be followed */
	__u64 unread; /* memory that could not be read */
	__u64 seq;
	__u64 signals_sent;
	__u64 signals_lost; /* the ring buffer was full */
};

#endif
