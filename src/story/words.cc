// SPDX-License-Identifier: MIT
#include "story/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "model/runtime.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::story {

using trace::Ns;

namespace {

// Where fold() puts its words. What is filled in has no control bytes, so that no traced process can write these.
constexpr std::string_view kEach = "\x01", kCount = "\x02";

constexpr std::size_t kLongest = 72;  // of one filled-in word

Ns plain(Ns slot) {
  if (slot == Ns::PidForChildren) return Ns::Pid;
  if (slot == Ns::TimeForChildren) return Ns::Time;
  return slot;
}

bool hex_id(std::string_view word) {
  return word.size() >= 32 && std::ranges::all_of(word, [](unsigned char c) { return std::isxdigit(c); });
}

// Ids within a path are shortened, and a path that is long even so keeps its beginning and its end.
std::string short_path(std::string_view path) {
  std::string text;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find_first_of("/:=,", at), path.size());
    text += short_id(path.substr(at, end - at));
    if (end < path.size()) text += trace::escape(path.substr(end, 1));
    at = end + 1;
  }
  if (text.size() <= kLongest) return text;
  // Cut between characters, not within one.
  const auto boundary = [&](std::size_t i) {
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) ++i;
    return i;
  };
  return text.substr(0, boundary(kLongest / 3)) + "..." + text.substr(boundary(text.size() - kLongest / 2));
}

std::string arg_words(const trace::Call& call, std::size_t index) {
  if (index >= call.args.size()) return "";
  const trace::Arg& arg = call.args[index];
  if (arg.kind == trace::Arg::Kind::String) return short_path(arg.text);
  return short_path(trace::arg_text(arg));
}

// Whose namespace it is: "container web", "the host", "a sandbox".
std::string owner_of(const Moment& m, Ns ns, std::uint32_t inode) {
  const model::Namespace* object = m.model.namespace_of(plain(ns), inode);
  if (!object) return "";
  if (object->host) return "the host";
  for (const model::Container& c : m.model.containers())
    if (c.ns_id[plain(ns)] == object->id)
      return c.name.empty() ? "the " + std::string(model::kind_of(c)) : "container " + short_id(c.name);
  return "";
}

// Whose the namespaces are that the call changed.
std::string whose(const Moment& m) {
  for (int i = 0; i < trace::kNsSlots; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (m.event.who.ns[ns] != m.ns_before[ns] && m.event.who.ns[ns])
      if (const std::string owner = owner_of(m, ns, m.event.who.ns[ns]); !owner.empty()) return owner;
  }
  return m.actor.id.empty() ? "the container" : "container " + short_id(m.actor.id);
}

// A file of /proc and the words that were put into it: uid_map "0 100000 65536".
std::string written(const trace::Call& call) {
  if (call.args.size() < 2) return "";
  std::string_view text = call.args[1].text;
  while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.remove_suffix(1);
  return fmt::format("{} {}", trace::escape(model::base_name(call.args[0].target)), trace::quote(text, 48));
}

std::string device(const Moment& m) {
  const std::string path = m.call().args.size() > 1 ? m.call().args[m.call().name == "mknod" ? 0 : 1].text : "";
  return trace::escape(model::base_name(path));
}

std::string ending(const Moment& m) {
  const auto* exit = m.event.as<trace::Exit>();
  if (!exit) return "";
  if (!m.process.ended) return "";
  if (!m.process.ended->signal) return fmt::format("with status {}", m.process.ended->code);
  return fmt::format("by {}{}", trace::signal_name(m.process.ended->signal),
                     m.process.ended->core ? " (core dumped)" : "");
}

bool root_changed(const model::Process& p) {
  return std::ranges::any_of(
      p.marks, [](const model::Mark& mark) { return mark.call == "pivot_root" || mark.call == "chroot"; });
}

// As config.json calls a hook that is called by this process at this moment, as a clause; "" = not known.
std::string hook_kind(const Moment& m) {
  if (!m.process.creator) return "";
  const model::Process& creator = m.model.processes()[*m.process.creator];
  const bool by_command = m.actor.session == creator.id;
  if (!by_command)
    return m.actor.verb == "exec" ? "" : root_changed(creator) ? " (startContainer)" : " (createContainer)";
  const model::Container* container = container_of(m);
  if (m.actor.verb == "delete") return " (poststop)";
  if (m.actor.verb == "start") return " (poststart)";
  if (!container || !container->init) return "";
  const model::Process& init = m.model.processes()[*container->init];
  if (init.ended) return " (poststop, or poststart)";  // which may come after a short program's end
  return root_changed(init) ? " (poststart)" : " (createRuntime, or the older prestart)";
}

// What it tried in vain before it gave up, as a clause; who is killed did not give up.
std::string cause(const Moment& m) {
  if (!m.failed || !m.process.ended || m.process.ended->signal) return "";
  const trace::Call& call = m.failed->call;
  trace::TextOptions options;
  options.string_limit = 48;
  options.list_limit = 3;
  options.comments = false;
  options.targets = false;
  std::string text = trace::call_text(call, options);
  if (text.size() > kLongest) text = trace::escape(call.name) + "(...)";
  return fmt::format(". Its last call failed: {} = {}", text, trace::result_text(call));
}

std::string word(std::string_view name, const Moment& m) {
  const trace::Call& call = m.call();
  const auto* fork = m.event.as<trace::Fork>();
  const auto* exec = m.event.as<trace::Exec>();
  if (name.size() == 4 && name.starts_with("arg")) return arg_words(call, static_cast<std::size_t>(name[3] - '0'));
  if (name == "new") return fork ? kinds(m.event.who.ns, fork->child.ns) : kinds(m.ns_before, m.event.who.ns);
  if (name == "whose") return whose(m);
  if (name == "id") return m.actor.id.empty() ? "" : short_id(m.actor.id);
  if (name == "container") return m.actor.id.empty() ? "the container" : "container " + short_id(m.actor.id);
  if (name == "runtime") return m.actor.runtime.empty() ? "the runtime" : trace::escape(m.actor.runtime);
  if (name == "gate") return m.actor.runtime == "youki" ? "its socket notify.sock" : "the pipe exec.fifo";
  if (name == "verb") return trace::escape(m.actor.verb);
  if (name == "pid") return std::to_string(m.event.who.tgid);
  if (name == "comm") return trace::escape(m.event.who.comm);
  // Its number inside, and the same as a clause, which is empty where that is not known.
  if (name == "inner" || name == "number_inside" || name == "as_number" || name == "numbered") {
    const auto& ids = fork ? fork->child.tids : m.process.pids;
    const std::uint32_t now = (fork ? fork->child.ns : m.event.who.ns)[Ns::Pid];
    const bool known = ids.size() > 1 || (!ids.empty() && now && now == m.model.header().host[Ns::Pid]);
    if (name == "inner") return known ? std::to_string(ids.back()) : "unknown";
    if (!known || (!fork && !m.process.container)) return "";
    if (name == "as_number") return fmt::format(", as {}", ids.back());
    if (name == "numbered") return fmt::format(" (number {} in the container)", ids.back());
    return fmt::format(", number {} in the container", ids.back());
  }
  if (name == "child") return fork ? std::to_string(fork->child.tgid) : "?";
  if (name == "program") return exec ? command_line(exec->argv) : "";
  if (name == "image") return exec ? short_path(exec->path) : "";
  if (name == "name")
    return exec ? trace::escape(model::base_name(exec->argv.empty() ? std::string_view(exec->path) : exec->argv[0]))
                : "";
  if (name == "place" || name == "place0") {
    const std::string path = arg_words(call, name == "place" ? 1 : 0);
    // A path through a descriptor says nothing to the reader.
    return glob("/proc/self/fd/*|/proc/thread-self/fd/*", path) ? "" : path;
  }
  if (name == "base0") return call.args.empty() ? "" : trace::escape(model::base_name(call.args[0].text));
  if (name == "call") return trace::escape(call.name);
  if (name == "target") {
    const std::string& to = call.args.empty() ? call.name : call.args[0].target;
    const auto ns = trace::ns_from_name(std::string_view(to).substr(0, to.find(':')));
    return ns ? std::string(kind_title(*ns)) : kinds(m.ns_before, m.event.who.ns);
  }
  // Of a cgroup's folder, or of a file in it that is open: "memory" with v1.
  if (name == "hierarchy" || name == "hierarchy0" || name == "hierarchy_of_file") {
    const std::size_t at = name == "hierarchy" ? 1 : 0;
    const std::string_view path = call.args.size() <= at        ? std::string_view()
                                  : name == "hierarchy_of_file" ? std::string_view(call.args[at].target)
                                                                : std::string_view(call.args[at].text);
    const std::string_view below = path.substr(std::min(path.size(), std::string_view("/sys/fs/cgroup/").size()));
    const std::string_view first = below.substr(0, below.find('/'));
    static constexpr std::string_view kV1[] = {
        "cpu",      "cpuacct", "cpu,cpuacct", "cpuset",  "memory", "devices",    "freezer",
        "blkio",    "pids",    "net_cls",     "hugetlb", "rdma",   "perf_event", "net_cls,net_prio",
        "net_prio", "misc",    "systemd",     "unified"};
    return std::ranges::find(kV1, first) != std::end(kV1) ? std::string(first) : short_path(path);
  }
  if (name == "written") return written(call);
  if (name == "link") return trace::escape(model::base_name(call.args.size() > 2 ? call.args[2].text : ""));
  if (name == "device") return device(m);
  if (name == "ending") return ending(m);
  if (name == "cause") return cause(m);
  if (name == "kind")
    return std::string(m.process.container ? model::kind_of(m.model.containers()[*m.process.container]) : "container");
  if (name == "hook_kind") return hook_kind(m);
  if (name == "cgroup") {
    const auto* move = m.event.as<trace::CgroupMove>();
    return move ? short_path(move->path) : "";
  }
  if (name == "result") return call.result ? std::to_string(*call.result) : "?";
  if (name == "each") return std::string(kEach);
  if (name == "count") return std::string(kCount);
  return "{" + std::string(name) + "}";
}

}  // namespace

std::string_view kind_title(Ns ns) {
  switch (plain(ns)) {
    case Ns::Mnt:
      return "mount";
    case Ns::Uts:
      return "UTS (host name)";
    case Ns::Ipc:
      return "IPC";
    case Ns::Net:
      return "network";
    case Ns::Pid:
    case Ns::PidForChildren:
      return "PID";
    case Ns::User:
      return "user";
    case Ns::Cgroup:
      return "cgroup";
    case Ns::Time:
    case Ns::TimeForChildren:
      return "time";
  }
  return "";
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

std::string kinds(const trace::NsSet& before, const trace::NsSet& after) {
  std::vector<std::string> names;
  for (int i = 0; i < trace::kNsSlots; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (before[ns] == after[ns] || !after[ns]) continue;
    const std::string name(kind_title(ns));
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return join(names);
}

std::string short_id(std::string_view id) {
  return hex_id(id) ? std::string(id.substr(0, 12)) : trace::escape(id);
}

std::string command_line(const std::vector<std::string>& argv, std::size_t limit) {
  std::string line;
  for (const std::string& arg : argv) {
    std::string text = short_id(arg);
    if (arg.empty() || arg.find(' ') != std::string::npos) text = "'" + text + "'";
    if (!line.empty() && line.size() + text.size() + 1 > limit) return line + " ...";
    line += (line.empty() ? "" : " ") + text;
  }
  return line;
}

std::string fill(std::string_view text, const Moment& moment) {
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('{', at);
    const std::size_t close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) return filled.append(text.substr(at));
    filled.append(text.substr(at, open - at));
    filled += word(text.substr(open + 1, close - open - 1), moment);
    at = close + 1;
  }
  return filled;
}

std::string fold(std::string_view text, const std::vector<std::string>& each, std::uint32_t count, std::size_t most) {
  std::string folded(text);
  const auto replace = [&](std::string_view what, const std::string& with) {
    for (std::size_t at = 0; (at = folded.find(what, at)) != std::string::npos; at += with.size())
      folded.replace(at, what.size(), with);
  };
  const std::size_t last = std::min(each.size(), most);
  std::vector<std::string> shown(each.begin(), each.begin() + static_cast<std::ptrdiff_t>(last));
  if (each.size() > shown.size()) shown.push_back(fmt::format("{} more", each.size() - shown.size()));
  if (each.empty())
    for (const std::string_view clause : {" (\x01)", ": \x01", " \x01"}) replace(clause, "");
  replace(kCount, std::to_string(count));
  replace(kEach, join(shown));
  return folded;
}

}  // namespace nstrace::story
