// SPDX-License-Identifier: MIT
// The few kernel types that the eBPF programs read, taken out of the running kernel's BTF.
//
// libbpf looks for each type that a program names among all types of the kernel (some 130,000), once per type: most of
// the time until nstrace is ready. One pass over the kernel's BTF collects what can be a candidate at all; libbpf then
// searches only that.
#pragma once

#include <string>
#include <vector>

struct btf;

namespace nstrace::capture {

// A BTF file in memory; it lives as long as this object.
class KernelTypes {
 public:
  // Takes: the BTF of an eBPF object. Keeps the kernel's types that bear a name of its types (without the "___flavor"
  // of CO-RE), and what these contain by value; what a pointer leads to is a type of its own right or not needed.
  // `functions`: whose ids are wanted besides. `tracepoint`: one that not every kernel has.
  KernelTypes(const btf* wanted, const std::vector<const char*>& functions, const std::string& tracepoint);
  ~KernelTypes();
  KernelTypes(const KernelTypes&) = delete;
  KernelTypes& operator=(const KernelTypes&) = delete;

  // For bpf_object_open_opts.btf_custom_path. Empty when there is no such file (then libbpf searches by itself, and
  // says what is missing).
  const std::string& path() const { return path_; }

  // The type ids of `functions`; 0 of one that the kernel does not have. Empty when the kernel's BTF cannot be read.
  const std::vector<int>& functions() const { return functions_; }
  bool has_tracepoint() const { return has_tracepoint_; }

 private:
  int fd_ = -1;
  std::string path_;
  std::vector<int> functions_;
  bool has_tracepoint_ = false;
};

}  // namespace nstrace::capture
