// SPDX-License-Identifier: MIT
// What nstrace check and nstrace --check have in common: how the result is told.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "check/checker.h"

namespace nstrace::cli {

struct CheckChoices {
  std::string format = "text";
  std::string junit;
  bool verbose = false;
  bool all = false;  // calls whole, however long
};

inline const std::vector<std::string> kCheckFormats = {"text", "markdown", "json", "tap", "github"};

void add_check_options(CLI::App& app, CheckChoices& choices);

// Prints, writes what is asked for, and gives the exit code.
int report_check(const check::Result& result, const CheckChoices& choices, const std::string& trace);

}  // namespace nstrace::cli
