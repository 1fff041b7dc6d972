// SPDX-License-Identifier: MIT
// What is known about programs that act on a container that is there: the runtime's lesser commands, nsenter and
// `ip netns exec`.
#include <algorithm>

#include "story/rule.h"

namespace nstrace::story {
namespace {

using enum Phase;

bool verb(const Moment& m, std::string_view word) {
  return m.actor.verb == word;
}
bool has_word(const Moment& m, std::string_view word) {
  const auto* exec = m.event.as<trace::Exec>();
  return exec && std::ranges::find(exec->argv, word) != exec->argv.end();
}

const Rule kRules[] = {
    {.name = "runtime-kill-all",
     .phase = Exit,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "kill") && (has_word(m, "--all") || has_word(m, "-a")); },
     .sentence = "`{runtime} kill --all` is called, to send a signal to every process that is left in {container}: "
                 "where it has no PID namespace of its own, they outlive its first process.",
     .brief = "{runtime} signals all of {container}",
     .references = {"runc-kill(8)"}},
    {.name = "runtime-pause",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "pause"); },
     .sentence =
         "`{runtime} pause` is called: all processes of {container} stand still from here on, by the freezer of "
         "their cgroup. They are not told, and cannot refuse.",
     .brief = "{container} stands still",
     .references = {"runc-pause(8)", "cgroups(7), freezer"}},
    {.name = "runtime-resume",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "resume"); },
     .sentence = "`{runtime} resume` is called: the processes of {container}, which stand still, go on.",
     .brief = "{container} goes on",
     .references = {"runc-resume(8)", "cgroups(7), freezer"}},
    {.name = "runtime-state",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "state"); },
     .sentence = "`{runtime} state` is called: it only tells how {container} is, and changes nothing.",
     .brief = "how is {container}?",
     .references = {"OCI runtime-spec: runtime.md, Query State"}},
    {.name = "runtime-asked",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "ps") || verb(m, "events") || verb(m, "list"); },
     .sentence = "`{runtime} {verb}` is called: it only tells what it knows, and changes nothing.",
     .brief = "{runtime} is asked",
     .references = {"runc(8)"}},
    {.name = "enter-tool",
     .phase = Runtime,
     .on = On::Exec,
     .who = kSetup,
     .when = [](const Moment& m) { return m.process.id == m.actor.session; },
     .sentence = "{runtime} is called, to run a program in namespaces that are there already: {program}.",
     .brief = "{runtime} begins",
     .references = {"nsenter(1), ip-netns(8)"}},
};

}  // namespace

std::span<const Rule> rules_commands() {
  return kRules;
}

}  // namespace nstrace::story
