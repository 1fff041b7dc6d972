// SPDX-License-Identifier: MIT
// Takes a model, gives text. First every process becomes a line without its place (what it is called, what it did to
// its namespaces, how it ended); then the lines are put below each other by true creator, those that look alike folded.
#include "report/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/at.h"
#include "model/changes.h"
#include "model/runtime.h"
#include "report/styled_line.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::report {

using model::Model;
using model::NamespaceId;
using model::Process;
using model::ProcessId;
using trace::Ns;

namespace {

constexpr Ns kShown[] = {Ns::Mnt, Ns::Uts, Ns::Ipc, Ns::Net, Ns::Pid, Ns::User, Ns::Cgroup, Ns::Time};

Ns for_children(Ns type) {
  if (type == Ns::Pid) return Ns::PidForChildren;
  if (type == Ns::Time) return Ns::TimeForChildren;
  return type;
}

bool is_long_id(std::string_view word) {
  return word.size() >= 32 && std::ranges::all_of(word, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::string short_id(std::string_view word) {
  return trace::escape(is_long_id(word) ? word.substr(0, 12) : word);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

// As much of printable UTF-8 as fits, "..." for the rest.
std::string cut(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit > 3 ? limit - 3 : 0;
  while (end && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

// As one would type it, shortened to what tells: ids as docker shows them, of a runtime or a monitor the verb and the
// id.
std::string command_text(const model::Program& program, std::size_t limit) {
  const std::string_view called = program.argv.empty() ? std::string_view(program.path) : program.argv[0];
  std::string text = trace::escape(model::base_name(called).empty() ? called : model::base_name(called));
  if (const auto command = model::runtime_command(program); command && !command->verb.empty()) {
    text += " " + trace::escape(command->verb);
    if (!command->id.empty()) text += " " + short_id(command->id);
    return cut(text, limit);
  }
  if (const auto monitor = model::monitor_command(program); monitor && !monitor->id.empty()) {
    if (program.argv.back() == "start" || program.argv.back() == "delete") text += " " + program.argv.back();
    text += " " + short_id(monitor->id);
    if (!monitor->name.empty()) text += " " + trace::quote(monitor->name);
    return cut(text, limit);
  }
  for (std::size_t i = 1; i < program.argv.size() && text.size() < limit; ++i) {
    const std::string& arg = program.argv[i];
    const bool plain = !arg.empty() && arg.find_first_of(" \t\n'\"\\$&|;<>()*?[]#~!{}`") == std::string::npos;
    text += " " + (plain ? short_id(arg) : trace::quote(arg));
  }
  return cut(text, limit);
}

std::string_view program_name(const model::Program& program) {
  return model::base_name(program.argv.empty() ? program.path : program.argv[0]);
}

std::string end_text(const Process& p) {
  if (p.end_unseen) return "end not seen";
  if (!p.ended) return "";
  if (p.ended->signal)
    return "killed by " + trace::signal_name(p.ended->signal) + (p.ended->core ? " (core dumped)" : "");
  return fmt::format("exited with {}", p.ended->code);
}

// A line without its place in the tree.
struct Part {
  std::string text;
  Style style;
  bool operator==(const Part&) const = default;
};
using Line = std::vector<Part>;

class Tree {
 public:
  Tree(const Model& model, const TreeOptions& options) : model_(model), options_(options), names_(model) {
    const auto& processes = model.processes();
    when_ = options.at ? *options.at : INT64_MAX;
    shown_.resize(processes.size());
    below_.resize(processes.size());
    for (const Process& p : processes) {
      now_.push_back(model::at(p, when_));
      shown_[p.id] = (p.followed || options.ancestors) && (!options.at || now_[p.id].alive);
    }
    for (const Process& p : processes) {
      if (!shown_[p.id]) continue;
      if (const auto up = shown_above(p))
        below_[*up].push_back(p.id);
      else
        roots_.push_back(p.id);
    }
  }

  std::string text() {
    if (const std::uint64_t lost = model_.lost())
      text_ += fmt::format("{} {} lost: processes may be missing here, and who is where may be incomplete.\n", lost,
                           lost == 1 ? "record was" : "records were");
    put(roots_, "", true);
    if (options_.tables) tables();
    return std::move(text_);
  }

 private:
  // Who made it; of those that are not shown (ended at that time), who made them.
  std::optional<ProcessId> shown_above(const Process& p) const {
    auto up = model_.origin(p);
    for (std::size_t steps = 0; up && !shown_[*up] && steps < 10000; ++steps)
      up = model_.origin(model_.processes()[*up]);
    return up && shown_[*up] && *up != p.id ? up : std::nullopt;
  }

  std::string who(const Process& p) const {
    std::string text = std::to_string(p.pid);
    for (std::size_t i = 1; i < p.pids.size(); ++i) text += fmt::format("/{}", p.pids[i]);
    return text;
  }

  // COMMAND's process begins as the tracer that starts it.
  bool begins_as_tracer(const Process& p, const model::Program& program) const {
    if (program.event || !p.parent || !model_.header().tracer_pid) return false;
    return model_.processes()[*p.parent].pid == model_.header().tracer_pid;
  }

  std::string called(const Process& p) const {
    const model::Snapshot& now = now_[p.id];
    std::string text;
    // Earlier programs of its own by their names: "sh > runc create abc".
    const std::string last = now.own_program ? command_text(*now.program, options_.command_limit) : "";
    for (const model::Program& program : p.programs) {
      if (&program == now.program) break;
      if ((!program.event && !p.existed) || begins_as_tracer(p, program)) continue;
      const std::string name = trace::escape(program_name(program));
      // Executed again, as a sealed copy or by another way to itself: no other program.
      if (name == program_name(*now.program) || text.ends_with(name + " > ")) continue;
      text += name + " > ";
    }
    text += last;
    const std::string comm = now.comm ? now.comm->comm : "";
    // The name it bears, unless that is its program's.
    const bool own = now.own_program;
    const std::string_view base =
        own ? model::base_name(now.program->argv.empty() ? now.program->path : now.program->argv[0])
            : std::string_view();
    const bool renamed = own && now.comm->event != now.program->event && comm != base.substr(0, 15);
    if (text.empty() || renamed) text += (text.empty() ? "<" : " <") + trace::escape(comm) + ">";
    return text;
  }

  // "makes mnt#2 pid#2 for its children": what is not as with whom it stands below.
  std::string where(const Process& p) const {
    const model::Snapshot& now = now_[p.id];
    const auto up = shown_above(p);
    std::string makes, prepares, enters, in, back, prepared_elsewhere;
    const auto add = [&](std::string& list, NamespaceId id) { list += " " + names_.name(id); };
    for (const Ns type : kShown) {
      const NamespaceId id = now.ns_id[type];
      const NamespaceId next = now.ns_id[for_children(type)];
      const NamespaceId of_up = up ? now_[*up].ns_id[type] : model::kNoNamespace;
      if (id != model::kNoNamespace) {
        const model::Namespace& ns = *model_.namespace_of(id);
        if (ns.maker == p.id)
          add(makes, id);
        else if (id != p.ns_id_at_birth[type] && p.ns_id_at_birth[type] != model::kNoNamespace)
          add(enters, id);
        else if (id != of_up && !(ns.host && !up))
          add(ns.host ? back : in, id);
      }
      if (next == id || next == model::kNoNamespace) continue;
      const model::Namespace& prepared = *model_.namespace_of(next);
      add(prepared.maker == p.id ? prepares : prepared_elsewhere, next);
    }
    std::string text;
    const auto put = [&](std::string_view word, const std::string& list, std::string_view rest = "") {
      if (!list.empty()) text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ", word, list, rest);
    };
    put("makes", makes);
    put("makes", prepares, " for its children");
    put("enters", enters);
    put("enters", prepared_elsewhere, " for its children");
    put("in", in);
    put("in", back);
    const std::string threads = by_threads(p);
    put("a thread of it makes", threads);
    return text;
  }

  // Namespaces that its other threads made.
  std::string by_threads(const Process& p) const {
    std::string list;
    for (const model::Mark& mark : p.marks) {
      if (mark.tid == p.pid || mark.time > when_ || mark.call != "unshare") continue;
      for (const Ns type : kShown) {
        const NamespaceId id = mark.after_id[for_children(type)];
        if (id == model::kNoNamespace || model_.namespace_of(id)->made_by != mark.event) continue;
        list += " " + names_.name(id);
      }
    }
    return list;
  }

  std::string container(const Process& p) const {
    if (!p.container) return "";
    const model::Container& c = model_.containers()[*p.container];
    const auto up = shown_above(p);
    const bool first = !up || model_.processes()[*up].container != p.container;
    if (c.init != p.id && !first) return "";
    const std::string name = container_name(c);
    return c.init == p.id ? "init of " + name : "in " + name;
  }

  static std::string container_name(const model::Container& c) {
    const std::string what =
        fmt::format("{} {}", model::kind_of(c), c.name.empty() ? std::to_string(c.id + 1) : short_id(c.name));
    return c.runtime.empty() ? what : fmt::format("{} ({})", what, trace::escape(c.runtime));
  }

  Line line(const Process& p) const {
    Line line{{" " + called(p), Style::Plain}};
    for (const std::string& part : {where(p), container(p)})
      if (!part.empty()) line.push_back({"  " + part, Style::Note});
    if (options_.ends && !options_.at)
      if (const std::string end = end_text(p); !end.empty())
        line.push_back({"  " + end, p.ended && (p.ended->code || p.ended->signal) ? Style::Failure : Style::Life});
    return line;
  }

  // Behind `begin`; what is too long goes on, from a blank or a bar between flags, behind `next`.
  void put_line(const std::string& begin, const std::string& next, const Line& line) {
    StyledLine out;
    out.add(begin);
    std::size_t column = columns(begin), least = column;
    for (const Part& part : line)
      for (std::size_t at = 0; at < part.text.size();) {
        const std::size_t word = std::min(part.text.find_first_not_of(' ', at), part.text.size());
        std::size_t end = std::min(part.text.find_first_of(" |", word), part.text.size());
        if (end < part.text.size() && part.text[end] == '|') ++end;
        const std::size_t wide = columns(std::string_view(part.text).substr(at, end - at));
        if (options_.width > 0 && column > least && column + wide > options_.width) {
          text_ += out.render(options_.color, 0);
          out = {};
          out.add(next);
          column = least = columns(next);
          at = word;
          continue;
        }
        out.add(std::string_view(part.text).substr(at, end - at), part.style);
        column += wide;
        at = end;
      }
    text_ += out.render(options_.color, 0);
  }
  void put_entry(const std::string& indent, const std::string& text) {
    put_line(indent, indent + "    ", {{text, Style::Plain}});
  }

  void put(const std::vector<ProcessId>& ids, const std::string& indent, bool root) {
    // Iterative where trees are deep: a chain of ten thousand processes is no reason to run out of stack.
    struct Level {
      const std::vector<ProcessId>* ids;
      std::size_t next;
      std::string indent;
      bool root;
    };
    std::vector<Level> levels{{&ids, 0, indent, root}};
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.next == level.ids->size()) {
        levels.pop_back();
        continue;
      }
      const std::size_t at = level.next++;
      const Process& p = model_.processes()[(*level.ids)[at]];
      Line text = line(p);
      std::string number = who(p);
      std::size_t like = 1;
      while (options_.fold && below_[p.id].empty() && level.next < level.ids->size()) {
        const Process& other = model_.processes()[(*level.ids)[level.next]];
        if (!below_[other.id].empty() || other.pids.size() != p.pids.size() || line(other) != text) break;
        number = who(p) + ".." + who(other);
        ++like;
        ++level.next;
      }
      if (like > 1) text.push_back({fmt::format("  x{}", like), Style::Life});
      const bool last = level.next == level.ids->size();
      const std::string bar = options_.ascii ? "|  " : "│  ";
      const std::string branch = level.root ? "" : options_.ascii ? (last ? "`- " : "|- ") : (last ? "└─ " : "├─ ");
      const std::string further = level.root ? "" : last ? "   " : bar;
      text.insert(text.begin(), {number, Style::Who});
      put_line(level.indent + branch, level.indent + further + (below_[p.id].empty() ? "   " : bar) + "   ", text);
      if (below_[p.id].empty()) continue;
      // Very deep trees are not indented for ever.
      const std::string next = level.indent.size() < kDeepest ? level.indent + further : level.indent;
      levels.push_back({&below_[p.id], 0, next, false});
    }
  }

  std::string process_name(ProcessId id) const {
    const Process& p = model_.processes()[id];
    return fmt::format("{} <{}>", who(p), trace::escape(p.comm()));
  }

  void tables() {
    bool any = false;
    for (const model::Container& c : model_.containers()) {
      const bool now = std::ranges::any_of(c.members, [&](ProcessId id) { return shown_[id]; });
      if (!now) continue;
      text_ += any ? "" : "\ncontainers\n";
      any = true;
      std::string spaces;
      for (const Ns type : kShown)
        if (const auto* ns = model_.namespace_of(type, c.ns[type]); ns && !ns->host)
          spaces += " " + names_.name(namespace_in(c, type, ns->id));
      const std::string name = container_name(c);
      put_entry("  ",
                fmt::format("{}{}{}{}, {} process{}", static_cast<char>(std::toupper(name[0])), name.substr(1),
                            c.image_name.empty() ? "" : fmt::format(" \"{}\"", trace::escape(c.image_name)),
                            spaces.empty() ? "" : ":" + spaces, c.members.size(), c.members.size() == 1 ? "" : "es"));
    }
    any = false;
    for (const model::Namespace& ns : model_.namespaces()) {
      if (ns.host || ns.first > when_) continue;
      text_ += any ? "" : "\nnamespaces\n";
      any = true;
      std::string text = fmt::format("{} = {}:[{}]", names_.name(ns.id), trace::ns_name(ns.type), ns.inode);
      if (ns.maker) text += ", made by " + process_name(*ns.maker);
      if (ns.owner && !model_.namespaces()[*ns.owner].host) text += ", owned by " + names_.name(*ns.owner);
      if (ns.left && *ns.left <= when_) text += ", left by all";
      for (const std::string& path : ns.mounts) text += ", held by a mount at " + trace::quote(path, 100);
      if (ns.doubtful) text += ", left by all and entered again: same inode, identity not proven";
      put_entry("  ", text);
    }
    changes();
  }

  // What each call changed about the namespaces of whoever made it.
  void changes() {
    struct Entry {
      std::uint64_t event = 0;
      std::string head;
      std::vector<model::NsChange> changes;
    };
    std::vector<Entry> entries;
    for (const Process& p : model_.processes()) {
      if (!p.followed || p.first > when_) continue;
      if (auto born = model::changes_at_birth(model_, p); !born.empty())
        entries.push_back(
            {p.fork_event,
             fmt::format("{} <{}>, made by {}", who(p), name_at(p, p.first), model_.processes()[*p.creator].pid),
             std::move(born)});
      for (const model::Mark& mark : p.marks) {
        if (mark.time > when_) continue;
        auto changed = model::changes(model_, mark);
        if (changed.empty()) continue;
        const std::string thread = mark.tid == p.pid ? "" : fmt::format(" thread {}", mark.tid);
        entries.push_back({mark.event, fmt::format("{} <{}>{}: {}", who(p), name_at(p, mark.time), thread, mark.text),
                           std::move(changed)});
      }
    }
    std::ranges::stable_sort(entries, {}, &Entry::event);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i == 0) text_ += "\nchanges\n";
      std::size_t like = 1;
      while (options_.fold && i + 1 < entries.size() && entries[i + 1].head == entries[i].head &&
             entries[i + 1].changes == entries[i].changes) {
        ++i;
        ++like;
      }
      put_entry("  ", entries[i].head + (like > 1 ? fmt::format("  x{}", like) : ""));
      for (const model::NsChange& c : entries[i].changes) put_entry("    ", model::change_text(model_, c));
    }
  }

  static std::string name_at(const Process& p, trace::Time time) {
    const model::Snapshot then = model::at(p, time);
    return then.comm ? trace::escape(then.comm->comm) : "";
  }

  // The container's own namespace where the number was used again later.
  NamespaceId namespace_in(const model::Container& c, Ns type, NamespaceId bears_now) const {
    if (!c.init) return bears_now;
    const Process& init = model_.processes()[*c.init];
    return init.ns[type] == c.ns[type] ? init.ns_id[type] : bears_now;
  }

  static constexpr std::size_t kDeepest = 300;  // bytes of indent
  const Model& model_;
  const TreeOptions& options_;
  NamespaceNames names_;
  trace::Time when_ = 0;
  std::vector<model::Snapshot> now_;           // by ProcessId
  std::vector<bool> shown_;                    // by ProcessId
  std::vector<std::vector<ProcessId>> below_;  // by ProcessId, of those shown
  std::vector<ProcessId> roots_;
  std::string text_;
};

}  // namespace

NamespaceNames::NamespaceNames(const Model& model) : model_(&model) {
  std::array<int, trace::kNsSlots> last;
  last.fill(1);
  for (const model::Namespace& ns : model.namespaces())
    number_.push_back(ns.host ? 1 : ++last[static_cast<std::size_t>(ns.type)]);
}

std::string NamespaceNames::name(NamespaceId id) const {
  if (id == model::kNoNamespace) return "?";
  return fmt::format("{}#{}", trace::ns_name(model_->namespaces()[id].type), number_[id]);
}

std::string tree_text(const Model& model, const TreeOptions& options) {
  return Tree(model, options).text();
}

}  // namespace nstrace::report
