// SPDX-License-Identifier: MIT
// The result of a check as one JSON object.
#include <nlohmann/json.hpp>

#include "check/report_parts.h"

namespace nstrace::check {
namespace {

using Json = nlohmann::ordered_json;

Json of(const SeenCall& call) {
  Json json;
  json["event"] = call.event;
  json["time"] = call.time;
  json["pid"] = call.pid;
  json["tid"] = call.tid;
  json["comm"] = call.comm;
  if (!call.role.empty()) json["role"] = call.role;
  json["text"] = call.text;
  return json;
}

Json of(const Finding& finding, const ReportOptions& options) {
  Json json;
  json["rule"] = finding.rule;
  json["file"] = finding.file;
  json["line"] = finding.line;
  json["column"] = finding.column;
  json["verdict"] = finding.skipped ? "skipped" : std::string(verdict_word(finding.verdict));
  json["looked_at"] = finding.looked_at;
  if (finding.verdict == Verdict::Holds) return json;
  json["message"] = finding.message;
  if (!finding.details.empty()) json["details"] = finding.details;
  if (!finding.expected.empty()) json["expected"] = {{"line", finding.expected_line}, {"text", finding.expected}};
  for (const Reason& reason : finding.reasons) json["reasons"].push_back({{"why", reason.why}, {"cure", reason.cure}});
  for (const Person& person : finding.processes)
    json["processes"].push_back({{"role", person.role}, {"pid", person.pid}, {"comm", person.comm}});
  for (const MatchedLine& line : finding.matched)
    json["found"].push_back({{"line", line.line}, {"text", line.source}, {"call", of(line.call)}});
  if (finding.nearest) {
    Json near{{"call", of(finding.nearest->call)}};
    if (!finding.nearest->what.empty())
      near["differs"] = {
          {"what", finding.nearest->what}, {"expected", finding.nearest->expected}, {"found", finding.nearest->found}};
    if (!finding.nearest->detail.empty()) near["detail"] = finding.nearest->detail;
    if (!finding.nearest->remark.empty()) near["remark"] = finding.nearest->remark;
    json["nearest"] = std::move(near);
  }
  for (const SeenCall& call : finding.window) {
    Json one = of(call);
    if (call.marked) one["marked"] = true;
    json["window"].push_back(std::move(one));
  }
  if (finding.others) json["others"] = finding.others;
  if (const std::string more = more_command(finding, options); !more.empty()) json["more"] = more;
  return json;
}

}  // namespace

std::string json_report(const Result& result, const ReportOptions& options) {
  Json json;
  json["type"] = "check";
  json["version"] = 1;
  json["verdict"] = std::string(verdict_word(result.verdict));
  json["exit_code"] = exit_code(result.verdict);
  json["holds"] = result.holds;
  json["fails"] = result.fails;
  json["cannot_tell"] = result.unknown;
  json["skipped"] = result.skipped;
  json["events"] = result.events;
  json["notes"] = result.notes;
  json["findings"] = Json::array();
  for (const Finding& finding : result.findings) json["findings"].push_back(of(finding, options));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nstrace::check
