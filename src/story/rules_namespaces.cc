// SPDX-License-Identifier: MIT
// What is known about namespaces and id maps: who makes, joins or only visits one, and the calls that look as if they
// did but do not.
#include <algorithm>

#include "story/rule.h"

namespace nstrace::story {
namespace {

using enum Phase;
using trace::Ns;

bool changed(const Moment& m, Ns ns) {
  return m.ns_before[ns] != m.event.who.ns[ns];
}
bool target(const Moment& m, std::string_view type) {
  return !m.call().args.empty() && m.call().args[0].target.starts_with(type);
}
bool entering(const Moment& m) {
  return m.actor.verb == "exec";
}
bool known(const Moment& m) {
  return m.event.who.ns[Ns::Mnt] && m.ns_before[Ns::Mnt];
}
bool helper_thread(const Moment& m) {
  return !m.leader();
}

const Rule kRules[] = {
    // --- calls that change no namespace ---
    {.name = "empty-unshare-exec",
     .phase = Namespaces,
     .who = kStage1,
     .call = "unshare",
     .args = {"0"},
     .when = entering,
     .sentence = "Nothing happens here: unshare(0) asks for no new namespace. Stage 1 always calls \"unshare the "
                 "remaining namespaces\"; `exec` joins all and makes none, so nothing remains, and the set is empty.",
     .brief = "no effect: exec makes no namespaces, so the set is empty",
     .references = {"runc: libcontainer/nsenter/nsexec.c, nsexec(), try_unshare(config.cloneflags, ...)",
                    "runc: libcontainer/container_linux.go, newSetnsProcess(): flags 0",
                    "kernel: kernel/fork.c, ksys_unshare()"}},
    {.name = "empty-unshare",
     .phase = Namespaces,
     .call = "unshare",
     .args = {"0"},
     .sentence = "Nothing happens here: unshare(0) asks for no new namespace. runc makes this call whatever remains to "
                 "be unshared, here nothing.",
     .brief = "no effect: nothing is to be unshared",
     .references = {"runc: libcontainer/nsenter/nsexec.c, nsexec()", "kernel: kernel/fork.c, ksys_unshare()"}},
    {.name = "mount-helper-prepares",
     .phase = Root,
     .who = kRuntime,
     .call = "unshare",
     .args = {"CLONE_FS"},
     .when = helper_thread,
     .sentence =
         "A helper thread of {runtime} stops sharing its working directory with the other threads. No namespace "
         "is made: the kernel only demands this before a thread may enter another mount namespace.",
     .brief = "a helper thread gets ready to visit a mount namespace",
     .references = {"setns(2), EINVAL", "runc 1.2: libcontainer/process_linux.go, goCreateMountSources()"}},
    {.name = "mount-helper-visits",
     .phase = Root,
     .who = kRuntime,
     .call = "setns",
     .when = [](const Moment& m) { return helper_thread(m) && changed(m, Ns::Mnt); },
     .sentence = "That one thread of {runtime} enters {whose}'s mount namespace, and nobody else does: it opens there, "
                 "with the host's rights, what shall be bind-mounted, and hands it to the container. This is no entry "
                 "into the container.",
     .brief = "a helper thread visits the mount namespace; nobody enters the container",
     .references = {"runc 1.2: libcontainer/process_linux.go, goCreateMountSources()", "setns(2)"}},
    {.name = "own-fs",
     .phase = Namespaces,
     .who = kBuilders | kRuntime | kHook,
     .call = "unshare",
     .args = {"CLONE_FS|CLONE_FILES"},
     .when = [](const Moment& m) { return m.event.who.ns == m.ns_before; },
     .sentence = "It stops sharing its working directory or its descriptors with other threads; no namespace is made.",
     .brief = "no namespace is made",
     .references = {"unshare(2)"}},
    {.name = "daemon-stays",
     .phase = Namespaces,
     .who = kManager | kShim | kOther,
     .call = "setns",
     .when = [](const Moment& m) { return helper_thread(m) && m.event.who.ns == m.ns_before; },
     .sentence =
         "Single threads of {comm} call setns for a namespace that they are in already ({count} calls): nothing "
         "changes by that. It makes sure that they are back where they came from.",
     .brief = "no effect: the thread is in this namespace already",
     .references = {"setns(2)", "moby: daemon/libnetwork/osl/namespace_linux.go"},
     .fold = true},
    {.name = "daemon-visits",
     .phase = Namespaces,
     .who = kManager | kShim | kOther,
     .call = "setns",
     .when = helper_thread,
     .sentence = "Single threads of {comm} visit network or other namespaces, to set something up in them, and come "
                 "back ({count} calls). The daemon itself does not move.",
     .brief = "one thread of the daemon visits a namespace",
     .references = {"setns(2)", "moby: daemon/libnetwork/osl/namespace_linux.go"},
     .fold = true},
    {.name = "hook-visits",
     .phase = Hooks,
     .who = kHook,
     .call = "setns",
     .when = [](const Moment& m) { return changed(m, Ns::Net); },
     .sentence = "The hook enters {whose}'s network namespace, to set its network up from within.",
     .brief = "the hook visits the network namespace",
     .references = {"setns(2)", "network_namespaces(7)"},
     .fold = true},

    // --- made ---
    {.name = "unshare-user",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "unshare",
     .when = [](const Moment& m) { return changed(m, Ns::User) && !changed(m, Ns::Mnt); },
     .sentence = "It makes a user namespace, in which it may have all rights while it has none outside. This comes "
                 "first, since a namespace belongs to the user namespace in which it is made.",
     .brief = "a new user namespace",
     .references = {"user_namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "unshare-cgroup",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "unshare",
     .args = {"CLONE_NEWCGROUP"},
     .sentence = "It makes a cgroup namespace. This must wait until it is in its cgroup: the cgroup that it is in now "
                 "is what it will see as the root of all cgroups.",
     .brief = "a new cgroup namespace",
     .references = {"cgroup_namespaces(7)"}},
    {.name = "unshare-with-pid",
     .phase = Namespaces,
     .who = kStage1,
     .call = "unshare",
     .when = [](const Moment& m) { return changed(m, Ns::PidForChildren) && changed(m, Ns::Mnt); },
     .sentence = "Here the container's own view of the machine begins: in one call stage 1 gets new namespaces "
                 "({new}). The PID namespace counts only for children that it makes from now on; the others hold at "
                 "once.",
     .brief = "new namespaces: {new}",
     .references = {"unshare(2)", "namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"}},
    {.name = "unshare-pid",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "unshare",
     .args = {"CLONE_NEWPID"},
     .sentence = "It prepares a PID namespace for its children; the process itself keeps its number and its place.",
     .brief = "a new PID namespace for its children",
     .references = {"pid_namespaces(7)"}},
    {.name = "unshare-one",
     .phase = Namespaces,
     .who = kStage2,
     .call = "unshare",
     .when = [](const Moment& m) { return !(m.event.who.ns == m.ns_before); },
     .sentence = "It makes the container's namespaces, with a call for each: {each}.",
     .brief = "a new namespace: {each}",
     .references = {"unshare(2)", "youki: crates/libcontainer/src/namespaces.rs, unshare_or_setns()"},
     .each = "{new}"},
    {.name = "unshare-new",
     .phase = Namespaces,
     .call = "unshare",
     .when = [](const Moment& m) { return !(m.event.who.ns == m.ns_before); },
     .sentence = "{comm} gets new namespaces: {new}.",
     .brief = "new namespaces: {new}",
     .references = {"unshare(2)", "namespaces(7)"}},
    {.name = "unshare-told-by-flags",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "unshare",
     .args = {"*CLONE_NEW*"},
     .when = [](const Moment& m) { return !m.event.who.ns[Ns::Mnt] && !m.event.who.ns[Ns::Pid]; },
     .sentence =
         "Here the container's own view of the machine begins: it gets new namespaces ({arg0}). A PID namespace "
         "counts only for children that it makes from now on; the others hold at once.",
     .brief = "new namespaces",
     .references = {"unshare(2)", "namespaces(7)"}},
    {.name = "tree-namespace",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "open_tree",
     .args = {"", "", "*OPEN_TREE_NAMESPACE*"},
     .sentence = "It makes a new mount namespace that holds nothing but the container's root file system: whoever "
                 "enters it is at home at once, and no pivot_root is needed.",
     .brief = "a mount namespace made of the root file system alone",
     .references = {"open_tree(2)", "crun: src/libcrun/linux.c"}},

    // --- joined ---
    {.name = "setns-pidfd",
     .phase = Namespaces,
     .who = kBuilders | kRuntime,
     .call = "setns",
     .args = {"", "*CLONE_NEW*CLONE_NEW*"},
     .sentence = "It enters all of {whose}'s namespaces with one call, by a descriptor of the container's first "
                 "process: {new}. The PID namespace counts only for children.",
     .brief = "enters all namespaces at once",
     .references = {"setns(2), pidfd", "crun: src/libcrun/linux.c, libcrun_join_process()"}},
    {.name = "setns-tool",
     .phase = Namespaces,
     .who = kSetup,
     .call = "setns",
     .when = [](const Moment& m) { return m.actor.runtime == "nsenter" || m.actor.runtime == "ip netns"; },
     .sentence =
         "It enters namespaces that are there, one after the other: {each}. Of these a PID namespace counts just "
         "for children that it makes later.",
     .brief = "enters namespaces: {each}",
     .references = {"setns(2)", "nsenter(1), ip-netns(8)"},
     .each = "{target}"},
    {.name = "setns-enter",
     .phase = Namespaces,
     .who = kStages | kSetup | kRuntime,
     .call = "setns",
     .when = entering,
     .sentence = "It enters {whose}'s namespaces, one after the other: {each}. From here on it sees what the container "
                 "sees; only the PID namespace counts just for children that it makes later.",
     .brief = "enters {container}: {each}",
     .references = {"setns(2)", "runc: libcontainer/nsenter/nsexec.c, join_namespaces()"},
     .each = "{target}"},
    {.name = "setns-user",
     .phase = Namespaces,
     .who = kBuilders,
     .call = "setns",
     .when = [](const Moment& m) { return target(m, "user:") && !m.actor.verb.empty(); },
     .sentence = "It joins a user namespace that is there already, as the container's configuration says.",
     .brief = "joins a user namespace",
     .references = {"setns(2)", "user_namespaces(7)"}},
    {.name = "setns-own",
     .phase = Namespaces,
     .who = kStages | kSetup | kRuntime | kBoxed | kSandbox,
     .call = "setns",
     .when = [](const Moment& m) { return m.event.who.ns == m.ns_before && known(m); },
     .sentence = "It is told to join namespaces in which it is already ({each}): nothing changes. So a container is "
                 "made that shares them with whoever started it, mostly the host.",
     .brief = "no effect: it is in there already: {each}",
     .references = {"OCI runtime-spec: config-linux.md, namespaces[].path", "setns(2)"},
     .each = "{target}"},
    {.name = "setns-pod",
     .phase = Namespaces,
     .who = kBuilders | kRuntime,
     .call = "setns",
     .sentence =
         "It joins namespaces that are there already ({each}), and so will live there together with others: the "
         "containers of a pod share some in this way.",
     .brief = "joins namespaces of others: {each}",
     .references = {"OCI runtime-spec: config-linux.md, namespaces[].path", "setns(2)"},
     .each = "{target}"},

    // --- id maps ---
    {.name = "newidmap",
     .phase = IdMaps,
     .on = On::Exec,
     .when =
         [](const Moment& m) {
           const auto* exec = m.event.as<trace::Exec>();
           return glob("*newuidmap|*newgidmap", exec->path);
         },
     .sentence = "{name} writes which ids of the host the ids in the user namespace are. It is a program with more "
                 "rights than its caller, who may only map what /etc/subuid and /etc/subgid grant.",
     .brief = "which users of the host the container's are",
     .references = {"newuidmap(1)", "user_namespaces(7)"}},
    {.name = "become-root-inside",
     .phase = IdMaps,
     .who = kStage0 | kStage1 | kSetup,
     .call = "setresuid|setresgid",
     .args = {"0", "0", "0"},
     // With no root file system of its own yet, this is not the program's user; who enters a container makes none.
     .when =
         [](const Moment& m) {
           if (m.actor.part == kSetup && entering(m)) return false;
           return std::ranges::none_of(m.process.marks, [](const model::Mark& mark) { return mark.call == "mount"; });
         },
     .sentence = "It becomes user 0 of the user namespace, now that ids are mapped.",
     .brief = "becomes root of the user namespace",
     .references = {"user_namespaces(7)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"},
     .fold = true},
};

}  // namespace

std::span<const Rule> rules_namespaces() {
  return kRules;
}

}  // namespace nstrace::story
