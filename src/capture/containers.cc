// SPDX-License-Identifier: MIT
// A shim of containerd works in its bundle (.../<namespace>/<id>), where it keeps init.pid, and a pod's shim has
// bundles beside that. conmon has all in its arguments. A name that docker gave stands in the container's
// config.v2.json, whose folder is known from the bundle: /etc/hostname is mounted from there.
#include "capture/containers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "capture/targets.h"
#include "trace/error.h"

namespace nstrace::capture {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShortId = 12;  // what docker and podman show of one

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> arguments(int pid) {
  std::vector<std::string> words;
  std::istringstream in(content(fmt::format("/proc/{}/cmdline", pid)));
  for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
  return words;
}

std::string text(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return "";
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string name_in_bundle(const fs::path& bundle, const std::string& id) {
  const nlohmann::json config = nlohmann::json::parse(content(bundle / "config.json"), nullptr, false);
  if (!config.is_object()) return "";
  if (const auto notes = config.find("annotations"); notes != config.end())
    for (const char* field : {"io.kubernetes.cri.container-name", "nerdctl/name"})
      if (const std::string name = text(*notes, field); !name.empty()) return name;
  const auto mounts = config.find("mounts");
  if (mounts == config.end() || !mounts->is_array()) return "";
  for (const nlohmann::json& mount : *mounts) {
    const fs::path folder = fs::path(text(mount, "source")).parent_path();
    if (folder.filename() != id) continue;
    const nlohmann::json docker = nlohmann::json::parse(content(folder / "config.v2.json"), nullptr, false);
    std::string name = text(docker, "Name");
    if (name.starts_with('/')) name.erase(0, 1);
    if (!name.empty()) return name;
  }
  return "";
}

int pid_in(const fs::path& path) {
  const int pid = std::atoi(content(path).c_str());
  std::error_code error;
  return pid > 0 && fs::exists(fmt::format("/proc/{}", pid), error) ? pid : 0;
}

void add_of_shim(int shim, std::vector<Container>& out) {
  std::error_code error;
  const fs::path own = fs::read_symlink(fmt::format("/proc/{}/cwd", shim), error);
  if (error) return;
  for (const auto& entry : fs::directory_iterator(own.parent_path(), error)) {
    const int pid = pid_in(entry.path() / "init.pid");
    const std::string id = entry.path().filename();
    if (!pid || std::any_of(out.begin(), out.end(), [&](const Container& c) { return c.pid == pid; })) continue;
    out.push_back({.engine = own.parent_path().filename() == "moby" ? "docker" : "containerd",
                   .id = id,
                   .name = name_in_bundle(entry.path(), id),
                   .pid = pid,
                   .keeper = shim});
  }
}

void add_of_conmon(int conmon, std::vector<Container>& out) {
  const std::vector<std::string> words = arguments(conmon);
  const auto after = [&](std::string_view shorter, std::string_view longer) -> std::string {
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
      if (words[i] == shorter || words[i] == longer) return words[i + 1];
    return "";
  };
  Container found{.engine = "podman",
                  .id = after("-c", "--cid"),
                  .name = after("-n", "--name"),
                  .pid = pid_in(after("-p", "--container-pidfile")),
                  .keeper = conmon};
  if (found.name.starts_with("k8s_")) found.engine = "cri-o";
  if (found.pid && !found.id.empty()) out.push_back(std::move(found));
}

}  // namespace

std::vector<Container> running_containers() {
  std::vector<Container> out;
  for (const Running& running : everything_running()) {
    const std::string& name = running.program.empty() ? running.comm : running.program;
    if (name.starts_with("containerd-shim")) add_of_shim(running.pid, out);
    if (name == "conmon") add_of_conmon(running.pid, out);
  }
  return out;
}

std::string container_text(const Container& container) {
  const std::string id = container.id.substr(0, container.id.size() > 32 ? kShortId : std::string::npos);
  return fmt::format("{} ({}{})", container.name.empty() ? id : container.name, container.engine,
                     container.name.empty() ? "" : " " + id);
}

Container choose_container(const std::vector<Container>& all, const std::string& given) {
  const auto pick = [&](auto&& is) {
    std::vector<Container> chosen;
    std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), is);
    return chosen;
  };
  std::vector<Container> found = pick([&](const Container& c) { return c.id == given || c.name == given; });
  if (found.empty() && !given.empty()) found = pick([&](const Container& c) { return c.id.starts_with(given); });
  if (found.size() == 1) return found.front();
  std::vector<std::string> texts;
  for (const Container& c : found) texts.push_back(container_text(c));
  if (!found.empty())
    throw Error(fmt::format("--container {} may mean any of {}; give more of its id", given, fmt::join(texts, ", ")),
                125);
  if (all.empty())
    throw Error(fmt::format("there is no container {}: none of docker, containerd or podman runs here", given), 125);
  std::vector<std::string> names;
  for (const Container& c : all) names.push_back(c.name.empty() ? c.id.substr(0, kShortId) : c.name);
  const std::vector<std::string> near = near_names(given, names);
  throw Error(fmt::format("there is no running container {}; {} {}", given,
                          near.empty() ? "running are" : "near:", fmt::join(near.empty() ? names : near, ", ")),
              125);
}

}  // namespace nstrace::capture
