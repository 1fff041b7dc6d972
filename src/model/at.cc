// SPDX-License-Identifier: MIT
// The namespaces of a leader change by its marks and, with a time namespace prepared for its children, by exec; so its
// birth and its marks give them at any moment. At its end they are what the model holds.
#include "model/at.h"

namespace nstrace::model {

Snapshot at(const Process& p, Time time) {
  Snapshot s;
  // The exact birth stands in nanoseconds before the event that shows it; the event is what others are ordered by.
  const Time begun = p.existed ? p.born : p.first;
  s.alive = begun <= time && !(p.ended && p.ended->time <= time) && !(p.end_unseen && p.last < time);
  for (const CommSpan& span : p.comms)
    if (!s.comm || span.since <= time) s.comm = &span;
  for (const Program& program : p.programs)
    if (!s.program || program.since <= time) s.program = &program;
  s.own_program = s.program && (s.program->event || p.existed);
  if (time >= p.last) {
    s.ns = p.ns;
    s.ns_id = p.ns_id;
    return s;
  }
  s.ns = p.ns_at_birth;
  s.ns_id = p.ns_id_at_birth;
  for (const Mark& mark : p.marks)
    if (mark.tid == p.pid && mark.time <= time) {
      s.ns = mark.after;
      s.ns_id = mark.after_id;
    }
  if (s.program && s.program->event) {
    s.ns[Ns::Time] = s.ns[Ns::TimeForChildren];
    s.ns_id[Ns::Time] = s.ns_id[Ns::TimeForChildren];
  }
  return s;
}

}  // namespace nstrace::model
