// SPDX-License-Identifier: MIT
// The small moves of the parser: looking at words, taking them, saying what is wrong, finding the next line.
#include <fmt/format.h>

#include <algorithm>

#include "check/parser.h"
#include "trace/text.h"

namespace nstrace::check {

Parser::Parser(ParseState& state, int file)
    : state_(state), file_(file), tokens_(lex(state.out.sources.file(file), file, state.diagnostics)) {}

const Token& Parser::take() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::accept(Tok tok) {
  if (!at(tok)) return false;
  take();
  return true;
}

bool Parser::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  take();
  return true;
}

const Token& Parser::expect(Tok tok, const std::string& what, const std::string& hint) {
  if (!at(tok)) fail_here(what, hint);
  return take();
}

void Parser::error(const Place& place, std::string message, std::string hint, bool syntax) {
  state_.diagnostics.push_back({place, std::move(message), std::move(hint), syntax});
}

void Parser::fail(const Place& place, std::string message, std::string hint) {
  error(place, std::move(message), std::move(hint), true);
  throw SkipLine{};
}

void Parser::fail_here(const std::string& wanted, const std::string& hint) {
  fail(now().place, fmt::format("expected {}, found {}", wanted, found()), hint);
}

std::string Parser::found() const {
  const Token& token = now();
  if (token.tok == Tok::End) return "the end of the file";
  if (token.tok == Tok::Newline) return "the end of the line";
  const std::string& text = state_.out.sources.file(file_).text;
  std::string_view written = std::string_view(text).substr(token.begin, token.end - token.begin);
  const bool cut = written.size() > 40;
  if (cut) written = written.substr(0, 40);
  return "`" + trace::escape(written, "") + (cut ? "...`" : "`");
}

void Parser::newlines() {
  while (at(Tok::Newline)) take();
}

bool Parser::continues(std::string_view word) {
  if (at(Tok::Newline) && ahead().tok == Tok::Name && ahead().text == word) take();
  return accept_word(word);
}

void Parser::end_of_line(const std::string& after) {
  if (at(Tok::RightBrace) || at(Tok::End)) return;  // a block on one line
  if (!at(Tok::Newline)) fail_here("the end of the line after " + after);
  take();
}

// The closing brace of the block that began at `opened`, which is taken. A rule that begins here, or the end of the
// file, shows that it is missing.
bool Parser::closes(const Place& opened) {
  static constexpr std::string_view kBegin[] = {"role", "sequence", "never", "count", "at", "include"};
  if (accept(Tok::RightBrace)) return true;
  const bool rule =
      at(Tok::Name) && ahead().tok != Tok::Colon && std::ranges::find(kBegin, now().text) != std::end(kBegin);
  if (!rule && !at(Tok::End)) return false;
  const Place place = at(Tok::End) && at_ > 0 ? tokens_[at_ - 1].place : now().place;
  error(place, fmt::format("the `{{` of line {} is not closed", opened.line), "", true);
  return true;
}

// To where the next rule or line of a block may begin: the end of a line outside of brackets, or one behind which
// something stands that only begins a line.
void Parser::recover(std::size_t line_begin) {
  static constexpr std::string_view kBegin[] = {"role", "sequence", "never", "count", "at", "include"};
  int depth = 0;
  for (std::size_t i = line_begin; i < at_; ++i) {
    const Tok tok = tokens_[i].tok;
    if (tok == Tok::LeftParen || tok == Tok::LeftBracket || tok == Tok::LeftBrace) ++depth;
    if (tok == Tok::RightParen || tok == Tok::RightBracket || tok == Tok::RightBrace) --depth;
  }
  for (; !at(Tok::End); take()) {
    const Tok tok = now().tok;
    if (tok == Tok::LeftParen || tok == Tok::LeftBracket || tok == Tok::LeftBrace) ++depth;
    if (tok == Tok::RightParen || tok == Tok::RightBracket || tok == Tok::RightBrace) {
      if (tok == Tok::RightBrace && depth <= 0 && nesting_ > 0) return;
      --depth;
    }
    if (tok != Tok::Newline) continue;
    const Token& next = ahead();
    const bool keyword = next.tok == Tok::Name && std::ranges::find(kBegin, next.text) != std::end(kBegin);
    const bool line = (next.tok == Tok::Name && ahead(2).tok == Tok::Colon) ||
                      (next.tok == Tok::RightBrace && nesting_ > 0 && ahead(2).tok == Tok::Newline);
    if (depth <= 0 || keyword || line) {
      take();
      return;
    }
  }
}

std::string Parser::source_from(std::size_t token) const {
  if (token >= at_) return {};
  const std::string& text = state_.out.sources.file(file_).text;
  const std::size_t begin = tokens_[token].begin, end = tokens_[at_ - 1].end;
  std::string out;
  bool blank = false;
  for (std::size_t i = begin; i < end; ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = true;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    out += c;
  }
  return trace::escape(out, "");
}

Place Parser::place_from(std::size_t token) const {
  Place place = tokens_[token].place;
  if (at_ > token) {
    const Token& last = tokens_[at_ - 1];
    if (last.place.line == place.line) place.length = last.place.column + last.place.length - place.column;
  }
  return place;
}

CaptureId Parser::capture(const std::string& name, const Place& place) {
  const auto [it, added] = state_.capture_ids.try_emplace(name, static_cast<CaptureId>(state_.out.captures.size()));
  if (added) {
    state_.out.captures.push_back(name);
    state_.capture_mentioned.push_back(place);
  }
  return it->second;
}

Glob Parser::resolve(Glob glob) {
  for (GlobPiece& piece : glob.pieces)
    if (piece.kind == GlobPiece::Kind::Capture) piece.capture = capture(piece.text, now().place);
  return glob;
}

RoleId Parser::role(const std::string& what) {
  static constexpr std::string_view kWords[] = {"role",  "sequence", "any",   "next",     "never",  "count", "at",
                                                "last",  "first",    "each",  "optional", "within", "with",  "without",
                                                "below", "before",   "after", "between",  "and",    "not"};
  const Token& token = expect(Tok::Name, what);
  if (std::ranges::find(kWords, token.text) != std::end(kWords))
    fail(token.place, fmt::format("`{}` is a word of the language and cannot be a role", token.text));
  if (token.text.find('*') != std::string::npos) fail(token.place, "a role's name has no `*`");
  const auto [it, added] = state_.role_ids.try_emplace(token.text, static_cast<RoleId>(state_.out.roles.size()));
  if (added) {
    Role role;
    role.name = token.text;
    role.place = token.place;
    state_.out.roles.push_back(std::move(role));
    state_.role_defined.push_back(false);
    state_.role_mentioned.push_back(token.place);
  }
  return it->second;
}

}  // namespace nstrace::check
