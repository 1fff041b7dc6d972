// SPDX-License-Identifier: MIT
// What doctor says that a kernel cannot tell, by made-up kernels.
#include "capture/kernel_facts.h"

#include <bpf/btf.h>

#include <memory>

#include "tests/catch.h"

namespace {

struct Kernel {
  std::unique_ptr<btf, void (*)(btf*)> types{btf__new_empty(), btf__free};
  int number = btf__add_int(types.get(), "long long unsigned int", 8, 0);

  // A struct of one number; `inside`: in a member without a name.
  void add(const char* type, const char* member, bool inside = false) {
    int nameless = 0;
    if (inside) {
      nameless = btf__add_struct(types.get(), nullptr, 8);
      btf__add_field(types.get(), member, number, 0, 0);
    }
    btf__add_struct(types.get(), type, 8);
    btf__add_field(types.get(), inside ? nullptr : member, inside ? nameless : number, 0, 0);
  }
  std::vector<std::string> lacks() const {
    std::vector<std::string> sentences;
    for (const auto& lack : nstrace::capture::lacks(types.get())) {
      CHECK(!lack.detail.empty());
      sentences.push_back(lack.what);
    }
    return sentences;
  }
};

Kernel with_everything_else() {
  Kernel kernel;
  kernel.add("nsproxy", "time_ns");
  kernel.add("sched_info", "run_delay");
  kernel.add("seccomp", "mode");
  btf__add_enum(kernel.types.get(), "cgroup_subsys_id", 4);
  btf__add_enum_value(kernel.types.get(), "memory_cgrp_id", 3);
  return kernel;
}

}  // namespace

TEST_CASE("a kernel that tells everything lacks nothing, also when the id is in a member without a name") {
  Kernel kernel = with_everything_else();
  kernel.add("ns_common", "ns_id", true);
  CHECK(kernel.lacks().empty());
}

TEST_CASE("ids of mount namespaces alone are said to be so") {
  Kernel kernel = with_everything_else();
  kernel.add("ns_common", "inum");
  CHECK(kernel.lacks() == std::vector<std::string>{"namespaces have no unique id"});
  kernel.add("mnt_namespace", "seq");
  CHECK(kernel.lacks() == std::vector<std::string>{"only mount namespaces have a unique id"});
}

TEST_CASE("a kernel without any of it lacks each, by name") {
  CHECK(Kernel().lacks() == std::vector<std::string>{"namespaces have no unique id", "no time namespaces",
                                                     "how long a process waited for a processor is unknown",
                                                     "no filters of system calls", "cgroups of version 1 are unknown"});
}
