// SPDX-License-Identifier: MIT
#include "cli/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cli/command.h"
#include "report/lines.h"
#include "story/story.h"
#include "trace/constants.h"
#include "trace/error.h"
#include "trace/syscalls.h"

namespace nstrace::cli {
namespace {

class LineSink : public report::LinePrinter {
 public:
  LineSink(std::unique_ptr<Output> output, report::LineOptions options, bool closing_line, bool explain,
           std::shared_ptr<const report::PidNotes> pids = nullptr)
      : report::LinePrinter([this](std::string_view line) { output_->write(line); }, std::move(options),
                            std::move(pids)),
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

namespace {

// strace's own. On a terminal, where more stands in front, it would only push results into the next line.
constexpr std::size_t kColumn = 40;

report::LineOptions line_options(const Output& output, const LineChoices& choices) {
  const bool terminal = output.terminal();
  report::LineOptions options;
  const Stamping stamp = chosen_stamp(choices);
  options.stamp = stamp.stamp;
  options.stamp_digits = stamp.digits;
  options.relative = choices.relative;
  options.relative_digits = choices.relative_digits;
  options.durations = choices.durations;
  options.duration_digits = choices.duration_digits;
  options.column = choices.column >= 0 ? static_cast<std::size_t>(choices.column) : terminal ? 0 : kColumn;
  options.namespace_notes = choices.notes;
  if (choices.string_limit >= 0) options.text.string_limit = static_cast<std::size_t>(choices.string_limit);
  options.calls = chosen_calls(choices, "story");
  options.no_calls = options.calls.empty();
  // A log has calls that are not in the table; all are all.
  if (choices.expressions == std::vector<std::string>{"all"} ||
      choices.expressions == std::vector<std::string>{"trace=all"})
    options.calls.clear();
  options.signals = chosen_signals(choices);
  options.text.whole_paths = true;
  options.all_deaths = std::ranges::none_of(choices.expressions, is_signal_set);
  options.environment = wants_environment(choices);
  // strace's -s is for the elements of argv too, but not where -v asks for all of them
  if (choices.string_limit >= 0 && !options.environment) options.text.list_limit = options.text.string_limit;
  const Statuses statuses = chosen_statuses(choices);
  options.results = statuses.successful && statuses.failed ? report::Results::All
                    : statuses.successful                  ? report::Results::Successful
                    : statuses.failed                      ? report::Results::Failed
                                                           : report::Results::None;
  options.unfinished = statuses.unfinished;
  const int quiet = chosen_quiet(choices);
  options.exits = quiet < 2;
  options.renames = options.cgroup_moves = choices.expressions.empty() && quiet < 2;
  const Decoded decoded = chosen_decoding(choices);
  options.pid_comms = decoded.comms;
  options.pid_numbers = decoded.numbers;
  options.text.targets = decoded.descriptors;
  options.thread_clones = options.thread_exits = choices.threads;
  options.show_pidns = choices.inner_pids;
  options.fold = terminal && choices.fold;
  options.colour = choices.color == "always" || (choices.color == "auto" && terminal && !no_color());
  options.width = static_cast<std::size_t>(output.columns());
  return options;
}

// One file for each task, open as long as it lives.
class LinesByTask : public trace::Sink {
 public:
  LinesByTask(std::string prefix, const LineChoices& choices) : prefix_(std::move(prefix)), choices_(choices) {}
  void header(const trace::Header& header) override { header_ = header; }
  void existing(const trace::Existing& process) override { pids_->existing(process); }
  void event(const trace::Event& event) override {
    if (event.who.tid == 0) return pids_->event(event);
    const auto* exec = event.as<trace::Exec>();
    const int tid = exec && exec->tid_before ? exec->tid_before : event.who.tid;
    auto& file = files_[tid];
    if (!file) {
      auto output = Output::open(fmt::format("{}.{}", prefix_, tid));
      report::LineOptions options = line_options(*output, choices_);
      options.who = false;
      file = std::make_unique<LineSink>(std::move(output), std::move(options), false, false, pids_);
      file->header(header_);
    }
    file->event(event);
    pids_->event(event);
    if (!event.as<trace::Exit>()) return;
    file->idle();
    files_.erase(tid);
  }
  void idle() override {
    for (auto& [tid, file] : files_) file->idle();
  }
  void footer(const trace::Footer& footer) override {
    idle();
    files_.clear();
    if (chosen_quiet(choices_) == 0 || footer.lost) tell(report::footer_text(footer));
  }

 private:
  std::string prefix_;
  LineChoices choices_;
  trace::Header header_;
  std::shared_ptr<report::PidNotes> pids_ = std::make_shared<report::PidNotes>();
  std::map<int, std::unique_ptr<LineSink>> files_;
};

}  // namespace

std::unique_ptr<trace::Sink> open_lines_by_task(const std::string& prefix, const LineChoices& choices) {
  return std::make_unique<LinesByTask>(prefix, choices);
}

std::unique_ptr<trace::Sink> open_lines(std::unique_ptr<Output> output, const LineChoices& choices) {
  report::LineOptions options = line_options(*output, choices);
  return std::make_unique<LineSink>(std::move(output), std::move(options), chosen_quiet(choices) == 0, choices.explain);
}

}  // namespace nstrace::cli
