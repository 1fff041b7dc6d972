// SPDX-License-Identifier: MIT
// argv -> command. Errors are printed here and nowhere else.
#include <csignal>
#include <exception>
#include <new>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "trace/error.h"

using namespace nstrace;

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(2), handled where the output is
  cli::keep_standard_descriptors();
  // From here on no file that is opened can be taken for stdin, stdout or stderr.
  const cli::Arguments arguments(argv + 1, argv + argc);

  // The first word may be a command; without one, nstrace traces.
  const cli::Command trace{"", "", cli::trace_command, cli::kOwnFailure};
  const cli::Command* command = &trace;
  for (const cli::Command& candidate : cli::commands())
    if (!arguments.empty() && arguments[0] == candidate.name) command = &candidate;

  try {
    return command->run(command == &trace ? arguments : cli::Arguments(arguments.begin() + 1, arguments.end()));
  } catch (const cli::PipeClosed&) {
    return cli::kDone;  // whoever read has seen enough
  } catch (const Error& error) {
    cli::tell(error.what());
    return error.exit_code() ? error.exit_code() : command->failure;
  } catch (const std::bad_alloc&) {
    cli::tell("out of memory");
    return command->failure;
  } catch (const std::exception& error) {
    cli::tell(std::string("internal error: ") + error.what());
    return command->failure;
  }
}
