// SPDX-License-Identifier: MIT
// Which part a process plays, by its programs, its comms and its place; and which process of one trace plays the part
// of which of the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "check/diff_side.h"
#include "model/model.h"

namespace nstrace::check {

struct RoleName {
  std::string kind;  // the same for all runtimes: "runtime create", "stage 1", "init", "shim start", "program true"
  std::string name;  // "runc create", "runc:[1:CHILD]", "container init", ...; printable
};
RoleName role_name(const model::Model& model, const model::Process& process);

// For each actor of `a`, its counterpart in `b`.
std::vector<std::optional<std::size_t>> match_actors(const Side& a, const Side& b);

}  // namespace nstrace::check
