// SPDX-License-Identifier: MIT
// From the bytes of NST_FILES_* chunks (bpf/events.h) to what descriptors and folders are, in the words of
// /proc/PID/fd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"

namespace nstrace::capture {

struct SeenFile {
  int fd = 0;  // or NST_FILE_CWD, NST_FILE_ROOT; in a call's, the number of the argument
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::string target;  // "/etc (deleted)", "mnt:[4026531841]", "pid:812", "pipe:[5]"; empty = not known
};

// What is cut off or makes no sense ends the list: the bytes are the kernel side's own, but a chunk may be lost.
std::vector<SeenFile> read_files(std::string_view bytes);

// Files the folders and descriptors of an exec.
void fill_files(trace::Exec& exec, std::vector<SeenFile> files);

}  // namespace nstrace::capture
