// SPDX-License-Identifier: MIT
// The few kernel types that the eBPF programs read, and the ids of what they attach to and call, out of the running
// kernel's BTF.
//
// libbpf would read and copy all of it (some 130,000 types, 4 KiB at a time), and search it once for each type that a
// program names and for each program: most of the time until nstrace is ready. One pass collects what can be a
// candidate at all; libbpf then sees only that.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

struct btf;

namespace nstrace::capture {

// A BTF file in memory; it lives as long as this object.
class KernelTypes {
 public:
  using Name = std::pair<int, std::string>;  // BTF_KIND_FUNC, TYPEDEF or STRUCT, and what it is called

  KernelTypes();
  ~KernelTypes();
  KernelTypes(const KernelTypes&) = delete;
  KernelTypes& operator=(const KernelTypes&) = delete;

  // For bpf_object_open_opts.btf_custom_path: an empty file, until read() has filled it.
  const std::string& path() const { return path_; }

  // Takes: the BTF of an eBPF object, and more that is asked for. Puts into the file the kernel's types that bear a
  // name of the object's types (without the "___flavor" of CO-RE), and what these contain by value; what a pointer
  // leads to is a type of its own right or not needed. False when the kernel's BTF cannot be read.
  bool read(const btf* wanted, const std::vector<Name>& names);

  // The kernel's id of one of `names`; 0: it has none.
  int id(const Name& name) const;

 private:
  int fd_ = -1;
  std::string path_;
  std::map<Name, int> ids_;
};

}  // namespace nstrace::capture
