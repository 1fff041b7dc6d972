// SPDX-License-Identifier: MIT
// From text to words. Globs and captures inside strings are taken apart here, where it is still known which
// characters were escaped.
#include "check/lexer.h"

#include <fmt/format.h>

#include <cctype>
#include <limits>

#include "trace/text.h"

namespace nstrace::check {
namespace {

bool name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '*';
}
bool name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '*';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  Lexer(const SourceFile& file, int index, std::vector<Diagnostic>& diagnostics)
      : text_(file.text), file_(index), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = line_start_ = 3;  // a byte order mark
    while (at_ < text_.size()) step();
    begin_ = at_;
    if (tokens_.empty() || tokens_.back().tok != Tok::Newline) add(Tok::Newline);
    add(Tok::End);
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Place place(std::size_t begin, std::size_t end) const {
    return {file_, line_, static_cast<int>(begin - line_start_) + 1,
            static_cast<int>(std::max<std::size_t>(end - begin, 1))};
  }

  void error(std::size_t begin, std::size_t end, std::string message, std::string hint = "") {
    diagnostics_.push_back({place(begin, end), std::move(message), std::move(hint), true});
  }

  Token& add(Tok tok) {
    Token token;
    token.tok = tok;
    token.begin = begin_;
    token.end = at_;
    token.place = place(begin_, at_);
    token.glued = !tokens_.empty() && tokens_.back().end == begin_;
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  void step() {
    begin_ = at_;
    const char c = peek();
    if (c == '\n') {
      ++at_;
      if (!tokens_.empty() && tokens_.back().tok != Tok::Newline) {
        add(Tok::Newline);
        tokens_.back().end = begin_;
      }
      ++line_;
      line_start_ = at_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (c == '/' && peek(1) == '*') {
      comment();
    } else if (c == '"') {
      string();
    } else if (c == '$') {
      capture();
    } else if (digit(c) || (c == '-' && digit(peek(1)))) {
      number();
    } else if (c == '%') {
      ++at_;
      while (name_part(peek())) ++at_;
      add(Tok::Set).text = std::string(text_.substr(begin_, at_ - begin_));
    } else if (name_start(c)) {
      name();
    } else {
      punctuation();
    }
  }

  void comment() {
    const std::size_t end = text_.find("*/", at_ + 2), line_end = text_.find('\n', at_);
    if (end == std::string_view::npos || end > line_end) {
      error(at_, at_ + 2, "this comment is not closed on its line", "write `*/` behind it, or begin it with `#`");
      at_ = std::min(line_end, text_.size());
    } else {
      at_ = end + 2;
    }
  }

  void name() {
    while (name_part(peek()) || (peek() == '-' && name_part(peek(1)) && !digit(peek(1)))) ++at_;
    add(Tok::Name).text = std::string(text_.substr(begin_, at_ - begin_));
  }

  void capture() {
    ++at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_') ++at_;
    if (at_ == begin_ + 1) {
      error(begin_, at_, "`$` needs a name behind it", "a capture is written `$id`");
      return;
    }
    add(Tok::Capture).text = std::string(text_.substr(begin_ + 1, at_ - begin_ - 1));
  }

  void number() {
    if (text_.substr(at_, 3) == "1<<" && name_start(peek(3))) {  // 1<<CAP_CHOWN, as strace writes capabilities
      at_ += 3;
      name();
      return;
    }
    const bool negative = peek() == '-';
    if (negative) ++at_;
    int base = 10;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      base = 16;
      at_ += 2;
    } else if (peek() == '0' && digit(peek(1))) {
      base = 8;
      ++at_;
    }
    std::uint64_t value = 0;
    bool any = base == 8, overflow = false, bad = false;
    for (; std::isxdigit(static_cast<unsigned char>(peek())); ++at_) {
      const char c = static_cast<char>(std::tolower(peek()));
      if (base != 16 && !digit(c)) break;
      const auto n = static_cast<std::uint64_t>(digit(c) ? c - '0' : c - 'a' + 10);
      if (n >= static_cast<std::uint64_t>(base)) bad = true;
      any = true;
      if (value > (std::numeric_limits<std::uint64_t>::max() - n) / static_cast<std::uint64_t>(base)) overflow = true;
      value = value * static_cast<std::uint64_t>(base) + n;
    }
    const std::size_t digits_end = at_;
    std::size_t unit_end = at_;
    while (unit_end < text_.size() && std::isalnum(static_cast<unsigned char>(text_[unit_end]))) ++unit_end;
    const std::string_view unit = text_.substr(digits_end, unit_end - digits_end);
    at_ = unit_end;
    if (!any || overflow || bad || (negative && value > 0x7fffffffffffffffu)) {
      error(begin_, at_, overflow || negative ? "this number is too large" : "this is not a number");
      value = 0;
    }
    if (unit.empty()) {
      add(Tok::Number).value = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
      return;
    }
    const std::int64_t scale = unit == "ns"    ? 1
                               : unit == "us"  ? 1000
                               : unit == "ms"  ? 1000000
                               : unit == "s"   ? 1000000000
                               : unit == "min" ? 60000000000
                                               : 0;
    if (scale == 0) {
      error(digits_end, at_, fmt::format("`{}` is no unit of time", trace::escape(unit, "")),
            "the units are ns, us, ms, s, min");
    } else if (negative || value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / scale)) {
      error(begin_, at_, "this time is out of range");
      value = 0;
    }
    add(Tok::Duration).value = static_cast<std::int64_t>(value) * scale;
  }

  static void literal(Glob& glob, char c) {
    if (glob.pieces.empty() || glob.pieces.back().kind != GlobPiece::Kind::Literal) glob.pieces.push_back({});
    glob.pieces.back().text += c;
  }

  // The escape that begins at `\`.
  void escaped(Glob& glob) {
    const std::size_t begin = at_;
    ++at_;
    const char c = peek();
    if (c >= '0' && c <= '7') {
      int value = 0, digits = 0;
      for (; digits < 3 && peek() >= '0' && peek() <= '7'; ++digits, ++at_) value = value * 8 + (peek() - '0');
      if (value > 255) error(begin, at_, "this octal escape is above \\377");
      literal(glob, static_cast<char>(value));
      return;
    }
    if (c == 'x') {
      ++at_;
      int value = 0, digits = 0;
      for (; digits < 2 && std::isxdigit(static_cast<unsigned char>(peek())); ++digits, ++at_) {
        const char h = static_cast<char>(std::tolower(peek()));
        value = value * 16 + (digit(h) ? h - '0' : h - 'a' + 10);
      }
      if (digits == 0) error(begin, at_, "`\\x` needs hexadecimal digits behind it");
      literal(glob, static_cast<char>(value));
      return;
    }
    constexpr std::string_view kFrom = "ntrvf", kTo = "\n\t\r\v\f";
    if (const auto i = kFrom.find(c); c && i != std::string_view::npos) {
      literal(glob, kTo[i]);
    } else if (c && std::string_view("\\\"*?$<>").find(c) != std::string_view::npos) {
      literal(glob, c);
    } else {
      error(begin, at_ + 1, "this escape is not known",
            "known are \\n \\t \\r \\v \\f \\\\ \\\" \\* \\? \\$ \\< \\>, \\NNN and \\xNN");
      if (c == '\n' || c == '\0') return;
      literal(glob, c);
    }
    ++at_;
  }

  // Reads up to `close` on this line, which is not consumed. False if it is not there.
  bool glob(char close, Glob& glob) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_];
      if (c == close) {
        glob.source = std::string(text_.substr(begin, at_ - begin));
        return true;
      }
      if (c == '\\') {
        escaped(glob);
      } else if (c == '*') {
        if (glob.pieces.empty() || glob.pieces.back().kind != GlobPiece::Kind::Star)
          glob.pieces.push_back({GlobPiece::Kind::Star, "", -1});
        ++at_;
      } else if (c == '?') {
        glob.pieces.push_back({GlobPiece::Kind::One, "", -1});
        ++at_;
      } else if (c == '$') {
        glob_capture(glob);
      } else {
        literal(glob, c);
        ++at_;
      }
    }
    glob.source = std::string(text_.substr(begin, at_ - begin));
    return false;
  }

  void glob_capture(Glob& glob) {
    const std::size_t begin = at_++;
    const bool braces = peek() == '{';
    if (braces) ++at_;
    std::string name;
    for (; std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_'; ++at_) name += peek();
    const bool closed = !braces || peek() == '}';
    if (braces && closed) ++at_;
    if (name.empty() || !closed) {
      error(begin, at_, "`$` in a string begins a capture and needs a name behind it",
            "write `\\$` for the character itself");
      return;
    }
    glob.pieces.push_back({GlobPiece::Kind::Capture, std::move(name), -1});
  }

  void string() {
    ++at_;
    Glob text;
    if (glob('"', text)) {
      ++at_;
    } else {
      error(begin_, at_, "this string is not closed on its line", "write `\"` behind it, `\\n` for a line's end in it");
    }
    // As strace writes a string that it cut.
    if (text_.substr(at_, 3) == "...") {
      at_ += 3;
      text.source += "*";
      text.pieces.push_back({GlobPiece::Kind::Star, "", -1});
    }
    add(Tok::String).glob = std::move(text);
  }

  bool target_may_follow() const {
    if (tokens_.empty() || tokens_.back().end != at_) return false;
    const Tok last = tokens_.back().tok;
    return last == Tok::Name || last == Tok::Number || last == Tok::Capture;
  }

  void punctuation() {
    const char c = peek();
    if (c == '<' && target_may_follow()) {
      ++at_;
      Glob text;
      if (glob('>', text)) {
        ++at_;
      } else {
        error(begin_, at_, "what the descriptor refers to is not closed by `>` on its line");
      }
      add(Tok::Target).glob = std::move(text);
      return;
    }
    static constexpr struct {
      std::string_view text;
      Tok tok;
    } kTokens[] = {
        {"...", Tok::Ellipsis},  {"..", Tok::Range},         {"==", Tok::EqualsEquals}, {"!=", Tok::NotEquals},
        {"<=", Tok::LessEquals}, {">=", Tok::GreaterEquals}, {"<", Tok::Less},          {">", Tok::Greater},
        {"(", Tok::LeftParen},   {")", Tok::RightParen},     {"[", Tok::LeftBracket},   {"]", Tok::RightBracket},
        {"{", Tok::LeftBrace},   {"}", Tok::RightBrace},     {",", Tok::Comma},         {":", Tok::Colon},
        {"=", Tok::Equals},      {"|", Tok::Pipe},           {"!", Tok::Bang},          {"?", Tok::Question},
    };
    for (const auto& row : kTokens) {
      if (text_.substr(at_, row.text.size()) != row.text) continue;
      at_ += row.text.size();
      add(row.tok);
      return;
    }
    // One error for a run of what cannot be read.
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) >= 0x80 || text_[at_] == c)) ++at_;
    if (at_ == begin_) ++at_;
    const std::string_view bytes = text_.substr(begin_, std::min<std::size_t>(at_ - begin_, 16));
    std::string hint;
    if (c == ';') hint = "each rule, call and state stands on a line of its own";
    if (c == '\'') hint = "strings stand in double quotes";
    if (c == '&') hint = "flags are joined by `|`";
    if (bytes.find("\xe2\x80") != std::string_view::npos) hint = "strings stand in plain double quotes (\")";
    error(begin_, at_, fmt::format("`{}` has no meaning here", trace::escape(bytes, "")), std::move(hint));
  }

  std::string_view text_;
  int file_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0, begin_ = 0, line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Token> lex(const SourceFile& file, int file_index, std::vector<Diagnostic>& diagnostics) {
  return Lexer(file, file_index, diagnostics).run();
}

}  // namespace nstrace::check
