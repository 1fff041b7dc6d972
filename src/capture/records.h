// SPDX-License-Identifier: MIT
// From raw records (bpf/events.h) to Events: joins the chunks of argument vectors to their exec, decodes calls, finds
// the gaps that losses leave in each CPU's numbering. The Events come out in the order of the records, not yet sorted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bpf/events.h"
#include "trace/decode.h"
#include "trace/event.h"

namespace nstrace::capture {

struct RecordOptions {
  std::string arch;                                       // uname -m
  std::uint64_t start_boottime = 0;                       // ns: Time 0
  std::string env = "names";                              // "names", "all", "none"
  std::function<void(const nst_rec_task&)> on_task = {};  // someone is followed who was there before
};

trace::Who who_of(const nst_task& task, std::uint64_t start_boottime);

class Records {
 public:
  using Out = std::function<void(trace::Event&&)>;
  Records(RecordOptions options, Out out) : options_(std::move(options)), out_(std::move(out)) {}

  void take(const void* data, std::size_t size);

  // Where a process was before it moves.
  void in_cgroup(int tgid, std::uint64_t id, const std::string& path);

  // When all has been taken: a loss at the very end leaves no gap, but is known by the numbers that were handed out.
  void end(const std::vector<std::uint64_t>& next_seq, trace::Time now);
  std::uint64_t lost() const { return lost_; }

 private:
  struct Vector {
    std::string bytes;
    std::uint32_t next_index = 0;
    bool fault = false, cut = false, whole = false;
  };
  struct Cgroup {
    std::uint64_t id = 0;
    std::string path;  // empty = not known
  };
  using Key = std::pair<std::uint32_t, std::uint64_t>;  // tid, nst_call.id

  void gap(const nst_head& head);
  void on_chunk(const nst_rec_chunk& rec, const char* bytes);
  void on_fork(const nst_rec_fork& rec);
  void on_exec(const nst_rec_exec& rec);
  void on_exit(const nst_rec_exit& rec);
  void on_rename(const nst_rec_rename& rec);
  void on_namespace(const nst_rec_namespace& rec);
  void on_cgroup(const nst_rec_cgroup& rec);
  void on_signal(const nst_rec_signal& rec);
  void on_syscall(const nst_rec_syscall& rec);
  void take_call_files(trace::RawCall& raw, const nst_call& call);
  std::string take_result_file(const trace::Call& call, const nst_call& from);
  trace::Event start_event(const nst_head& head, const nst_task& task, const nst_call* call) const;

  RecordOptions options_;
  Out out_;
  std::vector<std::uint64_t> next_seq_;  // by CPU
  std::uint64_t lost_ = 0;
  std::map<Key, Vector> called_, image_, call_files_, result_files_, exec_files_;
  std::map<int, Cgroup> cgroups_;  // by tgid
};

}  // namespace nstrace::capture
