// SPDX-License-Identifier: MIT
// First the processes are put in order: those that existed, then children below their creators, in the order in which
// they were made. Then every event is rewritten, and its numbers and texts get their symbols on the way.
#include "trace/anonymous.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "trace/symbols.h"

namespace nstrace::trace {
namespace {

using Identity = Symbols::Identity;

// Supplementary groups are the caller's, and tell about it, until a process or one that made it has set its own.
class OwnGroups {
 public:
  void see(const Event& event) {
    const Identity identity{event.who.tgid, event.who.born};
    if (event.call.name == "setgroups" && event.call.result == 0) set_.insert(identity);
    const auto* fork = event.as<Fork>();
    if (fork && set_.count(identity)) set_.emplace(fork->child.tgid, fork->child.born);
  }
  void hide_others(const Identity& identity, Exec& exec) const {
    if (set_.count(identity)) return;
    exec.groups.reset();
    exec.groups_more = 0;
  }

 private:
  std::set<Identity> set_;
};

// What nstrace starts bears the name of nstrace's own file until it has executed COMMAND.
class Starting {
 public:
  void see(const Header& header, const Existing& process) {
    if (process.followed && header.tracer_pid != 0 && process.parent_pid == header.tracer_pid) {
      starting_.emplace(process.pid, process.born);
    }
  }
  bool is(const Identity& identity) const { return starting_.count(identity) != 0; }
  void hide_name(const Identity& identity, Event& event) {
    if (!is(identity)) return;
    if (Exec* exec = event.as<Exec>()) {
      exec->comm_before = kName;
      starting_.erase(identity);
    } else if (!event.as<Rename>()) {
      event.who.comm = kName;
    }
  }
  static constexpr const char* kName = "nstrace";

 private:
  std::set<Identity> starting_;
};

struct Lineage {
  std::vector<std::size_t> events;  // indices, in their order
  std::vector<Identity> children;   // by creator, in order of creation
};

}  // namespace

struct Anonymous::State {
  explicit State(Sink& sink) : next(sink) {}

  Sink& next;
  Header header;
  std::vector<Existing> existing;
  std::vector<Event> events;
  Symbols symbols;

  void give(const Footer& footer);
};

void Anonymous::State::give(const Footer& last) {
  header.host = symbols.ns(header.host);  // the host's are number 1 of each kind
  std::map<Identity, Lineage> lineages;
  std::vector<Identity> roots;
  for (const Existing& process : existing)
    if (process.followed) roots.emplace_back(process.pid, process.born);
  std::set<Identity> children;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Identity identity{events[i].who.tgid, events[i].who.born};
    if (!events[i].as<Lost>()) lineages[identity].events.push_back(i);
    const auto* fork = events[i].as<Fork>();
    if (!fork || fork->thread()) continue;
    lineages[identity].children.emplace_back(fork->child.tgid, fork->child.born);
    children.emplace(fork->child.tgid, fork->child.born);
  }
  for (const Event& event : events) {
    const Identity identity{event.who.tgid, event.who.born};
    if (event.as<Lost>() || children.count(identity) || std::count(roots.begin(), roots.end(), identity)) continue;
    roots.push_back(identity);  // where it comes from was lost
  }

  std::vector<Identity> order;
  std::set<Identity> placed;
  std::vector<Identity> stack(roots.rbegin(), roots.rend());
  while (!stack.empty()) {
    const Identity identity = stack.back();
    stack.pop_back();
    if (!placed.insert(identity).second) continue;
    order.push_back(identity);
    const std::vector<Identity>& below = lineages[identity].children;
    stack.insert(stack.end(), below.rbegin(), below.rend());
  }
  for (const Identity& identity : order) symbols.pid(identity);

  Header head = header;
  head.kernel.clear();
  head.boot_id.clear();
  head.start_boottime = head.start_realtime = head.start_of_day = 0;
  head.tracer_pid = 0;
  symbols.scrub_all(head.command);
  for (std::string& target : head.follow)
    if (!target.empty() && std::isdigit(static_cast<unsigned char>(target[0]))) target = "PID";
  next.header(head);

  OwnGroups groups;
  Starting starting;
  for (const Existing& process : existing) {
    if (!process.followed) continue;
    Existing out = process;
    out.pid = symbols.pid({process.pid, process.born});
    out.born = 0;
    if (!out.pids.empty()) out.pids[0] = out.pid;
    out.parent_pid = symbols.last_bearer(process.parent_pid);
    out.comm = symbols.scrub(process.comm);
    out.exe = symbols.scrub(process.exe);
    symbols.scrub_all(out.argv);
    out.ns = symbols.ns(process.ns);
    out.cgroup = symbols.cgroup(process.cgroup);
    out.cgroup_path = symbols.scrub(process.cgroup_path);
    starting.see(header, process);
    if (starting.is({process.pid, process.born})) out.comm = Starting::kName;
    next.existing(out);
  }

  std::uint64_t number = 0;
  const auto put = [&](Event event) {
    event.number = ++number;
    event.time = event.start = static_cast<Time>(number);
    if (Syscall* call = event.as<Syscall>()) call->cpu = {};
    if (Exec* exec = event.as<Exec>()) exec->cpu = {};
    if (Exit* exit = event.as<Exit>()) exit->cpu = {};
    next.event(event);
  };
  for (const Identity& identity : order)
    for (const std::size_t i : lineages[identity].events) {
      Event out = symbols.rewrite(events[i]);
      groups.see(events[i]);
      if (Exec* exec = out.as<Exec>()) groups.hide_others(identity, *exec);
      starting.hide_name(identity, out);
      put(out);
    }
  for (const Event& event : events)
    if (event.as<Lost>()) put(event);

  Footer footer = last;
  footer.end_boottime = footer.end_realtime = 0;
  footer.attempted = footer.sent = footer.unread = 0;
  next.footer(footer);
}

Anonymous::Anonymous(Sink& next) : state_(std::make_unique<State>(next)) {}
Anonymous::~Anonymous() = default;
void Anonymous::header(const Header& header) {
  state_->header = header;
}
void Anonymous::existing(const Existing& process) {
  state_->existing.push_back(process);
}
void Anonymous::event(const Event& event) {
  state_->events.push_back(event);
}
void Anonymous::footer(const Footer& footer) {
  state_->give(footer);
}

}  // namespace nstrace::trace
