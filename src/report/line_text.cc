// SPDX-License-Identifier: MIT
// One function per kind of event.
#include "report/line_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::report {
namespace {

using namespace trace;

constexpr Time kSecond = 1'000'000'000;

// The call of an exec whose arguments are not known at all, from what the kernel made of it.
Call call_of_image(const Exec& exec) {
  Call call;
  call.name = "execve";
  call.result = 0;
  Arg& path = call.args.emplace_back();
  path.kind = Arg::Kind::String;
  path.text = exec.path;
  Arg& argv = call.args.emplace_back();
  argv.kind = Arg::Kind::Strings;
  argv.list = exec.argv;
  return call;
}

struct Body {
  StyledLine& line;
  const Event& event;
  const std::string& note;
  const PidNotes* pids;
  const LineOptions& options;
  bool durations_known;

  // What stands behind a pid, as strace's --decode-pids has it.
  std::string decoded(std::int64_t pid) const {
    const std::optional<int> outside = pids ? pids->seen_from_outside(event.who, static_cast<int>(pid)) : std::nullopt;
    if (!outside) return "";
    std::string text;
    if (const std::string comm = pids->comm(*outside); options.pid_comms && !comm.empty())
      text = "<" + escape(comm, "\\<>") + ">";
    if (options.pid_numbers && *outside != pid) text += fmt::format(" /* {} in strace's PID NS */", *outside);
    return text;
  }

  void decode_pids(Call& call) const {
    for (Arg& arg : call.args)
      if (arg.kind == Arg::Kind::Integer && arg.value > 0 &&
          (arg.name == "pid" || arg.name == "tgid" || arg.name == "tid"))
        if (const std::string more = decoded(arg.value); !more.empty()) arg.text = fmt::format("{}{}", arg.value, more);
  }

  // As strace does: the bracket stays open, and there is no result.
  void add_unfinished(std::string args, const std::string& mark) const {
    if (args.ends_with(')')) args.pop_back();
    line.add(args);
    line.add(" " + escape(mark, ""), Style::Note);
  }

  void add_call(const Call& given, const std::string& comment = "", const std::string& child = "") const {
    Call call = given;
    const std::string said = std::exchange(call.note, {});  // it comes last
    if (options.pid_comms || options.pid_numbers) decode_pids(call);
    const std::string text = call_text(call, options.text);
    const std::size_t name = std::min(text.find('('), text.size());
    line.add(text.substr(0, name), Style::Call);
    if (!call.result && said.starts_with('<')) return add_unfinished(text.substr(name), said);
    line.add(text.substr(name));
    std::string result = result_text(call) + child;
    if (options.text.targets && !call.result_target.empty()) result += "<" + escape(call.result_target, "\\<>") + ">";
    line.add(" ");
    if (line.text().size() < options.column) line.add(std::string(options.column - line.text().size(), ' '));
    line.add("= ");
    line.add(result, call.failed() ? Style::Failure : Style::Plain);
    if (call.name == "setsid" && call.result && !call.failed()) line.add(decoded(*call.result));
    if (!comment.empty()) line.add(" /* " + comment + " */", Style::Note);
    if (!call.abi.empty()) line.add(" /* 32-bit call */", Style::Note);
    if (!note.empty()) line.add(" (" + note + ")", Style::Note);
    if (!said.empty()) line.add(" " + escape(said, ""), Style::Note);
    if (!options.durations || !call.result) return;
    // -T; strace writes the same where it has not seen the entry
    if (!durations_known)
      line.add(" <unavailable>", Style::Time);
    else
      line.add(fmt::format(" <{}{}>", (event.time - event.start) / kSecond,
                           fraction_text((event.time - event.start) % kSecond, options.duration_digits)),
               Style::Time);
  }

  void operator()(const Syscall&) const { add_call(event.call); }

  void operator()(const Fork& fork) const {
    if (event.call.name.empty()) {
      line.add(fmt::format("--- new {} {} ({}) ---", fork.thread() ? "thread" : "process", fork.child.tid,
                           fork.inferred ? "not in the log, told by its name" : flags_text(fork.flags, clone_flags())),
               Style::Life);
      if (!note.empty()) line.add(" (" + note + ")", Style::Note);
      return;
    }
    Call call = event.call;
    std::string comment;
    if (!call.result) call.result = fork.child.tid;
    // What a creator in a nested pid namespace was told is not the pid that the child's lines bear.
    if (*call.result != fork.child.tid) comment = fmt::format("{} in strace's PID NS", fork.child.tid);
    if (options.show_pidns && fork.child.tids.size() > 1 && fork.child.tids.back() != *call.result)
      comment += fmt::format("{}{} in its own PID NS", comment.empty() ? "" : ", ", fork.child.tids.back());
    // strace looks before the child has a name of its own; it is its creator's anyway
    add_call(call, comment,
             options.pid_comms && !fork.child.comm.empty() ? "<" + escape(fork.child.comm, "\\<>") + ">" : "");
  }

  void operator()(const Exec& exec) const {
    std::string comment;
    if (exec.argv_from_image || event.call.name.empty()) comment = "argv of the new image";
    // The thread that execs takes the leader's place, and its tid.
    if (exec.tid_before != 0 && exec.tid_before != event.who.tid)
      comment += fmt::format("{}now pid {}", comment.empty() ? "" : ", ", event.who.tid);
    Call call = event.call.name.empty() ? call_of_image(exec) : event.call;
    if (options.environment && !exec.env.empty())
      for (Arg& arg : call.args) {
        if (arg.name != "envp" || arg.kind != Arg::Kind::Address) continue;
        arg.kind = Arg::Kind::Strings;
        arg.list = exec.env;
        arg.comment.clear();
      }
    add_call(call, comment);
  }

  void operator()(const Exit& exit) const {
    line.add(exit.signal != 0
                 ? fmt::format("+++ killed by {}{} +++", signal_name(exit.signal), exit.core ? " (core dumped)" : "")
                 : fmt::format("+++ exited with {} +++", exit.code),
             Style::Life);
  }

  void operator()(const Rename& rename) const {
    line.add(fmt::format("--- comm {} -> {} ---", quote(rename.comm_before), quote(event.who.comm)), Style::Life);
  }

  void operator()(const NamespaceSeen& seen) const {
    std::string text = fmt::format("--- namespace {}:[{}]", ns_name(seen.ns), seen.inode);
    if (seen.owner_user != 0) text += fmt::format(", owner user:[{}]", seen.owner_user);
    if (seen.parent != 0) text += fmt::format(", parent {}:[{}]", ns_name(seen.ns), seen.parent);
    line.add(text + " ---", Style::Life);
  }

  void operator()(const CgroupMove& move) const {
    line.add(
        fmt::format("--- cgroup {} ---", move.path.empty() ? fmt::format("{}", event.who.cgroup) : quote(move.path)),
        Style::Life);
  }

  void operator()(const Lost& lost) const {
    std::string text = fmt::format("--- LOST {} record{}", lost.count, lost.count == 1 ? "" : "s");
    if (lost.cpu >= 0) text += fmt::format(" on cpu {}", lost.cpu);
    if (!lost.why.empty()) text += " (" + escape(lost.why) + ")";
    line.add(text + " ---", Style::Loss);
  }

  void operator()(const Signal& signal) const {
    std::string text = "--- " + signal_name(signal.number);
    for (std::size_t i = 0; i < signal.info.size(); ++i) text += (i ? ", " : " {") + escape(signal.info[i], "");
    line.add(text + (signal.info.empty() ? " ---" : "} ---"), Style::Life);
  }
};

}  // namespace

std::string fraction_text(Time ns, int digits) {
  return digits > 0 ? "." + fmt::format("{:09}", ns).substr(0, static_cast<std::size_t>(digits)) : "";
}

std::string who_text(const Event& event, bool pidns) {
  int tid = event.who.tid;
  const std::string* comm = &event.who.comm;
  if (const auto* exec = event.as<Exec>()) {
    if (exec->tid_before != 0) tid = exec->tid_before;
    comm = &exec->comm_before;  // empty: a log did not say
  } else if (const auto* rename = event.as<Rename>()) {
    comm = &rename->comm_before;
  } else if (const auto* exit = event.as<Exit>(); exit && exit->process) {
    tid = event.who.tgid;  // it is the process that ended, whichever thread was its last
  }
  std::string text = fmt::format("[pid {}", tid);
  if (!comm->empty()) text += "<" + escape(*comm, "\\<>") + ">";
  if (pidns && tid == event.who.tid)
    for (std::size_t i = 1; i < event.who.tids.size(); ++i) text += fmt::format("/{}", event.who.tids[i]);
  return text + "]";
}

void add_body(StyledLine& line, const Event& event, const std::string& note, const PidNotes* pids,
              const LineOptions& options, bool durations_known) {
  std::visit(Body{line, event, note, pids, options, durations_known}, event.what);
}

}  // namespace nstrace::report
