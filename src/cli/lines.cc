// SPDX-License-Identifier: MIT
#include "cli/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
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

bool no_color() {  // https://no-color.org
  const char* value = std::getenv("NO_COLOR");
  return value && *value;
}

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
  for (const char* set : {"trace", "status", "signal"})  // strace's long forms
    app.add_option_function<std::vector<std::string>>(
           std::string("--") + set,
           [&choices, set](const std::vector<std::string>& values) {
             for (const std::string& value : values) choices.expressions.push_back(std::string(set) + "=" + value);
           },
           std::string("the same as -e ") + set + "=SET")
        ->type_name("SET")
        ->allow_extra_args(false)
        ->group("As strace takes them");
  app.add_flag("-z,--successful-only", choices.successful, "only calls that succeeded");
  app.add_flag("-Z,--failed-only", choices.failed, "only calls that failed");
  app.add_flag("-t", choices.times, "time of day; -tt with microseconds, -ttt in seconds since 1970");
  app.add_option("--absolute-timestamps", choices.stamp_forms,
                 "-t in words: none, format:time or format:unix, precision:s or precision:us")
      ->expected(0, 1)
      ->type_name("FORM")
      ->group("As strace takes them");
  app.add_flag("-r,--relative-timestamps", choices.relative, "time since the line before");
  app.add_flag("-T,--syscall-times", choices.durations, "time spent in each call");
  app.add_option("-s,--string-limit", choices.string_limit, "print at most N bytes of a string (default: all)")
      ->type_name("N");
  app.add_flag("-v,--no-abbrev", choices.environment, "print the environment that execve passes on (live: --env=all)");
  app.add_flag("-q", choices.quiet, "fewer messages of nstrace's own; -qq no ends of processes either");
  app.add_option("--quiet,--silent", choices.quiet_sets, "the same in words: attach, exit, all, ...")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("SET")
      ->group("As strace takes them");
  app.add_flag("-y")
      ->description("accepted for strace's sake, as the next: descriptors are always decoded")
      ->group("As strace takes them");
  app.add_option("--decode-fds", choices.accepted, "always on")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("SET")
      ->group("As strace takes them");
  app.add_option(
         "--decode-pids", choices.decode_pids,
         "what stands behind pids that calls take and give: comm, pidns (their number as nstrace sees it), or both")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("SET")
      ->group("As strace takes them");
  app.add_option("--color", choices.color, "colours: auto is on a terminal, unless NO_COLOR is set")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--inner-pids", choices.inner_pids,
               "the number in the process's own pid namespace too: [pid 511<sleep>/1]");
  app.add_flag("--explain", choices.explain, "behind each line, in a few words, what it means and what it is for");
  app.add_flag("--threads", choices.threads, "print the making and the end of threads too");
  app.add_flag("!--no-fold", choices.fold, "on a terminal: do not fold repeats into one line");
}

namespace {

// What else strace's -e takes: KIND=SET. True: it says nothing of calls. Throws for what nstrace cannot do.
bool other_than_calls(const std::string& e) {
  for (const std::string_view kind :
       {"status=", "signal=", "signals=", "s=", "abbrev=", "a=", "decode-fds=", "decode-fd=", "decode-pids=",
        "decode-pid=", "quiet=", "silent=", "q=", "verbose=", "v="})
    if (e.starts_with(kind)) return true;
  for (const std::string_view kind :
       {"inject=", "fault=", "raw=", "x=", "read=", "reads=", "r=", "write=", "writes=", "w=", "kvm="})
    if (e.starts_with(kind))
      throw Error(
          fmt::format("-e {}: nstrace only watches the calls of its table, and knows trace=, status=, signal= "
                      "and abbrev=; use strace for that",
                      e));
  return false;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words(1);
  for (const char c : list)
    if (c == ',')
      words.emplace_back();
    else
      words.back() += c;
  return words;
}

}  // namespace

static bool is_signal_set(const std::string& e) {
  return e.starts_with("signal=") || e.starts_with("signals=") || e.starts_with("s=");
}

std::vector<int> chosen_signals(const LineChoices& choices) {
  std::vector<int> chosen;
  for (const std::string& e : choices.expressions) {
    if (!is_signal_set(e)) continue;
    std::string set = e.substr(e.find('=') + 1);
    const bool all_but = !set.empty() && set[0] == '!';
    if (all_but) set.erase(0, 1);
    std::vector<int> named;
    for (std::string word : split(set)) {
      if (word == "none") continue;
      if (word == "all") {
        for (int i = 1; i <= 64; ++i) named.push_back(i);
        continue;
      }
      const bool digits =
          !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); });
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
      const std::optional<int> number =
          digits && word.size() < 3 ? std::optional(std::stoi(word)) : trace::signal_number(word);
      if (!number)
        throw Error(fmt::format("-e {}: there is no signal {}; write its name, such as SIGTERM, or all", e, word));
      named.push_back(*number);
    }
    chosen.clear();
    for (int i = 1; i <= 64; ++i)
      if ((std::find(named.begin(), named.end(), i) != named.end()) != all_but) chosen.push_back(i);
  }
  return chosen;
}

std::vector<std::string> chosen_calls(const LineChoices& choices, const char* set) {
  std::string expression;
  std::vector<std::string> others;
  for (const std::string& e : choices.expressions) {
    if (other_than_calls(e)) continue;
    expression.clear();  // the last one counts, as in strace
    others.clear();
    std::string calls = e;
    for (const std::string_view word : {"trace=", "t="})
      if (calls.starts_with(word)) calls.erase(0, word.size());
    for (const std::string& item : split(calls)) {
      const bool foreign = choices.any_call && !item.empty() && item != "all" && item != "none" &&
                           !trace::find_syscall(item) && std::all_of(item.begin(), item.end(), [](unsigned char c) {
                             return std::islower(c) || std::isdigit(c) || c == '_';
                           });
      if (foreign)
        others.push_back(item);
      else
        expression += expression.empty() ? item : "," + item;
    }
  }
  std::vector<std::string> names;
  if (!expression.empty() || others.empty())
    names = trace::parse_call_set(expression.empty() ? std::string("%") + set : expression);
  names.insert(names.end(), others.begin(), others.end());
  return names;
}

Statuses chosen_statuses(const LineChoices& choices) {
  if (choices.successful && choices.failed) throw Error("-z and -Z leave nothing to print; give one of them");
  Statuses chosen;
  if (choices.successful) chosen = {true, false, false};
  if (choices.failed) chosen = {false, true, false};
  for (const std::string& e : choices.expressions) {
    if (!e.starts_with("status=")) continue;
    const bool all_but = e.starts_with("status=!");
    Statuses named{false, false, false};
    for (const std::string& status : split(e.substr(all_but ? 8 : 7))) {
      const bool all = status == "all";
      // strace has two more, which do not happen here: unavailable, and what goes on when it detaches
      if (!all && status != "none" && status != "successful" && status != "failed" && status != "unfinished" &&
          status != "unavailable" && status != "detached")
        throw Error(
            fmt::format("-e {}: there is no status {}; write successful, failed, unfinished or all", e, status));
      named.successful |= all || status == "successful";
      named.failed |= all || status == "failed";
      named.unfinished |= all || status == "unfinished";
    }
    chosen = all_but ? Statuses{!named.successful, !named.failed, !named.unfinished} : named;
  }
  return chosen;
}

std::string chosen_results(const LineChoices& choices) {
  const Statuses chosen = chosen_statuses(choices);
  if (chosen.unfinished || chosen.successful == chosen.failed) return "all";
  return chosen.successful ? "successful" : "failed";
}

int chosen_quiet(const LineChoices& choices) {
  int quiet = choices.quiet;
  std::vector<std::string> sets = choices.quiet_sets;
  for (const std::string& e : choices.expressions)
    for (const std::string_view kind : {"quiet=", "silent=", "q="})
      if (e.starts_with(kind)) sets.push_back(e.substr(kind.size()));
  for (const std::string& set : sets)
    for (const std::string& word : split(set)) {
      if (word == "none") continue;
      const bool ends = word == "exit" || word == "all" || word.empty();  // empty: --quiet alone
      if (!ends && word != "attach" && word != "personality" && word != "path-resolution" && word != "path-resolve" &&
          word != "path" && word != "thread-execve" && word != "superseded")
        throw Error(fmt::format("--quiet={}: there is no {}; write attach, exit or all", set, word));
      quiet = std::max(quiet, ends ? 2 : 1);
    }
  return quiet;
}

namespace {

// strace's --absolute-timestamps=[[format:]FORMAT],[[precision:]PRECISION]. Without a word, the time of day.
report::Stamp stamp_of(const std::vector<std::string>& forms) {
  using report::Stamp;
  if (forms.empty()) return Stamp::Seconds;
  const std::string& form = forms.back();
  bool unix_time = false, micro = false;
  for (std::string word : split(form)) {
    if (const std::size_t colon = word.find(':'); colon != word.npos) word.erase(0, colon + 1);
    if (word == "none") return Stamp::None;
    if (word == "unix")
      unix_time = true;
    else if (word == "us")
      micro = true;
    else if (word != "time" && word != "s" && !word.empty())
      throw Error(fmt::format("--absolute-timestamps={}: {} is none of time, unix, s and us", form, word));
  }
  if (unix_time && !micro)
    throw Error("--absolute-timestamps: format:unix is written with precision:us only, as by -ttt");
  return unix_time ? Stamp::Unix : micro ? Stamp::Microseconds : Stamp::Seconds;
}

report::LineOptions line_options(const Output& output, const LineChoices& choices) {
  using report::Stamp;
  static constexpr std::array<Stamp, 4> kStamps{Stamp::Seconds, Stamp::Seconds, Stamp::Microseconds, Stamp::Unix};
  const bool terminal = output.terminal();
  report::LineOptions options;
  const Stamp worded = stamp_of(choices.stamp_forms);
  options.stamp = choices.times > 0 ? kStamps[std::min<std::size_t>(choices.times, kStamps.size() - 1)] : worded;
  options.relative = choices.relative;
  if (choices.relative && choices.times == 0 && choices.stamp_forms.empty()) options.stamp = Stamp::None;
  options.durations = choices.durations;
  if (choices.string_limit >= 0) options.text.string_limit = static_cast<std::size_t>(choices.string_limit);
  options.calls = chosen_calls(choices, "story");
  options.no_calls = options.calls.empty();
  // A log has calls that are not in the table; all are all.
  if (choices.expressions == std::vector<std::string>{"all"} ||
      choices.expressions == std::vector<std::string>{"trace=all"})
    options.calls.clear();
  options.signals = chosen_signals(choices);
  options.text.whole_paths = true;
  options.all_deaths = std::none_of(choices.expressions.begin(), choices.expressions.end(), is_signal_set);
  options.environment =
      choices.environment || std::any_of(choices.expressions.begin(), choices.expressions.end(),
                                         [](const std::string& e) { return e == "abbrev=none" || e == "a=none"; });
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
  const auto decodes = [&](std::string_view what) {
    std::vector<std::string> sets = choices.decode_pids;
    for (const std::string& e : choices.expressions)
      for (const std::string_view kind : {"decode-pids=", "decode-pid="})
        if (e.starts_with(kind)) sets.push_back(e.substr(kind.size()));
    return std::any_of(sets.begin(), sets.end(), [&](const std::string& set) {
      const std::vector<std::string> words = split(set);
      return std::any_of(words.begin(), words.end(),
                         [&](const std::string& w) { return w == what || w == "all" || w.empty(); });
    });
  };
  options.pid_comms = decodes("comm");
  options.pid_numbers = decodes("pidns");
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
