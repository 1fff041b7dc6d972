// SPDX-License-Identifier: MIT
// The ways in which one argument becomes an Arg: numbers, addresses, strings, descriptors, flags.
#include "trace/decode_parts.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace nstrace::trace::parts {
namespace {

std::string decimal(std::uint64_t value) {
  return fmt::format("{}", value);
}

// Takes strace's "0x8 /* XX_??? */" apart into text and comment.
void split_comment(Arg& arg) {
  const std::size_t at = arg.text.find(" /* ");
  if (at == std::string::npos || !arg.text.ends_with(" */")) return;
  arg.comment = arg.text.substr(at + 4, arg.text.size() - at - 7);
  arg.text.resize(at);
}

}  // namespace

Arg make(const Slot& slot, Arg::Kind kind, std::uint64_t value, std::string text) {
  Arg arg;
  arg.name = slot.name;
  arg.kind = kind;
  arg.value = static_cast<std::int64_t>(value);
  arg.text = std::move(text);
  return arg;
}

Arg int_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Integer, static_cast<std::uint64_t>(static_cast<std::int32_t>(slot.low())));
}

Arg unsigned_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Integer, slot.low());
}

Arg size_arg(const Slot& slot) {
  const std::uint64_t value = slot.value();
  return make(slot, Arg::Kind::Integer, value, value >> 63 ? decimal(value) : std::string());
}

Arg long_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Integer, slot.value());
}

Arg hex_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Integer, slot.value(), slot.value() ? hex_text(slot.value()) : std::string());
}

Arg address_arg(const Slot& slot) {
  return make(slot, Arg::Kind::Address, slot.value());
}

Arg unread_arg(const Slot& slot) {
  return make(slot, slot.value() ? Arg::Kind::Unread : Arg::Kind::Address, slot.value());
}

Arg string_arg(const Slot& slot) {
  if (slot.value() == 0 || !slot.readable()) return unread_arg(slot);
  Arg arg = make(slot, Arg::Kind::String, slot.value(), slot.piece()->bytes);
  // The longest path that there is fills what is read of a string; of a longer one the kernel says so.
  const bool longest =
      slot.raw.syscall->args[slot.index].type == ArgType::Path && slot.raw.result && *slot.raw.result != -ENAMETOOLONG;
  arg.cut = slot.piece()->cut && !longest;
  return arg;
}

Arg bytes_arg(const Slot& slot, std::uint64_t size) {
  Arg arg = string_arg(slot);
  if (arg.kind == Arg::Kind::String && arg.text.size() < size) arg.cut = true;
  return arg;
}

Arg fd_arg(const Slot& slot) {
  Arg arg = make(slot, Arg::Kind::Descriptor, static_cast<std::uint64_t>(static_cast<std::int32_t>(slot.low())));
  // AT_FDCWD means the current folder only where a call takes a folder, not in place of any descriptor.
  if (arg.value != AT_FDCWD) arg.target = slot.raw.fds[slot.index].text;
  return arg;
}

Arg at_fd_arg(const Slot& slot) {
  const auto fd = static_cast<std::int32_t>(slot.low());
  if (fd != AT_FDCWD) return fd_arg(slot);
  // with its folder, where that was read, it is a descriptor like any other
  const std::string& folder = slot.raw.fds[slot.index].text;
  Arg arg = make(slot, folder.empty() ? Arg::Kind::Symbol : Arg::Kind::Descriptor,
                 static_cast<std::uint64_t>(std::int64_t{fd}), "AT_FDCWD");
  arg.target = folder;
  return arg;
}

Arg flags_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown) {
  Arg arg = make(slot, Arg::Kind::Flags, value, flags_text(value, table, unknown));
  split_comment(arg);
  return arg;
}

Arg symbol_arg(const Slot& slot, std::uint64_t value, std::span<const Constant> table, std::string_view unknown) {
  Arg arg = make(slot, Arg::Kind::Symbol, value, symbol_text(value, table, unknown));
  split_comment(arg);
  return arg;
}

Arg signal_arg(const Slot& slot) {
  const auto signal = static_cast<std::int32_t>(slot.low());
  return make(slot, Arg::Kind::Symbol, static_cast<std::uint64_t>(std::int64_t{signal}), signal_name(signal));
}

std::string address_text(std::uint64_t value) {
  return value ? fmt::format("{:#x}", value) : "NULL";
}

std::string octal_text(std::uint64_t value) {
  return fmt::format("0{:02o}", value);
}

std::string hex_text(std::uint64_t value) {
  return value ? fmt::format("{:#x}", value) : "0";
}

std::string id_text(std::uint32_t id) {
  return id == ~0u ? "-1" : fmt::format("{}", id);
}

std::string hex_bytes(std::string_view bytes, bool cut) {
  std::string out = "\"";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out + (cut ? "\"..." : "\"");
}

namespace {

template <typename T>
T number_at(std::string_view bytes, std::size_t offset) {
  T value = 0;
  if (offset < bytes.size()) std::memcpy(&value, bytes.data() + offset, std::min(sizeof value, bytes.size() - offset));
  return value;
}

}  // namespace

std::uint32_t u32_at(std::string_view bytes, std::size_t offset) {
  return number_at<std::uint32_t>(bytes, offset);
}
std::uint64_t u64_at(std::string_view bytes, std::size_t offset) {
  return number_at<std::uint64_t>(bytes, offset);
}

std::string tail_text(std::string_view bytes, std::size_t known, std::uint64_t size) {
  if (bytes.size() <= known) return {};
  const std::string_view tail = bytes.substr(known);
  if (tail.find_first_not_of('\0') == std::string_view::npos) return {};
  constexpr std::size_t kShown = 32;  // as strace's default limit for strings
  return fmt::format("/* bytes {}..{} */ {}", known, size - 1, hex_bytes(tail.substr(0, kShown), tail.size() > kShown));
}

std::string more_text(const Slot& slot, std::size_t read, std::size_t shown) {
  if (read >= kCaptureMax - 1) return "...";
  return fmt::format("... /* {:#x} */", slot.value() + shown);
}

}  // namespace nstrace::trace::parts
