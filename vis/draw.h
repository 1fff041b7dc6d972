// SPDX-License-Identifier: MIT
// Pictures of a model: which view of it, in which format. What the commands call; the parts stand behind it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/model.h"
#include "vis/tree.h"

namespace nstrace::vis {

enum class View : std::uint8_t { Tree, Timeline, Namespaces };
enum class Picture : std::uint8_t { Dot, Svg, Mermaid };

std::optional<View> view_from_name(std::string_view name);  // "tree", "timeline", "namespaces"

// The bytes of a file. Throws Error where the view cannot be had in that format (a timeline has no graph), and when
// Graphviz cannot lay a tree out.
std::string draw(const model::Model& model, View view, Picture picture, const DrawOptions& options = {});

}  // namespace nstrace::vis
