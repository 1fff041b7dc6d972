// SPDX-License-Identifier: MIT
// Stage: one process's part in a plan, as an ordered list of system calls, each with the result that it must have. The
// methods append the call of the same name; why() says what the next one is for.
//
// Everything is known beforehand but pids. Descriptors too: the kernel always gives the lowest free number, so a stage
// keeps book of its open descriptors while it is written, and those that open give the number that will be got.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/wire.h"

namespace nstrace::lab {

// A number that is only known when the plan runs: a pid, a wait status. Written as <name>.
struct Register {
  std::uint8_t index = 0;
  std::string name;
  bool process = false;  // a child, to be ended when a step fails
};

struct Arg {
  lab_kind kind = LAB_NUMBER;
  std::uint64_t number = 0;       // LAB_NUMBER; else the register
  std::string bytes;              // LAB_DATA: with its ending NUL where it is a string; LAB_TEMPLATE, LAB_FILTER
  std::vector<std::string> list;  // LAB_LIST
  std::string shown;              // as strace writes it; empty: not written (the kernel wants it, a reader does not)
};

Arg number(std::int64_t value);                               // 17
Arg named(std::uint64_t value, std::string_view expression);  // MS_REC|MS_SLAVE, 0755
Arg null();                                                   // NULL
Arg text(std::string_view string);                            // "tmpfs"
Arg text_or_null(const char* string);
Arg data(std::string bytes, std::string shown);            // a struct, already in the kernel's layout
Arg list(std::vector<std::string> strings);                // ["sleep", "1"]
Arg value(const Register& from);                           // <init>
Arg place(const Register& to, std::string shown);          // the register's address
Arg status(const Register& from);                          // the exit code in a wait status
Arg with_pid(std::string_view text, const Register& pid);  // "/proc/%/uid_map"
// A value and the words that it is written with: NAMED(MS_REC | MS_SLAVE). Flags stand in strace's order.
#define NAMED(expression) ::nstrace::lab::named(static_cast<std::uint64_t>(expression), #expression)
// A system call's name and number: stage.call(CALL(setsid), {}).
#define CALL(name) #name, SYS_##name

struct Step {
  std::string name;
  long call = 0;
  std::vector<Arg> args;     // in the kernel's order
  std::string shown_args;    // where strace writes them otherwise; else empty
  std::string shown_result;  // " = 0"
  lab_expect expect = LAB_EXACT;
  std::int64_t expected = 0;
  int tolerated = 0;  // errno
  std::uint8_t result = LAB_NONE;
  std::uint8_t child = LAB_NONE;  // of a clone: the stage that the child carries out
  std::uint8_t next = LAB_NONE;   // of an execve of the plan's own program: the stage that it goes on with
  std::string why;

  std::string call_text() const;  // mount("proc", "proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)
};

class Stage {
 public:
  Stage(std::string name, std::uint8_t index) : name(std::move(name)), index(index) {}

  Stage& why(std::string reason);   // of the next step
  Stage& may_fail_with(int error);  // of the next step: this errno is as good as success
  void expect_failure(int error);   // of the last step: this errno is what it must give

  // Any call; it must give 0 unless one of these says otherwise of it. The next step invalidates the Step.
  Step& call(std::string name, long number, std::vector<Arg> args);
  void expect(std::int64_t result);
  void expect(const Register& result);
  void expect_any(std::string shown);
  void keep(const Register& result);  // in the register, for later steps

  // processes
  void prctl(Arg option, Arg argument);
  void set_name();                        // prctl(PR_SET_NAME): the comm, as a trace shows it
  void die_with(const Register& parent);  // PR_SET_PDEATHSIG, and a look that it is not too late
  void clone(Arg flags, Stage& child, const Register& pid);
  void clone3(Arg arguments, std::size_t size, Stage& child, const Register& pid);
  void wait(const Register& pid, const Register& status);
  void wait_well(const Register& pid, const Register& status);      // it must end with 0
  void wait_any_kind(const Register& pid, const Register& status);  // a child that sends no SIGCHLD, too
  void wait_for_thread(const Register& tid);                        // until the process has it no longer
  void exit(Arg code);
  void execve(const std::string& path, std::vector<std::string> argv, std::vector<std::string> environment);
  // Executes the program that it is once more; the process goes on as the stage `next`, with its registers forgotten.
  void execve_self(Arg path, std::vector<std::string> argv, std::vector<std::string> environment, Stage& next);
  void execveat_self(int fd, std::vector<std::string> argv, std::vector<std::string> environment, Stage& next);

  // descriptors
  int openat(const std::string& path, Arg flags);
  int openat(const std::string& path, Arg flags, Arg mode);
  int openat(const std::string& path_with_pid, const Register& pid, Arg flags);
  int opens(std::string name, long number, std::vector<Arg> args);  // any call that gives a descriptor
  void close(int fd);
  std::pair<int, int> socketpair();
  std::pair<int, int> pipe();
  void dup3(int from, int to, Arg flags);
  void write(int fd, const std::string& bytes);
  void write(int fd, const Register& first, int count);                     // `count` registers, four bytes each
  void write_with_pid(int fd, std::string_view text, const Register& pid);  // as long as it comes to be
  void read(int fd, const Register& first, int count);
  void read_end(int fd, const Register& unused);  // waits until the other side is closed
  void keep_across_exec(int fd);
  void fchdir(int fd);
  void chdir(const std::string& path);

  // file systems
  void mount(const char* source, const std::string& target, const char* type, Arg flags, const char* data = nullptr);
  void umount(const std::string& target, Arg flags);
  void mkdir(const std::string& path, Arg mode);
  void symlink(const std::string& target, const std::string& path);
  // The new mount calls: a context is opened, told what it is to be, and made a mount that no directory shows yet.
  int fsopen(const char* type);
  void fsconfig(int context, const char* key, const char* value);
  int fsmount(int context, Arg attributes);              // makes it; closes the context
  void create_empty(const std::string& path, Arg mode);  // a file to bind something onto

  std::string name;  // the comm of the process that carries it out
  std::uint8_t index;
  bool leads = false;  // when it gives up, its children are ended
  std::vector<Step> steps;

 private:
  int take_fd();
  std::pair<int, int> two_fds();
  void prepare_self(std::vector<std::string>& environment, Stage& next);

  std::set<int> fds_ = {0, 1, 2, LAB_REPORT_FD, LAB_PLAN_FD};
  std::set<int> inherited_;  // those of them, but 0 to 2, that an execve leaves open
  std::string why_;
  int tolerated_ = 0;
};

}  // namespace nstrace::lab
