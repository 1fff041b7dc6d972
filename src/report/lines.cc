// SPDX-License-Identifier: MIT
// LinePrinter: which events become lines, what stands in front of them, and folding.
#include "report/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "report/line_text.h"
#include "trace/syscalls.h"

namespace nstrace::report {
namespace {

using namespace trace;

constexpr Time kSecond = 1'000'000'000;

// Calls that runtimes make many times in a row with nothing but their arguments changing. An option in front tells
// them apart: PR_CAPBSET_DROP for every capability is one thing, PR_SET_NAME another.
struct Foldable {
  std::string_view call;
  bool by_first_argument;
};
constexpr Foldable kFoldable[] = {
    {"prctl", true},   {"seccomp", true},    {"fcntl", false},          {"close", false},        {"capset", false},
    {"kill", false},   {"tkill", false},     {"tgkill", false},         {"rt_sigaction", false}, {"prlimit64", false},
    {"capget", false}, {"setrlimit", false}, {"rt_sigprocmask", false},
};

// What repeats have in common; empty: the event is not folded.
std::string fold_key(const Event& event) {
  if (!event.as<Syscall>()) return "";
  const auto row = std::find_if(std::begin(kFoldable), std::end(kFoldable),
                                [&](const Foldable& foldable) { return foldable.call == event.call.name; });
  if (row == std::end(kFoldable)) return "";
  std::string key = fmt::format("{} {} {} ", event.who.tid, event.who.born, event.call.name);
  if (row->by_first_argument && !event.call.args.empty()) key += arg_text(event.call.args[0]);
  return key + " " + event.call.abi + " " + (event.call.failed() ? result_text(event.call) : "success");
}

// Nanoseconds since 1970, or since the trace began where the wall clock is not known.
std::string stamp_text(Stamp stamp, int digits, std::int64_t ns, bool wall_clock) {
  std::int64_t seconds = ns / kSecond, rest = ns % kSecond;
  if (rest < 0) --seconds, rest += kSecond;
  const std::time_t whole = seconds;
  std::tm clock{};
  if (wall_clock)
    localtime_r(&whole, &clock);
  else
    gmtime_r(&whole, &clock);
  const std::string part = fraction_text(rest, digits);
  switch (stamp) {
    case Stamp::None:
      return "";
    case Stamp::Day:
      return fmt::format("{:02}:{:02}:{:02}{}", clock.tm_hour, clock.tm_min, clock.tm_sec, part);
    case Stamp::Unix:
      return fmt::format("{}{}", seconds, part);
  }
  return "";
}

}  // namespace

LinePrinter::LinePrinter(std::function<void(std::string_view)> write, LineOptions options,
                         std::shared_ptr<const PidNotes> pids)
    : write_(std::move(write)), options_(std::move(options)), pids_(std::move(pids)) {
  if (!pids_ && (options_.pid_comms || options_.pid_numbers)) pids_ = own_pids_ = std::make_shared<PidNotes>();
  std::sort(options_.calls.begin(), options_.calls.end());
}

void LinePrinter::header(const Header& header) {
  start_realtime_ = header.start_realtime;
  start_of_day_ = header.start_of_day;
  if (!header.times) {
    options_.stamp = Stamp::None;
    options_.relative = false;
  }
  durations_known_ = header.durations;
  if (!header.gates || options_.calls.empty()) return;
  // they were asked for, beside what -e says
  for (const SyscallRow& gate : gate_calls())
    if (!wanted_name(gate.name))
      options_.calls.insert(std::ranges::upper_bound(options_.calls, gate.name), std::string(gate.name));
}

void LinePrinter::existing(const Existing& process) {
  notes_.existing(process);
  if (own_pids_) own_pids_->existing(process);
}

bool LinePrinter::wanted_name(std::string_view call) const {
  if (options_.no_calls) return false;
  return options_.calls.empty() || std::binary_search(options_.calls.begin(), options_.calls.end(), call);
}

struct LinePrinter::Wanted {
  const LinePrinter& printer;
  const Event& event;
  const LineOptions& options = printer.options_;

  bool operator()(const Syscall&) const {
    const Call& call = event.call;
    if (!printer.wanted_name(call.name)) return false;
    if (!call.result) return options.unfinished;
    return options.results == Results::All ||
           options.results == (call.failed() ? Results::Failed : Results::Successful);
  }
  bool operator()(const Fork& fork) const {  // a failed one is a Syscall
    if (fork.thread() && !options.thread_clones) return false;
    return may_succeed() && (event.call.name.empty() || printer.wanted_name(event.call.name));
  }
  bool operator()(const Exec&) const {
    return may_succeed() && printer.wanted_name(event.call.name.empty() ? "execve" : std::string_view(event.call.name));
  }
  bool may_succeed() const { return options.results == Results::All || options.results == Results::Successful; }
  bool operator()(const Exit& exit) const {
    if (exit.signal != 0 && !options.all_deaths && !chosen(exit.signal)) return false;
    return exit.process ? options.exits : options.thread_exits;
  }
  bool operator()(const Rename&) const { return options.renames; }
  bool operator()(const NamespaceSeen&) const { return options.namespaces_seen; }
  bool operator()(const CgroupMove&) const { return options.cgroup_moves; }
  bool operator()(const Lost&) const { return true; }
  bool operator()(const Signal& signal) const { return chosen(signal.number); }
  bool chosen(int signal) const {
    return std::find(options.signals.begin(), options.signals.end(), signal) != options.signals.end();
  }
};

StyledLine LinePrinter::head(const Event& event) {
  StyledLine line;
  if (options_.who && !event.as<Lost>()) line.add(who_text(event, options_.show_pidns) + " ", Style::Who);
  if (options_.stamp != Stamp::None)
    line.add(stamp_text(options_.stamp, options_.stamp_digits,
                        static_cast<std::int64_t>(start_realtime_ ? start_realtime_ : start_of_day_) + event.start,
                        start_realtime_ != 0) +
                 " ",
             Style::Time);
  if (options_.relative) {
    const Time since = any_line_ ? event.start - previous_ : 0;
    const std::string part = fraction_text(std::abs(since) % kSecond, options_.relative_digits);
    const std::string seconds = fmt::format("{}{}", since < 0 ? "-" : "", std::abs(since) / kSecond);
    // strace sets it apart from a time of day
    const std::string text = fmt::format("{:>6}{}", seconds, part);
    line.add(options_.stamp == Stamp::None ? text + " " : "(+" + text + ") ", Style::Time);
  }
  any_line_ = true;
  previous_ = event.start;
  line.begin_body();
  return line;
}

void LinePrinter::event(const Event& event) {
  const std::string note = notes_.event(event);  // of every event: it keeps the sets
  add_line(event, note, std::exchange(remark_, ""));
  if (own_pids_) own_pids_->event(event);
}

void LinePrinter::add_line(const Event& event, const std::string& note, const std::string& remark) {
  if (!std::visit(Wanted{*this, event}, event.what)) return;
  std::string key = options_.fold ? fold_key(event) : "";
  if (key.empty() || key != repeats_.key) flush();
  StyledLine line = head(event);
  StyledLine before = line;
  add_body(line, event, options_.namespace_notes ? note : "", pids_.get(), options_, durations_known_);
  if (key.empty())
    print(std::move(line), remark);
  else {
    hold(event, std::move(key), std::move(before), std::move(line));
    if (repeats_.count == 1) repeats_.remark = remark;
  }
}

void LinePrinter::footer(const Footer&) {
  flush();
}

void LinePrinter::hold(const Event& event, std::string key, StyledLine head, StyledLine line) {
  std::vector<std::string> args;
  for (const Arg& arg : event.call.args) args.push_back(arg_text(arg, options_.text));
  std::string result = result_text(event.call);
  if (++repeats_.count == 1) {
    repeats_.key = std::move(key);
    repeats_.first = std::move(line);
    repeats_.head = std::move(head);
    repeats_.call = event.call.name;
    repeats_.args = std::move(args);
    repeats_.result = std::move(result);
    return;
  }
  const auto [common, ignored] = std::mismatch(repeats_.args.begin(), repeats_.args.end(), args.begin(), args.end());
  repeats_.args.erase(common, repeats_.args.end());
  if (repeats_.result != result) repeats_.result.clear();
}

void LinePrinter::flush() {
  if (repeats_.count == 0) return;
  const Repeats repeats = std::exchange(repeats_, Repeats{});
  if (repeats.count == 1) {
    print(repeats.first, repeats.remark);
    return;
  }
  StyledLine line = repeats.head;
  line.add(repeats.call, Style::Call);
  std::string args;
  for (const std::string& arg : repeats.args) args += arg + ", ";
  line.add("(" + args + "...)");
  if (!repeats.result.empty()) line.add(" = " + repeats.result);
  line.add(fmt::format(" x{}", repeats.count), Style::Note);
  print(std::move(line), repeats.remark);
}

void LinePrinter::print(StyledLine line, const std::string& remark) {
  if (!remark.empty()) line.add("  # " + remark, Style::Time);
  write_(line.render(options_.colour, options_.width));
}

std::string footer_text(const Footer& footer) {
  std::string text = fmt::format("{} event{}, {} ", footer.events, footer.events == 1 ? "" : "s", footer.lost);
  if (footer.lost == 0) return text + "lost";
  text += "LOST";
  for (std::size_t i = 0; i < footer.losses.size(); ++i)
    text += fmt::format("{}{}: {}", i ? ", " : " (", escape(footer.losses[i].first), footer.losses[i].second);
  return footer.losses.empty() ? text : text + ")";
}

}  // namespace nstrace::report
