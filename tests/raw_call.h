// SPDX-License-Identifier: MIT
// RawCalls for tests, written as the call is: given("mount", {str("src"), str("/dst"), 0, 0x1000, 0}), and the line
// that becomes of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "trace/decode.h"
#include "trace/text.h"

namespace nstrace::testing {

// One argument: a number, or a pointer with what is behind it.
struct Given {
  std::uint64_t value = 0;
  std::optional<trace::Piece> piece;
  std::string target;

  template <typename T>
  requires std::is_integral_v<T> Given(T number)
      : value(static_cast<std::uint64_t>(number)) {}  // NOLINT: written as in the call
  Given(std::uint64_t at, trace::Piece behind) : value(at), piece(std::move(behind)) {}
};

inline constexpr std::uint64_t kSomewhere = 0x7f0000001000;

inline Given str(std::string_view bytes) {
  return {kSomewhere, trace::Piece{std::string(bytes), false, false}};
}
inline Given cut(std::string_view bytes) {
  return {kSomewhere, trace::Piece{std::string(bytes), false, true}};
}
inline Given fault(std::uint64_t at) {
  return {at, trace::Piece{"", true, false}};
}
inline Given fd(int number, std::string target) {
  Given given(number);
  given.target = std::move(target);
  return given;
}
// The bytes of a structure, from its fields.
template <typename... Fields>
Given bytes(Fields... fields) {
  std::string all;
  (all.append(reinterpret_cast<const char*>(&fields), sizeof fields), ...);
  return str(all);
}

inline trace::RawCall given(std::string_view name, std::initializer_list<Given> args) {
  trace::RawCall raw;
  raw.syscall = trace::find_syscall(name);
  if (!raw.syscall) throw std::runtime_error("no such call: " + std::string(name));
  int i = 0;
  for (const Given& g : args) {
    raw.args[i] = g.value;
    raw.pieces[i] = g.piece;
    raw.fds[i].text = g.target;
    ++i;
  }
  return raw;
}

inline std::string line(const trace::RawCall& raw) {
  return trace::call_text(trace::decode(raw));
}
inline std::string line(std::string_view name, std::initializer_list<Given> args) {
  return line(given(name, args));
}

}  // namespace nstrace::testing
