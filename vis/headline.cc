// SPDX-License-Identifier: MIT
// Takes processes and programs of a model, gives names that a reader recognises. Runtimes hide their verb behind long
// options (`runc --root ... --log ... create --bundle ...`): for them, and only for them, it is looked for.
#include "vis/headline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "model/runtime.h"
#include "vis/select.h"
#include "vis/style.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

constexpr std::array<std::string_view, 17> kRuntimes{
    "runc", "crun",   "youki",      "runsc",   "kata-runtime", "conmon", "docker",  "podman", "nerdctl",
    "ctr",  "crictl", "containerd", "buildah", "nsjail",       "bwrap",  "railcar", "runj"};
constexpr std::array<std::string_view, 18> kVerbs{"create", "start", "run",   "exec",     "init",       "kill",
                                                  "delete", "state", "pause", "resume",   "ps",         "events",
                                                  "update", "spec",  "list",  "features", "checkpoint", "restore"};

bool is_runtime(std::string_view name) {
  return std::find(kRuntimes.begin(), kRuntimes.end(), name) != kRuntimes.end() ||
         name.starts_with("containerd-shim") || name.starts_with("docker-runc");
}

// Index of the first argument that is a verb; 0 = none.
std::size_t verb_at(const std::vector<std::string>& argv) {
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (std::find(kVerbs.begin(), kVerbs.end(), argv[i]) != kVerbs.end()) return i;
  }
  return 0;
}

}  // namespace

std::string headline(const model::Program& program) {
  const std::string_view first = program.argv.empty() ? std::string_view() : base_name(program.argv.front());
  const std::string_view file = base_name(program.path);
  // What it calls itself tells more than a path such as /proc/self/exe or /bin/busybox does.
  const std::string_view name = first.empty() ? file : first;
  std::string text = display_whole(name, 60);
  if (is_runtime(name)) {
    if (const std::size_t verb = verb_at(program.argv); verb != 0) text += ' ' + program.argv[verb];
    return text;
  }
  if (program.argv.size() > 1) {
    text += ' ' + short_command_line(std::vector<std::string>(program.argv.begin() + 1, program.argv.end()));
  }
  return text;
}

std::string headline(const model::Process& process) {
  const model::CommSpan& comm = process.comms.back();
  const model::Program* program = process.programs.empty() ? nullptr : &process.programs.back();
  const bool own = program && (program->event != 0 || process.existed);
  if (own && (process.comms.size() == 1 || comm.event <= program->event)) return headline(*program);
  // A program that names itself as it was called (busybox, after an exec of /proc/self/exe) tells nothing new.
  if (own && !program->argv.empty() && base_name(program->argv.front()).substr(0, 15) == comm.comm) {
    return headline(*program);
  }
  return display_whole(comm.comm, 60);
}

std::string_view short_name(std::string_view headline) {
  constexpr std::string_view kCommon = "containerd-";
  return headline.starts_with("containerd-shim") ? headline.substr(kCommon.size()) : headline;
}

std::string card_title(const std::string& headline) {
  std::string title = fit(headline, Font::Bold, style::kName, style::kCard - 2 * style::kPad);
  const std::size_t blank = title.rfind(' ');
  if (title != headline && blank != std::string::npos) title = title.substr(0, blank) + " \u2026";
  return title;
}

std::string headline(const model::Container& container, std::size_t columns) {
  const std::string name = display_whole(container.image_name.empty() ? container.name : container.image_name, 200);
  return std::string(model::kind_of(container)) + ' ' +
         (name.empty()       ? fmt::format("{}", container.id + 1)
          : is_long_id(name) ? name.substr(0, 12)
                             : shorten(name, columns));
}

bool launched(const model::Model& model, const model::Process& process) {
  const auto parent = creator_of(process);
  const int tracer = model.header().tracer_pid;
  return process.existed && parent && tracer != 0 && model.processes()[*parent].pid == tracer;
}

std::vector<Called> names_of(const model::Process& process, bool launched) {
  std::vector<Called> names;
  for (const model::CommSpan& span : process.comms) {
    const bool born = span.event == process.fork_event;
    names.push_back({born ? 0 : span.event, span.since, display_whole(span.comm, 60)});
  }
  for (const model::Program& program : process.programs) {
    if (program.event == 0 && (!process.existed || launched)) continue;  // its creator's
    names.push_back({program.event, program.since, headline(program)});
  }
  // Where an exec changed the comm, too, the program's name stands last and counts.
  std::stable_sort(names.begin(), names.end(), [](const Called& a, const Called& b) { return a.event < b.event; });
  return names;
}

std::string short_arguments(const model::Program& program) {
  const std::vector<std::string>& argv = program.argv;
  const std::size_t verb = argv.empty() || !is_runtime(base_name(argv.front())) ? 0 : verb_at(argv);
  if (verb < 2 || verb + 1 == argv.size()) return short_command_line(argv);
  std::vector<std::string> kept(argv.begin() + static_cast<std::ptrdiff_t>(verb), argv.end());
  return short_command_line({argv.front()}) + " \u2026 " + short_command_line(kept);
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
