// SPDX-License-Identifier: MIT
// Arguments, calls and results as strace writes them. One rule for hostile bytes: escape() is the only way by which
// bytes of a traced process get into a line.
#include "trace/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace nstrace::trace {
namespace {

// Length of the valid UTF-8 sequence (2 to 4 bytes) at the head of `s`, whose code point is stored; 0 if there is none.
std::size_t utf8_at(std::string_view s, std::uint32_t& point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char head = byte(0);
  std::size_t size = 0;
  std::uint32_t least = 0;
  if (head >= 0xc2 && head <= 0xdf) {
    size = 2, least = 0x80, point = head & 0x1fu;
  } else if (head >= 0xe0 && head <= 0xef) {
    size = 3, least = 0x800, point = head & 0x0fu;
  } else if (head >= 0xf0 && head <= 0xf4) {
    size = 4, least = 0x10000, point = head & 0x07u;
  } else {
    return 0;
  }
  if (s.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return 0;
    point = (point << 6) | (byte(i) & 0x3fu);
  }
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0;
  return size;
}

// Characters that are valid but change how the rest of a line is shown.
bool deceives(std::uint32_t point) {
  return (point >= 0x80 && point <= 0x9f) || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void octal(std::string& out, unsigned char c, bool digit_follows) {
  out += digit_follows ? fmt::format("\\{:03o}", c) : fmt::format("\\{:o}", c);
}

bool is_digit(char c) {
  return c >= '0' && c <= '7';
}

}  // namespace

std::string escape(std::string_view bytes, std::string_view also) {
  std::string out;
  out.reserve(bytes.size() + 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const auto u = static_cast<unsigned char>(c);
    const bool digit_follows = i + 1 < bytes.size() && is_digit(bytes[i + 1]);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\v') {
      out += "\\v";
    } else if (c == '\f') {
      out += "\\f";
    } else if (also.find(c) != std::string_view::npos) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else {
        octal(out, u, digit_follows);
      }
    } else if (u < 0x20 || u == 0x7f) {
      octal(out, u, digit_follows);
    } else if (u < 0x80) {
      out += c;
    } else {
      std::uint32_t point = 0;
      const std::size_t size = utf8_at(bytes.substr(i), point);
      if (size == 0) {
        octal(out, u, digit_follows);
      } else if (deceives(point)) {
        for (std::size_t j = 0; j < size; ++j) out += fmt::format("\\{:03o}", static_cast<unsigned char>(bytes[i + j]));
        i += size - 1;
      } else {
        out += bytes.substr(i, size);
        i += size - 1;
      }
    }
  }
  return out;
}

std::string quote(std::string_view bytes, std::size_t limit, bool cut) {
  std::size_t shown = bytes.size();
  if (shown > limit) {
    shown = limit;
    // Not within a UTF-8 sequence, whose first half would then be shown as octal.
    for (int back = 0; back < 3 && shown > 0 && (static_cast<unsigned char>(bytes[shown]) & 0xc0u) == 0x80; ++back)
      --shown;
    cut = true;
  }
  std::string out = "\"" + escape(bytes.substr(0, shown)) + "\"";
  if (cut) out += "...";
  return out;
}

// By its name in the table of calls (syscalls.cc).
static bool is_path(const Arg& arg) {
  static constexpr std::string_view kNames[] = {"pathname", "path",     "filename", "linkpath",      "source",
                                                "target",   "new_root", "put_old",  "from_pathname", "to_pathname"};
  return std::find(std::begin(kNames), std::end(kNames), arg.name) != std::end(kNames);
}

// The members of structures that are descriptors: of struct mount_attr and of struct clone_args.
static bool is_descriptor(std::string_view member) {
  return member.starts_with("userns_fd=") || member.starts_with("cgroup=");
}

std::string arg_text(const Arg& arg, const TextOptions& options) {
  std::string out;
  const auto target = [&] {
    return options.targets && !arg.target.empty() ? "<" + escape(arg.target, "\\<>\"") + ">" : std::string();
  };
  const auto listed = [&](char open, char close, auto&& element) {
    out += open;
    const bool limited = arg.kind == Arg::Kind::Strings;
    const std::size_t shown = limited ? std::min(arg.list.size(), options.list_limit) : arg.list.size();
    for (std::size_t i = 0; i < shown; ++i) {
      if (i) out += ", ";
      out += element(arg.list[i]);
      if (std::find(arg.cut_elements.begin(), arg.cut_elements.end(), static_cast<int>(i)) != arg.cut_elements.end() &&
          !out.ends_with("..."))
        out += "...";
    }
    if (arg.cut || shown < arg.list.size()) out += shown ? ", ..." : "...";
    out += close;
  };
  switch (arg.kind) {
    case Arg::Kind::Integer:
    case Arg::Kind::Flags:
    case Arg::Kind::Symbol:
      out = arg.text.empty() ? fmt::format("{}", arg.value) : escape(arg.text, "");
      break;
    case Arg::Kind::Address:
      out = !arg.text.empty() ? escape(arg.text, "")
            : arg.value == 0  ? "NULL"
                              : fmt::format("{:#x}", static_cast<std::uint64_t>(arg.value));
      break;
    case Arg::Kind::String:
      out = quote(arg.text, options.whole_paths && is_path(arg) ? kNoLimit : options.string_limit, arg.cut);
      break;
    case Arg::Kind::Strings:
      listed('[', ']', [&](const std::string& s) { return quote(s, options.string_limit); });
      break;
    case Arg::Kind::Descriptor:
      out = arg.text.empty() ? fmt::format("{}", arg.value) : escape(arg.text, "");
      out += target();
      break;
    case Arg::Kind::Struct:
      listed('{', '}', [&](const std::string& s) { return escape(s, "") + (is_descriptor(s) ? target() : ""); });
      if (!arg.text.empty()) out += " => {" + escape(arg.text, "") + "}";
      break;
    case Arg::Kind::Unread:
      out = fmt::format("{:#x}<fault>", static_cast<std::uint64_t>(arg.value));
      break;
  }
  if (options.comments && !arg.comment.empty()) out += " /* " + escape(arg.comment, "*") + " */";
  return out;
}

std::string call_text(const Call& call, const TextOptions& options) {
  const bool named = call.name == "clone";
  std::string out = escape(call.name, "") + "(";
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i) out += ", ";
    if (named && !call.args[i].name.empty()) out += escape(call.args[i].name, "") + "=";
    out += arg_text(call.args[i], options);
  }
  return out + ")";
}

}  // namespace nstrace::trace
