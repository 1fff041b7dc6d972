// SPDX-License-Identifier: MIT
// From the text of expectation files to Expectations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "check/ast.h"
#include "trace/error.h"

namespace nstrace::check {

// Gives the text of an included file. Throws Error when it cannot be read.
using Loader = std::function<std::string(const std::string& path)>;
// Reads files from disk (at most 16 MiB each).
std::string load_file(const std::string& path);

// What is wrong with an expectation file: all of it. what() is the rendered text, many lines.
class ParseError : public Error {
 public:
  ParseError(const Sources& sources, std::vector<Diagnostic> diagnostics);
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

// Parses `text`; `path` is what messages call it, and included files are looked for beside it. Throws ParseError with
// everything that is wrong, in order of place.
Expectations parse(const std::string& path, const std::string& text, const Loader& load = load_file);
// The same from a file ("-" is stdin).
Expectations parse_file(const std::string& path);

}  // namespace nstrace::check
