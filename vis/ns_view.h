// SPDX-License-Identifier: MIT
// The view "namespaces": who lives with whom at one moment. User namespaces are nested boxes, since each owns others;
// in them stands a card for each set of the other seven that processes are in together.
#pragma once

#include <string>

#include "model/model.h"
#include "vis/sheet.h"
#include "vis/tree.h"

namespace nstrace::vis {

Sheet draw_namespaces(const model::Model& model, const DrawOptions& options);
std::string namespaces_svg(const model::Model& model, const DrawOptions& options);

}  // namespace nstrace::vis
