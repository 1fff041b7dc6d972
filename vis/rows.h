// SPDX-License-Identifier: MIT
// What a process did, line by line: its programs, the names it gave itself, the calls that changed where it lives.
#pragma once

#include <vector>

#include "model/model.h"
#include "story/story.h"
#include "vis/graph.h"
#include "vis/namespaces.h"

namespace nstrace::vis {

// "mount x2, umount2"
std::string calls_text(const std::vector<std::pair<std::string, int>>& calls);

// A step's number, words and phase.
Told told_in_story(const story::Step& step);

// `steps`: what the story tells of this process, in any order; each becomes a row, or a word about one.
// In order of events. Repeats become one line: mounts in a row, joins in a row. Steps are not numbered yet.
// `launched`: the tracer made the process to run the traced command; what it was before is not told.
std::vector<Row> rows_of(const model::Process& process, const NamespaceSigns& signs, bool launched,
                         const std::vector<const story::Step*>& steps = {});

}  // namespace nstrace::vis
