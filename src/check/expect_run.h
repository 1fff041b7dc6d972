// SPDX-License-Identifier: MIT
// One run as `nstrace expect` sees it: the parts that processes play, and what each of them did.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "check/expect.h"
#include "check/expect_calls.h"
#include "model/model.h"
#include "trace/sink.h"

namespace nstrace::check {

// How a role is told from others. The same in all runs; parts of it are clauses of the language.
struct Part {
  std::string name;                  // short, to be made unique: "runc", "child", "init"
  std::string comm;                  // glob, or empty
  std::string program;               // glob, or empty
  std::string verb;                  // word of argv, or empty
  bool first_inside = false;         // pid 1 of its pid namespace
  std::optional<std::size_t> below;  // index into Run::parts
  std::string key() const;           // without `below`
};

struct Player {
  std::size_t run = 0;  // in which it plays, from 0
  model::ProcessId process = 0;
  std::vector<CallText> calls;
  std::vector<int> moves;           // how often it made each of kMoves, successfully
  std::optional<CallText> program;  // the exec with which it began the container's program
  bool left = false;                // in a pid namespace of its own; what follows is left out
  std::vector<std::string> ns;      // at that exec, by kind of namespace: "new", "host", "not host", "" = not known
  int inner_pid = 0;                // then
};

struct Played {
  Part part;
  std::string path;     // keys from the top down: the same part in another run has the same
  bool active = false;  // somebody who plays it made a call that is to be written
};

struct Run {
  std::vector<Played> parts;    // those above come first
  std::size_t nameless = 0;     // processes that nothing tells from their creators
  std::size_t of_programs = 0;  // processes that containers' programs made
  std::string failed;           // "crun ended with 1", where COMMAND did not succeed
};

// Calls that move a process between namespaces or roots; how often each role makes them is written too.
inline constexpr const char* kMoves[] = {"unshare", "setns", "pivot_root", "chroot"};

// Takes a trace, then tells of it.
class RunReader : public trace::Sink {
 public:
  explicit RunReader(const ExpectOptions& options);
  void header(const trace::Header& header) override { model_.header(header); }
  void existing(const trace::Existing& process) override { model_.existing(process); }
  void event(const trace::Event& event) override;
  void footer(const trace::Footer& footer) override { model_.footer(footer); }

  Run run() const;
  // What a process did. `top`: the topmost of its family, whose containers have symbols.
  Player player(model::ProcessId process, model::ProcessId top) const;
  const model::Model& model() const { return model_; }

 private:
  struct Did {
    trace::Call call;
    std::uint64_t event = 0;
    bool exec = false;
    model::NsIds ns;
    int inner_pid = 0;
  };
  std::optional<Part> part_of(const model::Process& process) const;
  bool inside_program(const model::Process& process) const;
  bool inside(const Did& did) const;
  std::string classify(const model::NsIds& ns, trace::Ns type, model::ProcessId process, model::ProcessId top) const;
  std::vector<std::string> containers_below(model::ProcessId top) const;

  bool whole_argv_;
  std::set<std::string> calls_;
  model::Model model_;
  std::unordered_map<model::ProcessId, std::vector<Did>> did_;
};

}  // namespace nstrace::check
