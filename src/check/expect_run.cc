// SPDX-License-Identifier: MIT
// A process has a part if something tells it from its creator: a name it gave itself, being the first in a pid
// namespace, or a program. What runs inside a container, below its program, is the user's and is left out.
#include "check/expect_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "model/runtime.h"
#include "trace/constants.h"
#include "trace/syscalls.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using model::Process;
using model::ProcessId;
using model::Program;
using trace::Ns;

// A name for a role: lower case words joined by dashes that do not begin with a digit.
std::string role_word(std::string_view text) {
  std::string out;
  bool dash = false;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c))) {
      dash = !out.empty();
      continue;
    }
    if (dash && !std::isdigit(static_cast<unsigned char>(c))) out += '-';
    dash = false;
    if (out.empty() && std::isdigit(static_cast<unsigned char>(c))) out += 'p';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out.empty() ? "process" : out.substr(0, 24);
}

// "runc:[1:CHILD]" -> "child".
std::string stage_word(const std::string& comm) {
  const std::size_t colon = comm.rfind(':');
  if (colon == std::string::npos || !comm.ends_with(']')) return role_word(comm);
  return role_word(std::string_view(comm).substr(colon + 1, comm.size() - colon - 2));
}

bool is_verb(const std::string& word) {
  return word.size() > 1 && word.size() < 16 && word[0] != '-' &&
         std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

// The word of argv that says what the program is to do.
std::string verb_of(const Program& program) {
  if (const auto command = model::runtime_command(program); command && !command->verb.empty()) return command->verb;
  for (std::size_t i = 1; i < program.argv.size(); ++i) {
    const std::string& before = program.argv[i - 1];
    const bool value = i > 1 && before.starts_with('-') && before.find('=') == std::string::npos;
    if (!value && is_verb(program.argv[i])) return program.argv[i];
  }
  return "";
}

}  // namespace

RunReader::RunReader(const ExpectOptions& options) : whole_argv_(options.whole_argv) {
  const std::vector<std::string> calls = options.calls.empty() ? trace::parse_call_set("%story") : options.calls;
  calls_.insert(calls.begin(), calls.end());
}

void RunReader::event(const trace::Event& event) {
  model_.event(event);
  if (event.who.tgid == 0 || event.call.name.empty() || event.call.failed()) return;
  const auto* fork = event.as<trace::Fork>();
  if (fork && fork->thread()) return;
  const bool exec = event.as<trace::Exec>() != nullptr;
  const bool move = std::ranges::find(kMoves, event.call.name) != std::end(kMoves);
  if (!exec && !move && !calls_.contains(event.call.name)) return;
  const Process* process = model_.process_of(event.who.tgid, event.who.born);
  if (!process) return;
  did_[process->id].push_back({event.call, event.number, exec, process->ns_id, process->inner_pid()});
}

std::optional<Part> RunReader::part_of(const Process& process) const {
  static const Symbol kNone = [](std::string_view) { return std::string(); };
  Part part;
  // A name that it gave itself: neither its creator's nor its program's.
  for (const model::CommSpan& span : process.comms) {
    const bool inherited = process.fork_event && span.event == process.fork_event;
    const bool program = std::ranges::any_of(process.programs, [&](const Program& p) { return p.event == span.event; });
    if (inherited || program || span.comm.empty() || span.event == 0) continue;
    part.comm = glob_text(span.comm, kNone);
    part.name = stage_word(span.comm);
    return part;
  }
  if (process.pids.size() > 1 && process.inner_pid() == 1) {
    part.first_inside = true;
    part.name = "init";
    return part;
  }
  const auto own = std::ranges::find_if(process.programs, [](const Program& p) { return p.event != 0; });
  if (own == process.programs.end()) return std::nullopt;
  std::string base(model::base_name(own->path));
  const std::string called = own->argv.empty() ? base : std::string(model::base_name(own->argv[0]));
  const bool anonymous = own->path.starts_with("/proc/") || own->path.starts_with("/dev/fd/") || base == "exe";
  part.verb = verb_of(*own);
  if (anonymous) {
    part.program = "*";
    if (part.verb.empty()) part.verb = own->argv.empty() ? "" : glob_text(own->argv[0], kNone);
    base = called;
  } else {
    part.program = "*/" + glob_text(base, kNone);
    if (!own->path.starts_with('/')) part.program = glob_text(base, kNone);
  }
  part.name = role_word(base.starts_with("containerd-shim") ? "shim" : base);
  return part;
}

bool RunReader::inside(const Did& did) const {
  const model::Namespace* mnt = model_.namespace_of(did.ns[Ns::Mnt]);
  const model::Namespace* pid = model_.namespace_of(did.ns[Ns::Pid]);
  // One that was there before, and is not the host's, is that of who started the trace.
  return did.exec && ((mnt && !mnt->host && mnt->maker) || (pid && !pid->host));
}

// Made by a container's program, or by what that made.
bool RunReader::inside_program(const Process& process) const {
  auto at = process.creator;
  std::uint64_t made = process.fork_event;
  for (std::size_t steps = 0; at && steps <= model_.processes().size(); ++steps) {
    const Process& creator = model_.processes()[*at];
    if (const auto did = did_.find(creator.id); did != did_.end())
      for (const Did& one : did->second)
        if (one.event < made && inside(one)) return true;
    // One that was there before, inside.
    const model::Namespace* pid = model_.namespace_of(creator.ns_id_at_birth[Ns::Pid]);
    if (creator.existed && pid && !pid->host) return true;
    made = creator.fork_event;
    at = creator.creator;
  }
  return false;
}

std::string RunReader::classify(const model::NsIds& ns, Ns type, ProcessId process, ProcessId top) const {
  const model::Namespace* found = model_.namespace_of(ns[type]);
  if (!found || !model_.header().host[type]) return "";
  if (found->host) return "host";
  if (!found->maker) return "not host";
  std::optional<ProcessId> at = process;
  for (std::size_t steps = 0; at && steps <= model_.processes().size(); ++steps) {
    if (*at == *found->maker) return "new";
    if (*at == top) break;
    at = model_.origin(model_.processes()[*at]);
  }
  return "not host";
}

// Names of containers that runtimes and monitors below `top` were called with, in the order in which they are met.
std::vector<std::string> RunReader::containers_below(ProcessId top) const {
  std::vector<std::string> ids;
  for (const Process& process : model_.processes()) {
    std::optional<ProcessId> at = process.id;
    for (std::size_t steps = 0; at && *at != top && steps <= model_.processes().size(); ++steps)
      at = model_.origin(model_.processes()[*at]);
    if (at != top) continue;
    for (const Program& program : process.programs) {
      if (program.event == 0) continue;
      const auto command = model::runtime_command(program);
      const auto monitor = model::monitor_command(program);
      const std::string id = command && command->oci ? command->id : monitor ? monitor->id : "";
      if (id.size() > 1 && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }
  return ids;
}

Player RunReader::player(ProcessId process, ProcessId top) const {
  Player player;
  player.process = process;
  player.moves.resize(std::size(kMoves));
  const std::vector<std::string> ids = containers_below(top);
  const Symbol symbol = [&](std::string_view word) -> std::string {
    const auto found = std::ranges::find(ids, word);
    if (found == ids.end()) return "";
    return found == ids.begin() ? "${id}" : fmt::format("${{id{}}}", found - ids.begin() + 1);
  };
  const auto did_it = did_.find(process);
  if (did_it == did_.end()) return player;
  for (const Did& did : did_it->second) {
    // What a container's program does itself is its own affair.
    if (player.program && player.left) break;
    for (std::size_t i = 0; i < std::size(kMoves); ++i) player.moves[i] += did.call.name == kMoves[i];
    const CallText text = call_pattern(did.call, symbol, whole_argv_);
    if (calls_.contains(did.call.name)) player.calls.push_back(text);
    if (!inside(did) || player.program) continue;
    const model::Namespace* pid = model_.namespace_of(did.ns[Ns::Pid]);
    player.left = pid && !pid->host;
    player.program = text;
    player.inner_pid = did.inner_pid;
    for (int i = 0; i < trace::kNsCount; ++i) player.ns.push_back(classify(did.ns, static_cast<Ns>(i), process, top));
  }
  return player;
}

Run RunReader::run() const {
  Run run;
  std::unordered_map<ProcessId, std::size_t> part_of_process;
  for (const Process& process : model_.processes()) {
    // COMMAND's process was there before: it is nstrace's own child, until it executes COMMAND.
    const bool began = std::ranges::any_of(process.programs, [](const Program& p) { return p.event != 0; });
    const bool inside = inside_program(process);
    run.of_programs += inside && process.fork_event != 0;
    if ((process.existed && !began) || inside) continue;
    if (process.existed && process.ended && process.ended->signal)
      run.failed = fmt::format("{} was ended by {}", trace::escape(process.comm(), ""),
                               trace::signal_name(process.ended->signal));
    else if (process.existed && process.ended && process.ended->code)
      run.failed = fmt::format("{} ended with {}", trace::escape(process.comm(), ""), process.ended->code);
    const auto part = part_of(process);
    const auto did = did_.find(process.id);
    if (!part) {
      run.nameless += did != did_.end();
      continue;
    }
    // The nearest creator that has a part.
    std::optional<ProcessId> above = model_.origin(process);
    for (std::size_t steps = 0; above && !part_of_process.contains(*above) && steps <= model_.processes().size();
         ++steps)
      above = model_.origin(model_.processes()[*above]);
    if (above && !part_of_process.contains(*above)) above.reset();
    Played played;
    played.part = *part;
    if (above) played.part.below = part_of_process[*above];
    played.path = (above ? run.parts[part_of_process[*above]].path + " > " : "") + part->key();
    auto found = std::ranges::find(run.parts, played.path, &Played::path);
    if (found == run.parts.end()) found = run.parts.insert(run.parts.end(), std::move(played));
    part_of_process[process.id] = static_cast<std::size_t>(found - run.parts.begin());
    if (did == did_.end()) continue;
    found->active = found->active ||
                    std::ranges::any_of(did->second, [&](const Did& one) { return calls_.contains(one.call.name); });
  }
  return run;
}

std::string Part::key() const {
  if (!comm.empty()) return "comm " + comm;
  if (first_inside) return "pid 1";
  return "exec " + program + " " + verb;
}

}  // namespace nstrace::check
