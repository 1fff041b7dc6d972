// SPDX-License-Identifier: MIT
// Help: texts for people, broken at words to the width of the terminal (80 columns where stdout is none).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace CLI {
class FormatterBase;
}

namespace nstrace::cli {

std::size_t text_columns();

// Each line of `text` that is too long goes on under its own beginning, or, in a table, under its last column: that is
// where something stands behind two blanks or more.
std::string wrapped(std::string_view text, std::size_t columns);

// --help of every command.
std::shared_ptr<CLI::FormatterBase> help_formatter(std::size_t columns);

}  // namespace nstrace::cli
