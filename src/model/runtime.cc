// SPDX-License-Identifier: MIT
// Three tables (runtimes by name, flags that take a value, shapes of cgroup names) and the few lines that read them.
// The flags are those of runc(8), crun(1) and youki: all of them take `[GLOBAL FLAGS] VERB [FLAGS] ID`.
#include "model/runtime.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace nstrace::model {

namespace {

struct Known {
  std::string_view program;  // base name
  std::string_view runtime;
  bool oci;
};
constexpr Known kKnown[] = {
    {"runc", "runc", true},
    {"docker-runc", "runc", true},
    {"crun", "crun", true},
    {"krun", "crun", true},
    {"youki", "youki", true},
    {"runsc", "runsc", true},
    {"kata-runtime", "kata", true},
    {"nvidia-container-runtime", "nvidia-container-runtime", true},
    {"nstrace-lab", kMiniRuntime, false},
    {"bwrap", "bwrap", false},
    {"unshare", "unshare", false},
    {"nsjail", "nsjail", false},
    {"firejail", "firejail", false},
    {"minijail0", "minijail", false},
    {"systemd-nspawn", "systemd-nspawn", false},
    {"lxc-start", "lxc", false},
    {"systemd", "systemd", false},
    {"systemd-executor", "systemd", false},
    {"chromium", "chromium", false},
    {"chrome", "chrome", false},
    {"firefox", "firefox", false},
    {"firefox-bin", "firefox", false},
    {"firefox-esr", "firefox", false},
};

// Flags that take the next argument as their value, unless written with "=".
constexpr std::string_view kGlobalValues[] = {
    "--root", "-r", "--log", "-l", "--log-format", "--log-level", "--criu", "--rootless", "--cgroup-manager"};
constexpr std::string_view kVerbValues[] = {"--bundle",
                                            "-b",
                                            "--pid-file",
                                            "--console-socket",
                                            "--pidfd-socket",
                                            "--preserve-fds",
                                            "--process",
                                            "-p",
                                            "--cwd",
                                            "--env",
                                            "-e",
                                            "--user",
                                            "-u",
                                            "--additional-gids",
                                            "-g",
                                            "--cap",
                                            "-c",
                                            "--cgroup",
                                            "--apparmor",
                                            "--process-label",
                                            "--config",
                                            "-f",
                                            "--image-path",
                                            "--work-path",
                                            "--parent-path",
                                            "--manage-cgroups-mode",
                                            "--lsm-profile"};
constexpr std::string_view kVerbs[] = {"create", "run",    "exec", "start",  "restore",  "kill",
                                       "delete", "state",  "init", "update", "pause",    "resume",
                                       "ps",     "events", "spec", "list",   "features", "checkpoint"};

template <std::size_t N>
bool one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::ranges::find(words, word) != std::end(words);
}

// The next argument that is no flag, from `at` on; argv.size() if there is none.
template <std::size_t N>
std::size_t next_word(const std::vector<std::string>& argv, std::size_t at, const std::string_view (&with_value)[N]) {
  while (at < argv.size()) {
    const std::string& arg = argv[at];
    if (arg == "--") return at + 1;
    if (arg.size() < 2 || arg[0] != '-') return at;
    at += one_of(arg, with_value) ? 2 : 1;
  }
  return argv.size();
}

const Known* known(std::string_view program) {
  // A login shell's argv[0] begins with "-"; a copy that runs from a memory file may be named after it.
  if (const auto colon = program.rfind(':'); colon != std::string_view::npos) program.remove_prefix(colon + 1);
  for (const Known& k : kKnown)
    if (program == k.program) return &k;
  return nullptr;
}

bool has_env(const Program& program, std::string_view name) {
  return std::ranges::any_of(program.env, [&](const std::string& e) {
    return e.starts_with(name) && (e.size() == name.size() || e[name.size()] == '=');
  });
}

std::string value_of(const std::vector<std::string>& argv, std::string_view flag) {
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string_view arg = argv[i];
    if (arg == flag && i + 1 < argv.size()) return argv[i + 1];
    if (arg.starts_with(flag) && arg.size() > flag.size() && arg[flag.size()] == '=')
      return std::string(arg.substr(flag.size() + 1));
  }
  return "";
}

bool is_hex_id(std::string_view word) {
  return word.size() == 64 && std::ranges::all_of(word, [](unsigned char c) { return std::isxdigit(c); });
}

// "nstrace-lab SCENE ID...": its scenes are no verbs of runc's, and one of them makes two containers.
void read_ids(const std::vector<std::string>& argv, RuntimeCommand& command) {
  if (argv.size() < 3) return;
  command.id = argv[2];
  command.further_ids.assign(argv.begin() + 3, argv.end());
}

}  // namespace

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::optional<RuntimeCommand> runtime_command(const Program& program) {
  const std::string_view called = program.argv.empty() ? std::string_view() : base_name(program.argv[0]);
  const Known* by_name = known(called);
  if (!by_name) by_name = known(base_name(program.path));
  const bool libcontainer = has_env(program, "_LIBCONTAINER_INITTYPE") || has_env(program, "_LIBCONTAINER_INITPIPE");

  RuntimeCommand command;
  if (by_name) {
    command.runtime = by_name->runtime;
    command.oci = by_name->oci;
    if (command.runtime == kMiniRuntime) read_ids(program.argv, command);
    if (!command.oci) return command;
  } else if (libcontainer) {
    command.runtime = "runc";
    command.oci = true;
  }
  const std::size_t verb = next_word(program.argv, 1, kGlobalValues);
  if (verb < program.argv.size() && one_of(program.argv[verb], kVerbs)) {
    const std::size_t id = next_word(program.argv, verb + 1, kVerbValues);
    const std::string& word = program.argv[verb];
    // A runtime of another name (a wrapper, a copy) is known by the flags that only a runtime is given.
    if (!by_name && !libcontainer) {
      const bool made = (word == "create" || word == "run") &&
                        (!value_of(program.argv, "--bundle").empty() || !value_of(program.argv, "-b").empty()) &&
                        !value_of(program.argv, "--pid-file").empty();
      const bool entered = word == "exec" && !value_of(program.argv, "--process").empty();
      if (!made && !entered) return std::nullopt;
      command.runtime = called.empty() ? base_name(program.path) : called;
      command.oci = true;
    }
    command.verb = word;
    if (id < program.argv.size() && word != "init" && word != "spec" && word != "list" && word != "features")
      command.id = program.argv[id];
    return command;
  }
  if (!by_name && !libcontainer) return std::nullopt;
  return command;
}

std::string_view kind_of(const Container& container) {
  if (!container.name.empty()) return "container";
  const bool oci = std::ranges::any_of(kKnown, [&](const Known& k) { return k.oci && k.runtime == container.runtime; });
  return oci ? "container" : "sandbox";
}

std::string_view runtime_of_comm(std::string_view comm) {
  static constexpr std::pair<std::string_view, std::string_view> kStages[] = {
      {"runc:[", "runc"}, {"youki:[", "youki"}, {"lab:[", kMiniRuntime}};
  for (const auto& [prefix, runtime] : kStages)
    if (comm.starts_with(prefix)) return runtime;
  return "";
}

std::optional<Monitor> monitor_command(const Program& program) {
  const std::string_view name = base_name(program.argv.empty() ? std::string_view(program.path) : program.argv[0]);
  Monitor monitor;
  if (name == "conmon" || name == "conmonrs") {
    monitor.id = value_of(program.argv, "-c");
    if (monitor.id.empty()) monitor.id = value_of(program.argv, "--cid");
    monitor.name = value_of(program.argv, "-n");
    if (monitor.name.empty()) monitor.name = value_of(program.argv, "--name");
    std::string runtime = value_of(program.argv, "-r");
    if (runtime.empty()) runtime = value_of(program.argv, "--runtime");
    const Known* by_name = known(base_name(runtime));
    monitor.runtime = by_name ? by_name->runtime : base_name(runtime);
    return monitor;
  }
  if (name.starts_with("containerd-shim")) {
    monitor.id = value_of(program.argv, "-id");
    return monitor;
  }
  return std::nullopt;
}

std::string id_of_cgroup(std::string_view path) {
  static constexpr std::string_view kPrefixes[] = {"docker-",         "cri-containerd-", "crio-",
                                                   "libpod-payload-", "libpod-",         "nerdctl-"};
  // The leaf, or what is above one of crun's sub-groups.
  while (!path.empty()) {
    std::string_view leaf = base_name(path);
    const std::string_view above = path.substr(0, path.size() - leaf.size());
    if (leaf.ends_with(".scope")) leaf.remove_suffix(6);
    for (const std::string_view prefix : kPrefixes)
      if (leaf.starts_with(prefix) && is_hex_id(leaf.substr(prefix.size())))
        return std::string(leaf.substr(prefix.size()));
    if (is_hex_id(leaf)) return std::string(leaf);
    if (above.empty()) break;
    path = above.substr(0, above.size() - 1);
  }
  return "";
}

}  // namespace nstrace::model
