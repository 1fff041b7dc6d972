// SPDX-License-Identifier: MIT
// Parser: the state and the small moves that parser.cc (rules) and parser_call.cc (calls) share. Not for callers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "check/lexer.h"
#include "check/parse.h"

namespace nstrace::check {

// Thrown where a line cannot be understood further; its error has been noted. Caught where the next line begins.
struct SkipLine {};

// What grows while files are read, included ones too.
struct ParseState {
  Expectations out;
  std::vector<Diagnostic> diagnostics;
  const Loader* load = nullptr;
  std::map<std::string, RoleId> role_ids;
  std::vector<bool> role_defined;
  std::vector<Place> role_mentioned;  // at first
  std::map<std::string, CaptureId> capture_ids;
  std::vector<Place> capture_mentioned;
  int depth = 0;                // of includes
  bool include_failed = false;  // then roles may be missing
};

class Parser {
 public:
  Parser(ParseState& state, int file);
  void run();

 private:
  // The small moves: parser_moves.cc.
  const Token& now() const { return tokens_[at_]; }
  const Token& ahead(std::size_t n = 1) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  const Token& take();
  bool at(Tok tok) const { return now().tok == tok; }
  bool at_word(std::string_view word) const { return at(Tok::Name) && now().text == word; }
  bool accept(Tok tok);
  bool accept_word(std::string_view word);
  const Token& expect(Tok tok, const std::string& what, const std::string& hint = "");
  void error(const Place& place, std::string message, std::string hint = "", bool syntax = false);
  [[noreturn]] void fail(const Place& place, std::string message, std::string hint = "");
  [[noreturn]] void fail_here(const std::string& wanted, const std::string& hint = "");
  std::string found() const;              // what stands here, for messages
  void newlines();                        // skips ends of lines
  bool continues(std::string_view word);  // the line goes on with `word`, here or on the next line
  void end_of_line(const std::string& after);
  void recover(std::size_t line_begin);
  std::string source_from(std::size_t token) const;  // as written since that token, in one line
  Place place_from(std::size_t token) const;
  Glob resolve(Glob glob);  // captures by number
  CaptureId capture(const std::string& name, const Place& place);
  RoleId role(const std::string& what);

  // Rules: parser.cc.
  void statement();
  void include();
  void role_definition();
  void exec_clause(Role& role, std::string_view keyword);
  void sequence(Rule& rule);
  void sequence_body(Sequence& sequence, Step* any, const Place& opened);
  bool closes(const Place& opened);
  Item item();
  void never(Rule& rule);
  void count(Rule& rule);
  bool count_bound(Count& count);
  void at_rule(Rule& rule);
  StateLine state_line();
  void ns_state(StateLine& line);
  Span span(RoleId role);
  Anchor anchor(RoleId role);
  trace::Time duration();

  // Calls: parser_call.cc.
  CallPattern call();
  // A name of a call as it is written, and the calls that it stands for.
  struct Named {
    std::string text;
    std::vector<std::string> calls;
  };
  std::vector<Named> names_of(CallPattern& call);
  std::vector<Value> values(Tok close, const std::string& inside);
  Value value(bool named);
  Value plain_value();
  Value number_value();
  Value compared_value();
  Value flags_value();
  Value fields_value();
  void target(Value& value);
  ResultPattern result();
  std::string function_text();  // makedev(0x1, 0x3)
  void check_result(const Value& value);
  bool check_call(const CallPattern& call, const Token& name);  // false: an error was told
  bool check_arguments(const CallPattern& call, const Named& named, bool any);

  ParseState& state_;
  int file_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;  // blocks that are open
  int depth_ = 0;    // values within values
};

// Captures that stand in it, each once, in order.
std::vector<CaptureId> captures_in(const CallPattern& call);

// After all files are read: roles that are not there, circles, captures that nothing binds, calls that do not exist.
void resolve(ParseState& state);

}  // namespace nstrace::check
