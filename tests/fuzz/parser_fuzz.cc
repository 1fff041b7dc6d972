// SPDX-License-Identifier: MIT
// Any bytes as an expectation file: they are parsed, or refused with a ParseError whose text is printable.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "check/parse.h"

using namespace nstrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 16) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const check::Loader load = [](const std::string& path) -> std::string {
    if (path == "roles.expect") return "role a = exec \"*\"\n";
    throw Error("cannot read " + path);
  };
  try {
    check::parse("x.expect", text, load);
  } catch (const check::ParseError& error) {
    for (const char* c = error.what(); *c; ++c)
      if (static_cast<unsigned char>(*c) < ' ' && *c != '\n') std::abort();
    if (error.diagnostics().empty()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
