// SPDX-License-Identifier: MIT
#include "tests/xml.h"

#include <expat.h>

#include <memory>
#include <stdexcept>

namespace nstrace::testing {
namespace {

struct Reading {
  Xml xml;
  std::vector<std::string> path;
};

void XMLCALL on_start(void* data, const char* name, const char** attributes) {
  auto& reading = *static_cast<Reading*>(data);
  ++reading.xml.elements[name];
  reading.path.push_back(name);
  if (reading.path.back() == "text" || reading.path.back() == "title") reading.xml.texts.emplace_back();
  for (; *attributes; attributes += 2) ++reading.xml.attributes[std::string(name) + ' ' + attributes[0]];
}

void XMLCALL on_end(void* data, const char*) {
  static_cast<Reading*>(data)->path.pop_back();
}

void XMLCALL on_text(void* data, const char* text, int length) {
  auto& reading = *static_cast<Reading*>(data);
  if (reading.path.back() == "text" || reading.path.back() == "title") {
    reading.xml.texts.back().append(text, static_cast<std::size_t>(length));
  }
}

}  // namespace

Xml parse_xml(const std::string& text) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), XML_ParserFree);
  Reading reading;
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_OK) {
    throw std::runtime_error(std::string("not XML: ") + XML_ErrorString(XML_GetErrorCode(parser.get())) + " in\n" +
                             text.substr(0, 2000));
  }
  return reading.xml;
}

}  // namespace nstrace::testing
