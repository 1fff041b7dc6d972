// SPDX-License-Identifier: MIT
// The words of the trace file that the writer and the reader share.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "trace/event.h"

namespace nstrace::trace {

inline constexpr std::string_view kFormatName = "nstrace";  // "format" of the header
inline constexpr int kFormatVersion = 1;                    // the one that is read

// "kind" of an argument, by Arg::Kind.
inline constexpr std::array<std::string_view, 9> kKindWords = {"integer", "address",    "flags",  "symbol", "string",
                                                               "strings", "descriptor", "struct", "unread"};

constexpr std::string_view kind_word(Arg::Kind kind) {
  return kKindWords[static_cast<std::size_t>(kind)];
}
static_assert(kind_word(Arg::Kind::Unread) == "unread");

inline std::optional<Arg::Kind> kind_from_word(std::string_view word) {
  for (std::size_t i = 0; i < kKindWords.size(); ++i)
    if (kKindWords[i] == word) return static_cast<Arg::Kind>(i);
  return std::nullopt;
}

}  // namespace nstrace::trace
