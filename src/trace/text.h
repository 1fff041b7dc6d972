// SPDX-License-Identifier: MIT
// Arguments, calls and results as strace writes them. Whatever bytes a traced process had, what comes out is printable
// ASCII or valid UTF-8 without control characters.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "trace/event.h"

namespace nstrace::trace {

inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

struct TextOptions {
  std::size_t string_limit = kNoLimit;  // bytes shown of a string, as strace -s; what is cut ends in `...`
  bool whole_paths = false;             // string_limit is not for paths, as in strace
  std::size_t list_limit = kNoLimit;    // elements shown of an argv
  bool targets = true;                  // "14<mnt:[4026533533]>" instead of "14"
  bool comments = true;                 // "/* 44 vars */"
};

// `bytes` with what cannot be shown as strace escapes it: \n, \t, \", \\, octal for other control and invalid bytes.
// Valid UTF-8 stays, except control and direction-changing characters (U+0080-9F, U+200E-F, U+2028-2E, U+2066-69).
// No quotes are put around it. `also`: further bytes to be escaped.
std::string escape(std::string_view bytes, std::string_view also = "\"\\");
// "text" in quotes; `limit` bytes of it followed by `...` when there were more or `cut`.
std::string quote(std::string_view bytes, std::size_t limit = kNoLimit, bool cut = false);

std::string arg_text(const Arg& arg, const TextOptions& options = {});
// name(arg, arg): without result. Calls that strace writes with names (clone) have them.
std::string call_text(const Call& call, const TextOptions& options = {});
// "0", "-1 ENOENT (No such file or directory)", "?" for none.
std::string result_text(const Call& call);

}  // namespace nstrace::trace
