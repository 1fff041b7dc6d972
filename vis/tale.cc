// SPDX-License-Identifier: MIT
#include "vis/tale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "vis/headline.h"
#include "vis/namespaces.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using model::Process;
using trace::Ns;

constexpr std::array<std::string_view, trace::kNsCount> kThings{
    "file tree", "host name", "shared memory", "network", "process numbers", "users", "view of the cgroups", "clocks"};

void put(std::string& list, Ns type) {
  list += (list.empty() ? "" : ", ") + std::string(kThings[static_cast<std::size_t>(type)]);
}

// The process that the chapter's program began in: who executes something in the container for the phase "program".
const Process* program_of(const model::Model& model, const story::Story& story, const story::Chapter& chapter) {
  for (const story::Step& step : story.steps()) {
    if (step.chapter != chapter.id || step.phase != story::Phase::Program) continue;
    const Process& process = model.processes()[step.process];
    const bool executes = std::ranges::any_of(
        process.programs, [&](const model::Program& program) { return program.event == step.event; });
    if (executes && process.container && process.container == chapter.container) return &process;
  }
  return nullptr;
}

// What it has for itself, and what it sees with others.
std::string what_it_has(const model::Model& model, const Process& process, const story::Chapter& chapter) {
  std::string own, others, host;
  for (const Ns type : kBandOrder) {
    const model::NamespaceId id = process.ns_id[type];
    if (id == model::kNoNamespace) continue;
    const model::Namespace& ns = model.namespaces()[id];
    put(ns.host ? host : ns.made_by != 0 && ns.made_by >= chapter.first_event ? own : others, type);
  }
  std::string line;
  const auto part = [&](std::string_view whose, const std::string& list) {
    if (!list.empty()) line += fmt::format("{}{}: {}.", line.empty() ? "" : " ", whose, list);
  };
  part("New, its own", own);
  part(chapter.kind == story::Kind::Entered ? "The container's" : "Shared with others", others);
  part("The host's", host);
  return line;
}

}  // namespace

bool has_tale(const story::Chapter& chapter) {
  return chapter.kind == story::Kind::Made || chapter.kind == story::Kind::Entered;
}

std::vector<std::string> tale(const model::Model& model, const story::Story& story, const story::Chapter& chapter) {
  const Process* process = has_tale(chapter) ? program_of(model, story, chapter) : nullptr;
  if (!process) return {};
  std::vector<std::string> lines;
  if (std::string has = what_it_has(model, *process, chapter); !has.empty()) lines.push_back(std::move(has));
  const bool over = process->ended || process->end_unseen;
  const bool all_seen = model.footer() && model.header().calls_known;  // else its end may be what is missing
  lines.push_back(fmt::format("In it {} {}: {}.",
                              over       ? "ran"
                              : all_seen ? "runs"
                                         : "began",
                              shorten(headline(*process), 60), pid_text(*process)));
  return lines;
}

}  // namespace nstrace::vis
