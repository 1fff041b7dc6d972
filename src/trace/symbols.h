// SPDX-License-Identifier: MIT
// Symbols: what stands for the numbers and names that differ from run to run: pids, inode numbers, container ids,
// addresses, cgroup ids, temporary names. Each gets its symbol at first sight, so who meets them in the same order
// gives the same symbols.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/event.h"

namespace nstrace::trace {

class Symbols {
 public:
  using Identity = std::pair<int, Time>;  // tgid, born

  int pid(const Identity& identity);              // of a process: 100, 200, ... in order of first call
  int tid(const Identity& identity, int number);  // of a thread: the process's plus 1, 2, ...
  std::uint32_t inode(Ns ns, std::uint32_t number);
  std::uint64_t cgroup(std::uint64_t id);
  NsSet ns(const NsSet& set);
  Who who(const Who& from);
  Arg arg(const Arg& from);
  // All of an event but its number and times.
  Event rewrite(const Event& from);

  // Numbers and ids inside a text: /proc/PID, mnt:[INODE], long hexadecimal words, addresses, temporary names.
  std::string scrub(const std::string& text);
  void scrub_all(std::vector<std::string>& texts);

  // The symbol of a pid or tid, as last borne; 0 if it was never met.
  int last_bearer(int number) const;

 private:
  std::string id_symbol(const std::string& word);
  std::string target(const std::string& text);

  std::optional<Place> began_;                    // the folder of the first exec: the caller's
  std::map<Identity, int> processes_;             // symbol of each: 100, 200, ...
  std::map<std::pair<Identity, int>, int> tids_;  // symbol of each thread
  std::map<Identity, int> threads_;               // how many it has
  std::map<int, int> pid_symbols_;                // any pid or tid, as last borne: for numbers in texts
  std::map<std::pair<int, std::uint32_t>, std::uint32_t> inodes_;  // by kind of namespace
  std::map<std::uint64_t, std::uint64_t> cgroups_;
  std::vector<std::string> ids_;  // long hexadecimal words
};

}  // namespace nstrace::trace
