// SPDX-License-Identifier: MIT
#include "cli/live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "check/parse.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/formats.h"
#include "cli/outputs.h"
#include "trace/anonymous.h"
#include "trace/error.h"
#include "trace/tee.h"

namespace nstrace::cli {
namespace {

// "16M", "512K", "4096"; nothing where it is no size.
std::optional<std::size_t> parse_size(const std::string& text) {
  std::size_t used = 0;
  unsigned long long value = 0;
  try {
    value = std::stoull(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  if (unit == "K" || unit == "k") value <<= 10;
  if (unit == "M" || unit == "m") value <<= 20;
  const bool known = used > 0 && (unit.empty() || unit == "K" || unit == "k" || unit == "M" || unit == "m");
  return known ? std::optional<std::size_t>(value) : std::nullopt;
}

// A power of two between 64 KiB and 512 MiB.
constexpr std::size_t kWakeUp = 256 << 10;

std::size_t buffer_size(const std::string& text) {
  const std::size_t value = parse_size(text).value_or(0);
  if (value < (64u << 10) || value > (512u << 20) || (value & (value - 1)))
    throw Error(fmt::format("--buffer {}: give a power of two between 64K and 512M", text), kOwnFailure);
  return value;
}

// What waits before the reader is woken.
std::size_t wake_up_size(const std::string& text, std::size_t buffer) {
  if (text.empty()) return std::min(buffer / 4, kWakeUp);
  const std::optional<std::size_t> value = parse_size(text);
  if (!value || *value > buffer)
    throw Error(
        fmt::format("--wake-up {}: give a size up to that of the buffer, such as 64K; 0 wakes at every record", text),
        kOwnFailure);
  return *value;
}

// How late a record may be seen: on a terminal, and where nobody looks on.
constexpr std::chrono::milliseconds kSoon{25}, kAtLeisure{100};

// Nothing was recorded beside COMMAND: most likely others did the work than those who are followed.
void hint_at_who_did_it(const capture::SessionOptions& session) {
  const bool follows_command = (session.follow.empty() && session.containers.empty()) || session.with_command;
  if (follows_command || !session.tell) return;
  session.tell(
      "nothing that is followed did anything; --with-command follows COMMAND too, and a daemon's name takes in more "
      "than its pid: --follow containerd has the shims, which start what runs in containers");
}

}  // namespace

void add_live_options(CLI::App& app, LiveOptions& options) {
  app.add_option("-o,--output", options.outputs, "write to FILE; its ending tells the format; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_line_options(app, options.lines);
  app.add_option("--env", options.session.env,
                 "environments in the trace: names (values of runtimes' own variables "
                 "only), all, none")
      ->check(CLI::IsMember({"names", "all", "none"}));
  app.add_option("--linger", options.linger_ms, "milliseconds to go on after COMMAND has ended")
      ->type_name("MS")
      ->check(CLI::Range(0, 3600000));
  app.add_option(
         "--backend", options.session.backend,
         "how calls are captured: raw (the pair of tracepoints that every call passes), fentry (the functions of "
         "the recorded calls: others cost nothing, but it takes longer to attach), auto (raw)")
      ->check(CLI::IsMember({"auto", "raw", "fentry"}));
  app.add_flag("!--no-durations", options.session.durations,
               "see calls only when they end: half the cost for every call on the machine, but not how long they took");
  app.add_option("--buffer", options.buffer, "size of the ring buffer: a power of two, such as 64M")->type_name("SIZE");
  app.add_option(
         "--wake-up", options.wake_up,
         "how much waits in the buffer before nstrace is woken (256K, or a quarter of it); it looks at least ten times "
         "a second")
      ->type_name("SIZE");
  app.add_flag("--gates", options.session.gates,
               "record writes to uid_map, gid_map, setgroups and cgroup.procs, and opens of exec.fifo");
  app.add_option("--payload", options.payload,
                 "no: stop following a container's own program, in a pid namespace of its own, when it has begun")
      ->check(CLI::IsMember({"yes", "no"}));
  app.add_option("--check", options.check, "check the trace against an expectation file when it ends")
      ->type_name("EXPECT");
  app.add_option("--format", options.report.format, "with --check: text, markdown, json, tap, github")
      ->check(CLI::IsMember(kCheckFormats));
  app.add_option("--junit", options.report.junit, "with --check: write JUnit's XML to FILE")->type_name("FILE");
  app.add_flag("--strict", options.strict, "exit with 3 if anything was lost");
  app.add_flag("--anonymous", options.anonymous,
               "in files, symbols for what differs from run to run or tells about the machine");
  app.add_option("--title", options.title, "title of pictures");
  app.add_flag("-f,--follow-forks", options.forks,
               "accepted for strace's sake: children are always followed; -ff -o PREFIX: the lines of each task go to "
               "PREFIX.TID");
}

int run_live(LiveOptions& options) {
  options.session.tool = version_text();
  options.session.linger = std::chrono::milliseconds(options.linger_ms);
  options.session.buffer = buffer_size(options.buffer);
  options.session.wake_up = wake_up_size(options.wake_up, options.session.buffer);
  options.session.payload = options.payload == "yes";
  options.session.calls = chosen_calls(options.lines, "lifecycle");
  options.session.signals = chosen_signals(options.lines);
  options.session.results = chosen_results(options.lines);
  if (!options.session.durations && options.lines.durations)
    throw Error("-T prints how long calls took, and --no-durations does not record it; give one of them", kOwnFailure);
  if (chosen_quiet(options.lines) == 0) options.session.tell = tell;
  if (wants_environment(options.lines) && options.session.env == "names") options.session.env = "all";

  options.session.warn = tell;

  Outputs outputs(options.session.command.has_value());
  trace::Tee all, files;
  trace::Anonymous anonymous(files);
  if (options.anonymous)
    all.add(anonymous);
  else
    all.add(files);
  bool lines_in_file = false;
  std::string trace = "TRACE";  // what the report of --check calls it
  for (const std::string& given : options.outputs) {
    const Destination destination = parse_destination(given, options.forks > 1);
    if (destination.format == Format::Lines) {
      lines_in_file = true;
      if (options.forks > 1)
        outputs.add(files, open_lines_by_task(destination.path, options.lines));
      else
        outputs.add(files, open_lines(Output::open(destination.path), options.lines));
    } else {
      if (destination.format == Format::Json) trace = destination.path;
      outputs.add(files, open_destination(destination, {.title = options.title, .all = false}));
    }
  }
  bool looked_at = false;
  // COMMAND's own output is not to be mixed with the lines
  if (!lines_in_file) {
    auto output = Output::standard(options.session.command ? STDERR_FILENO : STDOUT_FILENO);
    looked_at = output->terminal();
    outputs.add(all, open_lines(std::move(output), options.lines));
  }
  options.session.interval = looked_at ? kSoon : kAtLeisure;

  std::optional<check::Checker> checker;
  if (!options.check.empty()) {
    checker.emplace(check::parse_file(options.check));
    outputs.add_sure(all, *checker);
  }

  const capture::SessionResult result = capture::run_session(options.session, all);
  if (result.events == 0 && options.session.command) hint_at_who_did_it(options.session);
  const int status = outputs.failed() ? int{kOwnFailure} : result.status.value_or(kDone);
  if (checker) {
    const int checked = report_check(checker->result(), options.report, trace);
    return status != kDone ? status : checked;
  }
  if (options.strict && result.lost) return kCannotTell;
  return status;
}

}  // namespace nstrace::cli
