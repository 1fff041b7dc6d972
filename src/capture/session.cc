// SPDX-License-Identifier: MIT
#include "capture/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "capture/containers.h"
#include "capture/existing.h"
#include "capture/probe.h"
#include "capture/queue.h"
#include "capture/reader.h"
#include "capture/records.h"
#include "capture/signals.h"
#include "capture/targets.h"
#include "capture/trampolines.h"
#include "trace/error.h"
#include "trace/order.h"

namespace nstrace::capture {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kQueueBound = 48u << 20;  // bytes of records that wait for the writer
constexpr milliseconds kLook{50};               // how often it is asked for signals, and whether anybody is left
constexpr milliseconds kIdle{100};              // after so long without a record, outputs show what they hold back
constexpr milliseconds kRuntimeGrace{2000};     // how long a runtime that is still at work may hold up the end
constexpr milliseconds kSilence{1000};          // after so long, who has pressed Ctrl-C is told what is waited for
// ns: how far records of two CPUs may stand in the wrong order; a virtual CPU may be kept waiting in between
constexpr trace::Time kOrderWindow = 50'000'000;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string first_line(const std::string& path) {
  std::string line;
  std::ifstream in(path);
  std::getline(in, line);
  return line;
}

// ---- what was taken in, in words ----

std::string taken_in(const std::vector<Running>& roots, const std::vector<Container>& containers,
                     std::size_t processes) {
  std::map<std::string, std::vector<int>> by_name;
  for (const Running& root : roots)
    by_name[!root.name.empty() ? root.name : !root.program.empty() ? root.program : root.comm].push_back(root.pid);
  std::vector<std::string> parts;
  for (const auto& [name, pids] : by_name)
    parts.push_back(fmt::format("{} ({} {})", name.empty() ? "a process" : name, pids.size() == 1 ? "pid" : "pids",
                                fmt::join(pids, " ")));
  for (const Container& container : containers) parts.push_back("container " + container_text(container));
  return fmt::format("following {}: {} {}{}", fmt::join(parts, ", "), processes,
                     processes == 1 ? "process with its threads and all that it starts"
                                    : "processes with their threads and all that they start",
                     containers.empty() ? "" : ", and whoever enters");
}

// A container runtime's own process, short-lived by nature: while one lives, a container is being set up or entered.
bool is_runtime_at_work(int pid) {
  const std::string comm = first_line(fmt::format("/proc/{}/comm", pid));
  for (const std::string_view name : {"runc", "crun", "youki", "nstrace-lab", "lab:["})
    if (std::string_view(comm).substr(0, name.size()) == name) return true;
  return false;
}

class Session {
 public:
  Session(const SessionOptions& options, trace::Sink& sink) : options_(options), sink_(sink) {}
  SessionResult run();

 private:
  void tell(const std::string& sentence) const {
    if (options_.tell) options_.tell(sentence);
  }
  void warn(const std::string& sentence) const {
    if (options_.warn) options_.warn(sentence);
  }
  void run_to_end();
  void find_roots();
  void forget_the_ended();
  void watch_containers();
  void seed();
  bool follows_command() const {
    return (options_.follow.empty() && options_.containers.empty()) || options_.with_command;
  }
  void appear(const nst_rec_task& task);
  bool containers_live() const;
  void begin_trace();
  void record();
  void end_trace(const std::string& why);
  void take(const std::string& records);
  bool wanted(const trace::Event& event) const;
  bool command_runs();
  std::string fate_of_command();

  const SessionOptions& options_;
  trace::Sink& sink_;
  std::vector<Target> targets_;
  std::vector<Running> roots_;
  std::vector<Container> containers_;
  std::set<std::pair<int, trace::Time>> known_;  // processes that the trace has told of: pid, born
  std::vector<nst_rec_task> late_;               // who was taken in before the trace's head could be written
  std::optional<Launch> command_;
  std::optional<Probe> probe_;
  std::optional<Queue> queue_;
  std::optional<Reader> reader_;
  std::optional<Records> records_;
  std::optional<trace::Orderer> orderer_;
  std::vector<trace::Event> early_;  // what came in before the trace's head could be written
  bool begun_ = false;
  std::vector<nst_rec_task> existing_;
  std::uint64_t start_boottime_ = 0;
  trace::Footer footer_;
  SessionResult result_;
};

void Session::find_roots() {
  for (const Target& target : targets_) {
    const std::vector<Running> found = find_running(target);
    if (found.empty()) {
      if (!options_.wait_for_names || target.pid > 0) throw Error(nobody(target), 125);
      tell(fmt::format("nothing named {} is running yet: waiting for it", target.given));
    }
    for (const Running& running : found) {
      if (std::any_of(roots_.begin(), roots_.end(), [&](const Running& r) { return r.pid == running.pid; })) continue;
      roots_.push_back(running);
      probe_->follow(running.pid, 0);
    }
  }
}

// What is in the containers, and what to know them by. Who enters while it is looked for is found by the next look.
void Session::watch_containers() {
  if (containers_.empty()) return;
  const std::vector<nst_rec_task> tasks = probe_->existing();
  const auto task_of = [&](int pid) {
    return std::find_if(tasks.begin(), tasks.end(),
                        [&](const nst_rec_task& t) { return static_cast<int>(t.task.tgid) == pid; });
  };
  const trace::NsSet host = host_namespaces(tasks);
  for (const Container& container : containers_) {
    const auto init = task_of(container.pid);
    if (init == tasks.end()) throw Error(fmt::format("container {} has just ended", container_text(container)), 125);
    const auto keeper = task_of(container.keeper);
    // without a cgroup of its own it has its keeper's, or the one that all are in
    const bool own = keeper == tasks.end() || keeper->task.cgroup != init->task.cgroup;
    const std::uint64_t cgroup = own && init->task.cgroup > 1 ? init->task.cgroup : 0;
    std::vector<std::uint32_t> namespaces;
    for (int i = 0; i < trace::kNsCount; ++i)
      if (init->task.ns[i] && init->task.ns[i] != host.inode[i] &&
          (keeper == tasks.end() || init->task.ns[i] != keeper->task.ns[i]))
        namespaces.push_back(init->task.ns[i]);
    probe_->watch_container(cgroup, namespaces);
    if (!options_.payload) continue;
    const std::string path = cgroup_path(container.pid);
    const std::uint32_t pidns = init->task.ns[static_cast<int>(trace::Ns::Pid)];
    const bool own_pidns = std::find(namespaces.begin(), namespaces.end(), pidns) != namespaces.end();
    const auto is_in = [&](const nst_rec_task& task) {
      if (static_cast<int>(task.task.tgid) == container.pid) return true;
      if (!cgroup) return own_pidns && task.task.ns[static_cast<int>(trace::Ns::Pid)] == pidns;
      if (task.task.cgroup == cgroup) return true;
      return cgroup_path(static_cast<int>(task.task.tgid)).starts_with(path + "/");
    };
    for (const nst_rec_task& task : probe_->existing())
      if (is_in(task)) probe_->follow(static_cast<int>(task.task.tgid), 0);
  }
}

bool Session::containers_live() const {
  return std::any_of(containers_.begin(), containers_.end(),
                     [](const Container& c) { return kill(c.pid, 0) == 0 || errno == EPERM; });
}

// A root that ended before it entered the set would stay in it, and whoever gets its pid would be followed.
void Session::forget_the_ended() {
  std::erase_if(roots_, [&](const Running& root) {
    const bool lives = std::ranges::any_of(existing_, [&](const nst_rec_task& task) {
      return static_cast<int>(task.task.tgid) == root.pid && task.followed;
    });
    if (!lives) probe_->forget(root.pid);
    return !lives;
  });
}

// Fills the followed set so that no fork slips through: the hooks are attached first and look at all ancestors of a
// creator until every living descendant has been found by the iterator.
void Session::seed() {
  const auto before = Clock::now();
  for (const Target& target : targets_)
    for (const std::string& program : target.programs) probe_->follow_name(program);
  probe_->set_seeding(true);
  if (command_ && follows_command() && !probe_->nested()) probe_->follow(command_->pid(), 0);
  probe_->attach();
  if (command_ && follows_command() && probe_->nested()) probe_->follow(command_->pid(), 0);
  find_roots();
  watch_containers();
  existing_ = probe_->existing();
  forget_the_ended();
  probe_->set_seeding(false);
  // From here on: whoever descends from a root is in the set, and whoever it starts enters it before it can run.
  result_.attach = Clock::now() - before;
}

void Session::begin_trace() {
  utsname u{};
  uname(&u);
  trace::Header header;
  header.tool = options_.tool;
  header.kernel = u.release;
  header.arch = u.machine;
  header.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  header.start_boottime = start_boottime_;
  header.start_realtime = clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_BOOTTIME) - start_boottime_);
  if (options_.command) header.command = options_.command->argv;
  header.follow = options_.follow;
  for (const std::string& container : options_.containers) header.follow.push_back("container " + container);
  header.calls = options_.calls;
  header.events = {"fork", "exec", "exit", "comm", "syscall", "namespace", "cgroup", "lost"};
  if (!options_.signals.empty()) header.events.emplace_back("signal");
  header.gates = options_.gates;
  header.payload = options_.payload;
  header.results = options_.results;
  header.env = options_.env;
  header.backend = probe_->backend();
  header.durations = probe_->durations();
  header.host = host_namespaces(existing_);
  header.tracer_pid = getpid();
  sink_.header(header);

  // A process that was made while the set was being filled may come twice: its fork event is the better witness.
  auto& made = known_;
  for (const trace::Event& event : early_)
    if (const auto* fork = event.as<trace::Fork>()) made.emplace(fork->child.tgid, fork->child.born);
  std::size_t followed = 0;
  for (trace::Existing& process : existing_processes(existing_, start_boottime_)) {
    if (command_ && process.pid == command_->pid()) {  // still this program, waiting to become COMMAND
      process.exe.clear();
      process.argv.clear();
    }
    if (process.followed && made.count({process.pid, process.born})) continue;
    followed += process.followed;
    made.emplace(process.pid, process.born);
    records_->in_cgroup(process.pid, process.cgroup, process.cgroup_path);
    sink_.existing(process);
  }
  existing_ = {};
  for (const nst_rec_task& task : std::exchange(late_, {})) appear(task);
  // Who ended before the iterator came to it, but started another meanwhile, is known from that alone.
  for (const trace::Event& event : early_) {
    const trace::Who& who = event.who;
    if (!made.emplace(who.tgid, who.born).second) continue;
    trace::Existing process;
    process.pid = who.tgid;
    process.born = who.born;
    if (who.tid == who.tgid) process.pids = who.tids;
    process.comm = who.comm;
    process.ns = who.ns;
    process.cgroup = who.cgroup;
    process.followed = true;
    sink_.existing(process);
  }
  if (!roots_.empty() || !containers_.empty())
    tell(taken_in(roots_, containers_, followed - (command_ && follows_command() ? 1 : 0)));
  begun_ = true;
  for (trace::Event& event : early_)
    if (wanted(event)) orderer_->push(std::move(event));
  early_ = {};
}

// Someone is followed from now on who was there before: the trace tells who that is, and by whom it was made.
void Session::appear(const nst_rec_task& task) {
  const trace::Who who = who_of(task.task, start_boottime_);
  if (known_.count({who.tgid, who.born})) return;
  std::vector<nst_rec_task> tasks = probe_->existing();
  bool found = false;
  for (nst_rec_task& other : tasks) {
    other.followed = other.task.tgid == task.task.tgid && other.task.born == task.task.born ? task.followed : 0;
    found |= other.followed != 0;
  }
  if (!found) tasks.push_back(task);  // it has ended already
  for (trace::Existing& process : existing_processes(tasks, start_boottime_)) {
    if (!known_.emplace(process.pid, process.born).second) continue;
    if (process.followed && task.followed == NST_NAMED) {  // its exec is the next event, and tells it all
      process.exe.clear();
      process.argv.clear();
    }
    // who moved into its cgroup was in another before
    if (!process.followed || task.followed != NST_MOVED)
      records_->in_cgroup(process.pid, process.cgroup, process.cgroup_path);
    sink_.existing(process);
  }
}

bool Session::wanted(const trace::Event& event) const {
  if (!event.as<trace::Syscall>()) return true;
  // recorded for its effect only, where nobody asked for it
  if (event.call.name == "setns" && std::ranges::find(options_.calls, "setns") == options_.calls.end()) return false;
  if (options_.results == "successful") return !event.call.failed();
  if (options_.results == "failed") return event.call.failed();
  return true;
}

void Session::take(const std::string& records) {
  for (std::size_t at = 0; at + sizeof(nst_head) <= records.size();) {
    const auto* head = reinterpret_cast<const nst_head*>(records.data() + at);
    records_->take(head, head->size);
    at += (head->size + 7) & ~7u;
  }
}

// Whether COMMAND is still there; its status is kept when it ends.
bool Session::command_runs() {
  if (!command_ || result_.status) return false;
  if (const int status = command_->ended(); status >= 0) result_.status = status;
  return !result_.status;
}

void Session::record() {
  const Clock::time_point never = Clock::time_point::max();
  Clock::time_point end = never;          // when lingering is over
  Clock::time_point last_call = never;    // when even a runtime at work is no reason to go on
  Clock::time_point say_waiting = never;  // when COMMAND takes its time to end
  std::string why = "processes gone";
  int signals_seen = 0;
  Clock::time_point next_look = Clock::now(), busy = next_look;
  for (;;) {
    const std::uint64_t taken_until = reader_->taken_until();  // by the time that the queue is looked at, or later
    const Clock::duration rest = end - Clock::now();
    const bool ends_soon = rest > Clock::duration(0) && rest < kLook;
    const std::string records = queue_->pop(ends_soon ? rest : kLook);
    take(records);
    orderer_->flush_until(static_cast<trace::Time>(taken_until - start_boottime_) - 2 * kOrderWindow);
    const Clock::time_point now = Clock::now();
    if (!records.empty()) {
      busy = now;
    } else if (now - busy > kIdle) {
      busy = now;
      sink_.idle();
    }
    const bool had_ended = result_.status.has_value();
    if (const Signals signals = signals_so_far(); signals.count != signals_seen) {
      signals_seen = signals.count;
      why = "interrupt";
      // the first one is COMMAND's as well: what it does about it, and how it ends, belongs to the trace
      if (signals_seen > 1 || !command_ || had_ended) break;
      // the terminal has told COMMAND already; a signal that was sent to nstrace alone is handed on
      if (signals.sent) command_->signal(signals.last);
      say_waiting = now + kSilence;
    }
    if (command_ && !had_ended && !command_runs()) {
      if (why != "interrupt") why = "command";
      end = now + options_.linger;
      last_call = end + kRuntimeGrace;
      say_waiting = never;
    }
    if (now >= say_waiting) {
      say_waiting = never;
      warn(fmt::format("waiting for COMMAND (pid {}) to end; a second Ctrl-C ends nstrace at once", command_->pid()));
    }
    if (now < next_look && now < end) continue;
    next_look = now + kLook;
    if (options_.until_exit && signals_seen == 0) {
      if (probe_->followed().empty() && (!command_ || result_.status)) break;
      continue;
    }
    if (now >= last_call) break;
    if (now >= end) {
      const std::vector<int> followed = probe_->followed();
      if (std::none_of(followed.begin(), followed.end(), is_runtime_at_work)) break;
    }
    // without COMMAND, the end also comes when nobody is left and nobody can come
    if (!command_ && !probe_->follows_names() && !containers_live() && probe_->followed().empty()) break;
  }
  end_trace(why);
}

void Session::end_trace(const std::string& why) {
  const auto before = Clock::now();
  probe_->detach();
  result_.detach = Clock::now() - before;
  reader_->stop();  // it takes what the ring still holds
  take(queue_->pop(milliseconds(0)));
  const ProbeCounters counters = probe_->counters();
  records_->end(counters.next_seq, static_cast<trace::Time>(clock_ns(CLOCK_BOOTTIME) - start_boottime_));
  orderer_->flush();

  const auto loss = [&](const char* reason, std::uint64_t count) {
    if (count) footer_.losses.emplace_back(reason, count);
    footer_.lost += count;
  };
  loss("ring buffer full", records_->lost());
  loss("ring buffer full: signals", counters.signals_lost);
  loss("table full", counters.map_full);
  loss("probe skipped", counters.missed);
  footer_.events = orderer_->emitted();
  footer_.attempted = counters.attempted;
  footer_.sent = counters.sent;
  footer_.unread = counters.unread;
  footer_.end_boottime = clock_ns(CLOCK_BOOTTIME);
  footer_.end_realtime = clock_ns(CLOCK_REALTIME);
  footer_.end = why;
  if (command_runs()) {
    warn(fate_of_command());
    result_.status = 128 + signals_so_far().last;
  }
  footer_.status = result_.status;
  sink_.footer(footer_);
  result_.lost = footer_.lost;
  result_.events = footer_.events;
}

// When nstrace ends before it; empty when COMMAND has ended, or could not be started.
std::string Session::fate_of_command() {
  if (command_ && !command_->released()) return "COMMAND was not started";
  return command_runs() ? fmt::format("COMMAND (pid {}) still runs", command_->pid()) : "";
}

SessionResult Session::run() {
  try {
    run_to_end();
  } catch (const Error& error) {
    const std::string fate = fate_of_command();
    throw Error(fmt::format("{}{}{}", error.what(), fate.empty() ? "" : "; ", fate), error.exit_code());
  }
  return result_;
}

void Session::run_to_end() {
  for (const std::string& given : options_.follow) targets_.push_back(parse_target(given));
  for (const Target& target : targets_)
    if (!options_.wait_for_names && find_running(target).empty()) throw Error(nobody(target), 125);
  if (!options_.containers.empty()) {
    const std::vector<Container> all = running_containers();
    for (const std::string& given : options_.containers) containers_.push_back(choose_container(all, given));
  }
  probe_.emplace(ProbeOptions{.calls = options_.calls,
                              .buffer = options_.buffer,
                              .wake_up = options_.wake_up,
                              .environment = options_.env != "none",
                              .backend = choose_backend(options_.backend),
                              .durations = options_.durations,
                              .signals = options_.signals,
                              .gates = options_.gates,
                              .containers = !containers_.empty(),
                              .payload = options_.payload});
  if (const auto uncovered = probe_->uncovered(); !uncovered.empty())
    tell(fmt::format("this kernel shows no function of {}: --backend fentry cannot see {}", fmt::join(uncovered, ", "),
                     uncovered.size() == 1 ? "it" : "them"));
  if (!options_.durations && probe_->durations())
    tell("this kernel's tracepoints can be preempted: the begin of calls is needed all the same, and recorded");
  if (probe_->nested())
    tell(
        "nstrace is inside a pid namespace: pids are those of this namespace, and what lives outside it cannot be "
        "seen");
  take_signals();
  if (options_.command) command_.emplace(*options_.command);
  utsname u{};
  uname(&u);
  start_boottime_ = clock_ns(CLOCK_BOOTTIME);
  queue_.emplace(kQueueBound);
  reader_.emplace(*probe_, *queue_, options_.interval, command_ ? command_->end_fd() : -1);
  orderer_.emplace(sink_, kOrderWindow);
  records_.emplace(RecordOptions{.arch = u.machine,
                                 .start_boottime = start_boottime_,
                                 .env = options_.env,
                                 .on_task =
                                     [this](const nst_rec_task& task) {
                                       if (begun_)
                                         appear(task);
                                       else
                                         late_.push_back(task);
                                     }},
                   [this](trace::Event&& event) {
                     if (!begun_)
                       early_.push_back(std::move(event));
                     else if (wanted(event))
                       orderer_->push(std::move(event));
                   });
  seed();
  // What happened while the set was being filled, whole: begin_trace() must know who appears in it.
  for (const std::uint64_t mark = reader_->mark(); !reader_->passed(mark);) take(queue_->pop(milliseconds(1)));
  take(queue_->pop(milliseconds(0)));
  begin_trace();
  sink_.idle();  // whatever becomes of nstrace, what was there before is told
  if (command_) command_->release();
  record();
}

}  // namespace

SessionResult run_session(const SessionOptions& options, trace::Sink& sink) {
  return Session(options, sink).run();
}

}  // namespace nstrace::capture
