// SPDX-License-Identifier: MIT
// Telling happens in two parts: while events come, each becomes a step of a chapter, or joins one; at the end, the
// steps of a chapter are put in stretches of one phase and numbered. Processes that run side by side are told apart
// so: a step may join an earlier stretch of its phase as long as its own process did nothing in between, and was made
// before. Hooks stay where they were called: what came before them is why they were called then.
#include "story/story.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "story/chapters.h"
#include "story/rule.h"
#include "story/words.h"
#include "trace/constants.h"
#include "trace/text.h"

namespace nstrace::story {

using model::Process;
using model::ProcessId;

namespace {

constexpr std::size_t kLine = 160;     // bytes of the call that a step quotes, about
constexpr std::size_t kTerminal = 70;  // of those, what a terminal of usual width shows
constexpr std::size_t kString = 48;    // bytes of a string in it
constexpr std::size_t kChanges = 24;
constexpr std::size_t kBriefly = 6;  // of a list in a few words

struct Draft {
  Step step;
  const Rule* rule = nullptr;
  std::vector<std::string> each;
  std::unordered_set<std::string> known;  // what is in `each`
};

// A place in the source of a runtime other than this one.
bool of_another(std::string_view reference, std::string_view runtime) {
  if (runtime.empty() || runtime == "nstrace lab") return false;
  for (const std::string_view name : {"runc", "crun", "youki", "bubblewrap"})
    if (reference.starts_with(name) && reference.substr(name.size(), 1) != "-")  // "runc-exec(8)"
      return runtime != name && !(name == "bubblewrap" && runtime == "bwrap");
  return false;
}

// Of a long path the end says more than the middle, and of an id its beginning is enough.
std::string middle_cut(const std::string& path) {
  std::string text;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    const bool id = part.size() >= 32 && part.find_first_not_of("0123456789abcdef") == part.npos;
    text += (id ? part.substr(0, 12) : part) + (end < path.size() ? "/" : "");
    at = end + 1;
  }
  if (text.size() <= kString) return text;
  std::size_t head = kString / 3, tail = text.size() - kString / 2;
  while (head > 0 && (static_cast<unsigned char>(text[head]) & 0xC0) == 0x80) --head;
  if (const std::size_t slash = text.find('/', tail); slash != text.npos) tail = slash;
  while (tail < text.size() && (static_cast<unsigned char>(text[tail]) & 0xC0) == 0x80) ++tail;
  return text.substr(0, head) + "..." + text.substr(tail);
}

// What tells most in a short line: paths with their ends, and where that is not short, the descriptors bare of the
// folders from which names are looked up.
trace::Call short_paths(trace::Call call) {
  for (trace::Arg& arg : call.args)
    if (arg.kind == trace::Arg::Kind::String && arg.text.size() > kString && arg.text.starts_with('/'))
      arg.text = middle_cut(arg.text);
  return call;
}
trace::Call without_folders(trace::Call call) {
  for (std::size_t i = 0; i + 1 < call.args.size(); ++i)
    if (call.args[i].name.ends_with("dirfd") && !call.args[i + 1].text.empty()) call.args[i].target.clear();
  return call;
}

std::string line_of(const trace::Event& event) {
  trace::TextOptions options;
  options.string_limit = kString;
  options.list_limit = 12;
  options.comments = false;
  std::string line;
  if (!event.call.name.empty()) {
    const trace::Call call = short_paths(event.call);
    line = trace::call_text(call, options);
    if (line.size() > kTerminal) line = trace::call_text(without_folders(call), options);
    if (line.size() > kLine) {
      std::size_t cut = kLine;
      while (cut < line.size() && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) ++cut;
      line = line.substr(0, cut) + "...";
    }
    return line + " = " + trace::result_text(event.call) + (event.call.abi.empty() ? "" : " /* 32-bit call */");
  }
  if (const auto* exec = event.as<trace::Exec>()) return "execve(" + trace::quote(exec->path) + ", ...) = 0";
  if (const auto* exit = event.as<trace::Exit>())
    return exit->signal ? "killed by " + trace::signal_name(exit->signal) : "exited with " + std::to_string(exit->code);
  if (const auto* move = event.as<trace::CgroupMove>()) return "moved to cgroup " + trace::quote(move->path, 100);
  if (event.as<trace::Fork>()) return "clone(...)";
  return "";
}

}  // namespace

class Teller {
 public:
  Teller(const model::Model& model, bool keep) : keep_(keep), model_(model), actors_(model), chapters_(model) {
    for (const Rule* rule : all_rules()) {
      if (rule->on != On::Call) {
        others_.push_back(rule);
        continue;
      }
      std::string_view names = rule->call;
      while (!names.empty()) {
        const auto bar = std::min(names.find('|'), names.size());
        by_call_[names.substr(0, bar)].push_back(rule);
        names.remove_prefix(std::min(bar + 1, names.size()));
      }
    }
  }

  void event(const trace::Event& event) {
    brief.clear();
    if (const auto* lost = event.as<trace::Lost>()) {
      gaps.push_back({event.number, lost->count, lost->why});
      return;
    }
    if (!event.who.tgid) return;
    const Process* process = model_.process_of(event.who.tgid, event.who.born);
    if (!process) return;
    const auto* fork = event.as<trace::Fork>();
    const auto* exit = event.as<trace::Exit>();
    const std::vector<const Rule*>* rules = nullptr;
    if (event.as<trace::Syscall>()) {
      if (keep_) remember_failure(*process, event);
      if (!event.call.result || event.call.failed()) return;
      const auto found = by_call_.find(event.call.name);
      if (found == by_call_.end()) return;
      rules = &found->second;
    } else {
      if (event.as<trace::Rename>() || event.as<trace::NamespaceSeen>() || event.as<trace::Signal>()) return;
      if ((fork && fork->thread()) || (exit && !process->ended)) return;
      rules = &others_;
    }
    if (exit) end_hook(*process, event);
    const bool exec = event.as<trace::Exec>() != nullptr;
    const Actor* last = exec ? actors_.last(process->id) : nullptr;
    const Actor before = last ? *last : Actor();
    // Who is about to enter a container forbids others to look into it, as runc does; who makes one has no need to.
    if (event.call.name == "prctl" && process->comm().starts_with("lab:[0") && !event.call.args.empty() &&
        trace::arg_text(event.call.args[0]) == "PR_SET_DUMPABLE")
      actors_.enters(process->id);
    const Actor* known = actors_.last(process->id);
    const bool unsure = known && known->part & kStages && known->verb.empty();
    const Actor& actor = actors_.of(process->id);
    relearnt_ = unsure && !actor.verb.empty() ? std::optional(process->id) : std::nullopt;
    if (fork)
      if (const Process* child = model_.process_of(fork->child.tgid, fork->child.born)) actors_.of(child->id);
    const Moment moment{event,
                        model_,
                        *process,
                        actor,
                        exec ? before : actor,
                        model_.ns_before(),
                        actor.session && begun_.count(*actor.session) > 0,
                        exit ? last_failure(process->id) : nullptr};
    for (const Rule* rule : *rules)
      if (fits(*rule, moment) && !(rule->once && told_before(*rule, process->id))) return tell(*rule, moment);
  }

  void finish();
  void wait_for_start(std::size_t first_span);
  void look_for_names() { chapters_.look_for_names(); }

  std::vector<Step> steps;
  std::vector<PhaseSpan> phases;
  std::vector<Gap> gaps;
  std::string brief;
  const std::vector<Chapter>& chapters() const { return chapters_.all(); }

 private:
  void tell(const Rule& rule, const Moment& m) {
    const std::string raw = fill(rule.brief, m);  // {each} is to be filled in still
    std::string word = rule.each.empty() ? "" : fill(rule.each, m);
    brief = fold(raw, word.empty() ? std::vector<std::string>() : std::vector<std::string>{word}, 1);
    last_[m.process.id] = &rule;
    if (rule.phase == Phase::Program && m.event.as<trace::Exec>() && m.before.session) begun_.insert(*m.before.session);
    if (rule.once) told_.insert({m.process.id, &rule});
    if (!keep_) return;
    const ChapterId chapter = chapters_.of(m, rule.phase);
    if (drafts_.size() <= chapter) drafts_.resize(chapter + 1);
    std::vector<Draft>& drafts = drafts_[chapter];
    const bool folds = rule.fold || !rule.each.empty();
    if (relearnt_ == m.process.id && m.event.as<trace::Syscall>()) retell(drafts, rule, m);
    Draft* draft = folds ? earlier(drafts, rule, m.process.id) : nullptr;
    if (!draft) {
      draft = &drafts.emplace_back();
      Step& s = draft->step;
      s.chapter = chapter;
      s.event = m.event.number;
      s.begin = m.event.start && m.event.start <= m.event.time ? m.event.start : m.event.time;
      s.process = m.process.id;
      s.tid = m.event.who.tid;
      s.comm = m.event.who.comm;
      if (const auto* exec = m.event.as<trace::Exec>()) s.comm = exec->comm_before;
      s.line = line_of(m.event);
      s.count = 0;
      put_words(*draft, rule, m);
    }
    // A daemon whose threads come and go would fill pages.
    if (draft->step.changes.size() < kChanges)
      for (model::NsChange& change : model::changes(model_, m.event))
        if (std::ranges::find(draft->step.changes, change) == draft->step.changes.end())
          draft->step.changes.push_back(std::move(change));
    ++draft->step.count;
    if (!m.event.call.name.empty()) {
      auto& calls = draft->step.calls;
      const std::string name = trace::escape(m.event.call.name);
      const auto known = std::ranges::find(calls, name, &std::pair<std::string, std::uint32_t>::first);
      if (known != calls.end())
        ++known->second;
      else
        calls.emplace_back(name, 1);
    }
    draft->step.last_event = m.event.number;
    draft->step.end = m.event.time;
    if (rule.phase == Phase::Hooks && m.event.as<trace::Exec>()) hooks_[m.process.id] = {chapter, drafts.size() - 1};
    if (!word.empty() && draft->known.insert(word).second) draft->each.push_back(std::move(word));
  }

  // A hook's step lasts as long as the hook, since the runtime waits for it.
  void end_hook(const Process& process, const trace::Event& event) {
    const auto hook = hooks_.find(process.id);
    if (hook == hooks_.end()) return;
    Step& step = drafts_[hook->second.first][hook->second.second].step;
    step.end = event.time;
    step.last_event = event.number;
    hooks_.erase(hook);
  }

  // What is said of a step.
  static void put_words(Draft& draft, const Rule& rule, const Moment& m) {
    draft.rule = &rule;
    Step& s = draft.step;
    s.phase = rule.phase;
    s.sentence = fill(rule.sentence, m);
    if (s.sentence.starts_with("the ")) s.sentence[0] = 'T';  // a word that was filled in
    s.brief = fill(rule.brief, m);
    s.references.clear();
    for (const std::string_view reference : rule.references)
      if (!reference.empty() && !of_another(reference, m.actor.runtime)) s.references.push_back(reference);
    s.rule = rule.name;
  }

  // Only now it is clear that the process enters a container: what it joined before, it joined for that.
  static void retell(std::vector<Draft>& drafts, const Rule& rule, const Moment& m) {
    for (Draft& draft : drafts)
      if (draft.step.process == m.process.id && draft.rule != &rule && draft.rule->call == rule.call)
        put_words(draft, rule, m);
  }

  // Whether the last call of one who sets up was in vain: if it then ends, this is likely why. A folder that is there
  // already, a capability that the kernel does not have, a call that was only tried or a process that has ended already
  // is no reason to give up.
  void remember_failure(const Process& process, const trace::Event& event) {
    const trace::Call& call = event.call;
    if (!call.result) return;
    const bool fatal = call.failed() && *call.result != -EEXIST && *call.result != -EFAULT && call.name != "prctl" &&
                       call.name != "kill" && call.name != "pidfd_send_signal";
    if (!fatal) {
      if (!failures_.empty()) failures_.erase(process.id);
      return;
    }
    const Actor* actor = actors_.last(process.id);
    if (actor && actor->part & kBuilders) failures_[process.id] = event;
  }
  const trace::Event* last_failure(ProcessId process) const {
    const auto failure = failures_.find(process);
    return failure == failures_.end() ? nullptr : &failure->second;
  }

  bool told_before(const Rule& rule, ProcessId process) const {
    const auto last = last_.find(process);
    return told_.count({process, &rule}) && (last == last_.end() || last->second != &rule);
  }

  // The step that repeats of this rule join: of the same process, with nothing of another phase of it since.
  static Draft* earlier(std::vector<Draft>& drafts, const Rule& rule, ProcessId process) {
    for (auto at = drafts.rbegin(); at != drafts.rend(); ++at) {
      if (at->rule == &rule && (at->step.process == process || rule.name == "stage-end")) return &*at;
      if (at->step.process == process && at->step.phase != rule.phase) return nullptr;
    }
    return nullptr;
  }

  void settle_children();
  struct Stretch {
    Phase phase;
    std::vector<const Draft*> drafts;
    std::unordered_set<ProcessId> processes;
    std::uint64_t last = 0;  // event
  };
  std::vector<Stretch> stretches_of(const std::vector<Draft>& drafts) const;

  const bool keep_;
  const model::Model& model_;
  Actors actors_;
  Chapters chapters_;
  std::unordered_map<std::string_view, std::vector<const Rule*>> by_call_;
  std::vector<const Rule*> others_;
  std::unordered_map<ProcessId, const Rule*> last_;       // what was told of it last
  std::set<std::pair<ProcessId, const Rule*>> told_;      // of the rules that hold once
  std::unordered_set<ProcessId> begun_;                   // sessions whose program has begun
  std::unordered_map<ProcessId, trace::Event> failures_;  // of those who set up and whose last call failed, that one
  std::unordered_map<ProcessId, std::pair<ChapterId, std::size_t>> hooks_;  // which run, and where their drafts are
  std::optional<ProcessId> relearnt_;                                       // whose actor this event has told more of
  std::vector<std::vector<Draft>> drafts_;                                  // by ChapterId
};

// Who is ready waits until the word is given, though nothing is seen to happen meanwhile.
void Teller::wait_for_start(std::size_t first_span) {
  for (std::size_t i = first_span; i < phases.size(); ++i) {
    if (phases[i].phase != Phase::Ready) continue;
    for (std::size_t next = i + 1; next < phases.size(); ++next) {
      const Phase phase = phases[next].phase;
      if ((phase != Phase::Start && phase != Phase::Program) || phases[next].begin < phases[i].end) continue;
      phases[i].end = phases[next].begin;
      break;
    }
  }
}

// What the runtime's child was made for is known only when it has done something: it is a hook, or what another chapter
// begins with.
void Teller::settle_children() {
  struct First {
    std::uint64_t event = 0;
    ChapterId chapter = 0;
    Phase phase{};
    std::string brief;
  };
  std::unordered_map<ProcessId, First> first;
  for (ChapterId id = 0; id < drafts_.size(); ++id)
    for (const Draft& draft : drafts_[id])
      if (First& f = first[draft.step.process]; !f.event || draft.step.event < f.event)
        f = {draft.step.event, id, draft.step.phase, draft.step.brief};
  std::unordered_map<std::uint64_t, ProcessId> made;  // by its fork
  for (const Process& p : model_.processes())
    if (p.fork_event) made.emplace(p.fork_event, p.id);
  for (ChapterId id = 0; id < drafts_.size(); ++id) {
    for (std::size_t i = 0; i < drafts_[id].size(); ++i) {
      Draft& draft = drafts_[id][i];
      if (draft.rule->name != "setup-child") continue;
      const auto child = made.find(draft.step.event);
      const auto found = child == made.end() ? first.end() : first.find(child->second);
      if (found == first.end()) continue;
      const First& begins = found->second;
      if (begins.phase == Phase::Hooks && draft.step.phase != Phase::Hooks) {
        draft.step.phase = Phase::Hooks;
        draft.step.brief = "calls " + begins.brief;
        if (draft.step.sentence.ends_with('.')) draft.step.sentence.pop_back();
        draft.step.sentence += ", to call a hook in it.";
      }
      if (begins.chapter == id) continue;
      std::vector<Draft>& home = drafts_[begins.chapter];
      draft.step.chapter = begins.chapter;
      if (begins.phase == Phase::Runtime) draft.step.phase = Phase::Runtime;
      chapters_.begins_with(begins.chapter, draft.step.event, draft.step.begin);
      const auto after = std::ranges::find_if(home, [&](const Draft& d) { return d.step.event > draft.step.event; });
      home.insert(after, std::move(draft));
      drafts_[id].erase(drafts_[id].begin() + static_cast<std::ptrdiff_t>(i--));
    }
  }
}

std::vector<Teller::Stretch> Teller::stretches_of(const std::vector<Draft>& drafts) const {
  std::vector<Stretch> stretches;
  std::unordered_map<std::uint64_t, std::size_t> place;  // of the step that begins with an event
  for (const Draft& draft : drafts) {
    const std::uint64_t made = model_.processes()[draft.step.process].fork_event;
    const auto maker = place.find(made);
    const std::size_t earliest = made && maker != place.end() ? maker->second : 0;
    std::size_t home = stretches.size();
    for (std::size_t at = stretches.size(); at-- > earliest;) {
      const bool last = at + 1 == stretches.size();
      if (stretches[at].phase == draft.step.phase) {
        if (last || (draft.step.phase != Phase::Hooks && made <= stretches[at].last)) home = at;
        break;
      }
      if (stretches[at].processes.count(draft.step.process)) break;
    }
    if (home == stretches.size()) stretches.push_back({draft.step.phase, {}, {}, 0});
    stretches[home].drafts.push_back(&draft);
    stretches[home].processes.insert(draft.step.process);
    stretches[home].last = std::max(stretches[home].last, draft.step.last_event);
    place.emplace(draft.step.event, home);
  }
  return stretches;
}

void Teller::finish() {
  steps.clear();
  phases.clear();
  settle_children();
  chapters_.finish();
  int number = 0;
  for (const ChapterId id : chapters_.order()) {
    const Chapter& chapter = chapters_.all()[id];
    if (id >= drafts_.size()) continue;
    const std::size_t first_span = phases.size();
    std::unordered_set<int> seen;
    for (const Stretch& stretch : stretches_of(drafts_[id])) {
      PhaseSpan& span = phases.emplace_back();
      span.chapter = id;
      span.container = chapter.container;
      span.phase = stretch.phase;
      span.seen = true;
      seen.insert(static_cast<int>(stretch.phase));
      for (const Draft* draft : stretch.drafts) {
        Step& step = steps.emplace_back(draft->step);
        step.number = ++number;
        step.container = chapter.container;
        for (model::NsChange& change : step.changes)
          if (change.how != model::How::New && !change.of) change.of = model::container_with(model_, change.to);
        step.sentence = fold(step.sentence, draft->each, step.count);
        step.brief = fold(step.brief, draft->each, step.count, kBriefly);
        if (span.steps++ == 0) {
          span.begin = step.begin;
          span.first_event = step.event;
        }
        span.begin = std::min(span.begin, step.begin);
        span.end = std::max(span.end, step.end);
        span.first_event = std::min(span.first_event, step.event);
        span.last_event = std::max(span.last_event, step.last_event);
      }
    }
    wait_for_start(first_span);
    for (const Phase phase : expected_phases(chapter.kind))
      if (!seen.count(static_cast<int>(phase))) phases.push_back({id, chapter.container, phase});
  }
}

Story::Story(const model::Model& model, bool keep) : teller_(std::make_unique<Teller>(model, keep)) {}
Story::~Story() = default;
Story::Story(Story&&) noexcept = default;

void Story::event(const trace::Event& event) {
  teller_->event(event);
}
void Story::finish() {
  teller_->finish();
}
void Story::look_for_names() {
  teller_->look_for_names();
}
const std::vector<Step>& Story::steps() const {
  return teller_->steps;
}
const std::vector<PhaseSpan>& Story::phases() const {
  return teller_->phases;
}
const std::vector<Chapter>& Story::chapters() const {
  return teller_->chapters();
}
const std::vector<Gap>& Story::gaps() const {
  return teller_->gaps;
}
const std::string& Story::brief() const {
  return teller_->brief;
}

}  // namespace nstrace::story
