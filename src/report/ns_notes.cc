// SPDX-License-Identifier: MIT
#include "report/ns_notes.h"

#include <fmt/format.h>

#include <algorithm>

namespace nstrace::report {
namespace {

using trace::Ns;
using trace::NsSet;

bool known(const NsSet& set) {
  return std::any_of(set.inode.begin(), set.inode.end(), [](std::uint32_t inode) { return inode != 0; });
}

std::string differences(const NsSet& before, const NsSet& after, int slots) {
  std::string note;
  for (int i = 0; i < slots; ++i) {
    const Ns ns = static_cast<Ns>(i);
    if (before[ns] == after[ns] || before[ns] == 0 || after[ns] == 0) continue;
    // A task that is in the namespace itself needs no word about its children.
    if (ns == Ns::PidForChildren && after[ns] == after[Ns::Pid]) continue;
    if (ns == Ns::TimeForChildren && after[ns] == after[Ns::Time]) continue;
    note += fmt::format("{}{}:[{}]", note.empty() ? "" : ", ", ns_name(ns), after[ns]);
  }
  return note;
}

// setns writes its descriptor's target; a note that says no more than that says nothing.
bool says_the_target(const std::string& note, const trace::Call& call) {
  for (const trace::Arg& arg : call.args) {
    if (arg.target.empty()) continue;
    const std::size_t colon = arg.target.find(':');
    if (note == arg.target ||
        (colon != arg.target.npos && note == arg.target.substr(0, colon) + "_for_children" + arg.target.substr(colon)))
      return true;
  }
  return false;
}

}  // namespace

void NsNotes::existing(const trace::Existing& process) {
  last_[process.pid] = process.ns;
}

std::string NsNotes::event(const trace::Event& event) {
  const trace::Who& who = event.who;
  std::string note;
  if (const auto* fork = event.as<trace::Fork>()) {
    last_[fork->child.tid] = fork->child.ns;
    if (known(who.ns)) {
      last_[who.tid] = who.ns;
      note = differences(who.ns, fork->child.ns, trace::kNsCount);
    }
    return note;
  }
  int tid_before = who.tid;
  if (const auto* exec = event.as<trace::Exec>(); exec && exec->tid_before != 0) tid_before = exec->tid_before;
  if (known(who.ns)) {
    // A thread that was never seen lives where its process does.
    auto before = last_.find(tid_before);
    if (before == last_.end()) before = last_.find(who.tgid);
    if (before != last_.end()) note = differences(before->second, who.ns, trace::kNsSlots);
    if (tid_before != who.tid) last_.erase(tid_before);
    last_[who.tid] = who.ns;
    if (says_the_target(note, event.call)) note.clear();
  }
  if (event.as<trace::Exit>()) last_.erase(who.tid);
  return note;
}

}  // namespace nstrace::report
