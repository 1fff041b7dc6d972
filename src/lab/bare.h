// SPDX-License-Identifier: MIT
// Linux without a C library: one function per way into the kernel, and the few string helpers that are needed.
// The helper must make exactly the calls of its plan, so nothing else may run in it.
#ifndef NSTRACE_LAB_BARE_H
#define NSTRACE_LAB_BARE_H

// A system call with up to six arguments; the result is the kernel's, -errno when it failed.
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "the mini runtime knows x86_64 and arm64"
#endif
}

#define SYSCALL(number, a, b, c) system_call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static inline unsigned long text_length(const char* text) {
  unsigned long length = 0;
  while (text[length] != 0) ++length;
  return length;
}

static inline int text_equal(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

// Decimal digits of `number`, ended by NUL; gives their count.
static inline unsigned text_number(char* out, unsigned long number) {
  char digits[20];
  unsigned count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (unsigned i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  out[count] = 0;
  return count;
}

// The leading decimal digits of `text`; *end is what follows them.
static inline unsigned long number_of(const char* text, const char** end) {
  unsigned long number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) number = number * 10 + (unsigned long)(*text - '0');
  *end = text;
  return number;
}

int small_command(const char* name, char** argv);  // commands.c

#endif
