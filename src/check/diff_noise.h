// SPDX-License-Identifier: MIT
// What of two runs differs by chance, by the language a runtime is written in, or since one of them was the first.
#pragma once

#include <string>
#include <string_view>

#include "check/diff.h"
#include "model/model.h"

namespace nstrace::check {

// What a language's runtime or the scheduler does, and the program did not ask for.
bool is_noise(const trace::Event& event);
// A call that sets the ids of a thread. Those of a process are set by all of its threads, each with the same call, and
// how many those are is chance (man 7 nptl; Go's syscall.AllThreadsSyscall).
bool sets_ids(std::string_view call);
// Go tries out pidfds with a child that ends at once (os.checkPidfd): a vfork with CLONE_PIDFD that does nothing.
bool is_probe(const model::Process& process);

// Why a change is none of the runtime's: a sentence's beginning, such as "folders that a first run makes"; else empty.
std::string incidental(const CallChange& change);

// The options of a mount without those that stand twice: "mode=0755,mode=755,size=1" is "mode=755,size=1".
std::string mount_data(const std::string& data);

}  // namespace nstrace::check
