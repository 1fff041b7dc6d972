// SPDX-License-Identifier: MIT
// The calls around a place, all of them: a second pass over the trace, for what does not hold.
#include <algorithm>
#include <deque>

#include "check/checker.h"
#include "check/explain.h"
#include "trace/text.h"

namespace nstrace::check {
namespace {

struct Wanted {
  Finding* finding;
  std::deque<SeenCall> before;
  std::size_t after = 0;
  bool reached = false;
  std::vector<SeenCall> calls;
};

class Collector : public trace::Sink {
 public:
  Collector(std::vector<Wanted> wanted, std::size_t before, std::size_t after)
      : wanted_(std::move(wanted)), before_(before), after_(after) {}

  void header(const trace::Header& header) override { model_.header(header); }
  void existing(const trace::Existing& process) override { model_.existing(process); }
  void event(const trace::Event& event) override {
    model_.event(event);
    if (event.who.tgid == 0) return;
    const model::Process* process = model_.process_of(event.who.tgid, event.who.born);
    if (!process) return;
    std::string text;
    for (Wanted& one : wanted_) {
      if (one.reached && one.after == after_) continue;
      const auto& persons = one.finding->processes;
      const auto person = std::ranges::find(persons, process->id, &Person::process);
      if (person == persons.end() && event.number != one.finding->centre) continue;
      if (text.empty()) text = event_text(event);
      if (text.empty()) continue;
      SeenCall call;
      call.event = event.number;
      call.time = event.time;
      call.pid = event.who.tgid;
      call.tid = event.who.tid;
      call.comm = trace::escape(event.who.comm, "");
      if (person != persons.end()) call.role = person->role;
      call.text = text;
      call.marked = event.number == one.finding->centre;
      if (!one.reached && event.number < one.finding->centre) {
        one.before.push_back(std::move(call));
        if (one.before.size() > before_) one.before.pop_front();
        continue;
      }
      if (!one.reached) one.calls.assign(one.before.begin(), one.before.end());
      one.reached = true;
      if (!call.marked) ++one.after;
      one.calls.push_back(std::move(call));
    }
  }

  void finish() {
    for (Wanted& one : wanted_)
      if (one.reached) one.finding->window = std::move(one.calls);
  }

 private:
  model::Model model_{model::Marks::Left};
  std::vector<Wanted> wanted_;
  std::size_t before_, after_;
};

}  // namespace

void add_windows(Result& result, const std::function<void(trace::Sink&)>& replay, std::size_t before,
                 std::size_t after) {
  std::vector<Wanted> wanted;
  for (Finding& finding : result.findings)
    if (finding.verdict != Verdict::Holds && finding.centre) wanted.push_back({&finding, {}, 0, false, {}});
  if (wanted.empty()) return;
  Collector collector(std::move(wanted), before, after);
  replay(collector);
  collector.finish();
}

}  // namespace nstrace::check
