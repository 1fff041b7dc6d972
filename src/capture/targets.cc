// SPDX-License-Identifier: MIT
#include "capture/targets.h"

#include <dirent.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <climits>
#include <fstream>
#include <memory>
#include <set>

#include "trace/error.h"

namespace nstrace::capture {
namespace {

const std::vector<Group> kGroups{
    {"@docker",
     "dockerd, its containerd, and the shims of its containers",
     {"dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2"}},
    {"@containerd",
     "containerd and the shims of its containers",
     {"containerd", "containerd-shim", "containerd-shim-runc-v2"}},
    {"@podman", "podman and the monitors of its containers", {"podman", "conmon"}},
    {"@crio", "cri-o and the monitors of its containers", {"crio", "conmon"}},
};

std::string cut_comm(std::string name) {
  if (name.size() > 15) name.resize(15);  // TASK_COMM_LEN - 1
  return name;
}

std::string status_field(int pid, std::string_view name) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name, 0) != 0) continue;
    const std::size_t begin = line.find_first_not_of(" \t", name.size());
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

// A zombie: all its threads have ended, and only its parent has not asked yet. (A leader that ended before its other
// threads is shown as one too.)
bool has_ended(int pid) {
  return status_field(pid, "State:")[0] == 'Z' && std::atoi(status_field(pid, "Threads:").c_str()) <= 1;
}

// Levenshtein's distance, for suggestions.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<Running> everything_running() {
  std::vector<Running> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) throw Error("/proc cannot be read; mount it: mount -t proc proc /proc", 125);
  while (const dirent* entry = readdir(proc.get())) {
    if (!std::isdigit(static_cast<unsigned char>(entry->d_name[0]))) continue;
    Running running{.pid = std::atoi(entry->d_name), .comm = {}, .program = {}, .name = {}};
    const std::string folder = fmt::format("/proc/{}", running.pid);
    std::getline(std::ifstream(folder + "/comm"), running.comm);
    char path[PATH_MAX];
    if (const ssize_t got = readlink((folder + "/exe").c_str(), path, sizeof path); got > 0) {
      std::string exe(path, got);
      if (const auto deleted = exe.rfind(" (deleted)"); deleted != std::string::npos) exe.resize(deleted);
      running.program = exe.substr(exe.rfind('/') + 1);
    }
    all.push_back(std::move(running));
  }
  return all;
}

std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names) {
  std::set<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    const std::size_t d = distance(wanted, name);
    const bool part =
        name.find(wanted) != std::string::npos || (name.size() > 3 && wanted.find(name) != std::string::npos);
    if (part || d <= std::max<std::size_t>(2, wanted.size() / 3)) near.emplace(part ? 0 : d, name);
  }
  std::vector<std::string> out;
  for (const auto& [d, name] : near)
    if (out.size() < 3 && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  return out;
}

std::span<const Group> groups() {
  return kGroups;
}

Target parse_target(const std::string& given) {
  Target target{.given = given, .pid = 0, .programs = {}};
  if (given.empty())
    throw Error("--follow needs a pid, a name or a group; `nstrace --follow help` lists the groups", 125);
  if (std::all_of(given.begin(), given.end(), [](unsigned char c) { return std::isdigit(c); })) {
    target.pid = given.size() < 10 ? std::stoi(given) : 0;
    if (target.pid <= 0) throw Error(fmt::format("{} is no pid; give the number of a running process", given), 125);
    return target;
  }
  const auto group = std::find_if(kGroups.begin(), kGroups.end(),
                                  [&](const Group& g) { return g.name == given || g.name.substr(1) == given; });
  if (group != kGroups.end()) {
    target.programs.assign(group->programs.begin(), group->programs.end());
  } else if (given[0] == '@') {
    std::vector<std::string_view> names;
    for (const Group& g : kGroups) names.push_back(g.name);
    throw Error(fmt::format("there is no group {}; the groups are {}", given, fmt::join(names, " ")), 125);
  } else {
    target.programs = {given.substr(given.rfind('/') + 1)};
  }
  return target;
}

// Does it bear this name, of which comm has only the beginning? A script's stands behind its interpreter's.
bool is_called(int pid, const std::string& name) {
  std::ifstream cmdline(fmt::format("/proc/{}/cmdline", pid));
  std::string word;
  for (int i = 0; i < 2 && std::getline(cmdline, word, '\0'); ++i)
    if (word.substr(word.rfind('/') + 1) == name) return true;
  return false;
}

std::vector<Running> find_running(const Target& target) {
  std::vector<Running> found;
  for (Running& running : everything_running()) {
    if (running.pid == getpid()) continue;
    const bool named = std::any_of(target.programs.begin(), target.programs.end(), [&](const std::string& name) {
      return running.program == name ||
             (running.comm == cut_comm(name) && (running.comm == name || is_called(running.pid, name)));
    });
    if (named) running.name = std::ranges::count(target.programs, running.program) ? running.program : running.comm;
    if ((named || running.pid == target.pid) && !has_ended(running.pid)) found.push_back(std::move(running));
  }
  // a thread's id is taken for its process
  if (found.empty() && target.pid > 0) {
    const std::string tgid = status_field(target.pid, "Tgid:");
    if (!tgid.empty() && !has_ended(std::stoi(tgid)))
      found.push_back({.pid = std::stoi(tgid), .comm = {}, .program = {}, .name = {}});
  }
  return found;
}

std::string nobody(const Target& target) {
  if (target.pid > 0 && !status_field(target.pid, "State:").empty())
    return fmt::format("process {} has ended already: it is a zombie, of which only the exit status is left",
                       target.pid);
  if (target.pid > 0)
    return fmt::format("there is no process {}; `pidof NAME` finds the pid of a running program", target.pid);
  std::vector<std::string> running_names;
  for (const Running& running : everything_running()) {
    if (running.pid == getpid()) continue;
    running_names.push_back(running.program);
    running_names.push_back(running.comm);
  }
  const std::vector<std::string> names = near_names(target.programs.front(), running_names);
  const std::string hint = names.empty() ? "" : fmt::format(" (near: {})", fmt::join(names, ", "));
  return fmt::format("nothing named {} is running{}; start it first, or add --wait to wait for it", target.given, hint);
}

}  // namespace nstrace::capture
