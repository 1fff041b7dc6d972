// SPDX-License-Identifier: MIT
// Calls as patterns: what varies from run to run becomes a wildcard or a symbol, and several calls become the one
// pattern that fits all of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trace/event.h"

namespace nstrace::check {

// One argument, or the result, in the language; flags apart, so that sets can be merged.
struct ArgText {
  enum class Kind : std::uint8_t { Any, Plain, Text, Flags, List, Fields };
  Kind kind = Kind::Any;
  std::string text;                        // Plain: as it is to be written; Text: the glob without quotes
  std::vector<std::string> needed, maybe;  // Flags
  std::vector<ArgText> items;              // List, Fields; an item without kind Any and with text "..." is `...`
  std::vector<std::string> names;          // Fields, beside items
  bool operator==(const ArgText&) const = default;
};

struct CallText {
  std::string name;
  std::vector<std::string> arg_names;  // clone's arguments go by name; else empty
  std::vector<ArgText> args;
  std::string result;      // "0", ">0", ""
  bool any_order = false;  // with those beside it that have this too
  bool operator==(const CallText&) const = default;
  std::string write() const;
};

// A symbol for a text that names a container, such as "${id}"; empty if it is none.
using Symbol = std::function<std::string(std::string_view)>;

// The bytes as a glob: special characters escaped, ids and numbers that vary replaced.
std::string glob_text(std::string_view bytes, const Symbol& symbol);

CallText call_pattern(const trace::Call& call, const Symbol& symbol, bool whole_argv);

// Runs that bind single paths into the root, before the root is changed: podman hands them over in another order each
// time. They are put in one order and marked; what only changes the mount just made goes.
void settle_binds(std::vector<CallText>& calls);

// The pattern that fits what either fits; absent if they are calls of different kinds.
std::optional<CallText> merged(const CallText& a, const CallText& b);
// How alike they are: 0 = not at all.
int likeness(const CallText& a, const CallText& b);
// What two runs have in common, in order.
std::vector<CallText> common(const std::vector<CallText>& a, const std::vector<CallText>& b);

}  // namespace nstrace::check
