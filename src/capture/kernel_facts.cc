// SPDX-License-Identifier: MIT
#include "capture/kernel_facts.h"

#include <bpf/btf.h>

#include <string_view>

namespace nstrace::capture {
namespace {

// Also in its members without a name.
bool has_member(const btf* kernel, const btf_type* type, std::string_view name) {
  for (int i = 0; i < btf_vlen(type); ++i) {
    const btf_member* member = btf_members(type) + i;
    const std::string_view found = btf__name_by_offset(kernel, member->name_off);
    if (found == name) return true;
    const btf_type* inner = btf__type_by_id(kernel, member->type);
    if (found.empty() && inner && btf_is_composite(inner) && has_member(kernel, inner, name)) return true;
  }
  return false;
}

bool has_member(const btf* kernel, const char* type, std::string_view name) {
  const int id = btf__find_by_name_kind(kernel, type, BTF_KIND_STRUCT);
  return id > 0 && has_member(kernel, btf__type_by_id(kernel, static_cast<__u32>(id)), name);
}

bool has_value(const btf* kernel, const char* type, std::string_view name) {
  const int id = btf__find_by_name_kind(kernel, type, BTF_KIND_ENUM);
  if (id <= 0) return false;
  const btf_type* found = btf__type_by_id(kernel, static_cast<__u32>(id));
  for (int i = 0; i < btf_vlen(found); ++i)
    if (btf__name_by_offset(kernel, (btf_enum(found) + i)->name_off) == name) return true;
  return false;
}

}  // namespace

std::vector<Lack> lacks(const btf* kernel) {
  std::vector<Lack> lacks;
  if (!has_member(kernel, "ns_common", "ns_id")) {
    const bool mount = has_member(kernel, "mnt_namespace", "seq");
    lacks.push_back({mount ? "only mount namespaces have a unique id" : "namespaces have no unique id",
                     std::string(mount ? "the others" : "they") +
                         " are known by their inode number, which the kernel uses again when a namespace is gone; "
                         "Linux 6.18 gives each an id for ever"});
  }
  if (!has_member(kernel, "nsproxy", "time_ns"))
    lacks.push_back({"no time namespaces", "the kernel has none (CONFIG_TIME_NS); traces do not have the field"});
  if (!has_member(kernel, "sched_info", "run_delay"))
    lacks.push_back(
        {"how long a process waited for a processor is unknown", "the kernel does not count it (CONFIG_SCHED_INFO)"});
  if (!has_member(kernel, "seccomp", "mode"))
    lacks.push_back({"no filters of system calls", "the kernel has none (CONFIG_SECCOMP); traces say none"});
  if (!has_value(kernel, "cgroup_subsys_id", "pids_cgrp_id") &&
      !has_value(kernel, "cgroup_subsys_id", "memory_cgrp_id"))
    lacks.push_back({"cgroups of version 1 are unknown",
                     "the kernel has neither the pids nor the memory controller (CONFIG_CGROUP_PIDS, CONFIG_MEMCG)"});
  return lacks;
}

}  // namespace nstrace::capture
