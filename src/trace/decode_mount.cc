// SPDX-License-Identifier: MIT
// mount(2) and the calls that took its place: which arguments count depends on the flags.
#include <fmt/format.h>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

// include/uapi/linux/mount.h
constexpr std::uint64_t kMagic = 0xc0ed0000;  // MS_MGC_VAL
constexpr std::uint64_t kMagicMask = 0xffff0000;
constexpr std::uint64_t kRemount = 1 << 5;
constexpr std::uint64_t kMoves = (1 << 12) | (1 << 13) | (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20);

}  // namespace

std::vector<Arg> mount_args(const RawCall& raw) {
  std::uint64_t flags = raw.args[3];
  const bool magic = (flags & kMagicMask) == kMagic;
  if (magic) flags &= ~kMagicMask;
  // The kernel does not look at these, so callers leave anything there.
  const bool type_counts = !(flags & (kRemount | kMoves));
  const bool data_counts = (flags & kRemount) || !(flags & kMoves);
  std::vector<Arg> out;
  out.push_back(string_arg({raw, 0}));
  out.push_back(string_arg({raw, 1}));
  out.push_back(type_counts ? string_arg({raw, 2}) : address_arg({raw, 2}));
  Arg arg = flags_arg({raw, 3}, flags, mount_flags(), "MS_???");
  arg.value = static_cast<std::int64_t>(raw.args[3]);
  if (magic) arg.text = flags ? "MS_MGC_VAL|" + arg.text : "MS_MGC_VAL";
  out.push_back(std::move(arg));
  out.push_back(data_counts ? string_arg({raw, 4}) : address_arg({raw, 4}));
  return out;
}

}  // namespace nstrace::trace::parts
