// SPDX-License-Identifier: MIT
// One walk over the arguments, which minds quotes, brackets, comments and what strace puts between < and > behind a
// descriptor; then each argument by its first character. What a flag or a symbol is worth is looked up by its name,
// where the name is one that nstrace needs the number of.
#include "trace/import_call.h"

#include <array>
#include <cstring>
#include <unordered_map>

#include "trace/constants.h"
#include "trace/syscalls.h"

namespace nstrace::trace::log {
namespace {

constexpr std::size_t npos = std::string_view::npos;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::size_t end_of_string(std::string_view s, std::size_t at) {  // behind the closing quote; npos if there is none
  const char* const end = s.data() + s.size();
  for (const char* from = s.data() + at + 1; from < end;) {
    const auto* quote = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
    if (!quote) return npos;
    const auto* escape = static_cast<const char*>(std::memchr(from, '\\', static_cast<std::size_t>(quote - from)));
    if (!escape) return static_cast<std::size_t>(quote - s.data()) + 1;
    from = escape + 2;
  }
  return npos;
}

// Characters that end_of_value() must look at.
constexpr std::array<bool, 256> special_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("\"([{)]},/<")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kSpecial = special_table();

// Behind the ">" of "<mnt:[4026533533]>", "<TCP:[127.0.0.1:80->127.0.0.1:4000]>"; npos if there is none.
std::size_t end_of_target(std::string_view s, std::size_t at) {
  for (std::size_t i = s.find('>', at); i != npos; i = s.find('>', i + 1))
    if (s[i - 1] != '-') return i + 1;
  return npos;
}

// Where the value that begins at `at` ends: at a comma or closing bracket on its own level. npos: nowhere.
std::size_t end_of_value(std::string_view s, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at; i < s.size(); ++i) {
    if (!kSpecial[static_cast<unsigned char>(s[i])]) continue;
    switch (s[i]) {
      case '"':
        if ((i = end_of_string(s, i)) == npos) return npos;
        --i;
        break;
      case '(':
      case '[':
      case '{':
        ++depth;
        break;
      case ')':
      case ']':
      case '}':
        if (depth == 0) return i;
        --depth;
        break;
      case ',':
        if (depth == 0) return i;
        break;
      case '/':
        if (i + 1 < s.size() && s[i + 1] == '*') {
          const std::size_t end = s.find("*/", i + 2);
          if (end == npos) return npos;
          i = end + 1;
        }
        break;
      case '<':
        if (i + 1 < s.size() && s[i + 1] == '<') {  // 1<<CAP_CHOWN
          ++i;
        } else if (i > at && (digit(s[i - 1]) || letter(s[i - 1]))) {
          const std::size_t end = end_of_target(s, i);
          if (end != npos) i = end - 1;
        }
        break;
      default:
        break;
    }
  }
  return npos;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// Decimal, 0x hexadecimal or 0 octal; false if it is anything else. What exceeds 63 bits wraps, as a register does.
bool number(std::string_view s, std::int64_t& value) {
  const bool negative = !s.empty() && s[0] == '-';
  if (negative) s.remove_prefix(1);
  if (s.empty() || s.size() > 24) return false;
  std::uint64_t base = 10;
  if (s.size() > 2 && s[0] == '0' && s[1] == 'x') {
    base = 16;
    s.remove_prefix(2);
  } else if (s.size() > 1 && s[0] == '0') {
    base = 8;
  }
  std::uint64_t sum = 0;
  for (const char c : s) {
    const unsigned d = digit(c)               ? static_cast<unsigned>(c - '0')
                       : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                              : 99u;
    if (d >= base) return false;
    sum = sum * base + d;
  }
  value = static_cast<std::int64_t>(negative ? 0 - sum : sum);
  return true;
}

// Names whose worth the model and the checks ask for.
const std::unordered_map<std::string_view, std::uint64_t>& worths() {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, std::uint64_t>;
    for (const auto constants :
         {clone3_flags(), unshare_flags(), ns_flags(), mount_flags(), umount_flags(), at_flags()})
      for (const Constant& c : constants) map->emplace(c.name, c.value);
    for (int i = 1; i <= 31; ++i) {
      static std::array<std::string, 32> names;
      names[static_cast<std::size_t>(i)] = signal_name(i);
      map->emplace(names[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(i));
    }
    map->emplace("AT_FDCWD", static_cast<std::uint64_t>(std::int64_t{-100}));
    map->emplace("MS_MGC_VAL", 0xc0ed0000);
    map->emplace("PR_SET_NAME", 15);
    map->emplace("OPEN_TREE_CLONE", 1);
    map->emplace("OPEN_TREE_NAMESPACE", 2);
    return map;
  }();
  return *table;
}

bool flags_type(ArgType type) {
  switch (type) {
    case ArgType::CloneFlags:
    case ArgType::NsFlags:
    case ArgType::NsType:
    case ArgType::MountFlags:
    case ArgType::UmountFlags:
    case ArgType::OpenTreeFlags:
    case ArgType::MoveMountFlags:
    case ArgType::FsopenFlags:
    case ArgType::FsmountFlags:
    case ArgType::MountAttrFlags:
    case ArgType::FspickFlags:
    case ArgType::AtFlags:
    case ArgType::SetattrFlags:
    case ArgType::SeccompFlags:
    case ArgType::MemfdFlags:
    case ArgType::PidfdFlags:
    case ArgType::CloseRangeFlags:
    case ArgType::ShmFlags:
    case ArgType::SemFlags:
    case ArgType::MsgFlags:
    case ArgType::ShmatFlags:
    case ArgType::MsgOpFlags:
    case ArgType::OpenFlags:
      return true;
    case ArgType::None:
    case ArgType::Int:
    case ArgType::Unsigned:
    case ArgType::Size:
    case ArgType::Long:
    case ArgType::Hex:
    case ArgType::Address:
    case ArgType::Octal:
    case ArgType::FileMode:
    case ArgType::Device:
    case ArgType::Uid:
    case ArgType::Signal:
    case ArgType::Pid:
    case ArgType::Path:
    case ArgType::Text:
    case ArgType::Argv:
    case ArgType::Envp:
    case ArgType::Fd:
    case ArgType::AtFd:
    case ArgType::BytesArg:
    case ArgType::Data:
    case ArgType::OpenMode:
    case ArgType::OpenHow:
    case ArgType::SockAddr:
    case ArgType::GidList:
    case ArgType::CloneArgs:
    case ArgType::FsconfigCmd:
    case ArgType::FsconfigValue:
    case ArgType::FsconfigAux:
    case ArgType::MountAttr:
    case ArgType::Prctl:
    case ArgType::PrctlArg:
    case ArgType::PrctlText:
    case ArgType::PrctlFilter:
    case ArgType::PrctlVmaName:
    case ArgType::SeccompOp:
    case ArgType::SeccompArg:
    case ArgType::CapHeader:
    case ArgType::CapData:
    case ArgType::KeyctlOp:
    case ArgType::KeyctlArg:
    case ArgType::KeyctlName:
    case ArgType::KeyctlText:
    case ArgType::KeyctlType:
    case ArgType::MemfdName:
    case ArgType::FcntlCmd:
    case ArgType::FcntlArg:
    case ArgType::IpcKey:
    case ArgType::ShmCmd:
    case ArgType::SemCmd:
    case ArgType::MsgCmd:
    case ArgType::ShmBuf:
    case ArgType::SemBuf:
    case ArgType::MsgBuf:
    case ArgType::SemOps:
    case ArgType::Timespec:
    case ArgType::Message:
      return false;
  }
  return false;
}

void clear(Arg& arg) {
  arg.name.clear();
  arg.kind = Arg::Kind::Integer;
  arg.cut = false;
  arg.value = 0;
  arg.text.clear();
  arg.list.clear();
  arg.cut_elements.clear();
  arg.target.clear();
  arg.comment.clear();
}

// A list of strings; false if it holds anything else. An element that strace cut ("abc"...) is marked.
bool read_strings(std::string_view s, Arg& arg) {
  std::size_t at = 1;
  while (at < s.size() && s[at] != ']') {
    if (s.compare(at, 3, "...") == 0) {
      arg.cut = true;
      at += 3;
    } else if (s[at] == '"') {
      const std::size_t end = end_of_string(s, at);
      if (end == npos) return false;
      unescape(s.substr(at + 1, end - at - 2), arg.list.emplace_back());
      at = end;
      if (s.compare(at, 3, "...") == 0) {
        arg.cut_elements.push_back(static_cast<int>(arg.list.size() - 1));
        at += 3;
      }
    } else {
      return false;
    }
    if (s.compare(at, 2, ", ") == 0) at += 2;
  }
  return at + 1 == s.size();
}

// "{a=1, b={c=2}, ...}" and, behind " => ", what the call stored.
bool read_struct(std::string_view s, Arg& arg) {
  std::size_t at = 1;
  while (at < s.size() && s[at] != '}') {
    const std::size_t end = end_of_value(s, at);
    if (end == npos || (s[end] != ',' && s[end] != '}')) return false;
    const std::string_view field = trimmed(s.substr(at, end - at));
    if (field == "...")
      arg.cut = true;
    else
      arg.list.emplace_back(field);
    at = end + (s[end] == ',' ? 1 : 0);
    while (at < s.size() && s[at] == ' ') ++at;
  }
  if (at >= s.size()) return false;
  const std::string_view stored = s.substr(at + 1);
  if (stored.empty()) return true;
  if (!stored.starts_with(" => {") || stored.back() != '}') return false;
  arg.text = stored.substr(5, stored.size() - 6);
  return true;
}

void as_it_stands(std::string_view s, Arg& arg) {
  arg.kind = Arg::Kind::Symbol;
  arg.list.clear();
  arg.cut_elements.clear();
  arg.cut = false;
  arg.text = s;
}

// "3", "3</etc/passwd>", "812<comm>"
bool read_number(std::string_view s, Arg& arg, ArgType type) {
  std::size_t end = s[0] == '-' ? 1 : 0;
  while (end < s.size() && (digit(s[end]) || letter(s[end]))) ++end;
  if (!number(s.substr(0, end), arg.value)) return false;
  if (end == s.size()) {
    if (s.size() > 2 && s[1] == 'x') {
      arg.kind = Arg::Kind::Address;
      if (flags_type(type)) {
        arg.kind = Arg::Kind::Flags;
        arg.text = s;
      } else if (type == ArgType::Hex || type == ArgType::Uid || type == ArgType::IpcKey) {
        arg.kind = Arg::Kind::Integer;
        arg.text = s;
      }
    } else {
      arg.kind = flags_type(type)                               ? Arg::Kind::Flags
                 : type == ArgType::Fd || type == ArgType::AtFd ? Arg::Kind::Descriptor
                                                                : Arg::Kind::Integer;
      if (arg.kind == Arg::Kind::Flags || (s.size() > 1 && s[0] == '0')) arg.text = s;
    }
    return true;
  }
  if (s[end] != '<') return false;
  const std::size_t closed = end_of_target(s, end);
  if (closed == npos) return false;
  const std::string_view target = s.substr(end + 1, closed - end - 2), behind = s.substr(closed);
  if (target == "fault" && behind.empty()) {
    arg.kind = Arg::Kind::Unread;
    return true;
  }
  if (type == ArgType::Pid) {
    arg.text = s;
    return true;
  }
  if (!behind.empty() && behind != "(deleted)") return false;
  arg.kind = Arg::Kind::Descriptor;
  unescape(target, arg.target);
  if (!behind.empty()) arg.target += " (deleted)";
  return true;
}

void read_value(std::string_view s, Arg& arg, ArgType type) {
  switch (s[0]) {
    case '"': {
      const std::size_t end = end_of_string(s, 0);
      if (end == npos) break;
      const std::string_view behind = s.substr(end);
      if (!behind.empty() && behind != "...") break;
      arg.kind = Arg::Kind::String;
      arg.cut = !behind.empty();
      unescape(s.substr(1, end - 2), arg.text);
      return;
    }
    case '[':
      if (s.size() > 1 && (s[1] == '"' || type == ArgType::Argv || type == ArgType::Envp) && read_strings(s, arg)) {
        arg.kind = Arg::Kind::Strings;
        return;
      }
      break;
    case '{':
      if (read_struct(s, arg)) {
        arg.kind = Arg::Kind::Struct;
        return;
      }
      break;
    default:
      if (s == "NULL") {
        arg.kind = Arg::Kind::Address;
        return;
      }
      if ((digit(s[0]) || s[0] == '-') && read_number(s, arg, type)) return;
      if (letter(s[0])) {
        const std::size_t target = s.find('<');
        if (s.starts_with("AT_FDCWD") && target == 8 && s.back() == '>') {  // AT_FDCWD</root>
          arg.kind = Arg::Kind::Descriptor;
          arg.value = -100;
          arg.text = s.substr(0, 8);
          unescape(s.substr(9, s.size() - 10), arg.target);
          return;
        }
        arg.kind = flags_type(type) || s.find('|') != npos ? Arg::Kind::Flags : Arg::Kind::Symbol;
        arg.value = static_cast<std::int64_t>(worth(s));
        arg.text = s;
        return;
      }
      break;
  }
  as_it_stands(s, arg);
}

// -X verbose writes "0x20000 /* CLONE_NEWNS */" for what is CLONE_NEWNS else.
bool names_the_value(std::string_view comment) {
  if (comment.empty() || comment.ends_with("???")) return false;
  bool capital = false;
  for (const char c : comment) {
    if (!letter(c) && !digit(c) && c != '|') return false;
    if (c >= 'a' && c <= 'z' && c != 'x') return false;
    capital |= c >= 'A' && c <= 'Z';
  }
  return capital;
}

void read_arg(std::string_view s, Arg& arg, const SyscallRow* row, std::size_t index) {
  clear(arg);
  s = trimmed(s);
  // "flags=CLONE_VM": clone's own way, and every call's with -N.
  std::size_t name = 0;
  while (name < s.size() && (letter(s[name]) || (name && digit(s[name])))) ++name;
  ArgType type = ArgType::None;
  if (name && name + 1 < s.size() && s[name] == '=') {
    arg.name = s.substr(0, name);
    s.remove_prefix(name + 1);
  }
  if (row && index < std::size(row->args) && !row->args[index].name.empty()) {
    if (arg.name.empty()) arg.name = row->args[index].name;
    for (const ArgSpec& spec : row->args)
      if (spec.name == arg.name) type = spec.type;
    if (type == ArgType::None) type = row->args[index].type;
  }
  if (s.ends_with("*/") && s[0] != '"' && s[0] != '[' && s[0] != '{') {
    const std::size_t comment = s.rfind("/*");
    if (comment != npos) {
      arg.comment = trimmed(s.substr(comment + 2, s.size() - comment - 4));
      s = trimmed(s.substr(0, comment));
    }
  }
  if (s.empty()) {
    as_it_stands(s, arg);
    return;
  }
  read_value(s, arg, type);
  if (!arg.comment.empty() && (digit(s[0])) && names_the_value(arg.comment)) {
    arg.kind = flags_type(type) || arg.comment.find('|') != npos ? Arg::Kind::Flags : Arg::Kind::Symbol;
    arg.text.swap(arg.comment);
    arg.comment.clear();
  }
}

// Reads from behind the opening bracket; gives where the closing one stands, npos if it does not.
std::size_t read_args(std::string_view s, std::size_t at, Call& call) {
  const SyscallRow* row = find_row(call.name);
  std::size_t count = 0;
  for (;;) {
    while (at < s.size() && s[at] == ' ') ++at;
    const std::size_t end = end_of_value(s, at);
    if (end == npos || s[end] == ']' || s[end] == '}') {
      call.args.resize(count);
      return npos;
    }
    if (end > at || s[end] == ',' || count) {
      if (count == call.args.size()) call.args.emplace_back();
      read_arg(s.substr(at, end - at), call.args[count], row, count);
      ++count;
    }
    if (s[end] == ')') {
      call.args.resize(count);
      return end;
    }
    at = end + 1;
  }
}

// " <0.000123>" at the end, which is taken off.
std::int64_t take_duration(std::string_view& s) {
  if (s.empty() || s.back() != '>') return -1;
  const std::size_t begin = s.rfind('<');
  if (begin == npos || begin == 0 || s[begin - 1] != ' ') return -1;
  const std::string_view inner = s.substr(begin + 1, s.size() - begin - 2);
  if (inner == "unavailable") {
    s = trimmed(s.substr(0, begin));
    return -1;
  }
  std::int64_t seconds = 0, ns = 0, unit = 1'000'000'000;
  std::size_t i = 0;
  if (inner.empty() || inner.size() > 28) return -1;
  for (; i < inner.size() && digit(inner[i]); ++i) {
    if (seconds > 1'000'000'000) return -1;
    seconds = seconds * 10 + (inner[i] - '0');
  }
  if (i == 0 || (i < inner.size() && inner[i] != '.')) return -1;
  for (++i; i < inner.size(); ++i) {
    if (!digit(inner[i])) return -1;
    if (unit > 1) ns += (inner[i] - '0') * (unit /= 10);
  }
  s = trimmed(s.substr(0, begin));
  return seconds * 1'000'000'000 + ns;
}

// "/* 2558511 in strace's PID NS */"
int outer_pid(std::string_view s) {
  const std::size_t at = s.find(" in strace's PID NS */");
  if (at == npos) return 0;
  std::size_t begin = at;
  while (begin > 0 && digit(s[begin - 1])) --begin;
  std::int64_t pid = 0;
  return number(s.substr(begin, at - begin), pid) && pid <= INT32_MAX ? static_cast<int>(pid) : 0;
}

bool read_result(std::string_view s, std::optional<std::int64_t>& result) {
  result.reset();
  if (s.empty()) return false;
  if (s[0] == '?') return s.size() == 1 || s[1] == ' ';
  std::size_t end = s[0] == '-' ? 1 : 0;
  while (end < s.size() && (digit(s[end]) || letter(s[end]))) ++end;
  std::int64_t value = 0;
  if (!number(s.substr(0, end), value)) return false;
  const std::string_view behind = s.substr(end);
  if (!behind.empty() && behind[0] != ' ' && behind[0] != '<' && behind[0] != '\t') return false;
  if (value == -1 && behind.size() > 1) {
    if (behind.starts_with(" (errno ")) {
      const std::size_t close = behind.find(')');
      if (close != npos && number(behind.substr(8, close - 8), value)) value = -value;
    } else if (letter(behind[1])) {
      std::size_t stop = 1;
      while (stop < behind.size() && (letter(behind[stop]) || digit(behind[stop]))) ++stop;
      if (const std::int64_t error = error_of(behind.substr(1, stop - 1))) value = -error;
    }
  }
  result = value;
  return true;
}

}  // namespace

std::uint64_t worth(std::string_view flags) {
  std::uint64_t sum = 0;
  while (!flags.empty()) {
    const std::size_t bar = flags.find('|');
    const std::string_view name = flags.substr(0, bar);
    std::int64_t value = 0;
    if (number(name, value))
      sum |= static_cast<std::uint64_t>(value);
    else if (const auto found = worths().find(name); found != worths().end())
      sum |= found->second;
    flags.remove_prefix(bar == npos ? flags.size() : bar + 1);
  }
  return sum;
}

const SyscallRow* find_row(std::string_view name) {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, const SyscallRow*>;
    for (const SyscallRow& row : syscalls()) map->emplace(row.name, &row);
    return map;
  }();
  const auto found = table->find(name);
  return found == table->end() ? nullptr : found->second;
}

bool read_call(std::string_view text, Call& call, CallEnd& end) {
  end = {};
  const std::size_t open = text.find('(');
  if (open == npos || open == 0) return false;
  call.name.assign(text.substr(0, open));
  const std::size_t close = read_args(text, open + 1, call);
  if (close == npos) return false;
  std::string_view rest = trimmed(text.substr(close + 1));
  if (!rest.starts_with("= ")) return false;
  rest = trimmed(rest.substr(2));
  end.duration = take_duration(rest);
  if (!read_result(rest, call.result)) return false;
  end.outer = outer_pid(rest);
  return true;
}

void read_begun(std::string_view text, Call& call) {
  const std::size_t open = text.find('(');
  call.name.assign(text.substr(0, open));
  call.result.reset();
  call.args.clear();
  if (open == npos) return;
  std::string closed(text.substr(open + 1));
  while (!closed.empty() && (closed.back() == ' ' || closed.back() == ',')) closed.pop_back();
  if (closed.empty() || closed.back() != ')') closed += ')';
  read_args(closed, 0, call);
}

Created creation(std::string_view text) {
  Created created;
  const std::size_t at = text.rfind(" = ");
  if (at == npos) return created;
  const std::string_view rest = text.substr(at + 3);
  std::size_t end = 0;
  while (end < rest.size() && digit(rest[end])) ++end;
  if (end == 0 || !number(rest.substr(0, end), created.result)) return {};
  created.outer = outer_pid(rest);
  return created;
}

void unescape(std::string_view text, std::string& to) {
  if (text.find('\\') == npos) {
    to.assign(text);
    return;
  }
  to.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      to += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 'n':
        to += '\n';
        break;
      case 't':
        to += '\t';
        break;
      case 'r':
        to += '\r';
        break;
      case 'v':
        to += '\v';
        break;
      case 'f':
        to += '\f';
        break;
      case 'a':
        to += '\a';
        break;
      case 'b':
        to += '\b';
        break;
      case 'x': {
        unsigned value = 0;
        std::size_t used = 0;
        while (used < 2 && i + 1 < text.size()) {
          const char d = text[i + 1];
          const int v = digit(d)               ? d - '0'
                        : d >= 'a' && d <= 'f' ? d - 'a' + 10
                        : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                               : -1;
          if (v < 0) break;
          value = value * 16 + static_cast<unsigned>(v);
          ++used;
          ++i;
        }
        to += used ? static_cast<char>(value) : 'x';
        break;
      }
      default:
        if (c < '0' || c > '7') {
          to += c;
          break;
        }
        unsigned value = static_cast<unsigned>(c - '0');
        for (int more = 0; more < 2 && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '7'; ++more)
          value = value * 8 + static_cast<unsigned>(text[++i] - '0');
        to += static_cast<char>(value);
    }
  }
}

int signal_of(std::string_view name) {
  if (name == "SIGRTMIN") return 32;
  return signal_number(name).value_or(0);
}

std::int64_t error_of(std::string_view name) {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, std::int64_t>;
    for (int i = 1; i < 600; ++i)
      if (const std::string_view known = errno_name(i); !known.empty()) map->emplace(known, i);
    map->emplace("EWOULDBLOCK", 11);
    map->emplace("ENOTSUP", 95);
    map->emplace("EDEADLOCK", 35);
    return map;
  }();
  const auto found = table->find(name);
  return found == table->end() ? 0 : found->second;
}

}  // namespace nstrace::trace::log
