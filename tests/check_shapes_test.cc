// SPDX-License-Identifier: MIT
// No pattern is taken that nothing can match: every call of the table, with values of every kind in every place. And
// whatever has been recorded can be written.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <set>

#include "check/parse.h"
#include "check/shapes.h"
#include "tests/catch.h"
#include "trace/file.h"
#include "trace/syscalls.h"
#include "trace/text.h"

using namespace nstrace;
using namespace nstrace::check;
using trace::ArgType;

namespace {

std::string error_of(const std::string& call) {
  try {
    parse("x", "role a = exec \"x\"\nnever a: " + call + "\n");
  } catch (const ParseError& error) {
    return error.what();
  }
  return "";
}

std::string state_error(const std::string& line) {
  try {
    parse("x", "role a = exec \"x\"\nat a: execve(...) {\n  " + line + "\n}\n");
  } catch (const ParseError& error) {
    return error.what();
  }
  return "";
}

// What stands for any value of its kind.
const std::string kText = "\"x\"", kNumber = "7", kNull = "NULL", kList = "[7]", kStruct = "{frobnicate=7, ...}",
                  kWord = "FROBNICATE", kTarget = "_<mnt:[*]>";

// Those of them that an argument of the type can be.
std::set<std::string> right(ArgType type) {
  using enum ArgType;
  switch (type) {
    case None:
      return {};
    case Int:
    case Unsigned:
    case Size:
    case Long:
    case Hex:
    case Octal:
    case Uid:
    case Pid:
    case OpenMode:
      return {kNumber, kNull};
    case Device:
      return {kNumber, kNull};
    case Address:
    case CloneArgs:
    case MountAttr:
    case OpenHow:
    case SockAddr:
    case CapHeader:
    case CapData:
    case Timespec:
    case ShmBuf:
    case SemBuf:
    case MsgBuf:
    case Message:
      return {kNull};
    case Path:
    case Text:
    case BytesArg:
    case Data:
    case MemfdName:
      return {kText, kNull};
    case Argv:
    case Envp:
    case GidList:
      return {kList, kNull};
    case SemOps:
      return {kNull};  // a list, but of structures
    case Fd:
    case AtFd:
      return {kNumber, kTarget};
    case Signal:
    case OpenFlags:
    case FileMode:
    case CloneFlags:
    case NsFlags:
    case NsType:
    case MountFlags:
    case UmountFlags:
    case OpenTreeFlags:
    case MoveMountFlags:
    case FsopenFlags:
    case FsconfigCmd:
    case FsmountFlags:
    case MountAttrFlags:
    case FspickFlags:
    case AtFlags:
    case SetattrFlags:
    case Prctl:
    case SeccompOp:
    case SeccompFlags:
    case KeyctlOp:
    case MemfdFlags:
    case PidfdFlags:
    case CloseRangeFlags:
    case FcntlCmd:
    case IpcKey:
    case ShmFlags:
    case SemFlags:
    case MsgFlags:
    case ShmatFlags:
    case MsgOpFlags:
    case ShmCmd:
    case SemCmd:
    case MsgCmd:
      return {kNumber};
    case FsconfigValue:
      return {kText, kNull};
    case FsconfigAux:
      return {kNumber, kNull, kTarget};
    case PrctlText:
      return {kText, kNumber, kNull, kList};
    case PrctlFilter:
    case PrctlArg:
    case FcntlArg:
      return {kNumber, kNull};
    case PrctlVmaName:
      return {kText, kNumber, kNull};
    case SeccompArg:
      return {kNull, kList};
    case KeyctlArg:
      return {kNumber, kNull};
    case KeyctlName:
    case KeyctlText:
    case KeyctlType:
      return {kText, kNumber, kNull};
  }
  return {};
}

// The call with that value in one place.
std::string call_with(const trace::SyscallRow& row, std::size_t index, const std::string& value) {
  if (row.named_args) return fmt::format("{}({}={}, ...)", row.name, row.args[index].name, value);
  std::string out = fmt::format("{}(", row.name);
  for (std::size_t i = 0; i < index; ++i) out += "_, ";
  return out + value + ", ...)";
}

// A recorded argument as an expectation has it.
std::string written(const trace::Arg& arg) {
  std::string text = trace::arg_text(arg);
  if (arg.kind == trace::Arg::Kind::Struct)
    text = fmt::format("{{{}{}}}", fmt::join(arg.list, ", "), arg.cut ? ", ..." : "");
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    const bool inside = quoted || arg.kind == trace::Arg::Kind::Descriptor;
    if (inside && (text[i] == '*' || text[i] == '?' || text[i] == '$')) out += '\\';
    out += text[i];
  }
  return out;
}

std::string written(const trace::Call& call) {
  const trace::SyscallRow* row = trace::find_syscall(call.name);
  std::string out = call.name + "(";
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i) out += ", ";
    if (row && row->named_args) out += call.args[i].name + "=";
    out += written(call.args[i]);
  }
  return out + ")";
}

struct Calls : trace::Sink {
  void header(const trace::Header&) override {}
  void existing(const trace::Existing&) override {}
  void event(const trace::Event& event) override {
    if (!event.call.name.empty()) all.insert(written(event.call));
  }
  void footer(const trace::Footer&) override {}
  std::set<std::string> all;
};

}  // namespace

TEST_CASE("every argument of the table: a value of a wrong kind is refused, one of a right kind is taken") {
  std::vector<trace::SyscallRow> rows(trace::syscalls().begin(), trace::syscalls().end());
  rows.insert(rows.end(), trace::gate_calls().begin(), trace::gate_calls().end());
  for (const trace::SyscallRow& row : rows)
    for (std::size_t i = 0; i < std::size(row.args) && row.args[i].type != ArgType::None; ++i) {
      std::set<std::string> fits = right(row.args[i].type);
      if (row.args[i].name == "parent_tid") fits.insert(kList);  // what the kernel stored there: [812]
      for (const std::string& value : {kText, kNumber, kNull, kList, kStruct, kWord, kTarget}) {
        const std::string call = call_with(row, i, value);
        INFO(call << "\n" << error_of(call));
        CHECK(error_of(call).empty() == fits.contains(value));
      }
    }
}

TEST_CASE("what was recorded can be written") {
  Calls calls;
  for (const char* folder : {"/tests/traces", "/examples"})
    for (const auto& entry : std::filesystem::directory_iterator(std::string(NSTRACE_SOURCE_DIR) + folder)) {
      const std::string path = entry.path();
      if (path.ends_with(".jsonl") || path.ends_with(".zst")) trace::read_trace(path, calls);
    }
  REQUIRE(calls.all.size() > 500);
  std::string refused;
  for (const std::string& call : calls.all)
    if (const std::string error = error_of(call); !error.empty()) refused += error;
  CHECK(refused == "");
}

TEST_CASE("words, fields, lists: those that are known, in any notation") {
  for (const char* call : {
           "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {inheritable=!0, effective=!1<<CAP_SYS_ADMIN, ...})",
           "capset(_, {effective=1<<CAP_CHOWN|1<<CAP_BPF, ...})",
           "prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)",
           "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETPCAP, 0, 0)",
           "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)",
           "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {len=_, ...})",
           "prctl(PR_SET_NAME, \"x*\")",
           "prctl(PR_SET_PDEATHSIG, SIGKILL or SIGTERM)",
           "prctl(PR_GET_PDEATHSIG, [SIGKILL])",
           "prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, _, _, \"heap\")",
           "prctl(PR_SET_*, ...)",
           "prctl(option=PR_SET_NO_NEW_PRIVS, arg2=1, ...)",
           "mount(_, _, _, MS_MGC_VAL|MS_BIND|?MS_REC, 0xc000123456)",
           "mount(\"\", \"/\", 0x55d0c0ffee00, MS_REC|MS_SLAVE|..., _)",
           "open(_, O_RDWR|O_SYNC|O_TMPFILE, 0600)",
           "openat(AT_FDCWD, \"/x\", O_WRONLY|!O_TRUNC)",
           "openat2(AT_FDCWD, _, {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}, _)",
           "mknod(_, S_IFCHR|0666, makedev(0x1, 0x3))",
           "mknodat(_, _, S_IFIFO|0600)",
           "setgroups(2, [0, 5])",
           "setgroups(1, ![0])",
           "semop(_, [{sem_num=0, sem_op=-1, sem_flg=SEM_UNDO}], 1)",
           "bind(_, {sa_family=AF_UNIX, sun_path=\"/run/*\"}, _)",
           "bind(_, {sa_family=AF_INET, sin_port=htons(53), ...}, _)",
           "clone(flags=!CLONE_NEW*, ...)",
           "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, "
           "child_tidptr=0x7f1234567890)",
           "clone3({flags=CLONE_INTO_CGROUP|CLONE_NEWTIME, exit_signal=SIGCHLD, cgroup=5, ...}, 88)",
           "killed(SIGRT_2)",
           "keyctl(KEYCTL_JOIN_SESSION_KEYRING, \"_ses.*\")",
           "keyctl(KEYCTL_SETPERM, _, KEY_POS_VIEW|...)",
           "fcntl(_, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK|...)",
           "fcntl(_, F_DUPFD_CLOEXEC, 3)",
           "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0666)",
           "shmctl(_, IPC_STAT, {shm_perm={mode=0600, ...}, ...})",
           "seccomp(SECCOMP_GET_ACTION_AVAIL, 0, [SECCOMP_RET_USER_NOTIF])",
           "seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, _)",
           "execve(\"*/x\", [\"x\", 5, ...], 0x7ffd12345678 /* 44 vars */)",
           "execve(_, _, [\"PATH=*\", ...])",
           "exec(\"*/x\", ...)",
           "%ns(...)",
           "set*id(0, ...)",
           "socket(AF_UNIX, SOCK_STREAM, 0)",
           "setns(3<p*:[*]>, _)",
           "write(_</proc/self/uid_map>, \"0 *\", _)",
           "setresuid|setreuid(ruid=0, ...)",
       }) {
    INFO(call);
    CHECK(error_of(call) == "");
  }
  for (const char* line : {"seccomp: !none", "seccomp: filter or \"strict\"", "seccomp: 2", "seccomp: !\"none\"",
                           "no_new_privs: 1", "caps: !CAP_SYS_ADMIN", "caps: 0",
                           "caps: {inheritable=0, bounding=!CAP_*, ...}", "groups: []", "groups: ![..., 0, ...]",
                           "groups: [>4, ...]", "uid: !0", "pid: >1", "comm: !\"sh\"", "cwd: !\"(unreachable)*\"",
                           "fds: [0, 1, 2]", "fds: ![..., 3..99</host/*>, ...]", "fds: [..., _<pipe:*>, \"/dev/*\"]"}) {
    INFO(line);
    CHECK(state_error(line) == "");
  }
}
