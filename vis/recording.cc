// SPDX-License-Identifier: MIT
// Takes Events, applies each to the model and puts it into words right away: the event itself is not kept.
#include "vis/recording.h"

#include <fmt/format.h>

#include "trace/constants.h"
#include "trace/text.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

constexpr std::size_t kLongest = 8000;  // bytes of one call; of a longer one the middle is left out, and it says so

// As strace writes it. An element beyond kLongest is cut before the whole is put together.
std::string call_words(const trace::Call& call) {
  trace::TextOptions options;
  options.string_limit = kLongest;
  options.list_limit = 1000;
  return display_whole(trace::call_text(call, options), kLongest);
}

void tell(const trace::Event& event, Call& call) {
  if (const auto* fork = event.as<trace::Fork>()) {
    call.kind = Call::Kind::Fork;
    call.thread = fork->thread();
  } else if (event.as<trace::Exec>()) {
    call.kind = Call::Kind::Exec;
  } else if (const auto* exit = event.as<trace::Exit>()) {
    call.kind = Call::Kind::Exit;
    call.name = "exit";
    const std::string_view who = exit->process ? "" : "thread ";
    call.text = exit->signal != 0 ? fmt::format("{}killed by {}", who, trace::signal_name(exit->signal))
                                  : fmt::format("{}exits with {}", who, exit->code);
    call.failed = exit->signal != 0 || exit->code != 0;
  } else if (const auto* rename = event.as<trace::Rename>()) {
    call.kind = Call::Kind::Name;
    call.name = "comm";
    call.text =
        fmt::format("is named {}, was {}", display_whole(event.who.comm, 60), display_whole(rename->comm_before, 60));
  } else if (const auto* seen = event.as<trace::NamespaceSeen>()) {
    call.kind = Call::Kind::Namespace;
    call.name = "namespace";
    call.text = fmt::format("first sight of {}:[{}]", ns_name(seen->ns), seen->inode);
  } else if (const auto* move = event.as<trace::CgroupMove>()) {
    call.kind = Call::Kind::Cgroup;
    call.name = "cgroup";
    call.text = "moves to cgroup " + display_whole(move->path, 500);
  } else if (const auto* lost = event.as<trace::Lost>()) {
    call.kind = Call::Kind::Lost;
    call.name = "lost";
    call.text = fmt::format("{} events LOST {}", lost->count, display_whole(lost->why, 200));
    call.failed = true;
  }
  if (!event.call.name.empty() && call.text.empty()) {
    call.name = display_whole(event.call.name, 60);
    call.text = call_words(event.call);
    call.result = display_whole(trace::result_text(event.call), 300);
    call.failed = event.call.failed();
  }
  if (call.name.empty()) call.name = kind_name(call.kind);
  if (call.text.empty()) call.text = call.name;
}

}  // namespace

std::string_view kind_name(Call::Kind kind) {
  switch (kind) {
    case Call::Kind::Syscall:
      return "syscall";
    case Call::Kind::Fork:
      return "fork";
    case Call::Kind::Exec:
      return "exec";
    case Call::Kind::Exit:
      return "exit";
    case Call::Kind::Name:
      return "comm";
    case Call::Kind::Namespace:
      return "namespace";
    case Call::Kind::Cgroup:
      return "cgroup";
    case Call::Kind::Lost:
      return "lost";
  }
  return "";
}

void Recording::event(const trace::Event& event) {
  TellingModel::event(event);
  if (keep_times_) timing_.event(event);
  if (!keep_) return;
  Call call;
  call.event = event.number;
  call.time = event.time;
  call.start = event.start;
  call.tid = event.who.tid;
  if (const model::Process* process = process_of(event.who.tgid, event.who.born)) call.process = process->id;
  tell(event, call);
  calls_.push_back(std::move(call));
}

}  // namespace nstrace::vis
