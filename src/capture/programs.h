// SPDX-License-Identifier: MIT
// Programs: what the eBPF programs get from the running kernel's types and from the options before they are loaded.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/events.h"
#include "capture/kernel_types.h"

struct bpf_insn;
struct bpf_object;
struct bpf_program;
struct bpf_prog_load_opts;

namespace nstrace::capture {

// By the section that a program stands in.
bool is_at_tracepoint(const bpf_program* program);
bool is_iterator(const bpf_program* program);

std::vector<bpf_program*> programs_of(const bpf_object* object);

// One at a time: libbpf's handlers of sections are global. It has to be there before the object is opened, and until it
// is loaded.
class Programs {
 public:
  Programs();
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // For bpf_object_open_opts.btf_custom_path.
  const std::string& kernel_types() const { return types_.path(); }
  // Looks up what this object needs of the kernel. False when the kernel's BTF cannot be read.
  bool look_up(const bpf_object* object);

  // Does the kernel have what the program attaches to?
  bool can_attach(const bpf_program* program) const;
  // Can and need the programs hold their processor (bpf/preempt.bpf.h)?
  bool hold_cpu() const;

  // To be recorded: the call of this number, below NST_MAX_SYSCALLS.
  void want_call(int number);

 private:
  static int prepare(bpf_program* program, bpf_prog_load_opts* options, long);
  void put(std::vector<bpf_insn>& insns) const;

  KernelTypes types_;
  std::array<std::uint64_t, NST_MAX_SYSCALLS / 64> calls_{};  // a bit each
};

}  // namespace nstrace::capture
