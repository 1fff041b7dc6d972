// SPDX-License-Identifier: MIT
#include "capture/signals.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace nstrace::capture {
namespace {

// ns: what follows so soon is the same wish: timeout(1) signals its child, and then the child's whole group
constexpr std::int64_t kSameWish = 50'000'000;

volatile std::sig_atomic_t g_last = 0;
volatile std::sig_atomic_t g_count = 0;
volatile std::sig_atomic_t g_sent = 0;
std::atomic<std::int64_t> g_at{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "a signal's handler may use no other");

void leave_mark(int number, siginfo_t* info, void*) {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  const std::int64_t now = static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
  if (now - g_at.exchange(now) < kSameWish && g_count > 0) return;
  g_last = number;
  g_sent = info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE;
  g_count = g_count + 1;
  if (g_count > 2) {
    std::signal(number, SIG_DFL);
    raise(number);
  }
}

}  // namespace

void take_signals() {
  g_last = 0;
  g_count = 0;
  g_sent = 0;
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  action.sa_sigaction = leave_mark;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

Signals signals_so_far() {
  return {g_count, g_last, g_sent != 0};
}

}  // namespace nstrace::capture
