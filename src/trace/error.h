// SPDX-License-Identifier: MIT
// Error: what a caller cannot handle. One sentence that names the cause and the cure; main prints it, once.
#pragma once

#include <stdexcept>
#include <string>

namespace nstrace {

// exit_code: see cli/exit_codes.h; 0 = the command's own code for bad input.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, int exit_code = 0)
      : std::runtime_error(sentence), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace nstrace
