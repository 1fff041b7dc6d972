// SPDX-License-Identifier: MIT
#include "story/names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

namespace nstrace::story {
namespace {

constexpr std::size_t kLargest = 4 << 20;  // bytes; such files have a few thousand

// A regular file, of a path that a trace names: nothing else is opened, and nothing is waited for.
std::optional<std::string> content(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::optional<std::string> bytes;
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && static_cast<std::size_t>(status.st_size) <= kLargest) {
    bytes.emplace(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t got = 0;
    for (ssize_t n = 0; got < bytes->size(); got += static_cast<std::size_t>(n))
      if ((n = read(fd, bytes->data() + got, bytes->size() - got)) <= 0) break;
    bytes->resize(got);
  }
  close(fd);
  return bytes;
}

nlohmann::json parsed(const std::string& path) {
  const auto bytes = content(path);
  return bytes ? nlohmann::json::parse(*bytes, nullptr, false) : nlohmann::json();
}

std::string text(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return "";
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Named of_docker(const nlohmann::json& config, std::string_view id) {
  Named named;
  if (const std::string whose = text(config, "ID"); !whose.empty() && whose != id) return named;
  named.name = text(config, "Name");
  if (named.name.starts_with('/')) named.name.erase(0, 1);
  if (config.is_object() && config.contains("Config")) named.image = text(config["Config"], "Image");
  return named;
}

Named of_bundle(const nlohmann::json& config) {
  Named named;
  if (!config.is_object() || !config.contains("annotations")) return named;
  const nlohmann::json& notes = config["annotations"];
  for (const char* field : {"io.kubernetes.cri.container-name", "io.kubernetes.cri-o.ContainerName", "nerdctl/name"})
    if (named.name.empty()) named.name = text(notes, field);
  for (const char* field : {"io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"})
    if (named.image.empty()) named.image = text(notes, field);
  return named;
}

}  // namespace

Named names_from_files(const std::vector<std::string>& folders, std::string_view id) {
  for (const std::string& folder : folders) {
    Named named = of_docker(parsed(folder + "/config.v2.json"), id);
    if (named.name.empty() && named.image.empty()) named = of_bundle(parsed(folder + "/config.json"));
    if (!named.name.empty() || !named.image.empty()) return named;
  }
  return {};
}

std::vector<std::string> usual_folders(std::string_view id) {
  // An id is a name that runtimes make a folder of; anything else is not looked for.
  if (id.size() != 64 || !std::ranges::all_of(id, [](unsigned char c) { return std::isxdigit(c); })) return {};
  return {"/var/lib/docker/containers/" + std::string(id),
          "/var/snap/docker/common/var-lib-docker/containers/" + std::string(id)};
}

std::string this_boot() {
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  char buffer[64];
  const ssize_t n = read(fd, buffer, sizeof buffer);
  close(fd);
  std::string id(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace nstrace::story
