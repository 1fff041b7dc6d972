// SPDX-License-Identifier: MIT
// Every construct of the language, with a rule that holds on the scene of check_poor_test.cc and one that does not.
// `covers` names what of the grammar in LANGUAGE.md they are about, as PRODUCTION/TERMINAL; what stands behind `+` is
// a variety that the grammar does not tell apart.
#pragma once

#include <string_view>

namespace nstrace::testing {

struct Construct {
  std::string_view covers;
  std::string_view holds;
  std::string_view fails;
  bool untold = false;  // no trace tells it
};

// clang-format off: a table
inline constexpr Construct kConstructs[] = {
    // --- lines and roles ---
    {"line/include", "include \"more.expect\"\nnever more: chroot(...)", "include \"more.expect\"\nnever more: pivot_root(...)"},
    {"role/role role/= clause/exec", "role x = exec \"*/sleep\"\nnever x: chroot(...)", "role x = exec \"*/sleep\"\nnever x: pivot_root(...)"},
    {"role/optional", "role x = optional comm \"runc:[2:INIT]\"\nnever x: chroot(...)", "role x = optional comm \"runc:[2:INIT]\"\nnever x: umount2(...)"},
    {"role/each", "role x = each exec \"*/runc\"\nnever x: chroot(...)", "role x = each exec \"*/runc\"\nsequence { x: execve(_, [..., \"start\", ...]) }"},
    {"role/any", "role x = any exec \"*/runc\"\nsequence { x: execve(_, [..., \"create\", ...]) }", "role x = any exec \"*/runc\"\nsequence { x: execve(_, [..., \"delete\", ...]) }"},
    {"role/first", "role x = first exec \"*/runc\"\nsequence { x: execve(_, [..., \"create\", ...]) }", "role x = first exec \"*/runc\"\nsequence { x: execve(_, [..., \"start\", ...]) }"},
    {"role/last", "role x = last exec \"*/runc\"\nsequence { x: execve(_, [..., \"start\", ...]) }", "role x = last exec \"*/runc\"\nsequence { x: execve(_, [..., \"create\", ...]) }"},
    {"clause/with", "role x = exec \"*/runc\" with \"start\"\ncount x == 1", "role x = exec \"*/runc\" with \"start\"\ncount x == 2"},
    {"clause/without", "role x = exec \"*/runc\" without \"start\"\nsequence { x: execve(_, [..., \"create\", ...]) }", "role x = exec \"*/runc\" without \"start\"\nsequence { x: execve(_, [..., \"start\", ...]) }"},
    {"clause/comm", "role x = comm \"runc:[2:*\"\nnever x: chroot(...)", "role x = comm \"runc:[2:*\"\nnever x: umount2(...)"},
    {"clause/pid", "role x = pid 1 below runc\nsequence { x: pivot_root(...) }", "role x = pid 1 below runc\nsequence { x: chroot(...) }"},
    {"clause/below", "role x = comm \"*\" below stage\nnever x: chroot(...)", "role x = comm \"*INIT*\" below stage\nnever x: umount2(...)"},
    {"+nobody", "count gone == 0", "role x = exec \"*/nobody\"\nnever x: mount(...)"},

    // --- sequences ---
    {"sequence/sequence", "sequence { init: pivot_root(\".\", \".\") = 0\n init: umount2(\".\", MNT_DETACH) = 0 }", "sequence { init: umount2(\".\", MNT_DETACH)\n init: pivot_root(...) }"},
    {"+roles", "sequence { child: unshare(...) = 0\n init: pivot_root(...) }", "sequence { init: pivot_root(...)\n child: unshare(...) = 0 }"},
    {"+execs", "sequence { runc: execve(\"*/runc\", ...) = 0\n init: execve(\"*/sleep\", ...) = 0 }", "sequence { runc: execve(\"*/runc\", ...) = 0\n init: execve(\"*/evil\", ...) = 0 }"},
    {"sequence/within TIME/s", "sequence within 1s { child: unshare(...)\n init: pivot_root(...) }", "sequence within 0s { child: unshare(...)\n init: pivot_root(...) }"},
    {"sequence/any", "sequence { any { init: sethostname(...)\n init: umount2(...) } }", "sequence { any { init: sethostname(...)\n init: chroot(...) } }"},
    {"+captures", "sequence { any { shim: execve(_, [..., $id, ...])\n runc: execve(_, [..., $id]) }\n init: execve(...) }", "sequence { any { init: sethostname($name, _)\n runc: execve(_, [..., $name]) } }"},
    {"item/next", "sequence { init: pivot_root(...)\n next init: fchdir(...) }", "sequence { init: pivot_root(...)\n next init: umount2(...) }"},
    {"item/within TIME/ms", "sequence { child: unshare(...)\n init: pivot_root(...) within 900ms }", "sequence { child: unshare(...)\n init: pivot_root(...) within 1ms }"},
    {"TIME/us", "sequence { child: unshare(...)\n init: pivot_root(...) within 900000us }", "sequence { child: unshare(...)\n init: pivot_root(...) within 9us }"},
    {"TIME/ns", "sequence { child: unshare(...)\n init: pivot_root(...) within 900000000ns }", "sequence { child: unshare(...)\n init: pivot_root(...) within 9ns }"},
    {"TIME/min", "sequence { child: unshare(...)\n init: pivot_root(...) within 9min }", "sequence { child: unshare(...)\n init: pivot_root(...) within 0min }"},

    // --- never ---
    {"never/never", "never init: setns(...)", "never init: umount2(...)"},
    {"+failures", "never child: unshare(...) = -1", "never init: mount(...) = -1"},
    {"+execs", "never init: execve(\"*/evil\", ...) = 0", "never init: execve(\"*/sleep\", ...) = 0"},
    {"span/before", "never init: sethostname(...) before pivot_root(...)", "never init: mount(...) before pivot_root(...)"},
    {"span/after", "never init: setns(...) after pivot_root(...)", "never init: sethostname(...) after pivot_root(...)"},
    {"span/between span/and", "never init: chroot(...) between pivot_root(...) and execve(\"*/sleep\", ...)", "never init: umount2(...) between pivot_root(...) and execve(\"*/sleep\", ...)"},
    {"+nowhere", "never init: setns(...) after sethostname(...)", "never init: setns(...) after chroot(...)"},
    {"anchor/first", "never init: pivot_root(...) before first mount(...)", "never init: sethostname(...) after first mount(...)"},
    {"anchor/last", "never init: pivot_root(...) after last umount2(...)", "never init: pivot_root(...) before last umount2(...)"},
    {"+another's", "never init: pivot_root(...) before child: unshare(...)", "never init: pivot_root(...) after child: unshare(...)"},

    // --- count ---
    {"count/count bound/==", "count child: unshare(...) == 1", "count child: unshare(...) == 2"},
    {"bound/!=", "count child: unshare(...) != 2", "count child: unshare(...) != 1"},
    {"bound/<=", "count init: mount(...) <= 20", "count init: mount(...) <= 3"},
    {"bound/<", "count init: mount(...) < 20", "count init: mount(...) < 3"},
    {"bound/>=", "count init: mount(...) >= 9", "count init: mount(...) >= 99"},
    {"bound/>", "count init: mount(...) > 8", "count init: mount(...) > 98"},
    {"bound/..", "count init: mount(...) 3..20", "count init: mount(...) 0..3"},
    {"bound/in", "count init: mount(...) in 3..20", "count init: mount(...) in 20..30"},
    {"+span", "count init: mount(...) >= 3 after pivot_root(...)", "count init: umount2(...) == 0 after pivot_root(...)"},
    {"+processes", "count child == 1", "count child == 3"},

    // --- at ---
    {"at/at state/ns state/new NS/net", "at init: execve(\"*/sleep\", ...) { ns net: new }", "at runc: execve(\"*/runc\", ...) { ns net: new }"},
    {"at/each", "at init: each umount2(...) { comm: \"runc:*\" }", "at init: each umount2(...) { comm: \"x\" }"},
    {"at/first", "at init: first mount(...) { pid: 1 }", "at init: first mount(...) { pid: 2 }"},
    {"at/last", "at init: last execve(...) { comm: \"sleep\" }", "at init: last execve(...) { comm: \"runc\" }"},
    {"at/any", "at init: any mount(...) { comm: \"runc:*\" }", "at init: any mount(...) { comm: \"x\" }"},
    {"+nowhere", "at init: pivot_root(...) { pid: 1 }", "at init: chroot(...) { pid: 1 }"},
    {"state/host", "at init: execve(\"*/sleep\", ...) { ns user, time: host }", "at init: execve(\"*/sleep\", ...) { ns user, net: host }"},
    {"state/not", "at init: execve(\"*/sleep\", ...) { ns net: not host }", "at init: execve(\"*/sleep\", ...) { ns user: not host }"},
    {"state/same state/as", "at init: execve(\"*/sleep\", ...) { ns net: same as child }", "at init: execve(\"*/sleep\", ...) { ns net: same as runc }"},
    {"state/joined state/from", "at init: execve(\"*/sleep\", ...) { ns net: not joined from shim }", "at init: execve(\"*/sleep\", ...) { ns net: joined from shim }"},
    {"state/comm", "at init: execve(\"*/sleep\", ...) { comm: \"sleep\" }", "at init: execve(\"*/sleep\", ...) { comm: \"sh\" }"},
    {"state/exe", "at init: pivot_root(...) { exe: \"/dev/fd/*\" }", "at init: pivot_root(...) { exe: \"/bin/sh\" }"},
    {"state/pid", "at init: execve(\"*/sleep\", ...) { pid: 1 }", "at init: execve(\"*/sleep\", ...) { pid: 2 }"},
    {"state/cgroup", "at init: execve(\"*/sleep\", ...) { cgroup: \"/docker/*\" }", "at init: execve(\"*/sleep\", ...) { cgroup: \"/\" }"},
    {"state/uid", "at init: execve(\"*/sleep\", ...) { uid: 1000 }", "at init: execve(\"*/sleep\", ...) { uid: 0 }"},
    {"state/gid", "at init: execve(\"*/sleep\", ...) { gid: 100 }", "at init: execve(\"*/sleep\", ...) { gid: 0 }"},
    {"state/groups", "at init: execve(\"*/sleep\", ...) { groups: [100] }", "at init: execve(\"*/sleep\", ...) { groups: [0] }"},
    {"state/caps", "at init: execve(\"*/sleep\", ...) { caps: !CAP_SYS_ADMIN }", "at init: execve(\"*/sleep\", ...) { caps: {inheritable=CAP_CHOWN, ...} }"},
    {"state/no_new_privs", "at init: execve(\"*/sleep\", ...) { no_new_privs: 1 }", "at init: execve(\"*/sleep\", ...) { no_new_privs: 0 }"},
    {"state/seccomp", "at init: execve(\"*/sleep\", ...) { seccomp: \"filter\" }", "at init: execve(\"*/sleep\", ...) { seccomp: \"none\" }"},
    {"state/cwd", "at init: execve(\"*/sleep\", ...) { cwd: \"/home\" }", "at init: execve(\"*/sleep\", ...) { cwd: \"/\" }"},
    {"state/root", "at init: execve(\"*/sleep\", ...) { root: \"/\" }", "at init: execve(\"*/sleep\", ...) { root: \"/x\" }"},
    {"state/fds", "at init: execve(\"*/sleep\", ...) { fds: [0, 1, 2] }", "at init: execve(\"*/sleep\", ...) { fds: [..., 3..99, ...] }"},
    {"NS/mnt", "at init: execve(\"*/sleep\", ...) { ns mnt: new }", "at init: execve(\"*/sleep\", ...) { ns mnt: host }"},
    {"NS/uts", "at init: execve(\"*/sleep\", ...) { ns uts: new }", "at init: execve(\"*/sleep\", ...) { ns uts: host }"},
    {"NS/ipc", "at init: execve(\"*/sleep\", ...) { ns ipc: new }", "at init: execve(\"*/sleep\", ...) { ns ipc: host }"},
    {"NS/pid", "at init: execve(\"*/sleep\", ...) { ns pid: new }", "at init: execve(\"*/sleep\", ...) { ns pid: host }"},
    {"NS/user", "at init: execve(\"*/sleep\", ...) { ns user: host }", "at init: execve(\"*/sleep\", ...) { ns user: new }"},
    {"NS/cgroup", "at init: execve(\"*/sleep\", ...) { ns cgroup: host }", "at init: execve(\"*/sleep\", ...) { ns cgroup: new }"},
    {"NS/time", "at init: execve(\"*/sleep\", ...) { ns time: host }", "at init: execve(\"*/sleep\", ...) { ns time: new }"},
    {"NS/pid_for_children", "at init: execve(\"*/sleep\", ...) { ns pid_for_children: new }", "at init: execve(\"*/sleep\", ...) { ns pid_for_children: host }"},
    {"NS/time_for_children", "at init: execve(\"*/sleep\", ...) { ns time_for_children: host }", "at init: execve(\"*/sleep\", ...) { ns time_for_children: new }"},
    {"NS/all", "at runc: execve(\"*/runc\", ...) { ns all: host }", "at init: execve(\"*/sleep\", ...) { ns all: new }"},

    // --- calls ---
    {"call/=", "sequence { init: pivot_root(...) = 0 }", "sequence { init: pivot_root(...) = 1 }"},
    {"names/|", "never init: setns|chroot(...)", "never init: setns|umount2(...)"},
    {"+star", "never init: pivot_r*(\"x\", ...)", "never init: pivot_r*(...)"},
    {"+set", "never child: %mount(...)", "never init: %mount(...)"},
    {"+exec", "never init: exec(\"*/evil\", ...) = 0", "never init: exec(\"*/sleep\", ...) = 0"},
    {"arg/=", "sequence { child: clone(flags=CLONE_PARENT|SIGCHLD, ...) }", "sequence { child: clone(flags=SIGCHLD, ...) }"},
    {"arg/...", "sequence { init: sethostname(...) }", "sequence { init: sethostname(\"x\", ...) }"},
    {"value/or", "sequence { init: pivot_root(\".\" or \"/\", _) }", "sequence { init: pivot_root(\"x\" or \"/\", _) }"},
    {"one/_", "sequence { init: pivot_root(_, _) }", "sequence { init: pivot_root(_, \"x\") }"},
    {"one/NULL", "sequence { init: mount(_, \"/\", NULL, _, _) }", "sequence { init: sethostname(NULL, _) }"},
    {"one/$", "sequence { shim: execve(_, [..., $id, ...])\n runc: execve(_, [..., $id]) }", "sequence { init: sethostname($name, _)\n init: mount($name, ...) }"},
    {"+in never", "sequence { runc: execve(_, [..., \"--bundle\", \"/*/$id\", ...]) }\nnever init: sethostname($id, _)", "sequence { init: sethostname($name, _) }\nnever init: sethostname($name, _)"},
    {"one/!", "sequence { init: pivot_root(!\"x\", _) }", "sequence { init: pivot_root(!\".\", _) }"},
    {"one/< one/>", "sequence { init: fchdir(_</old*>) }", "sequence { init: fchdir(_</new*>) }"},
    {"one/..", "sequence { init: fchdir(0..99</old*>) }", "sequence { init: fchdir(0..99</new*>) }"},
    {"number/..", "sequence { child: exited(0..3) }", "sequence { child: exited(1..3) }"},
    {"number/<", "sequence { child: exited(<1) }", "sequence { init: sethostname(_, <1) }"},
    {"number/<=", "sequence { child: exited(<=0) }", "sequence { init: sethostname(_, <=1) }"},
    {"number/>", "sequence { child: exited(>-1) }", "sequence { child: exited(>0) }"},
    {"number/>=", "sequence { child: exited(>=0) }", "sequence { child: exited(>=1) }"},
    {"flags/?", "sequence { child: unshare(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET|?CLONE_NEWUSER) }", "sequence { child: unshare(CLONE_NEWNS|?CLONE_NEWUTS) }"},
    {"flags/!", "sequence { child: unshare(!CLONE_NEWUSER) }", "sequence { child: unshare(!CLONE_NEW*) }"},
    {"flags/|", "sequence { init: mount(_, _, _, MS_REC|MS_SLAVE, _) }", "sequence { init: mount(_, _, _, MS_REC|MS_SHARED, _) }"},
    {"flags/...", "sequence { child: unshare(CLONE_NEWNS|...) }", "sequence { child: unshare(CLONE_NEWUSER|...) }"},
    {"list/[ list/] list/...", "sequence { init: execve(\"*/sleep\", [\"sleep\", ...]) }", "sequence { init: execve(\"*/sleep\", [\"sh\", ...]) }"},
    {"fields/{ fields/} fields/= fields/...", "sequence { init: capset(_, {inheritable=0, ...}) }", "sequence { init: capset(_, {inheritable=!0, ...}) }"},
    {"result/-1", "sequence { init: mount(_, \"/sys/firmware\", ...) = -1 ENOENT }", "sequence { init: pivot_root(...) = -1 }"},
    {"result/?", "sequence { runc: exit_group(0) = ? }", "sequence { init: pivot_root(...) = ? }"},
    {"+capture", "sequence { child: clone(...) = $pid\n child: exited(0) }", "sequence { child: clone(...) = $pid\n child: exited($pid) }"},
    {"+star in string", "sequence { init: mount(_, \"/proc/s*s\", ...) }", "sequence { init: mount(_, \"/procs/*\", ...) }"},
    {"+question in string", "sequence { init: mount(_, \"/proc/s?s\", ...) }", "sequence { init: mount(_, \"/proc/s??s\", ...) }"},
    {"+capture in string", "sequence { shim: execve(_, [..., \"-id\", $id, ...])\n runc: execve(_, [..., \"--bundle\", \"/*/$id\", ...]) }", "sequence { runc: execve(_, [..., \"--bundle\", \"/*/$id\", ...])\n init: sethostname(\"${id}x\", _) }"},

    // --- what happens without a call ---
    {"+exited", "sequence { child: exited(0) }", "sequence { child: exited(7) }"},
    {"+killed", "never child: killed(SIGKILL)", "sequence { child: killed(SIGKILL) }"},
    {"+renamed", "sequence { init: renamed(\"runc:[2:INIT]\") }", "sequence { init: renamed(\"runc:[3:INIT]\") }"},
    {"+moved", "sequence { stage: moved(\"/docker/*\") }", "never stage: moved(\"/docker/*\")"},
};
// clang-format on

}  // namespace nstrace::testing
