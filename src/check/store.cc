// SPDX-License-Identifier: MIT
// Calls are interned: traces repeat themselves, and so a pattern is compared with each different call once.
#include "check/store.h"

#include <algorithm>
#include <functional>
#include <string_view>

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

std::size_t Candidates::after(std::uint64_t number) {
  const auto beyond = [&](const Candidate& c) { return store_->events_[c.event].number > number; };
  const auto found = std::partition_point(found_.begin(), found_.end(), [&](const Candidate& c) { return !beyond(c); });
  if (found != found_.end()) return static_cast<std::size_t>(found - found_.begin());
  const std::size_t known = found_.size();
  for (std::size_t index = known; has(index); ++index)
    if (beyond(found_[index])) return index;
  return kNone;
}

bool Candidates::has(std::size_t index) {
  const auto later = [](const Candidate& a, const Candidate& b) { return a.event > b.event; };
  while (index >= found_.size()) {
    // Calls that begin before the earliest that is known to fit.
    for (Source& source : sources_)
      for (; source.looked < source.firsts->size(); ++source.looked) {
        const EventIndex first = (*source.firsts)[source.looked];
        if (!ahead_.empty() && first > ahead_.front().event) break;
        const Truth truth = store_->fits(*pattern_, source.slot, first);
        if (truth == Truth::No) continue;
        ahead_.push_back({first, truth});
        std::ranges::push_heap(ahead_, later);
      }
    if (ahead_.empty()) return false;
    std::ranges::pop_heap(ahead_, later);
    found_.push_back(ahead_.back());
    EventIndex& next = ahead_.back().event;
    next = store_->events_[next].again;
    if (next == UINT32_MAX)
      ahead_.pop_back();
    else
      std::ranges::push_heap(ahead_, later);
  }
  return true;
}

Store::Store(const Expectations& expectations)
    : expectations_(expectations),
      patterns_(static_cast<std::size_t>(expectations.calls)),
      state_patterns_(static_cast<std::size_t>(expectations.calls)),
      candidates_(static_cast<std::size_t>(expectations.calls)) {
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
  const auto [begin, end] = call_by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (calls_[it->second].uncertain == uncertain && same(calls_[it->second].call, call)) return it->second;
  const auto id = static_cast<std::uint32_t>(calls_.size());
  calls_.push_back({call, name, uncertain});
  memo_of_.push_back(memo_.size());
  memo_.resize(memo_.size() + names_[name].fitting);
  call_by_hash_.emplace(hash, id);
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
      state.exec = std::make_shared<const trace::Exec>(*exec);
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
  const bool again = last != UINT32_MAX && events_[last].process == process.id;
  if (again) events_[last].again = index;
  last = index;
  if (again) return;
  auto list = std::ranges::find(of.by_name, id, &std::pair<NameId, std::vector<EventIndex>>::first);
  if (list == of.by_name.end()) list = of.by_name.insert(of.by_name.end(), {id, {}});
  list->second.push_back(index);
}

void Store::add(const trace::Event& event, const model::Model& model, const model::Process& process) {
  if (const auto* exit = event.as<trace::Exit>()) {
    if (!exit->process || !process.ended) return;
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
    keep(event, pseudo("renamed", string_arg("comm", event.who.comm)), false, model, process);
  } else if (const auto* move = event.as<trace::CgroupMove>()) {
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
  return names_[calls_[event.call].name].patterns[static_cast<std::size_t>(pattern.id)] >= 0;
}

Truth Store::fits(const CallPattern& pattern, std::size_t slot, EventIndex event) {
  const std::uint32_t id = events_[event].call;
  std::uint8_t& known = memo_[memo_of_[id] + slot];
  if (known) return static_cast<Truth>(known - 1);
  const Known& call = calls_[id];
  Truth answer = Truth::Maybe;
  if (!call.uncertain) {
    Budget budget(1000000);  // past that, the search that asks for it decides under its own
    try {
      answer = possible(pattern, call.call, expectations_.captures.size(), budget);
    } catch (const BudgetPassed&) {
      answer = Truth::Maybe;
    }
  }
  known = static_cast<std::uint8_t>(answer) + 1;
  return answer;
}

Candidates& Store::candidates(const CallPattern& pattern, model::ProcessId process) {
  const auto id = static_cast<std::size_t>(pattern.id);
  Candidates& c = candidates_[id];
  if (c.process_ == process) return c;
  if (!c.store_) {
    c.store_ = this;
    c.pattern_ = &pattern;
    std::size_t fitting = 0;
    for (NameId name = 0; name < names_.size(); ++name)
      if (names_[name].patterns[id] >= 0) c.name_ = name, ++fitting;
    if (fitting > 1) c.name_ = kNoName;
  }
  c.process_ = process;
  c.sources_.clear();
  c.ahead_.clear();
  c.found_.clear();
  if (process >= processes_.size()) return c;
  for (const auto& [name, firsts] : processes_[process].by_name) {
    if (c.name_ != kNoName && name != c.name_) continue;
    const std::int32_t slot = names_[name].patterns[id];
    if (slot >= 0) c.sources_.push_back({&firsts, 0, static_cast<std::size_t>(slot)});
  }
  return c;
}

}  // namespace nstrace::check
