// SPDX-License-Identifier: MIT
// The variants: plans with the stages, names and calls of real runtimes, each in a file of its own (like_runc.cc, ...),
// read from their sources and, where the runtime is at hand, held against it (tests/live/like). What the lab does
// otherwise than the runtime has a name there, and a reason.
#pragma once

#include <span>
#include <string_view>

#include "lab/container.h"

namespace nstrace::lab {

// Does this kernel let the caller lay an overlay over a file system that no path leads to (since Linux 6.15, and root)?
// For Spec::overlays. Leaves nothing behind.
bool overlay_is_possible();

struct Variant {
  std::string_view name;     // for --like
  std::string_view program;  // what its command is called: "runc"
  std::string_view what;     // one line on what is special
  Plan (*run)(const Spec&);
  Plan (*exec)(const Spec&);  // null: the runtime has no such command
};
std::span<const Variant> variants();

Plan runc_1_1_run(const Spec&);
Plan runc_1_2_run(const Spec&);
Plan runc_1_3_run(const Spec&);
Plan runc_1_1_exec(const Spec&);
Plan runc_1_2_exec(const Spec&);
Plan runc_1_3_exec(const Spec&);
Plan crun_run(const Spec&);
Plan crun_exec(const Spec&);
Plan youki_run(const Spec&);
Plan youki_exec(const Spec&);
Plan bwrap_run(const Spec&);

// ---- what several of them do

// A second call of the runtime's command, while a container of the first one runs: a child that executes the own
// program with `argv`, and is told the pid of that container's init.
struct Second {
  First first;
  const Register& pid;     // its own, as the first knows it
  const Register& target;  // the container's init, as it knows it
};
Second start_second(First&, const std::vector<std::string>& argv, const Register& init);

// memfd_create, a copy of the own program, sealed: what the container could get hold of is not the host's file, and
// cannot be written to (CVE-2019-5736). Gives its descriptor.
int copy_own_program(Stage&, const char* name);
// Mounts onto a directory that was opened first, through /proc: a link put there meanwhile leads nowhere else.
void mount_onto(Stage&, const std::string& directory, const char* source, const char* type, Arg flags,
                const char* options, const std::string& via = "/proc/self/fd/");
// The mounts of a usual bundle (proc, dev, dev/pts, dev/shm, dev/mqueue, sys) below `root`.
void mount_bundle(Stage&, const Spec&, const std::string& root, const std::string& via);
void make_devices_of_bundle(Stage&, const Spec&, const std::string& root, const char* const (&order)[6]);

}  // namespace nstrace::lab
