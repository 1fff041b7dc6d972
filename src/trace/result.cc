// SPDX-License-Identifier: MIT
// The result of a call as strace writes it.
#include <fmt/format.h>

#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::trace {

std::string result_text(const Call& call) {
  if (!call.result) return "?";
  if (!call.failed()) {
    const bool hex =
        *call.result != 0 &&
        (call.name == "shmat" ||
         (call.name == "fcntl" && call.args.size() > 1 &&
          (call.args[1].text == "F_GETFL" || call.args[1].text == "F_GETFD" || call.args[1].text == "F_GET_SEALS")));
    return hex ? fmt::format("{:#x}", static_cast<std::uint64_t>(*call.result)) : fmt::format("{}", *call.result);
  }
  const int error = static_cast<int>(-*call.result);
  const std::string_view name = errno_name(error);
  if (name.empty()) return fmt::format("-1 (errno {})", error);
  return fmt::format("-1 {} ({})", name, errno_text(error));
}

}  // namespace nstrace::trace
