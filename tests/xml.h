// SPDX-License-Identifier: MIT
// What an XML parser (expat) sees in a text. Counts elements and attributes by name.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace nstrace::testing {

struct Xml {
  std::map<std::string, int> elements;    // by name
  std::map<std::string, int> attributes;  // "element attribute"
  std::vector<std::string> texts;         // of <text> and <title>, entities resolved
};

// Throws std::runtime_error that says where it is not well-formed.
Xml parse_xml(const std::string& text);

}  // namespace nstrace::testing
