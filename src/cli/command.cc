// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/exit_codes.h"
#include "cli/help.h"
#include "cli/output.h"
#include "trace/error.h"

namespace nstrace::cli {
namespace {

const std::vector<Command> kCommands{
    {"show", "print a recorded trace as lines, or as a tree", show_command, kBadUse},
    {"explain", "tell what happened in a recorded trace, step by step", explain_command, kBadUse},
    {"draw", "draw a recorded trace", draw_command, kBadUse},
    {"check", "say whether a trace keeps to an expectation file", check_command, kBadUse},
    {"expect", "write an expectation file from traces", expect_command, kBadUse},
    {"diff", "say how two traces of the same thing differ", diff_command, kBadUse},
    {"import", "make a trace of a strace log", import_command, kBadUse},
    {"lab", "the embedded mini container runtime", lab_command, kOwnFailure},
    {"doctor", "say whether this host can trace, and what is missing", doctor_command, kBadUse},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

std::string version_text() {
  return "nstrace " NSTRACE_VERSION;
}

void tell(std::string_view sentence) noexcept {
  char name[] = "nstrace: ", end[] = "\n";
  iovec parts[] = {{name, sizeof name - 1}, {const_cast<char*>(sentence.data()), sentence.size()}, {end, 1}};
  // there is nobody to tell that this failed
  [[maybe_unused]] const ssize_t ignored = writev(STDERR_FILENO, parts, 3);
}

void say(std::string_view text) {
  const auto output = Output::standard(STDOUT_FILENO);
  output->write(text);
  output->flush();
}

std::optional<int> parse(CLI::App& app, const Arguments& arguments, int failure) {
  Arguments reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    app.formatter(help_formatter(text_columns()));
    app.get_help_ptr()->description("print this");
    say(app.help());
    return kDone;
  } catch (const CLI::CallForVersion&) {
    say(version_text() + "\n");
    return kDone;
  } catch (const CLI::ParseError& error) {
    std::string sentence = error.what();
    while (!sentence.empty() && (sentence.back() == '\n' || sentence.back() == '.')) sentence.pop_back();
    throw Error(fmt::format("{}; `{} --help` lists what there is", sentence, app.get_name()), failure);
  }
  return std::nullopt;
}

}  // namespace nstrace::cli
