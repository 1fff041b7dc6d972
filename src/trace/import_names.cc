// SPDX-License-Identifier: MIT
#include "trace/import_names.h"

#include <array>
#include <string>
#include <unordered_map>

#include "trace/constants.h"
#include "trace/import_scan.h"

namespace nstrace::trace::log {
namespace {

// Names whose worth the model and the checks ask for.
const std::unordered_map<std::string_view, std::uint64_t>& worths() {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, std::uint64_t>;
    for (const auto constants :
         {clone3_flags(), unshare_flags(), ns_flags(), mount_flags(), umount_flags(), at_flags()})
      for (const Constant& c : constants) map->emplace(c.name, c.value);
    for (int i = 1; i <= 31; ++i) {
      static std::array<std::string, 32> names;
      names[static_cast<std::size_t>(i)] = signal_name(i);
      map->emplace(names[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(i));
    }
    map->emplace("AT_FDCWD", static_cast<std::uint64_t>(std::int64_t{-100}));
    map->emplace("MS_MGC_VAL", 0xc0ed0000);
    map->emplace("PR_SET_NAME", 15);
    map->emplace("OPEN_TREE_CLONE", 1);
    map->emplace("OPEN_TREE_NAMESPACE", 2);
    return map;
  }();
  return *table;
}

}  // namespace

std::uint64_t worth(std::string_view flags) {
  std::uint64_t sum = 0;
  while (!flags.empty()) {
    const std::size_t bar = flags.find('|');
    const std::string_view name = flags.substr(0, bar);
    std::int64_t value = 0;
    if (number(name, value))
      sum |= static_cast<std::uint64_t>(value);
    else if (const auto found = worths().find(name); found != worths().end())
      sum |= found->second;
    flags.remove_prefix(bar == npos ? flags.size() : bar + 1);
  }
  return sum;
}

int signal_of(std::string_view name) {
  return signal_number(name).value_or(0);
}

std::int64_t error_of(std::string_view name) {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, std::int64_t>;
    for (int i = 1; i < 600; ++i)
      if (const std::string_view known = errno_name(i); !known.empty()) map->emplace(known, i);
    map->emplace("EWOULDBLOCK", 11);
    map->emplace("ENOTSUP", 95);
    map->emplace("EDEADLOCK", 35);
    return map;
  }();
  const auto found = table->find(name);
  return found == table->end() ? 0 : found->second;
}

}  // namespace nstrace::trace::log
