// SPDX-License-Identifier: MIT
// The functions bear the names that arch/x86/include/asm/syscall_wrapper.h and its fellow of arm64 give them.
#include "capture/trampolines.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "trace/compat.h"
#include "trace/error.h"
#include "trace/syscalls.h"

namespace nstrace::capture {
namespace {

constexpr int kFentryMulti = 59, kFexitMulti = 60;  // enum bpf_attach_type of Linux 7.2

struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};

// The functions of the kernel that begin with "__", by name.
class Functions {
 public:
  Functions() : btf_(btf__load_vmlinux_btf()) {
    for (__u32 id = 1; btf_ && id < btf__type_cnt(btf_.get()); ++id) {
      const btf_type* type = btf__type_by_id(btf_.get(), id);
      if (!btf_is_func(type)) continue;
      const char* name = btf__name_by_offset(btf_.get(), type->name_off);
      if (name[0] == '_' && name[1] == '_')
        found_.emplace(name, Found{static_cast<int>(id), static_cast<int>(type->type)});
    }
  }
  struct Found {
    int id = 0;         // 0: there is none
    int prototype = 0;  // its type
  };
  Found find(const std::string& name) const {
    const auto found = found_.find(name);
    return found == found_.end() ? Found{} : found->second;
  }
  bool has_any(std::string_view prefix) const {
    const auto next = found_.lower_bound(prefix);
    return next != found_.end() && next->first.rfind(prefix, 0) == 0;
  }

 private:
  std::unique_ptr<btf, BtfFree> btf_;
  std::map<std::string, Found, std::less<>> found_;
};

// What the kernel's source calls it.
std::string kernel_name(std::string_view call) {
  return call == "umount2" ? "umount" : std::string(call);
}

// The functions that a 32-bit program may reach under a number that stands for `call`.
std::vector<std::string> compat_functions(const std::string& name, bool narrow_ids) {
  if (narrow_ids) return {"__ia32_sys_" + name + "16"};
  if (name == "fcntl") return {"__ia32_compat_sys_fcntl", "__ia32_compat_sys_fcntl64"};
  return {"__ia32_compat_sys_" + name, "__ia32_compat_sys_ia32_" + name, "__ia32_sys_" + name};
}

// A few instructions: for who is followed, the jump through `jumps`.
int make_stub(int type, int function, int followed, int jumps) {
  const auto insn = [](int code, int dst, int src, int off, int imm) {
    bpf_insn i{};
    i.code = static_cast<__u8>(code);
    i.dst_reg = static_cast<__u8>(dst & 15);
    i.src_reg = static_cast<__u8>(src & 15);
    i.off = static_cast<__s16>(off);
    i.imm = imm;
    return i;
  };
  const bpf_insn insns[] = {
      insn(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),  // r6 = ctx
      insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_pid_tgid),
      insn(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 32),
      insn(BPF_STX | BPF_MEM | BPF_W, 10, 0, -4, 0),  // the key: the thread group
      insn(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, followed),
      insn(0, 0, 0, 0, 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
      insn(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
      insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
      insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5, 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
      insn(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_FD, 0, jumps),
      insn(0, 0, 0, 0, 0),
      insn(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0),
      insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call),
      insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
      insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = static_cast<bpf_attach_type>(type);
  options.attach_btf_id = static_cast<__u32>(function);
  return bpf_prog_load(BPF_PROG_TYPE_TRACING, "nstrace_call", "Dual MIT/GPL", insns, std::size(insns), &options);
}

// BPF_LINK_CREATE for many functions, which libbpf has later than the kernel has it.
int link_many(int program, int type, const std::vector<__u32>& ids) {
  struct {
    __u32 prog_fd, target_fd, attach_type, flags;
    __u64 ids, cookies;
    __u32 cnt, pad;
    __u64 rest[4];
  } attr{};
  attr.prog_fd = static_cast<__u32>(program);
  attr.attach_type = static_cast<__u32>(type);
  attr.ids = reinterpret_cast<__u64>(ids.data());
  attr.cnt = static_cast<__u32>(ids.size());
  return static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof attr));
}

// A function to try trampolines at; 0: there is none.
int some_function() {
  const Functions functions;
  const int id = functions.find("__x64_sys_setns").id;
  return id ? id : functions.find("__arm64_sys_setns").id;
}

}  // namespace

bool trampolines_at_many() {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = static_cast<bpf_attach_type>(kFentryMulti);
  const int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nstrace_probe", "GPL", insns, 2, &options);
  if (fd < 0) return false;
  // a kernel may load it and have no way to attach it, as on arm64
  const int link = link_many(fd, kFentryMulti, {static_cast<__u32>(some_function())});
  if (link >= 0) close(link);
  close(fd);
  return link >= 0;
}

namespace {

// Can a task lose its CPU within a program at a function? Before Linux 7.0 nothing holds it there (preempt.bpf.h), and
// two tasks would share what belongs to the CPU.
bool is_interruptible() {
  utsname u{};
  uname(&u);
  const std::string_view version = u.version;
  if (std::atoi(u.release) >= 7) return false;
  if (version.find(" PREEMPT_RT") != std::string_view::npos || version.find(" PREEMPT ") != std::string_view::npos)
    return true;
  std::string mode;
  std::getline(std::ifstream("/sys/kernel/debug/sched/preempt") >> std::ws, mode);
  return mode.find("(full)") != std::string::npos || mode.find("(lazy)") != std::string::npos;
}

[[noreturn]] void refused(const std::string& doing, int error) {
  throw Error(fmt::format("the kernel refused {} ({}), which --backend fentry needs; without it nstrace uses raw "
                          "tracepoints",
                          doing, std::strerror(error)),
              125);
}

bpf_program* program(bpf_object* object, const char* name) {
  bpf_program* found = bpf_object__find_program_by_name(object, name);
  if (!found) throw Error(fmt::format("the eBPF object has no program {}", name), 125);
  return found;
}

bpf_map* map(bpf_object* object, const std::string& name) {
  bpf_map* found = bpf_object__find_map_by_name(object, name.c_str());
  if (!found) throw Error(fmt::format("the eBPF object has no map {}", name), 125);
  return found;
}

int map_fd(bpf_object* object, const std::string& name) {
  return bpf_map__fd(map(object, name));
}

}  // namespace

std::string choose_backend(const std::string& wanted) {
  return wanted == "fentry" ? "fentry" : "raw";
}

int trampolines_refused() {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  const int id = some_function();
  if (!id) return ESRCH;
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = BPF_TRACE_FENTRY;
  options.attach_btf_id = static_cast<__u32>(id);
  const int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nstrace_probe", "GPL", insns, 2, &options);
  if (fd < 0) return errno;
  const int link = bpf_raw_tracepoint_open(nullptr, fd);
  const int error = link < 0 ? errno : 0;
  if (link >= 0) close(link);
  close(fd);
  return error;
}

Trampolines::Trampolines(bpf_object* object, const std::vector<std::string>& calls, const std::string& arch)
    : object_(object) {
  if (const int error = trampolines_refused()) refused("trampolines", error);
  if (is_interruptible())
    throw Error(
        "this kernel can interrupt a program at a function (PREEMPT), so that --backend fentry could lose events; "
        "without it nstrace uses raw tracepoints",
        125);
  many_ = trampolines_at_many();
  const Functions kernel;
  const bool x86 = arch == "x86_64";
  const std::string prefix = x86 ? "__x64_sys_" : "__arm64_sys_";
  target_ = prefix + "setns";
  plain_target_ = x86 ? "__do_sys_setsid" : target_;
  const int plain = kernel.find(plain_target_).prototype;
  std::set<int> known;
  const auto add = [&](const Functions::Found& function, const std::string& call) {
    if (function.id && known.insert(function.id).second)
      functions_.push_back({.id = function.id,
                            .call = call,
                            .plain = function.prototype == plain,
                            .returns = call.rfind("exit_group", 0) != 0});
    return function.id != 0;
  };
  const std::set<std::string, std::less<>> wanted(calls.begin(), calls.end());
  for (const std::string& call : wanted) {
    const trace::SyscallRow* row = trace::find_syscall(call);
    if (!row || trace::syscall_number(*row, arch) < 0) continue;
    const std::string name = kernel_name(call);
    // the function of a call without arguments is an alias, and BTF has it by its first name; it serves 32-bit calls
    // too
    if (!add(kernel.find(prefix + name), call) && !(x86 && add(kernel.find("__do_sys_" + name), call)) &&
        (kernel.find("__ia32_sys_" + name).id ||
         kernel.find("__ia32_compat_sys_" + name).id))  // otherwise this kernel does not have the call
      uncovered_.push_back(call);
  }
  choose();
  if (!x86 || !kernel.has_any("__ia32_")) return;
  for (const trace::CompatCall& compat : trace::compat_calls()) {
    if (!wanted.count(compat.call)) continue;
    const std::string name = kernel_name(compat.call);
    const std::string shown = fmt::format("{} (32-bit)", compat.call);
    bool found = !kernel.find("__x64_sys_" + name).id && kernel.find("__do_sys_" + name).id;
    for (const std::string& function : compat_functions(name, compat.narrow_ids))
      found |= add(kernel.find(function), shown);
    if (!found && kernel.find(prefix + name).id) uncovered_.push_back(shown);
  }
}

Trampolines::~Trampolines() {
  detach();
  for (const Function& f : functions_)
    for (const int fd : {f.begins, f.ends})
      if (fd >= 0) close(fd);
}

void Trampolines::choose() {
  for (const char* name : {"sys_enter", "sys_exit", "sys_enter_2", "sys_exit_2"})
    bpf_program__set_autoload(program(object_, name), false);
  for (const char* name : {"sys_enter_first", "sys_exit_first"}) bpf_map__set_autocreate(map(object_, name), false);
  if (many_) {
    for (const char* name : {"calls_begin", "calls_begin_2", "calls_end", "calls_end_2"}) {
      bpf_program* p = program(object_, name);
      bpf_program__set_autoload(p, true);
      bpf_program__set_type(p, BPF_PROG_TYPE_TRACING);
      bpf_program__set_expected_attach_type(
          p, static_cast<bpf_attach_type>(
                 std::string_view(name).find("begin") != std::string_view::npos ? kFentryMulti : kFexitMulti));
    }
    return;
  }
  for (const char* name : {"call_begins", "call_ends", "call_begins_0", "call_ends_0"}) {
    bpf_program* p = program(object_, name);
    bpf_program__set_autoload(p, true);
    bpf_program__set_autoattach(p, false);
    const bool plain = std::string_view(name).back() == '0';
    if (const int error = bpf_program__set_attach_target(p, 0, (plain ? plain_target_ : target_).c_str()))
      refused("a program at a function", -error);
    bpf_map__set_autocreate(map(object_, fmt::format("{}_jump", name)), true);
  }
}

void Trampolines::loaded() {
  if (many_) return;
  for (const char* name : {"call_begins", "call_ends", "call_begins_0", "call_ends_0"}) {
    const int fd = bpf_program__fd(program(object_, name));
    const __u32 first = 0;
    if (bpf_map_update_elem(map_fd(object_, fmt::format("{}_jump", name)), &first, &fd, BPF_ANY))
      refused("a jump between programs", errno);
  }
  make_stubs();
}

void Trampolines::make_stubs() {
  const int followed = map_fd(object_, "followed");
  for (Function& f : functions_) {
    const std::string end = f.plain ? "_0_jump" : "_jump";
    f.begins = make_stub(BPF_TRACE_FENTRY, f.id, followed, map_fd(object_, "call_begins" + end));
    if (f.begins >= 0 && f.returns)
      f.ends = make_stub(BPF_TRACE_FEXIT, f.id, followed, map_fd(object_, "call_ends" + end));
    if (f.begins < 0 || (f.returns && f.ends < 0)) uncovered_.push_back(f.call);
  }
}

void Trampolines::attach_many(const char* name, int type, bool returning) {
  std::vector<__u32> ids;
  for (const Function& f : functions_)
    if (f.returns || !returning) ids.push_back(static_cast<__u32>(f.id));
  std::sort(ids.begin(), ids.end());
  const int link = link_many(bpf_program__fd(program(object_, name)), type, ids);
  if (link < 0) refused("trampolines at many functions", errno);
  links_.push_back(link);
}

void Trampolines::attach() {
  // the ends first: a call that is seen to begin is then seen to end
  if (many_) {
    for (const char* name : {"calls_end", "calls_end_2"}) attach_many(name, kFexitMulti, true);
    for (const char* name : {"calls_begin", "calls_begin_2"}) attach_many(name, kFentryMulti, false);
    return;
  }
  for (const Function& f : functions_)
    for (const int fd : {f.ends, f.begins}) {
      if (fd < 0) continue;
      const int link = bpf_raw_tracepoint_open(nullptr, fd);
      if (link < 0) refused("to attach a trampoline", errno);
      links_.push_back(link);
    }
}

void Trampolines::detach() {
  while (!links_.empty()) {
    close(links_.back());
    links_.pop_back();
  }
}

std::uint64_t Trampolines::missed() const {
  std::uint64_t sum = 0;
  if (many_) return 0;  // its programs have each other, and count what both have missed
  for (const Function& f : functions_)
    for (const int fd : {f.begins, f.ends}) {
      bpf_prog_info info{};
      __u32 size = sizeof info;
      if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) sum += info.recursion_misses;
    }
  return sum;
}

}  // namespace nstrace::capture
