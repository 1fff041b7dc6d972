// SPDX-License-Identifier: MIT
// nstrace check EXPECT TRACE...: does a trace keep to an expectation file?
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "cli/check_options.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "trace/error.h"
#include "trace/file.h"

namespace nstrace::cli {

void add_check_options(CLI::App& app, CheckChoices& choices) {
  app.add_option("--format", choices.format, "text, json, tap, github")
      ->check(CLI::IsMember({"text", "json", "tap", "github"}));
  app.add_option("--junit", choices.junit, "write JUnit's XML to FILE too")->type_name("FILE");
  app.add_flag("-v,--verbose", choices.verbose, "say what holds, too");
}

int report_check(const check::Result& result, const CheckChoices& choices, const std::string& trace) {
  const check::ReportOptions options{.trace = trace, .verbose = choices.verbose};
  const auto output = Output::standard(STDOUT_FILENO);
  if (choices.format == "json")
    output->write(check::json_report(result, options));
  else if (choices.format == "tap")
    output->write(check::tap_report(result, options));
  else if (choices.format == "github")
    output->write(check::github_report(result, options));
  else
    output->write(check::text_report(result, options));
  // in a workflow of GitHub Actions people see annotations beside the text
  const char* github = std::getenv("GITHUB_ACTIONS");
  if (choices.format == "text" && github && std::string_view(github) == "true")
    output->write(check::github_report(result, options));
  output->flush();
  if (!choices.junit.empty()) {
    const auto file = Output::open(choices.junit);
    file->write(check::junit_report(result, options));
    file->flush();
  }
  return check::exit_code(result.verdict);
}

int check_command(const Arguments& arguments) {
  std::string expectations;
  std::vector<std::string> traces;
  CheckChoices choices;
  CLI::App app(
      "Says whether recorded traces keep to an expectation file: exit code 0 when every rule holds, 1 when one "
      "fails, 3 when one cannot be told.",
      "nstrace check");
  app.add_option("EXPECT", expectations, "an expectation file (.expect), or - for stdin")->required();
  app.add_option("TRACE", traces, "trace files; - is stdin")->required();
  add_check_options(app, choices);
  if (const auto code = parse(app, arguments, kBadUse)) return *code;
  if (expectations == "-" && std::count(traces.begin(), traces.end(), "-"))
    throw Error("the expectations and the trace cannot both be read from stdin; name a file for one of them");
  if (traces.size() > 1 && (!choices.junit.empty() || choices.format != "text"))
    throw Error("--junit and --format take one trace; check the traces one by one");

  const check::Expectations expected = check::parse_file(expectations);
  int worst = kDone;
  for (const std::string& trace : traces) {
    check::Checker checker(expected);
    read_trace_for_check(trace, checker);
    check::Result result = checker.result();
    if (trace != "-" && result.verdict != check::Verdict::Holds)
      check::add_windows(result, [&](trace::Sink& sink) { trace::read_trace(trace, sink); });
    if (traces.size() > 1) fmt::print("{}:\n", trace);
    const int code = report_check(result, choices, trace);
    if (code == kDoesNotHold || worst == kDone) worst = code;
  }
  return worst;
}

}  // namespace nstrace::cli
