// SPDX-License-Identifier: MIT
// Instructions are put in when libbpf has them whole, with the functions that a program calls: behind its relocations,
// in the callback before each load.
#include "capture/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <iterator>
#include <string>

namespace nstrace::capture {
namespace {

// As in preempt.bpf.h, tasks.bpf.h and calls.bpf.h.
constexpr int kHoldCpu = 0x7ffffff1, kReleaseCpu = 0x7ffffff2, kCast = 0x7ffffff3;
constexpr int kCallsWord = 0x4e535457;

const KernelTypes::Name kHoldFunction(BTF_KIND_FUNC, "bpf_preempt_disable");
const KernelTypes::Name kReleaseFunction(BTF_KIND_FUNC, "bpf_preempt_enable");
const KernelTypes::Name kCastFunction(BTF_KIND_FUNC, "bpf_rdonly_cast");
const KernelTypes::Name kCastTypes[] = {{BTF_KIND_STRUCT, "task_struct"}, {BTF_KIND_STRUCT, "linux_binprm"}};

Programs* being_loaded = nullptr;

// Since 7.1, see preempt.bpf.h; a kernel of 7.0 has the switches too.
bool tracepoints_are_preemptible() {
  utsname u{};
  uname(&u);
  return std::atoi(u.release) >= 7;
}

// What the kernel's BTF calls a tracepoint or an iterator (include/trace/bpf_probe.h, include/linux/bpf.h).
KernelTypes::Name attach_point(const bpf_program* program) {
  const std::string section = bpf_program__section_name(program);
  const std::string name = section.substr(section.find('/') + 1);
  if (is_iterator(program)) return {BTF_KIND_FUNC, "bpf_iter_" + name};
  return {BTF_KIND_TYPEDEF, "btf_trace_" + name};
}

bool is_call(const bpf_insn& insn, int helper) {
  return insn.code == (BPF_JMP | BPF_CALL) && insn.src_reg == 0 && insn.imm == helper;
}

void call_function(bpf_insn& insn, int function) {
  insn.src_reg = BPF_PSEUDO_KFUNC_CALL;
  insn.imm = function;
}

void move_first_argument(bpf_insn& insn) {
  insn = {};
  insn.code = BPF_ALU64 | BPF_MOV | BPF_X;
  insn.src_reg = BPF_REG_1;
}

}  // namespace

bool is_at_tracepoint(const bpf_program* program) {
  return bpf_program__expected_attach_type(program) == BPF_TRACE_RAW_TP;
}

bool is_iterator(const bpf_program* program) {
  return bpf_program__expected_attach_type(program) == BPF_TRACE_ITER;
}

std::vector<bpf_program*> programs_of(const bpf_object* object) {
  std::vector<bpf_program*> all;
  for (bpf_program* p = bpf_object__next_program(object, nullptr); p; p = bpf_object__next_program(object, p))
    all.push_back(p);
  return all;
}

// libbpf reads the whole BTF of the kernel as soon as a program is of type TRACING, to find what it attaches to. Those
// at tracepoints and the iterator become so only in prepare(), when that has been found.
Programs::Programs() {
  static bool registered = false;
  being_loaded = this;
  if (registered) return;
  registered = true;
  LIBBPF_OPTS(libbpf_prog_handler_opts, options);
  options.prog_prepare_load_fn = prepare;
  struct {
    const char* section;
    bpf_prog_type type;
    bpf_attach_type attach;
  } const handled[] = {
      {"tp_btf+", BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_TRACE_RAW_TP},
      {"iter+", BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_TRACE_ITER},
      {"fentry+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
      {"fexit+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
      {"fentry.multi+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},  // trampolines.cc knows the attach types of these
      {"fexit.multi+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
  };
  for (const auto& h : handled) registered &= libbpf_register_prog_handler(h.section, h.type, h.attach, &options) >= 0;
}

Programs::~Programs() {
  being_loaded = nullptr;
}

bool Programs::look_up(const bpf_object* object) {
  std::vector<KernelTypes::Name> names{kHoldFunction, kReleaseFunction, kCastFunction};
  names.insert(names.end(), std::begin(kCastTypes), std::end(kCastTypes));
  for (const bpf_program* p : programs_of(object))
    if (is_at_tracepoint(p) || is_iterator(p)) names.push_back(attach_point(p));
  return types_.read(bpf_object__btf(object), names);
}

bool Programs::can_attach(const bpf_program* program) const {
  return types_.id(attach_point(program)) != 0;
}

bool Programs::hold_cpu() const {
  return tracepoints_are_preemptible() && types_.id(kHoldFunction) && types_.id(kReleaseFunction);
}

void Programs::want_call(int number) {
  calls_.at(static_cast<std::size_t>(number / 64)) |= std::uint64_t{1} << number % 64;
}

int Programs::prepare(bpf_program* program, bpf_prog_load_opts* options, long) {
  if (is_at_tracepoint(program) || is_iterator(program)) {
    options->attach_btf_id = static_cast<__u32>(being_loaded->types_.id(attach_point(program)));
    if (const int error = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING)) return error;
  }
  std::vector<bpf_insn> insns(bpf_program__insns(program),
                              bpf_program__insns(program) + bpf_program__insn_cnt(program));
  being_loaded->put(insns);
  return bpf_program__set_insns(program, insns.data(), insns.size());
}

void Programs::put(std::vector<bpf_insn>& insns) const {
  const int cast = types_.id(kCastFunction);
  for (std::size_t i = 0; i < insns.size(); ++i) {
    bpf_insn& insn = insns[i];
    if (is_call(insn, kHoldCpu) && hold_cpu()) {
      call_function(insn, types_.id(kHoldFunction));
    } else if (is_call(insn, kReleaseCpu) && hold_cpu()) {
      call_function(insn, types_.id(kReleaseFunction));
    } else if (is_call(insn, kCast)) {
      bpf_insn& type = insns.at(i - 1);  // loads the second argument
      type.imm = types_.id(kCastTypes[type.imm]);
      if (cast)
        call_function(insn, cast);
      else
        move_first_argument(insn);
    } else if (insn.code == (BPF_LD | BPF_IMM | BPF_DW)) {
      bpf_insn& upper = insns.at(++i);
      if (insn.src_reg != 0 || upper.imm != kCallsWord) continue;
      const std::uint64_t word = calls_.at(static_cast<std::size_t>(insn.imm));
      insn.imm = static_cast<__s32>(word);
      upper.imm = static_cast<__s32>(word >> 32);
    }
  }
}

}  // namespace nstrace::capture
