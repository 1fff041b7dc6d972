// SPDX-License-Identifier: MIT
// Documentation/bpf/btf.rst has the layout: a header, types in the order of their ids (from 1), strings. It is walked
// where it was read: libbpf would copy its 5 MB and more before anything could be asked.
#include "capture/kernel_types.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace nstrace::capture {
namespace {

constexpr const char* kKernelBtf = "/sys/kernel/btf/vmlinux";

bool can_be_candidate(const btf_type* type) {
  const int kind = btf_kind(type);
  return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
         kind == BTF_KIND_TYPEDEF;
}

// The name without its flavor, as libbpf compares it (tools/lib/bpf/relo_core.c, bpf_core_essential_name_len).
std::string_view essential(std::string_view name) {
  return name.substr(0, name.find("___"));
}

std::unordered_set<std::string_view> names_of(const btf* types) {
  std::unordered_set<std::string_view> names;
  for (__u32 id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (can_be_candidate(type) && type->name_off) names.insert(essential(btf__name_by_offset(types, type->name_off)));
  }
  return names;
}

// Words that follow the three of every type; -1: of a kind that is not known.
int words_after(const btf_type* type) {
  const int count = btf_vlen(type);
  switch (btf_kind(type)) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 1;
    case BTF_KIND_ARRAY:
      return 3;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case BTF_KIND_ENUM64:
      return 3 * count;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
      return 2 * count;
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
      return 0;
    default:  // of a kernel that is newer than this list
      return -1;
  }
}

// Calls `take` with a reference to each type id in `type` that its layout depends on, or only its pointee.
template <class Type, class Take>
void for_each_reference(Type* type, Take take) {
  switch (btf_kind(type)) {
    case BTF_KIND_PTR:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_TYPE_TAG:
      take(type->type);
      break;
    case BTF_KIND_ARRAY:
      take(btf_array(type)->type);
      take(btf_array(type)->index_type);
      break;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      for (int i = 0; i < btf_vlen(type); ++i) take((btf_members(type) + i)->type);
      break;
    default:  // numbers and enumerations have no references; functions and variables are never inside a type
      break;
  }
}

// Calls `take` with a reference to the offset of each name in `type`.
template <class Take>
void for_each_name(btf_type* type, Take take) {
  take(type->name_off);
  const int count = btf_vlen(type);
  if (btf_is_composite(type))
    for (int i = 0; i < count; ++i) take((btf_members(type) + i)->name_off);
  else if (btf_kind(type) == BTF_KIND_ENUM)
    for (int i = 0; i < count; ++i) take((btf_enum(type) + i)->name_off);
  else if (btf_kind(type) == BTF_KIND_ENUM64)
    for (int i = 0; i < count; ++i) take((btf_enum64(type) + i)->name_off);
}

// The kernel's types, as they lie in its file.
class KernelBtf {
 public:
  KernelBtf() {
    const int fd = open(kKernelBtf, O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
      read_all(fd, static_cast<std::size_t>(status.st_size));
    if (fd >= 0) close(fd);
    if (!find_types()) at_.clear();
  }
  ~KernelBtf() {
    if (bytes_) munmap(bytes_, room_);
  }
  KernelBtf(const KernelBtf&) = delete;
  KernelBtf& operator=(const KernelBtf&) = delete;

  std::size_t count() const { return at_.size(); }  // ids are below it; 0: it could not be read
  const btf_type* type(__u32 id) const { return reinterpret_cast<const btf_type*>(types_ + at_[id]); }
  const char* name(__u32 offset) const { return offset < strings_size_ ? strings_ + offset : ""; }

 private:
  // Since 6.16 the file can be mapped. Before, it is read into memory that is there at once: a page fault for each 4
  // KiB can take longer than the reading.
  void read_all(int fd, std::size_t size) {
    void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    const bool mapped = bytes != MAP_FAILED;
    if (!mapped) bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (bytes == MAP_FAILED) return;
    bytes_ = static_cast<char*>(bytes);
    room_ = size_ = size;
    for (std::size_t at = 0; !mapped && at < size;) {
      const ssize_t got = ::read(fd, bytes_ + at, size - at);
      if (got <= 0) size_ = at;
      if (got <= 0) break;
      at += static_cast<std::size_t>(got);
    }
  }

  bool find_types() {
    btf_header header;
    if (size_ < sizeof header) return false;
    std::memcpy(&header, bytes_, sizeof header);
    if (header.magic != BTF_MAGIC || header.hdr_len > size_) return false;
    const std::uint64_t types = header.hdr_len + std::uint64_t{header.type_off};
    const std::uint64_t strings = header.hdr_len + std::uint64_t{header.str_off};
    if (types + header.type_len > size_ || strings + header.str_len > size_ || types % 4 || header.str_len == 0)
      return false;
    types_ = bytes_ + types;
    strings_ = bytes_ + strings;
    strings_size_ = header.str_len;
    if (strings_[strings_size_ - 1] != '\0') return false;
    at_.reserve(header.type_len / 20);
    at_.push_back(0);  // id 0 is void
    for (std::size_t at = 0; at + sizeof(btf_type) <= header.type_len;) {
      const auto* type = reinterpret_cast<const btf_type*>(types_ + at);
      const int words = words_after(type);
      const std::size_t end = at + sizeof(btf_type) + 4 * static_cast<std::size_t>(words);
      if (words < 0 || end > header.type_len) return false;
      at_.push_back(static_cast<__u32>(at));
      at = end;
    }
    return true;
  }

  char* bytes_ = nullptr;
  std::size_t room_ = 0, size_ = 0;
  const char* types_ = nullptr;
  const char* strings_ = nullptr;
  std::size_t strings_size_ = 0;
  std::vector<__u32> at_;  // where a type lies, by its id
};

class Subset {
 public:
  explicit Subset(const KernelBtf& kernel) : kernel_(kernel), new_id_(kernel.count()) {}

  void keep(__u32 root) {
    std::vector<__u32> open{root};
    while (!open.empty()) {
      const __u32 id = open.back();
      open.pop_back();
      if (id == 0 || id >= new_id_.size() || new_id_[id]) continue;
      const btf_type* type = kernel_.type(id);
      kept_.push_back(id);
      new_id_[id] = static_cast<__u32>(kept_.size());
      if (!btf_is_ptr(type)) for_each_reference(type, [&](const __u32& to) { open.push_back(to); });
    }
  }

  // A BTF of the kept types alone.
  std::string build() const {
    std::string types, strings(1, '\0');
    std::unordered_map<__u32, __u32> moved{{0, 0}};  // names, by their offset in the kernel's
    for (const __u32 id : kept_) {
      const btf_type* from = kernel_.type(id);
      const std::size_t begin = types.size();
      types.append(reinterpret_cast<const char*>(from),
                   sizeof(btf_type) + 4 * static_cast<std::size_t>(words_after(from)));
      auto* type = reinterpret_cast<btf_type*>(types.data() + begin);
      // a pointee that is not kept becomes void
      for_each_reference(type, [&](__u32& to) { to = to < new_id_.size() ? new_id_[to] : 0; });
      for_each_name(type, [&](__u32& offset) {
        const auto [known, added] = moved.try_emplace(offset, static_cast<__u32>(strings.size()));
        if (added) strings.append(kernel_.name(offset)).push_back('\0');
        offset = known->second;
      });
    }
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof header;
    header.type_len = static_cast<__u32>(types.size());
    header.str_off = header.type_len;
    header.str_len = static_cast<__u32>(strings.size());
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + types + strings;
  }

 private:
  const KernelBtf& kernel_;
  std::vector<__u32> new_id_;  // by the kernel's id; 0 = not kept
  std::vector<__u32> kept_;    // by new id - 1
};

}  // namespace

KernelTypes::KernelTypes() : fd_(memfd_create("nstrace-kernel-types", MFD_CLOEXEC)) {
  if (fd_ >= 0) path_ = fmt::format("/proc/self/fd/{}", fd_);
}

bool KernelTypes::read(const btf* wanted, const std::vector<Name>& names) {
  const KernelBtf kernel;
  if (!wanted || kernel.count() == 0) return false;
  const std::unordered_set<std::string_view> types = names_of(wanted);
  std::unordered_set<std::string_view> asked;
  for (const Name& name : names) asked.insert(name.second);
  Subset subset(kernel);
  for (__u32 id = 1; id < kernel.count(); ++id) {
    const btf_type* type = kernel.type(id);
    const bool candidate = can_be_candidate(type);
    if (!type->name_off || (!candidate && !btf_is_func(type))) continue;
    const std::string_view name = kernel.name(type->name_off);
    if (candidate && types.count(name)) subset.keep(id);
    if (asked.count(name)) ids_.emplace(Name(btf_kind(type), name), id);
  }
  const std::string few = subset.build();
  return write(fd_, few.data(), few.size()) == static_cast<ssize_t>(few.size());
}

int KernelTypes::id(const Name& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? 0 : found->second;
}

KernelTypes::~KernelTypes() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace nstrace::capture
