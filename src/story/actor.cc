// SPDX-License-Identifier: MIT
#include "story/actor.h"

#include <linux/sched.h>

#include <algorithm>

#include "model/runtime.h"
#include "story/rule.h"

namespace nstrace::story {

using model::Process;
using model::Program;

namespace {

constexpr int kDeep = 64;  // creators that are looked at; more is no container runtime

constexpr std::string_view kManagers[] = {"dockerd", "containerd", "podman", "crio",    "buildkitd",
                                          "docker",  "nerdctl",    "ctr",    "buildah", "kubelet"};

std::string_view called(const Program& program) {
  return model::base_name(program.argv.empty() ? std::string_view(program.path) : program.argv[0]);
}

// The stage that a comm tells: "runc:[1:CHILD]" -> kStage1.
std::optional<Part> stage_of(std::string_view comm) {
  if (model::runtime_of_comm(comm).empty()) return std::nullopt;
  const auto open = comm.find(":[");
  switch (open + 2 < comm.size() ? comm[open + 2] : ' ') {
    case '0':
      return kStage0;
    case '1':
      return kStage1;
    case '2':
      return kStage2;
    default:
      return std::nullopt;
  }
}

// A tool that brings a program into namespaces, of whomever; "" = none.
std::string entering_tool(const Program& program) {
  const auto& argv = program.argv;
  if (called(program) == "nsenter") return "nsenter";
  if (called(program) == "ip" && argv.size() > 2 && glob("netn*", argv[1]) && glob("e*", argv[2])) return "ip netns";
  return "";
}

bool is_systemd(const Program& program) {
  return called(program) == "systemd" || called(program) == "systemd-executor";
}

// What systemd forks for a unit, and has put in namespaces of its own.
Actor unit(const Process& p) {
  Actor actor;
  actor.part = kBoxed;
  actor.runtime = "systemd";
  actor.session = p.id;
  return actor;
}

}  // namespace

bool is_manager(std::string_view program) {
  return std::ranges::find(kManagers, program) != std::end(kManagers);
}

const Actor* Actors::last(model::ProcessId id) const {
  const auto known = known_.find(id);
  return known == known_.end() ? nullptr : &known->second.actor;
}

void Actors::enters(model::ProcessId id) {
  if (entering_.insert(id).second) known_.erase(id);
}

const Actor& Actors::of(model::ProcessId id) {
  return of(id, 0);
}

const Actor& Actors::of(model::ProcessId id, int depth) {
  const Process& p = model_.processes()[id];
  Known& known = known_[id];
  const bool began = p.container && model_.containers()[*p.container].began;
  if (known.programs == p.programs.size() && known.comms == p.comms.size() && known.comms != 0 &&
      known.container == p.container && known.began == began && known.ns == p.ns)
    return known.actor;
  Actor actor = find(p, depth);
  // An id that was seen once is kept: a program that a stage becomes no longer tells it.
  Known& place = known_[id];
  if (actor.id.empty()) actor.id = place.actor.id;
  place = {p.programs.size(), p.comms.size(), p.container, began, p.ns, std::move(actor)};
  return place.actor;
}

// Has it come into the mount namespace of a container whose program has begun? Then it does so for a program that is
// brought in, though the command that says so was not seen.
bool Actors::joined_container(const Process& p) const {
  const model::NamespaceId mount = p.ns_id[trace::Ns::Mnt];
  return mount != model::kNoNamespace && mount != p.ns_id_at_birth[trace::Ns::Mnt] &&
         std::ranges::any_of(model_.containers(), [&](const model::Container& c) {
           return c.began && c.init != p.id && c.ns_id[trace::Ns::Mnt] == mount;
         });
}

Actor Actors::find(const Process& p, int depth) {
  Actor actor;
  const auto origin = model_.origin(p);
  const Actor above = origin && depth < kDeep ? of(*origin, depth + 1) : Actor();
  const auto inherit = [&](Part part) {
    Actor a = above;
    a.part = part;
    return a;
  };
  const Program* program = p.programs.empty() ? nullptr : &p.programs.back();
  const bool own = program && (program->event || p.existed);
  const model::Container* container = p.container ? &model_.containers()[*p.container] : nullptr;
  const bool inside = container && !(origin && model_.processes()[*origin].container != p.container);

  if (const auto stage = stage_of(p.comm())) {
    actor = inherit(*stage);
    if (actor.runtime.empty()) actor.runtime = model::runtime_of_comm(p.comm());
    if (entering_.count(p.id) || (actor.verb.empty() && joined_container(p))) {
      actor.verb = "exec";
      actor.session = p.id;
    }
    return actor;
  }
  if (!own) {  // forked, and still in its creator's program
    // In a log without names of tasks the stages are known by how they make each other.
    if (!model_.header().calls_known && p.fork_flags & CLONE_PARENT && above.part & (kStage0 | kStage1))
      return inherit(above.part == kStage0 ? kStage1 : kStage2);
    if (above.part & (kRuntime | kSetup | kStages)) return inherit(p.fork_flags & CLONE_VFORK ? above.part : kSetup);
    if (above.part & (kSandbox | kBoxed)) return inherit(kBoxed);
    // systemd makes a sandbox for those units only that ask for one; each is one of its own.
    if (program && is_systemd(*program) && p.creator && !(p.ns == p.creator_ns)) return unit(p);
    return above;
  }
  if (const auto monitor = model::monitor_command(*program)) {
    if (monitor->id.empty()) return actor;  // `conmon --version`
    actor.part = called(*program).starts_with("conmon") ? kMonitor : kShim;
    actor.id = monitor->id;
    actor.runtime = monitor->runtime;
    const auto& argv = program->argv;
    for (const std::string_view verb : {"start", "delete"})
      if (!argv.empty() && std::ranges::find(argv, verb) != argv.end()) actor.verb = verb;
    if (actor.part == kMonitor)
      for (const std::string& arg : argv)
        if (arg == "-e" || arg == "--exec-attach") {
          actor.verb = "exec";
          actor.session = p.id;
        }
    return actor;
  }
  if (const std::string tool = entering_tool(*program); !tool.empty()) {
    actor.part = kSetup;
    actor.runtime = tool;
    actor.verb = "exec";
    actor.session = p.id;
    return actor;
  }
  // What runs in a container is the user's, whatever it is called; but a runtime in a container makes one in it.
  if (const auto command = model::runtime_command(*program)) {
    if (command->runtime == "nstrace lab" && program->argv.size() > 1) {
      actor.part = kRuntime;
      actor.runtime = command->runtime;
      actor.verb = "run";  // the scene exec makes the container, too, that it enters: who enters is known by its setns
      actor.id = program->argv.size() > 2 ? program->argv[2] : "lab";
      actor.session = p.id;
      return actor;
    }
    if (command->runtime == "systemd") {
      return p.creator && !(p.ns == p.creator_ns) ? unit(p) : actor;  // systemd-executor becomes the unit's program
    }
    if (!command->oci) {
      actor = inside && container->began && !program->event ? inherit(kProgram) : Actor();
      actor.part = kSandbox;
      actor.runtime = command->runtime;
      // A browser executes itself for each of its processes.
      actor.session = above.runtime == actor.runtime && above.session ? above.session : p.id;
      return actor;
    }
    if (command->verb == "init") {
      actor = inherit(kStage0);
      if (actor.runtime.empty()) actor.runtime = command->runtime;
      // Where the command itself was not seen, runc's own word tells what its child is for.
      if (actor.verb.empty() && std::ranges::find(program->env, "_LIBCONTAINER_INITTYPE=setns") != program->env.end()) {
        actor.verb = "exec";
        actor.session = p.id;
      }
      return actor;
    }
    actor.part = kRuntime;
    actor.runtime = command->runtime;
    actor.verb = command->verb;
    actor.id = command->id;
    // The monitor that was started to exec is part of that.
    actor.session = above.part == kMonitor && above.session ? above.session : p.id;
    if (actor.id.empty()) actor.id = above.id;
    return actor;
  }
  if (is_manager(called(*program)) && !container) {
    actor.part = kManager;
    return actor;
  }
  // A hook below a sandbox, or in a container that has runtimes of its own, is where its runtime is: it is not in the
  // container that is being made.
  const bool beside = container && above.session && above.part & (kRuntime | kStages | kSetup | kHook) &&
                      container->init != p.id && model_.processes()[*above.session].container == p.container;
  if (container && !beside) {
    if (container->init == p.id) {
      actor = above;
      actor.part = kProgram;
      return actor;
    }
    const bool brought = above.part & (kStages | kSetup | kRuntime) && above.verb == "exec";
    actor = above;
    if (brought)
      actor.part = kEntered;  // what it starts itself is one of the container's processes like any other
    else if (above.part & (kStages | kSetup) && !(above.part & kProgram) && !container->began)
      actor.part = kHook;
    else
      actor.part = kProgram;
    return actor;
  }
  // Where its namespaces are not known (a log of strace): stage 1 makes stage 2 and nothing else.
  if (above.part == kStage1) return inherit(above.verb == "exec" ? kEntered : kProgram);
  if (above.part & (kRuntime | kStages | kSetup | kHook)) return inherit(kHook);
  if (above.part & (kSandbox | kBoxed)) return inherit(kProgram);
  // A program of the manager's own, such as a hook that dockerd is called as by itself.
  if (above.part & (kManager | kMonitor | kShim)) return inherit(kOther);
  return actor;
}

}  // namespace nstrace::story
