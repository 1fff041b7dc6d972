// SPDX-License-Identifier: MIT
// Settings go into .rodata between open and load; whom to follow, into maps while it runs.
#include "capture/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "capture/doctor.h"
#include "capture/existing.h"
#include "capture/programs.h"
#include "capture/trampolines.h"
#include "nstrace.skel.h"
#include "trace/compat.h"
#include "trace/error.h"
#include "trace/event.h"
#include "trace/syscalls.h"

namespace nstrace::capture {
namespace {

constexpr std::uint32_t kNearRing = 512 << 10;
constexpr std::size_t kWorthANearRing = 4 * kNearRing;  // a buffer of this size

constexpr const char* kTreeCalls[] = {"execve", "execveat", "fork", "vfork", "clone", "clone3"};

enum CallClass : std::uint8_t {
  kNone,
  kCall,
  kExec,
  kFork,
  kNoReturn,
  kNamespaces,
  kWrite,
  kOpen
};  // as in nstrace.bpf.c

CallClass class_of(std::string_view name) {
  if (name == "execve" || name == "execveat") return kExec;
  if (name == "fork" || name == "vfork" || name == "clone" || name == "clone3") return kFork;
  if (name == "exit_group") return kNoReturn;
  if (name == "setns" || name == "unshare") return kNamespaces;
  if (name == "write" || name == "pwrite64" || name == "writev") return kWrite;
  if (name == "open" || name == "openat") return kOpen;
  return kCall;
}

std::string machine() {
  utsname u{};
  uname(&u);
  return u.machine;
}

// As many processes as there can be (proc(5), pid_max), as far as there is room for them: to make the map takes a
// microsecond for each six.
std::uint32_t most_followed(std::uint32_t room) {
  std::uint32_t pid_max = 0;
  return std::ifstream("/proc/sys/kernel/pid_max") >> pid_max && pid_max > 0 ? std::min(room, pid_max) : room;
}

// libbpf's words, the verifier's among them, are for those who work on the programs: NSTRACE_BPF_LOG=1.
int print_if_asked(libbpf_print_level level, const char* format, va_list arguments) {
  return level != LIBBPF_DEBUG && std::getenv("NSTRACE_BPF_LOG") ? std::vfprintf(stderr, format, arguments) : 0;
}

[[noreturn]] void refused(const std::string& doing, int error) {
  if (const auto why = first_problem()) throw Error(*why, 125);
  throw Error(fmt::format("the kernel refused {} ({}); `nstrace doctor` says what this host can do", doing,
                          std::strerror(error)),
              125);
}

}  // namespace

struct Probe::Impl {
  nstrace_bpf* skeleton = nullptr;
  std::optional<Trampolines> trampolines;
  std::vector<bpf_link*> links;
  bpf_link* tasks = nullptr;  // the iterator's
  ring_buffer* ring = nullptr;
  ring_buffer* near_ring = nullptr;  // none when the other is small
  int ready = -1;                    // an epoll instance of both
  std::string held;                  // the record of `ring` that is to be taken next, if any
  std::uint64_t until = 0;           // as consume() has it
  int cpus = 0;
  std::uint32_t own_pidns = 0;                    // inode, where that is not the host's
  std::map<std::uint32_t, std::uint32_t> global;  // by pid as the tracer sees it; only where it is nested
  const Take* take = nullptr;

  ~Impl() {
    trampolines.reset();  // its programs jump into those of the skeleton
    if (ready >= 0) close(ready);
    if (near_ring) ring_buffer__free(near_ring);
    if (ring) ring_buffer__free(ring);
    unlink();
    bpf_link__destroy(tasks);
    if (skeleton) nstrace_bpf__destroy(skeleton);
  }
  void unlink() {
    for (bpf_link* link : links) bpf_link__destroy(link);
    links.clear();
  }
  void open(const char* kernel_types) {
    LIBBPF_OPTS(bpf_object_open_opts, options);
    options.btf_custom_path = kernel_types;
    skeleton = nstrace_bpf__open_opts(&options);
    if (!skeleton) refused("the eBPF object", errno);
  }
  std::vector<bpf_program*> programs() const { return programs_of(skeleton->obj); }
  void open_iterator() {
    if (!tasks) tasks = bpf_program__attach_iter(skeleton->progs.existing_tasks, nullptr);
    if (!tasks) refused("the task iterator", errno);
  }
  static bool is_of_spares(std::string_view map) {
    constexpr std::string_view kEnd = "_first";
    return map.size() > kEnd.size() && map.substr(map.size() - kEnd.size()) == kEnd;
  }
  static bool is_spare(std::string_view program) {
    const std::string_view end = program.substr(program.rfind('_') + 1);
    return end == "2" || end == "3" || end == "last";
  }
  // Which programs and maps are there only where tracepoints are preemptible (spares.bpf.h).
  void want_spares(bool wanted) {
    for (bpf_program* p : programs())
      if (is_spare(bpf_program__name(p)) && is_at_tracepoint(p)) bpf_program__set_autoload(p, wanted);
    for (bpf_map* map = bpf_object__next_map(skeleton->obj, nullptr); map;
         map = bpf_object__next_map(skeleton->obj, map))
      if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
        bpf_map__set_autocreate(map, wanted && is_of_spares(bpf_map__name(map)));
  }
  // Spares jump into the first program of their hook.
  void link_spares() {
    for (bpf_map* map = bpf_object__next_map(skeleton->obj, nullptr); map;
         map = bpf_object__next_map(skeleton->obj, map)) {
      if (!is_of_spares(bpf_map__name(map)) || !bpf_map__autocreate(map)) continue;
      std::string name = bpf_map__name(map);
      name.resize(name.rfind('_'));
      const int program = bpf_program__fd(bpf_object__find_program_by_name(skeleton->obj, name.c_str()));
      const __u32 first = 0;
      if (bpf_map_update_elem(bpf_map__fd(map), &first, &program, BPF_ANY)) refused("a spare program", errno);
    }
  }
  // Events that no program took. Where programs have spares, these know; elsewhere each skipped run counts.
  std::uint64_t missed() const {
    const bool spares = skeleton->rodata->preemptible;
    std::uint64_t sum = skeleton->bss->skipped + (trampolines ? trampolines->missed() : 0);
    for (const bpf_program* p : programs()) {
      const std::string_view name = bpf_program__name(p);
      if (!bpf_program__autoload(p) || (spares && name.rfind("signal_", 0) != 0)) continue;
      bpf_prog_info info{};
      __u32 size = sizeof info;
      if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) == 0) sum += info.recursion_misses;
    }
    return sum;
  }
  void open_rings(bool both) {
    ring = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), on_record, this, nullptr);
    if (both) near_ring = ring_buffer__new(bpf_map__fd(skeleton->maps.near_ring), on_near_record, this, nullptr);
    ready = epoll_create1(EPOLL_CLOEXEC);
    if (!ring || (both && !near_ring) || ready < 0) refused("to map the ring buffer", errno);
    // edge triggered: a ring that is never quite empty would be ready at all times once it was
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    for (const bpf_map* map : {skeleton->maps.ring, skeleton->maps.near_ring})
      if (epoll_ctl(ready, EPOLL_CTL_ADD, bpf_map__fd(map), &event)) refused("to wait for the ring buffer", errno);
  }
  static std::uint64_t time_of(const void* record) {
    nst_head head;
    std::memcpy(&head, record, sizeof head);
    return head.time;
  }
  void take_held() {
    if (!held.empty()) (*take)(held.data(), held.size());
    held.clear();
  }
  static int on_near_record(void* self, void* data, size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    if (!impl.held.empty() && time_of(impl.held.data()) < time_of(data)) impl.take_held();
    (*impl.take)(data, size);
    return 0;
  }
  // libbpf counts a record as taken whatever comes back; a negative number makes it stop there.
  static int on_record(void* self, void* data, size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    if (time_of(data) <= impl.until) {
      (*impl.take)(data, size);
      return 0;
    }
    impl.held.assign(static_cast<const char*>(data), size);
    return -1;
  }
};

Probe::Probe(const ProbeOptions& options) : impl_(std::make_unique<Impl>()) {
  libbpf_set_print(print_if_asked);
  libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
  Impl& impl = *impl_;
  Programs programs;
  impl.open(programs.kernel_types().c_str());
  if (!programs.look_up(impl.skeleton->obj)) refused("a look at its types", errno);
  auto& rodata = *impl.skeleton->rodata;
  const std::string arch = machine();
  const auto enable_row = [&](const trace::SyscallRow& call) {
    const int number = trace::syscall_number(call, arch);
    if (number < 0 || number >= NST_MAX_SYSCALLS) return;
    rodata.call_class[number] = class_of(call.name);
    if (trace::returns_descriptor(call)) rodata.fd_masks[number] |= NST_RETURNS_FD;
    for (int arg = 0; arg < NST_ARGS; ++arg) {
      const trace::CaptureSpec spec = trace::capture_of(call, arg);
      auto& out = rodata.captures[number * NST_ARG_STRIDE + arg];
      out.what = static_cast<__u8>(spec.what);
      out.size = spec.size;
      out.scale = spec.scale;
      out.extra = spec.extra;
      out.first = spec.first;
      out.firsts = spec.firsts;
      out.fd_at = spec.fd_at;
      out.fd_bit = spec.fd_bit;
      // of an open it is known only at its end whether it is recorded
      if ((spec.what == trace::Capture::Descriptor && class_of(call.name) != kOpen) || spec.fd_at)
        rodata.fd_masks[number] |= static_cast<__u8>(1u << arg);
    }
  };
  const auto enable = [&](std::string_view name) {
    if (const trace::SyscallRow* call = trace::find_syscall(name)) enable_row(*call);
  };
  for (const std::string& name : options.calls) enable(name);
  // the process tree needs these whatever is asked for: they carry the arguments of exec and fork events
  for (const char* name : kTreeCalls) enable(name);
  if (options.containers) enable("setns");  // by which one enters
  rodata.watch_moves = true;
  for (const char* name : {"setns", "unshare"})
    rodata.watch_moves &= rodata.call_class[trace::syscall_number(*trace::find_syscall(name), arch)] == kNamespaces;
  if (arch == "x86_64")
    for (const trace::CompatCall& compat : trace::compat_calls()) {
      const int number = trace::find_syscall(compat.call)->x86_64;
      if (rodata.call_class[number]) rodata.compat_calls[compat.number] = static_cast<__u16>(number);
    }
  for (const int number : options.signals)
    if (number >= 1 && number <= 64) rodata.signal_mask |= std::uint64_t{1} << (number - 1);
  if (options.signals.empty())
    for (bpf_program* program : {impl.skeleton->progs.signal_deliver, impl.skeleton->progs.signal_generate})
      bpf_program__set_autoload(program, false);
  rodata.preemptible = programs.hold_cpu();
  bpf_program* const prepare_exec = impl.skeleton->progs.sched_prepare_exec;  // since 6.10
  bpf_program__set_autoload(prepare_exec, programs.can_attach(prepare_exec));
  rodata.argv_at_prepare = bpf_program__autoload(prepare_exec) && !rodata.preemptible;
  impl.want_spares(rodata.preemptible);
  if (options.backend == "fentry") {
    std::vector<std::string> calls = options.calls;
    calls.insert(calls.end(), std::begin(kTreeCalls), std::end(kTreeCalls));
    if (options.containers) calls.emplace_back("setns");
    if (options.gates) throw Error("--gates works with --backend raw only", 125);
    impl.trampolines.emplace(impl.skeleton->obj, calls, arch);
  }
  if (!options.durations && impl.trampolines) throw Error("--no-durations works with --backend raw only", 125);
  rodata.see_entries = options.durations || rodata.preemptible;  // spares know what is left to do from the call's begin
  if (!rodata.see_entries) bpf_program__set_autoload(impl.skeleton->progs.sys_enter, false);
  if (options.gates)
    for (const trace::SyscallRow& call : trace::gate_calls()) enable_row(call);
  rodata.watch_gates = options.gates;
  rodata.watch_containers = options.containers;
  rodata.payload = options.payload;
  rodata.cgroup_hierarchy = static_cast<__u8>(cgroup_hierarchy());
  impl.own_pidns = own_pid_namespace();
  rodata.nested = impl.own_pidns != 0;
  rodata.own_pidns = impl.own_pidns;
  rodata.wakeup_bytes = options.wake_up;
  rodata.ship_env = options.environment;
  impl.cpus = libbpf_num_possible_cpus();
  bpf_map__set_max_entries(impl.skeleton->maps.ring, options.buffer);
  rodata.use_near_ring = options.buffer >= kWorthANearRing;
  if (rodata.use_near_ring) bpf_map__set_max_entries(impl.skeleton->maps.near_ring, kNearRing);
  bpf_map* const followed = impl.skeleton->maps.followed;
  bpf_map__set_max_entries(followed, most_followed(bpf_map__max_entries(followed)));
  rodata.iterator_slot = impl.cpus;
  bpf_map__set_max_entries(impl.skeleton->maps.scratches, impl.cpus + 1 + (options.signals.empty() ? 0 : impl.cpus));
  bpf_map__set_max_entries(impl.skeleton->maps.chunks, impl.cpus);
  for (int number = 0; number < NST_MAX_SYSCALLS; ++number)
    if (rodata.call_class[number] || rodata.compat_calls[number]) programs.want_call(number);
  if (const int error = nstrace_bpf__load(impl.skeleton); error) refused("to load the eBPF programs", -error);
  if (rodata.preemptible) impl.link_spares();
  if (impl.trampolines) impl.trampolines->loaded();
  impl.open_rings(rodata.use_near_ring);
  if (impl.own_pidns) find_level();
}

// How deep the tracer's pid namespace is only the kernel knows: from any process that is directly in it.
void Probe::find_level() {
  for (const nst_rec_task& task : existing())
    if (task.task.ns[static_cast<int>(trace::Ns::Pid)] == impl_->own_pidns) {
      impl_->skeleton->bss->pid_level = task.task.level;
      impl_->global.clear();  // by the numbers of the first namespace, so far
      return;
    }
  throw Error("nstrace cannot find itself among the processes of its pid namespace; run it on the host", 125);
}

bool Probe::nested() const {
  return impl_->own_pidns != 0;
}

Probe::~Probe() = default;

void Probe::attach() {
  // not by the skeleton: libbpf took them for programs of another kind
  for (const bpf_program* p : impl_->programs()) {
    if (!bpf_program__autoload(p) || !is_at_tracepoint(p)) continue;
    bpf_link* link = bpf_program__attach_trace(p);
    if (!link) refused("to attach the eBPF programs", errno);
    impl_->links.push_back(link);
  }
  if (impl_->trampolines) impl_->trampolines->attach();
}

std::string Probe::backend() const {
  return impl_->trampolines ? impl_->trampolines->name() : "tp_btf";
}

bool Probe::durations() const {
  return impl_->skeleton->rodata->see_entries;
}

bool Probe::preemptible() const {
  return impl_->skeleton->rodata->preemptible;
}

std::vector<std::string> Probe::uncovered() const {
  return impl_->trampolines ? impl_->trampolines->uncovered() : std::vector<std::string>();
}

void Probe::detach() {
  if (impl_->trampolines) impl_->trampolines->detach();
  impl_->unlink();
}

void Probe::follow(int tgid, std::uint64_t born_boottime) {
  __u32 key = tgid;
  if (impl_->own_pidns) {
    if (!impl_->global.count(key)) existing();
    const auto found = impl_->global.find(key);
    if (found == impl_->global.end()) return;  // it has ended
    key = found->second;
  }
  const __u64 value = born_boottime;
  if (bpf_map_update_elem(bpf_map__fd(impl_->skeleton->maps.followed), &key, &value, BPF_ANY))
    throw Error(fmt::format("cannot follow process {}: {}", tgid, std::strerror(errno)), 125);
}

void Probe::forget(int tgid) {
  __u32 key = tgid;
  if (const auto found = impl_->global.find(key); found != impl_->global.end()) key = found->second;
  bpf_map_delete_elem(bpf_map__fd(impl_->skeleton->maps.followed), &key);
}

void Probe::watch_container(std::uint64_t cgroup, const std::vector<std::uint32_t>& namespaces) {
  const __u64 id = cgroup;
  const __u8 value = 1;
  bool failed =
      cgroup && bpf_map_update_elem(bpf_map__fd(impl_->skeleton->maps.container_cgroups), &id, &value, BPF_ANY);
  for (const std::uint32_t inode : namespaces)
    failed |=
        bpf_map_update_elem(bpf_map__fd(impl_->skeleton->maps.container_namespaces), &inode, &value, BPF_ANY) != 0;
  if (failed) throw Error(fmt::format("cannot watch so many containers: {}", std::strerror(errno)), 125);
}

void Probe::follow_name(const std::string& name) {
  struct {  // as struct name_key and struct name in nstrace.bpf.c
    char comm[NST_COMM_LEN];
    __u32 index;
  } key{};
  struct {
    __u32 length;
    char text[NST_NAME_LEN];
  } value{}, other{};
  name.copy(key.comm, NST_COMM_LEN - 1);
  value.length = static_cast<__u32>(name.copy(value.text, NST_NAME_LEN - 2));
  const int map = bpf_map__fd(impl_->skeleton->maps.names);
  while (bpf_map_lookup_elem(map, &key, &other) == 0) {
    if (std::strcmp(value.text, other.text) == 0) return;
    ++key.index;
  }
  if (key.index >= 4) throw Error(fmt::format("cannot follow {}: too many names begin like it", name), 125);
  if (bpf_map_update_elem(map, &key, &value, BPF_ANY))
    throw Error(fmt::format("cannot follow the name {}: {}", name, std::strerror(errno)), 125);
  impl_->skeleton->bss->watch_names = true;
}

bool Probe::follows_names() const {
  return impl_->skeleton->bss->watch_names;
}

std::vector<int> Probe::followed() {
  std::vector<int> tgids;
  const int map = bpf_map__fd(impl_->skeleton->maps.followed);
  __u32 key = 0;
  for (int error = bpf_map_get_next_key(map, nullptr, &key); error == 0; error = bpf_map_get_next_key(map, &key, &key))
    tgids.push_back(static_cast<int>(key));
  if (!impl_->own_pidns || tgids.empty()) return tgids;
  const std::set<int> global(tgids.begin(), tgids.end());
  tgids.clear();
  existing();
  for (const auto& [here, there] : impl_->global)
    if (global.count(static_cast<int>(there))) tgids.push_back(static_cast<int>(here));
  return tgids;
}

void Probe::set_seeding(bool on) {
  impl_->skeleton->bss->seeding = on;
}

std::vector<nst_rec_task> Probe::existing() {
  impl_->open_iterator();
  impl_->skeleton->bss->init_written = false;
  const int fd = bpf_iter_create(bpf_link__fd(impl_->tasks));
  if (fd < 0) refused("the task iterator", errno);
  std::string bytes;
  char buffer[64 * 1024];
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) bytes.append(buffer, got);
  close(fd);
  std::vector<nst_rec_task> tasks(bytes.size() / sizeof(nst_rec_task));
  std::memcpy(tasks.data(), bytes.data(), tasks.size() * sizeof(nst_rec_task));
  impl_->global.clear();
  if (impl_->own_pidns)
    for (const nst_rec_task& task : tasks) impl_->global[task.task.tgid] = task.task.global;
  return tasks;
}

int Probe::ready_fd() const {
  return impl_->ready;
}

// Of one processor's records, and of one thread's, those in the near ring come before those in the large one, as long
// as the latter is not empty; so the near one is read first. What is sent to the large one meanwhile can come behind
// something in the near one that was not there yet: it waits for the next time.
void Probe::consume(const Take& take, std::uint64_t until) {
  Impl& impl = *impl_;
  epoll_event events[2];
  epoll_wait(impl.ready, events, 2, 0);
  impl.take = &take;
  impl.until = impl.near_ring ? until : UINT64_MAX;
  if (impl.near_ring) ring_buffer__consume(impl.near_ring);
  impl.take_held();
  ring_buffer__consume(impl.ring);
}

ProbeCounters Probe::counters() const {
  ProbeCounters sum;
  std::vector<nst_counters> by_cpu(impl_->cpus);
  const __u32 zero = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(impl_->skeleton->maps.counters), &zero, by_cpu.data()) == 0) {
    for (const nst_counters& c : by_cpu) {
      sum.attempted += c.attempted;
      sum.sent += c.sent;
      sum.dropped += c.dropped;
      sum.map_full += c.map_full;
      sum.unread += c.unread;
      sum.attempted += c.signals_sent + c.signals_lost;
      sum.sent += c.signals_sent;
      sum.signals_lost += c.signals_lost;
      sum.next_seq.push_back(c.seq);
    }
  }
  sum.missed = impl_->missed();
  return sum;
}

}  // namespace nstrace::capture
