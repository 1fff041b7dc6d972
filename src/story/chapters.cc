// SPDX-License-Identifier: MIT
#include "story/chapters.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/runtime.h"
#include "story/names.h"
#include "story/words.h"
#include "trace/text.h"

namespace nstrace::story {

using model::Process;
using model::Program;

namespace {

bool has(const std::vector<std::string>& words, std::string_view prefix) {
  return std::ranges::any_of(words, [&](const std::string& w) { return w.starts_with(prefix); });
}

std::string_view after(const std::vector<std::string>& argv, std::string_view flag) {
  for (std::size_t i = 0; i + 1 < argv.size(); ++i)
    if (argv[i] == flag) return argv[i + 1];
  return "";
}

// Who asked for the container, as far as a program tells.
std::string manager_of(const Program& program) {
  const std::string_view name =
      model::base_name(program.argv.empty() ? std::string_view(program.path) : std::string_view(program.argv[0]));
  if (name.starts_with("containerd-shim")) {
    const std::string_view ns = after(program.argv, "-namespace");
    return ns == "moby" ? "docker" : ns == "k8s.io" ? "kubernetes (containerd)" : "containerd";
  }
  if (name == "conmon" || name == "conmonrs") {
    const std::string_view exit_command = model::base_name(after(program.argv, "--exit-command"));
    if (exit_command == "podman") return "podman";
    if (exit_command == "crio" || has(program.argv, "/var/run/crio") || has(program.argv, "/run/crio")) return "cri-o";
    return "";
  }
  if (name == "podman" || name == "buildah") return std::string(name);
  if (name == "buildkitd") return "buildkit";
  return "";
}

bool a_program(Part part) {
  return part & (kProgram | kEntered | kOther | kHook);
}

constexpr Phase kForMade[] = {Phase::Manager,  Phase::Runtime, Phase::SelfClone, Phase::Bootstrap, Phase::Namespaces,
                              Phase::IdMaps,   Phase::Cgroup,  Phase::Root,      Phase::Hooks,     Phase::Pivot,
                              Phase::Security, Phase::Ready,   Phase::Start,     Phase::Program};
constexpr Phase kForEntered[] = {Phase::Runtime, Phase::SelfClone, Phase::Bootstrap, Phase::Namespaces,
                                 Phase::Cgroup,  Phase::Security,  Phase::Program,   Phase::Exit};
constexpr Phase kForEnded[] = {Phase::Exit, Phase::Delete};
constexpr Phase kForSandbox[] = {Phase::Namespaces, Phase::IdMaps,   Phase::Root,
                                 Phase::Pivot,      Phase::Security, Phase::Program};

}  // namespace

std::span<const Phase> expected_phases(Kind kind) {
  switch (kind) {
    case Kind::Made:
      return kForMade;
    case Kind::Entered:
      return kForEntered;
    case Kind::Ended:
      return kForEnded;
    case Kind::Sandbox:
      return kForSandbox;
    case Kind::Other:
    case Kind::Daemon:
      return {};
  }
  return {};
}

// One process of the mini runtime may make several containers (a pod), each with a first stage of its own: which of
// them this is about.
std::size_t Chapters::set_up_of(const Moment& m, const Actor& a, const std::string& id) {
  std::vector<model::ProcessId>& first_stages = set_ups_[*a.session];
  if (m.event.as<trace::Exit>() && m.process.id == *a.session) return last_ended(id, first_stages.size());
  std::optional<model::ProcessId> at = m.process.id;
  for (int steps = 0; at && steps < 64; ++steps) {
    const auto up = model_.origin(model_.processes()[*at]);
    if (up == a.session) break;
    at = up;
  }
  if (at) {
    const auto known = std::ranges::find(first_stages, *at);
    if (known != first_stages.end()) return static_cast<std::size_t>(known - first_stages.begin());
    if (*at != *a.session && m.actor.part & kStages) first_stages.push_back(*at);
  }
  return first_stages.empty() ? 0 : first_stages.size() - 1;
}

// Which of so many was over last. The end of the process that made them all stands there: nothing comes after it.
std::size_t Chapters::last_ended(const std::string& id, std::size_t count) const {
  std::size_t last = count > 0 ? count - 1 : 0;
  std::uint64_t latest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto ended = by_key_.find({Kind::Ended, fmt::format("{}/{}", id, i)});
    if (ended == by_key_.end() || chapters_[ended->second].first_event < latest) continue;
    latest = chapters_[ended->second].first_event;
    last = i;
  }
  return last;
}

// Whether the container of that id, which was made in this trace, had begun and has ended.
bool Chapters::over(const std::string& id) const {
  const auto made = by_key_.find({Kind::Made, id});
  if (made == by_key_.end() || !chapters_[made->second].container) return false;
  const model::Container& container = model_.containers()[*chapters_[made->second].container];
  return container.began && container.init && model_.processes()[*container.init].ended;
}

Chapters::Key Chapters::key_of(const Moment& m) {
  const Actor& a = m.event.as<trace::Exec>() && !(m.before.part & (kOther | kManager)) && a_program(m.actor.part)
                       ? m.before
                       : m.actor;
  std::string id = a.id;
  if (id.empty() && a.session) id = fmt::format("#{}", *a.session);
  if (a.runtime == "nstrace lab" && a.session) {
    id += fmt::format("/{}", *a.session);
    id += fmt::format("/{}", set_up_of(m, a, id));
  }
  // A stage is outside; the container that it makes a process in is what it works on.
  auto container = m.process.container;
  if (!container && a.part & kBuilders && !m.process.children.empty())
    container = model_.processes()[m.process.children.back()].container;
  if (id.empty() && container) {
    const model::Container& c = model_.containers()[*container];
    id = c.name.empty() ? fmt::format("@{}", c.id) : c.name;
  }
  const std::string session = a.session ? fmt::format("{}/{}", id, *a.session) : id;
  if (m.actor.part == kSandbox || a.part & (kSandbox | kBoxed)) return {Kind::Sandbox, session};
  if (m.actor.part & (kProgram | kEntered) && m.event.as<trace::Exit>()) {
    if (m.actor.part == kEntered) return {Kind::Entered, session};
    if (const auto sandbox = Key(Kind::Sandbox, session); by_key_.count(sandbox)) return sandbox;
    // Or what made the sandbox has become its program, which no longer tells who made it.
    for (const auto& [key, chapter] : by_key_)
      if (key.first == Kind::Sandbox && container && chapters_[chapter].container == container) return key;
    return {Kind::Ended, id};
  }
  if (m.actor.part == kShim) return {a.verb == "delete" || m.event.as<trace::Exit>() ? Kind::Ended : Kind::Made, id};
  if (m.actor.part == kMonitor) return a.verb == "exec" ? Key(Kind::Entered, session) : Key(Kind::Made, id);
  if (a.verb == "create" || a.verb == "run" || a.verb == "start" || a.verb == "restore") {
    // What `run` does after its container's end is part of that: the hooks poststop, say.
    const model::Container* made = container_of(m);
    const bool ends =
        m.event.as<trace::Exit>() && m.actor.part == kRuntime && m.called() && (m.begun || (made && made->began));
    if (a.verb == "run" && (ends || (over(id) && m.actor.part & (kRuntime | kHook)))) return {Kind::Ended, id};
    return {Kind::Made, id};
  }
  if (a.verb == "exec") return {Kind::Entered, session};
  if (a.verb == "kill" || a.verb == "delete") return {Kind::Ended, id};
  if (!a.verb.empty()) return {Kind::Other, session};
  // The trace began when it was under way.
  if (container || a.part & (kBuilders | kHook | kRuntime)) return {Kind::Made, id};
  return {Kind::Daemon, m.event.who.comm};
}

// A stage whose command was not seen is taken to make a container, until it joins one that is there.
void Chapters::correct(const Key& key, const Moment& m) {
  if (!(m.actor.part & kStages)) return;
  if (m.actor.verb.empty()) {
    unsure_[m.process.id] = key;
    return;
  }
  const auto unsure = unsure_.find(m.process.id);
  if (unsure == unsure_.end()) return;
  const auto chapter = by_key_.find(unsure->second);
  unsure_.erase(unsure);
  if (key.first != Kind::Entered || chapter == by_key_.end() || by_key_.count(key)) return;
  chapters_[chapter->second].kind = Kind::Entered;
  by_key_.emplace(key, chapter->second);
  by_key_.erase(chapter);
}

ChapterId Chapters::of(const Moment& m, Phase phase) {
  const Key key = key_of(m);
  correct(key, m);
  // The same id again is another container, once the first one's program has begun.
  if (key.first == Kind::Made && m.event.as<trace::Exec>() && m.actor.part == kRuntime &&
      (m.actor.verb == "create" || m.actor.verb == "run"))
    if (const auto old = by_key_.find(key); old != by_key_.end() && has_program_[old->second]) {
      by_key_.erase(old);
      by_key_.erase({Kind::Ended, key.second});
    }
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    const auto id = static_cast<ChapterId>(chapters_.size());
    Chapter& chapter = chapters_.emplace_back();
    chapter.id = id;
    chapter.kind = key.first;
    chapter.begin = m.event.start ? m.event.start : m.event.time;
    chapter.first_event = m.event.number;
    // Whoever acts here was at work before, or is not the one that begins such a thing.
    // A process of the mini runtime begins several without executing anything.
    chapter.cut_before = (key.first == Kind::Made || key.first == Kind::Entered) && !m.event.as<trace::Exec>() &&
                         !(m.actor.runtime == "nstrace lab" && m.process.fork_event);
    // Who was not there before the trace has a beginning in it, which was lost then.
    chapter.lost_before = chapter.cut_before && !m.process.existed && m.model.losses().count > 0;
    if (chapter.lost_before) chapter.cut_before = false;
    has_program_.push_back(false);
    has_setup_.push_back(false);
    has_sandbox_.push_back(false);
    found = by_key_.emplace(key, id).first;
  }
  Chapter& chapter = chapters_[found->second];
  learn(chapter, m, phase);
  chapter.end = m.event.time;
  chapter.last_event = m.event.number;
  return found->second;
}

void Chapters::begins_with(ChapterId id, std::uint64_t event, trace::Time begin) {
  Chapter& c = chapters_[id];
  c.first_event = std::min(c.first_event, event);
  c.begin = std::min(c.begin, begin);
}

void Chapters::learn(Chapter& c, const Moment& m, Phase phase) {
  const Actor& a = m.actor;
  const auto* exec = m.event.as<trace::Exec>();
  if (c.kind == Kind::Daemon) {
    c.name = trace::escape(m.event.who.comm);
    return;
  }
  if (c.container_id.empty()) c.container_id = a.id;
  if (c.runtime.empty() || a.part & (kRuntime | kStages | kSandbox))
    if (!a.runtime.empty()) c.runtime = a.runtime;
  // A runtime that runs in a container makes another one.
  constexpr std::uint32_t kOutside = kManager | kShim | kMonitor | kRuntime | kStage0 | kStage1 | kHook;
  if (!c.container && m.process.container && !(a.part & kOutside)) c.container = m.process.container;
  if (!m.event.as<trace::Exec>() && (phase == Phase::Namespaces || phase == Phase::Pivot)) has_sandbox_[c.id] = true;
  if (phase == Phase::Bootstrap || phase == Phase::Namespaces || phase == Phase::Root) has_setup_[c.id] = true;
  if (exec && phase == Phase::Program) {
    c.program = command_line(exec->argv);
    has_program_[c.id] = true;
  }
  constexpr std::uint32_t kMakers = kRuntime | kStages | kSetup;
  if (m.event.as<trace::Exit>() && a.part & kMakers && !has_program_[c.id] && m.process.ended &&
      (m.process.ended->code || m.process.ended->signal))
    c.failed = c.kind == Kind::Made || c.kind == Kind::Entered;
  if (c.runtime == "runc") learn_version(c, m);
  const auto remember = [&](std::string folder) {
    if (c.folders.size() < 4 && folder.starts_with('/') && std::ranges::find(c.folders, folder) == c.folders.end())
      c.folders.push_back(std::move(folder));
  };
  // docker mounts a container's own files out of the folder in which it keeps its description.
  if (m.call().name == "mount" && !m.call().args.empty() &&
      glob("*/resolv.conf|*/hostname|*/hosts", m.call().args[0].text))
    remember(m.call().args[0].text.substr(0, m.call().args[0].text.rfind('/')));
  if (exec && a.part == kRuntime)
    for (const std::string_view flag : {"--bundle", "-b"}) remember(std::string(after(exec->argv, flag)));
  if (c.manager.empty()) {
    auto at = std::optional(m.process.id);
    for (int steps = 0; at && steps < 24 && c.manager.empty(); ++steps) {
      const Process& p = model_.processes()[*at];
      for (auto program = p.programs.rbegin(); program != p.programs.rend() && c.manager.empty(); ++program)
        c.manager = manager_of(*program);
      at = model_.origin(p);
    }
  }
}

// The marks that a version of runc leaves in a trace, each of them since that version.
void Chapters::learn_version(Chapter& c, const Moment& m) {
  constexpr std::string_view k1_1 = "1.1 or older", k1_2 = "1.2 or later", k1_3 = "1.3 or later", k1_4 = "1.4 or later";
  constexpr std::uint64_t kNewCgroup = 0x2000000, kIntoCgroup = 0x200000000;
  const auto at_least = [&](std::string_view family) {
    if (c.family == k1_1 || c.family < family) c.family = family;
  };
  if (const auto* exec = m.event.as<trace::Exec>(); exec && m.actor.part == kStage0) {
    // Its parent has made the protected copy, and says so by another pipe; before, it made the copy itself.
    if (has(exec->env, "_LIBCONTAINER_SYNCPIPE") || has(exec->env, "_LIBCONTAINER_PIDFD_SOCK"))
      at_least(k1_2);
    else if (has(exec->env, "_LIBCONTAINER_CLONED_BINARY") || has(exec->env, "_LIBCONTAINER_STATEDIR"))
      c.family = k1_1;
    else if (m.before.part != kStage0 && glob("/proc/self/fd/*", exec->path))
      at_least(k1_2);
    return;
  }
  if (const auto* fork = m.event.as<trace::Fork>()) {
    if (m.actor.part == kRuntime && fork->flags & kIntoCgroup) at_least(k1_4);
    return;
  }
  const trace::Call& call = m.call();
  if (m.actor.part != kStage1 || call.args.empty()) return;
  if (call.name == "unshare" && static_cast<std::uint64_t>(call.args[0].value) & kNewCgroup) at_least(k1_2);
  // Up to 1.2 the user namespace is joined first, since 1.3 after those that can be joined without it.
  if (call.name == "setns") {
    const bool user = m.ns_before[trace::Ns::User] != m.event.who.ns[trace::Ns::User];
    if (user && joined_.count({c.id, m.process.id})) at_least(k1_3);
    if (!user) joined_.insert({c.id, m.process.id});
  }
}

// What a program is brought into: by nsenter it may be a sandbox, or namespaces that are nobody's.
std::string Chapters::where(const Chapter& c, const std::string& container) const {
  if (!c.container_id.empty() || (c.runtime != "nsenter" && c.runtime != "ip netns")) return container;
  if (!c.container) return "other namespaces";
  return model::kind_of(model_.containers()[*c.container]) == "sandbox" ? "a sandbox" : container;
}

void Chapters::finish() {
  std::set<std::string> failed;  // ids of those that could not be made
  for (const Chapter& c : chapters_)
    if (c.failed && c.kind == Kind::Made && !c.container_id.empty()) failed.insert(c.container_id);
  for (Chapter& c : chapters_) {
    if (!c.container && !c.container_id.empty())
      for (const model::Container& container : model_.containers())
        if (container.name == c.container_id) c.container = container.id;
    if (c.container) {
      const model::Container& container = model_.containers()[*c.container];
      if (c.container_id.empty() || c.runtime == "nstrace lab") c.container_id = container.name;
      c.name = trace::escape(container.image_name);
      if (c.runtime.empty()) c.runtime = container.runtime;
    }
    if (look_for_names_ && !c.container_id.empty() && c.image.empty()) {
      std::vector<std::string> folders = c.folders;
      for (std::string& folder : usual_folders(c.container_id)) folders.push_back(std::move(folder));
      const Named named = names_from_files(folders, c.container_id);
      if (c.name.empty()) c.name = trace::escape(named.name);
      c.image = trace::escape(named.image);
    }
    if (c.name.empty() && c.kind != Kind::Daemon) c.name = short_id(c.container_id);
    // The sentences have its id, which was all that was known when they were told.
    const std::string id = short_id(c.container_id);
    const bool both = !c.container_id.empty() && c.name != id && c.kind != Kind::Daemon;
    const std::string of_image = c.image.empty() ? "" : fmt::format(" (image {})", c.image);
    const std::string what =
        (c.name.empty() ? "a container" : "container " + c.name) + (both ? " (" + id + ")" : "") + of_image;
    std::string by = c.runtime.empty() ? "" : trace::escape(c.runtime);
    if (!by.empty() && !c.family.empty()) by += " " + c.family;
    const std::string tool = by.empty() ? "" : fmt::format(" by {}", by);
    const std::string order = c.manager.empty() ? "" : fmt::format(" for {}", c.manager);
    const bool began = has_program_[c.id];
    const std::string program = c.program.empty() ? "" : fmt::format(": {}", c.program);
    switch (c.kind) {
      case Kind::Made:
        c.title = fmt::format("{} {}{}{}{}", what,
                              c.failed            ? "could NOT be made"
                              : !has_setup_[c.id] ? "is started"
                              : began             ? "is made and started"
                                                  : "is made",
                              tool, order, program);
        c.cut_after = !began && !c.failed;
        break;
      case Kind::Entered:
        c.title = fmt::format("a program {} brought into {}{}{}{}", c.failed ? "could NOT be" : "is", where(c, what),
                              tool, order, program);
        c.cut_after = !began && !c.failed;
        break;
      case Kind::Ended:
        c.title = fmt::format("{} is {}{}", what, failed.count(c.container_id) ? "cleared away" : "ended", order);
        break;
      case Kind::Sandbox:
        c.title = has_sandbox_[c.id] ? fmt::format("a sandbox, no OCI container, is made{}{}", tool, program)
                                     : fmt::format("{} runs, and makes no sandbox in this trace{}", by, program);
        break;
      case Kind::Other:
        c.title = fmt::format("{}: another command of the runtime", what);
        break;
      case Kind::Daemon:
        c.title = fmt::format("what {} does itself", c.name.empty() ? "the daemon" : c.name);
        break;
    }
    if (!c.title.empty() && c.title[0] >= 'a' && c.title[0] <= 'z') c.title[0] = static_cast<char>(c.title[0] - 32);
  }
}

std::vector<ChapterId> Chapters::order() const {
  std::vector<ChapterId> order(chapters_.size());
  for (ChapterId i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](ChapterId id) { return chapters_[id].first_event; });
  return order;
}

}  // namespace nstrace::story
