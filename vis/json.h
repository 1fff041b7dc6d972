// SPDX-License-Identifier: MIT
// Json: JSON text, written from the front to the back. Commas come by themselves; keys are literals of ours. No `<`
// gets out, so the text may stand in an HTML script element.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nstrace::vis {

class Json {
 public:
  Json& open(char bracket);  // '{' or '['
  Json& close();
  Json& key(std::string_view name);
  Json& text(std::string_view words);
  Json& number(std::int64_t value);
  Json& flag(bool value);
  Json& null();
  // Nanoseconds as microseconds with three digits behind the point.
  Json& micro(std::int64_t ns);
  void line() { out_ += '\n'; }
  std::string take() { return std::move(out_); }

  // key() and value in one
  Json& text(std::string_view name, std::string_view words) { return key(name).text(words); }
  Json& number(std::string_view name, std::int64_t value) { return key(name).number(value); }
  Json& flag(std::string_view name, bool value) { return key(name).flag(value); }

 private:
  void comma();

  std::string out_;
  std::string open_;  // the closing brackets that are due
};

}  // namespace nstrace::vis
