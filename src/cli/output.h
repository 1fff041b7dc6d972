// SPDX-License-Identifier: MIT
// Output: a file, a pipe or the terminal that text is written to. Traces can hold secrets: files are created for their
// owner alone, who is the user behind sudo, and never through a symbolic link in a folder that everybody can write to.
#pragma once

#include <unistd.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "cli/write_behind.h"

namespace nstrace::cli {

// Nobody reads stdout or stderr any more.
struct PipeClosed : std::exception {
  const char* what() const noexcept override { return "pipe closed"; }
};

// A closed descriptor 0, 1 or 2 is given to a file that can be neither read nor written, and that no COMMAND inherits.
void keep_standard_descriptors();

class Output {
 public:
  // Throws Error with the path and the reason. Path "-" is stdout. A file that is there keeps its content until
  // something is written or flushed; one that was made for nothing, since an error came first, goes away again.
  static std::unique_ptr<Output> open(const std::string& path);
  static std::unique_ptr<Output> standard(int fd);  // 1 or 2
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Buffered, but nothing stays in the buffer for longer than a second while text keeps coming. Throws Error when the
  // text cannot be written, PipeClosed when it is stdout or stderr and nobody reads it.
  void write(std::string_view text);
  void flush();
  // From now on a thread of its own does the writing: for what comes faster than a disk takes it.
  void write_behind();
  bool terminal() const;
  int columns() const;  // of the terminal; 0 when it is none

 private:
  Output(int fd, std::string name, bool owned, bool made)
      : fd_(fd), name_(std::move(name)), owned_(owned), made_(made), untouched_(owned), terminal_(isatty(fd)) {}
  int fd_;
  std::string name_;
  bool owned_;
  bool made_;       // the file was not there before
  bool untouched_;  // nothing was written yet
  bool terminal_;
  void begin();
  void write_out(std::string_view text);
  std::string buffer_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
  std::unique_ptr<WriteBehind> behind_;
};

}  // namespace nstrace::cli
