// SPDX-License-Identifier: MIT
// Containers that run now, found without asking an engine: by the shims and monitors that stand behind them, and the
// files that these keep.
#pragma once

#include <string>
#include <vector>

namespace nstrace::capture {

struct Container {
  std::string engine;  // "docker", "containerd", "podman", "cri-o"
  std::string id;
  std::string name;  // empty = it has none but its id
  int pid = 0;       // of its first process
  int keeper = 0;    // pid of the shim or monitor behind it
};

// Those of docker and other users of containerd (by their shims), and of podman and cri-o (by conmon).
std::vector<Container> running_containers();

// The one of `all` that is meant: by its id or name, or the only one whose id begins so. Throws Error (exit code 125)
// when there is none, with near names, or more than one.
Container choose_container(const std::vector<Container>& all, const std::string& given);

// "web (docker 0123456789ab)"
std::string container_text(const Container& container);

}  // namespace nstrace::capture
