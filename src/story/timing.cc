// SPDX-License-Identifier: MIT
#include "story/timing.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/at.h"
#include "model/runtime.h"
#include "story/words.h"
#include "trace/text.h"

namespace nstrace::story {

using model::Process;
using model::ProcessId;

namespace {

constexpr Time kPause = 200'000;  // ns; a shorter pause is a process's own work

std::string short_text(const trace::Event& event) {
  trace::TextOptions options;
  options.string_limit = 24;
  options.list_limit = 3;
  options.comments = false;
  options.targets = false;
  if (event.as<trace::Exec>()) return "execve(" + trace::quote(event.as<trace::Exec>()->path, 32) + ")";
  if (event.as<trace::Exit>()) return "its end";
  if (event.call.name.empty()) return "";
  std::string text = trace::call_text(event.call, options);
  if (text.size() > 60) {
    std::size_t cut = 60;
    while (cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) ++cut;
    text = text.substr(0, cut) + "...";
  }
  return text;
}

}  // namespace

std::string role_of(const Process& p, Time time) {
  const model::Snapshot s = model::at(p, time);
  std::string comm = s.comm ? trace::escape(s.comm->comm) : "";
  if (!s.program || !s.own_program) return comm;
  if (const auto command = model::runtime_command(*s.program); command && !command->verb.empty()) {
    if (!model::runtime_of_comm(s.comm ? s.comm->comm : "").empty()) return comm;
    return trace::escape(command->runtime + " " + command->verb);
  }
  const std::string_view name =
      model::base_name(s.program->argv.empty() ? std::string_view(s.program->path) : s.program->argv[0]);
  return name.empty() ? comm : trace::escape(name);
}

void Timing::event(const trace::Event& event) {
  if (!event.who.tgid) return;
  const Process* process = model_.process_of(event.who.tgid, event.who.born);
  if (!process) return;
  const auto* fork = event.as<trace::Fork>();
  // A task has run for no time when it is made.
  if (fork)
    if (const Process* child = model_.process_of(fork->child.tgid, fork->child.born))
      tasks_[fork->child.tid] = {child->id, event.time, {0, 0, 0}, false};
  const bool telling = event.as<trace::Syscall>() || event.as<trace::Exec>() || event.as<trace::Exit>() || fork;
  const auto* exit = event.as<trace::Exit>();
  if (!telling || (fork && fork->thread()) || (exit && !exit->process)) return measure(event, process->id, nullptr);
  Point& point = points_.emplace_back();
  point.time = event.time;
  point.begin = event.start && event.start <= event.time ? event.start : event.time;
  point.event = event.number;
  point.process = process->id;
  point.call = !event.call.name.empty();
  point.failed = event.call.failed();
  point.text = short_text(event);
  measure(event, process->id, &point);
}

void Timing::measure(const trace::Event& event, ProcessId process, Point* point) {
  const auto* call = event.as<trace::Syscall>();
  const auto* exec = event.as<trace::Exec>();
  const auto* exit = event.as<trace::Exit>();
  if (!call && !exec && !exit) return;
  const trace::CpuTime& now = call ? call->cpu : exec ? exec->cpu : exit->cpu;
  if (ended_.size() <= process) ended_.resize(process + 1);
  if (exec && exec->tid_before != 0 && exec->tid_before != event.who.tid) {  // it takes the leader's number
    tasks_[event.who.tid] = tasks_[exec->tid_before];
    tasks_.erase(exec->tid_before);
  }
  if (now.on < 0) return;
  Task& task = tasks_[event.who.tid];
  if (task.process != process) task = {process, 0, {}, false};
  if (point && task.asked && event.time >= task.asked && now.blocked >= 0 && task.cpu.blocked >= 0) {
    const Time wall = event.time - task.asked;
    const Time waited = std::clamp<Time>(now.waited < 0 ? 0 : now.waited - task.cpu.waited, 0, wall);
    point->measured = true;
    point->since = task.asked;
    // Who did not sleep ran whenever it could. For others the count of what they ran may be short by a tick.
    point->on_cpu =
        now.blocked == task.cpu.blocked ? wall - waited : std::clamp<Time>(now.on - task.cpu.on, 0, wall - waited);
    point->blocked_for = wall - waited - point->on_cpu;
  }
  task.asked = event.time;
  task.cpu = now;
  task.counted = true;
  if (!exit) return;
  trace::CpuTime& sum = ended_[process];
  sum.on = std::max<Time>(sum.on, 0) + now.on;
  if (now.waited >= 0) sum.waited = std::max<Time>(sum.waited, 0) + now.waited;
  tasks_.erase(event.who.tid);
}

// Who had a part in a chapter: whose steps it has, and those between them and its first.
std::vector<bool> Timing::members(const Story& story, const Chapter& chapter) const {
  std::vector<bool> in(model_.processes().size());
  for (const Step& step : story.steps())
    if (step.chapter == chapter.id) in[step.process] = true;
  return in;
}

std::vector<ProcessTime> Timing::processes(const Story& story, const Chapter& chapter) const {
  const std::vector<bool> in = members(story, chapter);
  std::vector<ProcessTime> times;
  std::vector<std::size_t> index(in.size(), SIZE_MAX);
  for (ProcessId id = 0; id < in.size(); ++id) {
    if (!in[id]) continue;
    const Process& p = model_.processes()[id];
    index[id] = times.size();
    ProcessTime& t = times.emplace_back();
    t.process = id;
    t.begin = p.existed ? std::max<Time>(p.born, 0) : p.first;
    t.end = p.ended ? p.ended->time : p.last;
    t.ended = p.ended.has_value();
    if (id < ended_.size()) {
      t.on_cpu = ended_[id].on;
      t.cpu_wait = ended_[id].waited;
    }
  }
  // Those that live, as of when they were last asked.
  for (const auto& [tid, task] : tasks_) {
    if (task.process >= index.size() || index[task.process] == SIZE_MAX || !task.counted) continue;
    ProcessTime& t = times[index[task.process]];
    t.on_cpu = std::max<Time>(t.on_cpu, 0) + task.cpu.on;
    if (task.cpu.waited >= 0) t.cpu_wait = std::max<Time>(t.cpu_wait, 0) + task.cpu.waited;
  }
  for (ProcessTime& t : times) {
    const Process& p = model_.processes()[t.process];
    if (t.ended && t.on_cpu >= 0 && p.threads_made == 0 && !p.existed)
      t.blocked = std::max<Time>(0, t.end - t.begin - t.on_cpu - std::max<Time>(t.cpu_wait, 0));
  }
  for (const Point& point : points_) {
    if (point.process >= index.size() || index[point.process] == SIZE_MAX || !point.call) continue;
    ProcessTime& t = times[index[point.process]];
    ++t.calls;
    t.failed += point.failed;
    t.in_calls += point.time - point.begin;
  }
  std::ranges::stable_sort(times, {}, &ProcessTime::begin);
  return times;
}

std::vector<SlowCall> Timing::slowest(const Story& story, const Chapter& chapter, std::size_t how_many) const {
  const std::vector<bool> in = members(story, chapter);
  std::vector<const Point*> points;
  for (const Point& point : points_)
    if (point.call && point.process < in.size() && in[point.process] && point.event >= chapter.first_event &&
        point.event <= chapter.last_event && point.time > point.begin)
      points.push_back(&point);
  std::ranges::stable_sort(points,
                           [](const Point* a, const Point* b) { return a->time - a->begin > b->time - b->begin; });
  std::vector<SlowCall> calls;
  for (const Point* p : points) {
    if (calls.size() == how_many) break;
    calls.push_back({p->process, p->event, p->begin, p->time - p->begin, p->text});
  }
  return calls;
}

PhaseTime Timing::between(const Story& story, const PhaseSpan& span) const {
  std::vector<bool> in(model_.processes().size());
  for (const Step& step : story.steps())
    if (step.chapter == span.chapter && step.phase == span.phase && step.event >= span.first_event &&
        step.last_event <= span.last_event)
      in[step.process] = true;
  PhaseTime sum;
  auto at = std::ranges::lower_bound(points_, span.first_event, {}, &Point::event);
  for (; at != points_.end() && at->event <= span.last_event; ++at) {
    if (at->process >= in.size() || !in[at->process]) continue;
    if (at->call) {
      ++sum.calls;
      sum.in_calls += at->time - at->begin;
    }
    if (!at->measured) continue;
    sum.measured = true;
    // What began before the phase counts as far as it lies in it.
    const Time wall = at->time - at->since, inside = std::min(wall, at->time - span.begin);
    if (wall <= 0 || inside <= 0) continue;
    const double share = static_cast<double>(inside) / static_cast<double>(wall);
    sum.on_cpu += static_cast<Time>(static_cast<double>(at->on_cpu) * share);
    sum.blocked += static_cast<Time>(static_cast<double>(at->blocked_for) * share);
  }
  return sum;
}

std::vector<Link> Timing::critical_path(const Story& story, const Chapter& chapter) const {
  const Step* first = nullptr;
  const Step* program = nullptr;
  for (const Step& step : story.steps()) {
    if (step.chapter != chapter.id) continue;
    if (!first || step.event < first->event) first = &step;
    if (step.phase == Phase::Program && step.line.starts_with("execve") && (!program || step.event < program->event))
      program = &step;
  }
  if (!first || !program) return {};
  for (const Gap& gap : story.gaps())
    if (gap.event >= first->event && gap.event <= program->event) return {};

  const auto position = [&](std::uint64_t event) {
    return static_cast<std::size_t>(std::ranges::lower_bound(points_, event, {}, &Point::event) - points_.begin());
  };
  std::vector<bool> in = members(story, chapter);
  in.resize(model_.processes().size());
  const std::size_t begin = position(first->event);
  std::size_t at = position(program->event);
  if (at >= points_.size() || points_[at].event != program->event) return {};

  std::vector<Link> links;  // backwards
  const auto attribute = [&](ProcessId id, Time from, Time to, const std::string& before) {
    if (to < from) return;
    if (links.empty() || links.back().process != id) {
      Link& link = links.emplace_back();
      link.process = id;
      link.begin = from;
      link.end = to;
      link.role = role_of(model_.processes()[id], to - 1);
    }
    Link& link = links.back();
    link.begin = from;
    if (to - from > link.longest_took) {
      link.longest_took = to - from;
      link.longest = before;
    }
  };
  while (at > begin) {
    const Point& now = points_[at];
    const Process& p = model_.processes()[now.process];
    // What this process did before, and what anybody of the chapter did last before it went on.
    std::size_t own = at, other = at;
    bool found_own = false, found_other = false;
    for (std::size_t i = at; i-- > begin && !found_own;) {
      const Point& past = points_[i];
      if (past.process == now.process) {
        own = i;
        found_own = true;
      } else if (!found_other && past.process < in.size() && in[past.process] && past.time <= now.time) {
        other = i;
        found_other = true;
      }
    }
    std::size_t next = at;
    if (found_own && (!found_other || now.time - points_[own].time < kPause)) {
      next = own;
    } else if (found_own) {
      next = other;  // it paused, and went on after this
    } else if (p.fork_event >= first->event && position(p.fork_event) < at) {
      next = position(p.fork_event);  // it was made here
    } else if (found_other) {
      next = other;
    } else {
      break;
    }
    attribute(now.process, points_[next].time, now.time, now.text);
    at = next;
  }
  std::ranges::reverse(links);
  return links;
}

}  // namespace nstrace::story
