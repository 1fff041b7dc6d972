// SPDX-License-Identifier: MIT
#include "trace/file_line.h"

#include <algorithm>

#include "trace/file_exec.h"
#include "trace/file_words.h"

namespace nstrace::trace {
namespace {

void clear(Who& who) {
  who.tid = who.tgid = 0;
  who.born = 0;
  who.tids.clear();
  who.comm.clear();
  who.ns = NsSet{};
  who.cgroup = 0;
}

void read_cpu(Field field, value v, CpuTime& cpu) {
  if (field == Field::on_cpu) cpu.on = integer<Time>(v);
  if (field == Field::cpu_wait) cpu.waited = integer<Time>(v);
  if (field == Field::blocked) cpu.blocked = integer<std::int64_t>(v);
}

}  // namespace

static_assert(LineInput::kPadding >= simdjson::SIMDJSON_PADDING);

void LineParser::read_namespaces(value v, NsSet& to) {
  // Most tasks live where another one was just seen: the same text gives the same set.
  object fields = members(v);
  std::string_view text;
  if (const auto error = fields.raw_json().get(text)) throw simdjson::simdjson_error(error);
  for (const SeenSet& seen : seen_sets_) {
    if (seen.text == text) {
      to = seen.ns;
      return;
    }
  }
  fields.reset().value();
  to = NsSet{};
  bool pid_children = false, time_children = false;
  each_key(fields, [&](std::string_view key, value inode) {
    const auto ns = ns_from_name(key);
    if (!ns) return;
    to[*ns] = integer<std::uint32_t>(inode);
    pid_children |= *ns == Ns::PidForChildren;
    time_children |= *ns == Ns::TimeForChildren;
  });
  if (!pid_children) to[Ns::PidForChildren] = to[Ns::Pid];
  if (!time_children) to[Ns::TimeForChildren] = to[Ns::Time];
  if (text.size() <= kLongestSeenSet) {
    SeenSet& oldest = seen_sets_[next_seen_set_++ % seen_sets_.size()];
    oldest.text.assign(text);
    oldest.ns = to;
  }
}

bool LineParser::read_who(Field field, bool exact, value v, Who& to) {
  if (field == Field::tid)
    to.tid = integer<int>(v);
  else if (field == Field::tgid)
    to.tgid = integer<int>(v);
  else if (field == Field::born)
    to.born = integer<Time>(v);
  else if (field == Field::tids)
    read_integers(v, to.tids);
  else if (field == Field::comm)
    read_text(v, exact, to.comm);
  else if (field == Field::ns)
    read_namespaces(v, to.ns);
  else if (field == Field::cgroup)
    to.cgroup = number_text<std::uint64_t>(v);
  else
    return false;
  return true;
}

void LineParser::read_arg(object fields, Arg& to) {
  to.name.clear();
  to.kind = Arg::Kind::Integer;
  to.cut = false;
  to.value = 0;
  to.text.clear();
  to.list.clear();
  to.cut_elements.clear();
  to.target.clear();
  to.comment.clear();
  each(fields, [&](Field field, bool exact, value v) {
    if (field == Field::name) read_text(v, exact, to.name);
    if (field == Field::kind) {
      const auto kind = kind_from_word(string(v));
      if (!kind) throw BadField{"is not a kind of argument"};
      to.kind = *kind;
    }
    if (field == Field::value) to.value = number_text<std::int64_t>(v);
    if (field == Field::text) read_text(v, exact, to.text);
    if (field == Field::list) read_texts(v, exact, to.list);
    if (field == Field::target) read_text(v, exact, to.target);
    if (field == Field::comment) read_text(v, exact, to.comment);
    if (field == Field::cut) to.cut = boolean(v);
    if (field == Field::cut_elements) read_integers(v, to.cut_elements);
  });
}

void LineParser::read_args(value v) {
  std::vector<Arg>& args = event_.call.args;
  std::size_t i = 0;
  for (auto element : elements(v)) {
    if (i == args.size()) args.emplace_back();
    read_arg(members(element.value()), args[i]);
    ++i;
  }
  args.resize(i);
}

template <typename Rest>
void LineParser::read_event(object fields, Rest rest) {
  event_.number = 0;
  event_.time = 0;
  clear(event_.who);
  event_.call.name.clear();
  event_.call.abi.clear();
  event_.call.result.reset();
  event_.call.result_target.clear();
  event_.call.note.clear();
  bool has_args = false, has_start = false;
  each(fields, [&](Field field, bool exact, value v) {
    if (field == Field::n) {
      event_.number = integer<std::uint64_t>(v);
    } else if (field == Field::t) {
      event_.time = integer<Time>(v);
    } else if (field == Field::start) {
      event_.start = integer<Time>(v);
      has_start = true;
    } else if (field == Field::call) {
      read_text(v, exact, event_.call.name);
    } else if (field == Field::abi) {
      read_text(v, exact, event_.call.abi);
    } else if (field == Field::args) {
      read_args(v);
      has_args = true;
    } else if (field == Field::result) {
      event_.call.result = integer<std::int64_t>(v);
    } else if (field == Field::result_target) {
      read_text(v, exact, event_.call.result_target);
    } else if (field == Field::note) {
      read_text(v, exact, event_.call.note);
    } else if (!read_who(field, exact, v, event_.who)) {
      rest(field, exact, v);
    }
  });
  if (!has_args) event_.call.args.clear();
  if (!has_start) event_.start = event_.time;
}

// The fields of each kind of event, after those that all events have.
bool LineParser::read_event_of(std::string_view type, object fields) {
  if (type == "syscall") {
    Syscall& call = event_.what.emplace<Syscall>();
    read_event(fields, [&](Field field, bool, value v) { read_cpu(field, v, call.cpu); });
  } else if (type == "fork") {
    Fork& fork = event_.what.emplace<Fork>();
    read_event(fields, [&](Field field, bool, value v) {
      if (field == Field::flags) fork.flags = number_text<std::uint64_t>(v);
      if (field == Field::exit_signal) fork.exit_signal = integer<int>(v);
      if (field == Field::parent_tgid) fork.parent_tgid = integer<int>(v);
      if (field == Field::parent_born) fork.parent_born = integer<Time>(v);
      if (field == Field::inferred) fork.inferred = boolean(v);
      if (field == Field::child)
        each(members(v), [&](Field of_child, bool exact, value w) { read_who(of_child, exact, w, fork.child); });
    });
  } else if (type == "exec") {
    Exec& exec = event_.what.emplace<Exec>();
    bool other_thread = false;
    read_event(fields, [&](Field field, bool exact, value v) {
      if (field == Field::tid_before) exec.tid_before = integer<int>(v), other_thread = true;
      if (field == Field::comm_before) read_text(v, exact, exec.comm_before);
      if (field == Field::path) read_text(v, exact, exec.path);
      if (field == Field::interpreter) read_text(v, exact, exec.interpreter);
      if (field == Field::exe_device) exec.device = device(string(v));
      if (field == Field::exe_inode) exec.inode = number_text<std::uint64_t>(v);
      if (field == Field::argv) read_texts(v, exact, exec.argv);
      if (field == Field::argv_from_image) exec.argv_from_image = boolean(v);
      if (field == Field::env_count) exec.env_count = integer<std::uint32_t>(v);
      if (field == Field::env) read_texts(v, exact, exec.env);
      read_cpu(field, v, exec.cpu);
      read_exec_state(field, v, exec, [this](value of, auto take) { each(members(of), take); });
    });
    if (!other_thread) exec.tid_before = event_.who.tid;
  } else if (type == "exit") {
    Exit& exit = event_.what.emplace<Exit>();
    read_event(fields, [&](Field field, bool, value v) {
      if (field == Field::code) exit.code = integer<int>(v);
      if (field == Field::signal) exit.signal = integer<int>(v);
      if (field == Field::core) exit.core = boolean(v);
      if (field == Field::process) exit.process = boolean(v);
      read_cpu(field, v, exit.cpu);
    });
  } else if (type == "comm") {
    Rename& rename = event_.what.emplace<Rename>();
    read_event(fields, [&](Field field, bool exact, value v) {
      if (field == Field::comm_before) read_text(v, exact, rename.comm_before);
    });
  } else if (type == "namespace") {
    NamespaceSeen& seen = event_.what.emplace<NamespaceSeen>();
    read_event(fields, [&](Field field, bool, value v) {
      if (field == Field::ns_type) {
        const auto ns = ns_from_name(string(v));
        if (!ns) throw BadField{"is not a type of namespace"};
        seen.ns = *ns;
      }
      if (field == Field::ns_inode) seen.inode = integer<std::uint32_t>(v);
      if (field == Field::ns_id) seen.id = number_text<std::uint64_t>(v);
      if (field == Field::owner_user) seen.owner_user = integer<std::uint32_t>(v);
      if (field == Field::parent_ns) seen.parent = integer<std::uint32_t>(v);
    });
  } else if (type == "cgroup") {
    CgroupMove& move = event_.what.emplace<CgroupMove>();
    read_event(fields, [&](Field field, bool exact, value v) {
      if (field == Field::from) move.from = number_text<std::uint64_t>(v);
      if (field == Field::from_path) read_text(v, exact, move.from_path);
      if (field == Field::cgroup_path) read_text(v, exact, move.path);
    });
  } else if (type == "lost") {
    Lost& lost = event_.what.emplace<Lost>();
    read_event(fields, [&](Field field, bool exact, value v) {
      if (field == Field::count) lost.count = integer<std::uint64_t>(v);
      if (field == Field::cpu) lost.cpu = integer<int>(v);
      if (field == Field::why) read_text(v, exact, lost.why);
    });
  } else if (type == "signal") {
    Signal& signal = event_.what.emplace<Signal>();
    read_event(fields, [&](Field field, bool exact, value v) {
      if (field == Field::signal) signal.number = integer<int>(v);
      if (field == Field::info) read_texts(v, exact, signal.info);
    });
  } else {
    return false;
  }
  return true;
}

void LineParser::read_header(object fields) {
  Header header;
  header.calls_known = false;
  bool ours = false;
  each(fields, [&](Field field, bool exact, value v) {
    if (field == Field::format) ours = string(v) == kFormatName;
    if (!ours) return;
    if (field == Field::version) {
      header.version = integer<int>(v);
      if (header.version != kFormatVersion)
        throw Error(
            fmt::format("{} is a trace of format version {}, and this nstrace reads version {}: use the nstrace that "
                        "wrote it, or a "
                        "newer one",
                        input_.name(), header.version, kFormatVersion));
    }
    if (field == Field::tool) read_text(v, exact, header.tool);
    if (field == Field::kernel) read_text(v, exact, header.kernel);
    if (field == Field::arch) read_text(v, exact, header.arch);
    if (field == Field::boot_id) read_text(v, exact, header.boot_id);
    if (field == Field::start_boottime) header.start_boottime = integer<std::uint64_t>(v);
    if (field == Field::start_realtime) header.start_realtime = integer<std::uint64_t>(v);
    if (field == Field::start_of_day) header.start_of_day = integer<std::uint64_t>(v);
    if (field == Field::command) read_texts(v, exact, header.command);
    if (field == Field::follow) read_texts(v, exact, header.follow);
    if (field == Field::calls) {
      header.calls_known = true;
      read_texts(v, exact, header.calls);
    }
    if (field == Field::event_types) read_texts(v, exact, header.events);
    if (field == Field::gates) header.gates = boolean(v);
    if (field == Field::payload) header.payload = boolean(v);
    if (field == Field::results) read_text(v, exact, header.results);
    if (field == Field::env_policy) read_text(v, exact, header.env);
    if (field == Field::backend) read_text(v, exact, header.backend);
    if (field == Field::durations) header.durations = boolean(v);
    if (field == Field::times) header.times = boolean(v);
    if (field == Field::host) read_namespaces(v, header.host);
    if (field == Field::tracer_pid) header.tracer_pid = integer<int>(v);
  });
  if (!ours) throw NotATrace{};
  sink_.header(header);
}

void LineParser::read_existing(object fields) {
  Existing process;
  each(fields, [&](Field field, bool exact, value v) {
    if (field == Field::pid) process.pid = integer<int>(v);
    if (field == Field::born) process.born = integer<Time>(v);
    if (field == Field::pids) read_integers(v, process.pids);
    if (field == Field::parent_pid) process.parent_pid = integer<int>(v);
    if (field == Field::comm) read_text(v, exact, process.comm);
    if (field == Field::exe) read_text(v, exact, process.exe);
    if (field == Field::argv) read_texts(v, exact, process.argv);
    if (field == Field::ns) read_namespaces(v, process.ns);
    if (field == Field::cgroup) process.cgroup = number_text<std::uint64_t>(v);
    if (field == Field::cgroup_path) read_text(v, exact, process.cgroup_path);
    if (field == Field::followed) process.followed = boolean(v);
  });
  sink_.existing(process);
}

void LineParser::read_footer(object fields) {
  Footer footer;
  each(fields, [&](Field field, bool exact, value v) {
    if (field == Field::events) footer.events = integer<std::uint64_t>(v);
    if (field == Field::lost) footer.lost = integer<std::uint64_t>(v);
    if (field == Field::losses) {
      for (auto element : elements(v)) {
        std::pair<std::string, std::uint64_t>& loss = footer.losses.emplace_back();
        each(members(element.value()), [&](Field of_loss, bool exact_text, value w) {
          if (of_loss == Field::why) read_text(w, exact_text, loss.first);
          if (of_loss == Field::count) loss.second = integer<std::uint64_t>(w);
        });
      }
    }
    if (field == Field::attempted) footer.attempted = integer<std::uint64_t>(v);
    if (field == Field::sent) footer.sent = integer<std::uint64_t>(v);
    if (field == Field::unread) footer.unread = integer<std::uint64_t>(v);
    if (field == Field::end_boottime) footer.end_boottime = integer<std::uint64_t>(v);
    if (field == Field::end_realtime) footer.end_realtime = integer<std::uint64_t>(v);
    if (field == Field::end) read_text(v, exact, footer.end);
    if (field == Field::status) footer.status = integer<int>(v);
  });
  sink_.footer(footer);
}

// False: of a type that is not known.
bool LineParser::dispatch(object fields, std::string_view type) {
  if (!header_seen_) {
    if (type != "header") throw NotATrace{};
    read_header(fields);
    header_seen_ = true;
    return true;
  }
  if (type == "header") fail("a second header: these are two traces in one file, which must be read one by one");
  if (type == "process") {
    read_existing(fields);
  } else if (type == "footer") {
    read_footer(fields);
    footer_seen_ = true;
  } else if (read_event_of(type, fields)) {
    sink_.event(event_);
  } else {
    each(fields, [](Field, bool, value) {});
    return false;
  }
  return true;
}

bool LineParser::parse(std::string_view line) {
  if (footer_seen_) fail("it stands behind the footer, where a trace ends");
  if (line.size() > parser_room_) {
    parser_room_ = std::max<std::size_t>(line.size() * 2, 64 << 10);
    if (const auto error = parser_.allocate(parser_room_)) fail(simdjson::error_message(error));
  }
  at_ = Field::Unknown;
  try {
    auto document = parser_.iterate(line.data(), line.size(), line.size() + LineInput::kPadding).value();
    object fields = document.get_object().value();
    type_.assign(fields.find_field_unordered("type").get_string().value());
    fields.reset().value();
    const bool known = dispatch(fields, type_);
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
      fail("there is more behind the closing brace: the file is damaged here");
    return known;
  } catch (const BadField& bad) {
    fail(fmt::format("\"{}\" {}", field_name(at_), bad.what));
  } catch (const simdjson::simdjson_error& error) {
    if (!header_seen_) throw NotATrace{};
    throw BadJson{error.what()};
  }
}

}  // namespace nstrace::trace
