// SPDX-License-Identifier: MIT
// Trampolines: the backend "fentry", which attaches to the kernel's functions of the wanted system calls (fentry and
// fexit) instead of to the two tracepoints that every call passes. Calls that are not wanted cost nothing.
//
// What it does not see: a call that was under way when it was attached; a call that a filter of system calls (seccomp)
// or a tracer refuses, since its function is never reached; and the calls that uncovered() lists. So it is for those
// who ask for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct bpf_object;

namespace nstrace::capture {

class Trampolines {
 public:
  // Takes an object that is open but not loaded, and the calls to see, by name. Chooses the object's programs for this
  // kernel. Throws Error when the kernel refuses trampolines.
  Trampolines(bpf_object* object, const std::vector<std::string>& calls, const std::string& arch);
  ~Trampolines();
  Trampolines(const Trampolines&) = delete;
  Trampolines& operator=(const Trampolines&) = delete;

  void loaded();  // the object has been loaded: makes what is to be attached
  void attach();
  void detach();

  // "fentry", or "fentry.multi" where one program can be attached to many functions (Linux 7.2).
  std::string name() const { return many_ ? "fentry.multi" : "fentry"; }
  // Wanted calls, as 64-bit or 32-bit programs make them, whose function this kernel does not show: "clone3",
  // "setuid (32-bit)".
  const std::vector<std::string>& uncovered() const { return uncovered_; }
  // Runs that the kernel skipped.
  std::uint64_t missed() const;

 private:
  struct Function {
    int id = 0;                  // in the kernel's BTF
    std::string call;            // as uncovered() tells it
    bool plain = false;          // its prototype is that of a call without arguments
    bool returns = true;         // it comes back
    int begins = -1, ends = -1;  // programs
  };
  void choose();
  void make_stubs();
  void attach_many(const char* program, int type, bool returning);

  bpf_object* object_;
  bool many_ = false;
  std::vector<Function> functions_;
  std::vector<std::string> uncovered_;
  std::vector<int> links_;
  std::string target_, plain_target_;
};

// The backend for `wanted` ("auto", "raw", "fentry"): "raw" or "fentry". "auto" is "raw" on every kernel so far: to
// attach at a hundred functions one by one and to detach takes seconds, and even where it is done at once (Linux 7.2)
// fentry does not see a call that is refused before its function is reached.
std::string choose_backend(const std::string& wanted);

// Why the kernel refuses trampolines: an errno; 0: it does not.
int trampolines_refused();
// Can one program be attached to many functions? Where trampolines are allowed.
bool trampolines_at_many();

}  // namespace nstrace::capture
