// SPDX-License-Identifier: MIT
// Calls are interned: traces repeat themselves, and so a pattern is compared with each different call once.
#include "check/store.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "check/state_exec.h"
#include "check/vocabulary.h"
#include "trace/constants.h"

namespace nstrace::check {
namespace {

using trace::Arg;
using trace::Call;

void mix(std::uint64_t& hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
}

std::uint64_t hash_of(const Call& call) {
  const std::hash<std::string_view> text;
  std::uint64_t hash = text(call.name);
  for (const Arg& arg : call.args) {
    mix(hash, static_cast<std::uint64_t>(arg.kind) * 2 + arg.cut);
    mix(hash, static_cast<std::uint64_t>(arg.value));
    if (!arg.text.empty()) mix(hash, text(arg.text));
    if (!arg.target.empty()) mix(hash, text(arg.target));
    for (const std::string& element : arg.list) mix(hash, text(element));
  }
  mix(hash, call.result ? static_cast<std::uint64_t>(*call.result) : 0x5bd1e995u);
  return hash;
}

bool same(const Call& a, const Call& b) {
  return a.name == b.name && a.result == b.result && a.args == b.args;
}

Call pseudo(std::string name, Arg arg) {
  Call call;
  call.name = std::move(name);
  call.args.push_back(std::move(arg));
  return call;
}

Arg string_arg(const char* name, std::string text) {
  Arg arg;
  arg.name = name;
  arg.kind = Arg::Kind::String;
  arg.text = std::move(text);
  return arg;
}

}  // namespace

Store::Store(const Expectations& expectations)
    : expectations_(expectations),
      patterns_(static_cast<std::size_t>(expectations.calls)),
      state_patterns_(static_cast<std::size_t>(expectations.calls)) {
  for (const Rule& rule : expectations.rules) {
    for_each_call(rule, [&](const CallPattern& call) { patterns_[static_cast<std::size_t>(call.id)] = &call; });
    if (const At* at = std::get_if<At>(&rule.what)) state_patterns_[static_cast<std::size_t>(at->call.id)] = 1;
    if (const Sequence* sequence = std::get_if<Sequence>(&rule.what))
      for (const Step& step : sequence->steps)
        for (const Item& item : step.items) any_next_ = any_next_ || item.next;
  }
  if (any_next_) step_names_ = calls_of_set("%lifecycle");
}

NameId Store::name(const std::string& text) {
  const auto found = name_ids_.find(text);
  if (found != name_ids_.end()) return found->second;
  Name name;
  name.text = text;
  name.patterns.resize(patterns_.size(), -1);
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (!name_fits(*patterns_[i], text)) continue;
    name.patterns[i] = static_cast<std::int32_t>(name.fitting++);
    name.wanted = true;
    name.state = name.state || state_patterns_[i];
  }
  name.step = name.wanted || std::ranges::find(step_names_, text) != step_names_.end();
  const auto id = static_cast<NameId>(names_.size());
  names_.push_back(std::move(name));
  name_ids_.emplace(text, id);
  return id;
}

Store::OfProcess& Store::of_process(model::ProcessId process) {
  if (process >= processes_.size()) processes_.resize(process + 1);
  return processes_[process];
}

const std::vector<EventIndex>& Store::of(model::ProcessId process) const {
  static const std::vector<EventIndex> kNone;
  return process < processes_.size() ? processes_[process].all : kNone;
}

const std::vector<std::uint64_t>& Store::steps_of(model::ProcessId process) const {
  static const std::vector<std::uint64_t> kNone;
  return process < processes_.size() ? processes_[process].steps : kNone;
}

std::uint32_t Store::intern(const Call& call, NameId name, bool uncertain) {
  const std::uint64_t hash = hash_of(call) + uncertain;
  const auto known = call_by_hash_.find(
      hash, [&](std::uint32_t id) { return calls_[id].uncertain == uncertain && same(calls_[id].call, call); });
  if (known) return *known;
  const auto id = static_cast<std::uint32_t>(calls_.size());
  calls_.push_back({call, name, uncertain});
  answers_of_.push_back(answers_);
  answers_ += names_[name].fitting;
  call_by_hash_.put(hash, id);
  return id;
}

void Store::keep(const trace::Event& event, const Call& call, bool uncertain, const model::Model& model,
                 const model::Process& process) {
  const NameId id = name(call.name);
  const auto* fork = event.as<trace::Fork>();
  if (any_next_ && names_[id].step && !(fork && fork->thread())) {
    auto& steps = of_process(process.id).steps;
    if (steps.empty() || steps.back() != event.number) steps.push_back(event.number);
  }
  if (!names_[id].wanted) return;
  Stored stored;
  stored.number = event.number;
  stored.time = event.time;
  stored.tid = event.who.tid;
  stored.process = process.id;
  stored.call = intern(call, id, uncertain);
  if (names_[id].state) {
    StateAt state;
    state.ns = process.ns_id;
    if (event.who.tid != event.who.tgid)
      for (int i = 0; i < trace::kNsSlots; ++i) {
        const auto slot = static_cast<trace::Ns>(i);
        const model::Namespace* ns = model.namespace_of(slot, event.who.ns[slot]);
        if (ns) state.ns[slot] = ns->id;
      }
    state.pids = event.who.tids.empty() ? process.pids : event.who.tids;
    state.comm = event.who.comm;
    if (const auto* exec = event.as<trace::Exec>()) {
      state.exe = exec->path;
      state.exec = begun(*exec);
    } else if (!process.programs.empty()) {
      state.exe = process.programs.back().path;
    }
    state.cgroup = process.cgroup_path;
    stored.state = static_cast<std::uint32_t>(states_.size());
    states_.push_back(std::move(state));
  }
  const auto index = static_cast<EventIndex>(events_.size());
  events_.push_back(stored);
  OfProcess& of = of_process(process.id);
  of.all.push_back(index);
  EventIndex& last = calls_[stored.call].last;
  const bool again = last != kNoEvent && events_[last].process == process.id;
  if (again) events_[last].again = index;
  last = index;
  if (again) return;
  const auto named = std::ranges::find(of.by_name, id, &Named::name);
  if (named == of.by_name.end()) {
    of.by_name.push_back({id, index, index});
  } else {
    events_[named->last].other = index;
    named->last = index;
  }
}

void Store::add(const trace::Event& event, const model::Model& model, const model::Process& process) {
  if (const auto* exit = event.as<trace::Exit>()) {
    if (!exit->process || !process.ended || !looked_at(process.ended->signal ? "killed" : "exited")) return;
    Arg arg;
    if (process.ended->signal) {
      arg.name = "signal";
      arg.kind = Arg::Kind::Symbol;
      arg.value = process.ended->signal;
      arg.text = trace::signal_name(process.ended->signal);
      keep(event, pseudo("killed", std::move(arg)), false, model, process);
    } else {
      arg.name = "code";
      arg.value = process.ended->code;
      keep(event, pseudo("exited", std::move(arg)), false, model, process);
    }
  } else if (event.as<trace::Rename>()) {
    if (!looked_at("renamed")) return;
    keep(event, pseudo("renamed", string_arg("comm", event.who.comm)), false, model, process);
  } else if (const auto* move = event.as<trace::CgroupMove>()) {
    if (!looked_at("moved")) return;
    keep(event, pseudo("moved", string_arg("cgroup", move->path)), false, model, process);
  } else if (!event.call.name.empty()) {
    keep(event, event.call, false, model, process);
  } else if (const auto* fork = event.as<trace::Fork>()) {
    // Made by one of these; which, and with what arguments, is not known.
    Call call;
    call.result = fork->child.tid;
    for (const char* name : {"clone", "clone3", "fork", "vfork"}) {
      call.name = name;
      keep(event, call, true, model, process);
    }
  } else if (const auto* exec = event.as<trace::Exec>()) {
    Call call;
    call.name = "execve";
    call.result = 0;
    call.args.push_back(string_arg("pathname", exec->path));
    Arg argv;
    argv.name = "argv";
    argv.kind = Arg::Kind::Strings;
    argv.list = exec->argv;
    call.args.push_back(std::move(argv));
    Arg envp;
    envp.name = "envp";
    envp.kind = Arg::Kind::Unread;
    call.args.push_back(std::move(envp));
    keep(event, call, false, model, process);
  }
}

bool Store::name_fits_pattern(const CallPattern& pattern, const Stored& event) const {
  return slot(pattern, calls_[event.call].name) >= 0;
}

const std::vector<Store::Named>& Store::named(model::ProcessId process) const {
  static const std::vector<Named> kNone;
  return process < processes_.size() ? processes_[process].by_name : kNone;
}

bool Store::may_make(model::ProcessId process, const CallPattern& pattern) const {
  return std::ranges::any_of(named(process), [&](const Named& of) { return slot(pattern, of.name) >= 0; });
}

NameId Store::only_name(const CallPattern& pattern) const {
  NameId only = kNoName;
  for (NameId name = 0; name < names_.size(); ++name) {
    if (slot(pattern, name) < 0) continue;
    if (only != kNoName) return kNoName;
    only = name;
  }
  return only;
}

}  // namespace nstrace::check
