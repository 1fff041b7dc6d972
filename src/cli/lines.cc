// SPDX-License-Identifier: MIT
#include "cli/lines.h"

#include <fmt/format.h>

#include "trace/error.h"
#include "trace/syscalls.h"
#include "trace/text.h"

namespace nstrace::cli {
namespace {
class Simple : public trace::Sink {
 public:
  explicit Simple(std::unique_ptr<Output> o) : o_(std::move(o)) {}
  void event(const trace::Event& e) override {
    std::string body = e.call.name.empty() ? std::string(trace::kind_name(e))
                                           : trace::call_text(e.call) + " = " + trace::result_text(e.call);
    o_->write(fmt::format("[pid {}<{}>] {:.6f} {}\n", e.who.tid, e.who.comm, e.time / 1e9, body));
  }
  void footer(const trace::Footer& f) override {
    o_->write(fmt::format("{} events {} lost\n", f.events, f.lost));
    o_->flush();
  }

 private:
  std::unique_ptr<Output> o_;
};
}  // namespace

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
  app.add_flag("--threads", choices.threads, "print the making and the end of threads too");
  app.add_flag("!--no-fold", choices.fold, "on a terminal: do not fold repeats into one line");
}

std::vector<std::string> chosen_calls(const LineChoices& choices, const char* set) {
  std::string expression;
  for (const std::string& e : choices.expressions) {
    if (e.rfind("status=", 0) == 0 || e.rfind("signal=", 0) == 0) continue;
    expression += expression.empty() ? e : "," + e;
  }
  return trace::parse_call_set(expression.empty() ? std::string("%") + set : expression);
}

std::string chosen_results(const LineChoices& choices) {
  if (choices.successful && choices.failed) throw Error("-z and -Z leave nothing to print; give one of them");
  return choices.successful ? "successful" : choices.failed ? "failed" : "all";
}

std::unique_ptr<trace::Sink> open_lines(std::unique_ptr<Output> output, const LineChoices&) {
  return std::make_unique<Simple>(std::move(output));
}

}  // namespace nstrace::cli
