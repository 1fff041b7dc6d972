// SPDX-License-Identifier: MIT
// Why a rule does not hold, or cannot be told: in words, with the calls that matter.
#pragma once

#include "check/checker.h"
#include "check/facts.h"

namespace nstrace::check {

class Explainer {
 public:
  explicit Explainer(const Facts& facts) : facts_(facts) {}

  // Fills in what a finding says about `group[index]`, which decided this case.
  void explain(const std::vector<const Rule*>& group, std::size_t index, const Case& one, Finding& finding) const;
  // Why the `first` or `last` process that fills one of the rule's roles may be another; empty = it is certain.
  std::vector<Reason> selection_reasons(const Rule& rule) const;
  // A role that nobody fills; the reasons why it may be filled all the same are in the finding.
  void explain_empty(RoleId role, Finding& finding) const;
  // Why somebody may fill a role that nobody is seen to fill.
  std::vector<Reason> empty_reasons(RoleId role) const;

 private:
  void sequence(const Sequence& sequence, const Case& one, Finding& finding) const;
  void sequence_reasons(const Sequence& sequence, const Case& one, std::size_t from, Finding& finding) const;
  void nearest(const Sequence& sequence, const Item& item, const Case& one, Finding& finding) const;
  bool nearest_in(ProcessId process, const Sequence& sequence, const Item& item, const Case& one, bool whole,
                  Finding& finding) const;
  std::string between(ProcessId process, std::uint64_t after, std::uint64_t before) const;
  void never(const Never& rule, const Case& one, const Judgement& judgement, Finding& finding) const;
  void count(const Count& rule, const Case& one, const Judgement& judgement, Finding& finding) const;
  void at(const At& rule, const Case& one, const Judgement& judgement, Finding& finding) const;
  std::vector<std::pair<std::string, std::string>> captures_of(const Bindings& bindings) const;
  void window(const Case& one, Finding& finding) const;
  SeenCall seen(EventIndex event, const Assignment& assignment) const;
  MatchedLine matched(int line, const std::string& source, EventIndex event, const Assignment& assignment) const;

  const Facts& facts_;
};

// The text of what happened, as it stands in findings; empty for what findings do not show.
std::string event_text(const trace::Event& event);
std::string call_line(const trace::Call& call);
// "pid 2032 (sleep)".
std::string person(const model::Process& process);
// Adds a reason that is not there yet.
void add_reason(std::vector<Reason>& reasons, const Reason& reason);

}  // namespace nstrace::check
