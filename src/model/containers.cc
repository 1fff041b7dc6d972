// SPDX-License-Identifier: MIT
// Which container a process is in, told from the trace alone. A container hangs on the pid namespace that its init was
// made in: a process cannot leave that one, so whoever is born there is a member. Where the pid namespace is shared
// (the host's, or another container's), it hangs on the mount namespace that its init pivoted in. Only the leader's
// namespaces count: a helper thread that enters a mount namespace enters no container. Names and runtimes are read from
// the programs of those who made it, from the nearest up.
#include <algorithm>

#include "model/model.h"
#include "model/runtime.h"

namespace nstrace::model {

using namespace trace;

namespace {

// Who executed the program that a process runs: itself, or the nearest of those who made it.
ProcessId runner(const Model& model, ProcessId id) {
  for (int steps = 0; steps < 32; ++steps) {
    const Process& p = model.processes()[id];
    if (p.existed || (!p.programs.empty() && p.programs.back().event)) break;
    const auto above = model.origin(p);
    if (!above) break;
    id = *above;
  }
  return id;
}

// What `command`, which `by` runs, calls `container`: where it makes several, it does so in the order of their ids.
std::string id_of(const Model& model, const RuntimeCommand& command, ContainerId container, ProcessId by) {
  if (command.oci) return command.id;
  const auto made = static_cast<std::size_t>(std::ranges::count_if(model.containers(), [&](const Container& c) {
    const auto maker = model.namespaces()[c.hung_on].maker;
    return c.id < container && maker && runner(model, *maker) == runner(model, by);
  }));
  if (made == 0) return command.id;
  return made <= command.further_ids.size() ? command.further_ids[made - 1] : "";
}

}  // namespace

std::optional<ContainerId> Model::container_of(NamespaceId id) const {
  if (is_host(id)) return std::nullopt;
  const auto found = container_by_ns_.find(id);
  return found == container_by_ns_.end() ? std::nullopt : std::optional(found->second);
}

// Where a process is that was just born, or is seen for the first time.
std::optional<ContainerId> Model::container_at_birth(const Process& p) const {
  // A container that shares its pid namespace is told by its mount namespace.
  if (const auto by_mount = container_of(p.ns_id[Ns::Mnt]); by_mount) {
    const Container& c = containers_[*by_mount];
    if (c.hung_on == p.ns_id[Ns::Mnt] && c.ns[Ns::Pid] == p.ns[Ns::Pid]) return by_mount;
  }
  if (const auto by_pid = container_of(p.ns_id[Ns::Pid])) return by_pid;
  if (!is_host(p.ns_id[Ns::Pid]) || !p.creator) return std::nullopt;
  // A child of one that entered, but did not take the pid namespace with it.
  const auto of_creator = processes_[*p.creator].container;
  if (of_creator && container_of(p.ns_id[Ns::Mnt]) == of_creator) return of_creator;
  return std::nullopt;
}

void Model::place(ProcessId id, Moment moment, const Event* event) {
  if (!header_.host[Ns::Pid]) return;  // then it is not known what "outside" is
  if (!processes_[id].container) {
    std::optional<ContainerId> container = container_at_birth(processes_[id]);
    const NamespaceId pid_ns = processes_[id].ns_id[Ns::Pid];
    const bool found = container.has_value();
    if (!found && !is_host(pid_ns)) container = add_container(pid_ns, id, moment);
    if (container) {
      const auto from = origin(processes_[id]);
      const bool entry = found && from && processes_[*from].container != container;
      // Whoever entered the container and has a child in it has come in with that child.
      const auto creator = processes_[id].creator;
      if (const auto visit = creator ? visitors_.find(*creator) : visitors_.end();
          visit != visitors_.end() && visit->second == *container) {
        visitors_.erase(visit);
        if (!processes_[*creator].container) join(*container, *creator);
      }
      if (entry && (containers_[*container].name.empty() || containers_[*container].runtime.empty()))
        name_container(*container, id, *from, Moment::Entered);
      join(*container, id);
    }
  }

  const bool initial = processes_[id].container && containers_[*processes_[id].container].init == id;
  if (initial) {
    Container& c = containers_[*processes_[id].container];
    if (!c.began) set_init(c.id, id);
    if (!c.began && moment == Moment::Program) {
      c.began = true;
      c.program_event = event ? event->number : 0;
    }
    return;
  }

  if (moment == Moment::Entered) {
    const auto entered = container_of(processes_[id].ns_id[Ns::Mnt]);
    if (entered && processes_[id].container != entered && single_threaded(id) &&
        namespaces_[processes_[id].ns_id[Ns::Mnt]].maker != id)
      visitors_[id] = *entered;
    else
      visitors_.erase(id);
  }
  if (moment == Moment::Program)
    if (const auto visit = visitors_.find(id); visit != visitors_.end()) {
      // It runs a program in there without a child (nsenter --no-fork).
      const ContainerId container = visit->second;
      visitors_.erase(visit);
      if (!processes_[id].container) join(container, id);
      if (containers_[container].name.empty()) name_container(container, id, id, moment);
      return;
    }
  if (moment == Moment::Rooted && processes_[id].container && !containers_[*processes_[id].container].init) {
    set_init(*processes_[id].container, id);  // made in a pid namespace that others have
    return;
  }
  if (moment == Moment::Rooted || moment == Moment::Program) place_by_mount(id, moment);
  if (moment == Moment::Program && processes_[id].container) {
    Container& c = containers_[*processes_[id].container];
    if (c.init == id && !c.began) {
      c.began = true;
      c.program_event = event ? event->number : 0;
    }
  }
}

// A process that pivots, or runs a sandbox's program, in a mount namespace of its own but in a pid namespace of others.
void Model::place_by_mount(ProcessId id, Moment moment) {
  const Process& p = processes_[id];
  const NamespaceId mount = p.ns_id[Ns::Mnt];
  if (!header_.host[Ns::Mnt] || is_host(mount) || !namespaces_[mount].maker || container_of(mount)) return;
  // Made by itself or by one of those who made it: not joined.
  bool own = false;
  std::string runtime;
  bool oci_maker = false;
  std::optional<ProcessId> at = id;
  for (int steps = 0; at && steps < 16; ++steps) {
    const Process& up = processes_[*at];
    const std::size_t skip = *at == id && moment == Moment::Program ? 1 : 0;
    if (up.programs.size() > skip)
      if (const auto command = runtime_command(up.programs[up.programs.size() - 1 - skip])) {
        if (runtime.empty()) runtime = command->runtime;
        oci_maker = oci_maker || (command->oci && (command->verb == "create" || command->verb == "run"));
      }
    own = own || namespaces_[mount].maker == *at;
    at = origin(up);
  }
  if (!own) return;
  if (moment == Moment::Program && runtime.empty()) return;
  if (moment == Moment::Rooted && !oci_maker && !single_threaded(id)) return;

  // It is in the container whose pid namespace it shares no more. Its own lies in that one only if it was made there: a
  // pid namespace alone can be joined from outside (docker run --pid container:X).
  const auto around = p.container;
  const bool made_there = around && processes_[*namespaces_[mount].maker].container == around;
  if (around) std::erase(containers_[*around].members, id);
  processes_[id].container.reset();
  const ContainerId container = add_container(mount, id, moment);
  if (made_there) containers_[container].parent = around;
  join(container, id);
  set_init(container, id);
}

ContainerId Model::add_container(NamespaceId hung_on, ProcessId first, Moment moment) {
  const auto id = static_cast<ContainerId>(containers_.size());
  const Process& p = processes_[first];
  Container& c = containers_.emplace_back();
  c.id = id;
  c.hung_on = hung_on;
  c.ns = p.ns;
  c.ns_id = p.ns_id;
  container_by_ns_[hung_on] = id;
  if (const auto from = origin(p)) c.parent = processes_[*from].container;
  const auto from = moment == Moment::Birth ? origin(p) : std::optional(first);
  name_container(id, first, from ? *from : first, moment);
  return id;
}

void Model::join(ContainerId container, ProcessId id) {
  Container& c = containers_[container];
  Process& p = processes_[id];
  p.container = container;
  c.members.push_back(id);
  if (c.init) return;
  if (namespaces_[c.hung_on].type == Ns::Pid && p.ns_id[Ns::Pid] == c.hung_on && p.inner_pid() == 1) {
    set_init(container, id);
    c.began = p.existed;
  } else if (c.members.size() == 1) {
    c.ns = p.ns;
    c.ns_id = p.ns_id;
    if (!is_host(p.ns_id[Ns::Mnt])) container_by_ns_.emplace(p.ns_id[Ns::Mnt], container);
  }
}

void Model::set_init(ContainerId container, ProcessId id) {
  Container& c = containers_[container];
  const Process& p = processes_[id];
  c.init = id;
  c.ns = p.ns;
  c.ns_id = p.ns_id;
  if (!is_host(p.ns_id[Ns::Mnt])) container_by_ns_.emplace(p.ns_id[Ns::Mnt], container);
}

// Reads the programs of `from` and of those who made it, up to the border of another container.
void Model::name_container(ContainerId container, ProcessId member, ProcessId from, Moment moment) {
  std::string name, runtime, image_name, monitored;
  std::optional<ProcessId> at = from;
  for (int steps = 0; at && steps < 32; ++steps) {
    const Process& p = processes_[*at];
    const auto above = origin(p);
    const bool elsewhere = p.container && *p.container != container;
    const bool border = elsewhere && (!above || processes_[*above].container != p.container);
    const std::size_t skip = *at == from && moment == Moment::Program ? 1 : 0;
    const Program* program = p.programs.size() > skip ? &p.programs[p.programs.size() - 1 - skip] : nullptr;
    // A long command line was not kept with the child; who executed it comes next.
    if (program && !program->event && program->argv.empty() && p.creator) program = nullptr;
    if (program && border && !program->event && !p.existed) program = nullptr;  // that of who made the other container
    if (program) {
      if (const auto command = runtime_command(*program)) {
        if (border && command->verb == "init") break;  // that of who entered the other container
        // It makes another container, which only shares a namespace with this one.
        if (moment == Moment::Entered && (command->verb == "create" || command->verb == "run")) return;
        if (runtime.empty()) runtime = command->runtime;
        if (name.empty()) name = id_of(*this, *command, container, *at);
        if (!command->oci) break;
      } else if (const auto monitor = monitor_command(*program)) {
        monitored = monitor->id;
        if (runtime.empty()) runtime = monitor->runtime;
        image_name = monitor->name;
        break;
      }
    }
    if (runtime.empty() && !border) runtime = runtime_of_comm(p.comm());
    if (border) break;
    at = above;
  }
  Container& c = containers_[container];
  if (runtime.empty()) {
    // Not one that is known: the program of who made the namespace.
    const auto maker = namespaces_[c.hung_on].maker;
    if (maker && !processes_[*maker].programs.empty()) {
      const Program& program = processes_[*maker].programs.back();
      runtime = base_name(program.argv.empty() ? program.path : program.argv[0]);
    }
  }
  // The nearest to the truth first: a shim may watch over several containers and bear the name of one.
  if (c.name.empty()) c.name = name;
  if (c.name.empty()) c.name = id_of_cgroup(processes_[member].cgroup_path);
  if (c.name.empty()) c.name = monitored;
  if (c.runtime.empty()) c.runtime = runtime;
  // Where the ids that the mini runtime was called with are not known, the first of its containers is "lab", the next
  // "lab-2".
  if (c.name.empty() && c.runtime == kMiniRuntime) {
    const auto made = std::ranges::count(containers_, kMiniRuntime, &Container::runtime);
    c.name = made > 1 ? "lab-" + std::to_string(made) : "lab";
  }
  if (c.image_name.empty()) c.image_name = image_name;
}

}  // namespace nstrace::model
