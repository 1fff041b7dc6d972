// SPDX-License-Identifier: MIT
// An SVG of ours as PNG or PDF, by librsvg and cairo. Both are loaded when they are asked for, so that nothing else
// needs them or waits for them.
#pragma once

#include <string>

#include "trace/event.h"

namespace nstrace::vis {

// Twice as many pixels as the SVG has units; fewer where cairo's limit (32,767 a side) or 400 million pixels in all ask
// for it. Throws Error when librsvg is not installed, or when less than one pixel for four units would be left.
std::string png_of(const std::string& svg);

// One page as large as the picture, at most 14,400 points a side, the most that readers of PDF take.
// `realtime`: ns since 1970, the date that the file bears; 0 = 1970.
std::string pdf_of(const std::string& svg, const std::string& title, std::uint64_t realtime);

}  // namespace nstrace::vis
