// SPDX-License-Identifier: MIT
// Options that strace has and nstrace does not: each is an error that says what there is instead.
#pragma once

#include <CLI/CLI.hpp>

namespace nstrace::cli {

void refuse_strace_only(CLI::App& app);

}  // namespace nstrace::cli
