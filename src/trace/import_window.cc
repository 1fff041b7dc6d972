// SPDX-License-Identifier: MIT
#include "trace/import_window.h"

#include <algorithm>

namespace nstrace::trace::log {

int Window::created(const Item& item) const {
  if (item.outer) return item.outer;
  return tasks_.nested(item.pid) ? 0 : item.created;
}

// Whether its line says that it made this one, and its Fork is still to be given out.
bool Window::names(const Item& creation, int pid) const {
  return (creation.outer == pid || creation.created == pid) && !creation.taken && created(creation) == pid;
}

// Whether an item can be given out without looking at later ones.
bool Window::ready(const Item& item) const {
  if (item.kind == Item::Kind::Unread) return true;
  return tasks_.knows(item.pid) && !(item.creates && created(item) == 0);
}

void Window::add(const Item& item, std::size_t unfinished) {
  if (held_.empty() && ready(item)) return give(item);
  hold(item);
  drain(unfinished, false);
}

void Window::finish() {
  drain(0, true);
}

void Window::hold(const Item& item) {
  Held& held = held_.emplace_back();
  held.item = item;
  held.text = item.text;
  held.comm = item.comm;
  held.signal = item.signal;
  held.item.text = held.text;
  held.item.comm = held.comm;
  held.item.signal = held.signal;
  bytes_ += held.text.size() + sizeof held;
  if (item.creates) creations_.push_back(&held.item);
}

void Window::drain(std::size_t unfinished, bool all) {
  while (!held_.empty()) {
    Item& first = held_.front().item;
    const bool full = held_.size() > kMostItems || bytes_ > kMostBytes;
    if (!first.taken && !ready(first)) {
      if (!tasks_.knows(first.pid) && !made(first, unfinished, all || full)) return;
      if (first.creates && created(first) == 0 && !told(first, all || full)) return;
    }
    if (!first.taken) give(first);
    bytes_ -= held_.front().text.size() + sizeof(Held);
    if (first.creates) creations_.pop_front();
    held_.pop_front();
  }
}

// Who made the task of `first`, which is not known? False: it may come.
bool Window::made(Item& first, std::size_t unfinished, bool all) {
  const int pid = first.pid;
  for (Item* item : creations_) {
    if (item->taken || item->pid == pid) continue;
    const bool nameless = item->begun <= first.line && created(*item) == 0;
    if (!nameless && !names(*item, pid)) continue;
    if (!tasks_.knows(item->pid)) tasks_.meet(*item);
    fork(*item, pid, first.start);
    return true;
  }
  if (unfinished > 0 && !all) return false;
  tasks_.meet(first);
  return true;
}

// Which later task did `creation` make, whose result is a number of another namespace? False: it may come.
bool Window::told(Item& creation, bool all) {
  // While the same one waits, only what was held since its last turn is new.
  const std::size_t from = !all && told_line_ == creation.line ? told_looked_at_ : 0;
  for (std::size_t i = from; i < held_.size(); ++i) {
    const Item& item = held_[i].item;
    if (item.kind == Item::Kind::Unread || tasks_.knows(item.pid)) continue;
    const bool named =
        std::any_of(creations_.begin(), creations_.end(), [&](const Item* other) { return names(*other, item.pid); });
    if (named) continue;
    fork(creation, item.pid, creation.end);
    return true;
  }
  told_line_ = creation.line;
  told_looked_at_ = held_.size();
  return all;
}

void Window::fork(Item& creation, int child, Time at) {
  creation.taken = tasks_.fork(creation, child, std::max(at, creation.start));
  if (!creation.taken) {  // it could not be read after all
    Item first = creation;
    first.pid = child;
    if (!tasks_.knows(child)) tasks_.meet(first);
    return;
  }
  if (on_fork_) on_fork_(child);
}

void Window::give(const Item& item) {
  // A number that only the creator knows makes no process that could be shown: the call stays a call.
  if (const int child = item.creates ? created(item) : 0) {
    if (!tasks_.fork(item, child, item.end)) return tasks_.apply(item);
    if (on_fork_) on_fork_(child);
    return;
  }
  tasks_.apply(item);
}

}  // namespace nstrace::trace::log
