// SPDX-License-Identifier: MIT
#include "trace/json_text.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.h"

using namespace nstrace::trace;

TEST_CASE("each byte in its place, at every place of strings of every length") {
  for (std::size_t size = 1; size < 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (int c = 0; c < 0x80; ++c) {
        std::string bytes(size, 'x');
        bytes[at] = static_cast<char>(c);
        std::string written;
        CHECK(append_json_string(written, bytes));
        const bool plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
        if ((written == '"' + bytes + '"') != plain || nlohmann::json::parse(written).get<std::string>() != bytes)
          FAIL(written);
      }
  for (std::size_t at = 0; at < 20; ++at) {
    std::string bytes(20, 'x');
    bytes[at] = '\xff';
    std::string written;
    CHECK_FALSE(append_json_string(written, bytes));
    CHECK(written == '"' + bytes.substr(0, at) + "\xef\xbf\xbd" + bytes.substr(at + 1) + '"');
  }
}
