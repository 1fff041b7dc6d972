// SPDX-License-Identifier: MIT
// A plan: what each stage of a container's set-up does, as an ordered list of system calls. Passive data; it can be
// printed (text), flattened (wire.h) for the helper to carry out, and asked what a failed step was.
//
// Everything is known beforehand but pids. Descriptors too: the kernel always gives the lowest free number, so a stage
// keeps book of its open descriptors while it is written, and each step carries the number that it must get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/wire.h"

namespace nstrace::lab {

// A number that is only known when the plan runs: a pid, a wait status. Printed as <name>.
struct Register {
  std::uint8_t index = 0;
  std::string name;
  bool process = false;  // a child, to be ended when a step fails
};

struct Arg {
  lab_kind kind = LAB_NUMBER;
  std::uint64_t number = 0;       // LAB_NUMBER; else the register
  std::string bytes;              // LAB_DATA: with its ending NUL where it is a string; LAB_PID_PATH
  std::vector<std::string> list;  // LAB_LIST
  std::string shown;              // as strace prints it; empty: not printed (the kernel wants it, a reader does not)
};

Arg number(std::int64_t value);                               // 17
Arg named(std::uint64_t value, std::string_view expression);  // MS_REC|MS_SLAVE, 0755, NULL
Arg text(std::string_view string);                            // "tmpfs"
Arg null();
Arg text_or_null(const char* string);
Arg data(std::string bytes, std::string shown);            // a struct, already in the kernel's layout
Arg list(std::vector<std::string> strings);                // ["sleep", "1"]
Arg value(const Register& from);                           // <init>
Arg place(const Register& to, std::string shown);          // &register
Arg status(const Register& from);                          // the exit code in a wait status
Arg pid_path(std::string_view path, const Register& pid);  // "/proc/%/uid_map"
// A value and the words that it is written with: NAMED(MS_REC | MS_SLAVE). Flags stand in strace's order.
#define NAMED(expression) ::nstrace::lab::named(static_cast<std::uint64_t>(expression), #expression)

struct Step {
  std::string name;
  long call = 0;
  std::vector<Arg> args;     // in the kernel's order
  std::string shown_args;    // where strace writes them otherwise; else empty
  std::string shown_result;  // " = 0"
  lab_expect expect = LAB_ANY;
  std::int64_t expected = 0;
  int tolerated = 0;  // errno
  std::uint8_t result = LAB_NONE;
  std::uint8_t child = LAB_NONE;
  std::string why;

  std::string call_text() const;  // mount("proc", "proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)
};

// One process's part. The methods append the call of the same name; those that open give the descriptor's number.
class Stage {
 public:
  Stage(std::string name, std::uint8_t index) : name(std::move(name)), index(index) {}

  Stage& why(std::string reason);   // of the next step
  Stage& may_fail_with(int error);  // of the next step: this errno is as good as success

  Step& call(std::string name, long number, std::vector<Arg> args);
  void expect(std::int64_t result);  // of the last step
  void expect(const Register& result);
  void expect_any(std::string shown);
  void keep(const Register& result);  // the last step's result is kept

  // processes
  void set_name();  // prctl(PR_SET_NAME): the comm, as a trace shows it
  void clone(Arg flags, Stage& child, const Register& pid);
  void wait(const Register& pid, const Register& status);
  void die_with_parent(const Register& parent);  // PR_SET_PDEATHSIG, and a look that it is not too late
  void exit(Arg code);
  void execve(const std::string& path, std::vector<std::string> argv, std::vector<std::string> environment);

  // descriptors
  int openat(const std::string& path, Arg flags);
  int openat(const std::string& path, Arg flags, Arg mode);
  int openat(const std::string& path_with_pid, const Register& pid, Arg flags);
  void close(int fd);
  std::pair<int, int> socketpair();
  void write(int fd, const std::string& bytes);
  void write(int fd, const Register& first, int count);  // `count` registers, four bytes each
  void read(int fd, const Register& first, int count);
  void fchdir(int fd);
  void chdir(const std::string& path);

  // file systems
  void mount(const char* source, const std::string& target, const char* type, Arg flags, const char* data = nullptr);
  void umount(const std::string& target, Arg flags);
  void mkdir(const std::string& path, Arg mode);
  void symlink(const std::string& target, const std::string& path);
  void create_empty(const std::string& path, Arg mode);  // a file to bind something onto

  std::string name;  // the comm of the process that carries it out
  std::uint8_t index;
  std::vector<Step> steps;

 private:
  int take_fd();

  std::set<int> fds_ = {0, 1, 2, LAB_REPORT_FD};
  std::string why_;
  int tolerated_ = 0;
};

struct Plan {
  std::deque<Stage> stages;  // the first is carried out by the process that is started
  std::deque<Register> registers;

  Stage& stage(std::string name);
  Register& pid(std::string name);
  Register& word(std::string name);
};

// The helper's form. Throws Error when the plan does not fit (LAB_PLAN_MAX: a command line that is too long).
std::string flatten(const Plan&);

struct PlanText {
  bool reasons = true;  // a "# why" line above steps that have one
};
// Per stage its name, then one line per call as strace writes it, indented by two blanks.
std::string text_of(const Plan&, const PlanText& = {});

// "lab:[2:INIT]: mount("proc", ...) = -1 EPERM (Operation not permitted)". Throws Error for a report that fits no step.
std::string failure_text(const Plan&, const lab_report&);

}  // namespace nstrace::lab
