// SPDX-License-Identifier: MIT
// What is known about the beginning: managers, shims, the runtime's command, its copy of itself, its stages, cgroups.
#include "model/runtime.h"
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
// A command that runs again in the same process: the runtime executes a copy of itself.
bool same_again(const Moment& m) {
  return m.before.part == m.actor.part && m.before.session == m.actor.session && m.process.programs.size() > 1 &&
         m.process.programs[m.process.programs.size() - 2].event != 0;
}
bool by_descriptor(const Moment& m) {
  const auto* exec = m.event.as<trace::Exec>();
  return exec && (glob("/proc/self/fd/*|/dev/fd/*|memfd:*", exec->path));
}
bool first_exec(const Moment& m) {
  return m.before.part != m.actor.part || !same_again(m);
}
bool state_folder(const Moment& m) {
  const auto& args = m.call().args;
  return args.size() > 1 && !m.actor.id.empty() && model::base_name(args[1].text) == m.actor.id &&
         args[1].text.find("/cgroup") == std::string::npos;
}
bool clone_flag(const Moment& m, std::uint64_t flag) {
  const auto* fork = m.event.as<trace::Fork>();
  return fork && fork->flags & flag;
}
constexpr std::uint64_t kNewAny = 0x7E020000u | 0x80u;  // CLONE_NEW*
constexpr std::uint64_t kVfork = 0x4000, kParent = 0x8000, kIntoCgroup = 0x200000000;

constexpr std::string_view kCve = "CVE-2019-5736 (the container overwrites the host's runtime)";

const Rule kRules[] = {
    // --- manager, shim, monitor ---
    {.name = "shim-start",
     .phase = Manager,
     .on = On::Exec,
     .who = kShim,
     .when = [](const Moment& m) { return verb(m, "start"); },
     .sentence = "containerd starts a shim for {container}. A shim is a small process that stays with the container: "
                 "it holds its output and learns how it ends, so that containerd itself can be restarted meanwhile.",
     .brief = "containerd starts a shim",
     .references = {"containerd: core/runtime/v2/README.md, \"start\""}},
    {.name = "shim-delete",
     .phase = Delete,
     .on = On::Exec,
     .who = kShim,
     .when = [](const Moment& m) { return verb(m, "delete"); },
     .sentence = "containerd calls the shim's program once more, with `delete`, to clear away what a shim that is gone "
                 "may have left.",
     .brief = "containerd clears up after the shim",
     .references = {"containerd: core/runtime/v2/README.md, \"delete\""}},
    {.name = "shim-daemon",
     .phase = Manager,
     .on = On::Exec,
     .who = kShim,
     .sentence = "The shim executes its own program again, without `start`: this second process is the one that stays. "
                 "The first one only tells containerd the address of its socket, and ends.",
     .brief = "the shim that stays",
     .references = {"containerd: pkg/shim/shim.go"}},
    {.name = "shim-subreaper",
     .phase = Manager,
     .who = kShim,
     .call = "prctl",
     .args = {"PR_SET_CHILD_SUBREAPER", "1"},
     .when = [](const Moment& m) { return m.actor.verb.empty(); },
     .sentence = "The shim asks to become the parent of every orphan below it. The runtime that sets the container up "
                 "will end, and by this the container's process becomes the shim's child, which can then wait for it.",
     .brief = "will adopt the container when its maker ends",
     .references = {"prctl(2), PR_SET_CHILD_SUBREAPER", "containerd: pkg/shim/shim.go"}},
    {.name = "shim-end",
     .phase = Delete,
     .on = On::Exit,
     .who = kShim,
     .when = [](const Moment& m) { return m.actor.verb.empty() && m.called(); },
     .sentence = "The shim ends: its container is gone.",
     .brief = "the shim ends",
     .references = {"containerd: core/runtime/v2/README.md, \"Shutdown\""}},
    {.name = "conmon-exec",
     .phase = Manager,
     .on = On::Exec,
     .who = kMonitor,
     .when = [](const Moment& m) { return verb(m, "exec") && m.before.part != kMonitor; },
     .sentence = "conmon is started to watch over a program that is to be brought into {container}: it will hold the "
                 "program's output and write down how it ends.",
     .brief = "a monitor for the program",
     .references = {"conmon(8)"}},
    {.name = "conmon",
     .phase = Manager,
     .on = On::Exec,
     .who = kMonitor,
     .when = [](const Moment& m) { return !m.actor.id.empty() && m.before.part != kMonitor; },
     .sentence = "conmon is started, a small monitor that stays with {container}: it holds the container's output and "
                 "writes down how it ends, so that whoever asked for the container need not stay.",
     .brief = "a monitor for the container",
     .references = {"conmon(8)"}},
    {.name = "conmon-subreaper",
     .phase = Manager,
     .who = kMonitor,
     .call = "prctl",
     .args = {"PR_SET_CHILD_SUBREAPER", "1"},
     .sentence = "conmon asks to become the parent of every orphan below it: when the runtime has ended, the "
                 "container's process will be its child, which it can wait for.",
     .brief = "will adopt the container when its maker ends",
     .references = {"prctl(2), PR_SET_CHILD_SUBREAPER", "conmon: src/conmon.c, main()"}},

    // --- the runtime's command line ---
    {.name = "runtime-again",
     .phase = SelfClone,
     .on = On::Exec,
     .who = kRuntime,
     .when = same_again,
     .sentence = "{runtime} executes itself a second time, now from the copy that it has just made: the same command, "
                 "but a container that reaches its program file by /proc finds only the copy, not the host's file.",
     .brief = "{runtime} again, from a protected copy",
     .references = {"crun: src/libcrun/cloned_binary.c, ensure_cloned_binary()", kCve}},
    {.name = "lab",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return m.actor.runtime == "nstrace lab"; },
     .sentence =
         "The mini runtime of nstrace begins (`{verb}`). It does what the real runtimes do, without a daemon, an "
         "image or a network.",
     .brief = "the mini runtime begins",
     .references = {"nstrace lab plan"}},
    {.name = "runtime-create",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "create"); },
     .sentence = "The low-level runtime is called: `{runtime} create` sets the container up, but does not start its "
                 "program yet. OCI runtimes split this in two, so that others can do their part in between.",
     .brief = "{runtime} sets up {container}",
     .references = {"OCI runtime-spec: runtime.md, Create"}},
    {.name = "runtime-run",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "run"); },
     .sentence = "The low-level runtime is called: `{runtime} run` sets the container up, starts its program, waits "
                 "for its end and clears up: create, start and delete in one.",
     .brief = "{runtime} runs {container}",
     .references = {"runc-run(8)", "OCI runtime-spec: runtime.md, Lifecycle"}},
    {.name = "runtime-start",
     .phase = Start,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "start"); },
     .sentence = "`{runtime} start` gives the word, through {gate}: the waiting process, not this one, then executes "
                 "the container's program.",
     .brief = "{runtime} lets {container} begin",
     .references = {"OCI runtime-spec: runtime.md, Start", "runc: libcontainer/container_linux.go, Exec()"}},
    {.name = "runtime-exec",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "exec"); },
     .sentence =
         "`{runtime} exec` is called, to bring one more program into {container}, which runs already. No namespace "
         "is made for it: the program is put into the namespaces that are there.",
     .brief = "{runtime} enters {container}",
     .references = {"runc-exec(8)"}},
    {.name = "runtime-kill",
     .phase = Exit,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "kill"); },
     .sentence = "`{runtime} kill` is called, to send a signal to the first process of {container}.",
     .brief = "{runtime} signals {container}",
     .references = {"OCI runtime-spec: runtime.md, Kill"}},
    {.name = "runtime-delete-force",
     .phase = Delete,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "delete") && has_word(m, "--force"); },
     .sentence =
         "`{runtime} delete --force` is called: whatever is left of {container} is removed, and what still runs "
         "in it is killed. It is no error if nothing is left.",
     .brief = "{runtime} clears away what is left of {container}",
     .references = {"OCI runtime-spec: runtime.md, Delete"}},
    {.name = "runtime-delete",
     .phase = Delete,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return verb(m, "delete"); },
     .sentence = "`{runtime} delete` is called: it removes the cgroups and the state folder of {container}.",
     .brief = "{runtime} clears away {container}",
     .references = {"OCI runtime-spec: runtime.md, Delete"}},
    {.name = "runtime-other",
     .phase = Runtime,
     .on = On::Exec,
     .who = kRuntime,
     .when = [](const Moment& m) { return !m.actor.verb.empty() && m.actor.verb != "features"; },
     .sentence = "`{runtime} {verb}` is called.",
     .brief = "{runtime} {verb}",
     .references = {"runc(8)"}},
    {.name = "state-folder",
     .phase = Runtime,
     .who = kRuntime,
     .call = "mkdirat|mkdir",
     .when = state_folder,
     .sentence = "{runtime} makes its state folder for the container: what `start`, `exec` and `delete` must know "
                 "later will be written there, since {runtime} itself does not stay.",
     .brief = "a state folder",
     .references = {"OCI runtime-spec: runtime.md, State"},
     .fold = true},
    {.name = "runtime-subreaper",
     .phase = Runtime,
     .who = kRuntime,
     .call = "prctl",
     .args = {"PR_SET_CHILD_SUBREAPER", "1"},
     .sentence =
         "{runtime} asks to become the parent of orphans below it: what its children leave behind is its own to wait "
         "for, and not somebody else's.",
     .brief = "will adopt processes whose parent ends",
     .references = {"prctl(2), PR_SET_CHILD_SUBREAPER"}},
    {.name = "exec-fifo",
     .phase = Bootstrap,
     .who = kRuntime,
     .call = "mknodat|mknod",
     .args = {"", "*exec.fifo"},
     .sentence = "{runtime} makes a named pipe, exec.fifo: the gate at which the container, once set up, will wait "
                 "until `{runtime} start` comes. Opening such a pipe blocks until the other end is opened.",
     .brief = "the gate where the container will wait",
     .references = {"runc: libcontainer/container_linux.go, createExecFifo()", "fifo(7)"}},

    // --- the copy of itself ---
    {.name = "self-bind",
     .phase = SelfClone,
     .who = kRuntime | kStage0,
     .call = "mount|umount2",
     .when =
         [](const Moment& m) {
           const auto& args = m.call().args;
           if (args.empty()) return false;
           if (m.call().name == "umount2") return glob("*runc.??????|*crun.??????", args[0].text);
           return args[0].text == "/proc/self/exe" ||
                  (args.size() > 1 && glob("*runc.??????|*crun.??????", args[1].text));
         },
     .sentence =
         "{runtime} makes its own program file appear under a second name (a bind mount), makes that view of it "
         "read-only, opens it, and takes the mount away: what is left is a descriptor through which nobody can "
         "write to the file. No container shall be able to change the runtime on the host.",
     .brief = "a read-only view of its own program file",
     .references = {"runc 1.1: libcontainer/nsenter/cloned_binary.c, try_bindfd()", kCve, "mount(2), MS_BIND"},
     .fold = true},
    {.name = "open-tree-probe",
     .phase = Runtime,
     .call = "open_tree",
     .args = {"-9"},
     .sentence = "It only tries whether the kernel has the newer calls for mounts; nothing comes of it.",
     .brief = "are there the newer mount calls?",
     .references = {"open_tree(2)"}},
    {.name = "own-proc",
     .phase = Runtime,
     .who = kRuntime,
     .call = "fsopen",
     .args = {"proc"},
     .sentence =
         "{runtime} asks for a proc file system of its own, which no path leads to: the one at /proc could have "
         "been covered with other files, so that what it writes there would go elsewhere.",
     .brief = "a proc file system of its own",
     .references = {"runc 1.3: filepath-securejoin, pathrs-lite/procfs", "fsopen(2)",
                    "CVE-2025-52881 (writes to /proc go elsewhere)"},
     .fold = true},
    {.name = "self-folder",
     .phase = SelfClone,
     .who = kRuntime,
     .call = "fsopen",
     .args = {"tmpfs"},
     .sentence = "{runtime} asks for a file system in memory, which no path leads to, to put its own program into.",
     .brief = "a folder in memory for its own program",
     .references = {"fsopen(2)"}},
    {.name = "own-mount",
     .phase = Runtime,
     .who = kRuntime,
     .call = "fsconfig|fsmount",
     .sentence =
         "It says what that file system is to be, and makes it a mount that is attached nowhere: only who has the "
         "descriptor can use it.",
     .brief = "made, and attached nowhere",
     .references = {"fsconfig(2), fsmount(2)"},
     .fold = true},
    {.name = "self-overlay",
     .phase = SelfClone,
     .who = kRuntime,
     .call = "fsopen",
     .args = {"overlay"},
     .sentence = "{runtime} puts a read-only overlay file system over the folder of its own program, attached nowhere, "
                 "and will start its child from there: what the container could reach is not the host's file.",
     .brief = "a read-only overlay of its own program",
     .references = {"runc 1.3: libcontainer/exeseal/overlayfs_linux.go; 1.2: libcontainer/dmz/", "fsopen(2)", kCve},
     .fold = true},
    {.name = "self-memfd",
     .phase = SelfClone,
     .who = kRuntime | kStage0,
     .call = "memfd_create",
     .args = {"*_cloned:*"},
     .sentence = "{runtime} copies its own program into a file that exists in memory only, and seals it: the container "
                 "can never reach, and so never change, the runtime's program on the host.",
     .brief = "a sealed copy of its own program",
     .references = {"runc 1.3: libcontainer/exeseal/cloned_binary_linux.go; 1.2: libcontainer/dmz/", "memfd_create(2)",
                    kCve}},

    // --- stages ---
    {.name = "init-again",
     .phase = SelfClone,
     .on = On::Exec,
     .who = kStage0,
     .when = same_again,
     .sentence = "`{runtime} init` is executed a second time, in the same process: now from the protected copy. Up to "
                 "runc 1.1 it is this child that makes the copy, so it begins twice; since 1.2 its parent does it.",
     .brief = "{runtime} init again, from the protected copy",
     .references = {"runc 1.1: libcontainer/nsenter/cloned_binary.c, ensure_cloned_binary()", kCve}},
    {.name = "init-enters",
     .phase = Bootstrap,
     .on = On::Exec,
     .who = kStage0,
     .when = [](const Moment& m) { return verb(m, "exec"); },
     .sentence = "{runtime} starts itself again, as `{runtime} init`: this child will enter the container, in three "
                 "stages, each a process of its own. Its program file is {image}.",
     .brief = "{runtime} init: this will enter the container",
     .references = {"runc: libcontainer/container_linux.go, newParentProcess()"}},
    {.name = "init-sealed",
     .phase = Bootstrap,
     .on = On::Exec,
     .who = kStage0,
     .when = [](const Moment& m) { return first_exec(m) && by_descriptor(m); },
     .sentence = "{runtime} starts the child that will become the container, in three stages, as `{runtime} init`. Its "
                 "program is "
                 "{image}: a descriptor of the protected copy that {runtime} has made of itself, not the host's file.",
     .brief = "{runtime} init: this will become the container",
     .references = {"runc 1.2: libcontainer/container_linux.go, newParentProcess()", kCve}},
    {.name = "init",
     .phase = Bootstrap,
     .on = On::Exec,
     .who = kStage0,
     .sentence =
         "{runtime} starts itself again, as `{runtime} init`: this child will become the container, in three stages, "
         "each a process of its own. It gets its orders through pipes whose numbers stand in its environment "
         "(_LIBCONTAINER_INITPIPE and others).",
     .brief = "{runtime} init: this will become the container",
     .references = {"runc: libcontainer/container_linux.go, newParentProcess()"}},
    {.name = "not-dumpable",
     .phase = Bootstrap,
     .who = kStages | kSetup,
     .call = "prctl",
     .args = {"PR_SET_DUMPABLE", "SUID_DUMP_DISABLE"},
     .sentence = "It forbids others to look into it (by ptrace or /proc): it is about to be in the container, where "
                 "processes could otherwise get at what it still has open of the host.",
     .brief = "nobody may look into it now",
     .references = {"prctl(2), PR_SET_DUMPABLE", "CVE-2016-9962"}},
    {.name = "stage-1",
     .phase = Bootstrap,
     .on = On::Fork,
     .who = kStage0,
     .when = [](const Moment& m) { return clone_flag(m, kParent); },
     .sentence = "Stage 0 makes stage 1 (pid {child}). CLONE_PARENT makes it a child of {runtime}, a sibling of stage "
                 "0: so {runtime} can wait for it after stage 0 has ended. `ps` hides who really made it.",
     .brief = "stage 0 makes stage 1, as a sibling",
     .references = {"clone(2), CLONE_PARENT", "runc: libcontainer/nsenter/nsexec.c, clone_parent()"}},
    {.name = "stage-2-joined",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kStage1,
     .when = [](const Moment& m) { return verb(m, "exec"); },
     .sentence = "Stage 1 makes stage 2 (pid {child} on the host{number_inside}). A process cannot change "
                 "its own PID namespace: setns only says where its children will be, so only this child is inside.",
     .brief = "stage 2: the first that is inside{as_number}",
     .references = {"pid_namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "stage-2-others-pids",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kStage1,
     .when =
         [](const Moment& m) {
           const auto& ids = m.event.as<trace::Fork>()->child.tids;
           return ids.size() > m.event.who.tids.size() && ids.back() != 1;
         },
     .sentence =
         "Stage 1 makes stage 2 (pid {child} on the host, {inner} in the PID namespace that was joined). Others "
         "are in there already, and number 1 is one of them. A process cannot enter a PID namespace itself, "
         "only its children can, and this is why a third process is needed.",
     .brief = "stage 2: number {inner} among the others' processes",
     .references = {"pid_namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "stage-2",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kStage1,
     .when = [](const Moment& m) { return m.event.as<trace::Fork>()->child.tids.size() > m.event.who.tids.size(); },
     .sentence = "Stage 1 makes stage 2 (pid {child} on the host). It is the first process in the new PID namespace, "
                 "so it is number {inner} there: a process cannot enter a PID namespace itself, only its children can, "
                 "and this is why a third process is needed.",
     .brief = "stage 2: number {inner} in the container",
     .references = {"pid_namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "stage-2-shared-pids",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kStage1,
     .sentence = "Stage 1 makes stage 2 (pid {child}), which will become the container's program.",
     .brief = "stage 2",
     .references = {"runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "clone-with-namespaces",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kRuntime,
     .when = [](const Moment& m) { return clone_flag(m, kNewAny); },
     .sentence = "{runtime} makes the container's first process (pid {child}) and its namespaces in one call: {new}. "
                 "It needs no stages as runc does, since it has only one thread and can fork at will.",
     .brief = "the first process, in new namespaces: {new}",
     .references = {"clone(2)", "namespaces(7)", "crun: src/libcrun/linux.c, libcrun_run_linux_container()"}},
    {.name = "setup-enters-pid",
     .phase = Namespaces,
     .on = On::Fork,
     .who = kSetup | kRuntime,
     .when =
         [](const Moment& m) {
           const auto* fork = m.event.as<trace::Fork>();
           return fork->child.ns[trace::Ns::Pid] != m.event.who.ns[trace::Ns::Pid];
         },
     .sentence = "It makes a child (pid {child} on the host{number_inside}): a process cannot change its own PID "
                 "namespace, so only this child is in the container's.",
     .brief = "a child that is inside{as_number}",
     .references = {"pid_namespaces(7)"}},
    {.name = "into-cgroup",
     .phase = Cgroup,
     .on = On::Fork,
     .who = kRuntime,
     .when = [](const Moment& m) { return clone_flag(m, kIntoCgroup); },
     .sentence = "{runtime} makes its child (pid {child}) right inside the container's cgroup (CLONE_INTO_CGROUP): "
                 "there is no moment at which it is not counted there.",
     .brief = "a child, born in the container's cgroup",
     .references = {"clone3(2), CLONE_INTO_CGROUP", "runc 1.4: libcontainer/process_linux.go",
                    "crun: src/libcrun/linux.c, libcrun_join_process()"}},
    {.name = "setup-child",
     .phase = Bootstrap,
     .on = On::Fork,
     .who = kRuntime,
     .when =
         [](const Moment& m) {
           return !clone_flag(m, kVfork) && (verb(m, "create") || verb(m, "run") || verb(m, "exec"));
         },
     .sentence = "{runtime} makes a child (pid {child}).",
     .brief = "a child",
     .references = {"clone(2)"}},
    {.name = "stage-end",
     .phase = Bootstrap,
     .on = On::Exit,
     .who = kStage0 | kStage1 | kSetup,
     .when = [](const Moment& m) { return m.process.ended && !m.process.ended->code && !m.process.ended->signal; },
     .sentence = "An earlier stage has done its part, and ends.",
     .brief = "it has done its part",
     .references = {"runc: libcontainer/nsenter/nsexec.c, nsexec()"},
     .fold = true},
    {.name = "stage-fails",
     .phase = Bootstrap,
     .on = On::Exit,
     .who = kStages | kSetup,
     .sentence = "The process that sets the container up ended {ending}, before it has begun the container's program: "
                 "the set-up has failed{cause}.",
     .brief = "the set-up has failed",
     .references = {}},

    // --- cgroup ---
    {.name = "cgroup-folders",
     .phase = Cgroup,
     .who = kRuntime | kSetup | kStages | kManager,
     .call = "mkdirat|mkdir",
     .args = {"", "/sys/fs/cgroup/*"},
     .sentence = "{runtime} makes the container's cgroups ({each}): the kernel counts and limits there what all of "
                 "the container's processes use together.",
     .brief = "a cgroup for the container",
     .references = {"cgroups(7)", "OCI runtime-spec: config-linux.md, cgroupsPath"},
     .each = "{hierarchy}"},
    {.name = "cgroup-enter",
     .phase = Cgroup,
     .on = On::Cgroup,
     .who = kBuilders | kRuntime,
     .sentence =
         "It is put into the cgroup {cgroup}: what it uses, and what all uses that it starts from now on, is counted "
         "and limited there.",
     .brief = "enters the container's cgroup",
     .references = {"cgroups(7)", "runc: libcontainer/process_linux.go, start()"},
     .fold = true},
};

}  // namespace

std::span<const Rule> rules_begin() {
  return kRules;
}

}  // namespace nstrace::story
