// SPDX-License-Identifier: MIT
#include "report/story_json.h"

#include <nlohmann/json.hpp>

#include "trace/text.h"

namespace nstrace::report {

using nlohmann::ordered_json;

namespace {

std::string_view kind_name(story::Kind kind) {
  switch (kind) {
    case story::Kind::Made:
      return "made";
    case story::Kind::Entered:
      return "entered";
    case story::Kind::Ended:
      return "ended";
    case story::Kind::Sandbox:
      return "sandbox";
    case story::Kind::Other:
      return "other";
    case story::Kind::Daemon:
      return "daemon";
  }
  return "";
}

void put(ordered_json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = trace::escape(text, "");
}

ordered_json change_json(const model::Model& model, const model::NsChange& change) {
  ordered_json o{{"ns", trace::ns_name(change.slot)}};
  if (change.before) o["before"] = change.before;
  o["after"] = model.namespaces()[change.to].inode;
  o["how"] = model::how_name(change.how);
  if (change.how == model::How::Joined && model.namespaces()[change.to].host) o["host"] = true;
  if (change.of) put(o, "container", model.containers()[*change.of].name);
  if (!change.proven) o["proven"] = false;
  return o;
}

}  // namespace

std::string story_json(const story::Story& story, const model::Model& model) {
  ordered_json chapters = ordered_json::array(), phases = ordered_json::array(), steps = ordered_json::array(),
               gaps = ordered_json::array();
  for (const story::Chapter& c : story.chapters()) {
    ordered_json o{{"chapter", c.id}, {"kind", kind_name(c.kind)}, {"title", c.title}};
    put(o, "container", c.container_id);
    put(o, "name", c.name);
    put(o, "image", c.image);
    put(o, "runtime", c.runtime);
    put(o, "runtime_version", c.family);
    put(o, "manager", c.manager);
    put(o, "program", c.program);
    o["begin"] = c.begin;
    o["end"] = c.end;
    o["begin_seen"] = !c.cut_before && !c.lost_before;
    chapters.push_back(std::move(o));
  }
  for (const story::PhaseSpan& s : story.phases()) {
    ordered_json o{{"chapter", s.chapter}, {"phase", story::phase_name(s.phase)}, {"seen", s.seen}};
    if (s.seen) {
      o["begin"] = s.begin;
      o["end"] = s.end;
      o["first_event"] = s.first_event;
      o["last_event"] = s.last_event;
      o["steps"] = s.steps;
    }
    phases.push_back(std::move(o));
  }
  for (const story::Step& s : story.steps()) {
    ordered_json o{{"step", s.number},
                   {"chapter", s.chapter},
                   {"phase", story::phase_name(s.phase)},
                   {"event", s.event},
                   {"last_event", s.last_event},
                   {"count", s.count},
                   {"begin", s.begin},
                   {"end", s.end},
                   {"pid", model.processes()[s.process].pid},
                   {"tid", s.tid},
                   {"rule", s.rule},
                   {"sentence", s.sentence},
                   {"brief", s.brief}};
    put(o, "comm", s.comm);
    if (s.calls.size() > 1) {
      ordered_json& calls = o["calls"] = ordered_json::object();
      for (const auto& [call, count] : s.calls) calls[call] = count;
    }
    if (!s.line.empty()) o["line"] = s.line;
    if (!s.changes.empty()) {
      ordered_json& changes = o["changes"] = ordered_json::array();
      for (const model::NsChange& change : s.changes) changes.push_back(change_json(model, change));
    }
    o["references"] = s.references;
    steps.push_back(std::move(o));
  }
  for (const story::Gap& g : story.gaps())
    gaps.push_back(ordered_json{{"event", g.event}, {"lost", g.count}, {"why", trace::escape(g.why, "")}});
  const ordered_json all{{"format", "nstrace-story"}, {"version", 1},   {"chapters", chapters},
                         {"phases", phases},          {"steps", steps}, {"lost", gaps}};
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace nstrace::report
