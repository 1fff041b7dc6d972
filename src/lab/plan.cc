// SPDX-License-Identifier: MIT
// Plans as data: flattened for the helper, printed for people.
#include "lab/plan.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "trace/error.h"

namespace nstrace::lab {
namespace {

// The variable part of a flat plan, and where things in it are.
class Blob {
 public:
  explicit Blob(std::size_t start) : start_(start) {}
  std::uint64_t add(std::string_view bytes) {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    const std::uint64_t at = start_ + bytes_.size();
    bytes_.append(bytes);
    return at;
  }
  std::uint64_t add_list(const std::vector<std::string>& strings) {
    std::vector<std::uint32_t> entries = {static_cast<std::uint32_t>(strings.size())};
    for (const std::string& s : strings) entries.push_back(static_cast<std::uint32_t>(add({s.c_str(), s.size() + 1})));
    return add({reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof entries[0]});
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::size_t start_;
  std::string bytes_;
};

std::uint64_t flat_argument(const Arg& arg, Blob& blob) {
  switch (arg.kind) {
    case LAB_DATA:
      return blob.add(arg.bytes);
    case LAB_LIST:
      return blob.add_list(arg.list);
    case LAB_TEMPLATE:
      return blob.add(arg.bytes) | arg.number << 32;
    case LAB_FILTER:
      return blob.add(arg.bytes) | static_cast<std::uint64_t>(arg.bytes.size() / 8) << 32;
    case LAB_NUMBER:
    case LAB_VALUE:
    case LAB_PLACE:
    case LAB_STATUS:
    case LAB_LENGTH:
      return arg.number;
  }
  return 0;
}

lab_step flat_step(const Step& step, Blob& blob) {
  lab_step out = {};
  out.call = static_cast<__u32>(step.call);
  out.tolerated = static_cast<__u16>(step.tolerated);
  out.expect = static_cast<__u8>(step.expect);
  out.expected = step.expected;
  out.result = step.result;
  out.child = step.child;
  for (std::size_t i = 0; i < step.args.size() && i < 6; ++i) {
    out.kind[i] = static_cast<__u8>(step.args[i].kind);
    out.arg[i] = flat_argument(step.args[i], blob);
  }
  return out;
}

}  // namespace

Stage& Plan::stage(std::string name) {
  return stages.emplace_back(std::move(name), static_cast<std::uint8_t>(stages.size()));
}

Register& Plan::pid(std::string name) {
  return registers.emplace_back(Register{static_cast<std::uint8_t>(registers.size()), std::move(name), true});
}

Register& Plan::word(std::string name) {
  return registers.emplace_back(Register{static_cast<std::uint8_t>(registers.size()), std::move(name), false});
}

std::string flatten(const Plan& plan) {
  lab_plan head = {};
  std::vector<lab_step> steps;
  std::size_t count = 0;
  for (const Stage& stage : plan.stages) count += stage.steps.size();
  Blob blob(sizeof head + count * sizeof(lab_step));
  for (const Stage& stage : plan.stages) {
    head.stage[stage.index] = {static_cast<__u32>(steps.size()), static_cast<__u32>(stage.steps.size()), stage.leads,
                               0};
    for (const Step& step : stage.steps) {
      for (const Arg& arg : step.args) {
        if (arg.list.size() > LAB_LIST_MAX) throw Error("the command has more than 1024 arguments; give fewer");
      }
      steps.push_back(flat_step(step, blob));
    }
  }
  for (const Register& r : plan.registers) head.processes |= static_cast<__u32>(r.process) << r.index;
  head.magic = LAB_MAGIC;
  head.size = static_cast<__u32>(sizeof head + count * sizeof(lab_step) + blob.bytes().size());
  if (head.size > LAB_PLAN_MAX || plan.stages.size() > LAB_STAGES || plan.registers.size() > LAB_SCRATCH) {
    throw Error("the plan does not fit into 256 KiB; give a shorter command line");
  }
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(reinterpret_cast<const char*>(steps.data()), steps.size() * sizeof(lab_step));
  return out + blob.bytes();
}

std::string text_of(const Plan& plan, const PlanText& options) {
  std::string out;
  for (const Stage& stage : plan.stages) {
    out += stage.name + '\n';
    for (const Step& step : stage.steps) {
      if (!options.only.empty() && std::ranges::find(options.only, step.name) == options.only.end()) continue;
      if (options.reasons && options.only.empty() && !step.why.empty()) out += "  # " + step.why + '\n';
      out += "  " + step.call_text() + step.shown_result + '\n';
    }
  }
  return out;
}

namespace {

// Of a wait status that is not 0.
std::string ending_text(std::int64_t status) {
  const int word = static_cast<int>(status);
  return WIFSIGNALED(word) ? "by signal " + std::to_string(WTERMSIG(word))
                           : "with status " + std::to_string(WEXITSTATUS(word));
}

}  // namespace

std::string failure_text(const Plan& plan, const lab_report& report) {
  if (report.stage >= plan.stages.size() || report.step >= plan.stages[report.stage].steps.size()) {
    throw Error("the mini runtime reported a failure that fits no step of its plan");
  }
  const Stage& stage = plan.stages[report.stage];
  const Step& step = stage.steps[report.step];
  std::string out = stage.name + ": " + step.call_text();
  if (report.result >= 0 && step.expect == LAB_WELL) return out + ": it ended " + ending_text(report.result);
  if (report.result == 0 && step.name == "read" && step.expected != 0)
    return out + ": the process at the other end is gone; somebody killed it, or it gave up before it could say why";
  if (report.result >= 0)
    return out + " = " + std::to_string(report.result) + ", but the plan says" + step.shown_result;
  const int error = static_cast<int>(-report.result);
  const char* name = strerrorname_np(error);
  return out + " = -1 " + (name != nullptr ? name : std::to_string(error)) + " (" + strerrordesc_np(error) + ')';
}

}  // namespace nstrace::lab
