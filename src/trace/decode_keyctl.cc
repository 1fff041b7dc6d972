// SPDX-License-Identifier: MIT
// keyctl(2): a table says of each operation what its arguments are. What a key holds is never read: it may be a secret.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "trace/decode_parts.h"

namespace nstrace::trace::parts {
namespace {

enum class K : std::uint8_t {
  End,
  Serial,
  Int,
  Unsigned,
  Size,
  Address,
  Hex,
  Text,
  Told,
  Uid,
  Perm,
  Default,
  Error,
  Move
};

struct Operation {
  std::uint32_t number;
  std::string_view name;
  std::array<K, 4> args{};
};

// include/uapi/linux/keyctl.h
constexpr Operation kOperations[] = {
    {0, "KEYCTL_GET_KEYRING_ID", {K::Serial, K::Int}},
    {1, "KEYCTL_JOIN_SESSION_KEYRING", {K::Text}},
    {2, "KEYCTL_UPDATE", {K::Serial, K::Address, K::Size}},
    {3, "KEYCTL_REVOKE", {K::Serial}},
    {4, "KEYCTL_CHOWN", {K::Serial, K::Uid, K::Uid}},
    {5, "KEYCTL_SETPERM", {K::Serial, K::Perm}},
    {6, "KEYCTL_DESCRIBE", {K::Serial, K::Told, K::Size}},
    {7, "KEYCTL_CLEAR", {K::Serial}},
    {8, "KEYCTL_LINK", {K::Serial, K::Serial}},
    {9, "KEYCTL_UNLINK", {K::Serial, K::Serial}},
    {10, "KEYCTL_SEARCH", {K::Serial, K::Text, K::Text, K::Serial}},
    {11, "KEYCTL_READ", {K::Serial, K::Address, K::Size}},
    {12, "KEYCTL_INSTANTIATE", {K::Serial, K::Address, K::Size, K::Serial}},
    {13, "KEYCTL_NEGATE", {K::Serial, K::Unsigned, K::Serial}},
    {14, "KEYCTL_SET_REQKEY_KEYRING", {K::Default}},
    {15, "KEYCTL_SET_TIMEOUT", {K::Serial, K::Unsigned}},
    {16, "KEYCTL_ASSUME_AUTHORITY", {K::Serial}},
    {17, "KEYCTL_GET_SECURITY", {K::Serial, K::Address, K::Size}},
    {18, "KEYCTL_SESSION_TO_PARENT"},
    {19, "KEYCTL_REJECT", {K::Serial, K::Unsigned, K::Error, K::Serial}},
    {20, "KEYCTL_INSTANTIATE_IOV", {K::Serial, K::Address, K::Size, K::Serial}},
    {21, "KEYCTL_INVALIDATE", {K::Serial}},
    {22, "KEYCTL_GET_PERSISTENT", {K::Uid, K::Serial}},
    {23, "KEYCTL_DH_COMPUTE", {K::Address, K::Address, K::Size, K::Address}},
    {24, "KEYCTL_PKEY_QUERY", {K::Serial, K::Hex, K::Hex, K::Hex}},
    {25, "KEYCTL_PKEY_ENCRYPT", {K::Hex, K::Hex, K::Hex, K::Hex}},
    {26, "KEYCTL_PKEY_DECRYPT", {K::Hex, K::Hex, K::Hex, K::Hex}},
    {27, "KEYCTL_PKEY_SIGN", {K::Hex, K::Hex, K::Hex, K::Hex}},
    {28, "KEYCTL_PKEY_VERIFY", {K::Hex, K::Hex, K::Hex, K::Hex}},
    {29, "KEYCTL_RESTRICT_KEYRING", {K::Serial, K::Text, K::Text}},
    {30, "KEYCTL_MOVE", {K::Serial, K::Serial, K::Serial, K::Move}},
    {31, "KEYCTL_CAPABILITIES", {K::Address, K::Size}},
    {32, "KEYCTL_WATCH_KEY", {K::Hex, K::Hex, K::Hex, K::Hex}},
};
constexpr std::array<K, 4> kUnknown{K::Hex, K::Hex, K::Hex, K::Hex};

struct Named {
  std::int32_t value;
  std::string_view name;
};
constexpr Named kSpecial[] = {
    {-1, "KEY_SPEC_THREAD_KEYRING"},  {-2, "KEY_SPEC_PROCESS_KEYRING"},      {-3, "KEY_SPEC_SESSION_KEYRING"},
    {-4, "KEY_SPEC_USER_KEYRING"},    {-5, "KEY_SPEC_USER_SESSION_KEYRING"}, {-6, "KEY_SPEC_GROUP_KEYRING"},
    {-7, "KEY_SPEC_REQKEY_AUTH_KEY"}, {-8, "KEY_SPEC_REQUESTOR_KEYRING"},
};
constexpr Named kDefaults[] = {
    {-1, "KEY_REQKEY_DEFL_NO_CHANGE"},           {0, "KEY_REQKEY_DEFL_DEFAULT"},
    {1, "KEY_REQKEY_DEFL_THREAD_KEYRING"},       {2, "KEY_REQKEY_DEFL_PROCESS_KEYRING"},
    {3, "KEY_REQKEY_DEFL_SESSION_KEYRING"},      {4, "KEY_REQKEY_DEFL_USER_KEYRING"},
    {5, "KEY_REQKEY_DEFL_USER_SESSION_KEYRING"}, {6, "KEY_REQKEY_DEFL_GROUP_KEYRING"},
    {7, "KEY_REQKEY_DEFL_REQUESTOR_KEYRING"},
};
constexpr Constant kPermissions[] = {
    {"KEY_POS_VIEW", 0x01000000},   {"KEY_POS_READ", 0x02000000}, {"KEY_POS_WRITE", 0x04000000},
    {"KEY_POS_SEARCH", 0x08000000}, {"KEY_POS_LINK", 0x10000000}, {"KEY_POS_SETATTR", 0x20000000},
    {"KEY_USR_VIEW", 0x010000},     {"KEY_USR_READ", 0x020000},   {"KEY_USR_WRITE", 0x040000},
    {"KEY_USR_SEARCH", 0x080000},   {"KEY_USR_LINK", 0x100000},   {"KEY_USR_SETATTR", 0x200000},
    {"KEY_GRP_VIEW", 0x0100},       {"KEY_GRP_READ", 0x0200},     {"KEY_GRP_WRITE", 0x0400},
    {"KEY_GRP_SEARCH", 0x0800},     {"KEY_GRP_LINK", 0x1000},     {"KEY_GRP_SETATTR", 0x2000},
    {"KEY_OTH_VIEW", 0x01},         {"KEY_OTH_READ", 0x02},       {"KEY_OTH_WRITE", 0x04},
    {"KEY_OTH_SEARCH", 0x08},       {"KEY_OTH_LINK", 0x10},       {"KEY_OTH_SETATTR", 0x20},
};
constexpr Constant kMove[] = {{"KEYCTL_MOVE_EXCL", 1}};

// A name, or the number in decimal.
Arg named_arg(const Slot& slot, std::span<const Named> table, std::string_view unknown) {
  const auto value = static_cast<std::int32_t>(slot.low());
  Arg arg = int_arg(slot);
  const auto it = std::ranges::find(table, value, &Named::value);
  if (it != table.end()) {
    arg.kind = Arg::Kind::Symbol;
    arg.text = it->name;
  } else {
    arg.comment = unknown;
  }
  return arg;
}

Arg error_arg(const Slot& slot) {
  const std::string_view name = slot.low() < 4096 ? errno_name(static_cast<int>(slot.low())) : std::string_view();
  return name.empty() ? unsigned_arg(slot) : make(slot, Arg::Kind::Symbol, slot.low(), std::string(name));
}

// A text that the kernel gives: the result is its size, and where that is more than the buffer's, nothing was written.
Arg told_arg(const Slot& slot) {
  const std::int64_t size = slot.raw.result.value_or(-1);
  const bool written = size > 0 && static_cast<std::uint64_t>(size) <= slot.raw.args[slot.index + 1];
  return written ? string_arg(slot) : address_arg(slot);
}

Arg operation_arg(K what, const Slot& slot) {
  switch (what) {
    case K::End:
    case K::Hex:
      return hex_arg(slot);
    case K::Serial:
      return named_arg(slot, kSpecial, {});
    case K::Int:
      return int_arg(slot);
    case K::Unsigned:
      return unsigned_arg(slot);
    case K::Size:
      return size_arg(slot);
    case K::Address:
      return address_arg(slot);
    case K::Text:
      return string_arg(slot);
    case K::Told:
      return told_arg(slot);
    case K::Uid:
      return id_arg(slot);
    case K::Perm:
      return flags_arg(slot, slot.low(), kPermissions, "KEY_???");
    case K::Default:
      return named_arg(slot, kDefaults, "KEY_REQKEY_DEFL_???");
    case K::Error:
      return error_arg(slot);
    case K::Move:
      return flags_arg(slot, slot.low(), kMove, "KEYCTL_MOVE_???");
  }
  return hex_arg(slot);
}

}  // namespace

std::vector<Arg> keyctl_args(const RawCall& raw) {
  const Slot first(raw, 0);
  const auto* operation = std::ranges::find(kOperations, first.low(), &Operation::number);
  std::vector<Arg> out;
  std::array<K, 4> args = kUnknown;
  if (operation != std::end(kOperations)) {
    out.push_back(make(first, Arg::Kind::Symbol, first.low(), std::string(operation->name)));
    args = operation->args;
  } else {
    out.push_back(make(first, Arg::Kind::Symbol, first.low(), hex_text(first.low())));
    out.back().comment = "KEYCTL_???";
  }
  for (int i = 0; i < 4 && args[i] != K::End; ++i) out.push_back(operation_arg(args[i], {raw, i + 1}));
  return out;
}

}  // namespace nstrace::trace::parts
