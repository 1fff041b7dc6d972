// SPDX-License-Identifier: MIT
// System V IPC: keys, flags with their permission bits, commands, and the structures behind them as lists of fields.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "trace/decode_parts.h"
#include "trace/text.h"

namespace nstrace::trace::parts {
namespace {

// include/uapi/linux/{ipc,shm,sem,msg}.h
constexpr std::uint32_t kPermissions = 0777;
constexpr std::uint32_t kIpc64 = 0x100;
constexpr unsigned kHugeShift = 26;

constexpr Constant kGetFlags[] = {{"IPC_CREAT", 01000}, {"IPC_EXCL", 02000}, {"IPC_NOWAIT", 04000}};
constexpr Constant kShmGetFlags[] = {
    {"IPC_CREAT", 01000}, {"IPC_EXCL", 02000}, {"SHM_HUGETLB", 04000}, {"SHM_NORESERVE", 010000}};
constexpr Constant kShmatFlags[] = {
    {"SHM_RDONLY", 010000}, {"SHM_RND", 020000}, {"SHM_REMAP", 040000}, {"SHM_EXEC", 0100000}};
constexpr Constant kMsgOpFlags[] = {
    {"MSG_NOERROR", 010000}, {"MSG_EXCEPT", 020000}, {"MSG_COPY", 040000}, {"IPC_NOWAIT", 04000}};
constexpr Constant kSemOpFlags[] = {{"SEM_UNDO", 0x1000}, {"IPC_NOWAIT", 04000}};

enum Command : std::uint32_t { kSet = 1, kStat = 2, kInfo = 3 };
constexpr Constant kShmCommands[] = {
    {"IPC_RMID", 0},    {"IPC_SET", kSet}, {"IPC_STAT", kStat}, {"IPC_INFO", kInfo},  {"SHM_LOCK", 11},
    {"SHM_UNLOCK", 12}, {"SHM_STAT", 13},  {"SHM_INFO", 14},    {"SHM_STAT_ANY", 15},
};
constexpr Constant kMsgCommands[] = {
    {"IPC_RMID", 0},  {"IPC_SET", kSet}, {"IPC_STAT", kStat},  {"IPC_INFO", kInfo},
    {"MSG_STAT", 11}, {"MSG_INFO", 12},  {"MSG_STAT_ANY", 13},
};
constexpr Constant kSemCommands[] = {
    {"IPC_RMID", 0}, {"IPC_SET", kSet}, {"IPC_STAT", kStat}, {"IPC_INFO", kInfo},  {"GETPID", 11},
    {"GETVAL", 12},  {"GETALL", 13},    {"GETNCNT", 14},     {"GETZCNT", 15},      {"SETVAL", 16},
    {"SETALL", 17},  {"SEM_STAT", 18},  {"SEM_INFO", 19},    {"SEM_STAT_ANY", 20},
};

// A structure: where its fields are and how they are written.
enum class Form : std::uint8_t { I32, U32, U16, U64, Id, Mode };
struct Field {
  std::string_view name;
  std::size_t offset;
  Form form;
};

// struct ipc64_perm is the head of the three others; it is the same on x86_64 and arm64.
constexpr Field kPermSet[] = {{"uid", 4, Form::Id}, {"gid", 8, Form::Id}, {"mode", 20, Form::Mode}};
constexpr Field kPermRest[] = {{"key", 0, Form::U32}, {"cuid", 12, Form::Id}, {"cgid", 16, Form::Id}};
constexpr Field kShmStat[] = {
    {"shm_segsz", 48, Form::U64},  {"shm_cpid", 80, Form::I32},  {"shm_lpid", 84, Form::I32},
    {"shm_nattch", 88, Form::U64}, {"shm_atime", 56, Form::U64}, {"shm_dtime", 64, Form::U64},
    {"shm_ctime", 72, Form::U64},
};
constexpr Field kMsgStat[] = {
    {"msg_stime", 48, Form::U64},  {"msg_rtime", 56, Form::U64},  {"msg_ctime", 64, Form::U64},
    {"msg_qnum", 80, Form::U64},   {"msg_qbytes", 88, Form::U64}, {"msg_lspid", 96, Form::I32},
    {"msg_lrpid", 100, Form::I32},
};
constexpr Field kMsgSet[] = {{"msg_qbytes", 88, Form::U64}};
constexpr Field kSemStatX86[] = {
    {"sem_otime", 48, Form::U64}, {"sem_ctime", 64, Form::U64}, {"sem_nsems", 80, Form::U64}};
constexpr Field kSemStatArm64[] = {
    {"sem_otime", 48, Form::U64}, {"sem_ctime", 56, Form::U64}, {"sem_nsems", 64, Form::U64}};
constexpr Field kShmLimits[] = {
    {"shmmax", 0, Form::U64},  {"shmmin", 8, Form::U64},  {"shmmni", 16, Form::U64},
    {"shmseg", 24, Form::U64}, {"shmall", 32, Form::U64},
};
constexpr Field kShmUse[] = {
    {"used_ids", 0, Form::I32}, {"shm_tot", 8, Form::U64},        {"shm_rss", 16, Form::U64},
    {"shm_swp", 24, Form::U64}, {"swap_attempts", 32, Form::U64}, {"swap_successes", 40, Form::U64},
};
constexpr Field kSemInfo[] = {
    {"semmap", 0, Form::I32},  {"semmni", 4, Form::I32},  {"semmns", 8, Form::I32},  {"semmnu", 12, Form::I32},
    {"semmsl", 16, Form::I32}, {"semopm", 20, Form::I32}, {"semume", 24, Form::I32}, {"semusz", 28, Form::I32},
    {"semvmx", 32, Form::I32}, {"semaem", 36, Form::I32},
};
constexpr Field kMsgInfo[] = {
    {"msgpool", 0, Form::I32}, {"msgmap", 4, Form::I32},  {"msgmax", 8, Form::I32},  {"msgmnb", 12, Form::I32},
    {"msgmni", 16, Form::I32}, {"msgssz", 20, Form::I32}, {"msgtql", 24, Form::I32}, {"msgseg", 28, Form::U16},
};

// What is known of the three kinds.
struct Kind {
  std::string_view prefix;   // of the names of fields
  std::string_view unknown;  // command
  std::span<const Constant> commands;
  std::uint32_t stat, stat_any, info;  // beside IPC_STAT and IPC_INFO
  std::span<const Field> set, stat_fields, limits, use;
};

Kind kind_of(const Slot& slot) {
  const std::string_view name = slot.raw.syscall->name;
  if (name.starts_with("shm")) return {"shm", "SHM_???", kShmCommands, 13, 15, 14, {}, kShmStat, kShmLimits, kShmUse};
  if (name.starts_with("msg"))
    return {"msg", "MSG_???", kMsgCommands, 11, 13, 12, kMsgSet, kMsgStat, kMsgInfo, kMsgInfo};
  const std::span<const Field> stat = slot.raw.arm64 ? std::span<const Field>(kSemStatArm64) : kSemStatX86;
  return {"sem", "SEM_???", kSemCommands, 18, 20, 19, {}, stat, kSemInfo, kSemInfo};
}

std::string field_text(std::string_view bytes, const Field& field) {
  const std::uint32_t word = u32_at(bytes, field.offset);
  switch (field.form) {
    case Form::I32:
      return fmt::format("{}={}", field.name, static_cast<std::int32_t>(word));
    case Form::U32:
      return fmt::format("{}={}", field.name, word);
    case Form::U16:
      return fmt::format("{}={}", field.name, word & 0xffff);
    case Form::U64:
      return fmt::format("{}={}", field.name, u64_at(bytes, field.offset));
    case Form::Id:
      return fmt::format("{}={}", field.name, id_text(word));
    case Form::Mode:
      return fmt::format("{}={}", field.name, octal_text(word));
  }
  return {};
}

void add_fields(std::vector<std::string>& out, std::string_view bytes, std::span<const Field> fields) {
  for (const Field& field : fields) out.push_back(field_text(bytes, field));
}

// How many bytes of the structure `fields` look at; all of its last word.
std::size_t bytes_of(std::span<const Field> fields) {
  std::size_t end = 0;
  for (const Field& field : fields) end = std::max<std::size_t>(end, field.offset + (field.form == Form::U64 ? 8 : 4));
  return end;
}

std::uint32_t command_of(const Slot& buffer) {
  return static_cast<std::uint32_t>(buffer.raw.args[buffer.index - 1]) & ~kIpc64;
}

}  // namespace

Arg ipc_key_arg(const Slot& slot) {
  const std::uint32_t key = slot.low();
  return make(slot, Arg::Kind::Symbol, key, key ? hex_text(key) : "IPC_PRIVATE");
}

Arg ipc_get_flags_arg(const Slot& slot) {
  const bool shm = slot.raw.syscall->args[slot.index].type == ArgType::ShmFlags;
  const std::uint32_t value = slot.low();
  std::uint32_t flags = value & ~kPermissions;
  const std::uint32_t huge = shm ? flags >> kHugeShift : 0;
  flags -= huge << kHugeShift;
  std::string text;
  if (flags) text = flags_text(flags, shm ? std::span<const Constant>(kShmGetFlags) : kGetFlags) + "|";
  if (huge) text += fmt::format("{}<<SHM_HUGE_SHIFT|", huge);
  return make(slot, Arg::Kind::Flags, value, text + octal_text(value & kPermissions));
}

Arg ipc_op_flags_arg(const Slot& slot) {
  if (slot.raw.syscall->args[slot.index].type == ArgType::ShmatFlags)
    return flags_arg(slot, slot.low(), kShmatFlags, "SHM_???");
  return flags_arg(slot, slot.low(), kMsgOpFlags, "MSG_???");
}

Arg ipc_command_arg(const Slot& slot) {
  const Kind kind = kind_of(slot);
  Arg arg = symbol_arg(slot, slot.low() & ~kIpc64, kind.commands, kind.unknown);
  arg.value = slot.low();
  if (slot.low() & kIpc64) arg.text = "IPC_64|" + arg.text;
  return arg;
}

// What the kernel stores is shown where it did so, what it takes always; everything else is an address or a number.
Arg ipc_buffer_arg(const Slot& slot) {
  const Kind kind = kind_of(slot);
  const std::uint32_t command = command_of(slot);
  const bool stored = slot.raw.result && *slot.raw.result >= 0;
  const bool stat = command == kStat || command == kind.stat || command == kind.stat_any;
  const bool info = command == kInfo || command == kind.info;
  if (slot.value() == 0 || !(command == kSet || (stored && (stat || info)))) return address_arg(slot);
  if (!slot.readable()) return unread_arg(slot);
  const std::string& bytes = slot.piece()->bytes;
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  const std::span<const Field> fields = !info              ? (stat ? kind.stat_fields : kind.set)
                                        : command == kInfo ? kind.limits
                                                           : kind.use;
  if (bytes.size() < std::max(bytes_of(fields), info ? 0 : bytes_of(kPermSet))) return unread_arg(slot);
  if (info) {
    add_fields(arg.list, bytes, fields);
    return arg;
  }
  std::vector<std::string> perm;
  add_fields(perm, bytes, kPermSet);
  if (stat) add_fields(perm, bytes, kPermRest);
  arg.list.push_back(fmt::format("{}_perm={{{}}}", kind.prefix, fmt::join(perm, ", ")));
  add_fields(arg.list, bytes, fields);
  return arg;
}

Arg sem_ops_arg(const Slot& slot) {
  constexpr std::size_t kSize = 6;  // struct sembuf
  const auto count = static_cast<std::uint32_t>(slot.raw.args[slot.index + 1]);
  if (slot.value() == 0) return address_arg(slot);
  if (count && !slot.readable()) return unread_arg(slot);
  std::vector<std::string> ops;
  const std::string_view bytes = count ? std::string_view(slot.piece()->bytes) : std::string_view();
  for (std::size_t i = 0; i < count && (i + 1) * kSize <= bytes.size(); ++i) {
    const auto word = [&](std::size_t at) { return static_cast<std::uint16_t>(u32_at(bytes, i * kSize + at)); };
    ops.push_back(fmt::format("{{sem_num={}, sem_op={}, sem_flg={}}}", word(0), static_cast<std::int16_t>(word(2)),
                              flags_text(word(4), kSemOpFlags, "SEM_???")));
  }
  if (ops.size() < count) ops.push_back(more_text(slot, bytes.size(), ops.size() * kSize));
  return make(slot, Arg::Kind::Address, slot.value(), fmt::format("[{}]", fmt::join(ops, ", ")));
}

Arg timespec_arg(const Slot& slot) {
  if (slot.value() == 0 || !slot.readable() || slot.piece()->bytes.size() < 16) return unread_arg(slot);
  const std::string& b = slot.piece()->bytes;
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {fmt::format("tv_sec={}", static_cast<std::int64_t>(u64_at(b, 0))),
              fmt::format("tv_nsec={}", u64_at(b, 8))};
  return arg;
}

Arg message_arg(const Slot& slot) {
  constexpr std::size_t kType = 8;  // the bytes of mtype
  const bool received = slot.raw.syscall->name == "msgrcv";
  if (slot.value() == 0 || (received && (!slot.raw.result || *slot.raw.result < 0))) return address_arg(slot);
  if (!slot.readable() || slot.piece()->bytes.size() < kType) return unread_arg(slot);
  const std::string_view bytes = slot.piece()->bytes;
  const std::uint64_t size = received ? static_cast<std::uint64_t>(*slot.raw.result) : slot.raw.args[slot.index + 1];
  const std::string_view text = bytes.substr(kType, size);
  Arg arg = make(slot, Arg::Kind::Struct, slot.value());
  arg.list = {fmt::format("mtype={}", static_cast<std::int64_t>(u64_at(bytes, 0))),
              "mtext=" + quote(text, kNoLimit, text.size() < size)};
  return arg;
}

}  // namespace nstrace::trace::parts
