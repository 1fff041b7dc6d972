// SPDX-License-Identifier: MIT
#include "story/rule.h"

#include "trace/text.h"

namespace nstrace::story {
namespace {

bool one_of(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const auto bar = std::min(names.find('|'), names.size());
    if (names.substr(0, bar) == name) return true;
    names.remove_prefix(std::min(bar + 1, names.size()));
  }
  return false;
}

bool glob_one(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

On kind_of(const trace::Event& event) {
  if (event.as<trace::Fork>()) return On::Fork;
  if (event.as<trace::Exec>()) return On::Exec;
  if (event.as<trace::Exit>()) return On::Exit;
  if (event.as<trace::CgroupMove>()) return On::Cgroup;
  return On::Call;
}

}  // namespace

bool glob(std::string_view pattern, std::string_view text) {
  for (;;) {
    const auto bar = pattern.find('|');
    // Flags hold bars too: "A|B" as a text is matched by "*A*", and alternatives are whole patterns.
    if (glob_one(pattern.substr(0, bar), text)) return true;
    if (bar == pattern.npos) return false;
    pattern.remove_prefix(bar + 1);
  }
}

bool fits(const Rule& rule, const Moment& m) {
  if (rule.on != kind_of(m.event) || !(rule.who & m.actor.part)) return false;
  const trace::Call& call = m.call();
  if (!rule.call.empty() && !one_of(rule.call, call.name)) return false;
  for (std::size_t i = 0; i < rule.args.size(); ++i) {
    if (rule.args[i].empty()) continue;
    if (i >= call.args.size()) return false;
    const trace::Arg& arg = call.args[i];
    if (!glob(rule.args[i], arg.kind == trace::Arg::Kind::String ? arg.text : trace::arg_text(arg))) return false;
  }
  return !rule.when || rule.when(m);
}

const model::Container* container_of(const Moment& m) {
  const auto& containers = m.model.containers();
  // An id may be used again: the last is meant.
  for (auto c = containers.rbegin(); c != containers.rend(); ++c)
    if (!m.actor.id.empty() && c->name == m.actor.id) return &*c;
  return nullptr;
}

std::vector<const Rule*> all_rules() {
  std::vector<const Rule*> rules;
  for (const auto& table :
       {rules_commands(), rules_begin(), rules_gates(), rules_namespaces(), rules_root(), rules_rights(), rules_end()})
    for (const Rule& rule : table) rules.push_back(&rule);
  return rules;
}

}  // namespace nstrace::story
