// SPDX-License-Identifier: MIT
// First what is known by its exact text is replaced, then trace::Symbols looks for what is known by its form, and what
// its symbols count is taken out again: the third id of one trace may be the second of another.
#include "check/diff_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "model/runtime.h"

namespace nstrace::check {
namespace {

constexpr std::size_t kLongId = 8;      // ids from here on are found inside words with dots and dashes, too
constexpr std::size_t kShortForm = 12;  // docker's short form of an id
constexpr std::size_t kLayerLink = 26;  // docker's short names of layers: overlay2/l/...

bool is_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string value_of(const std::vector<std::string>& argv, std::string_view flag) {
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string_view arg = argv[i];
    if (arg == flag && i + 1 < argv.size()) return argv[i + 1];
    if (arg.size() > flag.size() && arg.starts_with(flag) && arg[flag.size()] == '=')
      return std::string(arg.substr(flag.size() + 1));
  }
  return "";
}

// Replaces `from` by `to` wherever it stands alone: what is around it is no letter or digit, and for short ones no dot,
// dash or underscore either.
void replace_words(std::string& text, const std::string& from, const std::string& to) {
  const bool strict = from.size() < kLongId;
  const auto joins = [&](char c) { return is_alnum(c) || (strict && (c == '.' || c == '-' || c == '_')); };
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
    const std::size_t end = at + from.size();
    const bool alone =
        (at == 0 || !joins(text[at - 1]) || !is_alnum(from.front())) && (end == text.size() || !joins(text[end]));
    if (alone) text.replace(at, from.size(), to);
    at += alone ? to.size() : 1;
  }
}

// Numbers behind `prefix` become `symbol`.
void replace_numbers(std::string& text, std::string_view prefix, std::string_view symbol) {
  for (std::size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) {
    at += prefix.size();
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end > at && (end == text.size() || !is_alnum(text[end]))) text.replace(at, end - at, symbol);
  }
}

// "/proc/thread-self/fd/7" is "/proc/self/fd/7": who has one thread, or holds still, finds the same there.
void replace_thread_self(std::string& text) {
  constexpr std::string_view kFrom = "/proc/thread-self/", kTo = "/proc/self/";
  for (std::size_t at = 0; (at = text.find(kFrom, at)) != std::string::npos; at += kTo.size())
    text.replace(at, kFrom.size(), kTo);
}

}  // namespace

Words::Words(const model::Model& model, std::function<std::string(model::ProcessId)> name_of)
    : model_(model), name_of_(std::move(name_of)) {
  for (const model::Process& process : model.processes()) {
    by_symbol_[symbols_.pid({process.pid, process.born})] = process.id;
    for (const model::Program& program : process.programs) learn(program);
  }
  for (const model::Container& container : model.containers())
    if (!container.name.empty()) known_.emplace_back(container.name, "ID");
  // docker names the host after the id
  for (std::size_t i = known_.size(); i-- > 0;)
    if (known_[i].second == "ID" && known_[i].first.size() > 2 * kShortForm)
      known_.emplace_back(known_[i].first.substr(0, kShortForm), "ID");
  std::ranges::stable_sort(known_, [](const auto& x, const auto& y) {
    return x.first.size() != y.first.size() ? x.first.size() > y.first.size() : x.first < y.first;
  });
  known_.erase(
      std::unique(known_.begin(), known_.end(), [](const auto& x, const auto& y) { return x.first == y.first; }),
      known_.end());
}

void Words::learn(const model::Program& program) {
  if (const auto monitor = model::monitor_command(program); monitor && !monitor->id.empty())
    known_.emplace_back(monitor->id, "ID");
  // podman makes a name up for each container
  if (!program.argv.empty() && model::base_name(program.argv[0]) == "conmon")
    if (const std::string name = value_of(program.argv, "-n"); !name.empty()) known_.emplace_back(name, "NAME");
  const auto command = model::runtime_command(program);
  if (!command || !command->oci) return;
  // Where the runtime is installed. A name alone stays: it tells runc from crun.
  for (const std::string& path : {program.path, program.argv.empty() ? std::string() : program.argv[0]})
    if (path.starts_with('/') && !path.starts_with("/proc/"))
      known_.emplace_back(path, std::string(model::base_name(path)));
  if (!command->id.empty()) known_.emplace_back(command->id, "ID");
  const auto learn_folder = [&](const std::string& path, const char* symbol) {
    std::string folder = path;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    if (folder.size() > 1 && folder[0] == '/') known_.emplace_back(folder, symbol);
  };
  learn_folder(value_of(program.argv, "--root"), "ROOT");
  for (const char* flag : {"--bundle", "-b"}) learn_folder(value_of(program.argv, flag), "BUNDLE");
}

std::string Words::with_known(const std::string& raw) const {
  std::string text = raw;
  replace_thread_self(text);
  // runc names the session keyring after the container; KEYCTL_DESCRIBE gives it as "keyring;0;0;3f130000;_ses.ID"
  constexpr std::string_view kKeyring = "_ses.";
  if (const std::size_t at = text.find(kKeyring); at != text.npos && (at == 0 || text[at - 1] == ';'))
    return text.substr(0, at + kKeyring.size()) + with_known(text.substr(at + kKeyring.size()));
  for (const auto& [from, to] : known_)
    if (text.size() >= from.size()) replace_words(text, from, to);
  return text;
}

// "/proc/300" is pid symbol 300; "id4" an id.
std::string Words::with_names(const std::string& scrubbed) const {
  std::string out;
  for (std::size_t at = 0; at < scrubbed.size();) {
    std::size_t end = at;
    while (end < scrubbed.size() && is_alnum(scrubbed[end])) ++end;
    if (end == at) {
      out += scrubbed[at++];
      continue;
    }
    std::string word = scrubbed.substr(at, end - at);
    const bool number = std::ranges::all_of(word, is_digit);
    if (number && word.size() < 10 && out.ends_with("/proc/")) {
      const auto process = by_symbol_.find(std::stoi(word));
      word = process == by_symbol_.end() ? "PID" : fmt::format("{{{}}}", name_of_(process->second));
    } else if (word.size() > 2 && word.starts_with("id") && std::all_of(word.begin() + 2, word.end(), is_digit)) {
      word = "ID";
    } else if (word.size() == kLayerLink &&
               std::ranges::all_of(word, [](unsigned char c) { return std::isupper(c) || std::isdigit(c); })) {
      word = "LAYER";
    }
    out += word;
    at = end;
  }
  replace_numbers(out, "/fd/", "N");
  replace_numbers(out, "/snapshots/", "N");
  replace_numbers(out, "/task/", "N");
  return out;
}

std::string Words::text(const std::string& raw) {
  return with_names(symbols_.scrub(with_known(raw)));
}

std::string Words::ns(model::NamespaceId id) const {
  const model::Namespace* found = model_.namespace_of(id);
  if (!found) return "";
  return fmt::format("{}:[{}]", trace::ns_name(found->type),
                     found->host    ? "host"
                     : found->maker ? "of " + name_of_(*found->maker)
                                    : "of others");
}

}  // namespace nstrace::check
