// SPDX-License-Identifier: MIT
#include "tests/json_schema.h"

#include <fmt/format.h>

#include <regex>
#include <set>
#include <stdexcept>

namespace nstrace::testing {
namespace {

using nlohmann::json;

bool is_of(const json& instance, const std::string& type) {
  if (type == "object") return instance.is_object();
  if (type == "array") return instance.is_array();
  if (type == "string") return instance.is_string();
  if (type == "integer") return instance.is_number_integer();
  if (type == "boolean") return instance.is_boolean();
  if (type == "null") return instance.is_null();
  throw std::runtime_error("schema: unknown type " + type);
}

class Check {
 public:
  explicit Check(const json& root) : root_(root) {}

  // An object's members that some part of the schema names are added to `named`.
  std::string part(const json& schema, const json& instance, const std::string& at, std::set<std::string>& named) {
    for (const auto& [keyword, rule] : schema.items()) {
      std::string wrong = check(keyword, rule, instance, at, named);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  std::string whole(const json& schema, const json& instance, const std::string& at) {
    std::set<std::string> named;
    std::string wrong = part(schema, instance, at, named);
    if (!wrong.empty() || !instance.is_object()) return wrong;
    for (const auto& [name, value] : instance.items())
      if (!named.count(name)) return fmt::format("{}/{}: is not described", at, name);
    return "";
  }

 private:
  std::string check(const std::string& keyword, const json& rule, const json& instance, const std::string& at,
                    std::set<std::string>& named) {
    if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs") return "";
    if (keyword == "$ref")
      return part(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), instance, at, named);
    if (keyword == "type") return is_of(instance, rule) ? "" : fmt::format("{}: is no {}", at, rule.get<std::string>());
    if (keyword == "const") return instance == rule ? "" : fmt::format("{}: is not {}", at, rule.dump());
    if (keyword == "enum") {
      for (const json& value : rule)
        if (value == instance) return "";
      return fmt::format("{}: is none of {}", at, rule.dump());
    }
    if (keyword == "pattern") {
      if (!instance.is_string() || std::regex_search(instance.get<std::string>(), std::regex(rule.get<std::string>())))
        return "";
      return fmt::format("{}: does not match {}", at, rule.dump());
    }
    if (keyword == "minimum" || keyword == "maximum") {
      if (!instance.is_number()) return "";
      return (keyword == "minimum" ? instance >= rule : instance <= rule)
                 ? ""
                 : fmt::format("{}: is beyond the {} {}", at, keyword, rule.dump());
    }
    if (keyword == "required") {
      for (const json& name : rule)
        if (!instance.contains(name.get<std::string>())) return fmt::format("{}: has no {}", at, name.dump());
      return "";
    }
    if (keyword == "properties") {
      for (const auto& [name, schema] : rule.items()) {
        if (!instance.is_object() || !instance.contains(name)) continue;
        named.insert(name);
        std::string wrong = whole(schema, instance[name], at + "/" + name);
        if (!wrong.empty()) return wrong;
      }
      return "";
    }
    if (keyword == "patternProperties") {
      for (const auto& [pattern, schema] : rule.items()) {
        for (const auto& [name, value] : instance.items()) {
          if (!std::regex_search(name, std::regex(pattern))) continue;
          // beside what it is the exact form of
          if (!instance.contains(name.substr(0, name.rfind('_')))) return fmt::format("{}/{}: stands alone", at, name);
          named.insert(name);
          std::string wrong = whole(schema, value, at + "/" + name);
          if (!wrong.empty()) return wrong;
        }
      }
      return "";
    }
    if (keyword == "items") {
      for (std::size_t i = 0; instance.is_array() && i < instance.size(); ++i) {
        std::string wrong = whole(rule, instance[i], fmt::format("{}/{}", at, i));
        if (!wrong.empty()) return wrong;
      }
      return "";
    }
    if (keyword == "allOf") {
      for (const json& schema : rule) {
        std::string wrong = part(schema, instance, at, named);
        if (!wrong.empty()) return wrong;
      }
      return "";
    }
    if (keyword == "oneOf" || keyword == "anyOf") {
      std::string all_wrong;
      int holds = 0;
      for (const json& schema : rule) {
        std::set<std::string> named_there;
        const std::string wrong = part(schema, instance, at, named_there);
        all_wrong += (all_wrong.empty() ? "" : "; ") + wrong;
        if (!wrong.empty()) continue;
        ++holds;
        named.insert(named_there.begin(), named_there.end());
      }
      if (holds == 1 || (holds > 1 && keyword == "anyOf")) return "";
      return holds ? fmt::format("{}: several of oneOf hold", at) : fmt::format("{}: none holds: {}", at, all_wrong);
    }
    throw std::runtime_error("schema: unknown keyword " + keyword);
  }

  const json& root_;
};

}  // namespace

std::string schema_complaint(const json& schema, const json& instance) {
  return Check(schema).whole(schema, instance, "");
}

}  // namespace nstrace::testing
