// SPDX-License-Identifier: MIT
// Actor: which part a process plays in the story at a moment: the runtime's command, one of its stages, a hook, the
// user's program. Told from its programs, its comm and its creators, never from a pid or from daemons.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "model/model.h"

namespace nstrace::story {

// As bits, so that a rule can name several.
enum Part : std::uint32_t {
  kOther = 1u << 0,
  kManager = 1u << 1,   // dockerd, containerd, podman, crio, buildkitd
  kShim = 1u << 2,      // containerd-shim: as a daemon, or with `start` or `delete`
  kMonitor = 1u << 3,   // conmon
  kRuntime = 1u << 4,   // an OCI runtime with a verb: runc create
  kStage0 = 1u << 5,    // runc init, before and as [0:PARENT]
  kStage1 = 1u << 6,    // runc:[1:CHILD], youki:[1:INTER]
  kStage2 = 1u << 7,    // runc:[2:INIT], youki:[2:INIT]
  kSetup = 1u << 8,     // a child of the runtime that sets up, without stages: crun; nsenter, which is its own runtime
  kHook = 1u << 9,      // a program that the runtime calls, on the host or in the container
  kSandbox = 1u << 10,  // bwrap, unshare, nsjail: no OCI runtime
  kBoxed = 1u << 11,    // its child that sets up
  kProgram = 1u << 12,  // the user's program: the container's init after its set-up, and what any in there starts
  kEntered = 1u << 13,  // a program that was brought into a container (exec)
};
inline constexpr std::uint32_t kStages = kStage0 | kStage1 | kStage2;
inline constexpr std::uint32_t kBuilders = kStages | kSetup | kBoxed | kSandbox;

struct Actor {
  Part part = kOther;
  std::string runtime;                      // "runc"; "" = not known
  std::string verb;                         // of the session's command: "create", "exec"
  std::string id;                           // of the container, as the command line has it; "" = not known
  std::optional<model::ProcessId> session;  // the process that ran the runtime's command line
};

// Keeps what was found; ask after the model has applied an event.
class Actors {
 public:
  explicit Actors(const model::Model& model) : model_(model) {}
  const Actor& of(model::ProcessId id);
  // What it was when last asked for: at an exec, before it. nullptr = was never asked for.
  const Actor* last(model::ProcessId id) const;
  // This stage of the mini runtime, and what comes after it, enter a container that is there: no command line says so.
  void enters(model::ProcessId id);

 private:
  struct Known {
    std::size_t programs = 0, comms = 0;
    std::optional<model::ContainerId> container;
    bool began = false;
    trace::NsSet ns;
    Actor actor;
  };
  Actor find(const model::Process& process, int depth);
  bool joined_container(const model::Process& process) const;
  const Actor& of(model::ProcessId id, int depth);

  const model::Model& model_;
  std::unordered_map<model::ProcessId, Known> known_;
  std::unordered_set<model::ProcessId> entering_;
};

// "dockerd" -> true: a program that asks for containers, but sets none up itself.
bool is_manager(std::string_view program);

}  // namespace nstrace::story
