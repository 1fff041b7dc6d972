// SPDX-License-Identifier: MIT
// States. A namespace is `new` when a process of the same lineage made it in this trace, and `joined` when the lineage
// neither made it nor had it from the beginning. The lineage of a process are its creators, up to the topmost role
// that its own role is below.
#include "check/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/judge.h"
#include "check/match.h"
#include "check/state_exec.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using model::Namespace;
using model::NamespaceId;
using trace::Arg;
using trace::Ns;

std::string person(const Facts& facts, ProcessId id) {
  const model::Process& p = facts.process(id);
  return fmt::format("pid {} ({})", p.pid, trace::escape(p.comm(), ""));
}

class State {
 public:
  State(const Facts& facts, RoleId role, EventIndex event, const Assignment& assignment, bool details)
      : facts_(facts),
        event_(facts.store.event(event)),
        state_(*facts.store.state(event_)),
        assignment_(assignment),
        details_(details) {
    lineage_.reserve(8);
    const RoleId top = facts.roles.top(role);
    const auto last = facts.roles.belongs_to(event_.process, role, top);
    std::optional<ProcessId> at = event_.process;
    for (std::size_t i = 0; at && i <= facts.model.processes().size(); ++i) {
      lineage_.push_back(*at);
      if (top != role && at == last) break;
      at = facts.model.origin(facts.process(*at));
    }
  }

  StateAnswer answer(const StateLine& line) {
    StateAnswer out;
    out.line = &line;
    if (line.kind == StateLine::Kind::Ns) {
      for (const Ns type : line.ns) {
        StateAnswer one = ns(line, type);
        if (line.negated) one.truth = negated(one.truth);
        if (one.truth >= out.truth) continue;
        out.truth = one.truth;
        out.found = one.found;
        out.unknown = one.unknown;
        out.cure = one.cure;
      }
      return out;
    }
    if (state_.exec)
      if (const auto answer = at_exec(line, *state_.exec, details_)) {
        out.truth = answer->truth;
        out.found = answer->found;
        if (out.truth == Truth::Maybe) out.unknown = fmt::format("the {} were not recorded whole", words(line.kind));
        return out;
      }
    const auto arg = value(line.kind);
    if (!arg) {
      out.truth = Truth::Maybe;
      if (stale(line.kind)) {
        out.unknown = fmt::format("{} event{} lost, which may have changed the {}", facts_.lost,
                                  facts_.lost == 1 ? " was" : "s were", words(line.kind));
        out.cure = "record with a larger --buffer";
        return out;
      }
      out.unknown = fmt::format("the trace does not tell the {} of processes at this call", words(line.kind));
      out.cure = state_.exec ? "record it with this version of nstrace"
                             : "ask at an exec, the only call that is recorded with it";
      return out;
    }
    out.truth = value_fits(line.value, *arg);
    if (details_) out.found = fmt::format("{} is {}", state_name(line.kind), trace::arg_text(*arg));
    return out;
  }

 private:
  static std::string_view words(StateLine::Kind kind) {
    switch (kind) {
      case StateLine::Kind::Uid:
        return "user id";
      case StateLine::Kind::Gid:
        return "group id";
      case StateLine::Kind::Caps:
        return "capabilities";
      case StateLine::Kind::NoNewPrivs:
        return "no_new_privs";
      case StateLine::Kind::Seccomp:
        return "seccomp mode";
      case StateLine::Kind::Cwd:
        return "working directory";
      case StateLine::Kind::Root:
        return "root directory";
      case StateLine::Kind::Fds:
        return "open descriptors";
      case StateLine::Kind::Groups:
        return "supplementary groups";
      case StateLine::Kind::Ns:
      case StateLine::Kind::Comm:
      case StateLine::Kind::Exe:
      case StateLine::Kind::Pid:
      case StateLine::Kind::Cgroup:
        return state_name(kind);
    }
    return "";
  }

  static Arg text(const std::string& bytes) {
    Arg arg;
    arg.kind = Arg::Kind::String;
    arg.text = bytes;
    return arg;
  }

  // What the call itself does not tell, and what is lost may have changed.
  bool stale(StateLine::Kind kind) const {
    return facts_.lost && (kind == StateLine::Kind::Cgroup || (kind == StateLine::Kind::Exe && !state_.exec));
  }

  // What is known of it at the call.
  std::optional<Arg> value(StateLine::Kind kind) const {
    switch (kind) {
      case StateLine::Kind::Comm:
        return text(state_.comm);
      case StateLine::Kind::Exe:
        if (state_.exe.empty() || stale(kind)) return std::nullopt;
        return text(state_.exe);
      case StateLine::Kind::Cgroup:
        if (state_.cgroup.empty() || stale(kind)) return std::nullopt;
        return text(state_.cgroup);
      case StateLine::Kind::Pid: {
        if (state_.pids.empty()) return std::nullopt;
        Arg arg;
        arg.value = state_.pids.back();
        return arg;
      }
      case StateLine::Kind::Ns:
      case StateLine::Kind::Uid:
      case StateLine::Kind::Gid:
      case StateLine::Kind::Groups:
      case StateLine::Kind::Caps:
      case StateLine::Kind::NoNewPrivs:
      case StateLine::Kind::Seccomp:
      case StateLine::Kind::Cwd:
      case StateLine::Kind::Root:
      case StateLine::Kind::Fds:
        return std::nullopt;
    }
    return std::nullopt;
  }

  bool of_lineage(ProcessId id) const { return std::ranges::find(lineage_, id) != lineage_.end(); }

  // The making of namespaces is recorded whole, so that one whose maker is not known was there before.
  std::optional<Reason> makers_unknown() const {
    if (auto gap = facts_.recording.gap_of_kind("fork")) return gap;
    if (auto gap = facts_.recording.gap_of_call("unshare")) return gap;
    if (facts_.lost)
      return Reason{fmt::format("{} event{} lost", facts_.lost, facts_.lost == 1 ? " was" : "s were"),
                    "record with a larger --buffer"};
    for (const ProcessId id : lineage_)
      if (facts_.touched(id) || facts_.left(id)) return blind_spots(facts_, nullptr, id).front();
    return std::nullopt;
  }

  std::string describe(Ns type, const Namespace& ns) const {
    const std::string_view name = trace::ns_name(type);
    if (ns.host) return fmt::format("{} is the host's ({})", name, ns.inode);
    if (ns.maker)
      return fmt::format("{} ({}) was made by {}{} at event {}", name, ns.inode, person(facts_, *ns.maker),
                         of_lineage(*ns.maker) ? "" : ", who is not of its lineage,", ns.made_by);
    return fmt::format("{} ({}) was there before", name, ns.inode);
  }

  StateAnswer ns(const StateLine& line, Ns type) {
    StateAnswer out;
    const Namespace* ns = facts_.model.namespace_of(state_.ns[type]);
    // A log has what its calls show; where else a process went, it does not tell.
    if (facts_.recording.imported()) ns = nullptr;
    if (!ns) {
      out.truth = Truth::Maybe;
      out.unknown = fmt::format("the {} namespace of pid {} is not known at event {}", trace::ns_name(type),
                                facts_.process(event_.process).pid, event_.number);
      out.cure = "record with nstrace";
      return out;
    }
    if (details_) out.found = describe(type, *ns);
    switch (line.is) {
      case StateLine::NsIs::Host: {
        const Ns plain = type == Ns::PidForChildren ? Ns::Pid : type == Ns::TimeForChildren ? Ns::Time : type;
        if (!facts_.model.header().host[plain]) {
          out.truth = Truth::Maybe;
          out.unknown = fmt::format("the trace does not tell the {} namespace of the host", trace::ns_name(type));
          out.cure = "record with nstrace";
        } else {
          out.truth = truth(ns->host);
        }
        break;
      }
      case StateLine::NsIs::New:
        if (ns->maker) {
          out.truth = truth(of_lineage(*ns->maker));
        } else if (ns->host || ns->event == 0) {
          out.truth = Truth::No;
        } else if (const auto unknown = makers_unknown()) {
          out.truth = Truth::Maybe;
          out.unknown = unknown->why;
          out.cure = unknown->cure;
        } else {
          out.truth = Truth::No;
        }
        break;
      case StateLine::NsIs::SameAs:
        out.truth = same(line.of, type, out);
        break;
      case StateLine::NsIs::JoinedFrom:
        out.truth = same(line.of, type, out);
        if (out.truth == Truth::Yes && ns->maker && of_lineage(*ns->maker)) {
          out.truth = Truth::No;
        } else if (out.truth == Truth::Yes && facts_.process(lineage_.back()).ns_id_at_birth[type] == ns->id) {
          out.truth = Truth::No;
          out.found = fmt::format("{} ({}) was inherited, not joined", trace::ns_name(type), ns->inode);
        }
        break;
    }
    return out;
  }

  Truth same(RoleId role, Ns type, StateAnswer& out) const {
    const ProcessId other = facts_.who(assignment_, role);
    const model::NsIds* theirs = facts_.history.at(facts_.process(other), event_.number);
    const Namespace* ns = theirs ? facts_.model.namespace_of((*theirs)[type]) : nullptr;
    if (!theirs) {
      out.found += fmt::format("; {} was not there yet", person(facts_, other));
      return Truth::No;
    }
    if (!ns) {
      out.unknown = fmt::format("the {} namespace of {} is not known", trace::ns_name(type), person(facts_, other));
      out.cure = "record with nstrace";
      return Truth::Maybe;
    }
    if (details_ && ns->id != state_.ns[type])
      out.found += fmt::format("; that of {} is {}", person(facts_, other), ns->inode);
    return truth(ns->id == state_.ns[type]);
  }

  const Facts& facts_;
  const Stored& event_;
  const StateAt& state_;
  const Assignment& assignment_;
  bool details_;
  std::vector<ProcessId> lineage_;  // the process, its creator, ...
};

}  // namespace

void NsHistory::note(const trace::Event& event, const model::Process& process) {
  if (process.id >= changes_.size()) changes_.resize(process.id + 1);
  auto& changes = changes_[process.id];
  if (changes.empty() ? process.ns_id.id == process.ns_id_at_birth.id : changes.back().second.id == process.ns_id.id)
    return;
  changes.emplace_back(event.number, process.ns_id);
}

const model::NsIds* NsHistory::at(const model::Process& process, std::uint64_t number) const {
  const std::uint64_t born = process.existed      ? 0
                             : process.fork_event ? process.fork_event
                                                  : process.comms.front().event;
  if (number < born) return nullptr;
  const model::NsIds* found = &process.ns_id_at_birth;
  if (process.id < changes_.size())
    for (const auto& [at, ns] : changes_[process.id])
      if (at <= number) found = &ns;
  return found;
}

std::vector<StateAnswer> state_at(const Facts& facts, const At& rule, EventIndex event, const Assignment& assignment,
                                  bool details) {
  State state(facts, rule.role, event, assignment, details);
  std::vector<StateAnswer> answers;
  answers.reserve(rule.state.size());
  for (const StateLine& line : rule.state) answers.push_back(state.answer(line));
  return answers;
}

}  // namespace nstrace::check
