// SPDX-License-Identifier: MIT
// The options that say which lines are printed and how, and what they come to.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "cli/lines.h"
#include "cli/strace_only.h"
#include "trace/constants.h"
#include "trace/error.h"
#include "trace/syscalls.h"

namespace nstrace::cli {

bool no_color() {  // https://no-color.org
  const char* value = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (value && *value) || (terminal && std::string_view(terminal) == "dumb");
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

namespace {

constexpr long kMostBytes = 0xffffffffL / 4;  // as strace has it

// How many digits of a second "s", "ms", "us" and "ns" stand for.
std::optional<int> digits_of(std::string_view precision) {
  static constexpr std::array<std::string_view, 4> kPrecisions{"s", "ms", "us", "ns"};
  const auto* const found = std::ranges::find(kPrecisions, precision);
  return found == kPrecisions.end() ? std::nullopt : std::optional(static_cast<int>(found - kPrecisions.begin()) * 3);
}

// -r and -T: a flag whose long name takes a precision, too.
void add_precise(CLI::App& app, const std::string& letter, const std::string& name, bool& on, int& digits,
                 const std::string& what) {
  app.add_flag(letter, on, what);
  app.add_option_function<std::vector<std::string>>(
         name,
         [&on, &digits, name](const std::vector<std::string>& values) {
           on = true;
           const std::string& value = values.back();
           if (value.empty()) return;
           const std::optional<int> known =
               digits_of(value.starts_with("precision:") ? std::string_view(value).substr(10) : value);
           if (!known) throw Error(fmt::format("{}={}: write s, ms, us or ns", name, value));
           digits = *known;
         },
         letter + ", and with PRECISION in s, ms, us (which it is without) or ns")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("PRECISION")
      ->group("As strace takes them");
}

}  // namespace

void add_line_options(CLI::App& app, LineChoices& choices) {
  refuse_strace_only(app);
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
                 "-t in words: none, format:time or format:unix, precision:s, ms, us or ns")
      ->expected(0, 1)
      ->type_name("FORM")
      ->group("As strace takes them");
  add_precise(app, "-r", "--relative-timestamps", choices.relative, choices.relative_digits,
              "time since the line before");
  add_precise(app, "-T", "--syscall-times", choices.durations, choices.duration_digits, "time spent in each call");
  app.add_option("-s,--string-limit", choices.string_limit, "print at most N bytes of a string (default: all)")
      ->check(CLI::Range(0L, kMostBytes))
      ->type_name("N");
  app.add_option("-a,--columns", choices.column,
                 "put results into column N (default: 40, and on a terminal right behind the call)")
      ->check(CLI::Range(0, 4096))
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
  app.add_option("--decode-fds", choices.decode_fds, "always on, but for none")
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
  app.add_flag("!--no-notes", choices.notes,
               "leave out what strace does not print: behind a call, the namespaces that it changed");
  app.add_flag("!--no-fold", choices.fold, "on a terminal: do not fold repeats into one line");
}

namespace {

// What else strace's -e takes: KIND=SET. True: it says nothing of calls. Throws for what nstrace cannot do.
bool other_than_calls(const std::string& e) {
  for (const std::string_view kind : {"status=", "signal=", "signals=", "s=", "abbrev=", "a=", "decode-fds=",
                                      "decode-fd=", "decode-pids=", "decode-pid=", "quiet=", "silent=", "q="})
    if (e.starts_with(kind)) return true;
  if (e == "verbose=all" || e == "v=all") return true;
  if (e.starts_with("verbose=") || e.starts_with("v="))
    throw Error(fmt::format("-e {}: nstrace always prints structures whole; -e verbose=all is what it does", e));
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

bool is_signal_set(const std::string& e) {
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
                           !trace::find_syscall(item) && !std::isdigit(static_cast<unsigned char>(item[0])) &&
                           std::ranges::find(trace::named_sets(), std::string_view(item), &trace::NamedSet::name) ==
                               trace::named_sets().end() &&
                           std::all_of(item.begin(), item.end(),
                                       [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '_'; });
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

// The words of --LONG=SET and -e KIND=SET; without a word, all. Throws for one that is not in `known`.
std::vector<std::string> chosen_words(const LineChoices& choices, std::vector<std::string> sets, std::string_view kind,
                                      const std::vector<std::string_view>& known) {
  for (const std::string& e : choices.expressions)
    for (const std::string& form : {std::string(kind) + "s=", std::string(kind) + "="})
      if (e.starts_with(form)) sets.push_back(e.substr(form.size()));
  std::vector<std::string> words;
  for (const std::string& set : sets)
    for (const std::string& word : split(set)) {
      if (word != "all" && word != "none" && !word.empty() && std::ranges::find(known, word) == known.end())
        throw Error(fmt::format("--{}s={}: {} is none of all, none, {}", kind, set, word, fmt::join(known, ", ")));
      words.push_back(word.empty() ? "all" : word);
    }
  return words;
}

}  // namespace

Decoded chosen_decoding(const LineChoices& choices) {
  Decoded decoded;
  for (const std::string& word : chosen_words(choices, choices.decode_pids, "decode-pid", {"comm", "pidns"})) {
    decoded.comms |= word == "all" || word == "comm";
    decoded.numbers |= word == "all" || word == "pidns";
  }
  const std::vector<std::string> fds =
      chosen_words(choices, choices.decode_fds, "decode-fd", {"path", "socket", "dev", "pidfd", "eventfd", "signalfd"});
  decoded.descriptors = fds.empty() || std::ranges::any_of(fds, [](const std::string& word) { return word != "none"; });
  return decoded;
}

bool wants_environment(const LineChoices& choices) {
  return choices.environment || std::ranges::any_of(choices.expressions, [](const std::string& e) {
           return e == "abbrev=none" || e == "a=none";
         });
}

Stamping chosen_stamp(const LineChoices& choices) {
  using report::Stamp;
  if (choices.times == 1) return {Stamp::Day, 0};
  if (choices.times == 2) return {Stamp::Day, 6};
  if (choices.times > 2) return {Stamp::Unix, 6};
  if (choices.stamp_forms.empty()) return {choices.relative ? Stamp::None : Stamp::Day, 0};
  // strace's --absolute-timestamps=[[format:]FORMAT],[[precision:]PRECISION]. Without a word, the time of day.
  const std::string& form = choices.stamp_forms.back();
  Stamping chosen{Stamp::Day, 0};
  for (std::string word : split(form)) {
    if (const std::size_t colon = word.find(':'); colon != word.npos) word.erase(0, colon + 1);
    if (word == "none") return {Stamp::None, 0};
    if (word == "unix")
      chosen.stamp = Stamp::Unix;
    else if (const std::optional<int> digits = digits_of(word))
      chosen.digits = *digits;
    else if (word != "time" && !word.empty())
      throw Error(fmt::format("--absolute-timestamps={}: {} is none of time, unix, s, ms, us and ns", form, word));
  }
  return chosen;
}

}  // namespace nstrace::cli
