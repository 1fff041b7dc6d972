// SPDX-License-Identifier: MIT
// The vocabulary of plans: one method per system call, each with the result that it must have.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lab/plan.h"
#include "trace/error.h"

namespace nstrace::lab {

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
  step.expect = LAB_EXACT;  // most calls give 0
  step.shown_result = " = 0";
  return steps.emplace_back(std::move(step));
}

void Stage::expect(std::int64_t result) {
  steps.back().expect = LAB_EXACT;
  steps.back().expected = result;
  steps.back().shown_result = " = " + std::to_string(result);
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

int Stage::take_fd() {
  int fd = 0;
  while (fds_.count(fd) != 0) ++fd;
  fds_.insert(fd);
  expect(fd);
  return fd;
}

// ---- processes

void Stage::set_name() {
  call("prctl", SYS_prctl, {NAMED(PR_SET_NAME), text(name)});
}

void Stage::clone(Arg flags, Stage& child, const Register& pid) {
  Step& step = call("clone", SYS_clone, {flags});
  step.shown_args = "child_stack=NULL, flags=" + flags.shown;
  step.child = child.index;
  keep(pid);
  child.fds_ = fds_;
}

void Stage::wait(const Register& pid, const Register& status) {
  call("wait4", SYS_wait4, {value(pid), place(status, "[<" + status.name + ">]"), number(0), null()});
  expect(pid);
}

// The parent may be gone before the kernel is told to kill this process with it; then getppid() is another's pid.
void Stage::die_with_parent(const Register& parent) {
  call("prctl", SYS_prctl, {NAMED(PR_SET_PDEATHSIG), NAMED(SIGKILL)});
  call("getppid", SYS_getppid, {});
  expect(parent);
}

void Stage::exit(Arg code) {
  call("exit_group", SYS_exit_group, {std::move(code)});
  steps.back().expect = LAB_NO_RETURN;
  steps.back().shown_result = " = ?";
}

void Stage::execve(const std::string& path, std::vector<std::string> argv, std::vector<std::string> environment) {
  call("execve", SYS_execve, {text(path), list(std::move(argv)), list(std::move(environment))});
  steps.back().expect = LAB_NO_RETURN;
}

// ---- descriptors

int Stage::openat(const std::string& path, Arg flags) {
  call("openat", SYS_openat, {NAMED(AT_FDCWD), text(path), std::move(flags)});
  return take_fd();
}

int Stage::openat(const std::string& path, Arg flags, Arg mode) {
  call("openat", SYS_openat, {NAMED(AT_FDCWD), text(path), std::move(flags), std::move(mode)});
  return take_fd();
}

int Stage::openat(const std::string& path_with_pid, const Register& pid, Arg flags) {
  call("openat", SYS_openat, {NAMED(AT_FDCWD), pid_path(path_with_pid, pid), std::move(flags)});
  return take_fd();
}

void Stage::close(int fd) {
  call("close", SYS_close, {number(fd)});
  if (fds_.erase(fd) == 0)
    throw Error("the plan of " + name + " closes descriptor " + std::to_string(fd) + ", which is not open");
}

std::pair<int, int> Stage::socketpair() {
  Step& step = call("socketpair", SYS_socketpair, {NAMED(AF_UNIX), NAMED(SOCK_STREAM | SOCK_CLOEXEC), number(0)});
  const int first = take_fd();
  const int second = take_fd();
  expect(0);
  // Where the kernel writes the two numbers is of no interest: they are known.
  step.args.push_back(Arg{.kind = LAB_PLACE,
                          .number = LAB_SCRATCH,
                          .shown = '[' + std::to_string(first) + ", " + std::to_string(second) + ']'});
  return {first, second};
}

void Stage::write(int fd, const std::string& bytes) {
  const std::string shown = text(bytes).shown;
  const auto size = static_cast<std::int64_t>(bytes.size());
  call("write", SYS_write, {number(fd), data(bytes, shown), number(size)});
  expect(size);
}

void Stage::write(int fd, const Register& first, int count) {
  call("write", SYS_write, {number(fd), place(first, "[<" + first.name + ">]"), number(4 * count)});
  expect(4 * count);
}

void Stage::read(int fd, const Register& first, int count) {
  call("read", SYS_read, {number(fd), place(first, "[<" + first.name + ">]"), number(4 * count)});
  expect(4 * count);
}

void Stage::fchdir(int fd) {
  call("fchdir", SYS_fchdir, {number(fd)});
}

void Stage::chdir(const std::string& path) {
  call("chdir", SYS_chdir, {text(path)});
}

// ---- file systems

void Stage::mount(const char* source, const std::string& target, const char* type, Arg flags, const char* data) {
  call("mount", SYS_mount,
       {text_or_null(source), text(target), text_or_null(type), std::move(flags), text_or_null(data)});
}

void Stage::umount(const std::string& target, Arg flags) {
  call("umount2", SYS_umount2, {text(target), std::move(flags)});
}

void Stage::mkdir(const std::string& path, Arg mode) {
  call("mkdirat", SYS_mkdirat, {NAMED(AT_FDCWD), text(path), std::move(mode)});
}

void Stage::symlink(const std::string& target, const std::string& path) {
  call("symlinkat", SYS_symlinkat, {text(target), NAMED(AT_FDCWD), text(path)});
}

void Stage::create_empty(const std::string& path, Arg mode) {
  close(openat(path, NAMED(O_WRONLY | O_CREAT | O_CLOEXEC), std::move(mode)));
}

}  // namespace nstrace::lab
