// SPDX-License-Identifier: MIT
#include "report/pid_notes.h"

namespace nstrace::report {

using trace::Ns;

void PidNotes::take(const trace::Who& who) {
  if (who.tid == 0) return;
  Task& task = tasks_[who.tid];
  if (!who.comm.empty()) task.comm = who.comm;
  if (who.tids.size() < 2 || task.tids == who.tids) return;
  task.tids = who.tids;
  task.space = who.ns[Ns::Pid];
  for (std::size_t level = 1; level < who.tids.size(); ++level)
    inside_.emplace(std::pair(level, who.tids[level]), who.tid);
}

void PidNotes::existing(const trace::Existing& process) {
  Task& task = tasks_[process.pid];
  task.comm = process.comm;
  task.tids = process.pids;
  task.space = process.ns[Ns::Pid];
  for (std::size_t level = 1; level < task.tids.size(); ++level)
    inside_.emplace(std::pair(level, task.tids[level]), process.pid);
}

void PidNotes::event(const trace::Event& event) {
  if (const auto* seen = event.as<trace::NamespaceSeen>()) {
    if (seen->ns == Ns::Pid && seen->parent != 0) parent_[seen->inode] = seen->parent;
    return;
  }
  take(event.who);
  if (const auto* fork = event.as<trace::Fork>()) take(fork->child);
  const auto gone = event.as<trace::Exit>() ? tasks_.find(event.who.tid) : tasks_.end();
  if (gone == tasks_.end()) return;
  for (std::size_t level = 1; level < gone->second.tids.size(); ++level) {
    const auto [begin, end] = inside_.equal_range({level, gone->second.tids[level]});
    for (auto it = begin; it != end;) it = it->second == event.who.tid ? inside_.erase(it) : std::next(it);
  }
  tasks_.erase(gone);
}

// Is `top` the namespace that stands `levels` above `space`? Where parents are not known, it may be.
bool PidNotes::below(std::uint32_t space, std::size_t levels, std::uint32_t top) const {
  for (; levels > 0; --levels) {
    const auto parent = parent_.find(space);
    if (parent == parent_.end()) return true;
    space = parent->second;
  }
  return space == 0 || top == 0 || space == top;
}

std::optional<int> PidNotes::seen_from_outside(const trace::Who& who, int number) const {
  if (number <= 0) return std::nullopt;
  const std::size_t level = who.tids.empty() ? 0 : who.tids.size() - 1;
  if (level == 0) return number;
  const auto [begin, end] = inside_.equal_range({level, number});
  for (auto it = begin; it != end; ++it) {
    const auto found = tasks_.find(it->second);
    if (found == tasks_.end()) continue;
    const Task& task = found->second;
    if (task.tids.size() > level && task.tids[level] == number &&
        below(task.space, task.tids.size() - 1 - level, who.ns[Ns::Pid]))
      return it->second;
  }
  return std::nullopt;
}

std::string PidNotes::comm(int tid) const {
  const auto task = tasks_.find(tid);
  return task == tasks_.end() ? "" : task->second.comm;
}

}  // namespace nstrace::report
