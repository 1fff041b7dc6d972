// SPDX-License-Identifier: MIT
// diff: how two traces of the same thing differ. Processes are matched by role, their calls aligned, and what varies
// from run to run is left aside. The result is passive data; text, Markdown and JSON are functions of it
// (diff_report.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/file.h"

namespace nstrace::check {

// What a process is busy with, guessed from its calls.
enum class Phase : std::uint8_t { Bootstrap, Namespaces, Root, Pivot, Security, Start, End };
inline constexpr Phase kPhases[] = {Phase::Bootstrap, Phase::Namespaces, Phase::Root, Phase::Pivot,
                                    Phase::Security,  Phase::Start,      Phase::End};
std::string_view phase_name(Phase phase);  // "root file system"

enum class Change : std::uint8_t { New, Gone, Changed, Moved };
std::string_view change_name(Change change);  // "new", "gone", "changed", "reordered"

// What differs of a call, or of a process; as strace writes it, with symbols for what varies.
struct ValueChange {
  std::string name;  // of the argument; "result", "program", "env", or a kind of namespace
  std::string before, after;
  bool operator==(const ValueChange&) const = default;
};

struct CallChange {
  Change change = Change::New;
  Phase phase = Phase::Bootstrap;
  std::string call;                        // name; "exit", "comm", "cgroup" for events that are no call
  std::string before, after;               // whole; the one that is not there is empty
  std::vector<ValueChange> values;         // Changed only
  std::uint64_t event_a = 0, event_b = 0;  // their numbers in the traces; 0 = not there
};

struct ProcessDiff {
  enum class Where : std::uint8_t { Both, OnlyA, OnlyB };
  Where where = Where::Both;
  std::string name_a, name_b;  // "runc create", "container init"; where only one is there, the other is empty
  std::string below;           // the name of its creator; empty if that is not in the trace
  int depth = 0;
  std::uint64_t calls_a = 0, calls_b = 0, same = 0;
  bool in_order = true;  // false: a daemon that serves many at once, or too many calls; they were only counted
  std::vector<CallChange> changes;     // of one that is only in A or B: all its calls, as gone or new
  std::vector<CallChange> incidental;  // none of the runtime's doing (diff_noise.h): not counted as a difference
  // Of a container's init in both: what its program starts with, where both traces tell, the same or not.
  std::vector<ValueChange> start;
  std::vector<ValueChange> lives;  // namespaces it ends up in: "host", "new", "joined"

  bool differs() const;
};

struct Counts {
  std::uint64_t added = 0, gone = 0, changed = 0, moved = 0;
};

struct Diff {
  enum class Verdict : std::uint8_t { Same, Differs, CannotTell };
  Verdict verdict = Verdict::Same;
  std::vector<ProcessDiff> processes;  // parents before children; those that are the same, too
  Counts calls;                        // of processes that are in both
  std::uint64_t processes_new = 0, processes_gone = 0, processes_changed = 0;
  std::uint64_t processes_a = 0, processes_b = 0, calls_a = 0, calls_b = 0;
  std::vector<std::string> notes;   // what was left out, in sentences
  std::vector<std::string> doubts;  // why "no difference" could not be told
};

// Compares two traces. Takes them whole; a trace without a footer counts as cut off.
Diff diff(const trace::Trace& a, const trace::Trace& b);

}  // namespace nstrace::check
