// SPDX-License-Identifier: MIT
// JsonWriter: a piece of a trace to one line of JSON. Fields stand in a fixed order, "type" first, and what is empty or
// not known is left out, so the same piece gives the same bytes. The fields are described in FORMAT.md.
#include <utility>

#include "trace/constants.h"
#include "trace/file.h"
#include "trace/file_words.h"
#include "trace/json_text.h"

namespace nstrace::trace {
namespace {

// Appends fields to an object that is open at the end of `out`.
class Fields {
 public:
  explicit Fields(JsonBuffer& out) : out_(out) {}

  template <typename Name>
  void open(const Name& name) {
    key(name);
    out_ += '{';
  }
  void close() { out_ += '}'; }

  template <typename Name>
  void key(const Name& name) {
    out_.key(name);
  }
  template <typename Name, typename T>
  void integer(const Name& name, T value) {
    key(name);
    out_.number(value);
  }
  template <typename Name, typename T>
  void integers(const Name& name, const std::vector<T>& values) {
    key(name);
    out_ += '[';
    for (const T value : values) {
      if (out_.back() != '[') out_ += ',';
      out_.number(value);
    }
    out_ += ']';
  }
  template <typename Name>
  void yes(const Name& name, bool value) {  // false is left out
    if (!value) return;
    key(name);
    out_ += "true";
  }
  template <typename Name>
  void yes_or_no(const Name& name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  // 64 bits as a string: many readers of JSON keep 53.
  template <typename Name>
  void decimal(const Name& name, std::uint64_t value) {
    key(name);
    out_ += '"';
    out_.number(value);
    out_ += '"';
  }
  template <typename Name>
  void hex(const Name& name, std::uint64_t value) {
    key(name);
    out_ += "\"0x";
    out_.number(value, 16);
    out_ += '"';
  }
  template <typename Name>
  void text(const Name& name, std::string_view bytes) {
    key(name);
    if (append_json_string(out_, bytes)) return;
    exact_key(name);
    base64(bytes);
  }
  template <typename Name>
  void text_if(const Name& name, std::string_view bytes) {
    if (!bytes.empty()) text(name, bytes);
  }
  template <typename Name>
  void texts(const Name& name, const std::vector<std::string>& values) {
    key(name);
    bool valid = true;
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i) out_ += ',';
      valid &= append_json_string(out_, values[i]);
    }
    out_ += ']';
    if (valid) return;
    exact_key(name);
    out_ += '[';
    std::string scratch;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i) out_ += ',';
      scratch.clear();
      if (append_json_string(scratch, values[i]))
        out_ += "null";
      else
        base64(values[i]);
    }
    out_ += ']';
  }
  template <typename Name>
  void texts_if(const Name& name, const std::vector<std::string>& values) {
    if (!values.empty()) texts(name, values);
  }

  template <typename Name>
  void namespaces(const Name& name, const NsSet& ns) {
    if (ns == NsSet{}) return;
    open(name);
    for (int i = 0; i < kNsCount; ++i) {
      const Ns kind = static_cast<Ns>(i);
      if (ns[kind] != 0) integer(ns_name(kind), ns[kind]);
    }
    // A process's children are born into its own pid and time namespaces, but for a call that said otherwise.
    if (ns[Ns::PidForChildren] != ns[Ns::Pid]) integer("pid_for_children", ns[Ns::PidForChildren]);
    if (ns[Ns::TimeForChildren] != ns[Ns::Time]) integer("time_for_children", ns[Ns::TimeForChildren]);
    close();
  }
  void who(const Who& who) {
    integer("tid", who.tid);
    integer("tgid", who.tgid);
    integer("born", who.born);
    if (!who.tids.empty()) integers("tids", who.tids);
    text("comm", who.comm);
    namespaces("ns", who.ns);
    if (who.cgroup != 0) decimal("cgroup", who.cgroup);
  }
  template <typename Name>
  void device(const Name& name, std::uint64_t device) {
    key(name);
    out_ += '"';
    out_.number(device >> 20);
    out_ += ':';
    out_.number(device & 0xfffff);
    out_ += '"';
  }
  void creds(const Creds& creds) {
    open("creds");
    integer("uid", creds.uid);
    integer("euid", creds.euid);
    integer("suid", creds.suid);
    integer("fsuid", creds.fsuid);
    integer("gid", creds.gid);
    integer("egid", creds.egid);
    integer("sgid", creds.sgid);
    integer("fsgid", creds.fsgid);
    close();
  }
  void caps(const Caps& caps) {
    open("caps");
    hex("inheritable", caps.inheritable);
    hex("permitted", caps.permitted);
    hex("effective", caps.effective);
    hex("bounding", caps.bounding);
    hex("ambient", caps.ambient);
    close();
  }
  template <typename Name>
  void place(const Name& name, const Place& place) {
    open(name);
    if (place.device != 0) device("device", place.device);
    if (place.inode != 0) decimal("inode", place.inode);
    text_if("path", place.path);
    close();
  }
  void open_fds(const std::vector<OpenFd>& fds) {
    key("fds");
    out_ += '[';
    for (const OpenFd& fd : fds) {
      if (out_.back() != '[') out_ += ',';
      out_ += '{';
      integer("fd", fd.fd);
      text_if("target", fd.target);
      close();
    }
    out_ += ']';
  }
  void arg(const Arg& arg) {
    out_ += '{';
    text("name", arg.name);
    key("kind");
    out_.quoted(kind_word(arg.kind));
    value(arg);
    if (arg.kind == Arg::Kind::String)
      text("text", arg.text);
    else
      text_if("text", arg.text);
    if (arg.kind == Arg::Kind::Strings || arg.kind == Arg::Kind::Struct)
      texts("list", arg.list);
    else
      texts_if("list", arg.list);
    text_if("target", arg.target);
    text_if("comment", arg.comment);
    yes("cut", arg.cut);
    if (!arg.cut_elements.empty()) integers("cut_elements", arg.cut_elements);
    out_ += '}';
  }
  void call(const Call& call) {
    if (call.name.empty()) return;
    text("call", call.name);
    text_if("abi", call.abi);
    key("args");
    out_ += '[';
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      if (i) out_ += ',';
      arg(call.args[i]);
    }
    out_ += ']';
    if (call.result) integer("result", *call.result);
    text_if("result_target", call.result_target);
    text_if("note", call.note);
    if (call.failed()) text_if("error", errno_name(static_cast<int>(-*call.result)));
  }

 private:
  template <typename Name>
  void exact_key(const Name& name) {
    out_ += ",\"";
    out_ += std::string_view(name);
    out_ += "_b64\":";
  }
  void base64(std::string_view bytes) {
    out_ += '"';
    append_base64(out_, bytes);
    out_ += '"';
  }
  void value(const Arg& arg) {
    switch (arg.kind) {
      case Arg::Kind::Integer:
      case Arg::Kind::Symbol:
      case Arg::Kind::Descriptor:
        key("value");
        out_ += '"';
        out_.number(arg.value);
        out_ += '"';
        return;
      case Arg::Kind::Address:
      case Arg::Kind::Flags:
      case Arg::Kind::Unread:
        hex("value", static_cast<std::uint64_t>(arg.value));
        return;
      case Arg::Kind::String:
      case Arg::Kind::Strings:
      case Arg::Kind::Struct:  // the address, where it is known
        if (arg.value != 0) hex("value", static_cast<std::uint64_t>(arg.value));
        return;
    }
  }

  JsonBuffer& out_;
};

// The fields of each kind of event, after those that all events have.
struct Particulars {
  Fields& to;
  const Event& event;

  void operator()(const Syscall& call) const { cpu_time(call.cpu); }
  void operator()(const Fork& fork) const {
    to.hex("flags", fork.flags);
    to.integer("exit_signal", fork.exit_signal);
    to.integer("parent_tgid", fork.parent_tgid);
    to.integer("parent_born", fork.parent_born);
    to.yes("inferred", fork.inferred);
    to.open("child");
    to.who(fork.child);
    to.close();
  }
  void operator()(const Exec& exec) const {
    if (exec.tid_before != event.who.tid) to.integer("tid_before", exec.tid_before);
    to.text("comm_before", exec.comm_before);
    to.text("path", exec.path);
    to.text_if("interpreter", exec.interpreter);
    if (exec.device != 0) to.device("exe_device", exec.device);
    if (exec.inode != 0) to.decimal("exe_inode", exec.inode);
    to.texts("argv", exec.argv);
    to.yes("argv_from_image", exec.argv_from_image);
    to.integer("env_count", exec.env_count);
    to.texts_if("env", exec.env);
    state(exec);
  }
  void state(const Exec& exec) const {
    if (exec.creds) to.creds(*exec.creds);
    if (exec.caps) to.caps(*exec.caps);
    if (exec.groups) to.integers("groups", *exec.groups);
    if (exec.groups_more) to.integer("groups_more", exec.groups_more);
    if (exec.no_new_privs) to.yes_or_no("no_new_privs", *exec.no_new_privs);
    if (exec.seccomp) to.text("seccomp", seccomp_word(*exec.seccomp));
    if (exec.cwd) to.place("cwd", *exec.cwd);
    if (exec.root) to.place("root", *exec.root);
    if (exec.fds) to.open_fds(*exec.fds);
    if (exec.fds_more != 0) to.integer("fds_more", exec.fds_more);
    cpu_time(exec.cpu);
  }
  void operator()(const Exit& exit) const {
    to.integer("code", exit.code);
    to.integer("signal", exit.signal);
    to.yes("core", exit.core);
    to.yes("process", exit.process);
    cpu_time(exit.cpu);
  }
  void cpu_time(const CpuTime& cpu) const {
    if (cpu.on >= 0) to.integer("on_cpu", cpu.on);
    if (cpu.waited >= 0) to.integer("cpu_wait", cpu.waited);
    if (cpu.blocked >= 0) to.integer("blocked", cpu.blocked);
  }
  void operator()(const Rename& rename) const { to.text("comm_before", rename.comm_before); }
  void operator()(const NamespaceSeen& seen) const {
    to.text("ns_type", ns_name(seen.ns));
    to.integer("ns_inode", seen.inode);
    if (seen.id != 0) to.decimal("ns_id", seen.id);
    if (seen.owner_user != 0) to.integer("owner_user", seen.owner_user);
    if (seen.parent != 0) to.integer("parent_ns", seen.parent);
  }
  void operator()(const CgroupMove& move) const {
    to.decimal("from", move.from);
    to.text_if("from_path", move.from_path);
    to.text("cgroup_path", move.path);
  }
  void operator()(const Lost& lost) const {
    to.integer("count", lost.count);
    to.integer("cpu", lost.cpu);
    to.text("why", lost.why);
  }
  void operator()(const Signal& signal) const {
    to.integer("signal", signal.number);
    to.texts_if("info", signal.info);
  }
};

// Begins a line in `out`, whose capacity is kept from line to line.
Fields begin(JsonBuffer& out, std::string_view type) {
  out.clear();
  out += "{\"type\":\"";
  out += type;
  out += '"';
  return Fields(out);
}

}  // namespace

JsonWriter::JsonWriter(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

void JsonWriter::header(const Header& header) {
  Fields to = begin(line_, "header");
  to.text("format", kFormatName);
  to.integer("version", header.version);
  to.text_if("tool", header.tool);
  to.text_if("kernel", header.kernel);
  to.text_if("arch", header.arch);
  to.text_if("boot_id", header.boot_id);
  if (header.start_boottime != 0) to.integer("start_boottime", header.start_boottime);
  if (header.start_realtime != 0) to.integer("start_realtime", header.start_realtime);
  if (header.start_of_day != 0) to.integer("start_of_day", header.start_of_day);
  to.texts_if("command", header.command);
  to.texts_if("follow", header.follow);
  if (header.calls_known) to.texts("calls", header.calls);
  to.texts("event_types", header.events);
  if (header.gates) to.yes_or_no("gates", true);
  if (!header.payload) to.yes_or_no("payload", false);
  to.text("results", header.results);
  to.text("env_policy", header.env);
  to.text_if("backend", header.backend);
  to.yes_or_no("durations", header.durations);
  if (!header.times) to.yes_or_no("times", false);
  to.namespaces("host", header.host);
  if (header.tracer_pid != 0) to.integer("tracer_pid", header.tracer_pid);
  line_ += "}\n";
  write_(line_.view());
}

void JsonWriter::existing(const Existing& process) {
  Fields to = begin(line_, "process");
  to.integer("pid", process.pid);
  to.integer("born", process.born);
  if (!process.pids.empty()) to.integers("pids", process.pids);
  if (process.parent_pid != 0) to.integer("parent_pid", process.parent_pid);
  to.text("comm", process.comm);
  to.text_if("exe", process.exe);
  to.texts_if("argv", process.argv);
  to.namespaces("ns", process.ns);
  if (process.cgroup != 0) to.decimal("cgroup", process.cgroup);
  to.text_if("cgroup_path", process.cgroup_path);
  to.yes("followed", process.followed);
  line_ += "}\n";
  write_(line_.view());
}

void JsonWriter::who(const Who& who) {
  Written& last = written_[static_cast<std::size_t>(who.tid) % written_.size()];
  if (last.who == who) {
    line_ += std::string_view(last.text);
    return;
  }
  const std::size_t begin = line_.view().size();
  Fields(line_).who(who);
  last.who = who;
  last.text = line_.view().substr(begin);
}

void JsonWriter::event(const Event& event) {
  Fields to = begin(line_, kind_name(event));
  to.integer("n", event.number);
  to.integer("t", event.time);
  if (event.start != event.time) to.integer("start", event.start);
  if (event.who.tid != 0) who(event.who);
  to.call(event.call);
  std::visit(Particulars{to, event}, event.what);
  line_ += "}\n";
  write_(line_.view());
}

void JsonWriter::footer(const Footer& footer) {
  Fields to = begin(line_, "footer");
  to.integer("events", footer.events);
  to.integer("lost", footer.lost);
  to.key("losses");
  line_ += '[';
  for (const auto& [why, count] : footer.losses) {
    if (line_.back() != '[') line_ += ',';
    line_ += '{';
    to.text("why", why);
    to.integer("count", count);
    line_ += '}';
  }
  line_ += ']';
  if (footer.attempted != 0) {
    to.integer("attempted", footer.attempted);
    to.integer("sent", footer.sent);
    to.integer("unread", footer.unread);
  }
  if (footer.end_boottime != 0) to.integer("end_boottime", footer.end_boottime);
  if (footer.end_realtime != 0) to.integer("end_realtime", footer.end_realtime);
  to.text_if("end", footer.end);
  if (footer.status) to.integer("status", *footer.status);
  line_ += "}\n";
  write_(line_.view());
}

}  // namespace nstrace::trace
