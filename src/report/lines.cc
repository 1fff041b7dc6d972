// SPDX-License-Identifier: MIT
#include "report/lines.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "report/color.h"
#include "trace/constants.h"

namespace nstrace::report {
namespace {

using trace::Event;
using trace::Ns;

// Calls that come in long runs which differ in one argument only.
bool folds(std::string_view call) {
  static constexpr std::array<std::string_view, 5> kCalls{"prctl", "seccomp", "tgkill", "kill", "mknodat"};
  for (const std::string_view name : kCalls)
    if (call == name) return true;
  return false;
}

std::string local_time(std::uint64_t realtime, bool microseconds) {
  const std::time_t seconds = static_cast<std::time_t>(realtime / 1'000'000'000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::string text = fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (microseconds) text += fmt::format(".{:06}", realtime / 1000 % 1'000'000);
  return text;
}

// What differs in `after`: "mnt:[4026532567], pid_for_children:[4026532570]".
std::string changes(const trace::NsSet& before, const trace::NsSet& after) {
  std::string text;
  for (int i = 0; i < trace::kNsSlots; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (after[ns] == 0 || after[ns] == before[ns]) continue;
    // a new pid namespace is its first process's own and, at once, its children's: said once
    if (ns == Ns::PidForChildren && after[ns] == after[Ns::Pid]) continue;
    if (ns == Ns::TimeForChildren && after[ns] == after[Ns::Time]) continue;
    text += fmt::format("{}{}:[{}]", text.empty() ? "" : ", ", trace::ns_name(ns), after[ns]);
  }
  return text;
}

}  // namespace

LinePrinter::LinePrinter(LineOptions options, std::function<void(std::string_view)> write)
    : options_(std::move(options)), write_(std::move(write)), calls_(options_.calls.begin(), options_.calls.end()) {}

void LinePrinter::header(const trace::Header& header) {
  start_realtime_ = header.start_realtime;
}

void LinePrinter::existing(const trace::Existing& process) {
  ns_[process.pid] = process.ns;
}

bool LinePrinter::wanted(const Event& event) const {
  if (event.as<trace::Lost>()) return true;
  if (const auto* exit = event.as<trace::Exit>()) return options_.exits && (exit->process || options_.threads);
  if (event.as<trace::Rename>()) return options_.renames;
  if (event.as<trace::NamespaceSeen>()) return false;  // said behind the call that led there
  if (event.as<trace::CgroupMove>()) return options_.renames;
  if (const auto* fork = event.as<trace::Fork>(); fork && fork->thread() && !options_.threads) return false;
  if (!calls_.empty() && !calls_.count(event.call.name)) return false;
  if (options_.results == "successful") return !event.call.failed();
  if (options_.results == "failed") return event.call.failed();
  return true;
}

const trace::NsSet* LinePrinter::before(const trace::Who& who) const {
  auto found = ns_.find(who.tid);
  if (found == ns_.end()) found = ns_.find(who.tgid);
  return found == ns_.end() ? nullptr : &found->second;
}

void LinePrinter::remember(const Event& event) {
  if (const auto* exit = event.as<trace::Exit>()) {
    if (event.who.tid != event.who.tgid || exit->process) ns_.erase(event.who.tid);
    return;
  }
  if (event.as<trace::Lost>()) return;
  ns_[event.who.tid] = event.who.ns;
  if (const auto* fork = event.as<trace::Fork>()) ns_[fork->child.tid] = fork->child.ns;
}

std::string LinePrinter::prefix(const Event& event) {
  const auto* exec = event.as<trace::Exec>();
  const int tid = exec && exec->tid_before ? exec->tid_before : event.who.tid;
  const std::string& comm = exec && !exec->comm_before.empty() ? exec->comm_before : event.who.comm;
  std::string inner;
  if (options_.inner_pids && event.who.tids.size() > 1) inner = fmt::format("/{}", event.who.tids.back());
  std::string text = paint(options_.color, Paint::Who, fmt::format("[pid {}<", tid)) +
                     paint(options_.color, Paint::Comm, trace::escape(comm, "")) +
                     paint(options_.color, Paint::Who, fmt::format(">{}]", inner)) + " ";
  std::string time;
  const std::uint64_t realtime = start_realtime_ + static_cast<std::uint64_t>(event.start);
  switch (options_.clock) {
    case LineOptions::Clock::None:
      break;
    case LineOptions::Clock::Seconds:
      time = local_time(realtime, false);
      break;
    case LineOptions::Clock::Microseconds:
      time = local_time(realtime, true);
      break;
    case LineOptions::Clock::Unix:
      time = fmt::format("{}.{:06}", realtime / 1'000'000'000, realtime / 1000 % 1'000'000);
      break;
    case LineOptions::Clock::Relative:
      time = fmt::format("{:>12.6f}", previous_ ? static_cast<double>(event.start - previous_) / 1e9 : 0.0);
      previous_ = event.start;
      break;
  }
  if (!time.empty()) text += paint(options_.color, Paint::Time, time) + " ";
  return text;
}

std::string LinePrinter::note(const Event& event) const {
  if (!options_.notes) return {};
  if (const auto* fork = event.as<trace::Fork>()) {
    trace::NsSet base = event.who.ns;
    // where the creator had prepared a namespace for its children, the child is simply in it
    return fork->thread() ? "" : changes(base, fork->child.ns);
  }
  if (event.call.name != "unshare" && event.call.name != "setns") return {};
  const trace::NsSet* known = before(event.who);
  return known ? changes(*known, event.who.ns) : "";
}

std::string LinePrinter::call_part(const Event& event) const {
  const trace::TextOptions text{.string_limit = options_.string_limit};
  std::string call = trace::call_text(event.call, text);
  const std::size_t name = std::min(event.call.name.size(), call.size());
  const bool bad = event.call.failed();
  call = paint(options_.color, Paint::Call, call.substr(0, name)) + call.substr(name);
  call += " = " + paint(options_.color, bad ? Paint::Bad : Paint::Result, trace::result_text(event.call));
  if (options_.durations && event.time > event.start)
    call += fmt::format(" <{:.6f}>", static_cast<double>(event.time - event.start) / 1e9);
  if (const std::string ns = note(event); !ns.empty()) call += " " + paint(options_.color, Paint::Note, "(" + ns + ")");
  const auto* exec = event.as<trace::Exec>();
  if (exec && exec->argv_from_image) call += paint(options_.color, Paint::Note, " /* argv of the new image */");
  return call;
}

void LinePrinter::event(const Event& event) {
  if (!wanted(event)) return remember(event);
  std::string line;
  if (const auto* lost = event.as<trace::Lost>()) {
    line = paint(options_.color, Paint::Bad,
                 fmt::format("--- LOST {} record{}{} ({}) ---", lost->count, lost->count == 1 ? "" : "s",
                             lost->cpu < 0 ? "" : fmt::format(" on cpu {}", lost->cpu), lost->why));
  } else {
    line = prefix(event);
    if (const auto* exit = event.as<trace::Exit>()) {
      line += paint(options_.color, Paint::Time,
                    exit->signal ? fmt::format("+++ killed by {}{} +++", trace::signal_name(exit->signal),
                                               exit->core ? " (core dumped)" : "")
                                 : fmt::format("+++ exited with {} +++", exit->code));
    } else if (const auto* rename = event.as<trace::Rename>()) {
      line +=
          paint(options_.color, Paint::Time,
                fmt::format("--- comm {} -> {} ---", trace::quote(rename->comm_before), trace::quote(event.who.comm)));
    } else if (const auto* move = event.as<trace::CgroupMove>()) {
      line += paint(options_.color, Paint::Time, fmt::format("--- cgroup {} ---", trace::quote(move->path)));
    } else {
      const std::string call = call_part(event);
      if (options_.fold && folds(event.call.name)) {
        const std::string head =
            fmt::format("{} {} {}", event.call.name, event.call.args.empty() ? "" : trace::arg_text(event.call.args[0]),
                        event.call.failed());
        remember(event);
        if (folded_.count && folded_.tid == event.who.tid && folded_.head == head) {
          ++folded_.count;
          return;
        }
        flush_folded();
        folded_ = {.head = head, .line = line + call, .tid = event.who.tid, .count = 1};
        return;
      }
      line += call;
    }
  }
  remember(event);
  flush_folded();
  put(line);
}

void LinePrinter::footer(const trace::Footer&) {
  flush_folded();
}

void LinePrinter::flush_folded() {
  if (!folded_.count) return;
  if (folded_.count > 1)
    folded_.line += paint(options_.color, Paint::Note, fmt::format("  x{} (the last arguments differ)", folded_.count));
  folded_.count = 0;
  put(folded_.line);
}

void LinePrinter::put(const std::string& line) {
  write_((options_.width > 0 ? wrap(line, options_.width) : line) + "\n");
}

std::string footer_text(const trace::Footer& footer) {
  if (footer.lost == 0) return fmt::format("{} event{}, 0 lost", footer.events, footer.events == 1 ? "" : "s");
  std::string reasons;
  for (const auto& [reason, count] : footer.losses)
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", reason, count);
  return fmt::format("{} event{}, {} LOST{}", footer.events, footer.events == 1 ? "" : "s", footer.lost,
                     reasons.empty() ? "" : fmt::format(" ({})", reasons));
}

}  // namespace nstrace::report
