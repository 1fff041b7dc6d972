// SPDX-License-Identifier: MIT
// What varies: addresses, pids, descriptors' numbers, ids (long hexadecimal words), numbers in paths. What does not:
// flags, names, the rest of paths. Several runs correct the guesses.
#include "check/expect_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "check/vocabulary.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using trace::Arg;
using trace::Call;

constexpr std::size_t kShortestId = 12;     // hexadecimal digits
constexpr std::size_t kShortestNumber = 4;  // digits inside a word

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

void star(std::string& out) {
  if (!out.ends_with('*') || out.ends_with("\\*")) out += '*';
}

// A random ending as mkstemp makes it, behind a dot or a dash: six letters and digits, not a word.
bool random_ending(std::string_view word) {
  if (word.size() != 6) return false;
  const auto upper = std::ranges::count_if(word, [](unsigned char c) { return std::isupper(c); });
  const auto lower = std::ranges::count_if(word, [](unsigned char c) { return std::islower(c); });
  const auto digits = std::ranges::count_if(word, is_digit);
  const bool capitalised = upper == 1 && std::isupper(static_cast<unsigned char>(word[0]));
  return upper + lower + digits == 6 &&
         ((upper && lower && !capitalised) || (digits && upper) || (digits > 1 && lower));
}

// The same behind a runtime's own prefix, where it may look like a word: "runc.s9dalf".
bool of_runtime(std::string_view before, std::string_view word) {
  return word.size() == 6 && (before.ends_with("runc.") || before.ends_with("crun."));
}

// One byte as it stands in a glob.
void literal(std::string& out, char c) {
  const auto u = static_cast<unsigned char>(c);
  if (c == '*' || c == '?' || c == '$' || c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (u < 0x20 || u == 0x7f || u >= 0x80) {
    out += fmt::format("\\{:03o}", u);
  } else {
    out += c;
  }
}

// Whether a run of digits at `begin` in a path or a word varies: a number by itself between slashes, or a long one that
// is not the value of something.
bool varying_number(std::string_view bytes, std::size_t begin, std::size_t end) {
  const bool alone = begin > 0 && bytes[begin - 1] == '/' && (end == bytes.size() || bytes[end] == '/');
  if (alone) return true;
  const bool value = begin > 0 && (bytes[begin - 1] == '=' || bytes[begin - 1] == '.');
  return !value && begin > 0 && end - begin >= kShortestNumber;
}

ArgText plain(std::string text) {
  ArgText out;
  out.kind = ArgText::Kind::Plain;
  out.text = std::move(text);
  return out;
}

ArgText text_arg(std::string glob) {
  ArgText out;
  out.kind = ArgText::Kind::Text;
  out.text = std::move(glob);
  return out;
}

ArgText rest() {
  return plain("...");
}

ArgText flags_arg(std::string_view text) {
  ArgText out;
  out.kind = ArgText::Kind::Flags;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('|'), text.size());
    out.needed.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool flag_name(std::string_view text) {
  return !text.empty() && (std::isupper(static_cast<unsigned char>(text[0])) || text[0] == '0') &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '|'; });
}

// "mnt:[4026533533]" -> "mnt:[*]".
std::string target_glob(std::string_view target, const Symbol& symbol) {
  std::string out;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (is_digit(target[i]) && (i == 0 || target[i - 1] == '[' || target[i - 1] == ':')) {
      while (i + 1 < target.size() && is_digit(target[i + 1])) ++i;
      star(out);
      continue;
    }
    out += target[i];
  }
  if (!target.empty() && target[0] == '/') out = glob_text(target, symbol);
  std::string escaped;
  for (const char c : out) {
    if (c == '<' || c == '>') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// The words of a runtime's command line that say what it does: the first, verbs, container ids.
ArgText short_argv(const Arg& arg, const Symbol& symbol) {
  ArgText out;
  out.kind = ArgText::Kind::List;
  bool skipped = false;
  for (std::size_t i = 0; i < arg.list.size(); ++i) {
    const std::string& word = arg.list[i];
    const bool value = i > 0 && arg.list[i - 1].starts_with('-') && arg.list[i - 1].find('=') == std::string::npos;
    const bool verb = i > 0 && !value && word.size() > 1 && word.size() < 16 &&
                      std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }) &&
                      word[0] != '-';
    const bool id = i > 0 && !symbol(word).empty();
    if (i == 0 || verb || id) {
      if (skipped) out.items.push_back(rest());
      skipped = false;
      out.items.push_back(text_arg(glob_text(word, symbol)));
    } else {
      skipped = true;
    }
  }
  if (skipped || arg.cut) out.items.push_back(rest());
  return out;
}

ArgText argv_arg(const Arg& arg, const Symbol& symbol, bool whole) {
  constexpr std::size_t kShort = 6;
  const bool runtime = std::ranges::any_of(arg.list, [&](const std::string& word) { return !symbol(word).empty(); });
  if (!whole && (runtime || arg.list.size() > kShort)) return short_argv(arg, symbol);
  ArgText out;
  out.kind = ArgText::Kind::List;
  for (const std::string& word : arg.list) out.items.push_back(text_arg(glob_text(word, symbol)));
  if (arg.cut) out.items.push_back(rest());
  return out;
}

ArgText fields_arg(const Arg& arg) {
  ArgText out;
  out.kind = ArgText::Kind::Fields;
  for (const std::string& field : arg.list) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) continue;
    const std::string value = field.substr(equals + 1);
    if (!flag_name(value) || (value != "0" && is_digit(value[0]))) continue;
    out.names.push_back(field.substr(0, equals));
    out.items.push_back(value == "0" ? plain("0") : flags_arg(value));
  }
  return out;
}

ArgText arg_pattern(const Call& call, const Arg& arg, const Symbol& symbol, bool whole_argv) {
  switch (arg.kind) {
    case Arg::Kind::Address:
      return arg.value == 0 ? plain("NULL") : ArgText{};
    case Arg::Kind::Unread:
      return {};
    case Arg::Kind::Integer:
      if (closes_one(call) || sizes_buffer(call, arg)) return {};
      // Small ones are modes, versions, signals; what may be a pid or a size of something that varies is not written.
      if (arg.name == "pid" || arg.name.find("fd") != std::string::npos || arg.name == "len" || arg.value > 0xfff ||
          arg.value < -1)
        return {};
      return plain(arg.text.empty() ? fmt::format("{}", arg.value) : arg.text);
    case Arg::Kind::Flags:
      if (arg.text.empty() || arg.text == "0") return plain("0");
      return flag_name(arg.text) ? flags_arg(arg.text) : ArgText{};
    case Arg::Kind::Symbol:
      return flag_name(arg.text) ? plain(arg.text) : ArgText{};
    case Arg::Kind::String: {
      std::string glob = glob_text(arg.text, symbol);
      if (arg.cut) star(glob);
      return text_arg(std::move(glob));
    }
    case Arg::Kind::Strings:
      return argv_arg(arg, symbol, whole_argv);
    case Arg::Kind::Descriptor:
      if (arg.text == "AT_FDCWD") return plain(arg.text);  // where the current folder lies is the machine's
      if (!arg.target.empty()) return plain("_<" + target_glob(arg.target, symbol) + ">");
      return arg.text.empty() ? ArgText{} : plain(arg.text);
    case Arg::Kind::Struct:
      return fields_arg(arg);
  }
  (void)call;
  return {};
}

std::string write(const ArgText& arg) {
  switch (arg.kind) {
    case ArgText::Kind::Any:
      return "_";
    case ArgText::Kind::Plain:
      return arg.text;
    case ArgText::Kind::Text:
      return "\"" + arg.text + "\"";
    case ArgText::Kind::Flags: {
      std::string out;
      for (const std::string& flag : arg.needed) out += (out.empty() ? "" : "|") + flag;
      for (const std::string& flag : arg.maybe) out += (out.empty() ? "?" : "|?") + flag;
      return out;
    }
    case ArgText::Kind::List:
    case ArgText::Kind::Fields: {
      const bool fields = arg.kind == ArgText::Kind::Fields;
      std::string out(1, fields ? '{' : '[');
      for (std::size_t i = 0; i < arg.items.size(); ++i) {
        if (i) out += ", ";
        if (fields) out += arg.names[i] + "=";
        out += write(arg.items[i]);
      }
      if (fields) out += arg.items.empty() ? "..." : ", ...";
      return out + (fields ? '}' : ']');
    }
  }
  return "_";
}

// Units of a glob: an escape, a capture or a byte.
std::vector<std::string> units(const std::string& glob) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < glob.size();) {
    std::size_t size = 1;
    if (glob[i] == '\\' && i + 1 < glob.size())
      size = is_digit(glob[i + 1]) ? 4 : 2;
    else if (glob.compare(i, 2, "${") == 0)
      size = glob.find('}', i) - i + 1;
    out.push_back(glob.substr(i, std::min(size, glob.size() - i)));
    i += size;
  }
  return out;
}

// What both have at the beginning and at the end, a star between.
ArgText merged_text(const ArgText& a, const ArgText& b) {
  const std::vector<std::string> x = units(a.text), y = units(b.text);
  std::size_t front = 0, back = 0;
  while (front < x.size() && front < y.size() && x[front] == y[front]) ++front;
  while (back < x.size() - front && back < y.size() - front && x[x.size() - 1 - back] == y[y.size() - 1 - back]) ++back;
  std::string glob;
  for (std::size_t i = 0; i < front; ++i) glob += x[i];
  star(glob);
  std::string tail;
  for (std::size_t i = x.size() - back; i < x.size(); ++i) tail += x[i];
  while (tail.starts_with('*')) tail.erase(0, 1);
  return text_arg(glob + tail);
}

ArgText merged(const ArgText& a, const ArgText& b) {
  if (a == b) return a;
  if (a.kind != b.kind) return {};
  switch (a.kind) {
    case ArgText::Kind::Any:
    case ArgText::Kind::Plain:
      return {};
    case ArgText::Kind::Text:
      return merged_text(a, b);
    case ArgText::Kind::Flags: {
      ArgText out = a;
      const auto has = [](const std::vector<std::string>& list, const std::string& flag) {
        return std::ranges::find(list, flag) != list.end();
      };
      out.needed.clear();
      for (const std::string& flag : a.needed) (has(b.needed, flag) ? out.needed : out.maybe).push_back(flag);
      for (const auto* list : {&b.needed, &b.maybe})
        for (const std::string& flag : *list)
          if (!has(out.needed, flag) && !has(out.maybe, flag)) out.maybe.push_back(flag);
      return out;
    }
    case ArgText::Kind::List: {
      ArgText out = a;
      if (a.items.size() == b.items.size()) {
        for (std::size_t i = 0; i < a.items.size(); ++i) {
          const bool either_rest = a.items[i] == rest() || b.items[i] == rest();
          out.items[i] = either_rest ? rest() : merged(a.items[i], b.items[i]);
        }
        return out;
      }
      std::size_t same = 0;
      while (same < a.items.size() && same < b.items.size() && a.items[same] == b.items[same]) ++same;
      out.items.resize(same);
      if (same == 0 || !(out.items.back() == rest())) out.items.push_back(rest());
      return out;
    }
    case ArgText::Kind::Fields: {
      ArgText out;
      out.kind = ArgText::Kind::Fields;
      for (std::size_t i = 0; i < a.items.size(); ++i)
        for (std::size_t j = 0; j < b.items.size(); ++j)
          if (a.names[i] == b.names[j]) {
            out.names.push_back(a.names[i]);
            out.items.push_back(merged(a.items[i], b.items[j]));
          }
      return out;
    }
  }
  return {};
}

}  // namespace

std::string glob_text(std::string_view bytes, const Symbol& symbol) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    if (!is_word(bytes[i])) {
      literal(out, bytes[i++]);
      continue;
    }
    // A word, with the dashes and dots in it, may be a container's name as a whole.
    std::size_t end = i;
    while (end < bytes.size() && (is_word(bytes[end]) || bytes[end] == '-' || bytes[end] == '.')) ++end;
    if (const std::string known = symbol(bytes.substr(i, end - i)); !known.empty()) {
      out += known;
      i = end;
      continue;
    }
    end = i;
    while (end < bytes.size() && is_word(bytes[end])) ++end;
    const std::string_view word = bytes.substr(i, end - i);
    if (const std::string known = symbol(word); !known.empty()) {
      out += known;
    } else if (word.size() >= kShortestId && std::ranges::all_of(word, is_hex) && std::ranges::any_of(word, is_digit)) {
      star(out);
    } else if (word.size() == 26 && std::ranges::all_of(word, [](char c) {
                 return std::isupper(static_cast<unsigned char>(c)) || is_digit(c);
               })) {
      star(out);  // docker's links to layers
    } else if (i > 0 && (bytes[i - 1] == '.' || bytes[i - 1] == '-') &&
               (random_ending(word) || of_runtime(bytes.substr(0, i), word))) {
      star(out);
    } else {
      for (std::size_t k = i; k < end;) {
        std::size_t digits = k;
        while (digits < end && is_digit(bytes[digits])) ++digits;
        if (digits > k && varying_number(bytes, k, digits)) {
          star(out);
          k = digits;
        } else if (digits > k) {
          for (; k < digits; ++k) literal(out, bytes[k]);
        } else {
          literal(out, bytes[k++]);
        }
      }
    }
    i = end;
  }
  return out;
}

CallText call_pattern(const Call& call, const Symbol& symbol, bool whole_argv) {
  CallText out;
  out.name = call.name;
  const bool named = call.name == "clone";
  for (const Arg& arg : call.args) {
    ArgText text = arg_pattern(call, arg, symbol, whole_argv);
    if (named && text.kind != ArgText::Kind::Flags) continue;  // only the flags of clone say something
    if (named) out.arg_names.push_back(arg.name);
    out.args.push_back(std::move(text));
  }
  if (call.result && *call.result == 0)
    out.result = "0";
  else if (call.result && *call.result > 0)
    out.result = ">0";
  return out;
}

std::string CallText::write() const {
  std::string out = name + "(";
  if (!arg_names.empty() || name == "clone") {
    for (std::size_t i = 0; i < args.size(); ++i) out += arg_names[i] + "=" + check::write(args[i]) + ", ";
    out += "...";
  } else {
    // An environment says nothing; what is unknown at the end neither.
    std::size_t size = args.size();
    const bool exec = name == "execve" || name == "execveat";
    if (exec && size > 0) size = name == "execve" ? 2 : size;
    for (std::size_t i = 0; i < std::min(size, args.size()); ++i) out += (i ? ", " : "") + check::write(args[i]);
  }
  out += ")";
  return result.empty() ? out : out + " = " + result;
}

int likeness(const CallText& a, const CallText& b) {
  if (a.name != b.name || a.args.size() != b.args.size() || a.arg_names != b.arg_names) return 0;
  int score = 2;
  for (std::size_t i = 0; i < a.args.size(); ++i) {
    if (a.args[i] == b.args[i])
      score += 4;
    else if (a.args[i].kind == b.args[i].kind && a.args[i].kind != ArgText::Kind::Plain)
      score += 1;
  }
  return score;
}

void settle_binds(std::vector<CallText>& calls) {
  const auto flag = [](const CallText& call, const char* name) {
    return call.args.size() > 3 && std::ranges::find(call.args[3].needed, name) != call.args[3].needed.end();
  };
  const auto changes = [&](const CallText& call) {  // of a mount that is there, by its descriptor
    return call.name == "mount" && call.args.size() > 1 && call.args[1].text.find("/fd/") != std::string::npos &&
           (flag(call, "MS_PRIVATE") || flag(call, "MS_SLAVE") || flag(call, "MS_REMOUNT"));
  };
  const auto binds = [&](const CallText& call) {
    return call.name == "mount" && flag(call, "MS_BIND") && !changes(call) &&
           call.args[0].kind == ArgText::Kind::Text && call.args[0].text.starts_with('/') &&
           call.args[1].text.find("/fd/") != std::string::npos;
  };
  std::vector<CallText> out;
  for (std::size_t i = 0; i < calls.size();) {
    if (calls[i].name == "pivot_root" || calls[i].name == "chroot") {
      out.insert(out.end(), calls.begin() + static_cast<std::ptrdiff_t>(i), calls.end());
      break;
    }
    std::size_t end = i;
    std::vector<CallText> group;
    for (; binds(calls[i]) && end < calls.size() && (binds(calls[end]) || changes(calls[end])); ++end)
      if (binds(calls[end])) group.push_back(calls[end]);
    if (group.size() < 2) {
      out.push_back(calls[i++]);
      continue;
    }
    for (CallText& call : group) call.any_order = true;
    std::ranges::stable_sort(group, {}, [](const CallText& call) { return call.write(); });
    out.insert(out.end(), group.begin(), group.end());
    i = end;
  }
  calls = std::move(out);
}

std::optional<CallText> merged(const CallText& a, const CallText& b) {
  if (likeness(a, b) == 0) return std::nullopt;
  CallText out = a;
  for (std::size_t i = 0; i < a.args.size(); ++i) out.args[i] = merged(a.args[i], b.args[i]);
  if (a.result != b.result) out.result.clear();
  return out;
}

std::vector<CallText> common(const std::vector<CallText>& a, const std::vector<CallText>& b) {
  if (a == b) return a;
  // The alignment with the greatest likeness.
  std::vector<std::vector<int>> best(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;) {
      best[i][j] = std::max(best[i + 1][j], best[i][j + 1]);
      if (const int like = likeness(a[i], b[j]); like > 0) best[i][j] = std::max(best[i][j], like + best[i + 1][j + 1]);
    }
  std::vector<CallText> out;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const int like = likeness(a[i], b[j]);
    if (like > 0 && best[i][j] == like + best[i + 1][j + 1]) {
      out.push_back(*merged(a[i], b[j]));
      ++i, ++j;
    } else if (best[i][j] == best[i + 1][j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

}  // namespace nstrace::check
