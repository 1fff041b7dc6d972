// SPDX-License-Identifier: MIT
// A diff as one JSON object.
#include <nlohmann/json.hpp>

#include "check/diff_report.h"

namespace nstrace::check {
namespace {

using Json = nlohmann::ordered_json;

Json of(const std::vector<ValueChange>& values) {
  Json list = Json::array();
  for (const ValueChange& value : values)
    list.push_back({{"name", value.name}, {"before", value.before}, {"after", value.after}});
  return list;
}

Json of(const CallChange& change) {
  Json json;
  json["change"] = change_name(change.change);
  json["phase"] = phase_name(change.phase);
  json["call"] = change.call;
  if (change.event_a) json["a"] = {{"event", change.event_a}, {"text", change.before}};
  if (change.event_b) json["b"] = {{"event", change.event_b}, {"text", change.after}};
  if (!change.values.empty()) json["values"] = of(change.values);
  return json;
}

Json of(const ProcessDiff& process) {
  Json json;
  switch (process.where) {
    case ProcessDiff::Where::Both:
      json["where"] = "both";
      break;
    case ProcessDiff::Where::OnlyA:
      json["where"] = "a";
      break;
    case ProcessDiff::Where::OnlyB:
      json["where"] = "b";
      break;
  }
  if (!process.name_a.empty()) json["a"] = {{"name", process.name_a}, {"calls", process.calls_a}};
  if (!process.name_b.empty()) json["b"] = {{"name", process.name_b}, {"calls", process.calls_b}};
  if (!process.below.empty()) json["below"] = process.below;
  json["same"] = process.same;
  json["order_compared"] = process.in_order;
  json["namespaces"] = of(process.lives);
  json["start"] = of(process.start);
  json["changes"] = Json::array();
  for (const CallChange& change : process.changes) json["changes"].push_back(of(change));
  json["left_out"] = Json::array();
  for (const CallChange& change : process.incidental) json["left_out"].push_back(of(change));
  return json;
}

}  // namespace

std::string diff_json(const Diff& diff, const DiffReportOptions& options) {
  Json json;
  json["type"] = "diff";
  json["version"] = 1;
  json["a"] = {{"trace", options.a}, {"processes", diff.processes_a}, {"calls", diff.calls_a}};
  json["b"] = {{"trace", options.b}, {"processes", diff.processes_b}, {"calls", diff.calls_b}};
  switch (diff.verdict) {
    case Diff::Verdict::Same:
      json["verdict"] = "same";
      break;
    case Diff::Verdict::Differs:
      json["verdict"] = "differs";
      break;
    case Diff::Verdict::CannotTell:
      json["verdict"] = "cannot tell";
      break;
  }
  json["exit_code"] = exit_code(diff.verdict);
  json["calls"] = {{"new", diff.calls.added},
                   {"gone", diff.calls.gone},
                   {"changed", diff.calls.changed},
                   {"reordered", diff.calls.moved}};
  json["processes"] = {{"new", diff.processes_new}, {"gone", diff.processes_gone}, {"changed", diff.processes_changed}};
  json["notes"] = diff.notes;
  json["doubts"] = diff.doubts;
  json["differences"] = Json::array();
  for (const ProcessDiff& process : diff.processes)
    if (process.differs()) json["differences"].push_back(of(process));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nstrace::check
