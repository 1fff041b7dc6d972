// SPDX-License-Identifier: MIT
// The values of the trace file: from JSON, as simdjson gives it, to what an Event holds. They throw BadField for what a
// field may not hold. Inline, since a trace has dozens of them in each line.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/json_text.h"

namespace nstrace::trace {

using simdjson::ondemand::array;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

// What a field holds that it may not hold. LineParser puts the line and the field's name before it.
struct BadField {
  std::string what;
};

// "shown" for a sentence: without control characters, and not too long.
inline std::string shown(std::string_view bytes) {
  std::string text;
  append_json_string(text, bytes.substr(0, 60));
  return bytes.size() > 60 ? text + "..." : text;
}

template <typename T>
T integer(value v) {
  T result{};
  bool fits = false;
  std::int64_t i = 0;
  std::uint64_t u = 0;
  double d = 0;
  if (v.get_int64().get(i) == simdjson::SUCCESS) {
    result = static_cast<T>(i);
    fits = std::in_range<T>(i);
  } else if (v.get_uint64().get(u) == simdjson::SUCCESS) {
    result = static_cast<T>(u);
    fits = std::in_range<T>(u);
  } else if (v.get_double().get(d) == simdjson::SUCCESS) {  // jq 1.6 writes 1.7000000000000001e+18
    fits = d >= static_cast<double>(std::numeric_limits<T>::min()) &&
           d < static_cast<double>(std::numeric_limits<T>::max());
    if (fits) result = static_cast<T>(d);
  } else {
    throw BadField{"is not a number"};
  }
  if (!fits) throw BadField{"is a number that is out of range"};
  return result;
}

inline std::string_view string(value v) {
  std::string_view text;
  const auto error = v.get_string().get(text);
  if (error == simdjson::INCORRECT_TYPE) throw BadField{"is not a string"};
  if (error) throw BadField{fmt::format("is not a valid string ({})", simdjson::error_message(error))};
  return text;
}

inline bool boolean(value v) {
  bool b = false;
  if (v.get_bool().get(b)) throw BadField{"is neither true nor false"};
  return b;
}

// A number of 64 bits in a string: "4026531840", "-100", "0xc000".
template <typename T>
T number_text(value v) {
  const std::string_view text = string(v);
  T number{};
  const bool hex = text.substr(0, 2) == "0x";
  const char* begin = text.data() + (hex ? 2 : 0);
  const char* end = text.data() + text.size();
  if (hex) {
    std::uint64_t bits = 0;
    const auto done = std::from_chars(begin, end, bits, 16);
    if (done.ec == std::errc() && done.ptr == end) return static_cast<T>(bits);
  } else {
    const auto done = std::from_chars(begin, end, number);
    if (done.ec == std::errc() && done.ptr == end) return number;
  }
  throw BadField{fmt::format("is not a number: {}", shown(text))};
}

// exact: the field is <name>_b64.
inline void read_text(value v, bool exact, std::string& to) {
  const std::string_view text = string(v);
  if (!exact) {
    to.assign(text);
    return;
  }
  auto bytes = decode_base64(text);
  if (!bytes) throw BadField{"is not base64"};
  to = std::move(*bytes);
}

inline array elements(value v) {
  array list;
  if (v.get_array().get(list)) throw BadField{"is not an array"};
  return list;
}

inline object members(value v) {
  object fields;
  if (v.get_object().get(fields)) throw BadField{"is not an object"};
  return fields;
}

inline void read_texts(value v, bool exact, std::vector<std::string>& to) {
  std::size_t i = 0;
  for (auto element : elements(v)) {
    if (exact) {  // beside the list, which stands before it: null where that is exact itself
      if (i >= to.size()) throw BadField{"is longer than the list that it belongs to"};
      value item = element.value();
      if (!item.is_null()) read_text(item, true, to[i]);
    } else {
      if (i == to.size()) to.emplace_back();
      to[i].assign(string(element.value()));
    }
    ++i;
  }
  if (!exact) to.resize(i);
}

inline void read_integers(value v, std::vector<int>& to) {
  to.clear();
  for (auto element : elements(v)) to.push_back(integer<int>(element.value()));
}

// "8:17", as Exec::device has it.
inline std::uint64_t device(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::uint64_t major = 0, minor = 0;
  if (colon == text.npos || std::from_chars(text.data(), text.data() + colon, major).ptr != text.data() + colon ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), minor).ptr != text.data() + text.size())
    throw BadField{"is not a device (MAJOR:MINOR)"};
  return major << 20 | minor;
}

}  // namespace nstrace::trace
