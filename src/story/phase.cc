// SPDX-License-Identifier: MIT
#include "story/phase.h"

#include <array>

namespace nstrace::story {
namespace {

struct Row {
  Phase phase;
  std::string_view name, title, what;
};

// In the order of Phase.
constexpr std::array<Row, kPhases> kRows{{
    {Phase::Manager, "manager", "manager and shim", "who asked for the container, and who will watch over it"},
    {Phase::Runtime, "runtime", "runtime command", "the low-level runtime is called"},
    {Phase::SelfClone, "self-clone", "self-clone", "the runtime shields its own program file from the container"},
    {Phase::Bootstrap, "bootstrap", "bootstrap", "the processes that do the set-up, one after the other"},
    {Phase::Namespaces, "namespaces", "namespaces", "what the container sees of the machine"},
    {Phase::IdMaps, "id-maps", "id maps", "which users of the host the container's users are"},
    {Phase::Cgroup, "cgroup", "cgroup", "what the container may use, and how it is counted"},
    {Phase::Root, "root", "root file system", "the files that the container will see"},
    {Phase::Hooks, "hooks", "hooks", "programs that others asked the runtime to call"},
    {Phase::Pivot, "pivot", "pivot", "the container's files become its root directory"},
    {Phase::Security, "security", "security", "rights that the program shall not have are given up"},
    {Phase::Ready, "ready", "ready", "all is set up, and waits to be started"},
    {Phase::Start, "start", "start", "the word is given"},
    {Phase::Program, "program", "program", "the set-up process becomes the user's program"},
    {Phase::Exit, "exit", "exit", "the program ends"},
    {Phase::Delete, "delete", "delete", "what is left is cleared away"},
}};

constexpr std::array<Phase, kPhases> kOrder = [] {
  std::array<Phase, kPhases> order{};
  for (int i = 0; i < kPhases; ++i) order[static_cast<std::size_t>(i)] = kRows[static_cast<std::size_t>(i)].phase;
  return order;
}();

const Row& row(Phase phase) {
  return kRows[static_cast<std::size_t>(phase)];
}

}  // namespace

std::string_view phase_name(Phase phase) {
  return row(phase).name;
}
std::string_view phase_title(Phase phase) {
  return row(phase).title;
}
std::string_view phase_what(Phase phase) {
  return row(phase).what;
}
std::span<const Phase> all_phases() {
  return kOrder;
}

}  // namespace nstrace::story
