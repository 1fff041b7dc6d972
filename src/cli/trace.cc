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
  std::string text = "--follow takes a pid, a name (comm or base name of the executable), or a group:\n";
  for (const capture::Group& group : capture::groups()) text += fmt::format("  {:<12} {}\n", group.name, group.what);
  say(text + "The name of a group without its @ means the group.\n");
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

enum class Next { Word, Value, Unknown };

// What follows `word`, an option: a word of its own, the option's value, or either, when it is no option of `app`.
Next after_option(const CLI::App& app, const std::string& word) {
  const auto takes_value = [](const CLI::Option& option) { return option.get_items_expected_min() > 0; };
  if (word.starts_with("--")) {
    if (word.find('=') != word.npos) return Next::Word;
    const CLI::Option* option = app.get_option_no_throw(word);
    return !option ? Next::Unknown : takes_value(*option) ? Next::Value : Next::Word;
  }
  for (std::size_t i = 1; i < word.size(); ++i) {  // -qfo FILE
    const CLI::Option* option = app.get_option_no_throw(std::string("-") + word[i]);
    if (!option) return Next::Unknown;
    if (takes_value(*option)) return i + 1 == word.size() ? Next::Value : Next::Word;
  }
  return Next::Word;
}

// Options may stand before a command's word: that word is looked for before anything is parsed, since only the command
// knows all of them. What is an option's value, or may be one, is no word; the first other one decides.
const Command* find_command(const CLI::App& app, const Arguments& own, std::size_t& at) {
  for (at = 0; at < own.size(); ++at) {
    if (own[at].size() > 1 && own[at][0] == '-') {
      const Next next = after_option(app, own[at]);
      const auto is_next = [&](const Command& c) { return at + 1 < own.size() && own[at + 1] == c.name; };
      if (next == Next::Value || (next == Next::Unknown && std::ranges::none_of(commands(), is_next))) ++at;
      continue;
    }
    const auto found = std::ranges::find(commands(), own[at], &Command::name);
    return found == commands().end() ? nullptr : &*found;
  }
  return nullptr;
}

// nstrace -q lab run is nstrace lab run -q.
int run_with_options_before(const Command& command, const Arguments& own, std::size_t at, const Arguments& rest) {
  Arguments moved(own.begin() + static_cast<std::ptrdiff_t>(at) + 1, own.end());
  moved.insert(moved.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(at));
  moved.insert(moved.end(), rest.begin(), rest.end());
  try {
    return command.run(moved);
  } catch (const Error& error) {
    if (error.exit_code()) throw;
    throw Error(error.what(), command.failure);
  }
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
  app.set_version_flag("--version", version_text(), "print the version");
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
  std::size_t at = 0;
  if (const Command* other = find_command(app, own, at))
    return run_with_options_before(*other, own, at, Arguments(dashes, all.end()));
  if (const auto code = parse(app, own, kOwnFailure)) return *code;
  if (!words.empty())
    throw Error(fmt::format("there is no command {0}; to trace a program, write: nstrace -- {0}", words[0]),
                kOwnFailure);
  if (live.lines.expressions == std::vector<std::string>{"help"}) {
    say(trace::sets_help());
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
