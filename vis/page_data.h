// SPDX-License-Identifier: MIT
// What the page (vis/page.h) knows of a trace, as JSON: processes, namespaces, containers, every call, and the moments
// that the pictures tell. Ids are places in the model's lists, by first sight.
#pragma once

#include <string>

#include "vis/graph.h"
#include "vis/recording.h"

namespace nstrace::vis {

std::string page_data(const Recording& recording, const Graph& graph);

}  // namespace nstrace::vis
