// SPDX-License-Identifier: MIT
// What an event's line says, behind who and when.
#pragma once

#include <string>

#include "report/line_options.h"
#include "report/pid_notes.h"
#include "report/styled_line.h"
#include "trace/event.h"

namespace nstrace::report {

// ".000042": so many digits of a second, none for 0.
std::string fraction_text(trace::Time ns, int digits);

// "[pid 2558511<runc:[2:INIT]>]": the task as it was when the event began (an exec shows the comm before).
std::string who_text(const trace::Event& event, bool pidns);

// note: see NsNotes. pids: those before the event, where options ask for them. durations_known: whether the trace
// recorded when calls began.
void add_body(StyledLine& line, const trace::Event& event, const std::string& note, const PidNotes* pids,
              const LineOptions& options, bool durations_known);

}  // namespace nstrace::report
