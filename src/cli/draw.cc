// SPDX-License-Identifier: MIT
// nstrace draw TRACE -o FILE: a recorded trace as a picture.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/formats.h"
#include "cli/recording.h"
#include "trace/anonymous.h"
#include "trace/error.h"
#include "trace/tee.h"

namespace nstrace::cli {

int draw_command(const Arguments& arguments) {
  std::string path;
  std::vector<std::string> outputs;
  PictureOptions picture;
  CLI::App app("Draws a recorded trace.", "nstrace draw");
  app.add_option("TRACE", path, "a trace file, or - for stdin")->required();
  app.add_option("-o,--output", outputs, "write to FILE (.svg, .html, .png, .pdf, .dot, .mmd, .json); may be repeated")
      ->type_name("FILE")
      ->required()
      ->allow_extra_args(false);
  app.add_flag("--all", picture.all, "show every process, fold none");
  app.add_option("--view", picture.view,
                 "tree (default): who made whom; timeline: over time; namespaces: who shares what")
      ->check(CLI::IsMember({"tree", "timeline", "namespaces"}));
  app.add_option("--at", picture.at,
                 "for --view namespaces: this many ms after the start (default: the last moment with the most "
                 "containers or, without one, with the most different sets of namespaces)")
      ->type_name("MS");
  app.add_option("--title", picture.title, "title of the picture");
  bool hide = false;
  app.add_flag("--anonymous", hide, "symbols for what differs from run to run or tells about the machine");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  if (picture.at && picture.view != "namespaces")
    throw Error("--at is a moment for --view namespaces; the other views show the whole trace");
  trace::Tee sinks;
  for (const std::string& given : outputs) {
    const Destination destination = parse_destination(given);
    if (!is_picture(destination.format))
      throw Error(fmt::format(
          "nstrace draw makes pictures (.svg, .html, .png, .pdf, .dot, .mmd, .json), and {} is none", given));
    sinks.add(open_destination(destination, picture));
  }
  trace::Anonymous anonymous(sinks);
  read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : sinks);
  return kDone;
}

}  // namespace nstrace::cli
