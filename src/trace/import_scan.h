// SPDX-License-Identifier: MIT
// The characters of strace's lines: where a string, a descriptor's text or a whole value ends, and what a number is.
// Internal to the importer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nstrace::trace::log {

inline constexpr std::size_t npos = std::string_view::npos;

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string_view trimmed(std::string_view s);

// Behind the quote that closes the one at `at`; npos if there is none.
std::size_t end_of_string(std::string_view s, std::size_t at);

// Behind the ">" of "<mnt:[4026533533]>", "<TCP:[127.0.0.1:80->127.0.0.1:4000]>"; npos if there is none.
std::size_t end_of_target(std::string_view s, std::size_t at);

// Where the value that begins at `at` ends: at a comma or closing bracket on its own level. npos: nowhere.
std::size_t end_of_value(std::string_view s, std::size_t at);

// Decimal, 0x hexadecimal or 0 octal; false if it is anything else. What exceeds 63 bits wraps, as a register does.
bool number(std::string_view s, std::int64_t& value);

// Undoes strace's escapes.
void unescape(std::string_view text, std::string& to);

}  // namespace nstrace::trace::log
