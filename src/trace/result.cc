// SPDX-License-Identifier: MIT
// The result of a call as strace writes it.
#include <fmt/format.h>

#include "trace/constants.h"
#include "trace/decode_parts.h"
#include "trace/text.h"

namespace nstrace::trace {
namespace {

// ERESTART*: the call is taken up again, or answers EINTR; neither was yet known when it was seen to end.
bool taken_up_again(int error) {
  return (error >= 512 && error <= 514) || error == 516;
}

std::string success_text(const Call& call) {
  const auto value = static_cast<std::uint64_t>(*call.result);
  std::string text;
  if (call.name == "fcntl" && call.args.size() > 1) text = parts::fcntl_result_text(call.args[1].text, value);
  if (call.name == "prctl" && !call.args.empty()) text = parts::prctl_result_text(call.args[0].text, value);
  if (!text.empty()) return text;
  return call.name == "shmat" && value ? fmt::format("{:#x}", value) : fmt::format("{}", *call.result);
}

std::string own_text(const Call& call) {
  if (!call.result) return "?";
  if (!call.failed()) return success_text(call);
  const int error = static_cast<int>(-*call.result);
  const std::string_view name = errno_name(error);
  if (name.empty()) return fmt::format("-1 (errno {})", error);
  return fmt::format("{} {} ({})", taken_up_again(error) ? "?" : "-1", name, errno_text(error));
}

}  // namespace

std::string result_text(const Call& call) {
  return call.note.empty() ? own_text(call) : own_text(call) + " " + escape(call.note, "");
}

}  // namespace nstrace::trace
