// SPDX-License-Identifier: MIT
#include "cli/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "cli/command.h"
#include "report/lines.h"
#include "story/story.h"
#include "trace/error.h"
#include "trace/syscalls.h"

namespace nstrace::cli {
namespace {

class LineSink : public report::LinePrinter {
 public:
  LineSink(std::unique_ptr<Output> output, report::LineOptions options, bool closing_line, bool explain)
      : report::LinePrinter([this](std::string_view line) { output_->write(line); }, std::move(options)),
        output_(std::move(output)),
        closing_line_(closing_line) {
    if (explain) model_.emplace(false);
  }
  void header(const trace::Header& header) override {
    if (model_) model_->header(header);
    report::LinePrinter::header(header);
  }
  void existing(const trace::Existing& process) override {
    if (model_) model_->existing(process);
    report::LinePrinter::existing(process);
  }
  void event(const trace::Event& event) override {
    if (model_) {
      model_->event(event);
      remark(model_->story().brief());
    }
    report::LinePrinter::event(event);
  }
  void idle() override {
    report::LinePrinter::flush();
    output_->flush();
  }
  void footer(const trace::Footer& footer) override {
    report::LinePrinter::footer(footer);
    output_->flush();
    if (closing_line_ || footer.lost) tell(report::footer_text(footer));
  }

 private:
  std::unique_ptr<Output> output_;
  bool closing_line_;
  std::optional<story::TellingModel> model_;  // with --explain
};

}  // namespace

std::vector<int> parse_pids(const std::vector<std::string>& lists) {
  std::vector<int> pids;
  for (const std::string& list : lists) {
    std::string word;
    for (const char c : list + ",") {
      if (c != ',' && c != ' ' && c != '\n' && c != '\t') {
        word += c;
        continue;
      }
      if (word.empty()) continue;
      const bool number = std::all_of(word.begin(), word.end(), [](unsigned char d) { return std::isdigit(d); });
      if (!number || word.size() > 9 || std::stoi(word) == 0)
        throw Error(fmt::format("-p takes pids, and {} is none", word));
      pids.push_back(std::stoi(word));
      word.clear();
    }
  }
  return pids;
}

void add_line_options(CLI::App& app, LineChoices& choices) {
  app.add_option("-e", choices.expressions,
                 "calls to record and print, in strace's syntax: trace=execve,setns, %ns, !mount, "
                 "status=failed")
      ->type_name("EXPR")
      ->allow_extra_args(false);
  app.add_flag("-z", choices.successful, "only calls that succeeded");
  app.add_flag("-Z", choices.failed, "only calls that failed");
  app.add_flag("-t", choices.times, "time of day; -tt with microseconds, -ttt in seconds since 1970");
  app.add_flag("-r", choices.relative, "time since the line before");
  app.add_flag("-T", choices.durations, "time spent in each call");
  app.add_option("-s", choices.string_limit, "print at most N bytes of a string (default: all)")->type_name("N");
  app.add_flag("-q", choices.quiet, "fewer messages of nstrace's own");
  app.add_option("--color", choices.color, "auto, always, never")->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--inner-pids", choices.inner_pids,
               "the number in the process's own pid namespace too: [pid 511<sleep>/1]");
  app.add_flag("--explain", choices.explain, "behind each line, in a few words, what it means and what it is for");
  app.add_flag("--threads", choices.threads, "print the making and the end of threads too");
  app.add_flag("!--no-fold", choices.fold, "on a terminal: do not fold repeats into one line");
}

std::vector<std::string> chosen_calls(const LineChoices& choices, const char* set) {
  std::string expression;
  for (const std::string& e : choices.expressions) {
    if (e.starts_with("status=") || e.starts_with("signal=")) continue;
    std::string calls = e;
    for (const std::string_view word : {"trace=", "t="})
      if (calls.starts_with(word)) calls.erase(0, word.size());
    expression += expression.empty() ? calls : "," + calls;
  }
  return trace::parse_call_set(expression.empty() ? std::string("%") + set : expression);
}

std::string chosen_results(const LineChoices& choices) {
  bool successful = choices.successful, failed = choices.failed;
  for (const std::string& e : choices.expressions) {
    if (!e.starts_with("status=")) continue;
    const std::string status = e.substr(7);
    if (status != "successful" && status != "failed" && status != "all")
      throw Error(fmt::format("-e {}: nstrace knows status=successful, status=failed and status=all", e));
    successful |= status == "successful";
    failed |= status == "failed";
  }
  if (successful && failed) throw Error("-z and -Z leave nothing to print; give one of them");
  return successful ? "successful" : failed ? "failed" : "all";
}

std::unique_ptr<trace::Sink> open_lines(std::unique_ptr<Output> output, const LineChoices& choices) {
  using report::Stamp;
  static constexpr std::array<Stamp, 4> kStamps{Stamp::Seconds, Stamp::Seconds, Stamp::Microseconds, Stamp::Unix};
  const bool terminal = output->terminal();
  report::LineOptions options;
  options.stamp = kStamps[std::min<std::size_t>(choices.times, kStamps.size() - 1)];
  options.relative = choices.relative;
  if (choices.relative && choices.times == 0) options.stamp = Stamp::None;
  options.durations = choices.durations;
  if (choices.string_limit >= 0) options.text.string_limit = static_cast<std::size_t>(choices.string_limit);
  options.calls = chosen_calls(choices, "story");
  const std::string results = chosen_results(choices);
  options.results = results == "failed"       ? report::Results::Failed
                    : results == "successful" ? report::Results::Successful
                                              : report::Results::All;
  options.exits = choices.quiet < 2;
  options.renames = options.cgroup_moves = choices.expressions.empty() && choices.quiet < 2;
  options.thread_clones = options.thread_exits = choices.threads;
  options.show_pidns = choices.inner_pids;
  options.fold = terminal && choices.fold;
  options.colour = choices.color == "always" || (choices.color == "auto" && terminal && !std::getenv("NO_COLOR"));
  options.width = static_cast<std::size_t>(output->columns());
  return std::make_unique<LineSink>(std::move(output), std::move(options), choices.quiet == 0, choices.explain);
}

}  // namespace nstrace::cli
