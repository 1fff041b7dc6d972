// SPDX-License-Identifier: MIT
#include "cli/strace_only.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "trace/error.h"

namespace nstrace::cli {
namespace {

struct StraceOnly {
  const char* names;
  bool takes_value;
  const char* instead;
};
constexpr StraceOnly kStraceOnly[] = {
    {"-c,--summary-only", false,
     "nstrace counts from a recording: -o run.jsonl, and then `nstrace show --summary run.jsonl`"},
    {"-C", false, "nstrace counts from a recording: -o run.jsonl, and then `nstrace show --summary run.jsonl`"},
    {"-S,--summary-sort-by", true, "`nstrace show --summary` has an order of its own: by phase and by process"},
    {"-U,--summary-columns", true, "`nstrace show --summary` has columns of its own"},
    {"-w,--summary-wall-clock", false, "`nstrace show --summary` tells wall clock and CPU time both"},
    {"-O,--summary-syscall-overhead", true, "`nstrace show --summary` takes nothing away: nstrace stops no process"},
    {"-k,--stack-traces", false, "nstrace records no stacks; strace -k does, or `perf trace -g`"},
    {"-n,--syscall-number", false, "numbers of calls are not printed; names say the same on every machine"},
    {"-i,--instruction-pointer", false, "nstrace does not record where a call was made; strace -i does"},
    {"-x,--strings-in-hex", false, "strings are printed as text, with octal for what cannot be printed"},
    {"-X,--const-print-style", true, "constants are printed by their names, which is -X abbrev"},
    {"-P,--trace-path", true,
     "nstrace does not choose calls by path; choose their kind with -e and the path with grep, or write a rule for "
     "`nstrace check`"},
    {"-E", true, "set it for the command: nstrace -- env NAME=VALUE COMMAND"},
    {"-u,--user", true, "let the command change the user: nstrace -- runuser -u USER -- COMMAND"},
    {"-A,--output-append-mode", false, "a file is written anew; let the shell append to it: -o txt:>(cat >> FILE)"},
    {"-b,--detach-on", true,
     "nstrace stops no process and need not detach; --payload=no leaves a container's program out"},
    {"-I,--interruptible", true, "Ctrl-C ends nstrace and leaves to run what it follows"},
    {"-D,--daemonize", false, "nstrace is no parent that a command could notice; start it with & if it is to wait"},
    {"--seccomp-bpf", false, "nstrace needs no help to be fast: it stops no process"},
    {"--kill-on-exit", false, "nstrace never ends what it follows"},
    {"--inject", true, "nstrace only watches; strace can change what calls do, and so can `nstrace lab run --fault`"},
    {"--raw,--read,--write", true,
     "nstrace decodes all calls of its table, and does not record what is read and written"},
};

}  // namespace

void refuse_strace_only(CLI::App& app) {
  for (const StraceOnly& option : kStraceOnly) {
    const auto refuse = [&option] {
      throw Error(fmt::format("there is no {} here: {}", std::string(option.names), option.instead));
    };
    if (option.takes_value)
      app.add_option_function<std::vector<std::string>>(option.names,
                                                        [refuse](const std::vector<std::string>&) { refuse(); })
          ->expected(0, 1)
          ->group("");
    else
      app.add_flag_callback(option.names, refuse)->group("");
  }
}

}  // namespace nstrace::cli
