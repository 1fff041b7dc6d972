// SPDX-License-Identifier: MIT
// Pictures of a trace: which view of it, in which format. What the commands call; the parts stand behind it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vis/recording.h"
#include "vis/tree.h"

namespace nstrace::vis {

enum class View : std::uint8_t { Tree, Timeline, Namespaces };
enum class Picture : std::uint8_t { Dot, Svg, Mermaid, Html, Png, Pdf, Perfetto };

std::optional<View> view_from_name(std::string_view name);  // "tree", "timeline", "namespaces"

// Whether it shows every call, so that draw() needs a Recording that kept them.
bool needs_calls(Picture picture);
// Whether it shows what a program waited for.
bool needs_times(View view, Picture picture);

// The bytes of a file. Throws Error where the view cannot be had in that format (a timeline has no graph), and when
// Graphviz cannot lay a tree out.
std::string draw(const Recording& recording, View view, Picture picture, const DrawOptions& options = {});

}  // namespace nstrace::vis
