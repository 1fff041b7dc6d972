// SPDX-License-Identifier: MIT
// Checker: takes a trace piece by piece, live or from a file, and says at its end which rules hold, and if not, why.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check/ast.h"
#include "check/families.h"
#include "check/recording.h"
#include "trace/sink.h"

namespace nstrace::check {

// A call of the trace, ready to be shown. All text is printable.
struct SeenCall {
  std::uint64_t event = 0;  // its number
  trace::Time time = 0;     // ns since the trace began
  int pid = 0, tid = 0;
  std::string comm;
  std::string role;     // the role that the process fills in the rule; may be empty
  std::string text;     // "pivot_root(\".\", \".\") = 0"
  bool marked = false;  // in a window: the one that it is about
};

// A line of an expectation file and the call that it was found in.
struct MatchedLine {
  int line = 0;
  std::string source;
  SeenCall call;
};

// A call that almost fits, and what differs.
struct NearCall {
  SeenCall call;
  std::string what;      // "flags", "the result"; empty = nothing of the call itself
  std::string expected;  // as written in the rule
  std::string found;
  std::string detail;  // of flags: "CLONE_NEWNET is too much"; may be empty
  std::string remark;  // "it stands before event 57"; may be empty
};

struct Person {
  std::string role;
  int pid = 0;
  model::ProcessId process = 0;
  std::string comm;
};

struct Finding {
  Verdict verdict = Verdict::Holds;
  bool skipped = false;  // holds, since its optional role is filled by nobody
  std::string file;
  int line = 0, column = 0;
  std::string rule;     // what it is called: `sequence "set-up"`, `role init`
  std::string message;  // one sentence, empty when it holds
  std::vector<Person> processes;
  std::vector<MatchedLine> matched;  // what was found, in order; of a violated rule, the calls that violate it
  int expected_line = 0;             // the line that was not found
  std::string expected;
  std::vector<std::string> details;  // further sentences: each state that does not hold
  std::optional<NearCall> nearest;
  std::optional<std::uint64_t> counted;  // of `count`: how many there are, if that is known
  std::vector<SeenCall> window;          // the calls of its processes around the place
  std::vector<Reason> reasons;           // why it cannot be told
  std::size_t looked_at = 0;             // combinations of processes
  std::size_t others = 0;                // further combinations with the same verdict
  std::vector<std::string> calls;        // names that it is about, for `nstrace show -e`
  std::uint64_t centre = 0;              // the event that the window is around; 0 = none
  bool unfilled = false;                 // nobody fills a role that it names
  bool blocked = false;                  // not looked at, since a rule with which it shares a capture does not hold
};

struct Result {
  Verdict verdict = Verdict::Holds;  // Fails, if any fails; else CannotTell, if any cannot be told
  std::vector<Finding> findings;     // roles that nobody fills first, then every rule in the order of the files
  std::size_t holds = 0, fails = 0, unknown = 0, skipped = 0;  // of the findings
  std::uint64_t events = 0;                                    // of the trace
  std::vector<std::string> notes;                              // about the trace: "120 events were lost"
};

struct CheckOptions {
  std::uint64_t budget = 2'000'000;  // steps of the search for one rule and one combination of processes
  // Threads that judge; the result is the same with any number. 0 = one for each processor, but few, and for a small
  // trace only one.
  std::size_t threads = 0;
};

class Checker : public trace::Sink {
 public:
  explicit Checker(Expectations expectations, CheckOptions options = {});
  ~Checker() override;
  void header(const trace::Header& header) override;
  void existing(const trace::Existing& process) override;
  void event(const trace::Event& event) override;
  void footer(const trace::Footer& footer) override;

  // After the last event; without a footer the trace counts as incomplete.
  Result result();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Fills the windows of what does not hold with all calls around the place, from a second pass over the trace. Without
// it windows show the calls that rules name.
void add_windows(Result& result, const std::function<void(trace::Sink&)>& replay, std::size_t before = 3,
                 std::size_t after = 3);

std::string_view verdict_word(Verdict verdict);  // "holds", "fails", "cannot tell"

}  // namespace nstrace::check
