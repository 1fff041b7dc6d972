// SPDX-License-Identifier: MIT
// Interpreter: what the kernel needs beside a program to start it, and may miss: then execve(2) gives ENOENT although
// the program is there.
#pragma once

#include <string>

namespace nstrace::capture {

struct Missing {
  const char* what = "";  // "interpreter", "dynamic loader"
  std::string path;       // empty = nothing is missing, or the program itself is
};

// Looks at the #! line of a script, and of its interpreter in turn, and at the PT_INTERP of an ELF file.
Missing find_missing(const std::string& program);

}  // namespace nstrace::capture
