// SPDX-License-Identifier: MIT
#include "capture/files.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "bpf/events.h"

namespace nstrace::capture {
namespace {

// "bin NUL usr NUL" -> "/usr/bin".
std::string path_of(std::string_view names) {
  std::string path;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find('\0'));
    path.insert(0, name).insert(0, 1, '/');
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return path.empty() ? "/" : path;
}

std::string target_of(const nst_file& file, std::string_view bytes) {
  const std::string_view name = bytes.substr(0, bytes.find('\0'));
  switch (static_cast<nst_file_kind>(file.kind)) {
    case NST_FILE_UNKNOWN:
      return {};
    case NST_FILE_PATH: {
      std::string path = path_of(bytes);
      if (file.flags & NST_FILE_CUT) path.insert(0, "...");
      if (file.flags & NST_FILE_UNREACHABLE) path.insert(0, "(unreachable)");
      if (file.flags & NST_FILE_DELETED) path += " (deleted)";
      return path;
    }
    case NST_FILE_UNNAMED:
      return fmt::format("/{} (deleted)", name);
    case NST_FILE_NS:
      return fmt::format("{}:[{}]", name, file.number);
    case NST_FILE_PIDFD:
      return fmt::format("pid:{}", file.number);
    case NST_FILE_PIPE:
      return fmt::format("pipe:[{}]", file.number);
    case NST_FILE_SOCKET:
      return fmt::format("socket:[{}]", file.number);
    case NST_FILE_ANONYMOUS:
      return fmt::format("anon_inode:{}", name);
  }
  return {};
}

}  // namespace

std::vector<SeenFile> read_files(std::string_view bytes) {
  std::vector<SeenFile> files;
  while (bytes.size() >= sizeof(nst_file)) {
    nst_file file;
    std::memcpy(&file, bytes.data(), sizeof file);
    bytes.remove_prefix(sizeof file);
    if (file.length > bytes.size()) break;
    files.push_back({file.fd, file.device, file.number, target_of(file, bytes.substr(0, file.length))});
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), (file.length + 7) & ~7u));
  }
  return files;
}

void fill_files(trace::Exec& exec, std::vector<SeenFile> files) {
  exec.fds.emplace();
  for (SeenFile& file : files) {
    if (file.fd == NST_FILE_CWD)
      exec.cwd = trace::Place{file.device, file.inode, std::move(file.target)};
    else if (file.fd == NST_FILE_ROOT)
      exec.root = trace::Place{file.device, file.inode, std::move(file.target)};
    else
      exec.fds->push_back({file.fd, std::move(file.target)});
  }
}

}  // namespace nstrace::capture
