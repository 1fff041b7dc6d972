// SPDX-License-Identifier: MIT
// The expected lines are those that strace 6.1 prints for the same registers and memory.
#include "trace/decode.h"

#include <sstream>

#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/raw_call.h"

using namespace nstrace::trace;
using namespace nstrace::testing;
using std::string_literals::operator""s;

namespace {

constexpr std::uint64_t kMinusOne = ~std::uint64_t{0};

}  // namespace

TEST_CASE("unshare(0) is written with its zero") {
  REQUIRE(line("unshare", {0}) == "unshare(0)");
  REQUIRE(line("unshare", {0x7e020080}) ==
          "unshare(CLONE_NEWTIME|CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|"
          "CLONE_NEWNET)");
}

TEST_CASE("flags without a name are hex, in the width that the kernel takes") {
  REQUIRE(line("unshare", {0x8000}) == "unshare(0x8000 /* CLONE_??? */)");
  REQUIRE(line("unshare", {0xffffffff00000000}) == "unshare(0xffffffff00000000 /* CLONE_??? */)");
  REQUIRE(line("unshare", {kMinusOne}) ==
          "unshare(CLONE_NEWTIME|CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_NEWNS|CLONE_SYSVSEM|"
          "CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET|0xffffffff81f8f07f)");
  REQUIRE(line("setns", {1, kMinusOne}) ==
          "setns(1, CLONE_NEWTIME|CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|"
          "CLONE_NEWNET|0x81fdff7f)");
  REQUIRE(line("setns", {1, 0x55}) == "setns(1, 0x55 /* CLONE_NEW??? */)");
}

TEST_CASE("setns shows what its descriptor refers to") {
  REQUIRE(line("setns", {fd(14, "mnt:[4026533533]"), 0}) == "setns(14<mnt:[4026533533]>, 0)");
  REQUIRE(line("setns", {fd(3, "pid:812"), 0x20020000}) == "setns(3<pid:812>, CLONE_NEWNS|CLONE_NEWPID)");
  REQUIRE(line("setns", {-1, 0x8000000}) == "setns(-1, CLONE_NEWIPC)");
}

TEST_CASE("execve: argv, and the environment as a count") {
  RawCall raw = given("execve", {str("/nonex"), 0x10, 0x7ffc083c1738});
  raw.argv = {"a", "b\n"};
  raw.env_count = 44;
  REQUIRE(line(raw) == "execve(\"/nonex\", [\"a\", \"b\\n\"], 0x7ffc083c1738 /* 44 vars */)");
  raw.argv = std::vector<std::string>{};
  raw.env_count = 1;
  REQUIRE(line(raw) == "execve(\"/nonex\", [], 0x7ffc083c1738 /* 1 var */)");
  raw.argv = {"a"};
  raw.argv_cut = true;
  raw.env_count.reset();
  REQUIRE(line(raw) == "execve(\"/nonex\", [\"a\", ...], 0x7ffc083c1738)");
  REQUIRE(line("execve", {str("/nonex"), 0, 0}) == "execve(\"/nonex\", NULL, NULL)");
}

TEST_CASE("memory that could not be read is an address and a fault, never an empty string") {
  REQUIRE(line("execve", {fault(0x10), fault(0x20), 0x30}) == "execve(0x10<fault>, 0x20<fault>, 0x30)");
  REQUIRE(line("pivot_root", {0, fault(0x20)}) == "pivot_root(NULL, 0x20<fault>)");
  REQUIRE(line("chroot", {0x20}) == "chroot(0x20<fault>)");
  REQUIRE(line("sethostname", {fault(0x10), 5}) == "sethostname(0x10<fault>, 5)");
  REQUIRE(line("clone3", {fault(0x10), 88}) == "clone3(0x10<fault>, 88)");
}

TEST_CASE("execveat: AT_FDCWD whatever the upper half of the register holds") {
  RawCall raw = given("execveat", {kMinusOne - 99, str("n"), 0x10, 0x20, 0});
  raw.argv = {"x"};
  raw.env_count = 1;
  REQUIRE(line(raw) == "execveat(AT_FDCWD, \"n\", [\"x\"], 0x20 /* 1 var */, 0)");
  raw.args[0] = 0xffffff9c;
  raw.args[4] = 0x1100;
  REQUIRE(line(raw) == "execveat(AT_FDCWD, \"n\", [\"x\"], 0x20 /* 1 var */, AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH)");
  raw.args[0] = 5;
  raw.fds[5] = {};
  raw.fds[0].text = "/bin";
  raw.args[4] = kMinusOne;
  REQUIRE(line(raw) ==
          "execveat(5</bin>, \"n\", [\"x\"], 0x20 /* 1 var */, AT_SYMLINK_NOFOLLOW|AT_REMOVEDIR|AT_SYMLINK_FOLLOW|"
          "AT_NO_AUTOMOUNT|AT_EMPTY_PATH|AT_RECURSIVE|0xffff60ff)");
}

TEST_CASE("clone: only what the flags ask for, the signal last") {
  REQUIRE(line("clone", {17, 0, 0x1, 0x2, 0x3}) == "clone(child_stack=NULL, flags=SIGCHLD)");
  REQUIRE(line("clone", {0, 0, 0, 0, 0}) == "clone(child_stack=NULL, flags=0)");
  REQUIRE(
      line("clone", {0x1200011, 0, 0, 0x7ffc083c1838, 0}) ==
      "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7ffc083c1838)");
  REQUIRE(line("clone", {0xa0211, 0x1000, 0, 0, 0x1234}) ==
          "clone(child_stack=0x1000, flags=CLONE_FS|CLONE_NEWNS|CLONE_SETTLS|SIGCHLD, tls=0x1234)");
  REQUIRE(line("clone", {0x21211, 0, 0, 0, 0}) ==
          "clone(child_stack=NULL, flags=CLONE_FS|CLONE_PIDFD|CLONE_NEWNS|SIGCHLD, parent_tid=NULL)");
  REQUIRE(line("clone", {0x20263, 0, 0, 0, 0}) == "clone(child_stack=NULL, flags=CLONE_FS|CLONE_NEWNS|99)");
  REQUIRE(line("clone", {0x1f00422200, 0, 0, 0, 0}) ==
          "clone(child_stack=NULL, flags=CLONE_FS|CLONE_PTRACE|CLONE_NEWNS|0x1f00400000)");
}

TEST_CASE("clone: parent_tid shows the pid that the kernel stored there") {
  RawCall raw = given("clone", {0x100011, 0, 0x7ffc083c183c, 0, 0});
  REQUIRE(line(raw) == "clone(child_stack=NULL, flags=CLONE_PARENT_SETTID|SIGCHLD, parent_tid=0x7ffc083c183c)");
  raw.result = 12282;
  REQUIRE(line(raw) == "clone(child_stack=NULL, flags=CLONE_PARENT_SETTID|SIGCHLD, parent_tid=[12282])");
  raw.result = -22;
  REQUIRE(line(raw) == "clone(child_stack=NULL, flags=CLONE_PARENT_SETTID|SIGCHLD, parent_tid=0x7ffc083c183c)");
}

TEST_CASE("clone: tls and child_tid change places on arm64") {
  RawCall raw = given("clone", {0x1080011, 0, 0, 0x111, 0x222});
  REQUIRE(line(raw) ==
          "clone(child_stack=NULL, flags=CLONE_SETTLS|CLONE_CHILD_SETTID|SIGCHLD, tls=0x222, child_tidptr=0x111)");
  raw.arm64 = true;
  REQUIRE(line(raw) ==
          "clone(child_stack=NULL, flags=CLONE_SETTLS|CLONE_CHILD_SETTID|SIGCHLD, tls=0x111, child_tidptr=0x222)");
}

namespace {

struct CloneArgs {
  std::uint64_t flags = 0, pidfd = 0, child_tid = 0, parent_tid = 0, exit_signal = 0, stack = 0, stack_size = 0,
                tls = 0, set_tid = 0, set_tid_size = 0, cgroup = 0;
};

}  // namespace

TEST_CASE("clone3: the structure, as much of it as the flags ask for") {
  CloneArgs a{
      .flags = 0x20200, .pidfd = 5, .child_tid = 6, .parent_tid = 7, .exit_signal = 17, .stack_size = 4, .tls = 7};
  REQUIRE(line("clone3", {bytes(a), 88}) ==
          "clone3({flags=CLONE_FS|CLONE_NEWNS, exit_signal=SIGCHLD, stack=NULL, stack_size=0x4}, 88)");
  a = {.flags = 0x301a00080ull + 0x400000, .exit_signal = 33, .set_tid = 0x10, .set_tid_size = 1};
  a.flags = 0x203381200;
  REQUIRE(line("clone3", {bytes(a), 88}) ==
          "clone3({flags=CLONE_FS|CLONE_PIDFD|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|"
          "CLONE_NEWCGROUP|CLONE_INTO_CGROUP, pidfd=NULL, child_tid=NULL, parent_tid=NULL, exit_signal=SIGRT_1, "
          "stack=NULL, stack_size=0, tls=NULL, set_tid=0x10, set_tid_size=1, cgroup=0}, 88)");
  a = {.flags = 0x400000000, .exit_signal = 0x1234567};
  REQUIRE(line("clone3", {bytes(a), 88}) ==
          "clone3({flags=0x400000000 /* CLONE_??? */, exit_signal=19088743, stack=NULL, stack_size=0}, 88)");
}

TEST_CASE("clone3: the pid that the kernel stored stands behind the structure") {
  const CloneArgs a{.flags = 0x100000, .parent_tid = 0x10, .exit_signal = 17};
  RawCall raw = given("clone3", {bytes(a), 88});
  raw.result = 12279;
  REQUIRE(line(raw) ==
          "clone3({flags=CLONE_PARENT_SETTID, parent_tid=0x10, exit_signal=SIGCHLD, stack=NULL, stack_size=0} => "
          "{parent_tid=[12279]}, 88)");
}

TEST_CASE("clone3: a structure of another size than today's") {
  const CloneArgs a{.flags = 0x20200, .exit_signal = 17, .cgroup = 7};
  Given given = bytes(a);
  given.piece->bytes.resize(64);
  REQUIRE(line("clone3", {given, 64}) ==
          "clone3({flags=CLONE_FS|CLONE_NEWNS, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 64)");
  REQUIRE(line("clone3", {kSomewhere, 63}) == "clone3(0x7f0000001000, 63)");
  REQUIRE(line("clone3", {0, 88}) == "clone3(NULL, 88)");
  given.piece->bytes.resize(10);
  REQUIRE(line("clone3", {given, 64}) == "clone3(0x7f0000001000<fault>, 64)");
  REQUIRE(line("clone3", {bytes(a, std::uint64_t{7}), 96}) ==
          "clone3({flags=CLONE_FS|CLONE_NEWNS, exit_signal=SIGCHLD, stack=NULL, stack_size=0, cgroup=7, "
          "/* bytes 88..95 */ \"\\x07\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"}, 96)");
  REQUIRE(line("clone3", {bytes(a, std::uint64_t{0}), 96}) ==
          "clone3({flags=CLONE_FS|CLONE_NEWNS, exit_signal=SIGCHLD, stack=NULL, stack_size=0, cgroup=7}, 96)");
}

TEST_CASE("a descriptor within a structure says what it is") {
  RawCall cloned = given("clone3", {bytes(CloneArgs{.flags = 0x200000000, .exit_signal = 17, .cgroup = 7}), 88});
  cloned.fds[0].text = "/sys/fs/cgroup/a<b";
  REQUIRE(line(cloned) ==
          "clone3({flags=CLONE_INTO_CGROUP, exit_signal=SIGCHLD, stack=NULL, stack_size=0, "
          "cgroup=7</sys/fs/cgroup/a\\74b>}, 88)");
  const std::array<std::uint64_t, 4> attr{0x100000, 0, 0, 9};
  RawCall mapped = given("mount_setattr", {3, str(""), 0, bytes(attr), 32});
  mapped.fds[3].text = "user:[4026532001]";
  const Call call = decode(mapped);
  REQUIRE(arg_text(call.args[3]).ends_with(", userns_fd=9<user:[4026532001]>}"));
  REQUIRE(arg_text(call.args[3], {.targets = false}).ends_with(", userns_fd=9}"));
}

TEST_CASE("mount: NULL, and the arguments that its flags make meaningless are addresses") {
  REQUIRE(line("mount", {0, 0, 0, 0, 0}) == "mount(NULL, NULL, NULL, 0, NULL)");
  REQUIRE(line("mount", {str("proc"), str("/proc"), str("proc"), 0xe, 0}) ==
          "mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)");
  REQUIRE(line("mount", {0, str("/"), str("rubbish"), 0x84000, 0}) ==
          "mount(NULL, \"/\", 0x7f0000001000, MS_REC|MS_SLAVE, NULL)");
  REQUIRE(line("mount", {str("a"), str("/b"), fault(0x10), 0x1000, str("data")}) ==
          "mount(\"a\", \"/b\", 0x10, MS_BIND, 0x7f0000001000)");
  REQUIRE(line("mount", {str("a"), str("/b"), str("t"), 0x20, str("data")}) ==
          "mount(\"a\", \"/b\", 0x7f0000001000, MS_REMOUNT, \"data\")");
  REQUIRE(line("mount", {str("a"), str("/b"), str("t"), 0x1020, str("data")}) ==
          "mount(\"a\", \"/b\", 0x7f0000001000, MS_REMOUNT|MS_BIND, \"data\")");
}

TEST_CASE("mount: the old magic number is not taken for flags") {
  REQUIRE(line("mount", {str("a"), str("/b"), str("ext4"), 0xc0ed0000, 0}) ==
          "mount(\"a\", \"/b\", \"ext4\", MS_MGC_VAL, NULL)");
  REQUIRE(line("mount", {str("a"), str("/b"), str("ext4"), 0xc0ed0001, 0}) ==
          "mount(\"a\", \"/b\", \"ext4\", MS_MGC_VAL|MS_RDONLY, NULL)");
}

TEST_CASE("mount: hostile bytes stay one line") {
  REQUIRE(line("mount", {str("\1a\n\"\xff"
                             "7"),
                         str("/x"), str(""), 0, cut("opt")}) ==
          "mount(\"\\1a\\n\\\"\\3777\", \"/x\", \"\", 0, \"opt\"...)");
}

TEST_CASE("umount2 flags") {
  REQUIRE(line("umount2", {str("."), 2}) == "umount2(\".\", MNT_DETACH)");
  REQUIRE(line("umount2", {str("."), 0xff}) == "umount2(\".\", MNT_FORCE|MNT_DETACH|MNT_EXPIRE|UMOUNT_NOFOLLOW|0xf0)");
  REQUIRE(line("umount2", {str("."), 0xfffff00}) == "umount2(\".\", 0xfffff00 /* MNT_??? */)");
}

TEST_CASE("sethostname: as many bytes as it says, if the kernel would take them") {
  REQUIRE(line("sethostname", {str("he\0llo"s), 6}) == "sethostname(\"he\\0llo\", 6)");
  REQUIRE(line("sethostname", {str("x"), 65}) == "sethostname(0x7f0000001000, 65)");
  REQUIRE(line("sethostname", {str(""), 0}) == "sethostname(\"\", 0)");
  REQUIRE(line("sethostname", {0, 5}) == "sethostname(NULL, 5)");
  REQUIRE(line("sethostname", {str("x"), -1}) == "sethostname(0x7f0000001000, 4294967295)");
}

TEST_CASE("calls without arguments, and results") {
  REQUIRE(line("fork", {}) == "fork()");
  REQUIRE(line("vfork", {}) == "vfork()");
  REQUIRE(line("exit_group", {300}) == "exit_group(300)");
  REQUIRE(line("exit_group", {0xffffffff}) == "exit_group(-1)");
  RawCall raw = given("chroot", {str("/x")});
  raw.result = -2;
  const Call call = decode(raw);
  REQUIRE(call.name == "chroot");
  REQUIRE(call.failed());
  REQUIRE(result_text(call) == "-1 ENOENT (No such file or directory)");
  REQUIRE(decode_args(RawCall{}).empty());
}

TEST_CASE("descriptors of all calls show their targets") {
  REQUIRE(line("fchdir", {fd(7, "/run")}) == "fchdir(7</run>)");
  REQUIRE(line("move_mount", {fd(3, ""), str(""), fd(-100, "/folder"), str("/mnt"), 4}) ==
          "move_mount(3, \"\", AT_FDCWD</folder>, \"/mnt\", MOVE_MOUNT_F_EMPTY_PATH)");
  REQUIRE(line("pidfd_send_signal", {fd(9, "pid:812"), 9, 0, 0}) == "pidfd_send_signal(9<pid:812>, SIGKILL, NULL, 0)");
  REQUIRE(line("fcntl", {fd(9, "memfd:runc"), 1033, 0xf}) ==
          "fcntl(9<memfd:runc>, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE)");
}

TEST_CASE("openat2: how a path is followed") {
  const auto how = [](std::uint64_t flags, std::uint64_t mode, std::uint64_t resolve) {
    return bytes(flags, mode, resolve);
  };
  REQUIRE(line("openat2", {fd(5, "/rootfs"), str("proc"), how(0x290000, 0, 0x10), 24}) ==
          "openat2(5</rootfs>, \"proc\", {flags=O_RDONLY|O_CLOEXEC|O_PATH|O_DIRECTORY, resolve=RESOLVE_IN_ROOT}, 24)");
  REQUIRE(line("openat2", {-100, str("a"), how(0101, 0600, 0), 24}) ==
          "openat2(AT_FDCWD, \"a\", {flags=O_WRONLY|O_CREAT, mode=0600, resolve=0}, 24)");
  REQUIRE(
      line("openat2", {-100, str("a"), how(0x1000000000, 0, 0x45), 24}) ==
      "openat2(AT_FDCWD, \"a\", {flags=O_RDONLY|0x1000000000, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|0x40}, 24)");
  REQUIRE(line("openat2", {-100, str("a"), bytes(std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}, 1), 28}) ==
          "openat2(AT_FDCWD, \"a\", {flags=O_RDONLY, resolve=0, /* bytes 24..27 */ \"\\x01\\x00\\x00\\x00\"}, 28)");
  REQUIRE(line("openat2", {-100, str("a"), 0x10, 8}) == "openat2(AT_FDCWD, \"a\", 0x10, 8)");
  REQUIRE(line("openat2", {-100, str("a"), fault(0x10), 24}) == "openat2(AT_FDCWD, \"a\", 0x10<fault>, 24)");
}

TEST_CASE("bind: paths end at their NUL, abstract names have all their bytes") {
  const auto bind = [](const std::string& address) {
    const std::string text = line("bind", {3, str(address), address.size()});
    return text.substr(8, text.rfind(", ") - 8);
  };
  REQUIRE(line("bind", {fd(3, "socket:[77]"), str("\1\0/run/x\0"s), 9}) ==
          "bind(3<socket:[77]>, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9)");
  REQUIRE(bind("\1\0/run/x\0left over"s) == "{sa_family=AF_UNIX, sun_path=\"/run/x\"}");
  REQUIRE(bind("\1\0\0/shim/a\0b"s) == "{sa_family=AF_UNIX, sun_path=@\"/shim/a\\0b\"}");
  REQUIRE(bind("\1\0a\"\n\x1b"s) == "{sa_family=AF_UNIX, sun_path=\"a\\\"\\n\\33\"}");
  REQUIRE(bind("\1\0"s) == "{sa_family=AF_UNIX}");
  REQUIRE(bind("\1\0\0"s) == "{sa_family=AF_UNIX, sun_path=@\"\"}");
  REQUIRE(bind("\2\0\0\x50\x7f\0\0\1\0\0\0\0\0\0\0\0"s) ==
          "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}");
  REQUIRE(bind("\2\0\0\x50"s) == "{sa_family=AF_INET, sa_data=\"\\0P\"}");
  REQUIRE(
      bind("\12\0\x1f\x90\0\0\0\0"s + std::string(15, '\0') + "\1"s + std::string(4, '\0')) ==
      "{sa_family=AF_INET6, sin6_port=htons(8080), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), "
      "sin6_scope_id=0}");
  REQUIRE(bind("\20\0\0\0\0\0\0\0\1\0\0\0"s) == "{sa_family=AF_NETLINK, nl_pid=0, nl_groups=0x000001}");
  REQUIRE(bind("\20\0\0\0\0\0\0\0\0\0\0\0"s) == "{sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}");
  REQUIRE(bind("\xff\1ab"s) == "{sa_family=0x1ff /* AF_??? */, sa_data=\"ab\"}");
  REQUIRE(line("bind", {3, 0x10, 1}) == "bind(3, 0x10, 1)");
  REQUIRE(line("bind", {3, str("\1\0x"s), kMinusOne}) == "bind(3, 0x7f0000001000, -1)");
  REQUIRE(line("bind", {3, str("\1\0"s), 110}) == "bind(3, 0x7f0000001000<fault>, 110)");
  REQUIRE(line("bind", {3, 0, 110}) == "bind(3, NULL, 110)");
}

TEST_CASE("names that came after strace 6.1") {
  REQUIRE(line("open_tree_attr", {-100, str("/a"), 1,
                                  bytes(std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}), 32}) ==
          "open_tree_attr(AT_FDCWD, \"/a\", OPEN_TREE_CLONE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=0, "
          "propagation=0 /* MS_??? */, userns_fd=0}, 32)");
  REQUIRE(line("memfd_create", {str("runc_clone"), 0x12}) ==
          "memfd_create(\"runc_clone\", MFD_ALLOW_SEALING|MFD_EXEC)");
  REQUIRE(line("fsconfig", {3, 8, 0, 0, 0}) == "fsconfig(3, FSCONFIG_CMD_CREATE_EXCL, NULL, NULL, 0)");
  REQUIRE(line("move_mount", {-100, str("/a"), -100, str("/b"), 0x200}) ==
          "move_mount(AT_FDCWD, \"/a\", AT_FDCWD, \"/b\", MOVE_MOUNT_BENEATH)");
}

TEST_CASE("capset: an unknown version is taken for the first, one word each") {
  REQUIRE(line("capset", {bytes(0x20080521, -1), bytes(1, 0x8000, 0, 1, 0x80, 0)}) ==
          "capset({version=0x20080521 /* _LINUX_CAPABILITY_VERSION_??? */, pid=-1}, {effective=1<<CAP_CHOWN, "
          "permitted=1<<CAP_IPC_OWNER, inheritable=0})");
}

TEST_CASE("lists that could not be read whole say so") {
  REQUIRE(line("setgroups", {2000, bytes(1, 2)}) == "setgroups(2000, [1, 2, ... /* 0x7f0000001008 */])");
  REQUIRE(line("semop", {1, bytes(std::uint16_t{0}, std::int16_t{-1}, std::uint16_t{0}), 2}) ==
          "semop(1, [{sem_num=0, sem_op=-1, sem_flg=0}, ... /* 0x7f0000001006 */], 2)");
  REQUIRE(line("msgsnd", {1, bytes(std::uint64_t{7}, 'h', 'i'), 5, 0}) ==
          "msgsnd(1, {mtype=7, mtext=\"hi\"...}, 5, 0)");
  REQUIRE(line("fsconfig", {3, 2, str("key"), str("ab"), 5}) ==
          "fsconfig(3, FSCONFIG_SET_BINARY, \"key\", \"\\x61\\x62\"..., 5)");
}

TEST_CASE("what a call only stores is shown once it has stored it") {
  RawCall raw = given("prctl", {2, bytes(9)});
  raw.pieces[1]->bytes = "\x09";
  REQUIRE(line(raw) == "prctl(PR_GET_PDEATHSIG, 0x7f0000001000)");
  raw.result = 0;
  REQUIRE(line(raw) == "prctl(PR_GET_PDEATHSIG, [SIGKILL])");
  raw.pieces[1]->bytes = "";
  REQUIRE(line(raw) == "prctl(PR_GET_PDEATHSIG, [0])");
  raw.result = -14;
  REQUIRE(line(raw) == "prctl(PR_GET_PDEATHSIG, 0x7f0000001000)");

  raw = given("keyctl", {6, 1, str("keyring;0;0;3f130000;_ses"), 26});
  REQUIRE(line(raw) == "keyctl(KEYCTL_DESCRIBE, 1, 0x7f0000001000, 26)");
  raw.result = 26;
  REQUIRE(line(raw) == "keyctl(KEYCTL_DESCRIBE, 1, \"keyring;0;0;3f130000;_ses\", 26)");
  raw.result = 27;  // it did not fit, and nothing was written
  REQUIRE(line(raw) == "keyctl(KEYCTL_DESCRIBE, 1, 0x7f0000001000, 26)");
  raw.result = -128;
  REQUIRE(line(raw) == "keyctl(KEYCTL_DESCRIBE, 1, 0x7f0000001000, 26)");
}

TEST_CASE("arm64: flags of files and structures of semaphores lie elsewhere") {
  RawCall raw = given("fcntl", {3, 4, 040000});
  REQUIRE(line(raw) == "fcntl(3, F_SETFL, O_RDONLY|O_DIRECT)");
  raw.arm64 = true;
  REQUIRE(line(raw) == "fcntl(3, F_SETFL, O_RDONLY|O_DIRECTORY)");
  std::string semid(104, '\0');
  semid[56] = 7;
  raw = given("semctl", {0, 0, 2, str(semid)});
  raw.result = 0;
  raw.arm64 = true;
  REQUIRE(line(raw) ==
          "semctl(0, 0, IPC_STAT, {sem_perm={uid=0, gid=0, mode=000, key=0, cuid=0, cgid=0}, sem_otime=0, "
          "sem_ctime=7, sem_nsems=0})");
}

// ---- strace's own lines ----

namespace {

// A line of golden/decode/strace.txt, which tests/strace/corpus.py makes.
struct Recorded {
  std::string text;
  RawCall raw;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) fields.push_back(field);
  return fields;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// What the kernel side would read of the memory behind argument `arg`; it follows capture_of() and nothing else.
std::optional<Piece> captured(const RawCall& raw, int arg, const std::optional<std::string>& memory) {
  const CaptureSpec spec = capture_of(*raw.syscall, arg);
  if (spec.first && static_cast<std::uint32_t>(raw.args[0]) != spec.first) return std::nullopt;
  if (spec.firsts && (raw.args[0] >= 32 || !(spec.firsts >> raw.args[0] & 1))) return std::nullopt;
  if (raw.args[arg] == 0) return std::nullopt;
  std::size_t size = 0;
  switch (spec.what) {
    case Capture::Nothing:
    case Capture::Descriptor:
      return std::nullopt;
    case Capture::String:
      if (!memory) return Piece{"", true, false};
      return Piece{memory->substr(0, memory->find('\0')), false, false};
    case Capture::Bytes:
      size = spec.size;
      break;
    case Capture::BytesOfArg:
      size = raw.args[spec.size] * spec.scale + spec.extra;
      break;
  }
  size = std::min(size, kCaptureMax - 1);
  if (size == 0) return Piece{};
  if (!memory) return Piece{"", true, false};
  std::string bytes = memory->substr(0, size);
  bytes.resize(size);  // a structure may be longer than what the call was given
  return Piece{std::move(bytes), false, false};
}

Recorded recorded(const std::string& line) {
  const std::vector<std::string> fields = split(line);
  REQUIRE(fields.size() == 9);
  Recorded out{fields[0], {}};
  out.raw.syscall = find_syscall(fields[2]);
  if (!fields[1].empty()) out.raw.result = std::stoll(fields[1]);
  std::array<std::optional<std::string>, 6> memory;
  for (int i = 0; i < 6; ++i) {
    const std::string& field = fields[3 + i];
    out.raw.args[i] = std::stoull(field, nullptr, 16);
    if (const std::size_t colon = field.find(':'); colon != field.npos) memory[i] = from_hex(field.substr(colon + 1));
  }
  if (out.raw.syscall)
    for (int i = 0; i < 6; ++i) out.raw.pieces[i] = captured(out.raw, i, memory[i]);
  return out;
}

// Where strace writes a bare address for memory that it could not read, so do we, but say so.
std::string without_faults(std::string text) {
  for (std::size_t at; (at = text.find("<fault>")) != text.npos;) text.erase(at, 7);
  return text;
}

}  // namespace

TEST_CASE("every recorded call is written as strace wrote it") {
  std::istringstream in(read_file(golden_path("decode/strace.txt")));
  int lines = 0;
  for (std::string text; std::getline(in, text); ++lines) {
    const Recorded call = recorded(text);
    INFO(text);
    REQUIRE(call.raw.syscall);
    CHECK(without_faults(line(call.raw)) == call.text);
  }
  CHECK(lines > 700);
}

TEST_CASE("no call is written as strace writes it by luck: garbage in every argument and no memory") {
  for (const SyscallRow& row : syscalls()) {
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, kMinusOne, std::uint64_t{0x7f0000001000}}) {
      RawCall raw;
      raw.syscall = &row;
      raw.args.fill(value);
      INFO(row.name << " " << value);
      for (const int bytes : {-1, 0, 1, 3, 7, 11, 15, 63, 255}) {
        for (auto& piece : raw.pieces)
          if (bytes >= 0) piece = Piece{std::string(static_cast<std::size_t>(bytes), '\xff'), false, true};
        const std::string text = line(raw);
        CHECK(text.starts_with(row.name));
        CHECK(text.find_first_of("\n\xff") == text.npos);
      }
    }
  }
}

namespace {

RawCall compat(int number, std::initializer_list<Given> args) {
  const CompatCall* found = find_compat(number);
  REQUIRE(found);
  RawCall raw = given(found->call, args);
  raw.compat = found;
  return raw;
}

}  // namespace

TEST_CASE("32-bit: only the lower half of a register counts") {
  REQUIRE(line(compat(310, {0xffffffff20000000})) == "unshare(CLONE_NEWPID)");
  REQUIRE(line(compat(401, {1, 0, 0, 0xfffffffe, 0})) == "msgrcv(1, NULL, 0, -2, 0)");
  REQUIRE(decode(compat(310, {0})).abi == "i386");
}

TEST_CASE("32-bit: clone has the order of arm64") {
  REQUIRE(line(compat(120, {0x1080011, 0, 0, 0x111, 0x222})) ==
          "clone(child_stack=NULL, flags=CLONE_SETTLS|CLONE_CHILD_SETTID|SIGCHLD, tls=0x111, child_tidptr=0x222)");
}

TEST_CASE("32-bit: ids of 16 bits, and of 32 under the same name") {
  REQUIRE(line(compat(203, {70000, 0xffffffff})) == "setreuid(70000, -1)");
  REQUIRE(line(compat(70, {0x7000ffff, 0x70001234})) == "setreuid(-1, 4660)");
  REQUIRE(line(compat(206, {1, bytes(std::uint32_t{70000})})) == "setgroups(1, [70000])");
  REQUIRE(line(compat(81, {1, bytes(std::uint32_t{70000})})) == "setgroups(1, 0x1000)");
}

TEST_CASE("32-bit: what has another layout stands as an address") {
  REQUIRE(line(compat(354, {1, 0, bytes(std::uint64_t{3}, std::uint64_t{0x1234})})) ==
          "seccomp(SECCOMP_SET_MODE_FILTER, 0, 0x1000)");
  REQUIRE(line(compat(172, {22, 2, bytes(std::uint64_t{3}, std::uint64_t{0x1234})})) ==
          "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0x1000)");
  REQUIRE(line(compat(172, {15, str("name")})) == "prctl(PR_SET_NAME, \"name\")");
  REQUIRE(line(compat(21, {str("a"), str("/b"), str("tmpfs"), 2, 0})) ==
          "mount(\"a\", \"/b\", \"tmpfs\", MS_NOSUID, NULL)");
}
