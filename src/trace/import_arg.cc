// SPDX-License-Identifier: MIT
// An argument by its first character. What a flag or a symbol is worth is looked up by its name (import_names).
#include "trace/import_arg.h"

#include "trace/import_names.h"
#include "trace/import_scan.h"

namespace nstrace::trace::log {
namespace {

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

// All but the list, whose strings are used again where there is one.
void clear(Arg& arg) {
  arg.name.clear();
  arg.kind = Arg::Kind::Integer;
  arg.cut = false;
  arg.value = 0;
  arg.text.clear();
  arg.cut_elements.clear();
  arg.target.clear();
  arg.comment.clear();
}

std::string& element(Arg& arg, std::size_t i) {
  return i < arg.list.size() ? arg.list[i] : arg.list.emplace_back();
}

// A list of strings; false if it holds anything else. An element that strace cut ("abc"...) is marked.
bool read_strings(std::string_view s, Arg& arg) {
  std::size_t at = 1, count = 0;
  while (at < s.size() && s[at] != ']') {
    if (s.compare(at, 3, "...") == 0) {
      arg.cut = true;
      at += 3;
    } else if (s[at] == '"') {
      const std::size_t end = end_of_string(s, at);
      if (end == npos) return false;
      unescape(s.substr(at + 1, end - at - 2), element(arg, count++));
      at = end;
      if (s.compare(at, 3, "...") == 0) {
        arg.cut_elements.push_back(static_cast<int>(count - 1));
        at += 3;
      }
    } else {
      return false;
    }
    if (s.compare(at, 2, ", ") == 0) at += 2;
  }
  arg.list.resize(count);
  return at + 1 == s.size();
}

// "{a=1, b={c=2}, ...}" and, behind " => ", what the call stored.
bool read_struct(const Marks& marks, std::string_view s, Arg& arg) {
  const auto begin = static_cast<std::size_t>(s.data() - marks.text().data());
  std::size_t at = 1, count = 0;
  while (at < s.size() && s[at] != '}') {
    const std::size_t end = end_of_value(marks, begin + at) - begin;  // beyond s where there is none
    if (end >= s.size() || (s[end] != ',' && s[end] != '}')) return false;
    const std::string_view field = trimmed(s.substr(at, end - at));
    if (field == "...")
      arg.cut = true;
    else
      element(arg, count++) = field;
    at = end + (s[end] == ',' ? 1 : 0);
    while (at < s.size() && s[at] == ' ') ++at;
  }
  arg.list.resize(count);
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
  while (end < s.size() && of_name(s[end])) ++end;
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

void read_value(const Marks& marks, std::string_view s, Arg& arg, ArgType type) {
  if (s[0] != '[' && s[0] != '{') arg.list.clear();
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
      if (read_struct(marks, s, arg)) {
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
        if (begins(s, "AT_FDCWD<") && s.back() == '>') {  // AT_FDCWD</root>
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
}  // namespace

void read_arg(const Marks& marks, std::string_view s, Arg& arg, const SyscallRow* row, std::size_t index) {
  clear(arg);
  s = trimmed(s);
  // "flags=CLONE_VM": clone's own way, and every call's with -N.
  std::size_t name = 0;
  while (name < s.size() && of_name(s[name])) ++name;
  ArgType type = ArgType::None;
  if (name && name + 1 < s.size() && s[name] == '=' && letter(s[0])) {
    arg.name = s.substr(0, name);
    s.remove_prefix(name + 1);
  }
  if (row && index < std::size(row->args) && !row->args[index].name.empty()) {
    type = row->args[index].type;
    if (arg.name.empty())
      arg.name = row->args[index].name;
    else
      for (const ArgSpec& spec : row->args)
        if (spec.name == arg.name && spec.type != ArgType::None) type = spec.type;
  }
  if (ends(s, "*/") && s[0] != '"' && s[0] != '[' && s[0] != '{') {
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
  read_value(marks, s, arg, type);
  if (!arg.comment.empty() && (digit(s[0])) && names_the_value(arg.comment)) {
    arg.kind = flags_type(type) || arg.comment.find('|') != npos ? Arg::Kind::Flags : Arg::Kind::Symbol;
    arg.text.swap(arg.comment);
    arg.comment.clear();
  }
}
}  // namespace nstrace::trace::log
