// SPDX-License-Identifier: MIT
// What arguments are and how they are written; then the methods, one per system call.
#include "lab/stage.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstring>

#include "trace/error.h"

namespace nstrace::lab {
namespace {

// As strace quotes: C escapes, other bytes in octal.
std::string quoted(std::string_view bytes) {
  std::string out = "\"";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const bool digit_follows = i + 1 < bytes.size() && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';
    if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else {
      char octal[5];
      std::snprintf(octal, sizeof octal, digit_follows ? "\\%03o" : "\\%o", c);
      out += octal;
    }
  }
  return out + '"';
}

}  // namespace

Arg number(std::int64_t n) {
  return {.number = static_cast<std::uint64_t>(n), .shown = std::to_string(n)};
}

Arg named(std::uint64_t value, std::string_view expression) {
  Arg arg{.number = value, .shown = std::string(expression)};
  for (std::size_t at; (at = arg.shown.find(" | ")) != std::string::npos;) arg.shown.replace(at, 3, "|");
  return arg;
}

Arg text(std::string_view string) {
  return {.kind = LAB_DATA, .bytes = std::string(string) + '\0', .shown = quoted(string)};
}

Arg null() {
  return {.shown = "NULL"};
}

Arg text_or_null(const char* string) {
  return string != nullptr ? text(string) : null();
}

Arg data(std::string bytes, std::string shown) {
  return {.kind = LAB_DATA, .bytes = std::move(bytes), .shown = std::move(shown)};
}

Arg list(std::vector<std::string> strings) {
  Arg arg{.kind = LAB_LIST, .shown = "["};
  for (const std::string& s : strings) arg.shown += (&s == &strings[0] ? "" : ", ") + quoted(s);
  arg.shown += ']';
  arg.list = std::move(strings);
  return arg;
}

Arg value(const Register& from) {
  return {.kind = LAB_VALUE, .number = from.index, .shown = '<' + from.name + '>'};
}

Arg place(const Register& to, std::string shown) {
  return {.kind = LAB_PLACE, .number = to.index, .shown = std::move(shown)};
}

Arg status(const Register& from) {
  return {.kind = LAB_STATUS, .number = from.index, .shown = '<' + from.name + '>'};
}

Arg with_pid(std::string_view string, const Register& pid) {
  Arg arg{.kind = LAB_TEMPLATE, .number = pid.index, .bytes = std::string(string) + '\0'};
  std::string shown(string);
  if (const std::size_t at = shown.find('%'); at != std::string::npos) shown.replace(at, 1, '<' + pid.name + '>');
  arg.shown = quoted(shown);
  return arg;
}

std::string Step::call_text() const {
  std::string out = name + '(';
  if (!shown_args.empty()) return out + shown_args + ')';
  bool first = true;
  for (const Arg& arg : args) {
    if (arg.shown.empty()) continue;
    if (!first) out += ", ";
    out += arg.shown;
    first = false;
  }
  return out + ')';
}

// ---- any call

Stage& Stage::why(std::string reason) {
  why_ = std::move(reason);
  return *this;
}

Stage& Stage::may_fail_with(int error) {
  tolerated_ = error;
  return *this;
}

Step& Stage::call(std::string call_name, long number, std::vector<Arg> args) {
  Step step;
  step.name = std::move(call_name);
  step.call = number;
  step.args = std::move(args);
  step.why = std::exchange(why_, {});
  step.tolerated = std::exchange(tolerated_, 0);
  step.shown_result = " = 0";
  return steps.emplace_back(std::move(step));
}

void Stage::expect(std::int64_t result) {
  steps.back().expect = LAB_EXACT;
  steps.back().expected = result;
  steps.back().shown_result = " = " + std::to_string(result);
}

void Stage::expect_failure(int error) {
  steps.back().expect = LAB_NO_RETURN;
  steps.back().tolerated = error;
  steps.back().shown_result = std::string(" = -1 ") + strerrorname_np(error) + " (" + strerrordesc_np(error) + ')';
}

void Stage::expect(const Register& result) {
  steps.back().expect = LAB_REGISTER;
  steps.back().expected = result.index;
  steps.back().shown_result = " = <" + result.name + '>';
}

void Stage::expect_any(std::string shown) {
  steps.back().expect = LAB_ANY;
  steps.back().shown_result = " = " + std::move(shown);
}

void Stage::keep(const Register& result) {
  steps.back().expect = LAB_ANY;
  steps.back().result = result.index;
  steps.back().shown_result = " = <" + result.name + '>';
}

// ---- processes

void Stage::prctl(Arg option, Arg argument) {
  call(CALL(prctl), {std::move(option), std::move(argument)});
}

void Stage::set_name() {
  prctl(NAMED(PR_SET_NAME), text(name));
}

// The parent may be gone before the kernel is told to kill this process with it; then getppid() is another's pid.
void Stage::die_with(const Register& parent) {
  if (why_.empty()) why("It dies with the first process; which may be gone already: then somebody else is the parent.");
  prctl(NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL));
  call(CALL(getppid), {});
  expect(parent);
}

void Stage::clone(Arg flags, Stage& child, const Register& pid) {
  Step& step = call(CALL(clone), {flags});
  step.shown_args = "child_stack=NULL, flags=" + flags.shown;
  step.child = child.index;
  keep(pid);
  child.fds_ = fds_;
  child.inherited_ = inherited_;
}

void Stage::clone3(Arg arguments, std::size_t size, Stage& child, const Register& pid) {
  call(CALL(clone3), {std::move(arguments), number(static_cast<std::int64_t>(size))}).child = child.index;
  keep(pid);
  child.fds_ = fds_;
  child.inherited_ = inherited_;
}

void Stage::wait_any_kind(const Register& pid, const Register& status) {
  call(CALL(wait4), {value(pid), place(status, "[<" + status.name + ">]"), NAMED(__WALL), null()});
  expect(pid);
}

void Stage::wait(const Register& pid, const Register& status) {
  call(CALL(wait4), {value(pid), place(status, "[<" + status.name + ">]"), number(0), null()});
  expect(pid);
}

void Stage::wait_well(const Register& pid, const Register& status) {
  call(CALL(wait4), {value(pid), place(status, "[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]"), number(0), null()});
  expect(pid);
  steps.back().expect = LAB_WELL;
}

// A thread wakes those that wait for it some steps before the kernel is done with it (kernel/exit.c, do_exit()); its
// folder goes last.
void Stage::wait_for_thread(const Register& tid) {
  call(CALL(faccessat), {NAMED(AT_FDCWD), with_pid("/proc/self/task/%", tid), NAMED(F_OK)});
  expect_failure(ENOENT);
  steps.back().expect = LAB_UNTIL;
}

void Stage::exit(Arg code) {
  call(CALL(exit_group), {std::move(code)});
  steps.back().expect = LAB_NO_RETURN;
  steps.back().shown_result = " = ?";
}

void Stage::execve(const std::string& path, std::vector<std::string> argv, std::vector<std::string> environment) {
  call(CALL(execve), {text(path), list(std::move(argv)), list(std::move(environment))});
  steps.back().expect = LAB_NO_RETURN;
}

void Stage::execve_self(Arg path, std::vector<std::string> argv, std::vector<std::string> environment, Stage& next) {
  prepare_self(environment, next);
  call(CALL(execve), {std::move(path), list(std::move(argv)), list(std::move(environment))});
  steps.back().expect = LAB_NO_RETURN;
  steps.back().next = next.index;
}

void Stage::execveat_self(int fd, std::vector<std::string> argv, std::vector<std::string> environment, Stage& next) {
  prepare_self(environment, next);
  call(CALL(execveat),
       {number(fd), text(""), list(std::move(argv)), list(std::move(environment)), NAMED(AT_EMPTY_PATH)});
  steps.back().expect = LAB_NO_RETURN;
  steps.back().next = next.index;
}

void Stage::prepare_self(std::vector<std::string>& environment, Stage& next) {
  keep_across_exec(LAB_REPORT_FD);
  keep_across_exec(LAB_PLAN_FD);
  environment.push_back("_LAB_PLAN=" + std::to_string(LAB_PLAN_FD));
  environment.push_back("_LAB_STAGE=" + std::to_string(next.index));
  next.fds_ = {0, 1, 2};
  next.fds_.insert(inherited_.begin(), inherited_.end());
  next.inherited_ = inherited_;
}

// ---- descriptors

int Stage::take_fd() {
  int fd = 0;
  while (fds_.count(fd) != 0) ++fd;
  fds_.insert(fd);
  expect(fd);
  return fd;
}

int Stage::opens(std::string call_name, long number, std::vector<Arg> args) {
  call(std::move(call_name), number, std::move(args));
  return take_fd();
}

int Stage::openat(const std::string& path, Arg flags) {
  return opens(CALL(openat), {NAMED(AT_FDCWD), text(path), std::move(flags)});
}

int Stage::openat(const std::string& path, Arg flags, Arg mode) {
  return opens(CALL(openat), {NAMED(AT_FDCWD), text(path), std::move(flags), std::move(mode)});
}

int Stage::openat(const std::string& path_with_pid, const Register& pid, Arg flags) {
  return opens(CALL(openat), {NAMED(AT_FDCWD), with_pid(path_with_pid, pid), std::move(flags)});
}

void Stage::close(int fd) {
  call(CALL(close), {number(fd)});
  if (fds_.erase(fd) == 0) {
    throw Error("the plan of " + name + " closes descriptor " + std::to_string(fd) + ", which is not open");
  }
  inherited_.erase(fd);
}

std::pair<int, int> Stage::two_fds() {
  const int first = take_fd();
  const int second = take_fd();
  expect(0);
  // Where the kernel writes the two numbers is of no interest: they are known.
  steps.back().args.push_back(Arg{.kind = LAB_PLACE,
                                  .number = LAB_SCRATCH,
                                  .shown = '[' + std::to_string(first) + ", " + std::to_string(second) + ']'});
  return {first, second};
}

std::pair<int, int> Stage::socketpair() {
  call(CALL(socketpair), {NAMED(AF_UNIX), NAMED(SOCK_STREAM | SOCK_CLOEXEC), number(0)});
  return two_fds();
}

std::pair<int, int> Stage::pipe() {
  call(CALL(pipe2), {});
  const std::pair<int, int> ends = two_fds();
  steps.back().args.push_back(NAMED(O_CLOEXEC));
  return ends;
}

void Stage::dup3(int from, int to, Arg flags) {
  const bool closes_on_exec = flags.number != 0;
  call(CALL(dup3), {number(from), number(to), std::move(flags)});
  expect(to);
  fds_.insert(to);
  if (!closes_on_exec) inherited_.insert(to);
}

void Stage::keep_across_exec(int fd) {
  call(CALL(fcntl), {number(fd), NAMED(F_SETFD), number(0)});
  inherited_.insert(fd);
}

void Stage::write(int fd, const std::string& bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  call(CALL(write), {number(fd), data(bytes, text(bytes).shown), number(size)});
  expect(size);
}

void Stage::write_with_pid(int fd, std::string_view string, const Register& pid) {
  call(CALL(write), {number(fd), with_pid(string, pid), Arg{.kind = LAB_LENGTH, .number = 1, .shown = "<size>"}});
  expect_any("<size>");
}

void Stage::write(int fd, const Register& first, int count) {
  call(CALL(write), {number(fd), place(first, "[<" + first.name + ">]"), number(4 * count)});
  expect(4 * count);
}

void Stage::read(int fd, const Register& first, int count) {
  call(CALL(read), {number(fd), place(first, "[<" + first.name + ">]"), number(4 * count)});
  expect(4 * count);
}

void Stage::read_end(int fd, const Register& unused) {
  call(CALL(read), {number(fd), place(unused, "\"\""), number(4)});
}

void Stage::fchdir(int fd) {
  call(CALL(fchdir), {number(fd)});
}

void Stage::chdir(const std::string& path) {
  call(CALL(chdir), {text(path)});
}

// ---- file systems

void Stage::mount(const char* source, const std::string& target, const char* type, Arg flags, const char* options) {
  call(CALL(mount), {text_or_null(source), text(target), text_or_null(type), std::move(flags), text_or_null(options)});
}

void Stage::umount(const std::string& target, Arg flags) {
  call(CALL(umount2), {text(target), std::move(flags)});
}

void Stage::mkdir(const std::string& path, Arg mode) {
  call(CALL(mkdirat), {NAMED(AT_FDCWD), text(path), std::move(mode)});
}

void Stage::symlink(const std::string& target, const std::string& path) {
  call(CALL(symlinkat), {text(target), NAMED(AT_FDCWD), text(path)});
}

int Stage::fsopen(const char* type) {
  return opens(CALL(fsopen), {text(type), NAMED(FSOPEN_CLOEXEC)});
}

void Stage::fsconfig(int context, const char* key, const char* value) {
  call(CALL(fsconfig), {number(context), NAMED(FSCONFIG_SET_STRING), text(key), text(value), number(0)});
}

int Stage::fsmount(int context, Arg attributes) {
  call(CALL(fsconfig), {number(context), NAMED(FSCONFIG_CMD_CREATE), null(), null(), number(0)});
  const int mounted = opens(CALL(fsmount), {number(context), NAMED(FSMOUNT_CLOEXEC), std::move(attributes)});
  close(context);
  return mounted;
}

void Stage::create_empty(const std::string& path, Arg mode) {
  close(openat(path, NAMED(O_WRONLY | O_CREAT | O_CLOEXEC), std::move(mode)));
}

}  // namespace nstrace::lab
