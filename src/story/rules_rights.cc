// SPDX-License-Identifier: MIT
// What is known about giving up rights, between the change of the root and the user's program.
#include "story/rule.h"

namespace nstrace::story {
namespace {

using enum Phase;

// A copy of the runtime beside the process that will be the container's program: it will execute a hook.
bool becomes_hook(const Moment& m) {
  const model::Container* container = container_of(m);
  return m.actor.part == kSetup && m.actor.verb != "exec" && container && container->init &&
         *container->init != m.process.id;
}

const Rule kRules[] = {
    {.name = "keyring-joined",
     .phase = Security,
     .who = kBuilders | kRuntime,
     .call = "keyctl",
     .args = {"KEYCTL_JOIN_SESSION_KEYRING"},
     .when = [](const Moment& m) { return m.actor.verb == "exec"; },
     .sentence = "It leaves the keyring of whoever started it for the container's, so that keys which the kernel holds "
                 "for people on the host are not inherited.",
     .brief = "the container's key store, not its caller's",
     .references = {"keyctl(2)", "session-keyring(7)", "runc: libcontainer/setns_init_linux.go"}},
    {.name = "keyring",
     .phase = Security,
     .who = kBuilders | kRuntime,
     .call = "keyctl",
     .args = {"KEYCTL_JOIN_SESSION_KEYRING"},
     .sentence = "It takes a new, empty keyring, so that the container does not inherit keys that the kernel holds for "
                 "whoever started it.",
     .brief = "an empty key store, not its caller's",
     .references = {"keyctl(2)", "session-keyring(7)", "runc: libcontainer/standard_init_linux.go"}},
    {.name = "session",
     .phase = Bootstrap,
     .who = kStage2 | kSetup,
     .call = "setsid",
     .sentence = "It begins a session of its own, so that signals of the terminal from which it was started do not "
                 "reach it.",
     .brief = "the caller's Ctrl-C does not reach it",
     .references = {"setsid(2)"}},
    {.name = "root-for-now",
     .phase = Bootstrap,
     .who = kStage2,
     .call = "setuid|setgid",
     .args = {"0"},
     .when = [](const Moment& m) { return m.process.threads_made == 0 && m.process.marks.empty(); },
     .once = true,
     .sentence = "It becomes user and group 0 for the set-up; the user that the program shall run as comes later.",
     .brief = "acts as user 0 while it sets up",
     .references = {"runc: libcontainer/nsenter/nsexec.c, nsexec()"},
     .fold = true},
    {.name = "bounding-set",
     .phase = Security,
     .who = kBuilders,
     .call = "prctl",
     .args = {"PR_CAPBSET_DROP"},
     .sentence = "It gives up capabilities for good: not even a set-user-id program can get these back in this "
                 "container ({each}).",
     .brief = "gives up for good: {each}",
     .references = {"capabilities(7), Capability bounding set", "OCI runtime-spec: config.md, process.capabilities"},
     .each = "{arg1}"},
    {.name = "ambient",
     .phase = Security,
     .who = kBuilders,
     .call = "prctl",
     .args = {"PR_CAP_AMBIENT"},
     .sentence =
         "It settles which capabilities a program keeps that has no file capabilities (ambient): each is raised or "
         "lowered, or all are cleared.",
     .brief = "which rights a plain program keeps",
     .references = {"capabilities(7), Ambient"},
     .fold = true},
    {.name = "keep-capabilities",
     .phase = Security,
     .who = kBuilders,
     .call = "prctl",
     .args = {"PR_SET_KEEPCAPS", "1"},
     .sentence =
         "It asks to keep its capabilities while it changes its user: from one who is no longer user 0 the kernel "
         "would take them all, before the chosen ones can be set.",
     .brief = "capabilities stay while the user changes",
     .references = {"prctl(2), PR_SET_KEEPCAPS", "runc: libcontainer/init_linux.go, finalizeNamespace()"}},
    {.name = "no-groups",
     .phase = Security,
     .who = kStage2 | kSetup | kStage1,
     .call = "setgroups",
     .args = {"0"},
     .sentence = "It leaves all groups that it was a member of by whoever started it.",
     .brief = "leaves the groups of whoever started it",
     .references = {"setgroups(2)"}},
    {.name = "user",
     .phase = Security,
     .who = kStage2 | kSetup | kBoxed | kSandbox,
     .call = "setgroups|setgid|setuid|setresgid|setresuid",
     .sentence = "It takes the user and groups of the program: supplementary groups first, then the group, the user "
                 "last, since after that it would no longer have the right to change the others.",
     .brief = "the program's user and groups",
     .references = {"setgroups(2), setuid(2)", "OCI runtime-spec: config.md, process.user",
                    "runc: libcontainer/init_linux.go, setupUser()"},
     .fold = true},
    {.name = "capabilities",
     .phase = Security,
     .who = kBuilders,
     .call = "capset",
     .sentence = "It sets the capabilities that the program shall have; all others of root's powers are gone.",
     .brief = "only the chosen capabilities stay",
     .references = {"capset(2), capabilities(7)", "OCI runtime-spec: config.md, process.capabilities"},
     .fold = true},
    {.name = "no-new-privileges",
     .phase = Security,
     .who = kBuilders,
     .call = "prctl",
     .args = {"PR_SET_NO_NEW_PRIVS", "1"},
     .sentence = "From here on no program that it executes can get more rights than it has (no_new_privs): set-user-id "
                 "programs run without their extra rights. This cannot be undone.",
     .brief = "no program can get more rights",
     .references = {"prctl(2), PR_SET_NO_NEW_PRIVS", "OCI runtime-spec: config.md, process.noNewPrivileges"}},
    {.name = "seccomp",
     .phase = Security,
     .who = kBuilders,
     .call = "seccomp",
     .args = {"SECCOMP_SET_MODE_FILTER"},
     .sentence = "It installs the filter that decides, for every system call from here on, whether the kernel carries "
                 "it out (seccomp).",
     .brief = "a filter for all further system calls",
     .references = {"seccomp(2)", "OCI runtime-spec: config-linux.md, seccomp"}},
    {.name = "seccomp-prctl",
     .phase = Security,
     .who = kBuilders,
     .call = "prctl",
     .args = {"PR_SET_SECCOMP", "SECCOMP_MODE_FILTER"},
     .sentence = "It installs the filter that decides, for every system call from here on, whether the kernel carries "
                 "it out (seccomp). Who has not set no_new_privs needs a capability for this, and so must do it before "
                 "giving them up.",
     .brief = "a filter for all further system calls",
     .references = {"seccomp(2)", "runc: libcontainer/standard_init_linux.go, setns_init_linux.go",
                    "OCI runtime-spec: config-linux.md, seccomp"}},
    {.name = "close-before-child",
     .phase = Bootstrap,
     .who = kRuntime,
     .call = "close_range",
     .sentence = "{runtime} sees to it that nothing of what it has open leaks into the child that will become the "
                 "container: a folder of the host left open would be a way out.",
     .brief = "nothing that is open leaks into its child",
     .references = {"close_range(2), CLOSE_RANGE_CLOEXEC", "CVE-2024-21626"},
     .fold = true},
    {.name = "close-range",
     .phase = Security,
     .who = kBuilders,
     .call = "close_range",
     .when = [](const Moment& m) { return !becomes_hook(m); },
     .sentence = "All descriptors beyond those that the program shall have are closed, or will be when it begins: a "
                 "folder of the host left open would be a way out of the container.",
     .brief = "no descriptor of the host's is left to the container",
     .references = {"close_range(2)", "CVE-2024-21626"},
     .fold = true},
};

}  // namespace

std::span<const Rule> rules_rights() {
  return kRules;
}

}  // namespace nstrace::story
