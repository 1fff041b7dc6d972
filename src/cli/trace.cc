// SPDX-License-Identifier: MIT
// The main job: nstrace [OPTIONS] --follow TARGET... [-- COMMAND [ARG...]], or nstrace -- COMMAND [ARG...].
#include <fmt/format.h>

#include <algorithm>

#include "capture/session.h"
#include "capture/targets.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/formats.h"
#include "cli/live.h"
#include "trace/error.h"
#include "trace/syscalls.h"
#include "trace/tee.h"

namespace nstrace::cli {
namespace {

void print_groups() {
  fmt::print("--follow takes a pid, a name (comm or base name of the executable), or a group:\n");
  for (const capture::Group& group : capture::groups()) fmt::print("  {:<12} {}\n", group.name, group.what);
  fmt::print("The name of a group without its @ means the group.\n");
}

std::string overview() {
  std::string text = "Commands (each has its own --help):\n";
  for (const Command& command : commands()) text += fmt::format("  {:<12} {}\n", command.name, command.what);
  return text + "\nFormats of -o, by the file's ending:\n" + formats_help() +
         "\nExamples:\n"
         "  sudo nstrace --follow containerd -- docker run -d busybox sleep 100\n"
         "  sudo nstrace -o run.jsonl -o run.svg -- runc run demo\n"
         "  sudo nstrace lab run -o lab.svg\n"
         "  nstrace show run.jsonl\n";
}

}  // namespace

int trace_command(const Arguments& all) {
  const auto dashes = std::find(all.begin(), all.end(), "--");
  const Arguments own(all.begin(), dashes);
  const Arguments command(dashes == all.end() ? dashes : dashes + 1, all.end());

  CLI::App app(
      "Shows what a container runtime really does: processes, namespaces, mounts, as they happen.\n\n"
      "  nstrace [OPTIONS] --follow TARGET... [-- COMMAND [ARG...]]\n"
      "  nstrace [OPTIONS] -- COMMAND [ARG...]\n",
      "nstrace");
  app.footer(overview());
  app.set_version_flag("--version", version_text());
  LiveOptions live;
  std::vector<std::string> pids;
  app.add_option("--follow", live.session.follow,
                 "follow a pid, a name or a group, and all that it starts; `--follow help`")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  app.add_option("-p,--attach", pids, "follow these pids (a comma or blank list, as strace takes it)")
      ->type_name("PIDS")
      ->allow_extra_args(false);
  app.add_option("--container", live.session.containers,
                 "follow what is in a container of docker, containerd or podman, and whoever enters it")
      ->type_name("ID|NAME")
      ->allow_extra_args(false);
  app.add_flag("--with-command", live.session.with_command, "with --follow: follow COMMAND too");
  app.add_flag("--wait", live.session.wait_for_names, "wait for a name that nothing bears yet");
  app.add_flag("--until-exit", live.session.until_exit, "go on until all that is followed has ended");
  add_live_options(app, live);
  Arguments words;
  app.add_option("words", words)->group("");
  if (const auto code = parse(app, own, kOwnFailure)) return *code;

  // Options before a command's word are that command's: nstrace -q lab run is nstrace lab run -q.
  if (!words.empty())
    for (const Command& other : commands()) {
      if (other.name != words[0]) continue;
      Arguments moved(words.begin() + 1, words.end()), options;
      auto next = words.begin();
      for (const std::string& word : own)
        if (next != words.end() && word == *next)
          ++next;
        else
          options.push_back(word);
      moved.insert(moved.end(), options.begin(), options.end());
      moved.insert(moved.end(), dashes, all.end());
      return other.run(moved);
    }
  if (!words.empty())
    throw Error(fmt::format("there is no command {0}; to trace a program, write: nstrace -- {0}", words[0]),
                kOwnFailure);
  if (live.lines.expressions == std::vector<std::string>{"help"}) {
    fmt::print("{}", trace::sets_help());
    return kDone;
  }
  if (live.session.follow == std::vector<std::string>{"help"}) {
    print_groups();
    return kDone;
  }
  for (const int pid : parse_pids(pids)) live.session.follow.push_back(std::to_string(pid));
  if (dashes != all.end() && command.empty()) throw Error("there is no command after --", kOwnFailure);
  if (!command.empty()) live.session.command = capture::Program{.argv = command, .env = {}, .fd = -1, .folder = {}};
  if (live.session.follow.empty() && live.session.containers.empty() && command.empty())
    throw Error(
        "nothing to trace: give --follow TARGET, --container ID|NAME, -- COMMAND, or several of them; `nstrace --help` "
        "has examples",
        kOwnFailure);
  return run_live(live);
}

}  // namespace nstrace::cli
