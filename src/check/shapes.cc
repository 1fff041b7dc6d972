// SPDX-License-Identifier: MIT
// A call is decoded again and again, with other values in one place each time. What comes out is put together by form:
// the names of its arguments, and the option that decides about the others (PR_SET_NAME, F_ADD_SEALS, ...).
#include "check/shapes.h"

#include <algorithm>
#include <map>

#include "check/match_text.h"
#include "check/vocabulary.h"
#include "trace/constants.h"
#include "trace/decode.h"

namespace nstrace::check {
namespace {

using trace::Arg;
using trace::ArgType;
using trace::RawCall;

constexpr std::size_t kLongestComm = 15;  // TASK_COMM_LEN - 1
constexpr std::uint64_t kPointer = 0x10000;

// Small numbers, every bit, and the constants that are neither: masks of two bits, magic numbers, negative ids.
const std::vector<std::uint64_t>& probes() {
  static const std::vector<std::uint64_t> kProbes = [] {
    std::vector<std::uint64_t> all;
    for (std::uint64_t value = 0; value <= 70; ++value) all.push_back(value);
    for (int bit = 7; bit < 64; ++bit) all.push_back(std::uint64_t{1} << bit);
    for (std::uint64_t value = 1024; value <= 1040; ++value) all.push_back(value);
    for (const std::uint64_t value :
         {0060000u,    0120000u,    0140000u,     // S_IFBLK, S_IFLNK, S_IFSOCK
          04010000u,   020200000u,  020040000u,   // O_SYNC, O_TMPFILE
          0x19980330u, 0x20071026u, 0x20080522u,  // _LINUX_CAPABILITY_VERSION_*
          0x53564d41u, 0x59616d61u, 0xc0ed0000u,  // PR_SET_VMA, PR_SET_PTRACER, MS_MGC_VAL
          0x7fc00000u, 0x7ff00000u, 0x7ffc0000u, 0x7fff0000u, 0x30000u, 0x50000u,  // SECCOMP_RET_*
          0x7fffffffu, 0xffffffffu})
      all.push_back(value);
    for (std::int64_t value = -8; value < 0; ++value) all.push_back(static_cast<std::uint64_t>(value));
    all.push_back(static_cast<std::uint64_t>(std::int64_t{-100}));  // AT_FDCWD
    all.push_back(static_cast<std::uint64_t>(kHighest));
    return all;
  }();
  return kProbes;
}

// What decides about the other arguments, and the values that make a difference.
std::vector<std::uint64_t> choices(ArgType type) {
  std::vector<std::uint64_t> all;
  const auto up_to = [&](std::uint64_t last) {
    for (std::uint64_t value = 0; value <= last; ++value) all.push_back(value);
  };
  if (type == ArgType::Prctl) {
    up_to(70);
    all.insert(all.end(), {0x53564d41, 0x59616d61});
  } else if (type == ArgType::PrctlText) {
    up_to(4);
  } else if (type == ArgType::KeyctlOp || type == ArgType::FcntlCmd) {
    up_to(40);
    if (type == ArgType::FcntlCmd)
      for (std::uint64_t value = 1024; value <= 1040; ++value) all.push_back(value);
  } else if (type == ArgType::ShmCmd || type == ArgType::SemCmd || type == ArgType::MsgCmd) {
    up_to(20);
  } else if (type == ArgType::FsconfigCmd || type == ArgType::SeccompOp) {
    up_to(9);
  } else if (type == ArgType::FileMode) {
    all = {0, 0020000};  // S_IFCHR: then there is a device
  } else if (type == ArgType::OpenFlags) {
    all = {0, 0100};  // O_CREAT: then there is a mode
  } else if (type == ArgType::MountFlags) {
    all = {0, 0x1000};  // MS_BIND: then there is no type
  } else if (type == ArgType::CloneFlags) {
    for (const std::uint64_t tls : {0, 0x80000})
      for (const std::uint64_t parent : {0, 0x100000})
        for (const std::uint64_t child : {0, 0x200000}) all.push_back(tls | parent | child);
  }
  return all;
}

bool is_name(std::string_view word) {
  const char c = word.empty() ? '0' : word[0];
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "A|B|0x8", "1<<CAP_CHOWN", "makedev(0x1, 0x3)", "7"
void add_words(Shape& shape, std::string_view text) {
  while (!text.empty()) {
    std::size_t end = std::min(text.find('|'), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool shifted = word.starts_with("1<<") && is_name(word.substr(3));
    if (!shifted && !is_name(word)) {
      shape.kinds |= Shape::Number;
      continue;
    }
    if (const std::size_t open = word.find('('); open != std::string_view::npos) word = word.substr(0, open + 1);
    shape.kinds |= Shape::Word;
    shape.words.emplace(word);
  }
}

void add_text(Shape& shape, std::string_view text);

void add_field(Shape& shape, std::string_view field) {
  const std::size_t equals = field.find('=');
  if (equals == std::string_view::npos || !is_name(field) || field.find('(') < equals) return;
  Shape one;
  one.name = field.substr(0, equals);
  one.inner = true;
  add_text(one, field.substr(equals + 1));
  const auto known = std::ranges::find(shape.fields, one.name, &Shape::name);
  if (known == shape.fields.end())
    shape.fields.push_back(std::move(one));
  else
    merge(*known, one);
}

// A value as it is written inside a structure or a list.
void add_text(Shape& shape, std::string_view text) {
  shape.low = kLowest, shape.high = kHighest;
  const bool parts = text.starts_with("[") || text.starts_with("{");  // whose comments are theirs
  const std::size_t comment = parts ? std::string_view::npos : text.find(" /*");
  text = text.substr(0, comment);
  if (text.find('"') <= 1) {
    shape.kinds |= Shape::String;
  } else if (text.starts_with("[")) {
    shape.kinds |= Shape::List;
    if (shape.element.empty()) shape.element.emplace_back().inner = true;
    for (const std::string& item : split_list(text.substr(1, text.size() - 2)))
      if (!item.starts_with("...")) add_text(shape.element[0], item);
  } else if (text.starts_with("{")) {
    shape.kinds |= Shape::Struct;
    for (const std::string& field : split_list(text.substr(1, text.size() - 2))) add_field(shape, field);
  } else if (text == "NULL") {
    shape.kinds |= Shape::Address;
  } else {
    add_words(shape, text);
  }
}

void add_arg(Shape& shape, const Arg& arg) {
  switch (arg.kind) {
    case Arg::Kind::Integer:
      shape.kinds |= Shape::Number;
      shape.low = std::min(shape.low, arg.value);
      shape.high = std::max(shape.high, arg.value);
      add_words(shape, arg.text);
      break;
    case Arg::Kind::Address:
    case Arg::Kind::Unread:
      shape.kinds |= Shape::Address;
      if (arg.text.starts_with("[")) add_text(shape, arg.text);
      break;
    case Arg::Kind::Flags:
    case Arg::Kind::Symbol: {
      const std::uint8_t before = shape.kinds;
      add_words(shape, arg.text);
      shape.kinds = before | Shape::Word;  // 0 of flags is no number: NULL does not fit
      break;
    }
    case Arg::Kind::String:
      shape.kinds |= Shape::String;
      break;
    case Arg::Kind::Strings:
      shape.kinds |= Shape::List;
      break;
    case Arg::Kind::Descriptor:
      shape.kinds |= Shape::Descriptor;
      if (!arg.text.empty()) add_words(shape, arg.text);
      break;
    case Arg::Kind::Struct:
      shape.kinds |= Shape::Struct;
      for (const std::string& field : arg.list) add_field(shape, field);
      break;
  }
}

class Prober {
 public:
  explicit Prober(const trace::SyscallRow& row) : row_(row) {}

  std::vector<Form> run() {
    RawCall raw;
    raw.syscall = &row_;
    raw.result = 0;
    raw.argv = {"x"};
    for (int i = 0; i < args(); ++i) prepare(raw, i);
    choose(raw, 0);
    raw.result = 1;  // of a process that was made
    if (row_.name.starts_with("clone")) choose(raw, 0);
    std::vector<Form> forms;
    for (auto& [key, form] : forms_) forms.push_back(std::move(form));
    return forms;
  }

 private:
  int args() const {
    int count = 0;
    while (count < static_cast<int>(std::size(row_.args)) && row_.args[count].type != ArgType::None) ++count;
    return count;
  }

  // Memory that can be read wherever the kernel side reads some, all zero.
  void prepare(RawCall& raw, int index) const {
    constexpr std::size_t kBytes = 112;  // as much as the largest structure has
    const auto i = static_cast<std::size_t>(index);
    const trace::CaptureSpec spec = trace::capture_of(row_, index);
    if (spec.what == trace::Capture::Nothing || spec.what == trace::Capture::Descriptor) return;
    raw.args[i] = kPointer;
    raw.pieces[i] = trace::Piece{.bytes = std::string(kBytes, '\0')};
    if (spec.what == trace::Capture::BytesOfArg) raw.args[spec.size] = spec.scale > 1 ? 4 : kBytes;
    if (row_.args[index].type == ArgType::BytesArg) raw.args[spec.size] = 1;
    if (row_.args[index].type == ArgType::CapHeader) set(raw, i, 0, 0x20080522);  // the version with two words
  }

  static void set(RawCall& raw, std::size_t index, std::size_t offset, std::uint64_t value) {
    std::string& bytes = raw.pieces[index]->bytes;
    for (std::size_t i = 0; i < 8 && offset + i < bytes.size(); ++i)
      bytes[offset + i] = static_cast<char>(value >> 8 * i);
  }

  // Each value of each argument that decides, from `index` on.
  void choose(const RawCall& raw, int index) {
    if (index == args()) {
      sweep(raw);
      return;
    }
    std::vector<std::uint64_t> values = choices(row_.args[index].type);
    if (row_.args[index].type == ArgType::PrctlText && !names_an_action(raw)) values.clear();
    if (values.empty()) choose(raw, index + 1);
    for (const std::uint64_t value : values) {
      RawCall chosen = raw;
      chosen.args[static_cast<std::size_t>(index)] = value;
      choose(chosen, index + 1);
    }
    // also as the pointer that it may be
    if (!values.empty() && row_.args[index].type == ArgType::PrctlText) choose(raw, index + 1);
  }

  // prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, ...): the second argument is a name, and further ones follow.
  static bool names_an_action(RawCall raw) {
    raw.args[1] = 2;
    const std::vector<Arg> args = trace::decode_args(raw);
    return args.size() > 2 && args[1].kind == Arg::Kind::Symbol;
  }

  void sweep(const RawCall& raw) {
    add(raw);
    const std::vector<Arg> args_now = trace::decode_args(raw);
    const std::size_t written = args_now.size();
    for (std::size_t i = 0; i < static_cast<std::size_t>(args()); ++i) {
      if (i > written && row_.name != "clone") break;
      if (row_.args[i].type == ArgType::Prctl || row_.args[i].type == ArgType::KeyctlOp) continue;
      RawCall other = raw;
      for (const std::uint64_t value : probes()) {
        other.args[i] = value;
        if (other.pieces[i]) other.pieces[i]->bytes[0] = static_cast<char>(value & 0x7f);
        add(other);
        if (raw.args[i] == 0 || raw.pieces[i]) continue;
        other.args[i] |= raw.args[i];
        add(other);
      }
      const bool apart = i < written && (args_now[i].kind == Arg::Kind::Struct || args_now[i].text.starts_with("["));
      if (apart && raw.pieces[i]) contents(raw, i);
    }
  }

  // Each word of what an argument points to.
  void contents(const RawCall& raw, std::size_t index) {
    RawCall other = raw;
    for (std::size_t offset = 0; offset < raw.pieces[index]->bytes.size(); offset += 4) {
      const std::string before = other.pieces[index]->bytes;
      for (const std::uint64_t value : probes()) {
        set(other, index, offset, value);
        add(other);
      }
      other.pieces[index]->bytes = before;
    }
  }

  void add(const RawCall& raw) {
    std::vector<Arg> args = trace::decode_args(raw);
    std::string key;
    for (const Arg& arg : args) {
      key += arg.name + ",";
      const bool decides =
          arg.kind == Arg::Kind::Symbol && std::ranges::any_of(row_.args, [&](const trace::ArgSpec& spec) {
            return spec.name == arg.name && !choices(spec.type).empty();
          });
      if (decides) key += arg.text + ",";
    }
    Form& form = forms_[key];
    form.resize(args.size());
    for (std::size_t i = 0; i < args.size(); ++i) {
      form[i].name = args[i].name;
      add_arg(form[i], args[i]);
      const auto* spec = std::ranges::find(row_.args, args[i].name, &trace::ArgSpec::name);
      if (spec != std::end(row_.args) && spec->type == ArgType::Envp) form[i].kinds |= Shape::List;  // strace -v
    }
  }

  const trace::SyscallRow& row_;
  std::map<std::string, Form> forms_;
};

std::vector<Form> pseudo_forms(std::string_view call) {
  Shape shape;
  if (call == "exited") {
    shape.name = "code";
    shape.kinds = Shape::Number;
    shape.low = 0, shape.high = 255;
  } else if (call == "killed") {
    shape.name = "signal";
    shape.kinds = Shape::Word;
    for (int signal = 1; signal <= 64; ++signal) shape.words.insert(trace::signal_name(signal));
  } else {
    shape.name = call == "renamed" ? "comm" : "cgroup";
    shape.kinds = Shape::String;
    if (call == "renamed") shape.longest = kLongestComm;
  }
  return {{shape}};
}

Shape capability_shape(std::string_view name) {
  Shape shape;
  shape.name = name;
  shape.kinds = Shape::Word;
  for (const trace::Constant& capability : trace::capabilities()) shape.words.emplace(capability.name);
  return shape;
}

}  // namespace

const std::vector<Form>& forms_of(const std::string& call) {
  static std::map<std::string, std::vector<Form>> known;
  const auto [at, added] = known.try_emplace(call);
  if (!added) return at->second;
  if (is_pseudo_call(call)) return at->second = pseudo_forms(call);
  const trace::SyscallRow* row = trace::find_syscall(call);
  for (const trace::SyscallRow& gate : trace::gate_calls())
    if (gate.name == call) row = &gate;
  if (row) at->second = Prober(*row).run();
  return at->second;
}

Shape shape_of(StateLine::Kind state, bool fields) {
  Shape shape;
  shape.name = state_name(state);
  switch (state) {
    case StateLine::Kind::Uid:
    case StateLine::Kind::Gid:
    case StateLine::Kind::Pid:
      shape.kinds = Shape::Number;
      shape.low = state == StateLine::Kind::Pid ? 1 : 0, shape.high = 0xffffffff;
      break;
    case StateLine::Kind::NoNewPrivs:
      shape.kinds = Shape::Number;
      shape.low = 0, shape.high = 1;
      break;
    case StateLine::Kind::Seccomp:
      shape.kinds = Shape::Word | Shape::String;
      shape.low = 0, shape.high = 2;
      shape.words = {"none", "strict", "filter"};
      break;
    case StateLine::Kind::Comm:
      shape.longest = kLongestComm;
      shape.kinds = Shape::String;
      break;
    case StateLine::Kind::Exe:
    case StateLine::Kind::Cgroup:
    case StateLine::Kind::Cwd:
    case StateLine::Kind::Root:
      shape.kinds = Shape::String;
      break;
    case StateLine::Kind::Groups: {
      shape.kinds = Shape::List;
      Shape& group = shape.element.emplace_back();
      group.kinds = Shape::Number;
      group.inner = true;
      group.low = 0, group.high = 0xffffffff;
      break;
    }
    case StateLine::Kind::Fds: {
      shape.kinds = Shape::List;
      Shape& fd = shape.element.emplace_back();
      fd.kinds = Shape::Descriptor | Shape::String;
      break;
    }
    case StateLine::Kind::Caps:
      if (!fields) return capability_shape(shape.name);
      shape.kinds = Shape::Struct;
      for (const char* set : {"effective", "permitted", "inheritable", "bounding", "ambient"}) {
        shape.fields.push_back(capability_shape(set));
        shape.fields.back().inner = true;
      }
      break;
    case StateLine::Kind::Ns:
      break;
  }
  return shape;
}

void merge(Shape& shape, const Shape& more) {
  shape.kinds |= more.kinds;
  shape.inner |= more.inner;
  shape.low = std::min(shape.low, more.low);
  shape.high = std::max(shape.high, more.high);
  shape.words.insert(more.words.begin(), more.words.end());
  for (const Shape& field : more.fields) {
    const auto known = std::ranges::find(shape.fields, field.name, &Shape::name);
    if (known == shape.fields.end())
      shape.fields.push_back(field);
    else
      merge(*known, field);
  }
  if (shape.element.empty())
    shape.element = more.element;
  else if (!more.element.empty())
    merge(shape.element[0], more.element[0]);
}

}  // namespace nstrace::check
