// SPDX-License-Identifier: MIT
// Takes marks, gives words. Only what the call itself says is said; guesses about its purpose are not made.
#include "vis/words.h"

#include <fmt/format.h>

#include <algorithm>

#include "vis/text.h"

namespace nstrace::vis {
namespace {

bool any_of_kind(const std::vector<Badge>& badges, Badge::Kind kind) {
  return std::any_of(badges.begin(), badges.end(), [kind](const Badge& badge) { return badge.kind == kind; });
}

// The arguments of "name(a, "b, c", d)", as they stand there.
std::vector<std::string_view> arguments(std::string_view call) {
  std::vector<std::string_view> out;
  const std::size_t open = call.find('(');
  if (open == std::string_view::npos || !call.ends_with(')')) return out;
  call = call.substr(open + 1, call.size() - open - 2);
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (quoted && call[i] == '\\') {
      ++i;
    } else if (call[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && call[i] == ',') {
      out.push_back(call.substr(begin, i - begin));
      begin = i + 1;
      while (begin < call.size() && call[begin] == ' ') ++begin;
    }
  }
  out.push_back(call.substr(std::min(begin, call.size())));
  return out;
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : "";
}

bool has_flag(std::string_view flags, std::string_view flag) {
  for (std::size_t at = flags.find(flag); at != std::string_view::npos; at = flags.find(flag, at + 1)) {
    const std::size_t end = at + flag.size();
    if ((at == 0 || flags[at - 1] == '|') && (end == flags.size() || flags[end] == '|')) return true;
  }
  return false;
}

}  // namespace

std::string words_for(const model::Mark& mark, const std::vector<Badge>& badges, bool after_pivot) {
  if (mark.call == "unshare") {
    if (!badges.empty()) return "leaves these for new ones of its own";
    return mark.text == "unshare(0)" ? "no flag, so nothing changes" : "no new namespace";
  }
  if (mark.call == "setns") {
    if (badges.empty()) return "it was there already";
    return any_of_kind(badges, Badge::Kind::Own) ? "enters namespaces that exist already" : "goes back to the host's";
  }
  if (mark.call == "pivot_root") return "another directory becomes the root of its files";
  if (mark.call == "chroot") return "its paths begin in another directory now";
  if (mark.call == "umount2" && after_pivot && mark.text.find("MNT_DETACH") != std::string::npos) {
    return "takes a mount out of its sight";
  }
  return "";
}

std::string words_for_mounts(const std::vector<model::Mark>& marks, std::size_t begin, std::size_t end) {
  std::vector<std::pair<std::string, std::size_t>> types;
  std::size_t binds = 0, read_only = 0;
  for (std::size_t i = begin; i < end; ++i) {
    if (marks[i].call != "mount") continue;
    const auto args = arguments(marks[i].text);
    if (args.size() < 4) continue;
    const std::string_view flags = args[3];
    if (has_flag(flags, "MS_REMOUNT")) {
      read_only += has_flag(flags, "MS_RDONLY") ? 1 : 0;
    } else if (has_flag(flags, "MS_BIND")) {
      ++binds;
    } else if (const std::string_view type = unquoted(args[2]); !type.empty()) {
      const std::string name = display_whole(type, 40);
      const auto at = std::find_if(types.begin(), types.end(), [&](const auto& t) { return t.first == name; });
      if (at == types.end()) {
        types.emplace_back(name, 1);
      } else {
        ++at->second;
      }
    }
  }
  std::string words;
  const auto add = [&](const std::string& part) { words += (words.empty() ? "" : ", ") + part; };
  for (const auto& [name, count] : types) add(count > 1 ? fmt::format("{} \u00d7{}", name, count) : name);
  if (binds > 0) add(fmt::format("{} bind{}", binds, binds > 1 ? "s" : ""));
  if (read_only > 0) add(fmt::format("{} read-only", read_only));
  return words;
}

}  // namespace nstrace::vis
