// SPDX-License-Identifier: MIT
// One trace as diff compares it: its processes with their roles, and their calls as steps, in words that do not vary
// from run to run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "check/diff.h"
#include "model/model.h"

namespace nstrace::check {

struct CallPart {
  std::string name, text;
  bool cut = false;  // a log shows its beginning alone
};

struct CallStep {
  std::string call;
  std::vector<CallPart> parts;  // arguments
  std::string outcome;          // "" = success, "ENOENT", "killed by SIGKILL", ...
  Phase phase = Phase::Bootstrap;
  std::uint64_t event = 0;
  std::string text() const;  // "mount(\"proc\", \"/proc\", ...) = -1 ENOENT"; also what two steps are compared by
};

struct Actor {
  std::string kind;  // what matches roles of different runtimes: "runtime create", "stage 1", "init", "program true"
  std::string name;  // for people: "runc create", "runc:[1:CHILD]"
  std::optional<std::size_t> creator;
  std::vector<std::size_t> children;
  std::vector<CallStep> steps;
  bool daemon = false;  // was there before, and still runs the same program
  bool ended = false;
  bool started = false;  // of a container's init: its program was executed, as far as that would be seen
  std::map<std::string, std::string>
      start;  // of a container's init: "capabilities", "no_new_privs", ... when its program starts
  std::string lives[trace::kNsCount];  // "host", "new", "joined"; empty = not known
};

struct Side {
  std::vector<Actor> actors;  // creators before those they made
  std::vector<std::size_t> roots;
};

// What both traces recorded; the rest is left out of both.
struct Scope {
  std::function<bool(const std::string&)> call;
  bool exec = true, fork = true, exit = true, comm = true, cgroup = true;
  bool successful = true, failed = true;
  bool payload = true;  // what containers' own programs do after their exec
  bool env = true;      // the environments of execs
};

Side read_side(const trace::Trace& trace, const Scope& scope);

}  // namespace nstrace::check
