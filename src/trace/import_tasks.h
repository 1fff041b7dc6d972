// SPDX-License-Identifier: MIT
// What a strace log says about who is who: tasks by their pids, what each was made of, became and ended as. Takes the
// log's items one by one in their order and gives Events. Internal to the importer.
//
// Unknown stays unknown: a namespace is known only where a descriptor showed its number, a process's birth only where
// the call that made it is in the log. One thing is concluded: where a log shows comms and no calls that make
// processes, a process that is seen for the first time was made by the last that took its comm (or, for the stages of
// runc and youki, by the stage before); the Fork is then marked as inferred.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "trace/import_call.h"
#include "trace/sink.h"

namespace nstrace::trace::log {

// One thing that happened: a line, or two that belong together.
struct Item {
  enum class Kind : std::uint8_t {
    Call,    // text = "name(args) = result"
    Begun,   // text = "name(args", mark = "<unfinished ...>": it never returned
    Signal,  // text = "SIGCHLD {...}"
    Exited,
    Killed,
    Superseded,
    Unread,  // text = the line
  };
  Kind kind = Kind::Unread;
  int pid = 0;
  std::string_view comm;  // at its beginning, escaped; empty = not shown
  Time start = 0, end = 0;
  std::uint64_t line = 0;   // number of the line that completes it
  std::uint64_t begun = 0;  // number of the line that began it
  std::string_view text;
  std::string_view mark;  // see Line
  bool creates = false;   // a successful clone, clone3, fork, vfork
  int created = 0;        // the pid that the creator was told
  int outer = 0;          // the pid that strace knows it by, where the line says so
  bool taken = false;     // its Fork was given out already
  std::string_view signal;
  int code = 0;
  int other = 0;
  bool core = false;
};

class Tasks {
 public:
  // times: those of lines; else they tell the order alone.
  Tasks(Sink& sink, bool times) : sink_(sink), times_(times) {}

  bool knows(int pid) { return find(pid) != nullptr; }
  // Whether the pids that the task's calls give are those of a namespace of its own.
  bool nested(int pid) {
    const Task* found = find(pid);
    return found && found->own_pids;
  }

  // The task of an item that nobody in the log made.
  void meet(const Item& item);
  // The Fork of a creation; `child` is strace's pid of the new task. True if it is one (the call could be read).
  bool fork(const Item& item, int child, Time at);
  // Everything else. The task is known (or there is none).
  void apply(const Item& item);

  std::uint64_t events() const { return number_; }
  std::uint64_t unread() const { return unread_; }

 private:
  struct Task {
    int tid = 0;
    int tgid = 0;
    Time born = 0;
    int parent_tgid = 0;
    Time parent_born = 0;
    std::vector<int> tids;
    std::string comm;
    bool comm_guessed = true;  // concluded, not seen
    bool own_pids = false;     // it is in a pid namespace of its own
    bool children_own_pids = false;
    bool first_child_is_init = false;  // unshare(CLONE_NEWPID), and no child yet
    bool runc_init = false;            // executed "runc init"
    int superseded = 0;                // the thread whose execve is under way
    NsSet ns;
  };

  Task* find(int pid) {  // null where it is not known
    Found& seen = found_[static_cast<unsigned>(pid) % found_.size()];
    if (seen.pid == pid) return seen.task;
    const auto found = tasks_.find(pid);
    seen = {pid, found == tasks_.end() ? nullptr : &found->second};
    return seen.task;
  }
  Task& task(int pid) {
    Task* const found = find(pid);
    return found ? *found : tasks_.at(pid);
  }
  // The only ways into tasks_ and out of it.
  Task& enter(int pid) {
    Task& entered = tasks_[pid];
    found_[static_cast<unsigned>(pid) % found_.size()] = {pid, &entered};
    return entered;
  }
  void forget(int pid) {
    tasks_.erase(pid);
    found_[static_cast<unsigned>(pid) % found_.size()] = {pid, nullptr};
  }
  void see_comm(Task& task, const Item& item);
  void set_comm(Task& task, std::string_view comm, bool guessed);
  int last_with(const std::string& comm);
  int creator_by_comm(const std::string& comm);
  Task& add(int pid, Time born, int tgid);
  Time unique_birth(Time at);
  void begin(const Item& item, Task* task);  // event_: who and when
  bool read(const Item& item);               // its call, to event_; false: it could not be read
  void give();
  void no_call();  // event_ has none
  void fill(Who& who, const Task& task) const;
  void clone_flags_of(const Call& call, std::uint64_t& flags, int& signal);
  void inherit(Task& child, const Task& creator, std::uint64_t flags);
  void lost(const Item& item);
  void call(const Item& item);
  void executed(int pid);
  void entered(Task& task);
  void unshared(Task& task);
  void read_link(Task& task);
  void ended(const Item& item);

  Sink& sink_;
  bool times_;
  std::unordered_map<int, Task> tasks_;
  struct Found {
    int pid = -1;
    Task* task = nullptr;
  };
  std::array<Found, 256> found_;        // by find(): most questions are about the same tasks again
  std::unordered_map<int, int> alive_;  // threads of each process
  std::unordered_set<int> gone_;        // pids whose process ended and whose birth was not known
  std::unordered_map<std::string, std::vector<int>> by_comm_;
  Event event_;
  std::vector<Arg> args_;  // of the last call, while event_ has none: memory to be used again
  std::string last_flags_;  // of clone3: whoever makes threads makes many with the same
  std::uint64_t last_flags_worth_ = 0;
  Task creator_;           // a copy, as what it makes may take its place
  std::uint64_t number_ = 0;
  std::uint64_t unread_ = 0;
  std::uint64_t forks_ = 0;
  bool comms_shown_ = false;
  Time last_ = INT64_MIN;
  Time last_born_ = 0;
};

}  // namespace nstrace::trace::log
