// SPDX-License-Identifier: MIT
// The grammar in LANGUAGE.md, the editors' grammar and the parser know the same words.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "check/parse.h"
#include "tests/catch.h"

using namespace nstrace;

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(NSTRACE_SOURCE_DIR) + "/" + path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The words in quotes of the grammar.
std::set<std::string> grammar_words() {
  const std::string text = read("src/check/LANGUAGE.md");
  const std::size_t begin = text.find("## Grammar"), end = text.find("## Roles");
  REQUIRE((begin != std::string::npos && end != std::string::npos));
  const std::string grammar = text.substr(begin, end - begin);
  std::set<std::string> words;
  const std::regex word("\"([a-z][a-z_]*)\"");
  for (std::sregex_iterator it(grammar.begin(), grammar.end(), word), none; it != none; ++it) words.insert((*it)[1]);
  return words;
}

// Every "match" in the editors' grammar, with its "name".
void matches(const nlohmann::json& json, std::vector<std::pair<std::string, std::string>>& out) {
  if (json.is_object() && json.contains("match")) out.emplace_back(json.value("name", ""), json["match"]);
  if (json.is_structured())
    for (const auto& part : json) matches(part, out);
}

}  // namespace

TEST_CASE("editors know every word of the grammar") {
  const auto words = grammar_words();
  CHECK(words.size() > 50);
  std::vector<std::pair<std::string, std::string>> patterns;
  matches(nlohmann::json::parse(read("examples/nstrace-expect.tmLanguage.json")), patterns);
  for (const std::string& word : words) {
    const std::string text =
        word == "ns" || word == "us" || word == "ms" || word == "s" || word == "min" ? "7" + word : word;
    const bool known = std::ranges::any_of(patterns, [&](const auto& pattern) {
      const bool for_words = pattern.first.starts_with("keyword") || pattern.first.starts_with("support.type") ||
                             pattern.first.starts_with("constant");
      return for_words && std::regex_match(text, std::regex(pattern.second));
    });
    INFO(word);
    CHECK(known);
  }
}

TEST_CASE("editors know no word that the grammar lacks") {
  const auto words = grammar_words();
  std::vector<std::pair<std::string, std::string>> patterns;
  matches(nlohmann::json::parse(read("examples/nstrace-expect.tmLanguage.json")), patterns);
  for (const auto& [name, pattern] : patterns) {
    if (!pattern.starts_with("\\b(") || name.starts_with("constant.other")) continue;
    const std::regex word("[a-z_]{2,}");
    for (std::sregex_iterator it(pattern.begin(), pattern.end(), word), none; it != none; ++it) {
      INFO(it->str());
      CHECK(words.contains(it->str()));
    }
  }
}

// What stands between backticks, outside the grammar.
std::vector<std::string> code_spans(const std::string& text) {
  std::vector<std::string> spans;
  const std::regex span("`([^`\n]+)`");
  for (std::sregex_iterator it(text.begin(), text.end(), span), none; it != none; ++it) spans.push_back((*it)[1]);
  return spans;
}

// Blocks of indented lines in which a role is defined.
std::vector<std::string> code_blocks(const std::string& text) {
  std::vector<std::string> blocks;
  std::istringstream lines(text);
  std::string block;
  for (std::string line; std::getline(lines, line);) {
    const bool code = line.starts_with("    ") || (line.empty() && !block.empty());
    if (code) block += (line.empty() ? line : line.substr(4)) + "\n";
    if (code || block.empty()) continue;
    if (block.find("role ") != std::string::npos && block.find("role      =") == std::string::npos)
      blocks.push_back(block);
    block.clear();
  }
  return blocks;
}

std::string error_of(const std::string& text) {
  try {
    check::parse("x.expect", text);
  } catch (const check::ParseError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("the examples in the documents can be read") {
  for (const char* path : {"src/check/LANGUAGE.md", "README.md"}) {
    const auto blocks = code_blocks(read(path));
    CHECK(blocks.size() == 1);
    for (const std::string& block : blocks) CHECK(error_of(block) == "");
  }
  // Of its sentences: states, and calls with their arguments.
  const std::string text = read("src/check/LANGUAGE.md");
  const std::regex state("(ns [a-z, ]+|comm|exe|pid|cgroup|uid|gid|groups|caps|no_new_privs|seccomp|cwd|root|fds): .+");
  const std::regex call("[a-z_0-9]+\\(.*\\)");
  const std::string role = "role a = exec \"x\"\n";
  std::size_t states = 0, calls = 0;
  for (const std::string& span : code_spans(text.substr(text.find("## Calls")))) {
    std::string example;
    if (std::regex_match(span, state)) {
      ++states;
      example = role + "at a: execve(...) {\n  " + span + "\n}\n";
    } else if (std::regex_match(span, call) && span.find("CODE") == std::string::npos &&
               span.find("SIGNAL") == std::string::npos) {
      ++calls;
      example = role + "never a: " + span + "\n";
    } else {
      continue;
    }
    const bool wrong = span.find("CAP_SYS_ADMN") != std::string::npos;  // shown as a mistake
    INFO(example << error_of(example));
    CHECK(error_of(example).empty() == !wrong);
  }
  CHECK(states > 5);
  CHECK(calls > 3);
}

TEST_CASE("a misspelt word suggests the word") {
  CHECK_THROWS_WITH(check::parse("x.expect", "nevre runc: setns(...)"), ContainsSubstring("did you mean `never`?"));
}
