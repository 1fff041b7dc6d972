// SPDX-License-Identifier: MIT
// The mini runtime, for its users: what to run, how to start it under a tracer, or how to run it without one.
// For learning and testing, not for production. It changes nothing on the host, and leaves nothing behind.
// To learn what a container is, read README.md, which says where to begin.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/pivot.h"
#include "lab/plan.h"

namespace nstrace::lab {

class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();
  int get() const { return fd_; }

 private:
  int fd_;
};

enum class Scene { Run, Exec, Pod, Nested, Hooks, Userns };
struct SceneName {
  Scene scene;
  std::string_view name;  // of the command: `lab pod`
  std::string_view what;
};
std::span<const SceneName> scenes();

// The runtimes whose way can be played: names for RunOptions::like.
struct VariantName {
  std::string_view name;
  std::string_view what;
};
std::vector<VariantName> variant_names();

// Mistakes that can be put into a plan: names for RunOptions::fault.
struct FaultName {
  std::string_view name;
  std::string_view what;
  std::string where;  // where it has no place, or its only one; empty: it has one everywhere
};
std::vector<FaultName> fault_names();

struct RunOptions {
  Scene scene = Scene::Run;
  std::string like = "lab";  // one of variant_names(); others than lab play Run, Exec and Userns only
  std::string pivot = "dot";  // one of pivots(); other runtimes than lab have ways of their own
  std::string fault;         // one of fault_names(), "without CALL" (a step of the plan), or none
  // Empty: hello. One of commands(), or the absolute path of a static program of the host's.
  std::vector<std::string> command;
  std::string hostname = "lab";  // at most 64 bytes
  std::optional<bool> rootless;  // in a user namespace; unset: for everyone but root with all its powers
  // runc's overlay over its own program; unset: where the kernel and the caller's rights allow it
  std::optional<bool> overlays;
};

// What to start: in a child of the process that called prepare_run (its thread must live on, with it the container
// dies), with no open descriptor closed or renumbered, as
//     execveat(program_fd, "", argv, env, AT_EMPTY_PATH)
// Its exit code is the command's; 128 + n after signal n; 125, 126, 127 when failure() says why.
struct Launch {
  int program_fd = -1;  // a sealed memory file; the same number on every run
  std::vector<std::string> argv;
  std::vector<std::string> env;

  // After the end: the step that failed, as a sentence; nothing if all steps succeeded.
  std::optional<std::string> failure() const;

  Plan plan;
  OwnedFd program, plan_file, report_reader, report_writer;
};

// Throws Error for a command that cannot be run (exit code 126 or 127 in it) and where memory files are not allowed.
Launch prepare_run(const RunOptions&);

// `lab plan`: see text_of. Needs no rights, starts nothing.
std::string plan_text(const RunOptions&, const PlanText& = {});

// Starts, waits, passes INT, TERM, HUP and QUIT on to it. Gives the exit code of the command (128 + n after signal n).
// Throws Error (exit code 125, 126 or 127) with the failed step when the container could not be set up.
int run_untraced(const RunOptions&);

}  // namespace nstrace::lab
