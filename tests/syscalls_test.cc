// SPDX-License-Identifier: MIT
#include "trace/syscalls.h"

#include <algorithm>
#include <set>

#include "tests/catch.h"
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
  REQUIRE(spec("setns", -1).what == Capture::Nothing);
  REQUIRE(spec("setns", 6).what == Capture::Nothing);
}

TEST_CASE("-e: names, sets and strace's qualifier, in the table's order") {
  REQUIRE(parse_call_set("setns,execve") == Names{"execve", "setns"});
  REQUIRE(parse_call_set("trace=setns") == Names{"setns"});
  REQUIRE(parse_call_set("t=setns") == Names{"setns"});
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

TEST_CASE("the docs of the sets name every member") {
  const std::string text = sets_markdown();
  REQUIRE_THAT(
      text, ContainsSubstring("- `%ns` (make, leave and enter namespaces): `clone`, `clone3`, `setns`, `unshare`\n"));
  for (const NamedSet& set : named_sets())
    REQUIRE_THAT(text, ContainsSubstring("- `%" + std::string(set.name) + "` ("));
}
