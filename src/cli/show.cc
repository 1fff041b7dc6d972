// SPDX-License-Identifier: MIT
// nstrace show TRACE: a recorded trace as lines.
#include <unistd.h>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/lines.h"
#include "cli/recording.h"
#include "trace/anonymous.h"

namespace nstrace::cli {

int show_command(const Arguments& arguments) {
  std::string path;
  LineChoices lines;
  std::string output;
  CLI::App app("Prints a recorded trace as lines, as strace writes them.", "nstrace show");
  app.add_option("TRACE", path, "a trace file, or - for stdin")->required();
  app.add_option("-o,--output", output, "write to FILE instead of the terminal")->type_name("FILE");
  add_line_options(app, lines);
  bool hide = false;
  app.add_flag("--anonymous", hide, "symbols for what differs from run to run or tells about the machine");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  const auto printer = open_lines(output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output), lines);
  trace::Anonymous anonymous(*printer);
  read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : *printer);
  return kDone;
}

}  // namespace nstrace::cli
