// SPDX-License-Identifier: MIT
// nstrace diff A B: how two recorded traces of the same thing differ.
#include "check/diff.h"

#include <unistd.h>

#include "check/diff_report.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "trace/error.h"
#include "trace/file.h"

namespace nstrace::cli {

int diff_command(const Arguments& arguments) {
  std::string a, b;
  std::string format = "text";
  check::DiffReportOptions options;
  CLI::App app(
      "Says how two traces of the same thing differ: processes by their roles, calls argument by argument, without "
      "what "
      "varies from run to run. Exit code 0 when there is no difference, 1 when there is one, 3 when it cannot be told.",
      "nstrace diff");
  app.add_option("A", a, "the trace before, or - for stdin")->required();
  app.add_option("B", b, "the trace after, or - for stdin")->required();
  app.add_option("--format", format, "text, markdown, json")->check(CLI::IsMember({"text", "markdown", "json"}));
  app.add_flag("--all", options.all, "every call, whole; fold nothing");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;
  if (a == "-" && b == "-") throw Error("both traces cannot be read from stdin; name a file for one of them");

  const trace::Trace before = load_trace(a), after = load_trace(b);
  const check::Diff diff = check::diff(before, after);
  const auto output = Output::standard(STDOUT_FILENO);
  options.a = a == "-" ? "standard input" : a;
  options.b = b == "-" ? "standard input" : b;
  if (output->terminal() && output->columns() > 0) options.columns = output->columns();
  if (format == "json")
    output->write(check::diff_json(diff, options));
  else if (format == "markdown")
    output->write(check::diff_markdown(diff, options));
  else
    output->write(check::diff_text(diff, options));
  output->flush();
  return check::exit_code(diff.verdict);
}

}  // namespace nstrace::cli
