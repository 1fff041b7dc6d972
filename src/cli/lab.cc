// SPDX-License-Identifier: MIT
// nstrace lab: the embedded mini runtime, traced from its first instruction or, with --no-trace, on its own.
#include "lab/lab.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/live.h"
#include "trace/error.h"

namespace nstrace::cli {
namespace {

int run(const Arguments& all) {
  const auto dashes = std::find(all.begin(), all.end(), "--");
  lab::RunOptions container;
  container.command.assign(dashes == all.end() ? dashes : dashes + 1, all.end());
  LiveOptions live;
  bool untraced = false;
  CLI::App app(
      "Sets a container up, step by step, with a tiny root file system of its own, and traces it.\n"
      "What follows -- is the command to run in it (default: hello).",
      "nstrace lab run");
  app.add_flag("--no-trace", untraced, "only run it: needs no rights and no eBPF");
  app.add_option("--hostname", container.hostname, "the container's host name");
  add_live_options(app, live);
  if (const auto code = parse(app, Arguments(all.begin(), dashes), kOwnFailure)) return *code;

  if (untraced) return lab::run_untraced(container);
  const lab::Launch launch = lab::prepare_run(container);
  live.session.command = capture::Program{.argv = launch.argv, .env = launch.env, .fd = launch.program_fd};
  const int status = run_live(live);
  if (const auto failure = launch.failure()) throw Error(*failure, status);
  return status;
}

int plan(const Arguments& all) {
  const auto dashes = std::find(all.begin(), all.end(), "--");
  lab::RunOptions container;
  container.command.assign(dashes == all.end() ? dashes : dashes + 1, all.end());
  CLI::App app(
      "Prints the system calls that `nstrace lab run` will make, stage by stage.\n"
      "What follows -- is the command to run in the container.",
      "nstrace lab plan");
  app.add_option("--hostname", container.hostname, "the container's host name");
  if (const auto code = parse(app, Arguments(all.begin(), dashes), kOwnFailure)) return *code;
  fmt::print("{}", lab::plan_text(container));
  return kDone;
}

}  // namespace

int lab_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments[0];
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (word == "run") return run(rest);
  if (word == "plan") return plan(rest);
  if (word == "--help" || word == "-h") {
    fmt::print(
        "The embedded mini container runtime, for learning and testing.\n\n"
        "  nstrace lab run [OPTIONS] [-- CMD [ARG...]]   sets a container up and traces it\n"
        "  nstrace lab plan [-- CMD [ARG...]]            prints the calls that it will make\n\n"
        "Each has its own --help.\n");
    return kDone;
  }
  throw Error(word.empty() ? "nstrace lab needs a word: run or plan"
                           : fmt::format("nstrace lab has no {}: it takes run or plan", word),
              kOwnFailure);
}

}  // namespace nstrace::cli
