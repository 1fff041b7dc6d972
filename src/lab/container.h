// SPDX-License-Identifier: MIT
// A container as part of a plan: begin() writes the first process, start() one container after the other. What a
// container is like stands in its Spec: the same Spec gives the same steps, byte for byte, on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/pivot.h"
#include "lab/plan.h"

namespace nstrace::lab {

// A namespace that is not made but taken from another container.
struct Join {
  std::uint64_t type;            // CLONE_NEWNET
  std::string shown;             // "CLONE_NEWNET"
  std::string file;              // "net": in /proc/PID/ns
  const Register* of = nullptr;  // the pid of that container's init
};

struct Spec {
  std::vector<std::string> argv = {"hello"};
  std::string host_program;  // a static program of the host's, put into /bin; empty: argv[0] is one of commands()
  std::uint64_t host_mount_flags = 0;  // MS_NOSUID, ...: of the mount that host_program is on
  std::string hostname = "lab";

  bool user_namespace = false;      // made first, by ordinary users and by those who want it
  std::string uid_map = "0 0 1\n";  // inside, outside, how many
  std::string gid_map = "0 0 1\n";
  bool borrow_devices = false;  // in a user namespace device nodes cannot be made
  bool overlays = false;        // the kernel lays an overlay over a file system that no path leads to
  bool drop_groups = true;      // without rights over groups outside, setgroups() is not allowed
  bool privileged = false;      // keeps all rights, as for a runtime inside
  Pivot pivot = Pivot::Dot;
  bool hooks = false;
  bool stays = false;  // runs `hold`, until end_holding(), instead of argv
  std::vector<Join> joins;
  std::string id;  // names its pids in the plan, where there are several containers: "app"

  std::uint64_t capabilities = ~std::uint64_t{0};  // of the caller: what it lacks cannot be kept
  int report_fd = 501;                             // where the caller listens for the report of a step that fails
  int plan_fd = 502;                               // the plan's file
  int caller = 0;  // the pid of the process that starts the plan; with it the container dies
};

// The names of the commands in the container's /bin.
const std::vector<std::string>& commands();

// The first process: it starts containers, tells them to go, waits for them.
struct First {
  Plan& plan;
  Stage& stage;
  const Register& pid;     // its own
  const Register& status;  // how the process that was waited for ended
  const Register& word;    // what is read only to know that it came
};
First begin(Plan&, const Spec&, const std::string& name = "lab");
First begin_inside(Plan&, Stage&);  // in a container: a stage that was executed as a program there

struct Container {
  Stage& stage;          // lab:[2:INIT]
  const Register& init;  // its pid
  int wire = -1;         // from the first process to it
  int end_of_wire = -1;  // from it to the first process
};
// Its stages up to where everything is ready and it waits for the word to go on.
Container start(First&, const Spec&);
// The word; and what it does then: become the command.
void let_go(First&, Container&, const Spec&);
// By who is outside: setgroups (for ordinary users), uid_map and gid_map of the process at the other end of `wire`.
void write_id_maps(Stage&, int wire, const Register& child, const Register& word, const Spec&);
void wait_until_executed(First&, const Container&);

void end_as(First&, const Register& pid);    // waits for that process, ends with its exit code
void end_holding(First&, const Container&);  // of one that stays: lets it end, waits

// The scenes: whole plans.
Plan run_plan(const Spec&);     // one container, one command
Plan exec_plan(const Spec&);    // a container that only stays, entered by the command
Plan pod_plan(const Spec&);     // two containers that share network, ipc and host name
Plan nested_plan(const Spec&);  // a container in a container
Plan hooks_plan(const Spec&);   // other programs called at each turn of a container's life

}  // namespace nstrace::lab
