// SPDX-License-Identifier: MIT
// Exit codes, all of them. A traced COMMAND's own status goes through as it is (128+n when a signal ended it).
#pragma once

namespace nstrace::cli {

enum ExitCode : int {
  kDone = 0,          // done; or: the checks hold, there is no difference
  kDoesNotHold = 1,   // a check fails, traces differ
  kBadUse = 2,        // bad usage or input, of any command that starts no COMMAND
  kCannotTell = 3,    // the trace cannot decide a check; with --strict: events were lost
  kOwnFailure = 125,  // nstrace itself failed before or beside COMMAND, usage included
  kNotExecutable = 126,
  kNotFound = 127,
};

}  // namespace nstrace::cli
