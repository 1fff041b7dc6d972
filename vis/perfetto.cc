// SPDX-License-Identifier: MIT
// Takes a recording, gives trace events of the kinds X (slice), i (instant), s and f (flow), M (names). What must hold
// for the viewers: slices of one thread lie in each other or apart, so a change of name within a call counts from its
// end.
#include "vis/perfetto.h"

#include <algorithm>
#include <map>

#include "vis/facts.h"
#include "vis/headline.h"
#include "vis/json.h"
#include "vis/namespaces.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using model::Process;
using model::ProcessId;
using trace::Time;

constexpr std::string_view kCategory = "nstrace";  // Chromium ties a flow to slices of its own category only
constexpr std::int64_t kStory = 1'000'000'000, kReused = 10'000'000;  // pids that no process has: pid_max is 4,194,304

class Writer {
 public:
  Writer(const Recording& recording, const DrawOptions& options)
      : model_(recording), signs_(recording), graph_(build_tree(recording, options)) {}

  std::string write() {
    for (const Call& call : model_.calls()) end_ = std::max(end_, call.time);
    for (const Process& p : model_.processes()) {
      track_.push_back(p.pid + kReused * used_[p.pid]++);
      if (p.ended) end_ = std::max(end_, p.ended->time);
    }
    json_.open('{').text("displayTimeUnit", "ms").key("otherData").open('{').text("title", graph_.title);
    std::string facts;
    for (const std::string& fact : graph_.facts) facts += (facts.empty() ? "" : ", ") + fact;
    json_.text("facts", facts).text("loss", graph_.loss).close().key("traceEvents").open('[');
    for (const Process& p : model_.processes()) {
      if (p.existed && !p.followed) continue;  // an ancestor, of which nothing is recorded
      add_names(p);
      add_spans(p);
    }
    for (const Call& call : model_.calls()) add_call(call);
    add_flows();
    add_steps();
    json_.line();
    json_.close().close();
    return json_.take() + '\n';
  }

 private:
  Json& begin(std::string_view phase, std::int64_t pid, std::int64_t tid, std::string_view name) {
    json_.line();
    return json_.open('{').text("ph", phase).number("pid", pid).number("tid", tid).text("name", name);
  }
  Json& at(Time time) { return json_.key("ts").micro(std::max<Time>(time, 0)); }

  void add_names(const Process& p) {
    begin("M", track_[p.id], track_[p.id], "process_name").key("args").open('{');
    json_.text("name", headline(p) + ", " + pid_text(p)).close().close();
    begin("M", track_[p.id], track_[p.id], "process_sort_index").key("args").open('{');
    json_.number("sort_index", p.id).close().close();
  }

  void add_namespaces(const model::NsIds& ids) {
    for (const Badge& badge : signs_.band(ids)) {
      json_.text(ns_name(badge.type), badge.kind == Badge::Kind::Host ? "host" : badge.text);
    }
  }

  // The end of a call by the leader in the midst of which `time` lies, else `time`.
  Time behind_call(const Process& p, Time time) const {
    const auto list = leader_calls_.find(p.id);
    if (list == leader_calls_.end()) return time;
    const auto call = std::upper_bound(list->second.begin(), list->second.end(), time,
                                       [](Time t, const std::pair<Time, Time>& c) { return t < c.second; });
    return call != list->second.end() && call->first < time ? call->second : time;
  }

  // Viewers reckon in fractions of microseconds, where begin + length is not quite the end: without a nanosecond
  // between them, a call that ends with its slice, or a slice that begins with the end of another, is taken to overlap.
  static Time apart(Time time, Time by) { return time % 1000 == 0 ? time : time + by; }

  // What it was called, one slice after the other.
  void add_spans(const Process& p) {
    if (leader_calls_.empty()) {
      for (const Call& call : model_.calls()) {
        if (call.process && call.tid == model_.processes()[*call.process].pid) {
          leader_calls_[*call.process].emplace_back(call.start, call.time);
        }
      }
    }
    const std::vector<Called> names = names_of(p, launched(model_, p));
    const Time end = p.ended ? p.ended->time : end_;
    for (std::size_t i = 0; i < names.size();) {
      std::size_t next = i + 1;
      while (next < names.size() && names[next].name == names[i].name) ++next;
      const Time from = i == 0 ? std::max<Time>(p.born, 0) : behind_call(p, names[i].since);
      const Time to = next < names.size() ? behind_call(p, names[next].since) : end;
      if (to > from) add_span(p, names[i], i == 0 ? from : apart(from, 2), apart(to, 1));
      i = next;
    }
  }

  void add_span(const Process& p, const Called& called, Time from, Time to) {
    begin("X", track_[p.id], track_[p.id], called.name);
    at(from).key("dur").micro(to - from);
    json_.text("cat", kCategory).key("args").open('{').text("pids", pid_text(p));
    if (const model::Program* program = program_at(p, from)) {
      json_.text("program", display_whole(program->path, 500)).text("arguments", command_line(program->argv));
    }
    if (p.container) json_.text("container", display_whole(model_.containers()[*p.container].name, 100));
    model::NsIds ids = p.ns_id_at_birth;
    for (const model::Mark& mark : p.marks) {
      if (mark.tid == p.pid && mark.time <= from) ids = mark.after_id;
    }
    add_namespaces(ids);
    json_.close().close();
  }

  void add_call(const Call& call) {
    if (!call.process) return add_loss(call);
    const Process& p = model_.processes()[*call.process];
    const std::int64_t tid = call.tid == p.pid ? track_[p.id] : call.tid;
    const bool slice =
        call.kind == Call::Kind::Syscall || call.kind == Call::Kind::Fork || call.kind == Call::Kind::Exec;
    begin(slice ? "X" : "i", track_[p.id], tid, call.name);
    if (slice) {
      at(call.start).key("dur").micro(call.time - std::max<Time>(call.start, 0));
    } else {
      at(call.time).text("s", "t");
    }
    json_.text("cat", kCategory).key("args").open('{').text("kind", kind_name(call.kind)).text("call", call.text);
    if (!call.result.empty()) json_.text("result", call.result);
    json_.number("event", static_cast<std::int64_t>(call.event));
    const auto mark = std::lower_bound(p.marks.begin(), p.marks.end(), call.event,
                                       [](const model::Mark& m, std::uint64_t event) { return m.event < event; });
    if (mark != p.marks.end() && mark->event == call.event) {
      for (const NamespaceSigns::Change& change : signs_.changes(*mark)) {
        json_.text(ns_name(change.badge.type), change.badge.kind == Badge::Kind::Host ? "host" : change.badge.text);
      }
    }
    json_.close().close();
  }

  void add_loss(const Call& call) {
    begin("i", kStory, kStory, call.text);
    at(call.time).text("s", "g").text("cat", "lost").close();
  }

  void flow(std::string_view name, const Process& from, std::int64_t tid, Time start, const Process& to, Time end) {
    ++flows_;
    begin("s", track_[from.id], tid, name);
    at(start).text("cat", kCategory).number("id", flows_).close();
    begin("f", track_[to.id], track_[to.id], name);
    at(std::max(start, end)).text("cat", kCategory).number("id", flows_).text("bp", "e").close();
  }

  void add_flows() {
    std::map<std::uint64_t, const Call*> calls;
    for (const Call& call : model_.calls()) {
      if (call.process && !call.thread) calls[call.event] = &call;
    }
    for (const Process& p : model_.processes()) {
      const auto call = calls.find(p.fork_event);
      if (p.fork_event == 0 || call == calls.end()) continue;
      const Process& creator = model_.processes()[*call->second->process];
      const std::int64_t tid = call->second->tid == creator.pid ? track_[creator.id] : call->second->tid;
      flow("fork", creator, tid, call->second->start, p, p.born);
    }
    for (const Edge& edge : graph_.edges) {
      const auto call = calls.find(edge.event);
      if (edge.kind != Edge::Kind::Join || call == calls.end()) continue;
      const auto from = graph_.nodes[edge.from].process, to = graph_.nodes[edge.to].process;
      if (!from || !to) continue;
      const Process &who = model_.processes()[*from], &whom = model_.processes()[*to];
      if (whom.born > call->second->time || (whom.ended && whom.ended->time <= call->second->time)) continue;
      const std::int64_t tid = call->second->tid == who.pid ? track_[who.id] : call->second->tid;
      flow("setns", who, tid, call->second->start, whom, call->second->time);
    }
  }

  // The numbered steps of the pictures, on a track of their own above all.
  void add_steps() {
    begin("M", kStory, kStory, "process_name").key("args").open('{').text("name", "steps").close().close();
    begin("M", kStory, kStory, "process_sort_index").key("args").open('{').number("sort_index", -1).close().close();
    std::vector<std::pair<const Row*, const Node*>> rows;
    for (const Node& node : graph_.nodes) {
      for (const Row& row : node.rows) {
        if (row.told.step > 0) rows.emplace_back(&row, &node);
      }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.first->event < b.first->event; });
    for (const auto& [row, node] : rows) {
      begin("i", kStory, kStory, std::to_string(row->told.step) + " " + (row->brief.empty() ? row->text : row->brief));
      at(row->time).text("s", "p").text("cat", "step").key("args").open('{').text("process", node->title);
      json_.close().close();
    }
  }

  const Recording& model_;
  NamespaceSigns signs_;
  Graph graph_;
  Json json_;
  std::vector<std::int64_t> track_;   // by ProcessId: the pid that it has here
  std::map<int, std::int64_t> used_;  // how often a pid was handed out
  std::map<ProcessId, std::vector<std::pair<Time, Time>>> leader_calls_;
  std::int64_t flows_ = 0;
  Time end_ = 0;
};

}  // namespace

std::string to_perfetto(const Recording& recording, const DrawOptions& options) {
  return Writer(recording, options).write();
}

}  // namespace nstrace::vis
