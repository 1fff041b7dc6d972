// SPDX-License-Identifier: MIT
// nstrace doctor: what this host can do, a line each.
#include "capture/doctor.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/help.h"

namespace nstrace::cli {

int doctor_command(const Arguments& arguments) {
  CLI::App app("Says whether this host can trace; for what is missing, the cure.", "nstrace doctor");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  bool good = true;
  std::string text;
  for (const capture::Finding& finding : capture::examine()) {
    const char* sign = "";
    switch (finding.state) {
      case capture::Finding::State::Good:
        sign = "ok  ";
        break;
      case capture::Finding::State::Note:
        sign = "note";
        break;
      case capture::Finding::State::Bad:
        sign = "BAD ";
        good = false;
        break;
    }
    text += fmt::format("{}  {}\n", sign, finding.what);
    if (!finding.detail.empty()) text += fmt::format("      {}\n", finding.detail);
  }
  text += fmt::format("\n{}\n", good ? "nstrace can trace on this host." : "nstrace cannot trace on this host.");
  say(wrapped(text, text_columns()));
  return good ? kDone : kDoesNotHold;
}

}  // namespace nstrace::cli
