// SPDX-License-Identifier: MIT
// A child's first lines often stand before the line in which its creator's clone returns, and inside of a pid namespace
// the call gives a number that the log's pid column does not have. The Window holds such items back until it is known
// who made whom, or until too many wait. Internal to the importer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "trace/import_tasks.h"

namespace nstrace::trace::log {

class Window {
 public:
  // on_fork: called with strace's pid of each process that a call in the log made.
  Window(Tasks& tasks, std::function<void(int)> on_fork) : tasks_(tasks), on_fork_(std::move(on_fork)) {}

  // unfinished: how many calls that make processes have begun and not returned yet.
  void add(const Item& item, std::size_t unfinished);
  void finish();

 private:
  struct Held {
    Item item;
    std::string text, comm, signal;
  };
  static constexpr std::size_t kMostItems = 4096;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;

  // The pid by which the log knows what `item` made; 0 = the line has only the creator's number for it.
  int created(const Item& item) const;
  bool names(const Item& creation, int pid) const;
  bool ready(const Item& item) const;
  void hold(const Item& item);
  void drain(std::size_t unfinished, bool all);
  bool made(Item& first, std::size_t unfinished, bool all);
  bool told(Item& creation, bool all);
  void give(const Item& item);
  void fork(Item& creation, int child, Time at);

  Tasks& tasks_;
  std::function<void(int)> on_fork_;
  std::deque<Held> held_;
  std::deque<Item*> creations_;  // those of the held that make processes
  std::size_t bytes_ = 0;
  std::uint64_t told_line_ = 0;  // of the creation that told() has last looked for, in vain
  std::size_t told_looked_at_ = 0;
};

}  // namespace nstrace::trace::log
