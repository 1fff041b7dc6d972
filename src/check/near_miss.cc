// SPDX-License-Identifier: MIT
// Two things are told: a call that has the rule's flags and others beside them, and one that differs in one argument
// while another one, which the rule asks for, is the same.
#include "check/near_miss.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/match.h"
#include "check/roles.h"
#include "check/store.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

bool specific(const Value& value) {
  return value.kind != Value::Kind::Any && value.kind != Value::Kind::Rest && value.kind != Value::Kind::Capture;
}

}  // namespace

std::optional<std::string> near_miss(const Facts& facts, const Never& rule) {
  constexpr std::size_t kMost = 20000;  // calls that are looked at
  const auto asked = std::ranges::count_if(rule.call.args, specific);
  if (asked == 0) return std::nullopt;
  const Bindings bindings(facts.expectations.captures.size());
  std::vector<bool> far(facts.store.calls());  // calls that are not near: each different one is compared once
  std::size_t looked = 0;
  for (const ProcessId process : facts.roles.members(rule.role)) {
    if (!facts.store.may_make(process, rule.call)) continue;
    for (const EventIndex index : facts.store.of(process)) {
      const Stored& event = facts.store.event(index);
      if (!facts.store.name_fits_pattern(rule.call, event)) continue;
      if (++looked > kMost) return std::nullopt;
      if (far[event.call]) continue;
      far[event.call] = true;
      const Nearness near = nearness(rule.call, facts.store.call(event), bindings);
      if (near.differs != 1 || !near.result_fits || near.what == "the result") continue;
      const bool more_flags = near.detail.ends_with(" too much") && near.detail.find("missing") == std::string::npos;
      const std::string expected = trace::escape(near.expected, "");
      if (more_flags && expected.find('!') == std::string::npos)
        return fmt::format("`{}` is exactly that, and event {} has {}; `{}|...` is with others, too", expected,
                           event.number, near.found, expected);
      if (asked > 1)
        return fmt::format("event {} comes near: its {} is {}, not {}", event.number, near.what, near.found, expected);
    }
  }
  return std::nullopt;
}

}  // namespace nstrace::check
