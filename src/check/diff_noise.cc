// SPDX-License-Identifier: MIT
// One rule each, with the reason.
#include "check/diff_noise.h"

#include <algorithm>
#include <vector>

namespace nstrace::check {
namespace {

using namespace trace;

constexpr int kEintr = 4;
constexpr std::uint64_t kCloneVm = 0x100, kClonePidfd = 0x1000, kCloneVfork = 0x4000;

const Arg* find_arg(const Call& call, std::string_view name) {
  for (const Arg& arg : call.args)
    if (arg.name == name) return &arg;
  return nullptr;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

bool is_noise(const Event& event) {
  if (const auto* fork = event.as<Fork>()) return fork->thread();
  if (const auto* exit = event.as<Exit>()) return !exit->process;
  if (const auto* rename = event.as<Rename>())
    return event.who.tid != event.who.tgid || rename->comm_before == event.who.comm;
  if (event.as<Exec>() || event.as<CgroupMove>()) return false;
  const Call& call = event.call;
  const Arg* signal = find_arg(call, "sig");
  if (call.name == "tgkill" || call.name == "tkill") return true;
  // Go preempts its goroutines so; signal 0 only asks whether somebody lives, as often as it takes
  if (call.name == "kill") return signal && (signal->text == "SIGURG" || signal->value == 0);
  if (call.name == "pidfd_send_signal") return signal && signal->value == 0;
  if (call.name == "pidfd_open") {
    const Arg* pid = find_arg(call, "pid");
    return pid && pid->value == event.who.tgid;
  }
  if (call.result && (*call.result == -kEintr || *call.result <= -512)) return true;  // taken up again
  if (call.name == "prctl")
    if (const Arg* option = find_arg(call, "option"))
      return option->text == "PR_SET_VMA" || (option->text == "PR_SET_NAME" && event.who.tid != event.who.tgid);
  return false;
}

bool sets_ids(std::string_view call) {
  static constexpr std::string_view kCalls[] = {"setuid",    "setgid",    "setreuid", "setregid",
                                                "setresuid", "setresgid", "setgroups"};
  return std::ranges::find(kCalls, call) != std::end(kCalls);
}

bool is_probe(const model::Process& process) {
  constexpr std::uint64_t kFlags = kCloneVm | kClonePidfd | kCloneVfork;
  const bool did_nothing = process.marks.empty() && process.children.empty() &&
                           std::ranges::none_of(process.programs, [](const auto& p) { return p.event != 0; });
  return process.fork_event && (process.fork_flags & kFlags) == kFlags && process.exit_signal == 0 && did_nothing;
}

std::string incidental(const CallChange& change) {
  const std::string& text = change.before.empty() ? change.after : change.before;
  const bool folder = change.call == "mkdirat" || change.call == "mkdir";
  if (folder && change.phase == Phase::Bootstrap) {
    const bool result_only = change.values.size() == 1 && change.values[0].name == "result";
    if (change.change != Change::Changed || result_only) return "folders that a first run makes and later ones find";
  }
  if (change.call == "cgroup" && change.change == Change::Moved) return "when another process puts one into its cgroup";
  // podman hands the paths over in another order each time, since they come from a map
  if (change.phase == Phase::Root && change.change == Change::Moved) {
    const bool bind = change.call == "mount" && (contains(text, "MS_BIND") || contains(text, "MS_PRIVATE"));
    if (bind || folder) return "the order in which single paths are bound into the root";
  }
  return "";
}

std::string mount_data(const std::string& data) {
  std::vector<std::string> options;
  for (std::size_t at = 0; at <= data.size();) {
    const std::size_t end = std::min(data.find(',', at), data.size());
    std::string option = data.substr(at, end - at);
    const std::size_t value = option.find('=') + 1;
    while (value && option.size() > value + 1 && option[value] == '0' && option[value + 1] >= '0' &&
           option[value + 1] <= '9')
      option.erase(value, 1);
    if (std::ranges::find(options, option) == options.end()) options.push_back(std::move(option));
    at = end + 1;
  }
  std::string out;
  for (const std::string& option : options) out += (out.empty() ? "" : ",") + option;
  return out;
}

}  // namespace nstrace::check
