// SPDX-License-Identifier: MIT
// Story: what a trace says about containers, in numbered steps that anybody can read. It is fed each event after the
// model has applied it, matches it against one table of rules (rules.h), and groups what they say by chapter (a
// container made, entered, ended) and phase. What no rule knows is left out; what is not in the trace is not told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/changes.h"
#include "model/model.h"
#include "story/phase.h"

namespace nstrace::story {

using trace::Time;
using ChapterId = std::uint32_t;  // index into Story::chapters()

// Something that happened, in one plain sentence. Repeats (mknod for each device) are one step.
struct Step {
  int number = 0;  // from 1, through the whole story, in the order of reading
  ChapterId chapter = 0;
  std::optional<model::ContainerId> container;  // of its chapter
  Phase phase{};
  std::uint64_t event = 0;       // number of the first event it rests on; a picture can find a Mark or Program by it
  std::uint64_t last_event = 0;  // of the last: more than one where `count` is
  std::uint32_t count = 1;
  std::vector<std::pair<std::string, std::uint32_t>> calls;  // which, by first sight, and how often; printable
  Time begin = 0, end = 0;                                   // of those
  model::ProcessId process = 0;                              // whose thread did it
  int tid = 0;
  std::string comm;                      // its name then
  std::string line;                      // what it rests on, as strace writes it: "pivot_root(".", ".") = 0"; printable
  std::vector<model::NsChange> changes;  // of the namespaces of whoever did it, or of the child that it made
  std::string sentence;                  // what happened, and why a runtime does it
  std::string brief;                     // the same in a few words
  std::vector<std::string_view> references;  // "unshare(2)", "runc: libcontainer/nsenter/nsexec.c, nsexec()"
  std::string_view rule;                     // name of the rule that told it
};

// A stretch of steps of one phase. A phase may come several times in a chapter, and stretches of different processes
// may overlap in time.
struct PhaseSpan {
  ChapterId chapter = 0;
  std::optional<model::ContainerId> container;
  Phase phase{};
  bool seen = false;        // else nothing of it is in this trace, and all below is 0
  Time begin = 0, end = 0;  // of its first step's first event, and of its last step's last
  std::uint64_t first_event = 0, last_event = 0;
  int steps = 0;
};

enum class Kind : std::uint8_t { Made, Entered, Ended, Other, Sandbox, Daemon };

// What was done to one container by one purpose: it was made, entered (exec), ended; or what a daemon did for all.
struct Chapter {
  ChapterId id = 0;
  Kind kind{};
  std::optional<model::ContainerId> container;  // absent = its processes were not seen
  std::string container_id;                     // as runtimes call it; "" = not known
  std::string name;     // for people: "web", or the first 12 characters of a long id; "" = not known
  std::string image;    // "" = not known
  std::string runtime;  // "runc"; "" = not known
  std::string family;   // "1.1 or older", "1.2 or later", "1.3 or later", ...; "" = the trace does not tell
  std::string manager;  // "docker", "containerd", "podman", "kubernetes", "cri-o"; "" = none was seen
  std::string program;  // what was started in it: "sleep 100"; "" = not seen
  std::string title;    // "runc makes container 8df35371db8d"
  Time begin = 0, end = 0;
  std::uint64_t first_event = 0, last_event = 0;
  std::vector<std::string> folders;  // where its files lie, as far as the trace tells: its bundle, ...
  bool cut_before = false;           // it was under way when the trace began
  bool lost_before = false;          // its beginning was not seen, and records before it were lost
  bool cut_after = false;            // it was under way when the trace ended
  bool failed = false;               // the runtime gave up before a program began
};

// Records are missing here: what happened is not known.
struct Gap {
  std::uint64_t event = 0;  // number of the event that told
  std::uint64_t count = 0;
  std::string why;
};

class Teller;

class Story : public trace::Sink {
 public:
  // The model must be fed before the story, with the same, and outlive it. keep = false: only brief() is asked for, and
  // nothing grows with the events.
  explicit Story(const model::Model& model, bool keep = true);
  ~Story() override;
  Story(Story&&) noexcept;
  Story& operator=(Story&&) = delete;

  void header(const trace::Header&) override {}
  void existing(const trace::Existing&) override {}
  void event(const trace::Event& event) override;
  void footer(const trace::Footer&) override { finish(); }

  // From the next finish() on, names and images are looked for in the files of this machine (names.h). Only for a trace
  // of this machine.
  void look_for_names();
  // Numbers and groups what was told; footer() does it. May be asked again after more events.
  void finish();

  const std::vector<Step>& steps() const;        // by chapter, in it by phase, in it in order
  const std::vector<PhaseSpan>& phases() const;  // by chapter; those too that were not seen
  const std::vector<Chapter>& chapters() const;  // in order of their begin
  const std::vector<Gap>& gaps() const;

  // The brief words about the event that was fed last, with repeats not folded; "" = no rule knows it.
  const std::string& brief() const;

 private:
  std::unique_ptr<Teller> teller_;
};

// A model that tells its story too.
class TellingModel : public model::Model {
 public:
  explicit TellingModel(bool keep = true) : story_(*this, keep) {}
  void event(const trace::Event& event) override {
    Model::event(event);
    story_.event(event);
  }
  void footer(const trace::Footer& footer) override {
    Model::footer(footer);
    story_.footer(footer);
  }
  const Story& story() const { return story_; }
  Story& story() { return story_; }

 private:
  Story story_;
};

}  // namespace nstrace::story
