// SPDX-License-Identifier: MIT
// The model says who is who; then each event of a followed process becomes a step, or is left out as noise.
#include "check/diff_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

#include "check/diff_noise.h"
#include "check/diff_phase.h"
#include "check/diff_roles.h"
#include "check/diff_words.h"
#include "check/vocabulary.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using namespace trace;

constexpr int kAtFdcwd = -100;

bool makes_process(const Call& call) {
  return call.name == "clone";
}

std::string without_pidfd(std::string flags) {
  for (const char* word : {"CLONE_PIDFD|", "|CLONE_PIDFD"})
    if (const std::size_t at = flags.find(word); at != std::string::npos)
      flags.erase(at, std::string_view(word).size());
  return flags;
}

// What the kernel does not look at: a mount that changes one keeps its source and type (mount(2)).
bool ignored(const Call& call, const Arg& arg) {
  if (call.name != "mount" || (arg.name != "source" && arg.name != "filesystemtype" && arg.name != "data"))
    return false;
  for (const Arg& other : call.args) {
    if (other.name != "mountflags" && other.name != "flags") continue;
    const bool propagation =
        other.text.find("MS_SLAVE") != std::string::npos || other.text.find("MS_PRIVATE") != std::string::npos ||
        other.text.find("MS_SHARED") != std::string::npos || other.text.find("MS_UNBINDABLE") != std::string::npos;
    const bool remount = other.text.find("MS_REMOUNT") != std::string::npos;
    const bool bind = other.text.find("MS_BIND") != std::string::npos;
    if (arg.name == "source") return propagation || remount;
    return propagation || bind;
  }
  return false;
}

class Reader {
 public:
  Reader(const Trace& trace, const Scope& scope) : trace_(trace), scope_(scope) {}
  Side read();

 private:
  void watch();
  void leave(const model::Process& process, std::size_t index, const Event& event);
  void divide(const model::Process& process, const Event& event);
  void make_actors();
  void make_steps();
  bool wanted(const Event& event) const;
  bool noise(const Event& event) const;
  CallStep step_of(std::size_t index, const Event& event);
  void add_call(CallStep& step, std::size_t index, const Call& call);
  std::string words(const std::string& raw, bool cut);
  void add_arg(CallStep& step, std::size_t index, std::size_t at, const Call& call);
  void note_start(Actor& actor, const Event& event);

  const Trace& trace_;
  const Scope& scope_;
  model::Model model_;
  std::vector<std::optional<model::ProcessId>> who_;                           // by event
  std::map<model::ProcessId, std::size_t> left_;                               // processes, from which event on
  std::map<std::pair<std::size_t, std::size_t>, model::NamespaceId> targets_;  // of descriptors: event, argument
  std::map<model::ProcessId, std::bitset<kNsCount>> divided_;  // namespaces in which not all threads may be
  std::vector<RoleName> roles_;                                // by process
  std::vector<std::optional<std::size_t>> actor_of_;           // by process
  std::optional<model::ProcessId> command_;                    // nstrace's own child, until it has executed COMMAND
  std::optional<Words> words_;
  Side side_;
};

Side Reader::read() {
  watch();
  for (const model::Process& process : model_.processes()) roles_.push_back(role_name(model_, process));
  words_.emplace(model_, [this](model::ProcessId id) { return roles_[id].name; });
  make_actors();
  make_steps();
  return std::move(side_);
}

// Applies the trace to the model, and notes what is only true at the moment.
void Reader::watch() {
  model_.header(trace_.header);
  for (const Existing& process : trace_.existing) model_.existing(process);
  for (std::size_t i = 0; i < trace_.events.size(); ++i) {
    const Event& event = trace_.events[i];
    model_.event(event);
    const model::Process* process = event.as<Lost>() ? nullptr : model_.process_of(event.who.tgid, event.who.born);
    who_.push_back(process ? std::optional(process->id) : std::nullopt);
    if (process && !scope_.payload) leave(*process, i, event);
    if (process) divide(*process, event);
    for (std::size_t a = 0; a < event.call.args.size(); ++a) {
      const std::string& target = event.call.args[a].target;
      const std::size_t open = target.find(":[");
      if (event.call.args[a].kind != Arg::Kind::Descriptor || open == std::string::npos) continue;
      const auto type = ns_from_name(target.substr(0, open));
      const unsigned long inode = std::strtoul(target.c_str() + open + 2, nullptr, 10);
      if (const auto* ns = type ? model_.namespace_of(*type, static_cast<std::uint32_t>(inode)) : nullptr)
        targets_[{i, a}] = ns->id;
    }
  }
  if (!trace_.header.command.empty() && trace_.header.tracer_pid)
    for (const Existing& process : trace_.existing)
      if (process.followed && process.parent_pid == trace_.header.tracer_pid)
        if (const auto* found = model_.process_of(process.pid, process.born)) command_ = found->id;
}

// As --payload=no: the first program that a process in a pid namespace of its own executes is the container's.
void Reader::leave(const model::Process& process, std::size_t index, const Event& event) {
  if (left_.contains(process.id)) {
    const auto* fork = event.as<Fork>();
    const auto* child = fork ? model_.process_of(fork->child.tgid, fork->child.born) : nullptr;
    if (child && child->id != process.id) left_.emplace(child->id, index);
    return;
  }
  const auto* ns = event.as<Exec>() ? model_.namespace_of(process.ns_id[Ns::Pid]) : nullptr;
  if (ns && !ns->host) left_.emplace(process.id, index + 1);
}

// One of several threads moves: which one it is, the leader or another, is the chance of who schedules them.
void Reader::divide(const model::Process& process, const Event& event) {
  if ((event.call.name != "setns" && event.call.name != "unshare") || model_.single_threaded(process.id)) return;
  const trace::NsSet* after = model_.last_ns(event.who);
  for (int i = 0; after && i < kNsCount; ++i)
    if ((*after)[static_cast<Ns>(i)] != model_.ns_before()[static_cast<Ns>(i)]) divided_[process.id].set(i);
}

void Reader::make_actors() {
  const auto& processes = model_.processes();
  const bool makers = scope_.fork && scope_.successful && scope_.call("unshare");  // whoever makes a namespace is seen
  std::vector<bool> seen(processes.size());
  for (const auto& who : who_)
    if (who) seen[*who] = true;
  actor_of_.resize(processes.size());
  // creators are handed out before what they create, but for processes that were met late
  std::vector<model::ProcessId> order;
  std::vector<bool> placed(processes.size());
  const auto place = [&](auto& self, model::ProcessId id) -> void {
    if (placed[id]) return;
    placed[id] = true;
    if (const auto creator = processes[id].creator) self(self, *creator);
    order.push_back(id);
  };
  for (const model::Process& process : processes)
    if (process.followed && (seen[process.id] || process.fork_event)) place(place, process.id);
  for (const model::ProcessId id : order) {
    const model::Process& process = processes[id];
    if (!process.followed || is_probe(process)) continue;
    const auto left = left_.find(id);  // from its creation on?
    if (left != left_.end() && process.fork_event && left->second < trace_.events.size() &&
        trace_.events[left->second].number == process.fork_event)
      continue;
    Actor actor;
    actor.kind = roles_[id].kind;
    actor.name = roles_[id].name;
    actor.daemon =
        process.existed && std::ranges::none_of(process.programs, [](const auto& p) { return p.event != 0; });
    actor.ended = process.ended.has_value();
    actor.started = !scope_.exec;
    const auto divided = divided_.find(id);
    for (int i = 0; i < kNsCount; ++i)
      if (const auto* ns = model_.namespace_of(process.ns_id[static_cast<Ns>(i)]);
          ns && !(divided != divided_.end() && divided->second[i]))
        actor.lives[i] = ns->host ? "host" : ns->maker ? "new" : makers ? "joined" : "";
    if (process.creator) actor.creator = actor_of_[*process.creator];
    const std::size_t index = side_.actors.size();
    actor_of_[id] = index;
    if (actor.creator)
      side_.actors[*actor.creator].children.push_back(index);
    else
      side_.roots.push_back(index);
    side_.actors.push_back(std::move(actor));
  }
}

// Whether both traces would have it.
bool Reader::wanted(const Event& event) const {
  if (event.as<Lost>() || event.as<NamespaceSeen>()) return false;
  if (event.as<Exit>()) return scope_.exit;
  if (event.as<Rename>()) return scope_.comm;
  if (event.as<CgroupMove>()) return scope_.cgroup;
  if (event.as<Exec>()) return scope_.exec && scope_.successful;
  if (event.as<Fork>()) return scope_.fork;
  if (!scope_.call(event.call.name)) return false;
  return event.call.failed() ? scope_.failed : scope_.successful;
}

bool Reader::noise(const Event& event) const {
  if (event.call.name == "exit_group" || event.call.name == "exit") return scope_.exit;
  if (const auto* fork = event.as<Fork>()) {
    const auto* child = model_.process_of(fork->child.tgid, fork->child.born);
    if (child && is_probe(*child)) return true;
  }
  return is_noise(event);
}

void Reader::make_steps() {
  std::set<model::ProcessId> began;
  std::map<std::size_t, PhaseGuess> phases;
  std::map<std::pair<model::ProcessId, std::string>, std::set<int>> ids_set_by;  // threads, since the first of them
  for (std::size_t i = 0; i < trace_.events.size(); ++i) {
    const Event& event = trace_.events[i];
    if (!who_[i] || !actor_of_[*who_[i]]) continue;
    if (const auto left = left_.find(*who_[i]); left != left_.end() && i >= left->second) continue;
    const model::ProcessId id = *who_[i];
    if (event.as<Exec>()) began.insert(id);
    Actor& actor = side_.actors[*actor_of_[id]];
    const Phase phase = phases.try_emplace(*actor_of_[id], actor.kind).first->second.next(event);
    if (command_ == id && !began.count(id)) continue;
    if (!wanted(event) || noise(event)) continue;
    note_start(actor, event);
    CallStep step = step_of(i, event);
    step.phase = phase;
    step.event = event.number;
    if (command_ == id && event.as<Exec>())  // how COMMAND was called, and with which environment
      std::erase_if(step.parts, [](const CallPart& part) { return part.name == "env"; });
    if (sets_ids(step.call)) {  // by the first of the threads
      std::set<int>& threads = ids_set_by[{id, step.text()}];
      const bool by_another = !threads.empty() && !threads.contains(event.who.tid);
      if (!by_another) threads.clear();
      threads.insert(event.who.tid);
      if (by_another) continue;
    }
    // A loop over bits or capabilities; how often it asks the same is its own affair.
    if (step.call == "prctl" && !actor.steps.empty() && actor.steps.back().text() == step.text()) continue;
    actor.steps.push_back(std::move(step));
  }
}

// What a call leaves behind for the program that is executed at last, and what its exec tells itself.
void Reader::note_start(Actor& actor, const Event& event) {
  const Call& call = event.call;
  if (const auto* exec = event.as<Exec>(); exec && actor.kind == "init") {
    actor.started = true;
    if (exec->caps) {
      const auto text = [](std::uint64_t mask) {
        std::string set = capabilities_text(mask);
        for (std::size_t at = 0; (at = set.find("1<<", at)) != std::string::npos;) set.erase(at, 3);
        return set == "0" ? "none" : set;
      };
      actor.start["effective capabilities"] = text(exec->caps->effective);
      actor.start["permitted capabilities"] = text(exec->caps->permitted);
      actor.start["inheritable capabilities"] = text(exec->caps->inheritable);
      actor.start["ambient capabilities"] = text(exec->caps->ambient);
      actor.start["bounding capabilities"] = text(exec->caps->bounding);
    }
    if (exec->no_new_privs) actor.start["no_new_privs"] = *exec->no_new_privs ? "yes" : "no";
    if (exec->seccomp) actor.start["system call filter"] = *exec->seccomp == Seccomp::Filter ? "yes" : "no";
    if (exec->creds) actor.start["user and group"] = fmt::format("{}:{}", exec->creds->euid, exec->creds->egid);
    if (exec->cwd && !exec->cwd->path.empty()) actor.start["working directory"] = escape(exec->cwd->path, "`");
    if (exec->fds) {
      std::string fds;
      for (const OpenFd& fd : *exec->fds) fds += fmt::format("{}{}", fds.empty() ? "" : ", ", fd.fd);
      if (exec->fds_more) fds += fmt::format(", and {} more", exec->fds_more);
      actor.start["open descriptors"] = fds.empty() ? "none" : fds;
    }
    return;
  }
  if (actor.kind != "init" || call.failed() || call.name.empty()) return;
  const std::string first = call.args.empty() ? "" : call.args[0].text;
  if (call.name == "pivot_root" || call.name == "chroot") {
    actor.start["root"] = call.name;
  } else if (call.name == "capset" && call.args.size() > 1) {
    for (const std::string& field : call.args[1].list)
      for (const char* set : {"effective", "permitted", "inheritable"})
        if (field.starts_with(std::string(set) + "=")) {
          std::string value = field.substr(field.find('=') + 1);
          for (std::size_t at = 0; (at = value.find("1<<", at)) != std::string::npos;) value.erase(at, 3);
          actor.start[std::string(set) + " capabilities"] = value == "0" ? "none" : value;
        }
  } else if (call.name == "seccomp" && first == "SECCOMP_SET_MODE_FILTER") {
    actor.start["system call filter"] = "yes";
  } else if (call.name == "prctl" && first == "PR_SET_SECCOMP") {
    actor.start["system call filter"] = "yes";
  } else if (call.name == "prctl" && first == "PR_SET_NO_NEW_PRIVS") {
    actor.start["no_new_privs"] = "yes";
  }
}

// In words that do not vary. What a cut text ends with may be the beginning of such a word, by which it is not known
// yet.
std::string Reader::words(const std::string& raw, bool cut) {
  std::string text = words_->text(raw);
  if (!cut) return text;
  const std::size_t last = text.find_last_not_of("0123456789abcdef");
  const std::size_t begin = last == std::string::npos ? 0 : last + 1;
  if (text.find_first_of("0123456789", begin) != std::string::npos) text.resize(begin);
  return text;
}

void Reader::add_arg(CallStep& step, std::size_t index, std::size_t at, const Call& call) {
  const Arg& arg = call.args[at];
  const auto put = [&](const std::string& name, const std::string& text, bool cut = false) {
    step.parts.push_back({name, text, cut});
  };
  if (ignored(call, arg)) return put(arg.name, "NULL");
  // Go asks for a pidfd of each child, where the kernel has them; where its stack is says nothing.
  if (makes_process(call) && arg.name == "flags") return put(arg.name, without_pidfd(arg.text));
  if (makes_process(call) && (arg.name == "parent_tid" || arg.name == "child_stack")) return;
  switch (arg.kind) {
    case Arg::Kind::Address:
      // What the kernel does not look at is not decoded: runtimes pass NULL, "" or a word there.
      if (call.name == "mount" || arg.value == 0)
        put(arg.name, "NULL");
      else if (arg.name != "envp")
        put(arg.name, "ADDR");
      return;
    case Arg::Kind::Unread:
      put(arg.name, "ADDR<fault>");
      return;
    case Arg::Kind::Descriptor: {
      if (const auto ns = targets_.find({index, at}); ns != targets_.end())
        return put(arg.name, "<" + words_->ns(ns->second) + ">");
      if (arg.value == kAtFdcwd || arg.value == -1)
        return put(arg.name, arg_text(arg, {.targets = false, .comments = false}));
      // Where a folder lies is the machine's; what stands behind the descriptor, in the other arguments, is the call's.
      if (arg.target.empty() || arg.target[0] == '/' || arg.target[0] == '(')
        return put(arg.name, "FD", arg.target.empty() && !trace_.header.calls_known);
      if (arg.target.starts_with("pid:")) return put(arg.name, "<pid>");
      return put(arg.name, "<" + escape(words_->text(arg.target), "\\<>") + ">");
    }
    case Arg::Kind::Struct:
      for (const std::string& field : arg.list) {
        const std::size_t equals = field.find('=');
        if (equals == std::string::npos || equals == 0) {
          put(arg.name, escape(words_->text(field), ""));
          continue;
        }
        std::string value = field.substr(equals + 1);
        if (value.starts_with("0x") && value.size() > 6 && value.find('|') == std::string::npos) value = "ADDR";
        put(field.substr(0, equals), escape(words_->text(value), ""));
      }
      if (arg.list.empty()) put(arg.name, "{}");
      return;
    case Arg::Kind::String:
      if (call.name == "mount" && arg.text.empty()) return put(arg.name, "NULL");
      if (call.name == "mount" && arg.name == "data")
        return put(arg.name, quote(words(mount_data(arg.text), arg.cut), kNoLimit, arg.cut), arg.cut);
      put(arg.name, quote(words(arg.text, arg.cut), kNoLimit, arg.cut), arg.cut);
      return;
    case Arg::Kind::Strings: {
      if (arg.name == "envp") return;  // as where it is an address
      Arg copy = arg;
      for (std::size_t i = 0; i < copy.list.size(); ++i)
        copy.list[i] = words(copy.list[i], std::ranges::count(arg.cut_elements, static_cast<int>(i)) > 0);
      put(arg.name, arg_text(copy, {.comments = false}), arg.cut || !arg.cut_elements.empty());
      return;
    }
    case Arg::Kind::Integer:
      if (closes_one(call) && arg.name != "flags") return put(arg.name, "FD");
      if (sizes_buffer(call, arg)) return put(arg.name, "SIZE");
      if (call.name == "keyctl" && arg.value > 4096) return put(arg.name, "KEY");  // a serial: random, of 31 bits
      if (arg.name == "pid" || arg.name == "tgid" || arg.name == "tid")
        return put(arg.name, arg.value > 0 ? "PID" : arg_text(arg));
      put(arg.name, arg_text(arg, {.comments = false}));
      return;
    case Arg::Kind::Flags:
    case Arg::Kind::Symbol:
      put(arg.name, arg_text(arg, {.comments = false}));
      return;
  }
}

void Reader::add_call(CallStep& step, std::size_t index, const Call& call) {
  step.call = call.name;
  for (std::size_t i = 0; i < call.args.size(); ++i) add_arg(step, index, i, call);
  if (call.failed()) {
    const std::string_view name = errno_name(static_cast<int>(-*call.result));
    step.outcome = name.empty() ? fmt::format("error {}", -*call.result) : std::string(name);
  }
}

CallStep Reader::step_of(std::size_t index, const Event& event) {
  CallStep step;
  if (const auto* exit = event.as<Exit>()) {
    step.call = "exit";
    step.outcome = exit->signal ? "killed by " + signal_name(exit->signal) : fmt::format("{}", exit->code);
  } else if (event.as<Rename>()) {
    step.call = "comm";
    step.parts = {{.name = "comm", .text = quote(words_->text(event.who.comm))}};
  } else if (const auto* move = event.as<CgroupMove>()) {
    step.call = "cgroup";
    step.parts = {{.name = "path", .text = quote(words_->text(move->path))}};
  } else if (const auto* exec = event.as<Exec>(); exec && event.call.name.empty()) {
    step.call = "execve";
    Arg argv;
    for (const std::string& word : exec->argv) argv.list.push_back(words_->text(word));
    argv.kind = Arg::Kind::Strings;
    step.parts = {{.name = "pathname", .text = quote(words_->text(exec->path))},
                  {.name = "argv", .text = arg_text(argv)}};
  } else if (const auto* fork = event.as<Fork>(); fork && event.call.name.empty()) {
    step.call = "clone";
    step.parts = {{.name = "flags", .text = flags_text(fork->flags, clone_flags())}};
  } else {
    add_call(step, index, event.call);
  }
  if (const auto* exec = event.as<Exec>(); exec && scope_.env) {
    std::string own;  // what a runtime tells itself
    std::vector<std::string> names;
    for (const std::string& variable : exec->env)
      if (variable.starts_with("_LIBCONTAINER_") || variable.starts_with("_OCI_"))
        names.push_back(variable.starts_with("_LIBCONTAINER_INITTYPE") ? variable
                                                                       : variable.substr(0, variable.find('=')));
    std::ranges::sort(names);
    for (const std::string& name : names) own += (own.empty() ? "" : " ") + escape(words_->text(name), "");
    if (!own.empty()) step.parts.push_back({.name = "env", .text = own});
  }
  return step;
}

}  // namespace

std::string CallStep::text() const {
  if (call == "exit") return outcome.starts_with("killed") ? outcome : "exited with " + outcome;
  if (call == "comm") return "comm " + parts[0].text;
  if (call == "cgroup") return "cgroup " + parts[0].text;
  std::string text = call + "(";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i) text += ", ";
    const std::string& name = parts[i].name;
    if (call.starts_with("clone") || name == "env") text += name + "=";
    text += parts[i].text;
  }
  text += ")";
  if (!outcome.empty()) text += " = -1 " + outcome;
  return text;
}

Side read_side(const Trace& trace, const Scope& scope) {
  return Reader(trace, scope).read();
}

}  // namespace nstrace::check
