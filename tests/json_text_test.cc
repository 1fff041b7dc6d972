// SPDX-License-Identifier: MIT
#include "trace/json_text.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.h"
#include "trace/json_buffer.h"

using namespace nstrace::trace;

TEST_CASE("each byte in its place, at every place of strings of every length") {
  for (std::size_t size = 1; size < 40; ++size)
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
  for (std::size_t at = 0; at < 40; ++at) {
    std::string bytes(40, 'x');
    bytes[at] = '\xff';
    std::string written;
    CHECK_FALSE(append_json_string(written, bytes));
    CHECK(written == '"' + bytes.substr(0, at) + "\xef\xbf\xbd" + bytes.substr(at + 1) + '"');
  }
}

TEST_CASE("numbers of every length") {
  const auto written = [](auto value) {
    JsonBuffer out;
    out.number(value);
    return std::string(out.view());
  };
  for (std::uint64_t power = 1; power != 0; power = power > UINT64_MAX / 10 ? 0 : power * 10)
    for (const std::uint64_t value : {power - 1, power, power + 1, power * 9})
      CHECK(written(value) == std::to_string(value));
  CHECK(written(UINT64_MAX) == "18446744073709551615");
  CHECK(written(INT64_MIN) == "-9223372036854775808");
  CHECK(written(-100) == "-100");
  CHECK(written(std::uint32_t{4026531840}) == "4026531840");
}
