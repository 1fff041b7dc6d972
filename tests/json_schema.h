// SPDX-License-Identifier: MIT
// A validator for the part of JSON Schema 2020-12 that our schemas use; a keyword that it does not know is an error, so
// that no rule of a schema is silently left out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace nstrace::testing {

// Empty when `instance` holds; else what does not: "/child/tid: is no integer". Beyond the standard, a member of an
// object that the schema does not name is an error: what is written must be described.
std::string schema_complaint(const nlohmann::json& schema, const nlohmann::json& instance);

}  // namespace nstrace::testing
