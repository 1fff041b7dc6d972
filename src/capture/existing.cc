// SPDX-License-Identifier: MIT
#include "capture/existing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "capture/records.h"

namespace nstrace::capture {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void ask_proc(trace::Existing& process) {
  char path[PATH_MAX];
  if (const ssize_t got = readlink(fmt::format("/proc/{}/exe", process.pid).c_str(), path, sizeof path); got > 0)
    process.exe.assign(path, got);
  process.cgroup_path = cgroup_path(process.pid);
  if (!process.followed) return;  // an ancestor is there for the lineage; its arguments are nobody's business
  const std::string arguments = read_text(fmt::format("/proc/{}/cmdline", process.pid));
  for (std::size_t at = 0; at < arguments.size();) {
    const std::size_t end = std::min(arguments.find('\0', at), arguments.size());
    process.argv.push_back(arguments.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

// Lines of "name hierarchy cgroups enabled"; hierarchy 0 is version 2's, or none.
CgroupHierarchy cgroup_hierarchy(const std::string& controllers) {
  std::istringstream lines(controllers);
  bool pids = false, pids_v1 = false, memory_v1 = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    int hierarchy = 0;
    if (!(words >> name >> hierarchy)) continue;
    pids |= name == "pids";
    pids_v1 |= name == "pids" && hierarchy > 0;
    memory_v1 |= name == "memory" && hierarchy > 0;
  }
  if (pids_v1) return CgroupHierarchy::Pids;
  return !pids && memory_v1 ? CgroupHierarchy::Memory : CgroupHierarchy::V2;
}

CgroupHierarchy cgroup_hierarchy() {
  static const CgroupHierarchy host = cgroup_hierarchy(read_text("/proc/cgroups"));
  return host;
}

// Lines of "hierarchy:controller,controller:path".
std::string cgroup_path(int pid) {
  std::istringstream lines(read_text(fmt::format("/proc/{}/cgroup", pid)));
  const CgroupHierarchy hierarchy = cgroup_hierarchy();
  const std::string_view wanted = hierarchy == CgroupHierarchy::Pids ? "pids" : "memory";
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find(':'), end = line.find(':', begin + 1);
    if (begin == line.npos || end == line.npos) continue;
    const std::string controllers = "," + line.substr(begin + 1, end - begin - 1) + ",";
    if (hierarchy == CgroupHierarchy::V2 ? line.starts_with("0::")
                                         : controllers.find(fmt::format(",{},", wanted)) != line.npos)
      return line.substr(end + 1);
  }
  return "";
}

std::vector<trace::Existing> existing_processes(const std::vector<nst_rec_task>& tasks, std::uint64_t start_boottime) {
  std::map<std::uint32_t, const nst_rec_task*> by_pid;
  for (const nst_rec_task& task : tasks) by_pid[task.task.tgid] = &task;
  std::set<std::uint32_t> wanted;
  for (const nst_rec_task& task : tasks) {
    if (!task.followed) continue;
    for (std::uint32_t pid = task.task.tgid; pid && wanted.insert(pid).second;) {
      const auto found = by_pid.find(pid);
      pid = found == by_pid.end() ? 0 : found->second->parent_tgid;
    }
  }
  std::vector<trace::Existing> processes;
  for (const std::uint32_t pid : wanted) {
    const auto found = by_pid.find(pid);
    if (found == by_pid.end()) continue;
    const nst_rec_task& task = *found->second;
    const trace::Who who = who_of(task.task, start_boottime);
    trace::Existing& out = processes.emplace_back();
    out.pid = who.tgid;
    out.born = who.born;
    out.pids = who.tids;
    out.parent_pid = static_cast<int>(task.parent_tgid);
    out.comm = who.comm;
    out.ns = who.ns;
    out.cgroup = who.cgroup;
    out.followed = task.followed;
    ask_proc(out);
  }
  return processes;
}

trace::NsSet host_namespaces(const std::vector<nst_rec_task>& tasks) {
  for (const nst_rec_task& task : tasks)
    if (task.task.tgid == 1) return who_of(task.task, 0).ns;
  return {};
}

}  // namespace nstrace::capture
