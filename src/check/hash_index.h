// SPDX-License-Identifier: MIT
// Numbers by hashes that are good ones already: open addressing, at most half full, a look into one place for most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace nstrace::check {

class HashIndex {
 public:
  // Of the numbers put in with this hash, the first that `is_it(number)` accepts; absent if there is none.
  template <typename F>
  std::optional<std::uint32_t> find(std::uint64_t hash, F is_it) const {
    for (std::size_t at = hash & mask(); slots_[at].number != kFree; at = (at + 1) & mask())
      if (slots_[at].hash == hash && is_it(slots_[at].number)) return slots_[at].number;
    return std::nullopt;
  }

  // Any number but the greatest; the same one twice is kept twice.
  void put(std::uint64_t hash, std::uint32_t number) {
    if (2 * ++used_ > slots_.size()) {
      const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
      for (const Slot& slot : before)
        if (slot.number != kFree) place(slot);
    }
    place({hash, number});
  }

 private:
  static constexpr std::uint32_t kFree = UINT32_MAX;
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kFree;
  };
  std::size_t mask() const { return slots_.size() - 1; }
  void place(const Slot& slot) {
    std::size_t at = slot.hash & mask();
    while (slots_[at].number != kFree) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);  // a power of two
  std::size_t used_ = 0;
};

}  // namespace nstrace::check
