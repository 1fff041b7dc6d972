// SPDX-License-Identifier: MIT
// The ways in which the directory that was made ready becomes "/".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nstrace::lab {

class Stage;

enum class Pivot : std::uint8_t { Dot, Path, Move, None };
struct PivotName {
  Pivot pivot;
  std::string_view name;  // of the option: --pivot path
  std::string_view what;
};
std::span<const PivotName> pivots();

// From the current directory, which is the root of a mount, at kRoot.
void change_root(Stage& init, Pivot pivot);

}  // namespace nstrace::lab
