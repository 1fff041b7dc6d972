// SPDX-License-Identifier: MIT
// A fault is a function that changes a stage of the sound plan: takes a step out, puts two in another order, or puts
// one in; and says whether the stage had a place for it. Steps are found by what they do, not by how one runtime writes
// them, so a fault fits the ways of others too. Each has its row in the table at the end.
#include "lab/faults.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "lab/rights.h"
#include "trace/error.h"

namespace nstrace::lab {
namespace {

using Steps = std::vector<Step>;

// ---- finding steps, and changing them

// The first step whose text begins so.
Steps::iterator find(Stage& stage, std::string_view text) {
  return std::ranges::find_if(stage.steps, [&](const Step& step) { return step.call_text().starts_with(text); });
}

Steps::iterator last(Stage& stage, std::initializer_list<std::string_view> names) {
  const auto found = std::find_if(stage.steps.rbegin(), stage.steps.rend(),
                                  [&](const Step& step) { return std::ranges::count(names, step.name) != 0; });
  return found == stage.steps.rend() ? stage.steps.end() : found.base() - 1;
}

template <typename Which>
bool skip_if(Stage& stage, Which which) {
  return std::erase_if(stage.steps, which) != 0;
}
bool skip_all(Stage& stage, std::string_view text) {
  return skip_if(stage, [&](const Step& step) { return step.call_text().starts_with(text); });
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
Step made(Make make) {
  Stage scratch("", 0);
  make(scratch);
  return scratch.steps.back();
}

// A string that the step passes; empty where it passes something else.
std::string_view text_of(const Step& step, std::size_t argument) {
  return argument < step.args.size() && step.args[argument].kind == LAB_DATA ? step.args[argument].bytes.c_str() : "";
}

// Where a mount goes: through /proc/self/fd/N, to what was opened as N.
std::string_view target_of(const Stage& stage, const Step& mount) {
  const std::string_view target = text_of(mount, 1);
  if (target.find("/fd/") == std::string_view::npos) return target;
  const std::string_view fd = target.substr(target.rfind('/') + 1);
  std::string_view opened = target;
  for (const Step& step : stage.steps) {
    if (&step == &mount) break;
    if (step.name == "openat" && std::to_string(step.expected) == fd) opened = text_of(step, 1);
  }
  return opened;
}

constexpr std::uint64_t kAllKinds =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET;

// The namespaces that a step makes, but user namespaces, which come before all else.
std::uint64_t namespaces_of(const Step& step) {
  return step.name == "unshare" || step.name == "clone" ? step.args[0].number & kAllKinds : 0;
}

// What is unshared beside the pid namespace: there an extra unshare has its place.
Steps::iterator last_unshare(Stage& stage) {
  const auto found = last(stage, {"unshare"});
  const bool fits = found != stage.steps.end() && (namespaces_of(*found) & ~std::uint64_t{CLONE_NEWPID}) != 0;
  return fits ? found : stage.steps.end();
}

// ---- the faults

bool no_umount(Stage& stage) {
  const auto pivot = find(stage, "pivot_root(");
  const auto rest = std::remove_if(pivot, stage.steps.end(), [](const Step& step) { return step.name == "umount2"; });
  const bool found = rest != stage.steps.end();
  stage.steps.erase(rest, stage.steps.end());
  return found;
}
bool no_setgroups(Stage& stage) {
  return skip_all(stage, "setgroups(");
}
bool user_before_group(Stage& stage) {
  const auto user = last(stage, {"setuid", "setresuid"});
  const auto group = last(stage, {"setgid", "setresgid"});
  if (user == stage.steps.end() || group == stage.steps.end() || user < group) return false;
  std::rotate(group, user, user + 1);
  return true;
}
bool no_setsid(Stage& stage) {
  return skip_all(stage, "setsid(");
}
bool no_hostname(Stage& stage) {
  return skip_all(stage, "sethostname(");
}
bool writable_proc_sys(Stage& stage) {
  const Stage sound = stage;
  std::size_t at = 0;
  return skip_if(stage, [&](const Step&) {
    const Step& step = sound.steps[at++];
    return step.name == "mount" && target_of(sound, step).ends_with("/proc/sys");
  });
}

// The descriptor's number is one that no other step gets.
bool leaked_descriptor(Stage& stage) {
  const auto pivot = find(stage, "pivot_root(");
  if (pivot == stage.steps.end()) return false;
  const auto root = std::find_if(stage.steps.begin(), pivot,
                                 [](const Step& step) { return step.name == "openat" && text_of(step, 1) == "/"; });
  if (root == pivot) return false;
  stage.steps.insert(root + 1, made([&](Stage& s) { s.dup3(static_cast<int>(root->expected), 20, number(0)); }));
  skip_all(stage, "close_range(3, ");
  return true;
}

// Without no_new_privs, a filter can only be set by who still has CAP_SYS_ADMIN.
bool no_new_privs_missing(Stage& stage) {
  if (find(stage, "seccomp(") == stage.steps.end() || !skip_all(stage, "prctl(PR_SET_NO_NEW_PRIVS")) return false;
  move_up(stage, "seccomp(", "prctl(PR_CAPBSET_DROP");
  return true;
}

// Before the rights for it are gone: crun drops them first, and sets no_new_privs last.
bool early_filter(Stage& stage) {
  if (!move_up(stage, "seccomp(", "prctl(PR_SET_NO_NEW_PRIVS")) return false;
  move_up(stage, "seccomp(", "prctl(PR_CAPBSET_DROP");
  return true;
}
bool no_filter(Stage& stage) {
  return skip_all(stage, "seccomp(");
}

bool all_capabilities(Stage& stage) {
  const bool bounding = skip_all(stage, "prctl(PR_CAPBSET_DROP");
  return skip_all(stage, "capset(") || bounding;
}

bool inheritable_capabilities(Stage& stage) {
  const auto step = find(stage, "capset(");
  if (step == stage.steps.end()) return false;
  __user_cap_data_struct sets[2];
  std::memcpy(sets, step->args[1].bytes.data(), sizeof sets);
  const std::uint64_t kept = sets[0].permitted | std::uint64_t{sets[1].permitted} << 32;
  if (kept == 0) return false;
  *step = made([&](Stage& s) { set_capabilities(s, kept, kept); });
  return true;
}

bool unshare_nothing(Stage& stage) {
  const auto step = last_unshare(stage);
  if (step == stage.steps.end()) return false;
  stage.steps.insert(step, made([](Stage& s) { s.call(CALL(unshare), {number(0)}); }));
  return true;
}

bool unshare_twice(Stage& stage) {
  const auto step = last_unshare(stage);
  if (step == stage.steps.end()) return false;
  stage.steps.insert(step + 1, made([](Stage& s) { s.call(CALL(unshare), {NAMED(CLONE_NEWIPC)}); }));
  return true;
}

void leave_out_word(std::string& flags, std::string_view word) {
  const std::size_t at = flags.find(word);
  if (at == std::string::npos) return;
  flags.erase(at > 0 && flags[at - 1] == '|' ? at - 1 : at, word.size() + 1);
}

bool host_network(Stage& stage) {
  const auto step =
      std::ranges::find_if(stage.steps, [](const Step& made) { return (namespaces_of(made) & CLONE_NEWNET) != 0; });
  if (step == stage.steps.end()) return false;
  Arg& flags = step->args[0];
  flags.number &= ~std::uint64_t{CLONE_NEWNET};
  leave_out_word(flags.shown, "CLONE_NEWNET");
  leave_out_word(step->shown_args, "CLONE_NEWNET");
  if (flags.number == 0) stage.steps.erase(step);
  return true;
}

// The old root stays mounted, and reachable for who may chroot: out of a directory below the root, a second chroot
// leads back to it.
bool chroot_only(Stage& stage) {
  const auto pivot = last(stage, {"pivot_root"});
  if (pivot == stage.steps.end()) return false;
  const std::string_view root = text_of(*pivot, 0);
  *pivot = made([&](Stage& s) { s.call(CALL(chroot), {text(root)}); });
  // What dealt with the old root goes: fchdir to it, its propagation, its umount.
  const auto end = std::find_if(pivot + 1, stage.steps.end(), [](const Step& step) {
    return step.name != "fchdir" && step.name != "mount" && step.name != "umount2";
  });
  const auto rest = stage.steps.erase(pivot + 1, end);
  if (rest->name != "chdir") stage.steps.insert(rest, made([](Stage& s) { s.chdir("/"); }));
  return true;
}

// Onto the directory that the next mount is for. (bwrap has no mqueue.)
bool failing_mount(Stage& stage) {
  auto next = stage.steps.end();
  for (const std::string_view type : {"mqueue", "devpts"}) {
    if (next != stage.steps.end()) break;
    next = std::ranges::find_if(stage.steps,
                                [&](const Step& step) { return step.name == "mount" && text_of(step, 2) == type; });
  }
  if (next == stage.steps.end()) return false;
  const std::string target(text_of(*next, 1));
  stage.steps.insert(next, made([&](Stage& s) { s.mount("nothing", target, "no-such-file-system", number(0)); }));
  return true;
}

// A hook is this same program under another name: as `false`, it ends with 1.
bool failing_hook(Stage& stage) {
  if (stage.name != "createRuntime") return false;
  *last(stage, {"execve"}) = made([](Stage& s) { s.execve("/proc/self/exe", {"false"}, {"PATH=/bin"}); });
  return true;
}

constexpr std::string_view kWithout = "without ";

// Whether the host is safe without the step: namespaces are made, mounts of the host's are cut off, and what is written
// lies in the container's own file system.
bool is_safe_without(const Step& step) {
  static constexpr std::string_view kCalls[] = {
      "mkdirat", "symlinkat", "mknodat", "fchmodat", "umount2", "pivot_root", "fchdir", "setsid",      "sethostname",
      "prctl",   "setgroups", "setgid",  "setuid",   "capset",  "seccomp",    "execve", "close_range",
  };
  if (step.call_text().starts_with("prctl(PR_SET_PDEATHSIG")) return false;  // the container would outlive nstrace
  if (std::ranges::find(kCalls, step.name) != std::end(kCalls)) return true;
  if (step.name == "chdir") return step.call_text() == "chdir(\"/\")";
  if (step.name != "mount" || step.args.size() < 2) return false;
  const std::string& target = step.args[1].shown;
  return !target.starts_with("\"/") || target.starts_with("\"/proc/");
}

// A step of those that take the old root away: without it, the container's mount namespace begins in the host's tree.
bool takes_old_root_away(const Step& step) {
  return step.name == "pivot_root" || step.name == "umount2" || step.name == "fchdir";
}

[[noreturn]] void refuse_to_enter(std::string_view what) {
  throw Error("what enters this container would be in the host's tree, and run its programs, with " +
              std::string(what) + "; try it with `lab run`");
}

// "without CALL", "without STAGE: CALL": the first step whose text begins so.
void leave_out(Plan& plan, std::string_view what, bool entered) {
  for (Stage& stage : plan.stages) {
    const std::string prefix = stage.name + ": ";
    const std::string_view text = what.starts_with(prefix) ? what.substr(prefix.size()) : what;
    const auto step = find(stage, text);
    if (step == stage.steps.end() || text.empty()) continue;
    if (entered && takes_old_root_away(*step)) refuse_to_enter("--fault 'without " + step->call_text() + "'");
    if (!is_safe_without(*step))
      throw Error("the host would not be safe without " + step->call_text() + "; leave out another step");
    stage.steps.erase(step);
    return;
  }
  throw Error("no step of this plan begins with " + std::string(what) + "; `nstrace lab plan` prints them");
}

}  // namespace

std::span<const Fault> faults() {
  static constexpr Fault kFaults[] = {
      {"no-umount", "the old root stays mounted below the new one: the container holds the host's tree", no_umount,
       true},
      {"leaked-descriptor", "a descriptor of the host's root is open in the container (CVE-2024-21626)",
       leaked_descriptor},
      {"chroot-only", "chroot in the place of pivot_root: who may chroot gets out", chroot_only, true},
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
      {"failing-hook", "the hook createRuntime fails: the container is not started", failing_hook},
  };
  return kFaults;
}

namespace {

const Fault& find_fault(std::string_view name) {
  std::string names;
  for (const Fault& fault : faults()) {
    if (fault.name == name) return fault;
    names += ' ' + std::string(fault.name);
  }
  throw Error("there is no fault '" + std::string(name) + "'; there are" + names);
}

}  // namespace

bool put_fault(Plan& plan, std::string_view name, bool entered) {
  if (name.starts_with(kWithout)) {
    leave_out(plan, name.substr(kWithout.size()), entered);
    return true;
  }
  const Fault& fault = find_fault(name);
  if (entered && fault.keeps_old_root) refuse_to_enter("the fault " + std::string(name));
  bool put = false;
  for (Stage& stage : plan.stages) put |= fault.apply(stage);
  return put;
}

}  // namespace nstrace::lab
