// SPDX-License-Identifier: MIT
#include "trace/import_names.h"

#include <array>
#include <string>

#include "trace/constants.h"
#include "trace/import_scan.h"
#include "trace/import_table.h"

namespace nstrace::trace::log {
namespace {

// Names whose worth the model and the checks ask for.
const NameTable<std::uint64_t>& worths() {
  static const auto* table = [] {
    std::vector<std::pair<std::string_view, std::uint64_t>> known;
    for (const auto constants :
         {clone3_flags(), unshare_flags(), ns_flags(), mount_flags(), umount_flags(), at_flags()})
      for (const Constant& c : constants) known.emplace_back(c.name, c.value);
    for (int i = 1; i <= 31; ++i) {
      static std::array<std::string, 32> names;
      names[static_cast<std::size_t>(i)] = signal_name(i);
      known.emplace_back(names[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(i));
    }
    known.emplace_back("AT_FDCWD", static_cast<std::uint64_t>(std::int64_t{-100}));
    known.emplace_back("MS_MGC_VAL", 0xc0ed0000);
    known.emplace_back("PR_SET_NAME", 15);
    known.emplace_back("OPEN_TREE_CLONE", 1);
    known.emplace_back("OPEN_TREE_NAMESPACE", 2);
    return new NameTable<std::uint64_t>(known);
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
    if (!name.empty() && !letter(name[0]) && number(name, value))
      sum |= static_cast<std::uint64_t>(value);
    else if (const std::uint64_t* known = worths().find(name))
      sum |= *known;
    flags.remove_prefix(bar == npos ? flags.size() : bar + 1);
  }
  return sum;
}

int signal_of(std::string_view name) {
  return name.empty() || !letter(name[0]) ? 0 : signal_number(name).value_or(0);
}

std::int64_t error_of(std::string_view name) {
  static const auto* table = [] {
    std::vector<std::pair<std::string_view, std::int64_t>> known;
    for (int i = 1; i < 600; ++i)
      if (const std::string_view error = errno_name(i); !error.empty()) known.emplace_back(error, i);
    known.emplace_back("EWOULDBLOCK", 11);
    known.emplace_back("ENOTSUP", 95);
    known.emplace_back("EDEADLOCK", 35);
    return new NameTable<std::int64_t>(known);
  }();
  const std::int64_t* known = table->find(name);
  return known ? *known : 0;
}

}  // namespace nstrace::trace::log
