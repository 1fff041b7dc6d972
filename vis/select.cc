// SPDX-License-Identifier: MIT
// Takes a model, says which processes deserve a node. The idea: what is of interest pulls its creators with it; the
// rest folds where it stands, so that the picture grows with what happened and not with how often.
#include "vis/select.h"

#include <map>
#include <set>
#include <string>

#include "vis/headline.h"

namespace nstrace::vis {

using model::Process;
using model::ProcessId;

namespace {

constexpr std::size_t kAlike = 3;       // siblings that do the same are folded from this number on
constexpr std::size_t kContainers = 3;  // siblings that set containers up in the same way: from this number on
constexpr std::size_t kMany = 8;        // siblings without anything of interest, different ones: above this number

std::uint64_t new_namespaces() {
  std::uint64_t flags = 0;
  for (int i = 0; i < trace::kNsSlots; ++i) flags |= trace::ns_clone_flag(static_cast<trace::Ns>(i));
  return flags;
}

bool has_exec(const Process& process) {
  for (const model::Program& program : process.programs) {
    if (program.event != 0) return true;
  }
  return false;
}

class Selector {
 public:
  Selector(const model::Model& model, bool all) : model_(model), processes_(model.processes()) {
    selection_.shown.assign(processes_.size(), all);
    selection_.creator.resize(processes_.size());
    if (!all) pick();
    link();
  }
  Selection take() { return std::move(selection_); }

 private:
  bool candidate(const Process& p) const { return p.followed || !p.existed; }

  // A change of namespaces, or the first process inside some.
  bool special(const Process& p) const {
    static const std::uint64_t kNew = new_namespaces();
    return !p.marks.empty() || (p.fork_flags & kNew) != 0 || inits_[p.id];
  }

  void pick() {
    inits_.assign(processes_.size(), false);
    for (const model::Container& container : model_.containers()) {
      if (container.init) inits_[*container.init] = !processes_[*container.init].existed || joined(container);
    }
    std::vector<bool>& shown = selection_.shown;
    bool any = false;
    for (const Process& p : processes_) {
      if (!candidate(p) || !(has_exec(p) || special(p))) continue;
      any = true;
      for (const Process* up = &p; up && candidate(*up) && !shown[up->id]; up = creator(*up)) shown[up->id] = true;
    }
    for (const Process& p : processes_) {
      const Process* up = creator(p);
      if (!any && p.followed && (!up || !up->followed)) shown[p.id] = true;
    }
    children_.resize(processes_.size());
    for (const Process& p : processes_) {
      if (const Process* up = creator(p); up && candidate(p)) children_[up->id].push_back(p.id);
    }
    fold_quiet();
    fold_containers();
    fold_alike();
  }

  // What a process and all below it did, whatever container it was for and whatever ran in it: the programs, and
  // the calls that changed namespaces. `containers`: of those that were set up there.
  std::string shape(ProcessId id, int depth, std::set<model::ContainerId>& containers) const {
    const Process& p = processes_[id];
    if (depth > 64) return "";
    std::set<std::string> parts;
    if (p.container) containers.insert(*p.container);
    for (const model::Program& program : p.programs) {
      if (program.event == 0 || p.container) continue;
      const std::string words = headline(program);
      parts.insert(words.substr(0, words.find(' ', words.find(' ') + 1)));
    }
    for (const model::Mark& mark : p.marks) {
      if (!(mark.before == mark.after)) parts.insert(mark.call);
    }
    for (const ProcessId child : children_[id]) {
      // What runs in a container when it is set up is its own affair.
      if (selection_.shown[child] && !(p.container && p.programs.size() > 1))
        parts.insert(shape(child, depth + 1, containers));
    }
    std::string text = p.container ? "[" : "(";
    for (const std::string& part : parts) text += part + ';';
    return text + (p.container ? "]" : ")");
  }

  void fold_containers() {
    for (const Process& p : processes_) {
      if (!selection_.shown[p.id]) continue;
      std::map<std::string, std::vector<std::pair<ProcessId, std::set<model::ContainerId>>>> alike;
      for (const ProcessId child : children_[p.id]) {
        if (!selection_.shown[child]) continue;
        std::set<model::ContainerId> containers;
        const std::string text = shape(child, 0, containers);
        if (p.container) containers.erase(*p.container);  // the one that all of them are in was not set up by them
        if (!containers.empty() && processes_[child].container == p.container)
          alike[text].emplace_back(child, containers);
      }
      for (auto& [text, group] : alike) {
        if (group.size() < kContainers) continue;
        Fold fold;
        fold.under = p.id;
        for (std::size_t i = 1; i < group.size(); ++i) {
          fold.members.push_back(group[i].first);
          fold.count += hide(group[i].first);
          fold.containers.insert(fold.containers.end(), group[i].second.begin(), group[i].second.end());
        }
        selection_.folds.push_back(std::move(fold));
      }
    }
  }

  // Something entered it while it was watched.
  bool joined(const model::Container& container) const {
    for (const Process& p : processes_) {
      for (const model::Mark& mark : p.marks) {
        for (int i = 0; i < trace::kNsCount; ++i) {
          const auto type = static_cast<trace::Ns>(i);
          const std::uint32_t got = mark.after[type] != mark.before[type] ? mark.after[type] : 0;
          if (mark.call == "setns" && got != 0 && got == container.ns[type]) return true;
        }
      }
    }
    return false;
  }

  const Process* creator(const Process& p) const {
    const auto id = creator_of(p);
    return id ? &processes_[*id] : nullptr;
  }

  // The processes that nothing above selected.
  void fold_quiet() {
    std::map<std::optional<ProcessId>, Fold> folds;
    for (const Process& p : processes_) {
      if (!candidate(p) || selection_.shown[p.id]) continue;
      const Process* up = creator(p);
      const bool top = !up || !candidate(*up) || selection_.shown[up->id];
      while (up && candidate(*up) && !selection_.shown[up->id]) up = creator(*up);
      const auto under = up && candidate(*up) ? std::optional(up->id) : std::nullopt;
      Fold& fold = folds[under];
      fold.under = under;
      fold.quiet = true;
      ++fold.count;
      if (top) fold.members.push_back(p.id);
    }
    for (auto& [under, fold] : folds) selection_.folds.push_back(std::move(fold));
  }

  // What a process and all below it did, as one text; "" when it is of interest. From the children up: a creator always
  // has the smaller id, unless its creation was not seen, hence the depth guard.
  std::string signature(ProcessId id, int depth, std::size_t& count) const {
    const Process& p = processes_[id];
    const Process* up = creator(p);
    if (special(p) || p.existed || depth > 64 || (up && up->container != p.container)) return "";
    ++count;
    std::string text = p.ended && p.ended->code == 0 && p.ended->signal == 0 ? "(" : "(!";
    for (const model::Program& program : p.programs) {
      if (program.event != 0) text += headline(program) + ';';
    }
    for (const ProcessId child : children_[id]) {
      if (!selection_.shown[child]) continue;
      const std::string below = signature(child, depth + 1, count);
      if (below.empty()) return "";
      text += below;
    }
    return text + ')';
  }

  // With all below; gives their number.
  std::size_t hide(ProcessId id) {
    selection_.shown[id] = false;
    std::size_t count = 1;
    for (const ProcessId child : children_[id]) {
      if (selection_.shown[child]) count += hide(child);
    }
    return count;
  }

  void fold_alike() {
    std::map<std::optional<model::ContainerId>, std::vector<ProcessId>> orphans;  // by where they live
    for (const Process& p : processes_) {
      if (!selection_.shown[p.id]) continue;
      fold_siblings(p.id, children_[p.id]);
      const Process* up = creator(p);
      if (!up || !selection_.shown[up->id]) orphans[p.container].push_back(p.id);
    }
    for (const auto& [container, alike] : orphans) fold_siblings(std::nullopt, alike);
  }

  // What one creator made; or, without one, all whose creator is not in the picture and that live in one place.
  void fold_siblings(std::optional<ProcessId> under, const std::vector<ProcessId>& siblings) {
    std::map<std::string, Fold> alike;
    std::vector<std::string> order;
    std::size_t plain = 0;
    for (const ProcessId child : siblings) {
      if (!selection_.shown[child]) continue;
      std::size_t count = 0;
      const std::string text = signature(child, 0, count);
      if (text.empty()) continue;
      const auto [at, fresh] = alike.try_emplace(text);
      if (fresh) order.push_back(text);
      at->second.members.push_back(child);
      at->second.count += count;
      at->second.under = under;
    }
    for (const std::string& text : order) {
      Fold& fold = alike[text];
      if (fold.members.size() < kAlike) {
        plain += fold.members.size();
        continue;
      }
      for (const ProcessId member : fold.members) hide(member);
      selection_.folds.push_back(std::move(fold));
      fold.members.clear();
    }
    if (plain <= kMany) return;
    Fold rest;
    rest.under = under;
    for (const std::string& text : order) {
      for (const ProcessId member : alike[text].members) {
        hide(member);
        rest.members.push_back(member);
      }
      if (!alike[text].members.empty()) rest.count += alike[text].count;
    }
    selection_.folds.push_back(std::move(rest));
  }

  void link() {
    for (const Process& p : processes_) {
      const Process* up = creator(p);
      if (selection_.shown[p.id] && up && selection_.shown[up->id]) selection_.creator[p.id] = up->id;
    }
  }

  const model::Model& model_;
  const std::vector<Process>& processes_;
  Selection selection_;
  std::vector<bool> inits_;
  std::vector<std::vector<ProcessId>> children_;
};

}  // namespace

std::optional<ProcessId> creator_of(const Process& process) {
  if (process.creator && *process.creator != process.id) return process.creator;
  if (process.parent && *process.parent != process.id) return process.parent;
  return std::nullopt;
}

Selection select(const model::Model& model, bool all) {
  return Selector(model, all).take();
}

}  // namespace nstrace::vis
