// SPDX-License-Identifier: MIT
// Takes a model, gives the graph of its processes. One node a process, edges from who called clone (not from the
// parent, which CLONE_PARENT changes), and the story's steps numbered across all nodes in the order of events.
#include "vis/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "model/runtime.h"
#include "trace/constants.h"
#include "vis/facts.h"
#include "vis/folds.h"
#include "vis/headline.h"
#include "vis/namespaces.h"
#include "vis/rows.h"
#include "vis/select.h"
#include "vis/tale.h"
#include "vis/text.h"

namespace nstrace::vis {

using model::Process;
using model::ProcessId;
using trace::Ns;

namespace {

constexpr std::uint64_t kCloneVfork = 0x4000, kCloneParent = 0x8000;

class TreeBuilder {
 public:
  TreeBuilder(const model::Model& model, const DrawOptions& options)
      : model_(model), options_(options), signs_(model), selection_(select(model, options.all)) {}

  Graph build() {
    Facts facts = facts_of(model_, options_.title);
    graph_.title = std::move(facts.title);
    graph_.facts = std::move(facts.facts);
    graph_.loss = std::move(facts.loss);
    graph_.lossy = facts.lossy;
    graph_.timed = has_times(model_);
    read_story();
    add_clusters();
    add_nodes();
    mark_way();
    add_forks();
    add_folds();
    add_joins();
    number_steps();
    add_legend();
    find_paths();
    return std::move(graph_);
  }

 private:
  void read_story() {
    steps_.resize(model_.processes().size());
    if (options_.story) {
      for (const story::Gap& gap : options_.story->gaps()) {
        graph_.gaps.push_back({gap.event, fmt::format("{} events LOST: {}", gap.count, display_whole(gap.why, 100))});
      }
    }
    if (!options_.story || options_.story->steps().empty()) return;
    graph_.story = true;
    for (const story::Step& step : options_.story->steps()) {
      if (step.process >= steps_.size()) continue;
      steps_[step.process].push_back(&step);
      step_at_.emplace(step.event, &step);
    }
    // Where there are several containers, their headlines are enough to read.
    const bool only_one = std::ranges::count_if(options_.story->chapters(), has_tale) == 1;
    for (const story::Chapter& chapter : options_.story->chapters()) {
      if (chapter.kind == story::Kind::Daemon) continue;
      graph_.chapters.push_back({shorten(display_whole(chapter.title, 400), 260), chapter.failed});
      if (only_one) {
        for (std::string& line : tale(model_, *options_.story, chapter)) graph_.chapters.push_back({std::move(line)});
      }
    }
    for (const story::Phase phase : story::all_phases()) {
      graph_.phases.push_back({std::string(phase_title(phase)), std::string(phase_what(phase))});
    }
  }

  // What is not in the picture is its creator's part.
  void find_paths() {
    if (!options_.story || !options_.timing || !graph_.timed) return;
    for (const story::Chapter& chapter : options_.story->chapters()) {
      if (chapter.kind != story::Kind::Made && chapter.kind != story::Kind::Entered &&
          chapter.kind != story::Kind::Sandbox)
        continue;
      std::vector<PathPart> path;
      const std::vector<story::Link> links = options_.timing->critical_path(*options_.story, chapter);
      if (links.empty() || !node_[links.back().process]) continue;  // its program is folded
      for (const story::Link& link : links) {
        const auto at = node_or_creators(link.process);
        if (!at) continue;
        if (!path.empty() && path.back().node == *at) {
          path.back().end = link.end;
          path.back().last_event = link.last_event;
        } else {
          path.push_back({*at, link.first_event, link.last_event, link.begin, link.end});
        }
      }
      if (!path.empty()) graph_.paths.push_back(std::move(path));
    }
    std::stable_sort(graph_.paths.begin(), graph_.paths.end(),
                     [](const auto& a, const auto& b) { return a.back().last_event < b.back().last_event; });
    constexpr trace::Time kLong = 1'000'000;
    for (const story::Sleep& sleep : options_.timing->sleeps(kLong)) {
      if (node_[sleep.process]) graph_.nodes[*node_[sleep.process]].sleeps.emplace_back(sleep.begin, sleep.end);
    }
  }

  std::optional<std::size_t> node_or_creators(ProcessId id) const {
    std::optional<ProcessId> process = id;
    while (process && !node_[*process]) process = model_.processes()[*process].creator;
    return process ? node_[*process] : std::nullopt;
  }

  // A cluster for each container that has a process in the picture.
  void add_clusters() {
    std::set<model::ContainerId> used;
    for (const Process& p : model_.processes()) {
      if (selection_.shown[p.id] && inside(p)) used.insert(*p.container);
    }
    cluster_.resize(model_.containers().size());
    for (const model::ContainerId id : from_outside_in(used)) {
      const model::Container& container = model_.containers()[id];
      cluster_[id] = graph_.clusters.size();
      Cluster cluster;
      cluster.id = fmt::format("c{}", graph_.clusters.size());
      const std::string name = display_whole(container.name, 200);
      cluster.title = headline(container, 28);
      // Where the name that people gave it stands above, the id stands below.
      const std::string below = container.image_name.empty() ? "" : is_long_id(name) ? name.substr(0, 12) : name;
      for (const std::string& part : {container.runtime, below}) {
        if (part.empty()) continue;
        cluster.subtitle += (cluster.subtitle.empty() ? "" : " \u00b7 ") + shorten(display_whole(part, 200), 28);
      }
      cluster.family = signs_.family(container);
      cluster.tip = fmt::format("{} {}\n{} processes", model::kind_of(container), name, container.members.size());
      for (auto up = container.parent; up && !cluster.parent; up = model_.containers()[*up].parent)
        cluster.parent = cluster_[*up];
      graph_.clusters.push_back(std::move(cluster));
    }
  }

  // Who holds others comes before them.
  std::vector<model::ContainerId> from_outside_in(const std::set<model::ContainerId>& used) const {
    std::vector<std::pair<int, model::ContainerId>> by_depth;
    for (const model::ContainerId id : used) {
      int depth = 0;
      for (auto up = model_.containers()[id].parent; up && depth < 32; up = model_.containers()[*up].parent) ++depth;
      by_depth.emplace_back(depth, id);
    }
    std::sort(by_depth.begin(), by_depth.end());
    std::vector<model::ContainerId> ids;
    for (const auto& [depth, id] : by_depth) ids.push_back(id);
    return ids;
  }

  // In the box stands who lives in the container's pid namespace. Who entered its other namespaces only, to have a
  // child there, stands outside, with an arrow.
  bool inside(const Process& p) const {
    if (!p.container) return false;
    const model::NamespaceId pid_ns = namespaces_of(model_, model_.containers()[*p.container])[Ns::Pid];
    return pid_ns == model::kNoNamespace || p.ns_id[Ns::Pid] == pid_ns || nested(p.ns_id[Ns::Pid], pid_ns);
  }

  // Whether a pid namespace lies somewhere below another one.
  bool nested(model::NamespaceId inner, model::NamespaceId outer) const {
    for (int depth = 0; inner != model::kNoNamespace && depth < 32; ++depth) {  // the kernel's limit
      if (inner == outer) return true;
      inner = model_.namespaces()[inner].parent.value_or(model::kNoNamespace);
    }
    return false;
  }

  void add_nodes() {
    node_.resize(model_.processes().size());
    for (const Process& p : model_.processes()) {
      if (!selection_.shown[p.id]) continue;
      node_[p.id] = graph_.nodes.size();
      Node node;
      node.id = fmt::format("p{}", graph_.nodes.size());
      node.process = p.id;
      const std::string whole = headline(p);
      node.title = card_title(whole);
      node.subtitle = pid_text(p);
      node.rows = rows_of(p, signs_, launched(model_, p), steps_[p.id]);
      node.band = signs_.band(p.ns_id);
      node.host = !node.band.empty() && std::all_of(node.band.begin(), node.band.end(),
                                                    [](const Badge& badge) { return badge.kind == Badge::Kind::Host; });
      node.existed = p.existed;
      node.born = p.born;
      node.called = names_of(p, launched(model_, p));
      node.stays = stays_of(p);
      end(p, node);
      if (inside(p)) node.cluster = cluster_[*p.container];
      node.tip = whole + '\n' + node.subtitle;
      if (p.threads_made > 0) node.tip += fmt::format("\n{} threads made", p.threads_made);
      if (!p.cgroup_path.empty()) node.tip += "\ncgroup " + display_whole(p.cgroup_path, 300);
      graph_.nodes.push_back(std::move(node));
    }
  }

  // Only its leader's: where that is, the process is.
  std::vector<Stay> stays_of(const Process& p) const {
    std::vector<Stay> stays{{p.born, signs_.band(p.ns_id_at_birth)}};
    for (const model::Mark& mark : p.marks) {
      if (mark.tid == p.pid && !(mark.before == mark.after)) stays.push_back({mark.time, signs_.band(mark.after_id)});
    }
    return stays;
  }

  void end(const Process& p, Node& node) const {
    if (p.ended) {
      node.ended = p.ended->time;
      node.end_event = p.ended->event;
      if (const auto step = step_at_.find(p.ended->event); step != step_at_.end()) {
        node.ended_told = told_in_story(*step->second);
      }
    }
    if (!p.ended) {
      const bool tracked = model_.footer().has_value() && model_.header().calls_known;
      node.life = tracked ? Life::Running : Life::Unknown;
      if (tracked) node.ending = "running";
    } else if (p.ended->signal != 0) {
      node.life = Life::Failed;
      node.ending = trace::signal_name(p.ended->signal);
    } else {
      node.life = p.ended->code == 0 ? Life::Done : Life::Failed;
      node.ending = fmt::format("exit {}", p.ended->code);
    }
  }

  // From every container's first process up to the root of the picture. What was there before leads nowhere new.
  void mark_way() {
    for (const model::Container& container : model_.containers()) {
      if (!container.init) continue;
      const Process* p = &model_.processes()[*container.init];
      if (p->existed) {
        // A container that was entered: the way leads to those who came in, not to what they started in there.
        for (const ProcessId member : container.members) {
          const Process& one = model_.processes()[member];
          const auto creator = creator_of(one);
          const bool child = creator && inside(one) && inside(model_.processes()[*creator]) &&
                             model_.processes()[*creator].container == one.container;
          if (!one.existed && !child) mark_up(member);
        }
      } else {
        mark_up(p->id);
      }
    }
  }

  void mark_up(ProcessId id) {
    for (std::optional<ProcessId> at = id; at && node_[*at] && !graph_.nodes[*node_[*at]].way;
         at = selection_.creator[*at]) {
      graph_.nodes[*node_[*at]].way = true;
    }
  }

  void add_forks() {
    for (const Process& p : model_.processes()) {
      if (!node_[p.id] || !selection_.creator[p.id]) continue;
      const Process& creator = model_.processes()[*selection_.creator[p.id]];
      Edge edge;
      edge.from = *node_[creator.id];
      edge.to = *node_[p.id];
      edge.way = graph_.nodes[edge.to].way;
      edge.existed = p.existed || p.fork_event == 0;
      edge.event = p.fork_event;
      edge.time = p.born;
      const std::string flags = trace::flags_text(p.fork_flags, trace::clone_flags());
      if (edge.existed) {
        edge.tip = "its child since before the trace";
      } else {
        edge.tip = fmt::format("{} makes pid {}: {}", display_whole(creator.comm()), p.pid,
                               p.fork_flags == 0 ? "fork" : "clone(" + flags + ")");
      }
      label_fork(p, creator, edge);
      if (const auto step = step_at_.find(p.fork_event); step != step_at_.end())
        edge.told = told_in_story(*step->second);
      graph_.edges.push_back(std::move(edge));
    }
  }

  void label_fork(const Process& p, const Process& creator, Edge& edge) const {
    if (p.fork_event == 0) return;
    if (p.fork_flags & kCloneParent) {
      edge.label.push_back("clone(CLONE_PARENT)");
      if (p.parent && *p.parent != creator.id) {
        edge.label.push_back(fmt::format("child of pid {}", model_.processes()[*p.parent].pid));
      }
    }
    for (const Ns type : kBandOrder) {
      const std::uint64_t flag = trace::ns_clone_flag(type);
      if (flag == 0 || (p.fork_flags & flag) == 0) continue;
      edge.badges.push_back(signs_.badge(type, p.ns_id_at_birth[type]));
    }
    if (!edge.badges.empty() && edge.label.empty()) edge.label.push_back("clone, new:");
    if (edge.label.empty() && is_hook(p, creator)) edge.label.push_back("hook");
    if (edge.label.empty() && (p.fork_flags & kCloneVfork) == 0 && creator.existed && p.programs.empty()) {
      edge.label.push_back("fork");
    }
  }

  // A program that a runtime runs while it creates a container, other than itself.
  bool is_hook(const Process& p, const Process& creator) const {
    if (graph_.story) {
      return std::any_of(p.programs.begin(), p.programs.end(), [&](const model::Program& program) {
        const auto step = step_at_.find(program.event);
        return step != step_at_.end() && step->second->phase == story::Phase::Hooks;
      });
    }
    const model::Program* by = program_at(creator, p.born);
    if (!by || p.programs.empty() || p.programs.back().event == 0) return false;
    const std::string caller = headline(*by), called = headline(p.programs.back());
    const bool runtime = caller.ends_with(" create") || caller.ends_with(" run") || caller.ends_with(" start");
    const bool known = caller.starts_with("runc") || caller.starts_with("crun") || caller.starts_with("youki");
    return runtime && known && !called.ends_with(" init") && !p.container;
  }

  void add_folds() {
    const FoldWords words(model_, signs_, selection_, steps_);
    std::size_t folded = 0;
    for (const Fold& fold : selection_.folds) {
      folded += fold.count;
      if (!fold.under && fold.quiet) {
        graph_.notes.push_back(words.note(fold));
        continue;
      }
      Node node = words.node(fold);
      node.id = fmt::format("f{}", graph_.nodes.size());
      if (fold.under) {
        Edge edge;
        edge.from = *node_[*fold.under];
        edge.to = graph_.nodes.size();
        edge.tip = fmt::format("{} processes", fold.count);
        graph_.edges.push_back(std::move(edge));
        node.cluster = graph_.nodes[*node_[*fold.under]].cluster;
      } else if (const Process& one = model_.processes()[fold.members.front()]; inside(one)) {
        node.cluster = cluster_[*one.container];  // not set where nobody else of it is in the picture
      }
      graph_.nodes.push_back(std::move(node));
    }
    if (folded > 0) {
      graph_.notes.push_back(folded == 1 ? "1 process is folded; nstrace draw TRACE --all -o FILE shows it"
                                         : fmt::format("{} processes are folded; nstrace draw TRACE --all -o FILE "
                                                       "shows each",
                                                       folded));
    }
  }

  // One edge for each process and container (or maker of the namespaces) that it joined.
  void add_joins() {
    for (const Process& p : model_.processes()) {
      if (!node_[p.id]) continue;
      std::vector<Edge> joins;
      for (const model::Mark& mark : p.marks) {
        if (mark.call != "setns") continue;
        for (const NamespaceSigns::Change& change : signs_.changes(mark)) join(p, mark, change, joins);
      }
      for (Edge& edge : joins) {
        edge.tip = fmt::format("{} (pid {}) enters with setns:", display_whole(p.comm()), p.pid);
        for (const Badge& badge : edge.badges) edge.tip += '\n' + badge.tip;
        graph_.edges.push_back(std::move(edge));
      }
    }
  }

  void join(const Process& p, const model::Mark& mark, const NamespaceSigns::Change& change, std::vector<Edge>& joins) {
    const Badge& badge = change.badge;
    if (badge.kind != Badge::Kind::Own) return;  // back to the host's: the badge on the step says it
    Edge edge;
    edge.kind = Edge::Kind::Join;
    edge.from = *node_[p.id];
    edge.label = {"setns"};
    edge.event = mark.event;
    edge.time = mark.time;
    std::optional<std::size_t> to;
    for (const model::Container& container : model_.containers()) {
      if (!container.init || !node_[*container.init]) continue;
      if (namespaces_of(model_, container)[badge.type] != change.id) continue;
      to = node_[*container.init];
      edge.cluster = cluster_[container.id];
      break;
    }
    const auto maker = model_.namespaces()[change.id].maker;
    if (!to && maker) to = node_[*maker];
    edge.to = to ? *to : namespace_node(badge);
    if (edge.to == edge.from) return;
    for (Edge& known : joins) {
      if (known.to == edge.to) {
        known.badges.push_back(badge);
        return;
      }
    }
    edge.badges = {badge};
    joins.push_back(std::move(edge));
  }

  // A namespace whose processes are not in the picture gets a node of its own.
  std::size_t namespace_node(const Badge& badge) {
    const auto [at, fresh] = namespace_node_.try_emplace(badge.tip, graph_.nodes.size());
    if (fresh) {
      Node node;
      node.kind = Node::Kind::Namespace;
      node.id = fmt::format("n{}", graph_.nodes.size());
      node.title = badge.text;
      node.subtitle = "namespace";
      node.band = {badge};
      node.tip = badge.tip;
      graph_.nodes.push_back(std::move(node));
    }
    return at->second;
  }

  void number_steps() {
    if (graph_.story) return;
    std::vector<Row*> rows;
    for (Node& node : graph_.nodes) {
      for (Row& row : node.rows) {
        if (row.kind == Row::Kind::Exec || row.kind == Row::Kind::Mark) rows.push_back(&row);
      }
    }
    std::stable_sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) { return a->event < b->event; });
    int next = 0;
    for (Row* row : rows) row->told.step = ++next;
  }

  // Every namespace that is to be seen somewhere in the picture and is not the host's.
  void add_legend() {
    std::set<std::pair<Ns, int>> seen;
    const auto look = [&](const std::vector<Badge>& badges) {
      for (const Badge& badge : badges) {
        if (badge.kind == Badge::Kind::Own) seen.emplace(badge.type, badge.number);
      }
    };
    for (const Node& node : graph_.nodes) {
      look(node.band);
      for (const Row& row : node.rows) look(row.badges);
    }
    for (const Edge& edge : graph_.edges) look(edge.badges);
    for (const model::Namespace& ns : model_.namespaces()) {
      const Badge badge = signs_.badge(ns.type, ns.id);
      if (seen.erase({badge.type, badge.number}) == 0) continue;
      LegendEntry entry;
      entry.badge = badge;
      entry.text = fmt::format("{}:[{}]", ns_name(ns.type), ns.inode);
      graph_.legend.push_back(std::move(entry));
    }
    const auto place = [](const LegendEntry& entry) {
      const auto at = std::find(std::begin(kBandOrder), std::end(kBandOrder), entry.badge.type);
      return std::make_tuple(entry.badge.family, at - std::begin(kBandOrder), entry.badge.number);
    };
    std::stable_sort(graph_.legend.begin(), graph_.legend.end(),
                     [&](const LegendEntry& a, const LegendEntry& b) { return place(a) < place(b); });
  }

  const model::Model& model_;
  const DrawOptions& options_;
  NamespaceSigns signs_;
  Selection selection_;
  Graph graph_;
  std::vector<std::optional<std::size_t>> node_;         // by ProcessId
  std::vector<std::optional<std::size_t>> cluster_;      // by ContainerId
  StepsOf steps_;                                        // by ProcessId
  std::map<std::uint64_t, const story::Step*> step_at_;  // by first event
  std::map<std::string, std::size_t> namespace_node_;    // by tip, which names type and inode
};

}  // namespace

Graph build_tree(const model::Model& model, const DrawOptions& options) {
  return TreeBuilder(model, options).build();
}

}  // namespace nstrace::vis
