// SPDX-License-Identifier: MIT
// The words of an expectation file. Ends of lines are words too, since a rule ends with its line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check/ast.h"
#include "check/source.h"

namespace nstrace::check {

enum class Tok : std::uint8_t {
  End,
  Newline,
  Name,      // text; may contain `*`, which makes it a glob
  String,    // glob
  Number,    // value
  Duration,  // value in ns
  Capture,   // text = the name without `$`
  Target,    // glob: what stands in <> right behind a descriptor
  Set,       // text = "%ns"
  Ellipsis,
  Range,  // ..
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Equals,
  Pipe,
  Bang,
  Question,
  EqualsEquals,
  NotEquals,
  Less,
  LessEquals,
  Greater,
  GreaterEquals,
};

struct Token {
  Tok tok = Tok::End;
  Place place;
  std::size_t begin = 0, end = 0;  // offsets into the file
  std::string text;
  std::int64_t value = 0;
  Glob glob;           // captures by name, not yet by number
  bool glued = false;  // no blank before it
};

// Always ends in Tok::End, before that in Tok::Newline. Errors are added to `diagnostics`; what could be read comes
// back.
std::vector<Token> lex(const SourceFile& file, int file_index, std::vector<Diagnostic>& diagnostics);

}  // namespace nstrace::check
