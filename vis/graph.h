// SPDX-License-Identifier: MIT
// Graph: a picture before it is laid out, as passive data: nodes, edges, clusters, legend. Made from a Model
// (vis/tree.h), turned into DOT (vis/dot.h) or SVG (vis/svg.h). All text in it went through vis/text.h: it is harmless
// and fits; only markup is still to be escaped. Places are indices; ids are counted in order of first sight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/event.h"

namespace nstrace::vis {

// A namespace as a small coloured sign: "mnt 2".
struct Badge {
  enum class Kind : std::uint8_t { Host, Own, Unknown };  // Own: any that is not the host's
  Kind kind = Kind::Unknown;
  trace::Ns type{};
  int number = 0;    // among those of its type, by first sight; the host's is 1, 0 = not known
  int children = 0;  // number of the one that its children will get, where that is another
  int family = 0;    // whose it is: those made together share a family of colours
  std::string text;  // "mnt 2", "mnt" for the host's
  std::string tip;   // "mnt:[4026533533], made by runc:[1:CHILD] (pid 510) with unshare"
};

// What the story says of something, where it tells of it.
struct Told {
  int step = 0;                    // its number in the story; 0 = none
  std::string meaning;             // in a few plain words
  int phase = -1;                  // index into Graph::phases
  trace::Time begin = 0, end = 0;  // of a step that is one call; else both 0
};

// One line of a node: something the process did.
struct Row {
  enum class Kind : std::uint8_t {
    Before,  // the program it already ran when the trace began
    Exec,    // a program it became
    Name,    // a name it gave itself
    Mark,    // a call that changed where it lives
    Step,    // something else that the story tells
    Made,    // the story's word about a fork; the edge has the same
    Ended,   // the story's word about its end; Node::ended_told is the same
    Note,    // said about it
  };
  Kind kind = Kind::Note;
  Told told;
  int last_step = 0;                               // several steps: the last one's number
  std::uint64_t event = 0;                         // first event it tells of; 0 = none
  std::uint64_t last = 0;                          // last event it tells of
  trace::Time time = 0, until = 0;                 // of its first and last event
  std::string text;                                // "/bin/sleep", "pivot_root(\".\", \".\")"
  std::vector<std::pair<std::string, int>> calls;  // of a step: which, and how often
  std::string brief;                               // of an exec: the program in a few words
  std::vector<std::string> detail;                 // smaller lines below
  std::vector<std::string> words;                  // what it means, in lines
  bool words_first = false;                        // the words say more than the call
  std::string tip;                                 // the whole of it
  std::vector<Badge> badges;                       // namespaces that it got
};

// What a process was called from an event on.
struct Called {
  std::uint64_t event = 0;  // 0 = from the beginning
  trace::Time since = 0;
  std::string name;
};

// The namespaces of a process from a moment on.
struct Stay {
  trace::Time since = 0;
  std::vector<Badge> band;  // all eight; empty = not known
};

enum class Life : std::uint8_t { Unknown, Running, Done, Failed };

struct Node {
  enum class Kind : std::uint8_t { Process, Folded, Namespace };
  Kind kind = Kind::Process;
  std::string id;                        // "p3", "f0", "n2"
  std::optional<std::uint32_t> process;  // Kind::Process: its ProcessId
  std::string title;                     // "runc:[2:INIT]", "sleep 100"
  std::string subtitle;                  // "pid 511 outside, 1 inside"
  Life life = Life::Unknown;
  std::string ending;  // "exit 0", "SIGKILL", "running"
  std::vector<Row> rows;
  std::vector<Called> called;                               // at least one, in order of events
  std::vector<Stay> stays;                                  // at least one, in order of time
  std::vector<std::pair<trace::Time, trace::Time>> sleeps;  // the long ones, from when to when
  trace::Time born = 0;
  std::optional<trace::Time> ended;
  std::uint64_t end_event = 0;
  Told ended_told;
  std::vector<Badge> band;  // its eight namespaces at the end, in fixed order; empty = not known
  bool host = false;        // all eight are the host's
  bool existed = false;     // was there before the trace
  bool way = false;         // on the way from the first process to a container's program
  std::string tip;
  std::optional<std::size_t> cluster;
};

struct Edge {
  enum class Kind : std::uint8_t { Fork, Join };  // Join: setns into a namespace that is there already
  Kind kind = Kind::Fork;
  std::uint64_t event = 0;  // 0 = before the trace
  trace::Time time = 0;
  std::size_t from = 0, to = 0;        // nodes
  std::optional<std::size_t> cluster;  // ends at this cluster's border instead of at the node
  std::vector<std::string> label;      // lines
  std::vector<Badge> badges;           // namespaces that came with the clone, or that were joined
  bool way = false;
  bool existed = false;  // a fork from before the trace
  Told told;
  std::string tip;
};

struct Cluster {
  std::string id;        // "c0"
  std::string title;     // "container cbab362df10a"
  std::string subtitle;  // "runc, busybox"
  int family = 0;
  std::string tip;
  std::optional<std::size_t> parent;  // the container that it was made in; stands before it in Graph::clusters
};

// A namespace in the legend.
struct LegendEntry {
  Badge badge;
  std::string text;  // "4026533533, by runc:[1:CHILD]"
};

// A phase of the story (src/story/phase.h).
struct Phase {
  std::string title, what;
};

// What was done, in a sentence.
struct Headline {
  std::string text;
  bool failed = false;
};

// Records are missing before an event.
struct Gap {
  std::uint64_t event = 0;
  std::string text;  // "60 events LOST"
};

// A stretch of the chain of waiting for a container's program: all waited for what this node did.
struct PathPart {
  std::size_t node = 0;
  std::uint64_t first_event = 0, last_event = 0;
  trace::Time begin = 0, end = 0;
};

struct Graph {
  std::string title;               // "docker run -d busybox sleep 100"
  std::vector<std::string> facts;  // "following containerd", "Linux 6.18", ...
  std::string loss;                // "0 lost", "12 LOST", "incomplete: ..."
  bool lossy = false;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<Cluster> clusters;
  std::vector<LegendEntry> legend;
  bool timed = true;  // else only the order of events is known
  std::vector<Gap> gaps;
  // To the program that each container began with, without a gap; the one that began first stands first. Empty where it
  // is not known.
  std::vector<std::vector<PathPart>> paths;
  bool story = false;              // the numbers of the steps are those of `nstrace explain`
  std::vector<Phase> phases;       // of the story, in their usual order
  std::vector<Headline> chapters;  // of the story
  std::vector<std::string> notes;  // what is folded, and how to unfold it
};

}  // namespace nstrace::vis
