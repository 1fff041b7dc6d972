// SPDX-License-Identifier: MIT
// Edges, as strace 6.1 writes them: numbers that mean something elsewhere, memory that ends, flags without a name.
#include "tests/catch.h"
#include "tests/raw_call.h"
#include "trace/decode.h"

using namespace nstrace::trace;
using namespace nstrace::testing;

TEST_CASE("AT_FDCWD is the current folder only in place of a folder") {
  const Given here = fd(-100, "/work");
  CHECK(line("setns", {here, 0x20000}) == "setns(-100, CLONE_NEWNS)");
  CHECK(line("fcntl", {here, 1}) == "fcntl(-100, F_GETFD)");
  CHECK(line("bind", {here, 0, 0}) == "bind(-100, NULL, 0)");
  CHECK(line("fsmount", {here, 0, 0}) == "fsmount(-100, 0, 0)");
  CHECK(line("fsconfig", {here, 5, str("a"), 0, here}) == "fsconfig(-100, FSCONFIG_SET_FD, \"a\", NULL, -100)");
  CHECK(line("fsconfig", {3, 3, str("a"), str("b"), here}) ==
        "fsconfig(3, FSCONFIG_SET_PATH, \"a\", \"b\", AT_FDCWD</work>)");
  CHECK(line("mkdirat", {here, str("a"), 0755}) == "mkdirat(AT_FDCWD</work>, \"a\", 0755)");
}

TEST_CASE("what FSCONFIG_SET_FD and FSCONFIG_SET_PATH name is looked at as a descriptor") {
  CHECK(capture_of(*find_syscall("fsconfig"), 4).what == Capture::Descriptor);
  CHECK(line("fsconfig", {-1, 5, str("a"), 0, fd(3, "/tmp/q\"uote")}) ==
        "fsconfig(-1, FSCONFIG_SET_FD, \"a\", NULL, 3</tmp/q\\\"uote>)");
}

TEST_CASE("memory that ends within an argument: what is there is shown, and nothing that is not") {
  const std::string one("\1\0\0\0\0\0\0\0\0\0\0\0", 12);
  CHECK(line("capset", {bytes(0x19980330, 0), str(one)}) ==
        "capset({version=_LINUX_CAPABILITY_VERSION_1, pid=0}, {effective=1<<CAP_CHOWN, permitted=0, inheritable=0})");
  CHECK(line("capset", {bytes(0x20080522, 0), str(one)}) ==
        "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, 0x7f0000001000<fault>)");
  CHECK(line("seccomp", {2, 0, bytes(0x7fff0000)}) == "seccomp(SECCOMP_GET_ACTION_AVAIL, 0, [SECCOMP_RET_ALLOW])");
  CHECK(line("setgroups", {3, bytes(6, 7)}) == "setgroups(3, [6, 7, ... /* 0x7f0000001008 */])");
  RawCall info = given("msgctl", {5, 12, str(std::string(32, '\0'))});
  info.result = 0;
  CHECK(line(info).find("msgseg=0}") != std::string::npos);
  RawCall stat = given("msgctl", {5, 2, str(std::string(32, '\0'))});
  stat.result = 0;
  CHECK(line(stat) == "msgctl(5, IPC_STAT, 0x7f0000001000<fault>)");
}

TEST_CASE("what no name covers, as strace says so") {
  CHECK(line("capset", {bytes(0x20080522, 0), bytes(1, 1, 0, 0x10000, 0x10000, 0x100)}) ==
        "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|0x10000 /* CAP_??? */, "
        "permitted=1<<CAP_CHOWN|0x10000 /* CAP_??? */, inheritable=1<<CAP_CHECKPOINT_RESTORE})");
  CHECK(line("memfd_create", {str("y"), 0x2000 | (16u << 26)}) ==
        "memfd_create(\"y\", 0x2000 /* MFD_??? */|16<<MFD_HUGE_SHIFT)");
  CHECK(line("memfd_create", {str("y"), 16u << 26}) == "memfd_create(\"y\", 16<<MFD_HUGE_SHIFT)");
  CHECK(line("clone3", {bytes(std::uint64_t{0x200000000}, std::uint64_t{}, std::uint64_t{}, std::uint64_t{},
                              std::uint64_t{}, std::uint64_t{}, std::uint64_t{}, std::uint64_t{}, std::uint64_t{},
                              std::uint64_t{}, std::int64_t{-2}),
                        88}) ==
        "clone3({flags=CLONE_INTO_CGROUP, exit_signal=0, stack=NULL, stack_size=0, cgroup=18446744073709551614}, 88)");
  CHECK(line("kill", {4194303, 32}) == "kill(4194303, SIGRTMIN)");
  CHECK(line("keyctl", {29, -3, 0, 0, 0}) == "keyctl(KEYCTL_RESTRICT_KEYRING, KEY_SPEC_SESSION_KEYRING, NULL, NULL)");
}

TEST_CASE("the longest path that there is is whole; of a longer one the kernel says so") {
  const std::string path(4095, 'a');
  RawCall raw = given("chdir", {cut(path)});
  raw.result = -2;
  CHECK(line(raw) == "chdir(\"" + path + "\")");
  raw.result = -36;
  CHECK(line(raw) == "chdir(\"" + path + "\"...)");
}
