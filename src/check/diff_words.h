// SPDX-License-Identifier: MIT
// Words: the texts of one trace without what varies from run to run. On top of trace::Symbols (pids, inodes, ids,
// addresses, temporary names) it knows what the trace as a whole tells: the containers' ids, where the runtime keeps
// its state, which namespace is whose.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/model.h"
#include "trace/symbols.h"

namespace nstrace::check {

class Words {
 public:
  // `name_of`: a process's name for people.
  Words(const model::Model& model, std::function<std::string(model::ProcessId)> name_of);

  std::string text(const std::string& raw);
  // "mnt:[new]": a namespace; "" if that is none.
  std::string ns(model::NamespaceId id) const;

 private:
  void learn(const model::Program& program);
  std::string with_known(const std::string& raw) const;
  std::string with_names(const std::string& scrubbed) const;

  const model::Model& model_;
  std::function<std::string(model::ProcessId)> name_of_;
  std::vector<std::pair<std::string, std::string>> known_;  // text, symbol; longest first
  std::unordered_map<int, model::ProcessId> by_symbol_;     // of pids
  trace::Symbols symbols_;
};

}  // namespace nstrace::check
