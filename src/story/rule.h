// SPDX-License-Identifier: MIT
// Rule: one line of knowledge. Which events it is about, in which phase they are, and what is to be said of them. The
// tables are in rules_*.cc; the first rule that fits an event tells it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "story/actor.h"
#include "story/phase.h"

namespace nstrace::story {

// What a rule is asked about. The model has applied the event.
struct Moment {
  const trace::Event& event;
  const model::Model& model;
  const model::Process& process;
  const Actor& actor;
  const Actor& before;  // what the process was before: differs at an exec
  const trace::NsSet& ns_before;
  bool begun = false;                    // the program that the command is about has begun, in this trace
  const trace::Event* failed = nullptr;  // the process's last call, if it failed; at its end only

  const trace::Call& call() const { return event.call; }
  bool leader() const { return event.who.tid == event.who.tgid; }
  // Whether it executed what it runs, rather than being a copy of its maker: Go, say, tries a pidfd out with a child
  // that ends at once, and that is not the end of the runtime's command.
  bool called() const { return !process.programs.empty() && (process.programs.back().event || process.existed); }
};

enum class On : std::uint8_t { Call, Fork, Exec, Exit, Cgroup };

struct Rule {
  std::string_view name;  // of the rule, for tests and for machines: "runc-exec-empty-unshare"
  Phase phase{};
  On on = On::Call;
  std::uint32_t who = ~0u;                    // Parts; at an exec, those after it
  std::string_view call = {};                 // names, "mount|fsmount"; "" = any
  std::array<std::string_view, 4> args = {};  // globs for the arguments as text, without quotes; "" = any
  bool (*when)(const Moment&) = nullptr;      // what else must hold; nullptr = nothing
  bool once = false;                          // only the first time that the process does it
  std::string_view sentence;                  // {words} are filled in, see words.h
  std::string_view brief;
  std::array<std::string_view, 3> references = {};
  std::string_view each =
      {};             // repeats are one step: {each} lists these words of them; "" = they are steps of their own
  bool fold = false;  // repeats are one step, without a list
};

std::span<const Rule> rules_begin();       // manager, runtime, self-clone, bootstrap, cgroup
std::span<const Rule> rules_namespaces();  // namespaces, id maps
std::span<const Rule> rules_commands();    // what acts on a container that is there
std::span<const Rule> rules_gates();       // what is recorded with --gates only
std::span<const Rule> rules_root();        // root file system, hooks, pivot
std::span<const Rule> rules_rights();      // security, ready
std::span<const Rule> rules_end();         // start, program, exit, delete
std::vector<const Rule*> all_rules();      // in the order in which they are tried

bool fits(const Rule& rule, const Moment& moment);
// The container that the actor's command makes or works on; nullptr = not known.
const model::Container* container_of(const Moment& moment);
// `*` any bytes, `?` one, `|` between alternatives.
bool glob(std::string_view pattern, std::string_view text);

}  // namespace nstrace::story
