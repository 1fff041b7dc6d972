// SPDX-License-Identifier: MIT
// NameTable: from a name to what it stands for, for tables that are made once and asked for every argument of a log. A
// name's length, its first bytes and its last are its hash, and for nearly all names they are the whole name as well.
// Internal to the importer.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace nstrace::trace::log {

template <typename T>
class NameTable {
 public:
  // Of names that stand there twice, the first counts. Their bytes must outlive the table.
  explicit NameTable(const std::vector<std::pair<std::string_view, T>>& entries)
      : slots_(std::bit_ceil(entries.size() * 4)), shift_(64 - std::countr_zero(slots_.size())) {
    for (const auto& [name, value] : entries) {
      const Key key(name);
      Slot& slot = slots_[at(key, name)];
      if (!slot.name.data()) slot = {key, name, value};
    }
  }
  // Null where the table does not have it.
  const T* find(std::string_view name) const {
    const Slot& slot = slots_[at(Key(name), name)];
    return slot.name.data() ? &slot.value : nullptr;
  }

 private:
  struct Key {
    Key() = default;
    explicit Key(std::string_view name) {
      const std::size_t size = name.size();
      if (size >= sizeof first) {
        std::memcpy(&first, name.data(), sizeof first);
        std::memcpy(&last, name.data() + size - sizeof last, sizeof last);
      } else {
        for (const char c : name) first = first << 8 | static_cast<unsigned char>(c);
      }
    }
    bool operator==(const Key&) const = default;
    std::uint64_t first = 0, last = 0;
  };
  struct Slot {
    Key key;
    std::string_view name;
    T value{};
  };

  // Where it stands, or would.
  std::size_t at(const Key& key, std::string_view name) const {
    std::size_t i = (key.first ^ std::rotl(key.last, 27) ^ name.size()) * 0x9e3779b97f4a7c15 >> shift_;
    while (slots_[i].name.data() && !(slots_[i].key == key && slots_[i].name.size() == name.size() &&
                                      (name.size() <= 2 * sizeof key.first || slots_[i].name == name)))
      i = (i + 1) % slots_.size();
    return i;
  }

  std::vector<Slot> slots_;
  int shift_;
};

}  // namespace nstrace::trace::log
