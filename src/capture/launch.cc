// SPDX-License-Identifier: MIT
#include "capture/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "capture/interpreter.h"
#include "trace/error.h"
#include "trace/text.h"

namespace nstrace::capture {
namespace {

constexpr int kNotExecutable = 126, kNotFound = 127;  // as POSIX sh has it

// As execvp(3) looks it up; but here, so that the trace shows one execve and not the search.
std::string find_program(const std::string& name) {
  const auto is_file = [](const std::string& path) {
    struct stat st {};
    return stat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode);
  };
  if (name.find('/') != std::string::npos) {
    if (access(name.c_str(), F_OK) != 0)
      throw Error(fmt::format("cannot start {}: {}", name, std::strerror(errno)), kNotFound);
    if (!is_file(name)) throw Error(fmt::format("cannot start {}: it is a directory", name), kNotExecutable);
    if (access(name.c_str(), X_OK) != 0)
      throw Error(fmt::format("cannot start {}: {}", name, std::strerror(errno)), kNotExecutable);
    return name;
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  bool found = false;
  while (!name.empty()) {
    const std::size_t end = rest.find(':');
    const std::string_view folder = rest.substr(0, end);
    const std::string candidate = fmt::format("{}{}{}", folder, folder.empty() ? "" : "/", name);
    if (is_file(candidate)) {
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      found = true;
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (found) throw Error(fmt::format("cannot start {}: it is in PATH, but not executable", name), kNotExecutable);
  throw Error(fmt::format("cannot start {}: there is no such program in PATH", name), kNotFound);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Launch::Launch(const Program& program) : program_(program) {
  if (program_.argv.empty()) throw Error("there is no command after --", 125);
  if (program_.fd < 0) path_ = find_program(program_.argv[0]);
  int go[2], failed[2];
  if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
    throw Error(fmt::format("cannot make a pipe: {}", std::strerror(errno)), 125);
  std::vector<char*> argv = pointers(program_.argv);
  std::vector<char*> env = pointers(program_.env);
  pid_ = fork();
  if (pid_ < 0) throw Error(fmt::format("cannot start a process: {}", std::strerror(errno)), 125);
  if (pid_ == 0) {
    // From here to the exec: async-signal-safe calls only. If the tracer dies before the release, read() gives 0.
    close(go[1]);
    close(failed[0]);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // nothing of the tracer's rights is handed on
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_DFL);
    if (!program_.folder.empty() && chdir(program_.folder.c_str()) != 0) _exit(125);
    char byte = 'r';
    ssize_t got = write(failed[1], &byte, 1);  // ready: what it did up to here is over before anything is attached
    do got = read(go[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1) _exit(125);
    // The next call is COMMAND's execve: nothing of nstrace's own stands before it in the trace.
    if (program_.fd >= 0)
      syscall(SYS_execveat, program_.fd, "", argv.data(), env.data(), AT_EMPTY_PATH);
    else
      execv(path_.c_str(), argv.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t ignored = write(failed[1], &error, sizeof error);
    _exit(error == ENOENT ? kNotFound : kNotExecutable);
  }
  close(go[0]);
  close(failed[1]);
  go_ = go[1];
  failed_ = failed[0];
  end_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  char ready;
  while (read(failed_, &ready, 1) < 0 && errno == EINTR) continue;
}

Launch::~Launch() {
  if (go_ >= 0) close(go_);  // a blocked child reads the end of the file, and goes
  if (failed_ >= 0) close(failed_);
  if (end_ >= 0) close(end_);
  if (go_ >= 0 && pid_ > 0 && status_ < 0) waitpid(pid_, nullptr, 0);
}

void Launch::release() {
  [[maybe_unused]] const ssize_t ignored = write(go_, "g", 1);
  close(go_);
  go_ = -1;
  int error = 0;
  ssize_t got;
  do got = read(failed_, &error, sizeof error);
  while (got < 0 && errno == EINTR);
  close(failed_);
  failed_ = -1;
  if (got == sizeof error) {
    waitpid(pid_, nullptr, 0);
    status_ = error == ENOENT ? kNotFound : kNotExecutable;
    if (error == ENOENT) {
      if (const Missing missing = find_missing(path_); !missing.path.empty()) {
        status_ = kNotExecutable;
        throw Error(fmt::format("cannot start {}: its {} {} does not exist", program_.argv[0], missing.what,
                                trace::escape(missing.path, "")),
                    status_);
      }
    }
    throw Error(fmt::format("cannot start {}: {}", program_.argv[0], std::strerror(error)), status_);
  }
}

int Launch::ended() {
  if (status_ >= 0) return status_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return -1;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

void Launch::signal(int number) {
  if (status_ < 0) kill(pid_, number);
}

}  // namespace nstrace::capture
