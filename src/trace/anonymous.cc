// SPDX-License-Identifier: MIT
// First the processes are put in order: those that existed, then children below their creators, in the order in which
// they were made. Then every event is rewritten, and its numbers and texts get their symbols on the way.
#include "trace/anonymous.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace nstrace::trace {
namespace {

using Identity = std::pair<int, Time>;  // tgid, born

constexpr int kPidStep = 100;            // process 3 is pid 300, its second thread 301
constexpr std::size_t kShortestId = 12;  // docker's short form of a container's id

struct Lineage {
  std::vector<std::size_t> events;  // indices, in their order
  std::vector<Identity> children;   // by creator, in order of creation
};

bool is_hex(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

}  // namespace

struct Anonymous::State {
  explicit State(Sink& sink) : next(sink) {}

  Sink& next;
  Header header;
  std::vector<Existing> existing;
  std::vector<Event> events;

  std::map<Identity, int> processes;                              // symbol of each: 1, 2, ...
  std::map<std::pair<Identity, int>, int> tids;                   // symbol of each thread
  std::map<Identity, int> threads;                                // how many it has
  std::map<int, int> pid_symbols;                                 // any pid or tid, as last borne: for numbers in texts
  std::map<std::pair<int, std::uint32_t>, std::uint32_t> inodes;  // by kind of namespace
  std::map<std::uint64_t, std::uint64_t> cgroups;
  std::vector<std::string> ids;  // long hexadecimal words

  int pid(const Identity& identity) {
    const auto [found, fresh] = processes.try_emplace(identity, static_cast<int>(processes.size() + 1) * kPidStep);
    if (fresh) pid_symbols[identity.first] = found->second;
    return found->second;
  }

  int tid(const Identity& identity, int number) {
    if (number == identity.first) return pid(identity);
    const auto found = tids.find({identity, number});
    if (found != tids.end()) return found->second;
    const int symbol = pid(identity) + ++threads[identity];
    tids[{identity, number}] = symbol;
    pid_symbols[number] = symbol;
    return symbol;
  }

  std::uint32_t inode(Ns ns, std::uint32_t number) {
    if (number == 0) return 0;
    if (ns == Ns::PidForChildren) ns = Ns::Pid;
    if (ns == Ns::TimeForChildren) ns = Ns::Time;
    const int kind = static_cast<int>(ns);
    const auto known = inodes.find({kind, number});
    if (known != inodes.end()) return known->second;
    const auto count =
        std::count_if(inodes.begin(), inodes.end(), [&](const auto& i) { return i.first.first == kind; });
    return inodes[{kind, number}] = static_cast<std::uint32_t>(count + 1);
  }

  std::uint64_t cgroup(std::uint64_t id) {
    if (id == 0) return 0;
    return cgroups.try_emplace(id, cgroups.size() + 1).first->second;
  }

  std::string id_symbol(const std::string& word) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t common = std::min(ids[i].size(), word.size());
      if (ids[i].compare(0, common, word, 0, common) != 0) continue;
      if (word.size() > ids[i].size()) ids[i] = word;
      return fmt::format("id{}", i + 1);
    }
    ids.push_back(word);
    return fmt::format("id{}", ids.size());
  }

  // Numbers and ids inside a text: /proc/PID, mnt:[INODE], long hexadecimal words, addresses.
  std::string scrub(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at];
      const bool begins = at == 0 || !is_word(text[at - 1]);
      if (!begins || !is_word(c)) {
        out += c;
        ++at;
        continue;
      }
      std::size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      std::string word = text.substr(at, end - at);
      const bool number = std::all_of(word.begin(), word.end(), [](unsigned char d) { return std::isdigit(d); });
      const bool hex = std::all_of(word.begin(), word.end(), is_hex);
      if (number && word.size() < 10 && out.size() >= 6 && out.compare(out.size() - 6, 6, "/proc/") == 0) {
        const auto known = pid_symbols.find(std::stoi(word));
        word = known == pid_symbols.end() ? "PID" : std::to_string(known->second);
      } else if (number && word.size() < 11 && !out.empty() && out.back() == '[' && end < text.size() &&
                 text[end] == ']') {
        const std::size_t colon = out.size() >= 2 && out[out.size() - 2] == ':' ? out.size() - 2 : std::string::npos;
        if (colon != std::string::npos) {
          std::size_t begin = colon;
          while (begin > 0 && is_word(out[begin - 1])) --begin;
          if (const auto ns = ns_from_name(out.substr(begin, colon - begin)))
            word = std::to_string(inode(*ns, static_cast<std::uint32_t>(std::stoull(word))));
        }
      } else if (word.size() >= kShortestId && hex && !number) {
        word = id_symbol(word);
      } else if (word.size() > 6 && word.compare(0, 2, "0x") == 0 &&
                 std::all_of(word.begin() + 2, word.end(), is_hex)) {
        word = "0x1";
      }
      out += word;
      at = end;
    }
    return out;
  }

  void scrub_all(std::vector<std::string>& texts) {
    for (std::string& text : texts) text = scrub(text);
  }

  NsSet ns(const NsSet& set) {
    NsSet out;
    for (int i = 0; i < kNsSlots; ++i) out[static_cast<Ns>(i)] = inode(static_cast<Ns>(i), set[static_cast<Ns>(i)]);
    return out;
  }

  Who who(const Who& from) {
    Who out = from;
    const Identity identity{from.tgid, from.born};
    out.tgid = pid(identity);
    out.tid = tid(identity, from.tid);
    out.born = 0;
    if (!out.tids.empty()) out.tids[0] = out.tid;  // numbers inside are the namespace's own: they stay
    out.comm = scrub(from.comm);
    out.ns = ns(from.ns);
    out.cgroup = cgroup(from.cgroup);
    return out;
  }

  Arg arg(const Arg& from) {
    Arg out = from;
    switch (from.kind) {
      case Arg::Kind::Integer:
        if (from.name == "pid" || from.name == "tgid" || from.name == "tid") {
          const auto known = pid_symbols.find(static_cast<int>(from.value));
          if (known != pid_symbols.end()) out.value = known->second;
        }
        break;
      case Arg::Kind::Address:
      case Arg::Kind::Unread:
        out.value = from.value ? 1 : 0;
        break;
      case Arg::Kind::Descriptor:
        if (from.target.rfind("pid:", 0) == 0) {
          const auto known = pid_symbols.find(std::atoi(from.target.c_str() + 4));
          out.target = known == pid_symbols.end() ? "pid:PID" : fmt::format("pid:{}", known->second);
        } else {
          out.target = scrub(from.target);
        }
        break;
      case Arg::Kind::Flags:
      case Arg::Kind::Symbol:
        break;
      case Arg::Kind::String:
      case Arg::Kind::Strings:
      case Arg::Kind::Struct:
        out.value = from.value ? 1 : 0;  // an address as well
        out.text = scrub(from.text);
        scrub_all(out.list);
        break;
    }
    return out;
  }

  Event rewrite(const Event& from) {
    Event out = from;
    out.who = who(from.who);
    for (Arg& a : out.call.args) a = arg(a);
    if (from.call.name == "keyctl" && from.call.result && *from.call.result > 0) out.call.result = 1;  // a serial
    if (from.call.name == "setsid" && from.call.result && *from.call.result > 0 && from.who.tids.size() < 2)
      out.call.result = out.who.tgid;
    if (auto* fork = out.as<Fork>()) {
      const Fork& was = *from.as<Fork>();
      fork->child = who(was.child);
      fork->parent_tgid = pid({was.parent_tgid, was.parent_born});
      fork->parent_born = 0;
      if (out.call.result == was.child.tid) out.call.result = fork->child.tid;
    } else if (auto* exec = out.as<Exec>()) {
      exec->tid_before = tid({from.who.tgid, from.who.born}, exec->tid_before);
      exec->comm_before = scrub(exec->comm_before);
      exec->path = scrub(exec->path);
      exec->interpreter = scrub(exec->interpreter);
      exec->device = exec->inode = 0;
      scrub_all(exec->argv);
      scrub_all(exec->env);
    } else if (auto* rename = out.as<Rename>()) {
      rename->comm_before = scrub(rename->comm_before);
    } else if (auto* seen = out.as<NamespaceSeen>()) {
      seen->inode = inode(seen->ns, seen->inode);
      seen->owner_user = inode(Ns::User, seen->owner_user);
      seen->parent = inode(seen->ns, seen->parent);
      seen->id = 0;
    } else if (auto* move = out.as<CgroupMove>()) {
      move->from = cgroup(move->from);
      move->path = scrub(move->path);
    }
    return out;
  }

  void give(const Footer& footer);
};

void Anonymous::State::give(const Footer& last) {
  header.host = ns(header.host);  // the host's are number 1 of each kind
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
  for (const Identity& identity : order) pid(identity);

  Header head = header;
  head.kernel.clear();
  head.boot_id.clear();
  head.start_boottime = head.start_realtime = 0;
  head.tracer_pid = 0;
  scrub_all(head.command);
  for (std::string& target : head.follow)
    if (!target.empty() && std::isdigit(static_cast<unsigned char>(target[0]))) target = "PID";
  next.header(head);

  for (const Existing& process : existing) {
    if (!process.followed) continue;
    Existing out = process;
    out.pid = pid({process.pid, process.born});
    out.born = 0;
    if (!out.pids.empty()) out.pids[0] = out.pid;
    const auto parent = pid_symbols.find(process.parent_pid);
    out.parent_pid = parent == pid_symbols.end() ? 0 : parent->second;
    out.comm = scrub(process.comm);
    out.exe = scrub(process.exe);
    scrub_all(out.argv);
    out.ns = ns(process.ns);
    out.cgroup = cgroup(process.cgroup);
    out.cgroup_path = scrub(process.cgroup_path);
    next.existing(out);
  }

  std::uint64_t number = 0;
  const auto put = [&](Event event) {
    event.number = ++number;
    event.time = event.start = static_cast<Time>(number);
    next.event(event);
  };
  for (const Identity& identity : order)
    for (const std::size_t i : lineages[identity].events) put(rewrite(events[i]));
  for (const Event& event : events)
    if (event.as<Lost>()) put(event);

  Footer footer = last;
  footer.end_boottime = footer.end_realtime = 0;
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
