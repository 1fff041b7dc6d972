// SPDX-License-Identifier: MIT
#include "capture/reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <iterator>
#include <string>

namespace nstrace::capture {
namespace {

constexpr std::size_t kBatch = 1 << 20;  // bytes that are handed to the queue at once

// nice(2). A task of the usual 0 gets a few hundredths of a processor beside a storm of forks, each child being new.
constexpr int kFirst = -15;    // the reader's
constexpr int kUrgent = -10;   // the writer's when it must catch up, and while nobody can take from the queue yet
constexpr int kYielding = 10;  // the writer's else

std::uint64_t boottime_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// The writer's, by how full the queue is.
int writers_nice(double filled, int now) {
  if (filled > 0.12) return kUrgent;
  return filled < 0.06 ? kYielding : now;
}

}  // namespace

Reader::Reader(Probe& probe, Queue& queue, std::chrono::milliseconds interval, int end)
    : probe_(probe),
      queue_(queue),
      interval_(interval),
      end_(end),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      writer_(gettid()),
      thread_([this] { run(); }) {}

Reader::~Reader() {
  stop();
  if (wake_ >= 0) close(wake_);
}

void Reader::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t Reader::mark() {
  const std::uint64_t mark = ++marks_;
  wake();
  return mark;
}

void Reader::wake() {
  eventfd_write(wake_, 1);
}

// For records enough to be worth it, or for someone who asks.
void Reader::wait() {
  pollfd fds[] = {{probe_.ready_fd(), POLLIN, 0}, {wake_, POLLIN, 0}, {end_, POLLIN, 0}};
  if (poll(fds, std::size(fds), static_cast<int>(interval_.count())) <= 0) return;
  eventfd_t asked = 0;
  if (fds[1].revents) eventfd_read(wake_, &asked);
  if (!fds[2].revents) return;
  queue_.wake();
  end_ = -1;
}

// man 2 setpriority: a thread has a nice value of its own. Without CAP_SYS_NICE all stay as they are.
void Reader::balance() {
  if (!goes_first_) return;
  const int nice = stopping_ ? 0 : passed_ == 0 ? kUrgent : writers_nice(queue_.filled(), nice_);
  if (nice == nice_) return;
  nice_ = nice;
  setpriority(PRIO_PROCESS, static_cast<id_t>(writer_), nice);
}

void Reader::run() {
  // a program that loses its processor to the reader would be skipped for others meanwhile
  goes_first_ = !probe_.preemptible() && setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kFirst) == 0;
  balance();
  std::string batch;
  const Probe::Take take = [&](const void* data, std::size_t size) {
    const std::size_t padded = (size + 7) & ~std::size_t{7};
    batch.append(static_cast<const char*>(data), size);
    batch.append(padded - size, '\0');
    if (batch.size() >= kBatch) {
      queue_.push(batch);
      batch.clear();
    }
  };
  for (;;) {
    // who asks for the end does not empty the queue any more: then it takes what there is, full or not
    while (!stopping_ && queue_.filled() >= 1) {
      balance();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!stopping_ && marks_ == passed_) wait();
    const bool last = stopping_;
    const std::uint64_t mark = marks_;
    const std::uint64_t now = boottime_ns();
    probe_.consume(take, last ? UINT64_MAX : now);
    if (!batch.empty()) queue_.push(batch);
    batch.clear();
    taken_until_ = now;
    passed_ = mark;
    balance();
    if (last) return;
  }
}

}  // namespace nstrace::capture
