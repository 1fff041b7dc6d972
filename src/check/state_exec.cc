// SPDX-License-Identifier: MIT
// Each kind becomes an argument as a call would have it, and is compared as arguments are; descriptors are a list of
// their own, since an element is a number and what it refers to.
#include "check/state_exec.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/glob.h"
#include "check/match.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

using trace::Arg;

Arg number(std::uint64_t value) {
  Arg arg;
  arg.value = static_cast<std::int64_t>(value);
  return arg;
}

Arg text(const std::string& bytes) {
  Arg arg;
  arg.kind = Arg::Kind::String;
  arg.text = bytes;
  return arg;
}

Arg word(std::uint64_t value, std::string_view name) {
  Arg arg = number(value);
  arg.kind = Arg::Kind::Symbol;
  arg.text = name;
  return arg;
}

// "CAP_CHOWN|CAP_KILL"; "0" for none.
std::string set_text(std::uint64_t mask) {
  std::string out = trace::capabilities_text(mask);
  for (std::size_t at = 0; (at = out.find("1<<", at)) != std::string::npos;) out.erase(at, 3);
  return out;
}

// Without field names, the effective set is meant.
Arg capabilities(const trace::Caps& caps, bool fields) {
  Arg arg;
  if (fields) {
    arg.kind = Arg::Kind::Struct;
    for (const auto& [name, mask] : {std::pair("effective", caps.effective), std::pair("permitted", caps.permitted),
                                     std::pair("inheritable", caps.inheritable), std::pair("bounding", caps.bounding),
                                     std::pair("ambient", caps.ambient)})
      arg.list.push_back(fmt::format("{}={}", name, set_text(mask)));
    return arg;
  }
  arg.kind = Arg::Kind::Flags;
  arg.value = static_cast<std::int64_t>(caps.effective);
  arg.text = set_text(caps.effective);
  return arg;
}

bool wants_text(const Value& value) {
  return value.kind == Value::Kind::Text || std::ranges::any_of(value.items, wants_text);
}

bool fd_fits(const Value& item, const trace::OpenFd& fd) {
  if (item.target && glob_match(*item.target, fd.target) != Truth::Yes) return false;
  switch (item.kind) {
    case Value::Kind::Any:
      return true;
    case Value::Kind::Range:
      return fd.fd >= item.low && fd.fd <= item.high;
    case Value::Kind::Text:
      return glob_match(item.text, fd.target) == Truth::Yes;
    case Value::Kind::Not:
      return !fd_fits(item.items[0], fd);
    case Value::Kind::Either:
      return std::ranges::any_of(item.items, [&](const Value& one) { return fd_fits(one, fd); });
    case Value::Kind::Rest:
    case Value::Kind::Flags:
    case Value::Kind::List:
    case Value::Kind::Fields:
    case Value::Kind::Null:
    case Value::Kind::Capture:
      return false;
  }
  return false;
}

// reach[k]: the items before the one at hand may stand for the first k descriptors.
bool list_fits(const std::vector<Value>& items, const std::vector<trace::OpenFd>& fds) {
  std::vector<char> reach(fds.size() + 1);
  reach[0] = 1;
  for (const Value& item : items) {
    std::vector<char> next(fds.size() + 1);
    bool before = false;
    for (std::size_t k = 0; k <= fds.size(); ++k) {
      if (item.kind == Value::Kind::Rest)
        next[k] = before = before || reach[k];
      else if (k > 0)
        next[k] = reach[k - 1] && fd_fits(item, fds[k - 1]);
    }
    reach = std::move(next);
  }
  return reach[fds.size()];
}

Truth fds_fit(const Value& value, const std::vector<trace::OpenFd>& fds, bool more) {
  switch (value.kind) {
    case Value::Kind::Any:
      return Truth::Yes;
    case Value::Kind::Not:
      return negated(fds_fit(value.items[0], fds, more));
    case Value::Kind::Either: {
      Truth best = Truth::No;
      for (const Value& item : value.items) best = either(best, fds_fit(item, fds, more));
      return best;
    }
    case Value::Kind::List: {
      const bool fits = list_fits(value.items, fds);
      if (!more) return truth(fits);
      // Those that are not listed have higher numbers than these.
      return fits && !value.items.empty() && value.items.back().kind == Value::Kind::Rest ? Truth::Yes : Truth::Maybe;
    }
    case Value::Kind::Rest:
    case Value::Kind::Text:
    case Value::Kind::Range:
    case Value::Kind::Flags:
    case Value::Kind::Fields:
    case Value::Kind::Null:
    case Value::Kind::Capture:
      return Truth::No;
  }
  return Truth::No;
}

std::string fds_text(const std::vector<trace::OpenFd>& fds, std::uint32_t more) {
  constexpr std::size_t kShown = 12;
  std::string out;
  for (std::size_t i = 0; i < fds.size() && i < kShown; ++i)
    out += fmt::format("{}{}<{}>", i ? ", " : "", fds[i].fd, trace::escape(fds[i].target, "\\<>"));
  const std::size_t hidden = more + (fds.size() > kShown ? fds.size() - kShown : 0);
  if (hidden) out += fmt::format(", and {} more", hidden);
  return "[" + out + "]";
}

// A list of numbers. What is not listed may be any.
Arg groups(const trace::Exec& exec) {
  Arg arg;
  arg.kind = Arg::Kind::Strings;
  for (const std::uint32_t group : *exec.groups) arg.list.push_back(fmt::format("{}", group));
  arg.cut = exec.groups_more > 0;
  return arg;
}

std::string groups_text(const trace::Exec& exec) {
  const std::string more = exec.groups_more ? fmt::format(", and {} more", exec.groups_more) : "";
  return fmt::format("[{}{}]", fmt::join(*exec.groups, ", "), more);
}

// The value as an argument; absent = not recorded.
std::optional<Arg> argument(const StateLine& line, const trace::Exec& exec) {
  switch (line.kind) {
    case StateLine::Kind::Uid:
      return exec.creds ? std::optional(number(exec.creds->euid)) : std::nullopt;
    case StateLine::Kind::Gid:
      return exec.creds ? std::optional(number(exec.creds->egid)) : std::nullopt;
    case StateLine::Kind::Caps:
      return exec.caps ? std::optional(capabilities(*exec.caps, has_fields(line.value))) : std::nullopt;
    case StateLine::Kind::NoNewPrivs:
      return exec.no_new_privs ? std::optional(number(*exec.no_new_privs)) : std::nullopt;
    case StateLine::Kind::Seccomp:
      if (!exec.seccomp) return std::nullopt;
      if (wants_text(line.value)) return text(std::string(trace::seccomp_word(*exec.seccomp)));
      return word(static_cast<std::uint64_t>(*exec.seccomp), trace::seccomp_word(*exec.seccomp));
    case StateLine::Kind::Cwd:
      return exec.cwd && !exec.cwd->path.empty() ? std::optional(text(exec.cwd->path)) : std::nullopt;
    case StateLine::Kind::Root:
      return exec.root && !exec.root->path.empty() ? std::optional(text(exec.root->path)) : std::nullopt;
    case StateLine::Kind::Groups:
      return exec.groups ? std::optional(groups(exec)) : std::nullopt;
    case StateLine::Kind::Fds:
    case StateLine::Kind::Ns:
    case StateLine::Kind::Comm:
    case StateLine::Kind::Exe:
    case StateLine::Kind::Pid:
    case StateLine::Kind::Cgroup:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ExecAnswer> at_exec(const StateLine& line, const trace::Exec& exec, bool details) {
  if (line.kind == StateLine::Kind::Fds) {
    if (!exec.fds) return std::nullopt;
    return ExecAnswer{fds_fit(line.value, *exec.fds, exec.fds_more > 0),
                      details ? "fds is " + fds_text(*exec.fds, exec.fds_more) : ""};
  }
  const auto arg = argument(line, exec);
  if (!arg) return std::nullopt;
  ExecAnswer answer{value_fits(line.value, *arg), ""};
  if (details)
    answer.found = fmt::format("{} is {}", state_name(line.kind),
                               line.kind == StateLine::Kind::Groups ? groups_text(exec) : trace::arg_text(*arg));
  return answer;
}

std::shared_ptr<const trace::Exec> begun(const trace::Exec& exec) {
  static const auto kNothing = std::make_shared<const trace::Exec>();
  if (!exec.creds && !exec.caps && !exec.groups && !exec.no_new_privs && !exec.seccomp && !exec.cwd && !exec.root &&
      !exec.fds)
    return kNothing;
  trace::Exec out;
  out.creds = exec.creds;
  out.caps = exec.caps;
  out.groups = exec.groups;
  out.groups_more = exec.groups_more;
  out.no_new_privs = exec.no_new_privs;
  out.seccomp = exec.seccomp;
  out.cwd = exec.cwd;
  out.root = exec.root;
  out.fds = exec.fds;
  out.fds_more = exec.fds_more;
  return std::make_shared<const trace::Exec>(std::move(out));
}

}  // namespace nstrace::check
