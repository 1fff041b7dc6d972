// SPDX-License-Identifier: MIT
// nstrace lab: the embedded mini runtime, traced from its first instruction or, with --no-trace, on its own.
#include "lab/lab.h"

#include <fmt/format.h>

#include <algorithm>

#include "capture/doctor.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/help.h"
#include "cli/live.h"
#include "trace/error.h"
#include "trace/syscalls.h"

namespace nstrace::cli {
namespace {

template <typename Named>
std::string names_of(const Named& all) {
  std::string names;
  for (const auto& one : all) names += (names.empty() ? "" : ", ") + std::string(one.name);
  return names;
}

// What `lab SCENE` and `lab plan SCENE` both take; what follows -- is the command to run in the container.
void add_container_options(CLI::App& app, lab::RunOptions& container, bool& user_namespace) {
  std::string ways;
  for (const lab::PivotName& way : lab::pivots())
    ways += fmt::format("{}{}: {}", ways.empty() ? "" : "; ", way.name, way.what);
  app.add_option("--hostname", container.hostname, "the container's host name")->type_name("NAME");
  app.add_flag("--userns", user_namespace, "in a user namespace, as for an ordinary user");
  app.add_option("--like", container.like,
                 "the way of a runtime: " + names_of(lab::variant_names()) +
                     "; others than lab have run, exec (bwrap: run) and userns only")
      ->type_name("RUNTIME");
  app.add_option("--pivot", container.pivot, "how the root is changed (default: dot): " + ways)->type_name("WAY");
  app.add_option("--fault", container.fault, "puts a mistake in; `nstrace lab faults` lists them")->type_name("FAULT");
}

Arguments split_command(const Arguments& all, lab::RunOptions& container) {
  const auto dashes = std::find(all.begin(), all.end(), "--");
  container.command.assign(dashes == all.end() ? dashes : dashes + 1, all.end());
  return Arguments(all.begin(), dashes);
}

// What only a trace can heed, a check above all, must not be passed over without a word.
void refuse_trace_options(const CLI::App& app, std::size_t first) {
  const std::vector<const CLI::Option*> options = app.get_options();
  for (std::size_t i = first; i < options.size(); ++i) {
    if (options[i]->count() == 0) continue;
    throw Error(
        fmt::format("{0} is of a trace, and --no-trace makes none; leave one of the two out", options[i]->get_name()),
        kOwnFailure);
  }
}

int run_traced(LiveOptions& live) {
  try {
    return run_live(live);
  } catch (const Error& e) {
    if (capture::first_problem() != e.what()) throw;
    throw Error(fmt::format("{}; or run it without a trace: --no-trace", e.what()), e.exit_code());
  }
}

int run(const lab::SceneName& scene, const Arguments& all) {
  lab::RunOptions container;
  container.scene = scene.scene;
  const Arguments own = split_command(all, container);
  LiveOptions live;
  bool untraced = false, user_namespace = false;
  CLI::App app(fmt::format("{}, traced.\nWhat follows -- is the command to run in it (default: hello).", scene.what),
               fmt::format("nstrace lab {}", scene.name));
  app.add_flag("--no-trace", untraced, "only run it: needs no rights and no eBPF");
  add_container_options(app, container, user_namespace);
  const std::size_t first_of_trace = app.get_options().size();
  add_live_options(app, live);
  if (const auto code = parse(app, own, kOwnFailure)) return *code;
  if (user_namespace) container.rootless = true;

  if (untraced) {
    refuse_trace_options(app, first_of_trace);
    return lab::run_untraced(container);
  }
  const lab::Launch launch = lab::prepare_run(container);
  live.session.command =
      capture::Program{.argv = launch.argv, .env = launch.env, .fd = launch.program_fd, .folder = "/"};
  const int status = run_traced(live);
  if (const auto failure = launch.failure()) throw Error(*failure, status);
  return status;
}

const lab::SceneName* find_scene(const std::string& word) {
  for (const lab::SceneName& scene : lab::scenes())
    if (scene.name == word) return &scene;
  return nullptr;
}

int plan(const Arguments& all) {
  lab::RunOptions container;
  const Arguments own = split_command(all, container);
  std::string scene = "run";
  bool user_namespace = false, traced = false;
  CLI::App app("Prints the system calls that a scene will make, stage by stage.", "nstrace lab plan");
  app.add_option("SCENE", scene, "run, exec, pod, ... (default: run)");
  app.add_flag(
      "--traced", traced,
      "only the calls that a trace shows; about half (openat, read, close, ...) it leaves out, unless -e asks");
  add_container_options(app, container, user_namespace);
  if (const auto code = parse(app, own, kOwnFailure)) return *code;
  const lab::SceneName* found = find_scene(scene);
  if (!found)
    throw Error(fmt::format("nstrace lab has no scene {}; `nstrace lab --help` lists them", scene), kOwnFailure);
  container.scene = found->scene;
  if (user_namespace) container.rootless = true;
  say(lab::plan_text(container, {.only = traced ? trace::parse_call_set("%lifecycle") : std::vector<std::string>()}));
  return kDone;
}

int list_faults() {
  std::string text;
  for (const lab::FaultName& fault : lab::fault_names())
    text += fmt::format("{:<26} {}{}\n", fault.name, fault.what, fault.where.empty() ? "" : " [" + fault.where + ']');
  say(text +
      fmt::format("{:<26} {}\n", "'without CALL'",
                  "a step of `nstrace lab plan` is left out: the first one that begins so, such as 'without setgid('"));
  return kDone;
}

std::string help() {
  std::string text = "The embedded mini container runtime, for learning and testing.\n\n";
  for (const lab::SceneName& scene : lab::scenes())
    text += fmt::format("  nstrace lab {:<8} {}\n", scene.name, scene.what);
  return text + fmt::format("  nstrace lab {:<8} {}\n", "plan", "prints the calls that a scene will make") +
         fmt::format("  nstrace lab {:<8} {}\n", "faults", "lists the mistakes that --fault can put into a scene") +
         "\nEach has its own --help; -- COMMAND says what to run inside. --like plays run, exec and userns the way of "
         "another\nruntime. To read how it is done: src/lab/README.md in nstrace's source, or `nstrace lab plan`.\n";
}

}  // namespace

int lab_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments[0];
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (const lab::SceneName* scene = find_scene(word)) return run(*scene, rest);
  if (word == "plan") return plan(rest);
  if (word == "faults") return list_faults();
  if (word == "--help" || word == "-h") {
    say(wrapped(help(), text_columns()));
    return kDone;
  }
  throw Error(word.empty() ? "nstrace lab needs a word, such as run; `nstrace lab --help` lists them"
                           : fmt::format("nstrace lab has no {}; `nstrace lab --help` lists what it has", word),
              kOwnFailure);
}

}  // namespace nstrace::cli
