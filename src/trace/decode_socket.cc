// SPDX-License-Identifier: MIT
// Addresses of sockets: the families that runtimes, shims and daemons bind in words, the others as bytes.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "trace/decode_parts.h"
#include "trace/text.h"

namespace nstrace::trace::parts {
namespace {

// include/linux/socket.h
constexpr std::string_view kFamilies[] = {
    "AF_UNSPEC",   "AF_UNIX",       "AF_INET",    "AF_AX25",      "AF_IPX",     "AF_APPLETALK", "AF_NETROM",
    "AF_BRIDGE",   "AF_ATMPVC",     "AF_X25",     "AF_INET6",     "AF_ROSE",    "AF_DECnet",    "AF_NETBEUI",
    "AF_SECURITY", "AF_KEY",        "AF_NETLINK", "AF_PACKET",    "AF_ASH",     "AF_ECONET",    "AF_ATMSVC",
    "AF_RDS",      "AF_SNA",        "AF_IRDA",    "AF_PPPOX",     "AF_WANPIPE", "AF_LLC",       "AF_IB",
    "AF_MPLS",     "AF_CAN",        "AF_TIPC",    "AF_BLUETOOTH", "AF_IUCV",    "AF_RXRPC",     "AF_ISDN",
    "AF_PHONET",   "AF_IEEE802154", "AF_CAIF",    "AF_ALG",       "AF_NFC",     "AF_VSOCK",     "AF_KCM",
    "AF_QIPCRTR",  "AF_SMC",        "AF_XDP",     "AF_MCTP"};
enum Family : std::uint16_t { kUnix = 1, kInet = 2, kInet6 = 10, kNetlink = 16 };

constexpr std::size_t kHead = 2;       // sa_family
constexpr std::size_t kLongest = 128;  // sizeof(struct sockaddr_storage)
constexpr std::size_t kUnixSize = 110, kInetSize = 16, kInet6Least = 24, kInet6Size = 28, kNetlinkSize = 12;

std::uint16_t u16_at(std::string_view bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(u32_at(std::string(bytes.substr(offset, 2)) + std::string(2, '\0'), 0));
}

std::string host_text(int family, const char* address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, text, sizeof text);
  return quote(text);
}

// A path ends at its NUL; a name of the abstract namespace has all bytes that are left, and is marked with @.
std::string unix_path(std::string_view bytes) {
  const std::string_view path = bytes.substr(kHead, kUnixSize - kHead);
  if (path[0] == '\0') return "sun_path=@" + quote(std::string(path.substr(1)));
  return "sun_path=" + quote(std::string(path.substr(0, path.find('\0'))));
}

}  // namespace

Arg socket_address_arg(const Slot& slot) {
  const auto size = static_cast<std::int32_t>(slot.raw.args[slot.index + 1]);
  if (slot.value() == 0 || size < static_cast<std::int32_t>(kHead)) return address_arg(slot);
  const std::size_t length = std::min(static_cast<std::size_t>(size), kLongest);
  if (!slot.readable() || slot.piece()->bytes.size() < length) return unread_arg(slot);
  const std::string b = slot.piece()->bytes.substr(0, length);
  const std::uint16_t family = u16_at(b, 0);
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list.push_back(family < std::size(kFamilies) ? fmt::format("sa_family={}", kFamilies[family])
                                                   : fmt::format("sa_family={:#x} /* AF_??? */", family));
  if (length == kHead) return arg;
  if (family == kUnix) {
    arg.list.push_back(unix_path(b));
  } else if (family == kInet && length >= kInetSize) {
    arg.list.push_back(fmt::format("sin_port=htons({})", ntohs(u16_at(b, 2))));
    arg.list.push_back(fmt::format("sin_addr=inet_addr({})", host_text(AF_INET, b.data() + 4)));
  } else if (family == kInet6 && length >= kInet6Least) {
    arg.list.push_back(fmt::format("sin6_port=htons({})", ntohs(u16_at(b, 2))));
    arg.list.push_back(fmt::format("sin6_flowinfo=htonl({})", ntohl(u32_at(b, 4))));
    arg.list.push_back(fmt::format("inet_pton(AF_INET6, {}, &sin6_addr)", host_text(AF_INET6, b.data() + 8)));
    if (length >= kInet6Size) arg.list.push_back(fmt::format("sin6_scope_id={}", u32_at(b, 24)));
  } else if (family == kNetlink && length >= kNetlinkSize) {
    if (const std::uint16_t pad = u16_at(b, 2)) arg.list.push_back(fmt::format("nl_pad={:#x}", pad));
    arg.list.push_back(fmt::format("nl_pid={}", static_cast<std::int32_t>(u32_at(b, 4))));
    const std::uint32_t groups = u32_at(b, 8);
    arg.list.push_back(groups ? fmt::format("nl_groups={:#08x}", groups) : "nl_groups=00000000");
  } else {
    arg.list.push_back("sa_data=" + quote(b.substr(kHead)));
  }
  return arg;
}

}  // namespace nstrace::trace::parts
