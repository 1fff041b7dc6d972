// SPDX-License-Identifier: MIT
#include "story/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/at.h"
#include "model/runtime.h"
#include "story/waiting.h"
#include "story/words.h"
#include "trace/text.h"

namespace nstrace::story {

using model::Process;
using model::ProcessId;

namespace {

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

// Calls in which a task sleeps until another does something: ends, writes, opens the other end of a pipe. In others it
// sleeps for the kernel's sake only.
bool can_wait(std::string_view call) {
  static constexpr std::array<std::string_view, 28> kCalls = {
      "accept",    "accept4", "epoll_pwait", "epoll_wait", "fcntl",   "flock",         "futex",
      "nanosleep", "open",    "openat",      "openat2",    "pause",   "poll",          "ppoll",
      "pselect6",  "read",    "readv",       "recvfrom",   "recvmsg", "rt_sigsuspend", "rt_sigtimedwait",
      "select",    "vfork",   "wait4",       "waitid",     "waitpid", "write",         "writev"};
  return std::ranges::find(kCalls, call) != kCalls.end();
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
      tasks_[fork->child.tid] = {child->id, event.time, {0, 0, 0}, 0, false};
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
  point.ends = exit != nullptr;
  point.waits = can_wait(event.call.name);
  if (fork)
    if (const Process* child = model_.process_of(fork->child.tgid, fork->child.born)) point.makes = child->id;
  if (words_) point.text = short_text(event);
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
  if (task.process != process) task = {process, 0, {}, 0, false};
  if (task.asked && event.time >= task.asked && now.blocked >= 0 && task.cpu.blocked >= 0) {
    const Time wall = event.time - task.asked;
    const Time waited = std::clamp<Time>(now.waited < 0 ? 0 : now.waited - task.cpu.waited, 0, wall);
    // Who did not sleep ran whenever it could. For others the count of what they ran may be short by a tick.
    const Time on =
        now.blocked == task.cpu.blocked ? wall - waited : std::clamp<Time>(now.on - task.cpu.on, 0, wall - waited);
    task.ran += on;
    if (point) {
      point->measured = true;
      point->since = task.asked;
      point->on_cpu = on;
      point->blocked_for = wall - waited - on;
    }
  }
  task.ran = std::max(task.ran, now.on);
  task.asked = event.time;
  task.cpu = now;
  task.counted = true;
  if (!exit) return;
  trace::CpuTime& sum = ended_[process];
  sum.on = std::max<Time>(sum.on, 0) + task.ran;
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
    t.on_cpu = std::max<Time>(t.on_cpu, 0) + task.ran;
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
  const trace::Header& header = model_.header();
  if (!header.times && !header.durations) return {};
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

std::vector<Sleep> Timing::sleeps(Time least) const {
  std::vector<Sleep> sleeps;
  std::vector<Time> acted(model_.processes().size(), -1);  // by process: when it did something last, or was made
  for (const Point& point : points_) {
    const Time before = acted[point.process];
    if (point.measured && before >= 0 && point.since >= before && point.blocked_for >= least)
      sleeps.push_back({point.process, point.time - point.blocked_for, point.time});
    acted[point.process] = point.time;
    if (point.makes) acted[*point.makes] = point.time;
  }
  return sleeps;
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
  if (!first || !program || !model_.header().times) return {};
  // What is missing before the chapter's first step matters where that is not how containers begin.
  const bool begun = first->phase == Phase::Manager || first->phase == Phase::Runtime;
  for (const Gap& gap : story.gaps())
    if ((!begun || gap.event >= first->event) && gap.event <= program->event) return {};

  // Daemons have no part in a chapter, but its processes may wait for them: a hook for dockerd.
  std::vector<bool> in = members(story, chapter);
  for (const Chapter& other : story.chapters()) {
    if (other.kind != Kind::Daemon) continue;
    const std::vector<bool> daemon = members(story, other);
    for (std::size_t id = 0; id < in.size(); ++id) in[id] = in[id] || daemon[id];
  }
  in.resize(model_.processes().size());
  std::vector<Beat> beats;
  std::vector<const Point*> points;
  std::vector<Time> acted(in.size(), -1);  // by process: when it did something last, or was made
  for (auto at = std::ranges::lower_bound(points_, first->event, {}, &Point::event);
       at != points_.end() && at->event <= program->event; ++at) {
    if (!in[at->process]) continue;
    Beat& beat = beats.emplace_back();
    points.push_back(&*at);
    beat.time = at->time;
    beat.begin = at->waits ? at->time : at->begin;
    beat.actor = at->process;
    beat.ends = at->ends;
    if (at->makes) beat.makes = *at->makes;
    // Where another thread of the process did something meanwhile, this one's sleep is not the process's.
    const Time before = acted[at->process];
    if (at->measured && before >= 0 && at->since >= before) beat.slept = at->blocked_for + at->since - before;
    acted[at->process] = at->time;
    if (at->makes) acted[*at->makes] = at->time;
  }
  if (points.empty() || points.back()->event != program->event) return {};

  std::vector<Link> links;  // backwards
  for (const Stretch& stretch : waited_for(beats, beats.size() - 1)) {
    const Point &from = *points[stretch.from], &to = *points[stretch.to];
    if (to.time <= from.time && stretch.from == stretch.to) continue;
    const auto id = static_cast<ProcessId>(stretch.actor);
    if (links.empty() || links.back().process != id) {
      Link& link = links.emplace_back();
      link.process = id;
      link.end = to.time;
      link.last_event = to.event;
      link.role = role_of(model_.processes()[id], to.time - 1);
    }
    Link& link = links.back();
    link.begin = from.time;
    link.first_event = from.event;
    if (to.time - from.time > link.longest_took) {
      link.longest_took = to.time - from.time;
      link.longest = to.text;
      link.longest_inside = to.call && 2 * (to.time - std::max(to.begin, from.time)) >= link.longest_took;
    }
  }
  std::ranges::reverse(links);
  return links;
}

}  // namespace nstrace::story
