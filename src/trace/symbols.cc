// SPDX-License-Identifier: MIT
// A few maps, and one pass over each text. What is rewritten where follows from the fields of an Event.
#include "trace/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

namespace nstrace::trace {
namespace {

constexpr int kPidStep = 100;            // process 3 is pid 300, its second thread 301
constexpr std::size_t kShortestId = 12;  // docker's short form of a container's id

bool is_hex(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// What mkstemp(3) and Go's os.MkdirTemp make of "runc.XXXXXX" and "runc-process*": six letters and digits of both kinds
// or cases behind a dot, six digits or more behind letters. Gives the word with those replaced.
std::string temporary(const std::string& before, const std::string& word) {
  if (!before.empty() && before.back() == '.' && word.size() == 6) {
    const auto any = [&](auto is) {
      return std::any_of(word.begin(), word.end(), [&](char c) { return is(static_cast<unsigned char>(c)) != 0; });
    };
    const bool digits = any([](int c) { return std::isdigit(c); });
    const bool upper = any([](int c) { return std::isupper(c); }), lower = any([](int c) { return std::islower(c); });
    // The runtimes' own prefixes are enough; elsewhere the word must look random.
    const std::string_view head(before.data(), before.size() - 1);
    if (head.ends_with("runc") || head.ends_with("crun") || digits + upper + lower >= 2) return "XXXXXX";
  }
  const std::size_t letters = word.find_last_not_of("0123456789");
  if (letters != std::string::npos && word.size() - letters > 6 &&
      std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(letters) + 1,
                  [](unsigned char c) { return std::isalpha(c) || c == '_'; }))
    return word.substr(0, letters + 1) + "NNN";
  return word;
}

}  // namespace

int Symbols::pid(const Identity& identity) {
  const auto [found, fresh] = processes_.try_emplace(identity, static_cast<int>(processes_.size() + 1) * kPidStep);
  if (fresh) pid_symbols_[identity.first] = found->second;
  return found->second;
}

int Symbols::tid(const Identity& identity, int number) {
  if (number == identity.first) return pid(identity);
  const auto found = tids_.find({identity, number});
  if (found != tids_.end()) return found->second;
  const int symbol = pid(identity) + ++threads_[identity];
  tids_[{identity, number}] = symbol;
  pid_symbols_[number] = symbol;
  return symbol;
}

std::uint32_t Symbols::inode(Ns ns, std::uint32_t number) {
  if (number == 0) return 0;
  if (ns == Ns::PidForChildren) ns = Ns::Pid;
  if (ns == Ns::TimeForChildren) ns = Ns::Time;
  const int kind = static_cast<int>(ns);
  const auto known = inodes_.find({kind, number});
  if (known != inodes_.end()) return known->second;
  const auto count =
      std::count_if(inodes_.begin(), inodes_.end(), [&](const auto& i) { return i.first.first == kind; });
  return inodes_[{kind, number}] = static_cast<std::uint32_t>(count + 1);
}

std::uint64_t Symbols::cgroup(std::uint64_t id) {
  if (id == 0) return 0;
  return cgroups_.try_emplace(id, cgroups_.size() + 1).first->second;
}

std::string Symbols::id_symbol(const std::string& word) {
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const std::size_t common = std::min(ids_[i].size(), word.size());
    if (ids_[i].compare(0, common, word, 0, common) != 0) continue;
    if (word.size() > ids_[i].size()) ids_[i] = word;
    return fmt::format("id{}", i + 1);
  }
  ids_.push_back(word);
  return fmt::format("id{}", ids_.size());
}

int Symbols::last_bearer(int number) const {
  const auto known = pid_symbols_.find(number);
  return known == pid_symbols_.end() ? 0 : known->second;
}

// Numbers and ids inside a text: /proc/PID, mnt:[INODE], long hexadecimal words, addresses.
std::string Symbols::scrub(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool begins = at == 0 || !is_word(text[at - 1]);
    if (!begins || !is_word(c)) {
      out += c;
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_word(text[end])) ++end;
    std::string word = text.substr(at, end - at);
    const bool number = std::all_of(word.begin(), word.end(), [](unsigned char d) { return std::isdigit(d); });
    const bool hex = std::all_of(word.begin(), word.end(), is_hex);
    if (number && word.size() < 10 && out.size() >= 6 && out.compare(out.size() - 6, 6, "/proc/") == 0) {
      const auto known = pid_symbols_.find(std::stoi(word));
      word = known == pid_symbols_.end() ? "PID" : std::to_string(known->second);
    } else if (number && word.size() < 11 && !out.empty() && out.back() == '[' && end < text.size() &&
               text[end] == ']') {
      const std::size_t colon = out.size() >= 2 && out[out.size() - 2] == ':' ? out.size() - 2 : std::string::npos;
      if (colon != std::string::npos) {
        std::size_t begin = colon;
        while (begin > 0 && is_word(out[begin - 1])) --begin;
        if (const auto ns = ns_from_name(out.substr(begin, colon - begin)))
          word = std::to_string(inode(*ns, static_cast<std::uint32_t>(std::stoull(word))));
      }
    } else if (word.size() >= kShortestId && hex && !number) {
      word = id_symbol(word);
    } else if (word.size() > 6 && word.compare(0, 2, "0x") == 0 && std::all_of(word.begin() + 2, word.end(), is_hex)) {
      word = "0x1";
    } else {
      word = temporary(out, word);
    }
    out += word;
    at = end;
  }
  return out;
}

void Symbols::scrub_all(std::vector<std::string>& texts) {
  for (std::string& text : texts) text = scrub(text);
}

NsSet Symbols::ns(const NsSet& set) {
  NsSet out;
  for (int i = 0; i < kNsSlots; ++i) out[static_cast<Ns>(i)] = inode(static_cast<Ns>(i), set[static_cast<Ns>(i)]);
  return out;
}

Who Symbols::who(const Who& from) {
  Who out = from;
  const Identity identity{from.tgid, from.born};
  out.tgid = pid(identity);
  out.tid = tid(identity, from.tid);
  out.born = 0;
  if (!out.tids.empty()) out.tids[0] = out.tid;  // numbers inside are the namespace's own: they stay
  out.comm = scrub(from.comm);
  out.ns = ns(from.ns);
  out.cgroup = cgroup(from.cgroup);
  return out;
}

// What a descriptor refers to. Which pipe or socket it is, only this run knows.
std::string Symbols::target(const std::string& text) {
  if (text.rfind("pid:", 0) == 0) {
    const auto known = pid_symbols_.find(std::atoi(text.c_str() + 4));
    return known == pid_symbols_.end() ? "pid:PID" : fmt::format("pid:{}", known->second);
  }
  for (const std::string_view kind : {"pipe:[", "socket:["})
    if (text.substr(0, kind.size()) == kind) return fmt::format("{}INODE]", kind);
  return scrub(text);
}

Arg Symbols::arg(const Arg& from) {
  Arg out = from;
  switch (from.kind) {
    case Arg::Kind::Integer:
      if (from.name == "pid" || from.name == "tgid" || from.name == "tid") {
        const auto known = pid_symbols_.find(static_cast<int>(from.value));
        if (known != pid_symbols_.end()) out.value = known->second;
      }
      break;
    case Arg::Kind::Address:
    case Arg::Kind::Unread:
      out.value = from.value ? 1 : 0;
      break;
    case Arg::Kind::Descriptor:
      out.target = target(from.target);
      break;
    case Arg::Kind::Flags:
    case Arg::Kind::Symbol:
      break;
    case Arg::Kind::String:
    case Arg::Kind::Strings:
    case Arg::Kind::Struct:
      out.value = from.value ? 1 : 0;  // an address as well
      out.text = scrub(from.text);
      out.target = target(from.target);
      scrub_all(out.list);
      break;
  }
  return out;
}

Event Symbols::rewrite(const Event& from) {
  Event out = from;
  out.who = who(from.who);
  for (Arg& a : out.call.args) a = arg(a);
  out.call.result_target = target(out.call.result_target);
  if (from.call.name == "keyctl" && from.call.result && *from.call.result > 0) out.call.result = 1;  // a serial
  if (from.call.name == "setsid" && from.call.result && *from.call.result > 0 && from.who.tids.size() < 2)
    out.call.result = out.who.tgid;
  if (auto* fork = out.as<Fork>()) {
    const Fork& was = *from.as<Fork>();
    fork->child = who(was.child);
    fork->parent_tgid = pid({was.parent_tgid, was.parent_born});
    fork->parent_born = 0;
    if (out.call.result == was.child.tid) out.call.result = fork->child.tid;
  } else if (auto* exec = out.as<Exec>()) {
    exec->tid_before = tid({from.who.tgid, from.who.born}, exec->tid_before);
    exec->comm_before = scrub(exec->comm_before);
    exec->path = scrub(exec->path);
    exec->interpreter = scrub(exec->interpreter);
    exec->device = exec->inode = 0;
    if (!began_) began_ = exec->cwd;
    if (began_ && exec->cwd && exec->cwd->device == began_->device && exec->cwd->inode == began_->inode)
      exec->cwd->path = "CWD";
    for (auto* place : {&exec->cwd, &exec->root}) {
      if (!*place) continue;
      (*place)->device = (*place)->inode = 0;
      (*place)->path = scrub((*place)->path);
    }
    if (exec->fds)
      for (OpenFd& fd : *exec->fds) fd.target = fd.fd <= 2 ? "" : target(fd.target);
    scrub_all(exec->argv);
    scrub_all(exec->env);
  } else if (auto* rename = out.as<Rename>()) {
    rename->comm_before = scrub(rename->comm_before);
  } else if (auto* seen = out.as<NamespaceSeen>()) {
    seen->inode = inode(seen->ns, seen->inode);
    seen->owner_user = inode(Ns::User, seen->owner_user);
    seen->parent = inode(seen->ns, seen->parent);
    seen->id = 0;
  } else if (auto* move = out.as<CgroupMove>()) {
    move->from = cgroup(move->from);
    move->from_path = scrub(move->from_path);
    move->path = scrub(move->path);
  } else if (auto* signal = out.as<Signal>()) {
    for (std::string& field : signal->info) {
      if (field.starts_with("si_pid=")) {
        const auto known = pid_symbols_.find(std::atoi(field.c_str() + 7));
        field = known == pid_symbols_.end() ? "si_pid=PID" : fmt::format("si_pid={}", known->second);
      } else {
        field =
            field.starts_with("si_utime=") || field.starts_with("si_stime=") ? field.substr(0, 9) + "0" : scrub(field);
      }
    }
  }
  return out;
}

}  // namespace nstrace::trace
