// SPDX-License-Identifier: MIT
// Strings against globs: `*` any bytes, `?` one character, a capture one or more bytes other than `/`.
#pragma once

#include <string_view>

#include "check/truth.h"

namespace nstrace::check {

// Without captures (a capture fits like `*` without `/`). `cut`: there was more text than is known, so the answer may
// be Maybe.
Truth glob_match(const Glob& glob, std::string_view text, bool cut = false);

// Every way in which the glob fits, with its captures bound while `found` runs. Stops and gives true when that does.
bool glob_solve(const Glob& glob, std::string_view text, bool cut, Bindings& bindings, Budget& budget,
                FunctionRef<bool(Truth)> found);

}  // namespace nstrace::check
