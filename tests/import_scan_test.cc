// SPDX-License-Identifier: MIT
#include "trace/import_scan.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "trace/import_table.h"

using namespace nstrace::trace;

TEST_CASE("marks: every quote, bracket, comma, slash and angle of a text, and nothing else") {
  std::string text;
  for (int round = 0; round < 3; ++round)
    for (int c = 0; c < 256; ++c) text += static_cast<char>(c + round * 37);
  text += std::string(3000, 'a') + ",b";  // more than is kept without a vector
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
                                 std::size_t{300}, text.size()}) {
    INFO(size);
    const std::string_view part = std::string_view(text).substr(0, size);
    const log::Marks marks(part);
    std::vector<std::size_t> found, expected;
    for (std::size_t i = marks.next(0); i != log::npos; i = marks.next(i + 1)) found.push_back(i);
    for (std::size_t i = 0; i < size; ++i)
      if (part[i] && std::strchr("\"([{)]},/<", part[i])) expected.push_back(i);
    CHECK(found == expected);
  }
}

TEST_CASE("a table of names finds what it has, of all lengths, and nothing else") {
  std::vector<std::string> names;
  for (std::size_t size = 1; size < 40; ++size)
    for (const char last : {'a', 'b'}) names.push_back(std::string(size - 1, 'x') + last);
  names.push_back("xxxxxxxxxxxxxAxxxxxxxxxxxxx");  // they differ in the middle alone
  names.push_back("xxxxxxxxxxxxxBxxxxxxxxxxxxx");
  std::vector<std::pair<std::string_view, int>> entries;
  for (const std::string& name : names) entries.emplace_back(name, static_cast<int>(entries.size()));
  entries.emplace_back(names[0], -1);  // the first counts
  const log::NameTable<int> table(entries);
  for (std::size_t i = 0; i < names.size(); ++i) {
    REQUIRE(table.find(names[i]));
    CHECK(*table.find(names[i]) == static_cast<int>(i));
    CHECK_FALSE(table.find(names[i] + "c"));
  }
  for (const char* other : {"", "c", "xxxxxxxxxxxxxCxxxxxxxxxxxxx", "xxxxxxx"}) CHECK_FALSE(table.find(other));
}
