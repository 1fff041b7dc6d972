// SPDX-License-Identifier: MIT
// Takes processes and programs of a model, gives names that a reader recognises. Runtimes hide their verb behind long
// options (`runc --root ... --log ... create --bundle ...`): for them, and only for them, it is looked for.
#include "vis/headline.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "vis/text.h"

namespace nstrace::vis {
namespace {

constexpr std::array<std::string_view, 17> kRuntimes{
    "runc",   "crun",   "youki",      "runsc",  "kata-runtime", "conmon", "docker", "podman", "nerdctl",
    "ctr",    "crictl", "containerd", "buildah", "nsjail",      "bwrap",  "railcar", "runj"};
constexpr std::array<std::string_view, 18> kVerbs{"create", "start",  "run",    "exec",    "init",  "kill",
                                                  "delete", "state",  "pause",  "resume",  "ps",    "events",
                                                  "update", "spec",   "list",   "features", "checkpoint", "restore"};

bool is_runtime(std::string_view name) {
  return std::find(kRuntimes.begin(), kRuntimes.end(), name) != kRuntimes.end() ||
         name.starts_with("containerd-shim") || name.starts_with("docker-runc");
}

}  // namespace

std::string headline(const model::Program& program) {
  const std::string_view first = program.argv.empty() ? std::string_view() : base_name(program.argv.front());
  const std::string_view file = base_name(program.path);
  // A path such as /proc/self/exe or /proc/self/fd/6 tells less than argv[0] does.
  const bool hidden = program.path.starts_with("/proc/") || program.path.find("_cloned:") != std::string::npos;
  const std::string_view name = first.empty() ? file : (hidden || file.empty() || is_runtime(first)) ? first : file;
  std::string text = display_whole(name, 60);
  if (is_runtime(name)) {
    const auto verb = std::find_if(program.argv.begin() + (program.argv.empty() ? 0 : 1), program.argv.end(),
                                   [](const std::string& arg) {
                                     return std::find(kVerbs.begin(), kVerbs.end(), arg) != kVerbs.end();
                                   });
    if (verb != program.argv.end()) text += ' ' + *verb;
    return text;
  }
  if (program.argv.size() > 1) {
    text += ' ' + command_line(std::vector<std::string>(program.argv.begin() + 1, program.argv.end()), 200);
  }
  return text;
}

std::string headline(const model::Process& process) {
  const model::CommSpan& comm = process.comms.back();
  const model::Program* program = process.programs.empty() ? nullptr : &process.programs.back();
  const bool own = program && (program->event != 0 || process.existed);
  if (own && (process.comms.size() == 1 || comm.event <= program->event)) return headline(*program);
  return display_whole(comm.comm, 60);
}

std::string pid_text(const model::Process& process) {
  if (process.pids.size() < 2) return fmt::format("pid {}", process.pid);
  std::string text = fmt::format("pid {} outside", process.pid);
  for (std::size_t i = 1; i < process.pids.size(); ++i) text += fmt::format(", {}", process.pids[i]);
  return text + " inside";
}

const model::Program* program_at(const model::Process& process, trace::Time at) {
  const model::Program* best = process.programs.empty() ? nullptr : &process.programs.front();
  for (const model::Program& program : process.programs) {
    if (program.since <= at) best = &program;
  }
  return best;
}

}  // namespace nstrace::vis
