// SPDX-License-Identifier: MIT
// Matching goes from the roots down: below a matched pair, children of the same kind and name are matched in the order
// in which they were made, then those of the same kind alone. What is left over is matched wherever it stands, if there
// is a part in it that every runtime has: crun's container init is made by `crun run`, runc's by a stage.
#include "check/diff_roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/runtime.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using model::Process;
using model::Program;

// "runc:[1:CHILD]" is stage 1; -1 for other comms.
int stage_of(std::string_view comm) {
  if (model::runtime_of_comm(comm).empty()) return -1;
  const std::size_t open = comm.find(":[");
  const char digit = open + 2 < comm.size() ? comm[open + 2] : ' ';
  return digit >= '0' && digit <= '9' ? digit - '0' : -1;
}

std::string shown(std::string_view text) {
  return trace::escape(text.substr(0, 60), "\\\"<>`");
}

RoleName of_program(const model::Model& model, const Process& process, const Program& program) {
  if (const auto command = model::runtime_command(program); command && command->oci) {
    if (command->verb == "init") return {"stage 0", shown(command->runtime + " init")};
    const std::string verb = command->verb.empty() ? "" : " " + command->verb;
    return {"runtime" + verb, shown(command->runtime + verb)};
  }
  const std::string name(model::base_name(program.argv.empty() ? program.path : program.argv[0]));
  if (model::monitor_command(program)) {
    std::string verb;
    if (name.starts_with("containerd-shim") && !program.argv.empty())
      for (const char* word : {"start", "delete"})
        if (program.argv.back() == word) verb = std::string(" ") + word;
    return {"monitor " + name + verb, shown((name.starts_with("containerd-shim") ? "shim" : name) + verb)};
  }
  // What a runtime starts, outside of the container, is a hook or a helper.
  if (process.creator && !process.container) {
    const Process& creator = model.processes()[*process.creator];
    for (const Program& above : creator.programs)
      if (const auto command = model::runtime_command(above); command && command->oci)
        return {"hook " + name, shown("hook " + name)};
  }
  return {"program " + name, shown(name)};
}

// Parts that stand in different places with different runtimes.
bool moves_about(const std::string& kind) {
  return kind == "init" || kind.starts_with("stage ") || kind.starts_with("runtime ") || kind.starts_with("hook ");
}

class Matcher {
 public:
  Matcher(const Side& a, const Side& b) : a_(a), b_(b), to_b_(a.actors.size()), taken_(b.actors.size()) {}

  std::vector<std::optional<std::size_t>> match() {
    match_lists(a_.roots, b_.roots);
    // again until nothing new is found: a late match has children, too
    for (bool found = true; found;) {
      found = false;
      for (std::size_t i = 0; i < a_.actors.size(); ++i) {
        if (to_b_[i] || !moves_about(a_.actors[i].kind)) continue;
        for (std::size_t j = 0; j < b_.actors.size() && !to_b_[i]; ++j)
          if (!taken_[j] && a_.actors[i].kind == b_.actors[j].kind) {
            join(i, j);
            found = true;
          }
      }
    }
    return to_b_;
  }

 private:
  void join(std::size_t i, std::size_t j) {
    to_b_[i] = j;
    taken_[j] = true;
    match_lists(a_.actors[i].children, b_.actors[j].children);
  }

  void match_lists(const std::vector<std::size_t>& left, const std::vector<std::size_t>& right) {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    const auto pass = [&](auto same) {
      for (const std::size_t i : left) {
        if (to_b_[i]) continue;
        const auto j =
            std::ranges::find_if(right, [&](std::size_t k) { return !taken_[k] && same(a_.actors[i], b_.actors[k]); });
        if (j == right.end()) continue;
        to_b_[i] = *j;
        taken_[*j] = true;
        pairs.emplace_back(i, *j);
      }
    };
    pass([](const Actor& x, const Actor& y) { return x.kind == y.kind && x.name == y.name; });
    pass([](const Actor& x, const Actor& y) { return x.kind == y.kind; });
    std::ranges::sort(pairs);
    for (const auto& [i, j] : pairs) match_lists(a_.actors[i].children, b_.actors[j].children);
  }

  const Side& a_;
  const Side& b_;
  std::vector<std::optional<std::size_t>> to_b_;
  std::vector<bool> taken_;
};

}  // namespace

RoleName role_name(const model::Model& model, const Process& process) {
  const bool made = process.fork_event != 0 || !process.existed;
  for (const model::Container& container : model.containers())
    if (container.init == process.id && made) return {"init", "container init"};
  int stage = -1;
  std::string comm;
  for (const model::CommSpan& span : process.comms)
    if (span.event > process.fork_event && stage_of(span.comm) > stage) {
      stage = stage_of(span.comm);
      comm = span.comm;
    }
  if (stage > 0) return {fmt::format("stage {}", stage), shown(comm)};
  const Program* own = nullptr;  // the last that it executed itself; a runtime's word counts more than what it became
  for (const Program& program : process.programs) {
    if (program.event == 0) continue;
    const auto command = own ? model::runtime_command(*own) : std::nullopt;
    if (!command || !command->oci) own = &program;
  }
  if (own) return of_program(model, process, *own);
  if (process.existed) return {"daemon " + process.comm(), shown(process.comm())};
  if (process.creator) {
    const std::string& from = model.processes()[*process.creator].comm();
    return {"fork", shown("child of " + from)};
  }
  return {"unknown", shown(process.comm())};
}

std::vector<std::optional<std::size_t>> match_actors(const Side& a, const Side& b) {
  return Matcher(a, b).match();
}

}  // namespace nstrace::check
