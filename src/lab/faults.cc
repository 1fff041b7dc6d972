// SPDX-License-Identifier: MIT
// A fault is a function that changes a stage of the sound plan: takes a step out, puts two in another order, or puts one
// in; and says whether the stage had a place for it. Each has its row in the table at the end.
#include "lab/faults.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>

#include "lab/rights.h"
#include "trace/error.h"

namespace nstrace::lab {
namespace {

using Steps = std::vector<Step>;

// The first step whose text begins so, from `from` on.
Steps::iterator find(Stage& stage, std::string_view text, Steps::iterator from) {
  return std::find_if(from, stage.steps.end(),
                      [&](const Step& step) { return step.call_text().compare(0, text.size(), text) == 0; });
}
Steps::iterator find(Stage& stage, std::string_view text) {
  return find(stage, text, stage.steps.begin());
}

bool skip(Stage& stage, std::string_view text) {
  const auto step = find(stage, text);
  if (step == stage.steps.end()) return false;
  stage.steps.erase(step);
  return true;
}

bool skip_all(Stage& stage, std::string_view text) {
  bool found = false;
  while (skip(stage, text)) found = true;
  return found;
}

// Takes the step `text` from its place and puts it before the step `before`, which stands earlier.
bool move_up(Stage& stage, std::string_view text, std::string_view before) {
  const auto to = find(stage, before);
  const auto from = find(stage, text);
  if (from == stage.steps.end() || to == stage.steps.end() || from < to) return false;
  std::rotate(to, from, from + 1);
  return true;
}

// A step made as any other, in a stage of its own, to be put somewhere else.
template <typename Make>
Steps made(Make make) {
  Stage scratch("", 0);
  make(scratch);
  return scratch.steps;
}

bool insert_before(Stage& stage, std::string_view before, const Steps& steps) {
  const auto at = find(stage, before);
  if (at == stage.steps.end()) return false;
  stage.steps.insert(at, steps.begin(), steps.end());
  return true;
}

bool no_umount(Stage& stage) {
  return skip(stage, "umount2(\".\", MNT_DETACH)");
}
bool no_setgroups(Stage& stage) {
  return skip(stage, "setgroups(");
}
bool user_before_group(Stage& stage) {
  return move_up(stage, "setuid(", "setgid(");
}
bool no_setsid(Stage& stage) {
  return skip(stage, "setsid(");
}
bool no_hostname(Stage& stage) {
  return skip(stage, "sethostname(");
}
bool writable_proc_sys(Stage& stage) {
  return skip_all(stage, "mount(\"/proc/sys\"");
}

// The descriptor's number is one that no other step gets.
bool leaked_descriptor(Stage& stage) {
  const auto root = find(stage, "openat(AT_FDCWD, \"/\", O_RDONLY|O_CLOEXEC|O_DIRECTORY)");
  if (root == stage.steps.end()) return false;
  const Steps leak = made([&](Stage& s) {
    s.call(CALL(fcntl), {number(root->expected), NAMED(F_DUPFD), number(10)});
    s.expect(10);
  });
  stage.steps.insert(root + 1, leak.begin(), leak.end());
  skip(stage, "close_range(3, ");
  return true;
}

// Without no_new_privs, a filter can only be set by who still has CAP_SYS_ADMIN.
bool no_new_privs_missing(Stage& stage) {
  const bool there = skip(stage, "prctl(PR_SET_NO_NEW_PRIVS");
  if (there) move_up(stage, "seccomp(", "prctl(PR_CAPBSET_DROP");
  return there;
}

bool early_filter(Stage& stage) {
  return move_up(stage, "seccomp(", "prctl(PR_SET_NO_NEW_PRIVS");
}
bool no_filter(Stage& stage) {
  return skip(stage, "seccomp(");
}

bool all_capabilities(Stage& stage) {
  return skip_all(stage, "prctl(PR_CAPBSET_DROP") && skip(stage, "capset(");
}

bool inheritable_capabilities(Stage& stage) {
  const auto step = find(stage, "capset(");
  if (step == stage.steps.end()) return false;
  *step = made([](Stage& s) { set_capabilities(s, kContainerCapabilities, kContainerCapabilities); })[0];
  return true;
}

bool unshare_nothing(Stage& stage) {
  return insert_before(stage, "unshare(CLONE_NEWNS", made([](Stage& s) { s.call(CALL(unshare), {number(0)}); }));
}

bool unshare_twice(Stage& stage) {
  const auto step = find(stage, "unshare(CLONE_NEWNS");
  if (step == stage.steps.end()) return false;
  const Steps again = made([](Stage& s) { s.call(CALL(unshare), {NAMED(CLONE_NEWIPC)}); });
  stage.steps.insert(step + 1, again.begin(), again.end());
  return true;
}

bool host_network(Stage& stage) {
  const auto step = find(stage, "unshare(CLONE_NEWNS");
  if (step == stage.steps.end()) return false;
  step->args = {
      NAMED(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID),
  };
  return true;
}

// The old root stays mounted, and reachable for who may chroot: out of a directory below the root, a second chroot
// leads back to it.
bool chroot_only(Stage& stage) {
  const auto pivot = find(stage, "pivot_root(");
  if (pivot == stage.steps.end()) return false;
  const Steps instead = made([](Stage& s) { s.call(CALL(chroot), {text(".")}); });
  *pivot = instead[0];
  // What dealt with the old root goes: fchdir to it, its propagation, its umount.
  const auto end = find(stage, "chdir(\"/\")", pivot);
  stage.steps.erase(pivot + 1, end);
  return true;
}

bool failing_mount(Stage& stage) {
  return insert_before(stage, "mount(\"mqueue\"",
                       made([](Stage& s) { s.mount("nothing", "dev/mqueue", "no-such-file-system", NAMED(0)); }));
}

constexpr std::string_view kWithout = "without ";

// Whether the host is safe without the step: namespaces are made, mounts of the host's are cut off, and what is written
// lies in the container's own file system.
bool may_be_left_out(const Step& step) {
  static constexpr std::string_view kCalls[] = {
      "mkdirat", "symlinkat", "mknodat", "fchmodat", "umount2", "pivot_root", "fchdir", "setsid",      "sethostname",
      "prctl",   "setgroups", "setgid",  "setuid",   "capset",  "seccomp",    "execve", "close_range",
  };
  if (std::ranges::find(kCalls, step.name) != std::end(kCalls)) return true;
  if (step.name == "chdir") return step.call_text() == "chdir(\"/\")";
  if (step.name != "mount" || step.args.size() < 2) return false;
  const std::string& target = step.args[1].shown;
  return !target.starts_with("\"/") || target.starts_with("\"/proc/");
}

// "without CALL", "without STAGE: CALL": the first step whose text begins so.
void leave_out(Plan& plan, std::string_view what) {
  for (Stage& stage : plan.stages) {
    const std::string prefix = stage.name + ": ";
    const std::string_view text = what.starts_with(prefix) ? what.substr(prefix.size()) : what;
    const auto step = find(stage, text);
    if (step == stage.steps.end() || text.empty()) continue;
    if (!may_be_left_out(*step))
      throw Error("the host would not be safe without " + step->call_text() + "; leave out another step");
    stage.steps.erase(step);
    return;
  }
  throw Error("no step of this plan begins with " + std::string(what) + "; `nstrace lab plan` prints them");
}

}  // namespace

std::span<const Fault> faults() {
  static constexpr Fault kFaults[] = {
      {"no-umount", "the old root stays mounted below the new one: the container holds the host's tree", no_umount},
      {"leaked-descriptor", "a descriptor of the host's root is open in the container (CVE-2024-21626)",
       leaked_descriptor},
      {"chroot-only", "chroot in the place of pivot_root: who may chroot gets out", chroot_only},
      {"no-setgroups", "the caller's supplementary groups are kept (CVE-2022-36109)", no_setgroups},
      {"user-before-group", "setuid before setgid: the right to do the second may be gone", user_before_group},
      {"all-capabilities", "no capability is dropped: root inside is root", all_capabilities},
      {"inheritable-capabilities", "capabilities are inheritable: programs get them from files (CVE-2022-24769)",
       inheritable_capabilities},
      {"no-new-privs-missing", "set-user-ID programs in the image give rights", no_new_privs_missing},
      {"early-filter", "seccomp before no_new_privs: works only with rights that should be gone by then", early_filter},
      {"no-filter", "no system call is denied", no_filter},
      {"host-network", "the network namespace is the host's", host_network},
      {"writable-proc-sys", "the kernel's settings can be written to", writable_proc_sys},
      {"no-hostname", "the container keeps the host's name", no_hostname},
      {"no-setsid", "the container is in the caller's session, and gets its Ctrl-C", no_setsid},
      {"unshare-twice", "a namespace is made, and made again", unshare_twice},
      {"unshare-nothing", "unshare(0), which does nothing; a sign of runc exec", unshare_nothing},
      {"failing-mount", "a step fails: the container is not started, and all is taken back", failing_mount},
  };
  return kFaults;
}

void put_fault(Plan& plan, std::string_view name) {
  if (name.starts_with(kWithout)) return leave_out(plan, name.substr(kWithout.size()));
  for (const Fault& fault : faults()) {
    if (fault.name != name) continue;
    bool put = false;
    for (Stage& stage : plan.stages) put |= fault.apply(stage);
    if (!put)
      throw Error("the fault " + std::string(name) + " has no place in this plan; try it with `lab run` as root");
    return;
  }
  std::string names;
  for (const Fault& fault : faults()) names += ' ' + std::string(fault.name);
  throw Error("there is no fault '" + std::string(name) + "'; there are" + names);
}

}  // namespace nstrace::lab
