// SPDX-License-Identifier: MIT
// WriteBehind: hands blocks of text to a thread that writes them, so that who makes the text need not wait for the
// disk. At most one block is on its way while the next is made: memory stays flat.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace nstrace::cli {

class WriteBehind {
 public:
  // write: is called on the thread; what it throws comes out of the next give() or wait().
  explicit WriteBehind(std::function<void(std::string_view)> write)
      : write_(std::move(write)), thread_([this] { run(); }) {}
  ~WriteBehind() {
    {
      const std::lock_guard lock(mutex_);
      end_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  // Takes the block, and leaves an empty one.
  void give(std::string& block) {
    std::unique_lock lock(mutex_);
    wait_until_free(lock);
    block_.swap(block);
    full_ = true;
    lock.unlock();
    changed_.notify_all();
    block.clear();
  }
  // Until all that was given is written.
  void wait() {
    std::unique_lock lock(mutex_);
    wait_until_free(lock);
  }

 private:
  void wait_until_free(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [this] { return !full_; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return full_ || end_; });
      if (!full_) return;
      lock.unlock();
      std::exception_ptr error;
      try {
        write_(block_);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error && !error_) error_ = error;
      full_ = false;
      changed_.notify_all();
    }
  }

  std::function<void(std::string_view)> write_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string block_;
  bool full_ = false;  // the thread has a block to write, or writes it
  bool end_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // last: it begins when all else is there
};

}  // namespace nstrace::cli
