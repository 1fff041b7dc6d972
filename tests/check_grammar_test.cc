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

TEST_CASE("a misspelt word suggests the word") {
  CHECK_THROWS_WITH(check::parse("x.expect", "nevre runc: setns(...)"), ContainsSubstring("did you mean `never`?"));
}
