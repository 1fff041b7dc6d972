// SPDX-License-Identifier: MIT
// What the argv of a program says about containers: which runtime it is, which container it makes or enters, and what
// monitors and cgroup paths call it. Pure functions over bytes that anybody may have chosen.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace nstrace::model {

inline constexpr std::string_view kMiniRuntime = "nstrace lab";

// A program that makes containers or sandboxes.
struct RuntimeCommand {
  std::string runtime;  // "runc", "bwrap", "nstrace lab"; for an unknown name that is used as an OCI runtime, that name
  bool oci = false;     // follows the command line of runc (the OCI runtimes do)
  std::string verb;     // "create", "run", "exec", "init", ...; "" = none
  std::string id;       // of the container, "" = none
  std::vector<std::string> further_ids;  // of those that it makes after that one: the mini runtime's pod
};
std::optional<RuntimeCommand> runtime_command(const Program& program);
// "container", or "sandbox" for what no OCI runtime made: bwrap, unshare, a unit of systemd, a browser.
std::string_view kind_of(const Container& container);
// The runtime that a comm of a stage tells: "runc:[1:CHILD]" -> "runc"; "" = none.
std::string_view runtime_of_comm(std::string_view comm);

// A program that watches over a container: conmon, containerd-shim. What is not told is "".
struct Monitor {
  std::string id;
  std::string name;     // conmon -n: the name that people use
  std::string runtime;  // conmon -r
};
std::optional<Monitor> monitor_command(const Program& program);

// "/docker/ID", ".../libpod-ID.scope/container", "cri-containerd-ID.scope", ... -> ID; "" = not one of these.
std::string id_of_cgroup(std::string_view path);

std::string_view base_name(std::string_view path);

}  // namespace nstrace::model
