// SPDX-License-Identifier: MIT
// nstrace explain TRACE: what happened in a trace, told in numbered steps.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/lines.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "report/story_json.h"
#include "report/story_text.h"
#include "story/names.h"
#include "story/story.h"
#include "trace/anonymous.h"

namespace nstrace::cli {
namespace {

// A trace of this machine, since its last start: the files of its managers are those of the trace.
class Teller : public story::TellingModel {
 public:
  void header(const trace::Header& header) override {
    story::TellingModel::header(header);
    if (!header.boot_id.empty() && header.boot_id == story::this_boot()) story().look_for_names();
  }
};

}  // namespace

int explain_command(const Arguments& arguments) {
  std::string path, output, format = "text", color = "auto";
  report::StoryOptions options;
  int width = 0;
  bool brief = false, hide = false;
  CLI::App app(
      "Tells what happened in a recorded trace: numbered steps, by container and phase, each with one plain "
      "sentence, the line it rests on, and where to read more.",
      "nstrace explain");
  app.add_option("TRACE", path, "a trace file, or - for stdin")->required();
  app.add_option("-o,--output", output, "write to FILE instead of the terminal")->type_name("FILE");
  app.add_option("--format", format, "text, or json for machines")->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--brief", brief, "the sentences alone, without lines and references");
  app.add_option("--width", width, "wrap at this column (default: the terminal's width, or 100)")
      ->type_name("N")
      ->check(CLI::Range(40, 1000));
  app.add_option("--color", color, "colours: auto is on a terminal, unless NO_COLOR is set")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--anonymous", hide, "symbols for what differs from run to run or tells about the machine");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  const auto to = output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output);
  Teller model;
  trace::Anonymous anonymous(model);
  read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : model);
  if (format == "json") {
    to->write(report::story_json(model.story(), model));
  } else {
    const int terminal = to->terminal() ? to->columns() : 0;
    options.width = static_cast<std::size_t>(width ? width : terminal ? std::min(terminal, 110) : 100);
    options.lines = options.references = !brief;
    options.color = color == "always" || (color == "auto" && to->terminal() && !no_color());
    to->write(report::story_text(model.story(), model, options));
  }
  to->flush();
  return kDone;
}

}  // namespace nstrace::cli
