// SPDX-License-Identifier: MIT
#include "vis/json.h"

#include <fmt/format.h>

#include "trace/json_text.h"

namespace nstrace::vis {

void Json::comma() {
  if (out_.empty()) return;
  const std::size_t last = out_.find_last_not_of('\n');
  const char before = last == std::string::npos ? '{' : out_[last];
  if (before != '{' && before != '[' && before != ':') out_ += ',';
}

Json& Json::open(char bracket) {
  comma();
  out_ += bracket;
  open_ += bracket == '{' ? '}' : ']';
  return *this;
}

Json& Json::close() {
  out_ += open_.back();
  open_.pop_back();
  return *this;
}

Json& Json::key(std::string_view name) {
  comma();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  return *this;
}

Json& Json::text(std::string_view words) {
  comma();
  std::string quoted;
  trace::append_json_string(quoted, words);
  for (const char c : quoted) {
    if (c == '<') {
      out_ += "\\u003c";
    } else {
      out_ += c;
    }
  }
  return *this;
}

Json& Json::number(std::int64_t value) {
  comma();
  out_ += std::to_string(value);
  return *this;
}

Json& Json::flag(bool value) {
  comma();
  out_ += value ? "true" : "false";
  return *this;
}

Json& Json::null() {
  comma();
  out_ += "null";
  return *this;
}

Json& Json::micro(std::int64_t ns) {
  comma();
  const std::int64_t size = ns < 0 ? -ns : ns;
  out_ += fmt::format("{}{}.{:03}", ns < 0 ? "-" : "", size / 1000, size % 1000);
  return *this;
}

}  // namespace nstrace::vis
