// SPDX-License-Identifier: MIT
#include "trace/syscalls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/golden.h"
#include "trace/error.h"

using namespace nstrace::trace;
using Names = std::vector<std::string>;

namespace {

std::string error_of(std::string_view expression) {
  try {
    parse_call_set(expression);
  } catch (const nstrace::Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("every call stands once, under each of its names and numbers") {
  std::set<std::string_view> names;
  for (const SyscallRow& call : syscalls()) {
    INFO(call.name);
    REQUIRE(names.insert(call.name).second);
    REQUIRE(find_syscall(call.name) == &call);
    for (const std::string_view arch : {"x86_64", "aarch64"})
      if (const int number = syscall_number(call, arch); number != kNoNumber)
        REQUIRE(find_syscall(number, arch) == &call);
  }
}

TEST_CASE("numbers are those of the kernel's headers") {
  std::size_t checked = 0;
  const auto is = [&](std::string_view name, int number) {
    INFO(name);
    REQUIRE(find_syscall(name));
#if defined(__x86_64__)
    REQUIRE(find_syscall(name)->x86_64 == number);
#elif defined(__aarch64__)
    REQUIRE(find_syscall(name)->arm64 == number);
#endif
    ++checked;
  };
#define IS(name) is(#name, SYS_##name)
  IS(execve), IS(execveat), IS(clone), IS(clone3), IS(exit_group), IS(setns), IS(unshare), IS(pivot_root), IS(chroot);
  IS(mount), IS(umount2), IS(open_tree), IS(move_mount), IS(fsopen), IS(fsconfig), IS(fsmount), IS(fspick);
  IS(mount_setattr), IS(chdir), IS(fchdir), IS(mknodat), IS(symlinkat), IS(mkdirat), IS(sethostname), IS(setdomainname);
  IS(setuid), IS(setgid), IS(setreuid), IS(setregid), IS(setresuid), IS(setresgid), IS(setgroups), IS(setfsuid);
  IS(setfsgid), IS(capset), IS(prctl), IS(seccomp), IS(keyctl), IS(setsid), IS(pidfd_open), IS(pidfd_send_signal);
  IS(pidfd_getfd), IS(memfd_create), IS(fcntl), IS(close_range), IS(kill), IS(tgkill), IS(shmget), IS(shmat), IS(shmdt);
  IS(shmctl), IS(semget), IS(semop), IS(semtimedop), IS(semctl), IS(msgget), IS(msgsnd), IS(msgrcv), IS(msgctl);
  IS(openat2), IS(bind);
#if defined(__x86_64__)
  IS(fork), IS(vfork), IS(mknod);
#else
  checked += 3;
#endif
#undef IS
  is("open_tree_attr", 467);  // newer than the headers of some distributions
  REQUIRE(checked == syscalls().size());
}

// arm64 has no numbers of its own but those that all newer architectures share.
TEST_CASE("arm64's numbers are those of the kernel's generic header") {
  std::ifstream header("/usr/include/asm-generic/unistd.h");
  REQUIRE(header);
  std::map<std::string, int> numbers;
  for (std::string line; std::getline(header, line);) {
    std::istringstream words(line);
    std::string define, name;
    if (int number; words >> define >> name >> number && define == "#define")
      for (const std::string_view prefix : {"__NR_", "__NR3264_"})
        if (name.rfind(prefix, 0) == 0) numbers.emplace(name.substr(prefix.size()), number);
  }
  REQUIRE(numbers.size() > 250);
  std::size_t checked = 0;
  for (const SyscallRow& call : syscalls()) {
    INFO(call.name);
    const auto found = numbers.find(std::string(call.name));
    if (found == numbers.end()) continue;  // not there, or newer than the header
    REQUIRE(call.arm64 == found->second);
    ++checked;
  }
  REQUIRE(checked >= syscalls().size() - 4);  // fork, vfork, mknod; open_tree_attr
}

TEST_CASE("numbers of architectures that are not known are none") {
  REQUIRE(syscall_number(*find_syscall("setns"), "riscv64") == kNoNumber);
  REQUIRE(find_syscall(59, "riscv64") == nullptr);
  REQUIRE(find_syscall(kNoNumber, "aarch64") == nullptr);  // fork has no number there
  REQUIRE(syscall_number(*find_syscall("setns"), "x86_64") == 308);
  REQUIRE(syscall_number(*find_syscall("setns"), "aarch64") == 268);
  REQUIRE(find_syscall("setn") == nullptr);
}

TEST_CASE("what must be read of each argument") {
  const auto spec = [](std::string_view name, int arg) { return capture_of(*find_syscall(name), arg); };
  REQUIRE(spec("mount", 0).what == Capture::String);
  REQUIRE(spec("mount", 3).what == Capture::Nothing);
  REQUIRE(spec("mount", 4).what == Capture::String);
  REQUIRE(spec("setns", 0).what == Capture::Descriptor);
  REQUIRE(spec("clone3", 0).what == Capture::BytesOfArg);
  REQUIRE(spec("clone3", 0).size == 1);
  REQUIRE(spec("sethostname", 0).what == Capture::BytesOfArg);
  REQUIRE(spec("sethostname", 0).size == 1);
  REQUIRE(spec("setgroups", 1).size == 0);
  REQUIRE(spec("setgroups", 1).scale == 4);
  REQUIRE(spec("mount_setattr", 3).what == Capture::BytesOfArg);
  REQUIRE(spec("mount_setattr", 3).size == 4);
  REQUIRE(spec("open_tree_attr", 3).size == 4);
  REQUIRE(spec("capset", 0).size == 8);
  REQUIRE(spec("capset", 1).size == 24);
  REQUIRE(spec("msgsnd", 1).extra == 8);
  REQUIRE(spec("execve", 1).what == Capture::Nothing);  // vectors are read by ways of their own
  REQUIRE(spec("setns", -1).what == Capture::Nothing);
  REQUIRE(spec("setns", 6).what == Capture::Nothing);
}

TEST_CASE("what may be a secret is not read: payloads of keys") {
  for (int arg = 1; arg < 5; ++arg) {
    const CaptureSpec spec = capture_of(*find_syscall("keyctl"), arg);
    constexpr std::uint32_t kUpdate = 2, kInstantiate = 12;
    constexpr std::uint32_t kSecrets = 1u << kUpdate | 1u << kInstantiate;
    if (spec.what == Capture::Nothing) continue;
    REQUIRE((spec.first != 0 || spec.firsts != 0));
    REQUIRE((spec.first != kUpdate && spec.first != kInstantiate));
    REQUIRE((spec.firsts & kSecrets) == 0);
  }
}

TEST_CASE("the sets hold what their names say") {
  const auto in = [](std::string_view set, std::string_view call) {
    return std::ranges::count(parse_call_set(set), call) == 1;
  };
  for (const std::string& name : parse_call_set("%story")) REQUIRE(in("%lifecycle", name));
  for (const char* set : {"%story", "%lifecycle"})
    for (const char* call :
         {"execve", "clone3", "setns", "unshare", "pivot_root", "mount", "move_mount", "sethostname"})
      REQUIRE(in(set, call));
  for (const char* call : {"prctl", "capset", "seccomp", "setgroups", "mknodat", "chdir", "exit_group"}) {
    REQUIRE(in("%lifecycle", call));
    REQUIRE_FALSE(in("%story", call));
  }
  for (const char* call : {"fcntl", "tgkill", "shmget", "openat2", "bind"}) REQUIRE_FALSE(in("%lifecycle", call));
  REQUIRE(parse_call_set("%ipc").size() == 12);
  REQUIRE(parse_call_set("%ipc").front() == "shmget");
  REQUIRE(in("%creds", "setuid"));
  REQUIRE(in("%mount", "fsconfig"));
  REQUIRE(in("%process", "kill"));
}

TEST_CASE("-e: names, sets and strace's qualifier, in the table's order") {
  REQUIRE(parse_call_set("setns,execve") == Names{"execve", "setns"});
  REQUIRE(parse_call_set("trace=setns") == Names{"setns"});
  REQUIRE(parse_call_set("t=setns") == Names{"setns"});
  REQUIRE(parse_call_set("trace=setns,trace=unshare") == Names{"setns", "unshare"});
  REQUIRE(parse_call_set("%ns,trace=!clone,trace=!clone3") == Names{"setns", "unshare"});
  REQUIRE(parse_call_set("setns,setns,%ns").front() == "clone");
  REQUIRE(parse_call_set("none").empty());
  REQUIRE(parse_call_set("all").size() == syscalls().size());
  REQUIRE(parse_call_set("%all").size() == syscalls().size());
  REQUIRE(parse_call_set("!none").size() == syscalls().size());
}

TEST_CASE("-e: mount is the call, %mount the set") {
  REQUIRE(parse_call_set("mount") == Names{"mount"});
  REQUIRE(parse_call_set("%mount").size() > 3);
}

TEST_CASE("-e: ! in front is all but these; later, it takes away") {
  const Names all_but = parse_call_set("!mount,%ns");
  REQUIRE(std::ranges::count(all_but, "mount") == 0);
  REQUIRE(std::ranges::count(all_but, "setns") == 0);
  REQUIRE(std::ranges::count(all_but, "chroot") == 1);
  REQUIRE(parse_call_set("%ns,!clone,!clone3") == Names{"setns", "unshare"});
  REQUIRE(parse_call_set("!all").empty());
}

TEST_CASE("-e: regular expressions match anywhere in a name") {
  REQUIRE(parse_call_set("/^clone") == Names{"clone", "clone3"});
  REQUIRE(parse_call_set("/ns$") == Names{"setns"});
  REQUIRE_THAT(error_of("/("), ContainsSubstring("not a regular expression"));
}

TEST_CASE("-e: ? forgives what is not known") {
  REQUIRE(parse_call_set("?nonesuch,setns") == Names{"setns"});
  REQUIRE(parse_call_set("?%nonesuch,setns") == Names{"setns"});
}

TEST_CASE("-e: numbers, ABIs, sets without their % and a comma at the end, as strace takes them") {
  const SyscallRow& execve = *find_syscall("execve");
#if defined(__aarch64__)
  const int number = execve.arm64;
#else
  const int number = execve.x86_64;
#endif
  REQUIRE(parse_call_set(std::to_string(number)) == Names{"execve"});
  REQUIRE(parse_call_set("execve@64") == Names{"execve"});
  REQUIRE(parse_call_set("execve,") == Names{"execve"});
  REQUIRE(parse_call_set("process") == parse_call_set("%process"));
  REQUIRE(parse_call_set("mount") == Names{"mount"});  // the call, not the set
  REQUIRE_THAT(error_of("execve@32"), ContainsSubstring("not told apart"));
  REQUIRE_THAT(error_of("99999"), ContainsSubstring("no system call '99999'"));
}

TEST_CASE("-e: an unknown name is an error that suggests near ones and where all stand") {
  REQUIRE_THAT(error_of("exceve"), ContainsSubstring("no system call 'exceve'; near it: execve"));
  REQUIRE_THAT(error_of("exceve"), ContainsSubstring("-e help"));
  REQUIRE_THAT(error_of("%mounts"), ContainsSubstring("no set '%mounts'; near it: %mount"));
  REQUIRE_THAT(error_of("zzzzzzzzzz"), !ContainsSubstring("near"));
  REQUIRE_THAT(error_of(""), ContainsSubstring("no call is named"));
  REQUIRE_THAT(error_of("trace="), ContainsSubstring("no call is named"));
  REQUIRE_THAT(error_of("setns,,unshare"), ContainsSubstring("an empty name"));
  REQUIRE_THAT(error_of("signal=all"), ContainsSubstring("only trace="));
  REQUIRE_THAT(error_of("\x1b[31m"), !ContainsSubstring("\x1b"));
}

TEST_CASE("src/trace/SETS.md is what the table says") {
  nstrace::testing::check_golden(
      "../../src/trace/SETS.md",
      "# Sets of system calls for `-e`\n\nGenerated from the table in syscalls.cc.\n\n" + sets_markdown());
}

TEST_CASE("the docs of the sets name every member") {
  const std::string text = sets_markdown();
  REQUIRE_THAT(
      text, ContainsSubstring("- `%ns` (make, leave and enter namespaces): `clone`, `clone3`, `setns`, `unshare`\n"));
  const std::string help = sets_help();
  std::istringstream lines(help);
  for (std::string row; std::getline(lines, row);) REQUIRE(row.size() <= 100);
  for (const SyscallRow& call : syscalls()) REQUIRE_THAT(help, ContainsSubstring(" " + std::string(call.name)));
  for (const NamedSet& set : named_sets())
    REQUIRE_THAT(text, ContainsSubstring("- `%" + std::string(set.name) + "` ("));
}
