// SPDX-License-Identifier: MIT
// Takes a recording and the graph of its tree, gives JSON. Nothing is decided here: names, colours and steps are the
// graph's, so the page says the same as the pictures.
#include "vis/page_data.h"

#include <algorithm>
#include <set>

#include "vis/headline.h"
#include "vis/json.h"
#include "vis/moments.h"
#include "vis/namespaces.h"
#include "vis/style.h"
#include "vis/text.h"

namespace nstrace::vis {
namespace {

using model::Process;

class Writer {
 public:
  Writer(const Recording& recording, const Graph& graph) : model_(recording), graph_(graph), signs_(recording) {}

  std::string write() {
    json_.open('{');
    json_.text("title", graph_.title).key("facts").open('[');
    for (const std::string& fact : graph_.facts) json_.text(fact);
    json_.close().text("loss", graph_.loss).flag("lossy", graph_.lossy).flag("timed", graph_.timed);
    json_.key("notes").open('[');
    for (const std::string& note : graph_.notes) json_.text(note);
    json_.close();
    add_namespaces();
    add_containers();
    add_processes();
    add_story();
    add_path();
    add_sentences();
    add_calls();
    json_.close();
    return json_.take();
  }

 private:
  void section(std::string_view name) {
    json_.line();
    json_.key(name).open('[');
  }

  void add_namespaces() {
    section("ns");
    for (const model::Namespace& ns : model_.namespaces()) {
      const Badge badge = signs_.badge(ns.type, ns.id);
      json_.open('{').text("type", ns_name(ns.type)).text("text", badge.text).text("tip", badge.tip);
      json_.flag("host", badge.kind != Badge::Kind::Own);
      if (badge.kind == Badge::Kind::Own) json_.text("colour", family_colour(badge.family, badge.type));
      if (ns.owner) json_.number("owner", *ns.owner);
      if (ns.parent) json_.number("parent", *ns.parent);
      json_.close();
    }
    json_.close();
  }

  void add_containers() {
    section("containers");
    for (const model::Container& container : model_.containers()) {
      const std::string name = display_whole(container.name, 200);
      json_.open('{').text("name", is_long_id(name) ? name.substr(0, 12) : name);
      json_.text("runtime", display_whole(container.runtime, 100));
      json_.text("colour", family_colour(signs_.family(container)));
      const model::NsIds ids = namespaces_of(model_, container);
      json_.key("ns");
      add_ids(ids);
      json_.close();
    }
    json_.close();
  }

  void add_ids(const model::NsIds& ids) {
    json_.open('[');
    for (const trace::Ns type : kBandOrder) {
      if (ids[type] == model::kNoNamespace) {
        json_.number(-1);
      } else {
        json_.number(ids[type]);
      }
    }
    json_.close();
  }

  void add_processes() {
    section("processes");
    std::vector<const Node*> node(model_.processes().size());
    for (const Node& each : graph_.nodes) {
      if (each.process) node[*each.process] = &each;
    }
    for (const Process& p : model_.processes()) {
      json_.line();
      json_.open('{').number("pid", p.pid).text("pids", pid_text(p)).text("name", headline(p));
      if (node[p.id]) json_.text("node", node[p.id]->id);
      if (const auto creator = p.creator ? p.creator : p.parent) json_.number("creator", *creator);
      if (p.container) json_.number("container", *p.container);
      json_.number("born", static_cast<std::int64_t>(p.fork_event)).number("since", p.born);
      json_.flag("followed", p.followed || !p.existed);
      if (p.ended) {
        json_.number("end", static_cast<std::int64_t>(p.ended->event)).number("until", p.ended->time);
        json_.flag("failed", p.ended->signal != 0 || p.ended->code != 0);
      }
      json_.key("called").open('[');
      for (const Called& called : names_of(p, launched(model_, p))) {
        json_.number(static_cast<std::int64_t>(called.event)).text(called.name);
      }
      json_.close().key("ns").open('[');
      json_.number(0);
      add_ids(p.ns_id_at_birth);
      for (const model::Mark& mark : p.marks) {
        if (mark.tid != p.pid || mark.before == mark.after) continue;
        json_.number(static_cast<std::int64_t>(mark.event));
        add_ids(mark.after_id);
      }
      json_.close().close();
    }
    json_.close();
  }

  // [event, last event, process, kind, step, text, words, badges, time, other process]: one for each row, fork and end.
  void add_story() {
    struct Item {
      std::uint64_t event = 0;
      const Node* node = nullptr;
      const Row* row = nullptr;
      const Edge* edge = nullptr;
      const Gap* gap = nullptr;
    };
    std::vector<Item> items;
    for (const Gap& gap : graph_.gaps) items.push_back({.event = gap.event, .gap = &gap});
    for (const Node& node : graph_.nodes) {
      if (!node.process) continue;
      for (const Row& row : node.rows) {
        if (row.event != 0 && row.kind != Row::Kind::Made && row.kind != Row::Kind::Ended)
          items.push_back({row.event, &node, &row});
      }
      if (node.ended) items.push_back({node.end_event, &node});
    }
    for (const Edge& edge : graph_.edges) {
      if (edge.kind != Edge::Kind::Fork || edge.event == 0) continue;
      if (!graph_.nodes[edge.from].process || !graph_.nodes[edge.to].process) continue;
      items.push_back({edge.event, &graph_.nodes[edge.from], nullptr, &edge});
    }
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.event < b.event; });
    section("story");
    for (const Item& item : items) {
      json_.line();
      json_.open('{').number("e", static_cast<std::int64_t>(item.event));
      json_.number("p", item.node ? static_cast<std::int64_t>(*item.node->process) : -1);
      if (item.gap) {
        json_.text("kind", "lost").text("text", item.gap->text).flag("failed", true);
      } else if (item.row) {
        add_row(*item.row);
      } else if (item.edge) {
        json_.text("kind", "fork").number("to", *graph_.nodes[item.edge->to].process);
        std::string text = makes_text(graph_.nodes[item.edge->to]);
        if (!item.edge->label.empty() && item.edge->badges.empty()) text += ", " + item.edge->label.front();
        json_.text("text", text);
        add_badges(item.edge->badges);
        if (item.edge->way) json_.flag("way", true);
        add_told(item.edge->told);
      } else {
        json_.text("kind", "end").text("text", item.node->ending);
        if (item.node->life == Life::Failed) json_.flag("failed", true);
        add_told(item.node->ended_told);
      }
      json_.close();
    }
    json_.close();
  }

  void add_row(const Row& row) {
    if (row.last != row.event) json_.number("last", static_cast<std::int64_t>(row.last));
    switch (row.kind) {
      case Row::Kind::Exec:
        json_.text("kind", "exec").text("text", row.brief);
        break;
      case Row::Kind::Name:
        json_.text("kind", "name").text("text", row.text);
        break;
      case Row::Kind::Before:
      case Row::Kind::Mark:
      case Row::Kind::Step:
      case Row::Kind::Made:
      case Row::Kind::Ended:
      case Row::Kind::Note:
        json_.text("kind", "mark").text("text", row.text);
        break;
    }
    if (row.told.step > 0) {
      add_told(row.told);
    }
    if (row.told.meaning.empty() && !row.words.empty()) {
      std::string words;
      for (const std::string& line : row.words) words += (words.empty() ? "" : " ") + line;
      json_.text("words", words);
    }
    add_badges(row.badges);
  }

  void add_told(const Told& told) {
    if (told.step == 0) return;
    json_.number("step", told.step);
    if (told.phase >= 0) json_.number("phase", told.phase);
    if (!told.meaning.empty()) json_.text("words", told.meaning);
  }

  void add_badges(const std::vector<Badge>& badges) {
    if (badges.empty()) return;
    json_.key("badges").open('[');
    for (const Badge& badge : badges) json_.text(badge.text);
    json_.close();
  }

  // [process, from event, to event, ...]: what the program's begin waited for, the latest first.
  void add_path() {
    section("path");
    const std::vector<PathPart> path = graph_.paths.empty() ? std::vector<PathPart>() : graph_.paths.front();
    for (auto part = path.rbegin(); part != path.rend(); ++part) {
      json_.number(static_cast<std::int64_t>(*graph_.nodes[part->node].process));
      json_.number(static_cast<std::int64_t>(part->first_event));
      json_.number(static_cast<std::int64_t>(part->last_event));
    }
    json_.close();
  }

  // The steps in whole sentences, and the phases that they are in.
  void add_sentences() {
    section("phases");
    for (const Phase& phase : graph_.phases) json_.open('{').text("name", phase.title).text("what", phase.what).close();
    json_.close();
    section("steps");
    if (graph_.story) {
      for (const story::Step& step : model_.story().steps()) {
        json_.line();
        json_.open('{').number("n", step.number).number("e", static_cast<std::int64_t>(step.event));
        json_.number("last", static_cast<std::int64_t>(std::max(step.event, step.last_event)));
        json_.number("p", step.process).number("chapter", step.chapter).number("phase", static_cast<int>(step.phase));
        json_.text("text", display_whole(step.sentence, 4000)).key("see").open('[');
        for (const std::string_view reference : step.references) json_.text(reference);
        json_.close().close();
      }
    }
    json_.close();
    section("chapters");
    if (graph_.story) {
      for (const story::Chapter& chapter : model_.story().chapters()) json_.text(display_whole(chapter.title, 500));
    }
    json_.close();
  }

  // [event, process or -1, tid, kind, begin, end, text, result, 1 failed | 2 a thread's]
  void add_calls() {
    section("calls");
    for (const Call& call : model_.calls()) {
      json_.line();
      json_.open('[').number(static_cast<std::int64_t>(call.event));
      json_.number(call.process ? static_cast<std::int64_t>(*call.process) : -1).number(call.tid);
      json_.text(kind_name(call.kind)).number(call.start).number(call.time).text(call.text).text(call.result);
      json_.number((call.failed ? 1 : 0) | (call.thread ? 2 : 0)).close();
    }
    json_.close();
  }

  const Recording& model_;
  const Graph& graph_;
  NamespaceSigns signs_;
  Json json_;
};

}  // namespace

std::string page_data(const Recording& recording, const Graph& graph) {
  return Writer(recording, graph).write();
}

}  // namespace nstrace::vis
