// SPDX-License-Identifier: MIT
// What is known about the user's program, sandboxes that are no OCI containers, and the end of it all.
#include <algorithm>
#include <csignal>

#include "story/rule.h"

namespace nstrace::story {
namespace {

using enum Phase;

bool runs(const Moment& m) {
  return m.actor.verb == "create" || m.actor.verb == "run" || m.actor.verb == "exec";
}
bool ended(const Moment& m) {
  return m.process.ended.has_value();
}
bool well(const Moment& m) {
  return ended(m) && m.process.ended->code == 0 && m.process.ended->signal == 0;
}
// The runtime's command itself has ended, not a child of it that has executed nothing.
bool over(const Moment& m, std::string_view verb) {
  return ended(m) && m.called() && m.actor.verb == verb;
}
bool over_well(const Moment& m, std::string_view verb) {
  return over(m, verb) && well(m);
}
bool detached(const Moment& m) {
  if (m.process.programs.empty()) return false;
  const auto& argv = m.process.programs.back().argv;
  return std::ranges::any_of(argv, [](const std::string& a) { return a == "--detach" || a == "-d"; });
}
// It has begun its program, or in a trace that began later may have.
bool began(const Moment& m) {
  const model::Container* container = container_of(m);
  return m.begun || (container && container->began);
}
bool kills(const Moment& m) {
  return m.call().args.size() > 1 && m.call().args[1].value == SIGKILL;
}
bool sends(const Moment& m) {
  return m.call().args.size() > 1 && m.call().args[1].value != 0;  // 0 only asks whether it is there
}
bool is_init(const Moment& m) {
  return m.process.container && m.model.containers()[*m.process.container].init == m.process.id;
}
bool from_builder(const Moment& m) {
  return m.before.part & kBuilders;
}

const Rule kRules[] = {
    // --- sandboxes ---
    {.name = "sandbox-tool",
     .phase = Runtime,
     .on = On::Exec,
     .who = kSandbox,
     .sentence = "{runtime} begins: {program}. Sandboxes that it makes are of its own kind, and no OCI containers.",
     .brief = "{runtime} begins",
     .references = {"namespaces(7)"}},
    {.name = "sandbox-clone",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kSandbox | kBoxed,
     .when = [](const Moment& m) { return !(m.event.as<trace::Fork>()->child.ns == m.event.who.ns); },
     .sentence = "It makes a process (pid {child}) in namespaces other than its own: {new}.",
     .brief = "a process in other namespaces: {new}",
     .references = {"clone(2)", "namespaces(7)"}},
    {.name = "sandbox-child",
     .phase = Bootstrap,
     .on = On::Fork,
     .who = kBoxed,
     .sentence =
         "Inside, process {pid} makes a child (pid {child}), and stays as number 1 of its PID namespace itself: "
         "somebody must collect the processes that end there.",
     .brief = "number 1 makes the child that will be the program",
     .references = {"pid_namespaces(7)", "bubblewrap: bubblewrap.c, do_init()"}},
    {.name = "sandbox-no-fork-program",
     .phase = Program,
     .on = On::Exec,
     .who = kProgram | kOther,
     .when = [](const Moment& m) { return (m.before.part & (kSandbox | kBoxed)) != 0; },
     .sentence = "The process that set the sandbox up becomes the program: {program}.",
     .brief = "the program begins: {name}",
     .references = {"execve(2)"}},
    {.name = "sandbox-end",
     .phase = Exit,
     .on = On::Exit,
     .who = kSandbox,
     .when = ended,
     .sentence = "{runtime} ended {ending}.",
     .brief = "{runtime} ends",
     .references = {}},

    // --- the user's program ---
    {.name = "program",
     .phase = Program,
     .on = On::Exec,
     .who = kProgram,
     .when = from_builder,
     .sentence =
         "The set-up process becomes the container's program: {program}. It is the same process{number_inside}, "
         "with all that was set up; only what it executes is another.",
     .brief = "the container's program begins: {name}",
     .references = {"execve(2)", "OCI runtime-spec: config.md, process.args"}},
    {.name = "entered-program",
     .phase = Program,
     .on = On::Exec,
     .who = kEntered | kProgram | kOther | kHook,
     .when = [](const Moment& m) { return from_builder(m) && m.before.verb == "exec"; },
     .sentence = "The process that has entered{numbered} becomes the program: {program}.",
     .brief = "the program begins in the container: {name}",
     .references = {"execve(2)"}},
    {.name = "entered-end",
     .phase = Exit,
     .on = On::Exit,
     .who = kEntered,
     .when = [](const Moment& m) { return ended(m) && !m.process.programs.empty() && m.process.programs.back().event; },
     .sentence = "The program ended {ending}. The {kind} goes on: this was not its first process.",
     .brief = "the program ends",
     .references = {"wait(2)"}},
    {.name = "container-end",
     .phase = Exit,
     .on = On::Exit,
     .who = kProgram,
     .when = [](const Moment& m) { return ended(m) && is_init(m) && m.process.inner_pid() == 1; },
     .sentence = "The {kind}'s first process ended {ending}. It was number 1 of its PID namespace: with it the kernel "
                 "ends every process that is left in there, and the {kind} is over.",
     .brief = "the {kind}'s first process ends, and so the {kind}",
     .references = {"pid_namespaces(7)"}},
    {.name = "container-end-shared-pids",
     .phase = Exit,
     .on = On::Exit,
     .who = kProgram,
     .when = [](const Moment& m) { return ended(m) && is_init(m); },
     .sentence = "The {kind}'s first process ended {ending}.",
     .brief = "the {kind}'s first process ends",
     .references = {}},

    // --- the runtime's commands end ---
    {.name = "signal-of-go",
     .phase = Runtime,
     .who = kRuntime,
     .call = "kill|pidfd_send_signal",
     .when = [](const Moment& m) { return sends(m) && m.call().args[1].value == SIGURG && runs(m); },
     .sentence = "{runtime} passes on SIGURG to {arg0}. Nobody means anything by it: Go's own scheduler wakes its "
                 "threads by this signal, and this {runtime} passes on whatever signal it gets.",
     .brief = "passes on a signal of Go's scheduler",
     .references = {"kill(2)", "runc: signals.go, forward()"},
     .fold = true},
    {.name = "kills-own",
     .phase = Bootstrap,
     .who = kRuntime,
     .call = "kill|pidfd_send_signal",
     .when = [](const Moment& m) { return kills(m) && runs(m) && !began(m); },
     .sentence = "{runtime} kills the process that it has made ({arg0}), whose program has not begun: it gives up.",
     .brief = "gives up, and kills what it has made",
     .references = {"kill(2)"},
     .fold = true},
    {.name = "signal-passed-early",
     .phase = Runtime,
     .who = kRuntime,
     .call = "kill|pidfd_send_signal",
     .when = [](const Moment& m) { return sends(m) && !kills(m) && runs(m) && !began(m); },
     .sentence = "{runtime} passes on {arg1}, which it has received itself, to the process that it sets up ({arg0}).",
     .brief = "passes {arg1} on",
     .references = {"kill(2)", "runc: signals.go, forward()"},
     .fold = true},
    {.name = "signal-passed-on",
     .phase = Exit,
     .who = kRuntime,
     .call = "kill|pidfd_send_signal",
     // Nobody receives SIGKILL and lives to pass it on.
     .when = [](const Moment& m) { return sends(m) && !kills(m) && runs(m); },
     .sentence = "{runtime} passes on {arg1}, which it has received itself, to the program ({arg0}).",
     .brief = "passes {arg1} on",
     .references = {"kill(2)", "runc: signals.go, forward()"},
     .fold = true},
    {.name = "signal",
     .phase = Exit,
     .who = kRuntime,
     .call = "kill|pidfd_send_signal",
     .when = sends,
     .sentence = "{runtime} sends {arg1} to the container's first process ({arg0}).",
     .brief = "{arg1} to the container's first process",
     .references = {"kill(2)", "runc: libcontainer/container_linux.go, Signal()"}},
    {.name = "create-end",
     .phase = Ready,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over_well(m, "create"); },
     .sentence = "`{runtime} create` ends: the container is set up. Its process waits at {gate}, with the program "
                 "not begun; its new parent is whoever asked for orphans.",
     .brief = "set up: the container waits to be started",
     .references = {"OCI runtime-spec: runtime.md, Lifecycle", "runc: libcontainer/standard_init_linux.go, Init()"}},
    {.name = "start-end",
     .phase = Start,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over_well(m, "start"); },
     .sentence = "`{runtime} start` ends: the waiting process has been let through.",
     .brief = "the waiting process has been let through",
     .references = {"OCI runtime-spec: runtime.md, Start"}},
    {.name = "exec-end",
     .phase = Program,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over_well(m, "exec") && detached(m); },
     .sentence = "`{runtime} exec` ends at once, as it was told to (--detach): the program in the container does not "
                 "need it.",
     .brief = "{runtime} is no longer needed",
     .references = {"runc-exec(8)"}},
    {.name = "exec-end-waited",
     .phase = Exit,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over(m, "exec") && !detached(m) && (well(m) || m.begun); },
     .sentence = "`{runtime} exec` ended {ending}: it has waited for the program, and passes its status on.",
     .brief = "{runtime} passes the program's status on",
     .references = {"runc-exec(8)"}},
    {.name = "run-end-detached",
     .phase = Program,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over_well(m, "run") && detached(m); },
     .sentence = "`{runtime} run` ends at once, as it was told to (--detach): the container goes on without it.",
     .brief = "{runtime} is no longer needed",
     .references = {"runc-run(8)"}},
    {.name = "run-end",
     .phase = Delete,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over(m, "run") && (well(m) || began(m)); },
     .sentence = "`{runtime} run` ended {ending}, the container's own status, after it has cleared up.",
     .brief = "{runtime} ends",
     .references = {"runc-run(8)"}},
    {.name = "delete-end",
     .phase = Delete,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over_well(m, "delete"); },
     .sentence = "`{runtime} delete` ends: nothing of the container is left.",
     .brief = "nothing of the container is left",
     .references = {"OCI runtime-spec: runtime.md, Delete"}},
    {.name = "kill-fails",
     .phase = Exit,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over(m, "kill") && !well(m); },
     .sentence = "`{runtime} kill` ended {ending}: it has failed.",
     .brief = "{runtime} has failed",
     .references = {}},
    {.name = "delete-fails",
     .phase = Delete,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return over(m, "delete") && !well(m); },
     .sentence = "`{runtime} delete` ended {ending}: it has failed.",
     .brief = "{runtime} has failed",
     .references = {}},
    {.name = "ends-unknown",
     .phase = Bootstrap,
     .on = On::Exit,
     .who = kRuntime,
     .when =
         [](const Moment& m) { return (over(m, "run") || over(m, "exec")) && !well(m) && m.model.losses().count > 0; },
     .sentence = "`{runtime} {verb}` ended {ending}. Whether the program did so or {runtime} has failed is not known, "
                 "since records were lost.",
     .brief = "{runtime} ends",
     .references = {}},
    {.name = "runtime-fails",
     .phase = Bootstrap,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return ended(m) && m.called() && !well(m) && (runs(m) || m.actor.verb == "start"); },
     .sentence = "`{runtime} {verb}` ended {ending}: it has failed.",
     .brief = "{runtime} has failed",
     .references = {}},
    {.name = "command-fails",
     .phase = Runtime,
     .on = On::Exit,
     .who = kRuntime,
     .when = [](const Moment& m) { return ended(m) && m.called() && !well(m); },
     .sentence = "`{runtime} {verb}` ended {ending}: it has failed.",
     .brief = "{runtime} has failed",
     .references = {}},
};

}  // namespace

std::span<const Rule> rules_end() {
  return kRules;
}

}  // namespace nstrace::story
