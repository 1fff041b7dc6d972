// SPDX-License-Identifier: MIT
// Signals of every kind, each at a moment of its own: sent to itself with words of its own (rt_tgsigqueueinfo(2) lets a
// process claim anything to itself), from a child that ends or stops, from a timer, from a fault, caught and ignored.
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "program.h"

static volatile int caught;

static void on_signal(int number) {
  (void)number;
  ++caught;
}

struct Claim {
  int number, code, error;
  uint32_t fields[8];
};

// To itself: number, code and fields as they are.
static void claim(const struct Claim* what) {
  uint32_t info[32] = {(uint32_t)what->number, (uint32_t)what->error, (uint32_t)what->code};

  memcpy(&info[4], what->fields, sizeof what->fields);
  syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), what->number, info);
}

int main(void) {
  static const int kCaught[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
                                SIGSYS,  SIGIO,   SIGALRM, SIGPIPE, 34,     64,     SIGCHLD};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  struct itimerval soon = {.it_value = {.tv_usec = 2000}};
  struct timespec pause = {.tv_nsec = 100000000};
  int status;
  pid_t child;

  for (unsigned i = 0; i < sizeof kCaught / sizeof kCaught[0] - 1; ++i) sigaction(kCaught[i], &action, NULL);

  // ignored: by default, and by choice
  kill(getpid(), SIGURG);
  kill(getpid(), SIGWINCH);
  signal(SIGPIPE, SIG_IGN);
  kill(getpid(), SIGPIPE);
  // a child that ends; SIGCHLD is ignored, then caught
  if ((child = fork()) == 0) _exit(3);
  wait_for(child);
  sigaction(SIGCHLD, &action, NULL);
  if ((child = fork()) == 0) _exit(0);
  wait_for(child);
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  if ((child = fork()) == 0) {
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
  }
  wait_for(child);
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  if ((child = fork()) == 0) {
    raise(SIGSTOP);
    _exit(1);
  }
  must(waitpid(child, &status, WUNTRACED) == child, "waitpid");
  kill(child, SIGCONT);
  wait_for(child);
  // what kill, tgkill and sigqueue say
  kill(getpid(), SIGUSR1);
  raise(SIGUSR2);
  sigqueue(getpid(), 34, (union sigval){.sival_int = 7});
  sigqueue(getpid(), 64, (union sigval){.sival_ptr = NULL});
  // a timer
  setitimer(ITIMER_REAL, &soon, NULL);
  while (nanosleep(&pause, &pause) == 0 && !caught) continue;
  // all that can be claimed
  static const struct Claim kClaims[] = {
      {SIGUSR1, -1, 0, {5, 6, 7, 8}},
      {SIGUSR1, -2, 0, {5, 6, 7, 0}},
      {SIGUSR1, -3, 0, {5, 0xffffffff, 0, 0}},
      {SIGUSR1, -5, 0, {5, 6, 0, 9}},
      {SIGUSR1, -6, 22, {5, 6, 7, 8}},
      {SIGUSR1, -60, 0, {5, 6, 7, 8}},
      {SIGUSR1, -99, 0, {5, 6, 7, 8}},
      {SIGUSR1, 1, 0, {5, 6, 7, 8}},
      {SIGUSR1, 0x80, 0, {0, 0, 0, 0}},
      {SIGUSR1, 0x80, 999, {0, 0, 7, 0}},
      {SIGCHLD, 1, 0, {5, 6, 7, 0, 0, 0, 0, 0}},
      {SIGCHLD, 2, 0, {5, 6, 9, 0, 1, 0, 250, 0}},
      {SIGCHLD, 3, 0, {5, 6, 11, 0, 12345, 0, 99, 0}},
      {SIGCHLD, 5, 0, {5, 6, 19, 0, 0, 0, 0, 0}},
      {SIGCHLD, 6, 0, {5, 6, 18, 0, 0, 0, 0, 0}},
      {SIGCHLD, 7, 0, {5, 6, 77, 0, 0, 0, 0, 0}},
      {SIGSEGV, 1, 0, {0x1000, 1}},
      {SIGSEGV, 2, 0, {0, 0}},
      {SIGSEGV, 3, 0, {0x1000, 0, 0, 0, 0x2000, 0, 0x3000, 0}},
      {SIGSEGV, 4, 0, {0x1000, 0, 0, 0, 5, 0}},
      {SIGBUS, 2, 0, {0x1000, 1}},
      {SIGBUS, 4, 0, {0x1000, 1, 12}},
      {SIGFPE, 1, 0, {0x1000, 1}},
      {SIGFPE, 14, 0, {0x1000, 1}},
      {SIGILL, 2, 0, {0x1000, 1}},
      {SIGTRAP, 1, 0, {0x1000, 1}},
      {SIGTRAP, 4, 0, {0, 0, 3, 4}},
      {SIGIO, 1, 0, {0x41, 0, 3, 0}},
      {SIGIO, 4, 0, {0x41, 0, 3, 0}},
      {SIGSYS, 1, 0, {0x1000, 1, 165, 0xc000003e}},
      {SIGSYS, 3, 0, {0x1000, 1, 165, 0xc000003e}},
      {34, -1, 0, {5, 6, 7, 0}},
      {34, 0, 0, {5, 6, 7, 0}},
  };
  for (unsigned i = 0; i < sizeof kClaims / sizeof kClaims[0]; ++i) claim(&kClaims[i]);
  // a fault that nobody catches
  signal(SIGSEGV, SIG_DFL);
  *(volatile int*)8 = 1;
  return 0;
}
