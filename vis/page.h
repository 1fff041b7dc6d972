// SPDX-License-Identifier: MIT
// One HTML file with the three views of a trace, that needs nothing but a browser: no network, no other file.
#pragma once

#include <string>

#include "vis/recording.h"
#include "vis/tree.h"

namespace nstrace::vis {

std::string html_page(const Recording& recording, const DrawOptions& options = {});

}  // namespace nstrace::vis
