// SPDX-License-Identifier: MIT
// The process tree as text: who made whom, with pids outside and inside, programs, the namespaces that each made,
// entered or was born in, and the containers by name.
//     2020 runc create cbab362df10a
//     └─ 2028 runc init <runc:[0:PARENT]>
//        └─ 2031 <runc:[1:CHILD]>  makes mnt#2 uts#2 ipc#2 net#2 pid#2 for its children
//           └─ 2032/1 sleep 100  in mnt#2 uts#2 ipc#2 net#2 pid#2  container cbab362df10a (runc)
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "model/model.h"

namespace nstrace::report {

struct TreeOptions {
  std::optional<trace::Time>
      at;                  // the tree as it was then: who lived, what ran, who was where; empty = all that ever lived
  bool ancestors = false;  // those too that were not followed
  bool fold = true;        // children that look alike and have none of their own in one line, x27 behind it
  bool ends = true;        // exited with 0
  bool tables = true;      // below the tree: the containers, each namespace with its number and its maker, and what
                           // each call changed
  bool ascii = false;      // |- instead of ├─
  bool color = false;
  std::size_t command_limit = 72;  // bytes of a command line
  std::size_t width = 0;           // lines are broken at words at this column; 0 = not at all
};

// A namespace by a short sign: type and a number by first sight; the host's is 1. "mnt#2".
// The two _for_children slots have the signs of their plain type.
class NamespaceNames {
 public:
  explicit NamespaceNames(const model::Model& model);
  std::string name(model::NamespaceId id) const;  // "mnt#2"; "?" for none

 private:
  const model::Model* model_;
  std::vector<int> number_;  // by NamespaceId
};

// Printable whatever the traced processes were called; ends in a newline, or is "" for an empty model.
std::string tree_text(const model::Model& model, const TreeOptions& options = {});

}  // namespace nstrace::report
