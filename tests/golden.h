// SPDX-License-Identifier: MIT
// Golden files: check_golden("vis/two.dot", text) compares with tests/golden/vis/two.dot.
// NSTRACE_REWRITE_GOLDENS=1 (tests/run.sh --rewrite) writes them instead; the git diff is the review.
#pragma once

#include <string>

namespace nstrace::testing {

std::string read_file(const std::string& path);                       // throws std::runtime_error
std::string golden_path(const std::string& name);
std::string data_path(const std::string& name);                       // below tests/
void check_golden(const std::string& name, const std::string& text);  // REQUIREs equality

}  // namespace nstrace::testing
