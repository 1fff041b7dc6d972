// SPDX-License-Identifier: MIT
// What a kernel cannot tell, so that it stays unknown in its traces: by the types of its BTF, for doctor. Each stands
// for a bpf_core_..._exists() of the eBPF programs.
#pragma once

#include <string>
#include <vector>

struct btf;

namespace nstrace::capture {

struct Lack {
  std::string what;    // "namespaces have no unique id"
  std::string detail;  // why, and what a trace has instead
};

std::vector<Lack> lacks(const btf* kernel);

}  // namespace nstrace::capture
