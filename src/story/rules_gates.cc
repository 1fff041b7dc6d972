// SPDX-License-Identifier: MIT
// What is known about the writes and opens that a recording has with --gates: id maps, cgroup.procs, exec.fifo.
#include <algorithm>

#include "story/rule.h"
#include "trace/text.h"

namespace nstrace::story {
namespace {

using enum Phase;

constexpr std::string_view kWrites = "write|pwrite64|writev";
constexpr std::string_view kOpens = "openat|openat2|open";

bool into(const Moment& m, std::string_view files) {
  return !m.call().args.empty() && glob(files, m.call().args[0].target);
}
// The path that is opened, whichever of the calls it is.
std::string_view opened(const Moment& m) {
  const std::size_t at = m.call().name == "open" ? 0 : 1;
  return m.call().args.size() > at ? std::string_view(m.call().args[at].text) : std::string_view();
}
bool opened_for(const Moment& m, std::string_view flag) {
  const auto& args = m.call().args;
  return std::ranges::any_of(args,
                             [&](const trace::Arg& a) { return trace::arg_text(a).find(flag) != std::string::npos; });
}

const Rule kRules[] = {
    {.name = "id-maps",
     .phase = IdMaps,
     .call = kWrites,
     .when = [](const Moment& m) { return into(m, "*/uid_map|*/gid_map"); },
     .sentence = "{comm} writes which users and groups outside the ids in the user namespace stand for ({each}): the "
                 "first id inside, the first one outside, and how many.",
     .brief = "which users outside stand behind those inside: {each}",
     .references = {"user_namespaces(7), User and group ID mappings", "OCI runtime-spec: config-linux.md, uidMappings"},
     .each = "{written}"},
    {.name = "setgroups-file",
     .phase = IdMaps,
     .call = kWrites,
     .when =
         [](const Moment& m) {
           return into(m, "*/setgroups") && m.call().args.size() > 1 && glob("deny*", m.call().args[1].text);
         },
     .sentence = "{comm} gives up setgroups for the user namespace: without rights outside one may map a group only "
                 "then, for who can leave a group may get at files that are closed to its members.",
     .brief = "no setgroups in the user namespace",
     .references = {"user_namespaces(7), /proc/pid/setgroups"}},
    {.name = "cgroup-procs",
     .phase = Cgroup,
     .who = kRuntime | kBuilders,
     .call = kWrites,
     .when = [](const Moment& m) { return into(m, "/sys/fs/cgroup/*cgroup.procs"); },
     .sentence = "It writes a process's number into cgroup.procs ({each}), which moves that process into the "
                 "container's cgroup.",
     .brief = "moves a process into the container's cgroup",
     .references = {"cgroups(7)", "runc: libcontainer/cgroups, WriteCgroupProc()"},
     .each = "{hierarchy_of_file}"},
    {.name = "gate-handed-over",
     .phase = Bootstrap,
     .who = kRuntime,
     .call = kOpens,
     .when = [](const Moment& m) { return glob("*/exec.fifo", opened(m)) && opened_for(m, "O_PATH"); },
     .sentence = "{runtime} opens the gate as a mere place (O_PATH), which does not wait, and leaves this descriptor "
                 "to its child: inside the container no path will lead to exec.fifo.",
     .brief = "the gate is handed to the child",
     .references = {"open(2), O_PATH", "runc: libcontainer/container_linux.go, includeExecFifo()"}},
    {.name = "gate-opened",
     .phase = Start,
     .who = kRuntime,
     .call = kOpens,
     .when = [](const Moment& m) { return glob("*/exec.fifo", opened(m)); },
     .sentence = "{runtime} opens the gate (exec.fifo) to read: this is the word, and whoever waits at the other end "
                 "goes on.",
     .brief = "the gate is opened",
     .references = {"runc: libcontainer/container_linux.go, handleFifoResult()", "fifo(7)"}},
    {.name = "gate-waits",
     .phase = Ready,
     .who = kStage2,
     .call = kOpens,
     .when = [](const Moment& m) { return glob("/proc/self/fd/*", opened(m)) && opened_for(m, "O_WRONLY"); },
     .sentence = "All is set up. It opens the gate (exec.fifo, by the descriptor that was left to it) to write, and "
                 "this call returns when another process opens it to read: until then it waits here.",
     .brief = "waits at the gate",
     .references = {"runc: libcontainer/standard_init_linux.go, Init()", "fifo(7)"}},
};

}  // namespace

std::span<const Rule> rules_gates() {
  return kRules;
}

}  // namespace nstrace::story
