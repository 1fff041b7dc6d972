// SPDX-License-Identifier: MIT
// Patterns that nothing can match: a word that the argument never has, a string where a number stands, a field that the
// structure does not have. A `never` of such a pattern would hold whatever the trace shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "check/shapes.h"
#include "check/source.h"

namespace nstrace::check {

// What no argument of that shape can be, in the value; nothing if each part of it can match. `what` names the argument
// in the message: "`uid` of `setuid`".
std::optional<Diagnostic> misfit(const Value& value, const Shape& shape, const std::string& what);

// What no call of these forms can have. `name` is how messages call it. `any`: of alternatives (`A or B`) one is
// enough, since the other may be for another call.
std::optional<Diagnostic> misfit(const CallPattern& call, const std::vector<Form>& forms, const std::string& name,
                                 bool any);

}  // namespace nstrace::check
