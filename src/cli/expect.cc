// SPDX-License-Identifier: MIT
// nstrace expect TRACE...: writes an expectation file that holds on all of them.
#include "check/expect.h"

#include <unistd.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "trace/error.h"
#include "trace/file.h"
#include "trace/syscalls.h"

namespace nstrace::cli {
namespace {

// As -e takes them, with an error that names this option.
std::vector<std::string> calls_of(const std::string& only) {
  try {
    return trace::parse_call_set(only);
  } catch (const Error& error) {
    const std::string why = error.what();
    throw Error(why.starts_with("-e") ? "--only" + why.substr(2) : why);
  }
}

}  // namespace

int expect_command(const Arguments& arguments) {
  std::vector<std::string> traces;
  std::string only, output;
  check::ExpectOptions options;
  CLI::App app(
      "Writes an expectation file for nstrace check: one sequence for each role, with symbols for what varies. Given "
      "several traces of the same thing, it keeps what they have in common.",
      "nstrace expect");
  app.add_option("TRACE", traces, "trace files; - is stdin")->required();
  app.add_option("-o,--output", output, "write to FILE instead of the terminal")->type_name("FILE");
  app.add_option("--only", only,
                 "only these calls, as -e takes them: %ns,%rootfs (default: %story; %lifecycle has ids, capabilities "
                 "and seccomp, "
                 "too)")
      ->type_name("SET");
  app.add_flag("--argv", options.whole_argv, "the command lines of runtimes word by word");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;
  if (std::ranges::count(traces, "-") > 1)
    throw Error("only one trace can be read from stdin; name files for the others");
  if (!only.empty()) options.calls = calls_of(only);

  std::vector<check::NamedTrace> runs;
  for (const std::string& path : traces) {
    const std::size_t slash = path.rfind('/');
    runs.push_back(
        {path == "-" ? "standard input" : path.substr(slash == std::string::npos ? 0 : slash + 1), load_trace(path)});
  }
  options.only = only.empty() ? "%story" : only;
  const std::string text = check::write_expectations(runs, options);
  const auto file = output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output);
  file->write(text);
  file->flush();
  return kDone;
}

}  // namespace nstrace::cli
