// SPDX-License-Identifier: MIT
// LineParser: one line of a trace file, parsed in place by simdjson, its fields taken in whatever order they come. One
// Event is filled again and again, so that its strings keep their memory. Internal to the reader.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "trace/error.h"
#include "trace/file_fields.h"
#include "trace/input.h"
#include "trace/json_values.h"
#include "trace/sink.h"

namespace nstrace::trace {

// The first line is no header.
struct NotATrace {};

// The line is no JSON object with a type.
struct BadJson {
  std::string why;
};

class LineParser {
 public:
  LineParser(const LineInput& input, Sink& sink) : input_(input), sink_(sink) {}

  // False: of a type that is not known. Throws NotATrace, BadJson, and Error that names the line.
  bool parse(std::string_view line);
  bool footer_seen() const { return footer_seen_; }

 private:
  bool dispatch(object fields, std::string_view type);
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("{}, line {}: {}", input_.name(), input_.number(), what));
  }

  // Calls take(key, value) for each field of the object whose name could be known. (There is padding behind the line.)
  template <typename Take>
  void each_key(object fields, Take take) {
    for (auto entry : fields) {
      simdjson::ondemand::field f;
      if (const auto error = std::move(entry).get(f)) throw simdjson::simdjson_error(error);
      const char* raw = f.key().raw();
      if (const std::size_t length = length_before_quote(raw)) take(std::string_view(raw, length), f.value());
    }
  }
  // Calls take(field, exact, value) for each field of the object that is known.
  template <typename Take>
  void each(object fields, Take take) {
    each_key(fields, [&](std::string_view key, value v) {
      bool exact = false;
      const Field field = field_of(key, exact);
      if (field == Field::Unknown) return;
      at_ = field;
      take(field, exact, v);
    });
  }

  void read_namespaces(value v, NsSet& to);
  bool read_who(Field field, bool exact, value v, Who& to);
  void read_arg(object fields, Arg& to);
  void read_args(value v);
  void read_header(object fields);
  void read_existing(object fields);
  void read_footer(object fields);
  // The fields that every event has; the rest goes to `rest`.
  template <typename Rest>
  void read_event(object fields, Rest rest);
  bool read_event_of(std::string_view type, object fields);

  const LineInput& input_;
  Sink& sink_;
  simdjson::ondemand::parser parser_;
  std::size_t parser_room_ = 0;
  Event event_;
  struct SeenSet {
    std::string text;  // as it stands in the file
    NsSet ns;
  };
  static constexpr std::size_t kLongestSeenSet = 512;
  std::array<SeenSet, 8> seen_sets_;
  std::size_t next_seen_set_ = 0;
  Field at_ = Field::Unknown;  // the field that is being read, for messages
  std::string type_;           // of the line
  bool header_seen_ = false;
  bool footer_seen_ = false;
};

}  // namespace nstrace::trace
