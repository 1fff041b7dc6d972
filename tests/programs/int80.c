// SPDX-License-Identifier: MIT
// Trap: a 64-bit program may call the kernel as a 32-bit one does (int 0x80): the numbers mean other calls, registers
// are others, and a vector has pointers of 4 bytes. 165 is mount for one and getresuid for the other.
// Trace, all but the last as 32-bit calls: unshare(CLONE_FS) = 0, chdir("/") = 0, setns(-1, 0) = EBADF, setreuid(-1, -1)
// = 0 with ids of 16 bits, execve("/missing", ["int80", "second argument"]) = ENOENT, a child of clone that exits with 7,
// execve(SELF, ["int80", "after"]), and as the kernel's own chdir("/"); exit 0. getresuid is in no trace.
#include "program.h"

#if defined(__x86_64__)

// Where 32 bits reach: the program is linked statically, at a low address.
static uint32_t vector[3];
static char missing[] = "/missing", name[] = "int80", second[] = "second argument", after[] = "after", top[] = "/";
static char self[] = "/proc/self/exe";

static long call32(long number, long a, long b, long c, long d, long e) {
  long result;

  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static uint32_t low(const void* at) { return (uint32_t)(uintptr_t)at; }

static void refused(int number) {
  (void)number;
  printf("compat=0\n");
  fflush(stdout);
  _exit(0);
}

int main(int argc, char** argv) {
  long child;

  (void)argv;
  if (argc == 2) {
    must(chdir("/") == 0, "chdir");
    return 0;
  }
  signal(SIGSEGV, refused);  // a kernel without 32-bit programs
  if (call32(20, 0, 0, 0, 0, 0) != getpid()) refused(0);
  signal(SIGSEGV, SIG_DFL);
  call32(165, low(vector), low(vector), low(vector), 0, 0);
  must(call32(310, CLONE_FS, 0, 0, 0, 0) == 0, "unshare");
  must(call32(12, low(top), 0, 0, 0, 0) == 0, "chdir");
  must(call32(346, -1, 0, 0, 0, 0) == -EBADF, "setns");
  must(call32(70, 0xffff, 0xffff, 0, 0, 0) == 0, "setreuid");
  vector[0] = low(name);
  vector[1] = low(second);
  must(call32(11, low(missing), low(vector), 0, 0, 0) == -ENOENT, "execve");
  child = call32(120, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) call32(252, 7, 0, 0, 0, 0);
  printf("compat=1\nchild=%ld\n", child);
  fflush(stdout);
  wait_for((pid_t)child);
  vector[1] = low(after);
  call32(11, low(self), low(vector), 0, 0, 0);
  return 98;
}

#else

int main(void) {
  printf("compat=0\n");
  return 0;
}

#endif
