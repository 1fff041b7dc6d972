// SPDX-License-Identifier: MIT
// nstrace check EXPECT TRACE...: does a trace keep to an expectation file?
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "check/checker.h"
#include "check/parse.h"
#include "check/report.h"
#include "check/update.h"
#include "cli/check_options.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "trace/error.h"
#include "trace/file.h"
#include "trace/text.h"

namespace nstrace::cli {

void add_check_options(CLI::App& app, CheckChoices& choices) {
  app.add_option("--format", choices.format, "text, markdown, json, tap, github")->check(CLI::IsMember(kCheckFormats));
  app.add_option("--junit", choices.junit, "write JUnit's XML to FILE too")->type_name("FILE");
  app.add_flag("-v,--verbose", choices.verbose, "say what holds, too");
  app.add_flag("--all", choices.all, "on a terminal, too: calls whole, however long");
}

int report_check(const check::Result& result, const CheckChoices& choices, const std::string& trace) {
  const auto output = Output::standard(STDOUT_FILENO);
  check::ReportOptions options{.trace = trace, .verbose = choices.verbose};
  if (output->terminal() && output->columns() > 0 && !choices.all)
    options.columns = static_cast<std::size_t>(output->columns());
  if (choices.format == "json")
    output->write(check::json_report(result, options));
  else if (choices.format == "markdown")
    output->write(check::markdown_report(result, options));
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
    options.columns = 0;
    file->write(check::junit_report(result, options));
    file->flush();
  }
  return check::exit_code(result.verdict);
}

namespace {

// The file with a new text and its old mode, all at once; through a symlink.
void write_in_place(const std::string& path, const std::string& text) {
  const auto fail = [&] { throw Error(fmt::format("cannot write {}: {}", path, std::strerror(errno))); };
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  if (error) throw Error(fmt::format("cannot write {}: {}", path, error.message()));
  struct stat old {};
  if (::stat(real.c_str(), &old) != 0) fail();
  std::string temporary = real + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) fail();
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  bool good = done == text.size() && ::fchmod(fd, old.st_mode & 07777) == 0;
  if (::fchown(fd, old.st_uid, old.st_gid) != 0) errno = 0;  // it then belongs to who updates it
  good = ::close(fd) == 0 && good && ::rename(temporary.c_str(), real.c_str()) == 0;
  if (good) return;
  const int why = errno;
  ::unlink(temporary.c_str());
  errno = why;
  fail();
}

// --update: shows what must change for the rules to hold, and changes it.
int update_command(const std::string& expectations, const std::vector<std::string>& paths, bool dry_run) {
  std::vector<trace::Trace> traces;
  for (const std::string& path : paths) traces.push_back(load_trace(path));
  const check::Updated updated = check::update(expectations, traces);
  for (const auto& [path, before] : updated.before) {
    say(check::line_diff(path, before, updated.after.at(path)));
    if (!dry_run) write_in_place(path, updated.after.at(path));
  }
  if (updated.before.empty() && updated.verdict == check::Verdict::Holds) say("every rule holds as it is\n");
  for (const std::string& rule : updated.left)
    tell(fmt::format("{} still fails, and no change of its lines helps{}", trace::escape(rule, ""),
                     rule.starts_with("role ") ? "; `nstrace expect` writes roles anew" : ""));
  if (updated.verdict == check::Verdict::CannotTell)
    tell("some rules cannot be told from these traces; they were left as they are");
  return check::exit_code(updated.verdict);
}

// A trace in the place of the expectations: as one error, rather than one for each of its lines.
void refuse_trace(const std::string& path, const std::string& other) {
  if (path == "-") return;
  std::ifstream file(path, std::ios::binary);
  std::string begin(4, '\0');
  if (!file.read(begin.data(), 4)) return;
  if (begin[0] != '{' && begin != "\x28\xb5\x2f\xfd") return;
  throw Error(fmt::format("{} is a trace; the expectation file stands in front: nstrace check {} {}",
                          trace::escape(path, ""), trace::escape(other, ""), trace::escape(path, "")));
}

}  // namespace

int check_command(const Arguments& arguments) {
  std::string expectations;
  std::vector<std::string> traces;
  CheckChoices choices;
  bool update_file = false, dry_run = false;
  CLI::App app(
      "Says whether recorded traces keep to an expectation file: exit code 0 when every rule holds, 1 when one "
      "fails, 3 when one cannot be told.",
      "nstrace check");
  app.add_option("EXPECT", expectations, "an expectation file (.expect), or - for stdin")->required();
  app.add_option("TRACE", traces, "trace files; - is stdin")->required();
  add_check_options(app, choices);
  auto* update = app.add_flag("--update", update_file,
                              "change EXPECT so that its rules hold on the traces, and show what changed");
  app.add_flag("--dry-run", dry_run, "with --update: only show it")->needs(update);
  if (const auto code = parse(app, arguments, kBadUse)) return *code;
  if (expectations == "-" && std::count(traces.begin(), traces.end(), "-"))
    throw Error("the expectations and the trace cannot both be read from stdin; name a file for one of them");
  if (traces.size() > 1 && (!choices.junit.empty() || choices.format != "text"))
    throw Error("--junit and --format take one trace; check the traces one by one");

  refuse_trace(expectations, traces[0]);
  if (update_file) {
    if (expectations == "-") throw Error("what comes from stdin cannot be updated; name a file");
    return update_command(expectations, traces, dry_run);
  }

  const check::Expectations expected = check::parse_file(expectations);
  int worst = kDone;
  for (const std::string& trace : traces) {
    check::Checker checker(expected);
    read_trace_for_check(trace, checker);
    check::Result result = checker.result();
    if (trace != "-" && result.verdict != check::Verdict::Holds)
      check::add_windows(result, [&](trace::Sink& sink) { trace::read_trace(trace, sink); });
    if (traces.size() > 1) say(trace + ":\n");
    const int code = report_check(result, choices, trace);
    if (code == kDoesNotHold || worst == kDone) worst = code;
  }
  return worst;
}

}  // namespace nstrace::cli
