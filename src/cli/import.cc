// SPDX-License-Identifier: MIT
// nstrace import LOG...: a strace log becomes a trace.
#include "trace/import.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/formats.h"
#include "cli/lines.h"
#include "cli/recording.h"
#include "trace/anonymous.h"
#include "trace/error.h"
#include "trace/file.h"
#include "trace/tee.h"

namespace nstrace::cli {

int import_command(const Arguments& arguments) {
  std::vector<std::string> logs;
  std::vector<std::string> outputs;
  bool hide = false;
  std::string title;
  CLI::App app(
      "Makes a trace of a log that `strace -f` wrote. What the log does not tell is not known in the trace.\n"
      "(The other commands read such logs as they are; a trace is read faster.)",
      "nstrace import");
  app.add_option("LOG", logs, "a log, - for stdin, or the files (or the PREFIX) of `strace -ff -o PREFIX`")->required();
  app.add_option("-o,--output", outputs,
                 "write to FILE; its ending tells the format; may be repeated (default: the "
                 "trace to stdout)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--title", title, "title of pictures");
  app.add_flag("--anonymous", hide, "symbols for what differs from run to run or tells about the machine");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  trace::Tee files;
  trace::Anonymous anonymous(files);
  if (outputs.empty()) outputs.emplace_back("jsonl:-");
  for (const std::string& given : outputs) {
    Destination destination = parse_destination(given);
    destination.write_behind = !is_picture(destination.format);  // logs are long, and read faster than a disk writes
    if (destination.format == Format::Lines)
      files.add(open_lines(Output::open(destination.path), LineChoices{}));
    else
      files.add(open_destination(destination, {.title = title, .all = false}));
  }
  trace::Sink& sink = hide ? static_cast<trace::Sink&>(anonymous) : files;
  if (logs.size() == 1) {
    const trace::ReadReport report = read_recording(logs[0], sink);
    if (!report.log) tell(fmt::format("{} was no strace log but a trace already", logs[0]));
  } else {
    say_what_is_wrong("the log", trace::import_strace(logs, sink));
  }
  return kDone;
}

}  // namespace nstrace::cli
