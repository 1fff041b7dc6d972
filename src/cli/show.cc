// SPDX-License-Identifier: MIT
// nstrace show TRACE: a recorded trace as lines, or as the tree of its processes.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <set>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/lines.h"
#include "cli/recording.h"
#include "model/model.h"
#include "report/summary.h"
#include "report/tree.h"
#include "story/timing.h"
#include "trace/anonymous.h"
#include "trace/error.h"

namespace nstrace::cli {

namespace {

// "1.25", "1.25s", "800ms", "50us": since the trace began.
trace::Time parse_moment(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double scale = unit.empty() || unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 0;
  if (error != std::errc() || scale == 0 || !std::isfinite(value) || std::abs(value * scale) > 9e18)
    throw Error(fmt::format("--at {} is no time; write seconds since the trace began, such as 1.25, or 800ms", text));
  return static_cast<trace::Time>(value * scale);
}

// Lets through what some processes did, or what made them.
class PidFilter : public trace::Sink {
 public:
  PidFilter(trace::Sink& next, std::vector<int> pids) : next_(next), pids_(pids.begin(), pids.end()) {}
  void header(const trace::Header& header) override { next_.header(header); }
  void existing(const trace::Existing& process) override { next_.existing(process); }
  void event(const trace::Event& event) override {
    const auto* fork = event.as<trace::Fork>();
    if (!pids_.empty()) {
      for (const int pid : {event.who.tgid, event.who.tid}) seen_.insert(pid);
      if (fork) seen_.insert(fork->child.tgid);
    }
    const bool wanted = pids_.empty() || event.as<trace::Lost>() || pids_.count(event.who.tgid) ||
                        pids_.count(event.who.tid) || (fork && pids_.count(fork->child.tgid));
    if (wanted) next_.event(event);
  }
  void footer(const trace::Footer& footer) override { next_.footer(footer); }
  // Those that were asked for and did nothing.
  std::vector<int> absent() const {
    std::vector<int> absent;
    std::ranges::set_difference(pids_, seen_, std::back_inserter(absent));
    return absent;
  }
  bool found() const { return absent().size() < pids_.size(); }

 private:
  trace::Sink& next_;
  const std::set<int> pids_;
  std::set<int> seen_;
};

// A recording, read with its story and its times.
class Measured : public story::TellingModel {
 public:
  Measured(const std::string& path, bool hide) : timing_(*this) {
    trace::Anonymous anonymous(*this);
    read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : *this);
  }
  void event(const trace::Event& event) override {
    story::TellingModel::event(event);
    timing_.event(event);
  }
  report::Summarized summarized(const std::string& name) const { return {name, story(), *this, timing_}; }

 private:
  story::Timing timing_;
};

}  // namespace

int show_command(const Arguments& arguments) {
  std::string path;
  LineChoices lines;
  std::string output;
  bool tree = false;
  std::string at;
  report::TreeOptions tree_options;
  CLI::App app("Prints a recorded trace as lines, as strace writes them, or as a tree.", "nstrace show");
  app.add_option("TRACE", path, "a trace file, or - for stdin")->required();
  std::string other;
  bool summary = false;
  app.add_flag("--summary", summary,
               "per container: phases, processes, times, slowest calls, what the program's begin waited for");
  app.add_option("OTHER", other, "with --summary: a second trace, side by side")->needs("--summary");
  app.add_option("-o,--output", output, "write to FILE instead of the terminal")->type_name("FILE");
  app.add_flag("--tree", tree, "print the tree of the processes, with their namespaces and containers");
  app.add_option("--at", at, "the tree as it was TIME after the trace began: 1.25, 800ms")
      ->type_name("TIME")
      ->needs("--tree");
  app.add_flag("--ancestors", tree_options.ancestors, "with --tree: those too that were not followed")->needs("--tree");
  std::vector<std::string> pids;
  app.add_option("-p", pids, "only what these pids did (a comma or blank list)")
      ->type_name("PIDS")
      ->allow_extra_args(false);
  lines.any_call = true;
  add_line_options(app, lines);
  bool hide = false;
  app.add_flag("--anonymous", hide, "symbols for what differs from run to run or tells about the machine");
  if (const auto code = parse(app, arguments, kBadUse)) return *code;

  if (summary) {
    if (tree) throw Error("--summary and --tree print different things; give one of them", kBadUse);
    const auto to = output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output);
    const bool color = lines.color == "always" || (lines.color == "auto" && to->terminal() && !no_color());
    const std::size_t width = to->terminal() ? static_cast<std::size_t>(to->columns()) : 0;
    const Measured a(path, hide);
    if (other.empty()) {
      to->write(report::summary_text(a.summarized("A"), color, width));
    } else {
      const Measured b(other, hide);
      to->write(report::summary_text(a.summarized("A"), b.summarized("B"), color, width));
    }
    to->flush();
    return kDone;
  }
  if (tree) {
    const auto to = output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output);
    if (!at.empty()) tree_options.at = parse_moment(at);
    tree_options.fold = lines.fold;
    tree_options.width = static_cast<std::size_t>(to->columns());
    tree_options.color = lines.color == "always" || (lines.color == "auto" && to->terminal() && !no_color());
    model::Model model;
    trace::Anonymous anonymous(model);
    read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : model);
    to->write(report::tree_text(model, tree_options));
    to->flush();
    return kDone;
  }
  const auto printer = open_lines(output.empty() ? Output::standard(STDOUT_FILENO) : Output::open(output), lines);
  const std::vector<int> wanted = parse_pids(pids);
  PidFilter filter(*printer, wanted);
  trace::Anonymous anonymous(filter);
  read_recording(path, hide ? static_cast<trace::Sink&>(anonymous) : filter);
  const std::vector<int> absent = filter.absent();
  for (const int pid : absent) tell(fmt::format("the trace has nothing that pid {} did", pid));
  return absent.empty() || filter.found() ? kDone : kBadUse;
}

}  // namespace nstrace::cli
