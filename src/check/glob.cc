// SPDX-License-Identifier: MIT
// Globs without captures are run as the set of places in the pattern that a text can reach (no backtracking, so no
// pattern is slow); those with captures are searched, under a budget.
#include "check/glob.h"

#include <algorithm>
#include <array>
#include <span>

namespace nstrace::check {
namespace {

// Bytes of the character that begins at `s`: 1 for what is not UTF-8.
std::size_t character(std::string_view s) {
  const auto head = static_cast<unsigned char>(s[0]);
  const std::size_t size = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : head >= 0xc2 ? 2 : 1;
  if (size > s.size()) return 1;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(s[i]) & 0xc0u) != 0x80) return 1;
  return size;
}

// Patterns with one star or none, by far the most, are decided without sets.
std::optional<Truth> simple_match(const Glob& glob, std::string_view text, bool cut) {
  if (glob.pieces.empty()) return truth(text.empty() && !cut);
  const auto& first = glob.pieces.front();
  if (glob.pieces.size() == 1 && first.kind == GlobPiece::Kind::Star) return Truth::Yes;
  if (cut) return std::nullopt;
  if (glob.pieces.size() == 1 && first.kind == GlobPiece::Kind::Literal) return truth(first.text == text);
  const auto& second = glob.pieces[1];
  if (glob.pieces.size() == 2 && first.kind == GlobPiece::Kind::Star && second.kind == GlobPiece::Kind::Literal)
    return truth(text.ends_with(second.text));
  if (glob.pieces.size() == 2 && first.kind == GlobPiece::Kind::Literal && second.kind == GlobPiece::Kind::Star)
    return truth(text.starts_with(first.text));
  return std::nullopt;
}

class Search {
 public:
  Search(const Glob& glob, std::string_view text, bool cut, Bindings& bindings, Budget& budget,
         FunctionRef<bool(Truth)> found)
      : glob_(glob), text_(text), cut_(cut), bindings_(bindings), budget_(budget), found_(found) {}

  bool run(std::size_t piece, std::size_t at) {
    budget_.step();
    if (piece == glob_.pieces.size()) return at == text_.size() && !cut_ && found_(Truth::Yes);
    const GlobPiece& p = glob_.pieces[piece];
    const std::string_view rest = text_.substr(at);
    switch (p.kind) {
      case GlobPiece::Kind::Literal:
        return literal(p.text, rest, piece, at);
      case GlobPiece::Kind::One:
        if (rest.empty()) return cut_ && found_(Truth::Maybe);
        return run(piece + 1, at + character(rest));
      case GlobPiece::Kind::Star:
        if (piece + 1 == glob_.pieces.size()) return found_(Truth::Yes);
        for (std::size_t to = next_place(piece + 1, at); to <= text_.size(); to = next_place(piece + 1, to + 1))
          if (run(piece + 1, to)) return true;
        return cut_ && found_(Truth::Maybe);
      case GlobPiece::Kind::Capture: {
        if (const std::string* value = bindings_.get(p.capture)) return literal(*value, rest, piece, at);
        const std::size_t end = std::min(text_.find('/', at), text_.size());
        for (std::size_t to = next_place(piece + 1, at + 1); to <= end; to = next_place(piece + 1, to + 1)) {
          const std::size_t mark = bindings_.mark();
          bindings_.set(p.capture, std::string(text_.substr(at, to - at)));
          const bool stop = run(piece + 1, to);
          bindings_.undo(mark);
          if (stop) return true;
        }
        // It may go on in what was cut off.
        return cut_ && end == text_.size() && found_(Truth::Maybe);
      }
    }
    return false;
  }

 private:
  // A cheap look ahead: the next place, from `from` on, at which this piece may fit; beyond the text if there is none.
  std::size_t next_place(std::size_t piece, std::size_t from) const {
    if (cut_ || from > text_.size()) return from;
    if (piece == glob_.pieces.size()) return text_.size();
    const GlobPiece& p = glob_.pieces[piece];
    return p.kind == GlobPiece::Kind::Literal ? text_.find(p.text, from) : from;
  }

  bool literal(std::string_view literal, std::string_view rest, std::size_t piece, std::size_t at) {
    if (rest.starts_with(literal)) return run(piece + 1, at + literal.size());
    return cut_ && literal.starts_with(rest) && found_(Truth::Maybe);
  }

  const Glob& glob_;
  std::string_view text_;
  bool cut_;
  Bindings& bindings_;
  Budget& budget_;
  FunctionRef<bool(Truth)> found_;
};

}  // namespace

Truth glob_match(const Glob& glob, std::string_view text, bool cut) {
  if (const auto simple = simple_match(glob, text, cut)) return *simple;
  // reached[i]: the pieces so far can end before text[i]. Of most texts both sets have room on the stack.
  std::array<char, 512> small;
  std::vector<char> large;
  const std::size_t size = text.size() + 1;
  char* place = small.data();
  if (2 * size > small.size()) {
    large.resize(2 * size);
    place = large.data();
  }
  std::span<char> reached(place, size), next(place + size, size);
  std::ranges::fill(reached, 0);
  reached[0] = 1;
  Truth beyond = Truth::No;  // whether the text can end inside a piece, when it was cut
  bool open = false;         // the pieces so far can fit the text and anything behind it
  for (const GlobPiece& piece : glob.pieces) {
    std::fill(next.begin(), next.end(), 0);
    bool stays_open = false;
    switch (piece.kind) {
      case GlobPiece::Kind::Literal: {
        const std::string_view literal = piece.text;
        for (std::size_t i = 0; i <= text.size(); ++i) {
          if (!reached[i]) continue;
          if (i < text.size() && !literal.empty() && text[i] != literal[0]) continue;
          const std::string_view rest = text.substr(i);
          if (rest.starts_with(literal))
            next[i + literal.size()] = 1;
          else if (literal.starts_with(rest))
            beyond = Truth::Maybe;
        }
        break;
      }
      case GlobPiece::Kind::One:
        for (std::size_t i = 0; i < text.size(); ++i)
          if (reached[i]) next[i + character(text.substr(i))] = 1;
        if (reached[text.size()]) beyond = Truth::Maybe;
        break;
      case GlobPiece::Kind::Star: {
        const auto first = std::find(reached.begin(), reached.end(), 1);
        std::fill(next.begin() + (first - reached.begin()), next.end(), 1);
        stays_open = first != reached.end();
        break;
      }
      case GlobPiece::Kind::Capture: {
        bool inside = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
          inside = (inside || reached[i]) && text[i] != '/';
          if (inside) next[i + 1] = 1;
        }
        if (inside || reached[text.size()]) beyond = Truth::Maybe;
        break;
      }
    }
    if (open) beyond = Truth::Maybe;  // a star that runs beyond the text, and then this piece
    open = stays_open || (open && piece.kind == GlobPiece::Kind::Star);
    std::swap(reached, next);
  }
  if (!cut) return truth(reached[text.size()]);
  if (open) return Truth::Yes;
  return beyond;
}

bool glob_solve(const Glob& glob, std::string_view text, bool cut, Bindings& bindings, Budget& budget,
                FunctionRef<bool(Truth)> found) {
  if (!glob.captures()) {
    const Truth answer = glob_match(glob, text, cut);
    return answer != Truth::No && found(answer);
  }
  return Search(glob, text, cut, bindings, budget, found).run(0, 0);
}

}  // namespace nstrace::check
