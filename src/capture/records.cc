// SPDX-License-Identifier: MIT
#include "capture/records.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "capture/files.h"
#include "trace/decode.h"
#include "trace/siginfo.h"
#include "trace/syscalls.h"

namespace nstrace::capture {
namespace {

using trace::Event;

std::string bounded(const char* text, std::size_t size) {
  return std::string(text, strnlen(text, size));
}

trace::CpuTime cpu_time(const nst_cpu& cpu) {
  return {static_cast<trace::Time>(cpu.on), cpu.waited == NST_NO_TIME ? -1 : static_cast<trace::Time>(cpu.waited),
          static_cast<std::int64_t>(cpu.blocked)};
}

// Variables by which runtimes tell their own processes what to do: their values are no secrets of a user's.
bool is_runtime_variable(std::string_view variable) {
  static constexpr std::array<std::string_view, 4> kPrefixes{"_LIBCONTAINER_", "_OCI_", "_CONTAINERS_", "LISTEN_"};
  for (const std::string_view prefix : kPrefixes)
    if (variable.substr(0, prefix.size()) == prefix) return true;
  return variable.substr(0, 11) == "GOMAXPROCS=" || variable.substr(0, 14) == "NOTIFY_SOCKET=";
}

std::vector<std::string> split_nul(std::string_view bytes) {
  std::vector<std::string> parts;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\0');
    parts.emplace_back(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
  }
  return parts;
}

std::vector<std::string> environment(std::string_view bytes, const std::string& policy) {
  std::vector<std::string> env;
  if (policy == "none") return env;
  env = split_nul(bytes);
  if (policy == "all") return env;
  for (std::string& variable : env)
    if (!is_runtime_variable(variable)) variable.resize(std::min(variable.size(), variable.find('=')));
  return env;
}

trace::RawCall raw_call(const nst_call& call, const std::string& arch) {
  trace::RawCall raw;
  if (call.compat && call.nr != ~0u) raw.compat = trace::find_compat(static_cast<int>(call.compat));
  raw.syscall = trace::find_syscall(static_cast<int>(call.nr), arch);
  raw.arm64 = arch == "aarch64";
  std::copy(std::begin(call.args), std::end(call.args), raw.args.begin());
  return raw;
}

trace::Creds creds_of(const __u32 (&ids)[8]) {
  return {ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7]};
}

// The pieces that follow a record's fixed part.
void read_pieces(trace::RawCall& raw, const char* at, const char* end) {
  while (at + sizeof(nst_piece) <= end) {
    nst_piece piece;
    std::memcpy(&piece, at, sizeof piece);
    at += sizeof piece;
    if (piece.arg >= NST_ARGS) return;
    trace::Piece& out = raw.pieces[piece.arg].emplace();
    if (piece.length < 0) {
      out.fault = true;
      continue;
    }
    const std::size_t length = std::min<std::size_t>(piece.length, end - at);
    out.bytes.assign(at, length);
    out.cut = length == NST_PATH_MAX - 1;
    at += (length + 7) & ~std::size_t{7};
  }
}

}  // namespace

trace::Who who_of(const nst_task& task, std::uint64_t start_boottime) {
  trace::Who who;
  who.tid = static_cast<int>(task.tid);
  who.tgid = static_cast<int>(task.tgid);
  who.born = static_cast<trace::Time>(task.born - start_boottime);
  if (task.level > 0)
    for (std::uint32_t i = 0; i <= task.level && i < NST_MAX_LEVELS; ++i)
      who.tids.push_back(static_cast<int>(task.ids[i]));
  who.comm = bounded(task.comm, sizeof task.comm);
  std::copy(std::begin(task.ns), std::end(task.ns), who.ns.inode.begin());
  who.cgroup = task.cgroup;
  return who;
}

Event Records::start_event(const nst_head& head, const nst_task& task, const nst_call* call) const {
  Event event;
  event.time = static_cast<trace::Time>(head.time - options_.start_boottime);
  event.start = call && call->start ? static_cast<trace::Time>(call->start - options_.start_boottime) : event.time;
  event.who = who_of(task, options_.start_boottime);
  return event;
}

void Records::take(const void* data, std::size_t size) {
  nst_head head;
  if (size < sizeof head) return;
  std::memcpy(&head, data, sizeof head);
  gap(head);
  const char* bytes = static_cast<const char*>(data);
  switch (static_cast<nst_record>(head.type)) {
    case NST_FORK:
      return on_fork(*reinterpret_cast<const nst_rec_fork*>(bytes));
    case NST_EXEC:
      return on_exec(*reinterpret_cast<const nst_rec_exec*>(bytes));
    case NST_EXIT:
      return on_exit(*reinterpret_cast<const nst_rec_exit*>(bytes));
    case NST_RENAME:
      return on_rename(*reinterpret_cast<const nst_rec_rename*>(bytes));
    case NST_SYSCALL:
      return on_syscall(*reinterpret_cast<const nst_rec_syscall*>(bytes));
    case NST_CHUNK_CALLED:
    case NST_CHUNK_IMAGE:
    case NST_FILES_CALL:
    case NST_FILES_RESULT:
    case NST_FILES_EXEC:
      return on_chunk(*reinterpret_cast<const nst_rec_chunk*>(bytes), bytes + sizeof(nst_rec_chunk));
    case NST_NAMESPACE:
      return on_namespace(*reinterpret_cast<const nst_rec_namespace*>(bytes));
    case NST_CGROUP:
      return on_cgroup(*reinterpret_cast<const nst_rec_cgroup*>(bytes));
    case NST_SIGNAL:
      return on_signal(*reinterpret_cast<const nst_rec_signal*>(bytes));
    case NST_TASK:
      if (options_.on_task) options_.on_task(*reinterpret_cast<const nst_rec_task*>(bytes));
      return;
  }
}

void Records::gap(const nst_head& head) {
  if (head.seq == NST_NO_SEQ) return;
  if (head.cpu >= next_seq_.size()) next_seq_.resize(head.cpu + 1, 0);
  const std::uint64_t expected = next_seq_[head.cpu];
  next_seq_[head.cpu] = head.seq + 1;
  if (head.seq == expected) return;
  Event event;
  event.time = event.start = static_cast<trace::Time>(head.time - options_.start_boottime);
  event.what = trace::Lost{.count = head.seq - expected, .cpu = head.cpu, .why = "ring buffer full"};
  lost_ += head.seq - expected;
  out_(std::move(event));
}

void Records::end(const std::vector<std::uint64_t>& next_seq, trace::Time now) {
  for (std::size_t cpu = 0; cpu < next_seq.size(); ++cpu)
    gap({.cpu = static_cast<std::uint16_t>(cpu),
         .seq = next_seq[cpu],
         .time = static_cast<std::uint64_t>(now) + options_.start_boottime});
}

void Records::on_chunk(const nst_rec_chunk& rec, const char* bytes) {
  auto& chunks = rec.head.type == NST_CHUNK_CALLED   ? called_
                 : rec.head.type == NST_CHUNK_IMAGE  ? image_
                 : rec.head.type == NST_FILES_CALL   ? call_files_
                 : rec.head.type == NST_FILES_RESULT ? result_files_
                                                     : exec_files_;
  Vector& vector = chunks[{rec.tid, rec.id}];
  if (rec.index == 0) vector = {};                          // a second try begins anew
  if (rec.index != vector.next_index) vector.fault = true;  // a chunk was lost
  vector.next_index = rec.index + 1;
  vector.bytes.append(bytes, rec.length);
  vector.fault |= (rec.flags & NST_CHUNK_FAULT) != 0;
  vector.cut |= (rec.flags & NST_CHUNK_CUT) != 0;
  vector.whole = (rec.flags & NST_CHUNK_LAST) && !vector.fault;
}

void Records::on_fork(const nst_rec_fork& rec) {
  Event event = start_event(rec.head, rec.task, &rec.call);
  trace::Fork fork;
  fork.flags = rec.flags & ~std::uint64_t{0xff};  // the low byte of clone's flags is the exit signal
  fork.exit_signal = static_cast<int>(rec.exit_signal);
  fork.parent_tgid = static_cast<int>(rec.parent_tgid);
  fork.parent_born = static_cast<trace::Time>(rec.parent_born - options_.start_boottime);
  fork.child = who_of(rec.child, options_.start_boottime);
  if (!fork.thread()) {
    const auto creator = cgroups_.find(static_cast<int>(rec.task.tgid));
    const bool same = creator != cgroups_.end() && creator->second.id == rec.child.cgroup;
    cgroups_[fork.child.tgid] = {rec.child.cgroup, same ? creator->second.path : ""};
  }
  trace::RawCall raw = raw_call(rec.call, options_.arch);
  raw.result = static_cast<std::int64_t>(rec.told);
  if (rec.pidfd >= 0) raw.pidfd = rec.pidfd;
  if (!raw.syscall) {  // the entry was not seen: the flags still are
    raw.syscall = trace::find_syscall("clone");
    raw.args[0] = fork.flags | static_cast<std::uint64_t>(fork.exit_signal & 0xff);
  }
  const char* record = reinterpret_cast<const char*>(&rec);
  read_pieces(raw, record + sizeof rec, record + rec.head.size);
  take_call_files(raw, rec.call);
  event.call = trace::decode(raw);
  event.what = std::move(fork);
  out_(std::move(event));
}

// What the descriptors of a call were when it began.
void Records::take_call_files(trace::RawCall& raw, const nst_call& call) {
  const auto found = call_files_.find({call.tid, call.id});
  if (found == call_files_.end()) return;
  for (SeenFile& file : read_files(found->second.bytes))
    if (file.fd >= 0 && file.fd < NST_ARGS) raw.fds[file.fd].text = std::move(file.target);
  call_files_.erase(found);
}

// What the descriptor is that a call has returned: fcntl returns other things, too.
std::string Records::take_result_file(const trace::Call& call, const nst_call& from) {
  const auto found = result_files_.find({from.tid, from.id});
  if (found == result_files_.end()) return "";
  std::vector<SeenFile> files = read_files(found->second.bytes);
  result_files_.erase(found);
  const bool returns_fd = call.name != "fcntl" || (call.args.size() > 1 && call.args[1].text.starts_with("F_DUPFD"));
  return files.empty() || !returns_fd ? "" : std::move(files[0].target);
}

void Records::on_exec(const nst_rec_exec& rec) {
  Event event = start_event(rec.head, rec.task, &rec.call);
  trace::Exec exec;
  exec.tid_before = static_cast<int>(rec.call.tid);
  exec.comm_before = bounded(rec.comm_before, sizeof rec.comm_before);
  exec.device = rec.device;
  exec.inode = rec.inode;
  exec.env_count = rec.envc;
  exec.cpu = cpu_time(rec.cpu);
  const char* tail = reinterpret_cast<const char*>(&rec) + sizeof rec;
  const std::vector<std::string> names =
      split_nul({tail, static_cast<std::size_t>(reinterpret_cast<const char*>(&rec) + rec.head.size - tail)});
  if (!names.empty()) exec.path = names[0];
  if (names.size() > 1 && names[1] != exec.path) exec.interpreter = names[1];

  bool image_whole = false;
  if (const auto image = image_.find({rec.task.tid, rec.call.id}); image != image_.end()) {
    const std::string_view bytes = image->second.bytes;
    exec.argv = split_nul(bytes.substr(0, rec.image_args));
    if (bytes.size() > rec.image_args) exec.env = environment(bytes.substr(rec.image_args), options_.env);
    image_whole = image->second.whole;
    image_.erase(image);
  }

  exec.creds = creds_of(rec.ids);
  exec.caps = trace::Caps{rec.caps[0], rec.caps[1], rec.caps[2], rec.caps[3], rec.caps[4]};
  const std::uint32_t listed = std::min<std::uint32_t>(rec.groups_count, NST_MAX_GROUPS);
  exec.groups.emplace(rec.groups, rec.groups + listed);
  exec.groups_more = rec.groups_count - listed;
  exec.no_new_privs = rec.no_new_privs != 0;
  if (rec.seccomp <= static_cast<std::uint32_t>(trace::Seccomp::Filter))
    exec.seccomp = static_cast<trace::Seccomp>(rec.seccomp);
  if (const auto files = exec_files_.find({rec.task.tid, rec.call.id}); files != exec_files_.end()) {
    if (files->second.whole) fill_files(exec, read_files(files->second.bytes));
    exec.fds_more = rec.files_more;
    exec_files_.erase(files);
  }

  trace::RawCall raw = raw_call(rec.call, options_.arch);
  const bool known = raw.syscall;
  if (!known) raw.syscall = trace::find_syscall("execve");
  raw.result = 0;
  raw.env_count = rec.envc;
  if (const auto called = called_.find({rec.call.tid, rec.call.id}); called != called_.end()) {
    if (called->second.whole) {
      raw.argv = split_nul(called->second.bytes);
      raw.argv_cut = called->second.cut;
    }
    called_.erase(called);
  }
  if (!raw.argv) {
    raw.argv = exec.argv;
    raw.argv_cut = !image_whole;
    exec.argv_from_image = true;
  }
  const bool at = raw.syscall->name == "execveat";
  std::string path = exec.path;
  if (at) {
    // the kernel names a file that was opened below a descriptor "/dev/fd/N/PATH" (fs/exec.c, alloc_bprm)
    const std::string prefix = fmt::format("/dev/fd/{}", static_cast<int>(rec.call.args[0]));
    if (path == prefix)
      path.clear();
    else if (path.rfind(prefix + "/", 0) == 0)
      path.erase(0, prefix.size() + 1);
  }
  take_call_files(raw, rec.call);
  raw.pieces[at ? 1 : 0].emplace().bytes = path;
  // An exec that was under way when tracing began has no call: its arguments were not seen, and are not NULL.
  if (known) event.call = trace::decode(raw);
  event.what = std::move(exec);
  out_(std::move(event));
}

void Records::on_exit(const nst_rec_exit& rec) {
  Event event = start_event(rec.head, rec.task, nullptr);
  trace::Exit exit;
  exit.signal = static_cast<int>(rec.status & 0x7f);
  exit.core = rec.status & 0x80;
  exit.code = static_cast<int>(rec.status >> 8 & 0xff);
  exit.process = rec.last;
  if (rec.last) cgroups_.erase(static_cast<int>(rec.task.tgid));
  exit.cpu = cpu_time(rec.cpu);
  event.what = exit;
  // an exec that never returned, since its process was killed meanwhile
  const auto first = [&](auto& map) { return map.lower_bound({rec.task.tid, 0}); };
  for (auto* map : {&called_, &image_, &call_files_, &result_files_, &exec_files_})
    for (auto it = first(*map); it != map->end() && it->first.first == rec.task.tid;) it = map->erase(it);
  out_(std::move(event));
}

void Records::on_rename(const nst_rec_rename& rec) {
  Event event = start_event(rec.head, rec.task, nullptr);
  event.what = trace::Rename{.comm_before = bounded(rec.before, sizeof rec.before)};
  out_(std::move(event));
}

void Records::on_namespace(const nst_rec_namespace& rec) {
  if (rec.slot >= NST_NS_SLOTS) return;
  Event event = start_event(rec.head, rec.task, nullptr);
  trace::NamespaceSeen seen;
  seen.ns = static_cast<trace::Ns>(rec.slot);
  if (seen.ns == trace::Ns::PidForChildren) seen.ns = trace::Ns::Pid;
  if (seen.ns == trace::Ns::TimeForChildren) seen.ns = trace::Ns::Time;
  seen.inode = rec.inode;
  seen.id = rec.id;
  seen.owner_user = rec.owner;
  seen.parent = rec.parent;
  event.what = seen;
  out_(std::move(event));
}

void Records::on_cgroup(const nst_rec_cgroup& rec) {
  Event event = start_event(rec.head, rec.task, nullptr);
  trace::CgroupMove move;
  const char* path = reinterpret_cast<const char*>(&rec) + sizeof rec;
  move.path = bounded(path, rec.head.size - sizeof rec);
  Cgroup& now = cgroups_[static_cast<int>(rec.task.tgid)];
  move.from = now.id;
  move.from_path = now.path;
  now = {rec.task.cgroup, move.path};
  event.what = std::move(move);
  out_(std::move(event));
}

void Records::in_cgroup(int tgid, std::uint64_t id, const std::string& path) {
  cgroups_[tgid] = {id, path};
}

void Records::on_signal(const nst_rec_signal& rec) {
  Event event = start_event(rec.head, rec.task, nullptr);
  trace::SignalInfo info;
  info.number = static_cast<int>(rec.number);
  info.error = rec.info.error;
  info.code = rec.info.code;
  std::copy(std::begin(rec.info.fields), std::end(rec.info.fields), info.fields.begin());
  event.what = trace::Signal{.number = info.number, .info = trace::siginfo_fields(info, options_.arch)};
  out_(std::move(event));
}

void Records::on_syscall(const nst_rec_syscall& rec) {
  Event event = start_event(rec.head, rec.task, &rec.call);
  trace::RawCall raw = raw_call(rec.call, options_.arch);
  if (!raw.syscall) return;
  if (rec.returned) raw.result = rec.result;
  if (rec.envc != NST_NO_COUNT) raw.env_count = rec.envc;
  take_call_files(raw, rec.call);
  const char* record = reinterpret_cast<const char*>(&rec);
  read_pieces(raw, record + sizeof rec, record + rec.head.size);
  if (const auto called = called_.find({rec.call.tid, rec.call.id}); called != called_.end()) {
    if (called->second.whole) {
      raw.argv = split_nul(called->second.bytes);
      raw.argv_cut = called->second.cut;
    }
    called_.erase(called);
  }
  event.call = trace::decode(raw);
  event.call.result_target = take_result_file(event.call, rec.call);
  event.what = trace::Syscall{.cpu = cpu_time(rec.cpu)};
  out_(std::move(event));
}

}  // namespace nstrace::capture
