// SPDX-License-Identifier: MIT
// Launch: starts a command blocked, so that it can be followed from its first instruction, and releases it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace nstrace::capture {

struct Program {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH as execvp(3) does, unless `fd` is given
  std::vector<std::string> env;   // used only with `fd`; otherwise the caller's environment
  int fd = -1;                    // executed through execveat(fd, "", argv, env, AT_EMPTY_PATH)
  std::string folder = {};        // where it begins; empty = where the caller is
};

class Launch {
 public:
  // Forks. Throws Error 127 when argv[0] is not found, 126 when it is not executable; nothing was started then.
  explicit Launch(const Program& program);
  ~Launch();  // a command that was never released is ended
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  pid_t pid() const { return pid_; }
  int end_fd() const { return end_; }  // a descriptor that poll(2) finds ready once it has ended; -1: there is none
  // Lets it go. Throws Error 126 with the kernel's reason when the exec fails.
  void release();
  bool released() const { return go_ < 0; }
  // Its exit status (128+n when a signal ended it) once it has ended, else -1. Does not wait.
  int ended();
  void signal(int number);

 private:
  Program program_;
  std::string path_;
  pid_t pid_ = -1;
  int go_ = -1;      // a byte here releases it
  int failed_ = -1;  // a byte when the child is ready, then errno if the exec fails; closed by its success
  int end_ = -1;
  int status_ = -1;
};

}  // namespace nstrace::capture
