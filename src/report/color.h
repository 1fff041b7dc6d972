// SPDX-License-Identifier: MIT
// Text on a terminal: the palette (one table) and wrapping.
#pragma once

#include <string>
#include <string_view>

namespace nstrace::report {

enum class Paint { Who, Comm, Time, Call, Result, Bad, Note };

// `text` in the colour of `paint`, or as it is when `on` is false.
std::string paint(bool on, Paint paint, std::string_view text);

// Breaks a line that is longer than `columns` at blanks; what follows the first break is indented. Escape sequences
// take no room. A word that is longer than a line is left to the terminal.
std::string wrap(std::string_view line, int columns);

}  // namespace nstrace::report
