// SPDX-License-Identifier: MIT
// One argument as strace wrote it, read back into an Arg. Internal to the importer.
#pragma once

#include <string_view>

#include "trace/event.h"
#include "trace/import_scan.h"
#include "trace/syscalls.h"

namespace nstrace::trace::log {

// `s` is the argument alone, a part of the text of `marks`, and `index` its place; `row` is null for a call that the
// table does not have. An argument that is of no kind that Arg knows is kept as it stands, as a symbol. The memory of
// `arg` is used again.
void read_arg(const Marks& marks, std::string_view s, Arg& arg, const SyscallRow* row, std::size_t index);

}  // namespace nstrace::trace::log
