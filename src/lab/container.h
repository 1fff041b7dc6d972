// SPDX-License-Identifier: MIT
// What kind of container is wanted, with everything that the plan depends on spelled out: the same Spec gives the same
// plan, byte for byte, on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/plan.h"

namespace nstrace::lab {

struct Spec {
  std::vector<std::string> argv = {"hello"};
  std::string host_program;  // a static program of the host's to put into /bin; empty: argv[0] is one of commands()
  std::uint64_t host_mount_flags = 0;  // MS_NOSUID, ...: of the mount that host_program is on
  std::string hostname = "lab";
  bool user_namespace = false;  // for ordinary users
  std::uint32_t outer_uid = 0;  // who is root inside, with a user namespace
  std::uint32_t outer_gid = 0;
  std::uint64_t capabilities = ~std::uint64_t{0};  // of the caller: what it lacks cannot be kept
  int report_fd = 501;                             // where the caller listens for the report of a step that fails
  int caller = 0;  // the pid of the process that starts the plan; with it the container dies
};

// The names of the commands in the container's /bin.
const std::vector<std::string>& commands();

// `lab run`: a container for one command.
Plan container_plan(const Spec&);

}  // namespace nstrace::lab
